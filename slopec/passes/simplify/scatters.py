"""Scatter with places known while compiling: an update of a slice instead of computed addresses."""

import math

from slopec import hlo
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.passes.op import Op, binary_body, numbers
from slopec.passes.pattern import pattern
from slopec.passes.simplify.indexing import progression
from slopec.passes.simplify.reductions import is_neutral
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


@pattern("scatter", of="_, constant")
def scatter_one_window(op: Op) -> Tensor | None:
    """scatter(x, c, y) → dynamic_update_slice(x, slice(x) ∘ y)

    For a single window that lies inside x; ∘ is what the scatter combines by.
    """
    if len(op.operands) != 3:
        return None
    x, indices, y = op.operands
    n = _numbers(op)
    count = math.prod(without(indices.shape, (n.index_vector_dim,)))
    index, kind = numbers(indices), binary_body(op)
    if count != 1 or index is None or kind is None or op.dtype != y.dtype:
        return None
    sizes = _window(op, n)
    low = [0] * x.ndim
    flat = [int(index)] * len(n.scatter_dims_to_operand_dims) if not index.ndim else index.ravel()
    for d, start in zip(n.scatter_dims_to_operand_dims, flat, strict=True):
        low[d] = int(start)
    return _updated(x, hlo.reshape(y, sizes), low, kind)


@pattern("scatter", of="_, constant")
def scatter_neighbours(op: Op) -> Tensor | None:
    """scatter(x, [c, c + 1, …], y) → dynamic_update_slice(x, slice(x) ∘ y)

    For whole rows that follow each other in x.
    """
    if len(op.operands) != 3:
        return None
    x, indices, y = op.operands
    n = _numbers(op)
    row = n.scatter_dims_to_operand_dims
    run, kind = progression(indices), binary_body(op)
    if len(row) != 1 or n.inserted_window_dims != row or run is None or run[1] != 1:
        return None
    if kind is None or op.dtype != y.dtype or n.input_batching_dims:
        return None
    (dim,) = row
    if without(_window(op, n), row) != without(x.shape, row):
        return None
    front = hlo.transpose(y, (*places(y.ndim, n.update_window_dims), *n.update_window_dims))
    rows = hlo.reshape(front, (run[2], *without(x.shape, row)))
    others = places(x.ndim, row)
    order = [0 if d == dim else 1 + others.index(d) for d in range(x.ndim)]
    return _updated(x, hlo.transpose(rows, order), [run[0] * (d == dim) for d in range(x.ndim)], kind)


def _window(op: Op, n: ScatterDimensionNumbers) -> Dims:
    """The shape of one update within the operand."""
    x, _, y = op.operands
    sizes = iter([y.shape[d] for d in n.update_window_dims])
    dropped = (*n.inserted_window_dims, *n.input_batching_dims)
    return tuple(1 if d in dropped else next(sizes) for d in range(x.ndim))


def _updated(x: Tensor, y: Tensor, low: list[int], kind: str) -> Tensor | None:
    """`x` with `y` combined into the slice that begins at `low`, if that lies inside."""
    high = [start + n for start, n in zip(low, y.shape, strict=True)]
    if min(low, default=0) < 0 or any(end > n for end, n in zip(high, x.shape, strict=True)):
        return None
    if kind != "second" and not is_neutral(kind, x):
        binary = getattr(hlo, kind, None) or getattr(hlo, f"{kind}_")
        y = binary(hlo.slice_(x, low, high), y)
    starts = [hlo.full((), start, hlo_index) for start in low]
    return hlo.dynamic_update_slice(x, y, starts)
