"""Indexing with places known while compiling: slices and pads instead of computed addresses."""

import math

import numpy as np

from slopec import hlo
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.passes.facts import known
from slopec.passes.op import Op, is_same, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims, inverse, places, without
from slopec.tensor import Tensor


def known_starts(starts: list[Tensor], shape: Dims, sizes: Dims) -> list[int] | None:
    """Constant start indices, moved so that the slice lies inside; None if any is computed.

    A slice as large as its operand starts at 0 whatever the index.
    """
    found = []
    for start, size, part in zip(starts, shape, sizes, strict=True):
        value = np.zeros(()) if size == part else splat(start)
        if value is None:
            return None
        found.append(min(max(int(value), 0), size - part))
    return found


@pattern("dynamic_slice")
def dynamic_slice_of_constants(op: Op) -> Tensor | None:
    """dynamic_slice(x, c) → slice(x)"""
    x, *starts = op.operands
    low = known_starts(starts, x.shape, op.shape)
    if low is None:
        return None
    return hlo.slice_(x, low, [a + n for a, n in zip(low, op.shape, strict=True)])


@pattern("dynamic_slice", of="dynamic_update_slice")
def dynamic_slice_of_update(op: Op) -> Tensor | None:
    """dynamic_slice(dynamic_update_slice(x, y, i), i) → y"""
    _, *starts = op.operands
    _, update, *others = op.source().operands
    if update.shape != op.shape or not all(map(is_same, starts, others)):
        return None
    return update


@pattern("dynamic_update_slice")
def dynamic_update_of_everything(op: Op) -> Tensor | None:
    """dynamic_update_slice(x, y, i) → y

    Where y is as large as x.
    """
    x, y, *_ = op.operands
    return y if x.shape == y.shape else None


@pattern("dynamic_update_slice")
def dynamic_update_of_nothing(op: Op) -> Tensor | None:
    """dynamic_update_slice(x, y, i) → x

    For y without elements.
    """
    x, y, *_ = op.operands
    return x if 0 in y.shape else None


@pattern("dynamic_update_slice", of="constant")
def dynamic_update_of_splat(op: Op) -> Tensor | None:
    """dynamic_update_slice(c, y, d) → pad(y, c)

    For a constant c whose elements all are equal.
    """
    x, y, *starts = op.operands
    number, low = splat(x), known_starts(starts, x.shape, y.shape)
    if number is None or low is None:
        return None
    high = [n - a - m for n, a, m in zip(x.shape, low, y.shape, strict=True)]
    return hlo.pad(y, hlo.full((), number.item(), x.dtype), low, high)


# --- gather ----------------------------------------------------------------------------------


def _gather_numbers(op: Op) -> GatherDimensionNumbers:
    return GatherDimensionNumbers.parse(op.attribute("dimension_numbers"))


@pattern("gather")
def gather_everything(op: Op) -> Tensor | None:
    """gather(x, i) → broadcast(x)

    For windows as large as x.
    """
    x, _ = op.operands
    n = _gather_numbers(op)
    if op.ints("slice_sizes") != x.shape or n.operand_batching_dims:
        return None
    return hlo.broadcast_in_dim(
        hlo.reshape(x, without(x.shape, n.collapsed_slice_dims)), op.shape, n.offset_dims
    )


@pattern("gather")
def gather_one_window(op: Op) -> Tensor | None:
    """gather(x, i) → dynamic_slice(x, i)

    For a single window.
    """
    x, indices = op.operands
    n, sizes = _gather_numbers(op), op.ints("slice_sizes")
    count = math.prod(without(indices.shape, (n.index_vector_dim,)))
    if count != 1 or math.prod(op.shape) == 0:
        return None
    vector = hlo.reshape(indices, (math.prod(indices.shape),))
    zero = hlo.full((), 0, indices.dtype)
    starts = [zero] * x.ndim
    for place, d in enumerate(n.start_index_map):
        starts[d] = hlo.reshape(hlo.slice_(vector, [place], [place + 1]), ())
    return hlo.reshape(hlo.dynamic_slice(x, starts, sizes), op.shape)


@pattern("gather")
def gather_neighbours(op: Op) -> Tensor | None:
    """gather(x, [c, c + d, …]) → slice(x)

    For whole rows, numbered by constants at one distance.
    """
    x, indices = op.operands
    n, sizes = _gather_numbers(op), op.ints("slice_sizes")
    row = n.start_index_map
    if len(row) != 1 or n.collapsed_slice_dims != row or n.operand_batching_dims:
        return None
    dim, size = row[0], x.shape[row[0]]
    if without(sizes, row) != without(x.shape, row):
        return None
    run = progression(indices)
    if run is None or run[1] < 1 or run[0] < 0 or run[0] + run[1] * (run[2] - 1) >= size:
        return None
    start, step, count = run
    rows = [(0, m, 1) for m in x.shape]
    rows[dim] = (start, start + step * (count - 1) + 1, step)
    cut = hlo.slice_(x, *zip(*rows, strict=True))
    front = hlo.transpose(cut, (dim, *places(x.ndim, (dim,))))
    batch_dims = places(len(op.shape), n.offset_dims)
    order = (*batch_dims, *n.offset_dims)
    spread = hlo.reshape(front, [op.shape[d] for d in order])
    return hlo.transpose(spread, inverse(order))


def progression(indices: Tensor) -> tuple[int, int, int] | None:
    """Start, step and number of constant indices that are evenly spaced, in row-major order."""
    values = known(indices) if indices.size else None
    if values is None:
        return None
    flat = values.astype(np.int64).ravel()
    steps = np.diff(flat)
    step = int(steps[0]) if steps.size else 1
    return (int(flat[0]), step, flat.size) if np.all(steps == step) else None
