"""CHLO's ops on sequences: `ragged_dot` is rewritten into a masked dot, `scan` into a loop."""

import re
from collections.abc import Sequence

from slopec import dtypes, hlo
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, replay
from slopec.transforms.rule import Point, rewritten

Dims = tuple[int, ...]


def _dims(text: str, key: str) -> Dims:
    match = re.search(rf"\b{key}_dimensions = \[([^\]]*)\]", text)
    return tuple(int(d) for d in match.group(1).split(",")) if match and match.group(1) else ()


def _shifted(dims: Dims) -> Dims:
    return tuple(d + 1 for d in dims)


@rewritten(
    "chlo.ragged_dot",
    why="with group sizes that differ between batches has no derivative rule",
    hint="give `group_sizes` one dimension",
)
def _ragged_dot(point: Point) -> Sequence[Tensor] | None:
    """The lhs is copied once per group, rows of other groups zero; then an ordinary dot_general.

    What the groups divide (rows, the contracted dimension or batches) decides what becomes of the
    copies: they are contracted with the rhs's groups, stay as the first dimension, or are not made.
    """
    lhs, rhs, sizes = point.operands
    text = str(point.attribute("ragged_dot_dimension_numbers"))
    lhs_batch, rhs_batch = _dims(text, "lhs_batching"), _dims(text, "rhs_batching")
    lhs_sum, rhs_sum = _dims(text, "lhs_contracting"), _dims(text, "rhs_contracting")
    (ragged,), groups = _dims(text, "lhs_ragged"), _dims(text, "rhs_group")
    dtype = point.result.dtype
    if ragged in lhs_batch:
        numbers = DotDimensionNumbers(lhs_batch, rhs_batch, lhs_sum, rhs_sum)
        return [hlo.dot_general(lhs, rhs, numbers, dtype)]
    if sizes.ndim != 1:
        return None
    copies = _per_group(lhs, sizes, ragged)
    lhs_batch, lhs_sum = _shifted(lhs_batch), _shifted(lhs_sum)
    if ragged + 1 not in lhs_sum:
        numbers = DotDimensionNumbers(lhs_batch, rhs_batch, (0, *lhs_sum), (*groups, *rhs_sum))
        return [hlo.dot_general(copies, rhs, numbers, dtype)]
    numbers = DotDimensionNumbers(lhs_batch, rhs_batch, lhs_sum, rhs_sum)
    out = hlo.dot_general(copies, rhs, numbers, dtype)
    first = len(lhs_batch)
    return [hlo.transpose(out, [first, *(d for d in range(out.ndim) if d != first)])]


def _per_group(lhs: Tensor, sizes: Tensor, ragged: int) -> Tensor:
    """A copy of lhs for every group, zero outside the group's part of dimension `ragged`."""
    count, length = sizes.shape[0], lhs.shape[ragged]
    sizes = hlo.convert(sizes, dtypes.int32)
    earlier, group = (hlo.iota((count, count), d, dtypes.int32) for d in (0, 1))
    table = hlo.broadcast_in_dim(sizes, (count, count), (0,))
    zero = hlo.zeros_like(table)
    until = hlo.select(hlo.compare(earlier, group, "LE"), table, zero)
    ends = hlo.reduce(until, hlo.full((), 0, dtypes.int32), "add", (0,))
    assert isinstance(ends, Tensor)
    starts = hlo.subtract(ends, sizes)
    place = hlo.iota((count, length), 1, dtypes.int32)
    after = hlo.compare(place, hlo.broadcast_in_dim(starts, place.shape, (0,)), "GE")
    before = hlo.compare(place, hlo.broadcast_in_dim(ends, place.shape, (0,)), "LT")
    shape = (count, *lhs.shape)
    keep = hlo.broadcast_in_dim(hlo.and_(after, before), shape, (0, ragged + 1))
    copies = hlo.broadcast_in_dim(lhs, shape, range(1, len(shape)))
    return hlo.select(keep, copies, hlo.zeros_like(copies))


@rewritten("chlo.scan")
def _scan(point: Point) -> Sequence[Tensor]:
    """A counted loop that reads an item of every input, and writes one of every output."""
    block = block_of(point.op)
    given = list(point.attribute("operandSegmentSizes"))
    made = list(point.attribute("resultSegmentSizes"))
    inputs, inits = point.operands[: given[0]], point.operands[given[0] :]
    stacks = point.results[: made[0]]
    axis = int(point.attribute("dimension"))
    length = (inputs or stacks)[0].shape[axis]
    backwards = point.flag("is_reverse")

    def more(*values: Tensor) -> Tensor:
        return hlo.compare(values[0], hlo.full((), length, dtypes.int32), "LT")

    def body(*values: Tensor) -> Sequence[Tensor]:
        step, carries, filled = values[0], values[1 : 1 + len(inits)], values[1 + len(inits) :]
        last = hlo.full((), length - 1, dtypes.int32)
        place = hlo.subtract(last, step) if backwards else step
        items = [_item(x, place, axis) for x in inputs]
        results = replay(block, [*items, *carries])
        written = [
            _store(stack, item, place, axis)
            for stack, item in zip(filled, results[: len(stacks)], strict=True)
        ]
        one = hlo.full((), 1, dtypes.int32)
        return [hlo.add(step, one), *results[len(stacks) :], *written]

    empty = [hlo.full(stack.shape, 0, stack.dtype) for stack in stacks]
    start = hlo.full((), 0, dtypes.int32)
    results = hlo.while_loop([start, *inits, *empty], more, body)
    return [*results[1 + len(inits) :], *results[1 : 1 + len(inits)]]


def _starts(x: Tensor, place: Tensor, axis: int) -> list[Tensor]:
    zero = hlo.full((), 0, dtypes.int32)
    return [place if d == axis else zero for d in range(x.ndim)]


def _item(x: Tensor, place: Tensor, axis: int) -> Tensor:
    sizes = [1 if d == axis else n for d, n in enumerate(x.shape)]
    item = hlo.dynamic_slice(x, _starts(x, place, axis), sizes)
    return hlo.reshape(item, [n for d, n in enumerate(x.shape) if d != axis])


def _store(stack: Tensor, item: Tensor, place: Tensor, axis: int) -> Tensor:
    sizes = [1 if d == axis else n for d, n in enumerate(stack.shape)]
    return hlo.dynamic_update_slice(stack, hlo.reshape(item, sizes), _starts(stack, place, axis))
