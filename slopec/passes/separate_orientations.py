"""Gather the result of a reduction that is read along rows and along columns at once.

For sᵢ + sⱼ, say, of the sums s of rows, IREE 3.13 fuses the reduction with what follows and takes
elements of s before they are there. It does not look through a gather.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.passes.each import each
from slopec.passes.op import Op, tensor_of
from slopec.reference.table import LANEWISE

_MOST = 256
"""How many values to look at behind a reduction."""

Dims = tuple[int, ...]
"""Which dimension of a tensor each dimension of the reduction's result has become."""


@dataclass(frozen=True)
class SeparateOrientations:
    """broadcast(s, 0) + broadcast(s, 1) → the same of gather(s), where s is a reduction."""

    name: ClassVar[str] = "separate-orientations"

    def run(self, module: ir.Module) -> None:
        """Rewrite every reduction that is spread in more than one way."""
        for op in each(module, "stablehlo.reduce"):
            if any(_is_read_both_ways(result) for result in op.operation.results):
                _gather(op)


def _is_read_both_ways(result: ir.Value) -> bool:
    """Whether ops that IREE fuses see a reduction's dimensions in different places."""
    shape = ir.type_of(result)[0]
    places = tuple(d for d, n in enumerate(shape) if n != 1)
    ways: dict[ir.Shape, Dims] = {}
    seen: set[tuple[ir.Value, Dims]] = set()
    waiting = [(result, places)]
    while places and waiting and len(seen) < _MOST:
        value, dims = waiting.pop()
        if (value, dims) in seen:
            continue
        seen.add((value, dims))
        shape = ir.type_of(value)[0]
        if prod(shape) > prod(shape[d] for d in dims) and ways.setdefault(shape, dims) != dims:
            return True
        for use in value.uses:
            op = use.owner.operation
            moved = _moved(op, dims)
            if moved is not None:
                waiting.append((op.results[0], moved))
    return False


def _moved(op: ir.Operation, dims: Dims) -> Dims | None:
    """Where an op that IREE fuses puts dimensions of its operand."""
    if op.name in LANEWISE:
        return dims
    if op.name == "stablehlo.broadcast_in_dim":
        spread = tuple(op.attributes["broadcast_dimensions"])
        return tuple(spread[d] for d in dims)
    if op.name == "stablehlo.transpose":
        order = list(op.attributes["permutation"])
        return tuple(order.index(d) for d in dims)
    if op.name != "stablehlo.reshape":
        return None
    before, after = (ir.type_of(v)[0] for v in (op.operands[0], op.results[0]))
    kept, found = ([d for d, n in enumerate(shape) if n != 1] for shape in (before, after))
    if [before[d] for d in kept] != [after[d] for d in found]:
        return None
    where = dict(zip(kept, found, strict=True))
    return tuple(where[d] for d in dims)


def _gather(op: Op) -> None:
    """Let whatever uses the results of an op read each element in its place through a gather."""
    op.trace.point = ir.InsertionPoint.after(op.operation)
    for result in op.operation.results:
        x = tensor_of(result, op.trace)
        uses = [(use.owner.operation, use.operand_number) for use in result.uses]
        places = hlo.iota((prod(x.shape), 1), 0, dtypes.int32)
        numbers = GatherDimensionNumbers(
            collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=1
        )
        gathered = hlo.gather(hlo.reshape(x, (prod(x.shape),)), places, numbers, [1])
        for user, place in uses:
            user.operands[place] = op.trace.value_of(hlo.reshape(gathered, x.shape))
