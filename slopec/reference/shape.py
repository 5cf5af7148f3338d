"""Moving elements without computing: reshape, transpose, broadcast, slice, pad, concatenate."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import ir
from slopec.reference.broadcasting import placed
from slopec.reference.table import (
    Array,
    Kernel,
    attribute,
    operand_shape,
    result_shape,
    rule,
)


def unchanged(x: Any) -> Any:
    """The operand itself."""
    return x


@rule("stablehlo.reshape")
def reshape(op: ir.Operation) -> Kernel:
    """The same elements in row-major order under another shape."""
    shape = result_shape(op)
    if shape == operand_shape(op):
        return unchanged
    return lambda x: x.reshape(shape)


@rule("stablehlo.transpose")
def transpose(op: ir.Operation) -> Kernel:
    """Dimension i of the result is dimension `permutation[i]` of the operand."""
    permutation = attribute(op, "permutation")
    return lambda x: x.transpose(permutation)


@rule("stablehlo.broadcast_in_dim")
def broadcast_in_dim(op: ir.Operation) -> Kernel:
    """Dimension i becomes dimension `broadcast_dimensions[i]`; sizes 1 and new ones repeat."""
    shape, places = result_shape(op), attribute(op, "broadcast_dimensions")
    if not shape:
        return unchanged
    return lambda x: broadcast(x, places, shape)


def broadcast(x: Array, places: Sequence[int], shape: ir.Shape) -> Array:
    """`x` repeated to `shape`, its dimensions at `places`."""
    if x.ndim:
        x = placed(x, tuple(places), len(shape))
    return np.broadcast_to(x, shape)


@rule("stablehlo.broadcast")
def broadcast_in_front(op: ir.Operation) -> Kernel:
    """New dimensions in front."""
    sizes = attribute(op, "broadcast_sizes")
    return lambda x: np.broadcast_to(x, (*sizes, *x.shape))


@rule("stablehlo.slice")
def slice_(op: ir.Operation) -> Kernel:
    """Every stride-th element from start up to limit, in each dimension."""
    facts = (attribute(op, name) for name in ("start_indices", "limit_indices", "strides"))
    index = tuple(slice(*bounds) for bounds in zip(*facts, strict=True))
    return lambda x: x[index]


@rule("stablehlo.reverse")
def reverse(op: ir.Operation) -> Kernel:
    """The given dimensions backwards."""
    dimensions, rank = attribute(op, "dimensions"), len(operand_shape(op))
    index = tuple(slice(None, None, -1 if d in dimensions else 1) for d in range(rank))
    return lambda x: x[index]


@rule("stablehlo.concatenate")
def concatenate(op: ir.Operation) -> Kernel:
    """The operands one after another along a dimension."""
    axis = attribute(op, "dimension")
    return lambda *xs: np.concatenate(xs, axis)


@rule("stablehlo.pad")
def pad(op: ir.Operation) -> Kernel:
    """Padding before, after and between elements; negative amounts cut off."""
    low, high = attribute(op, "edge_padding_low"), attribute(op, "edge_padding_high")
    interior = attribute(op, "interior_padding")
    return lambda x, value: padded(x, value, low, high, interior)


def padded(
    x: Array, value: Array, low: Sequence[int], high: Sequence[int], interior: Sequence[int]
) -> Array:
    """`x` with `value` around and between its elements.

    Element i of a dimension goes to `low + i·(interior + 1)` where that is inside the result.
    """
    shape, target, source = [], [], []
    for size, before, after, between in zip(x.shape, low, high, interior, strict=True):
        step = between + 1
        length = max(before + after + (size - 1) * step + 1 if size else before + after, 0)
        first = -(min(before, 0) // step)
        count = max(min(size, -((before - length) // step)) - first, 0)
        shape.append(length)
        source.append(slice(first, first + count))
        start = before + first * step
        target.append(slice(start, start + count * step, step) if count else slice(0, 0))
    result = np.full(shape, value, x.dtype)
    result[tuple(target)] = x[tuple(source)]
    return result


@rule("stablehlo.dynamic_slice")
def dynamic_slice(op: ir.Operation) -> Kernel:
    """A slice of fixed sizes; starts are moved so that it lies inside."""
    sizes = attribute(op, "slice_sizes")
    return lambda x, *starts: x[_window(x.shape, starts, sizes)]


@rule("stablehlo.dynamic_update_slice")
def dynamic_update_slice(op: ir.Operation) -> Kernel:
    """A copy with a slice replaced; starts are moved so that it lies inside."""

    def kernel(x: Array, update: Array, *starts: Array) -> Array:
        result = x.copy()
        result[_window(x.shape, starts, update.shape)] = update
        return result

    return kernel


def _window(shape: ir.Shape, starts: Sequence[Array], sizes: Sequence[int]) -> tuple[slice, ...]:
    clamped = [
        min(max(int(start), 0), length - size)
        for start, length, size in zip(starts, shape, sizes, strict=True)
    ]
    return tuple(slice(c, c + size) for c, size in zip(clamped, sizes, strict=True))
