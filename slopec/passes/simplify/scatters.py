"""Scatter with places known while compiling: an update of a slice instead of computed addresses."""

import math
from collections.abc import Sequence

from slopec import hlo
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.dtypes import int32
from slopec.passes.facts import known
from slopec.passes.op import Op, binary, binary_body
from slopec.passes.pattern import pattern
from slopec.passes.simplify.indexing import progression
from slopec.passes.simplify.shapes import Dims, places, without
from slopec.tensor import Tensor


def _numbers(op: Op) -> ScatterDimensionNumbers:
    return ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))


@pattern("scatter")
def scatter_nothing(op: Op) -> Tensor | None:
    """scatter(x, i, y) → x

    For y without elements.
    """
    if len(op.operands) != 3 or 0 not in op.operands[2].shape:
        return None
    return op.operands[0]


@pattern("scatter")
def scatter_one_window(op: Op) -> Tensor | None:
    """scatter(x, c, y) → dynamic_update_slice(x, slice(x) ∘ y)

    For a single window that lies inside x; ∘ is what the scatter combines by.
    """
    if len(op.operands) != 3:
        return None
    x, indices, y = op.operands
    n, kind = _numbers(op), binary_body(op)
    if math.prod(without(indices.shape, (n.index_vector_dim,))) != 1 or kind is None:
        return None
    index = known(indices)
    if index is None:
        return None
    sizes, low = _window(op, n), [0] * x.ndim
    for d, start in zip(n.scatter_dims_to_operand_dims, index.ravel(), strict=True):
        low[d] = int(start)
    return _update(x, hlo.reshape(y, sizes), low, kind) if _fits(low, sizes, x.shape) else None


@pattern("scatter")
def scatter_neighbours(op: Op) -> Tensor | None:
    """scatter(x, [c, c + 1, …], y) → dynamic_update_slice(x, slice(x) ∘ y)

    For whole rows that follow each other in x.
    """
    if len(op.operands) != 3:
        return None
    x, indices, y = op.operands
    n, kind = _numbers(op), binary_body(op)
    row = n.scatter_dims_to_operand_dims
    if len(row) != 1 or n.inserted_window_dims != row or n.input_batching_dims or kind is None:
        return None
    run = progression(indices)
    others = places(x.ndim, row)
    if run is None or run[1] != 1 or without(_window(op, n), row) != without(x.shape, row):
        return None
    start, _, count = run
    low = [start if d in row else 0 for d in range(x.ndim)]
    sizes = tuple(count if d in row else size for d, size in enumerate(x.shape))
    if not _fits(low, sizes, x.shape):
        return None
    front = hlo.transpose(y, (*places(y.ndim, n.update_window_dims), *n.update_window_dims))
    rows = hlo.reshape(front, (count, *without(x.shape, row)))
    order = [0 if d in row else 1 + others.index(d) for d in range(x.ndim)]
    return _update(x, hlo.transpose(rows, order), low, kind)


def _window(op: Op, n: ScatterDimensionNumbers) -> Dims:
    """The shape of one update within the operand."""
    x, _, y = op.operands
    sizes = iter([y.shape[d] for d in n.update_window_dims])
    dropped = (*n.inserted_window_dims, *n.input_batching_dims)
    return tuple(1 if d in dropped else next(sizes) for d in range(x.ndim))


def _fits(low: Sequence[int], sizes: Dims, shape: Dims) -> bool:
    """Whether a window lies inside; what a scatter would drop is not handled here."""
    return all(a >= 0 and a + m <= n for a, m, n in zip(low, sizes, shape, strict=True))


def _update(x: Tensor, y: Tensor, low: Sequence[int], kind: str) -> Tensor:
    """`x` with `y` combined into the slice that begins at `low`."""
    high = [start + n for start, n in zip(low, y.shape, strict=True)]
    new = y if kind == "second" else binary(kind, hlo.slice_(x, low, high), y)
    return hlo.dynamic_update_slice(x, new, [hlo.full((), start, int32) for start in low])
