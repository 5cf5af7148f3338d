"""Slices: of what is whole, of slices, and of what only moves or repeats elements."""

import math

import numpy as np

from slopec import hlo
from slopec.passes.op import Op, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims, only_unit_dims_differ
from slopec.tensor import Tensor


def window(op: Op) -> tuple[Dims, Dims, Dims]:
    """The starts, limits and strides of a slice."""
    return op.ints("start_indices"), op.ints("limit_indices"), op.ints("strides")


@pattern("slice")
def slice_everything(op: Op) -> Tensor | None:
    """slice(x) → x

    Of all elements.
    """
    (x,) = op.operands
    return x if x.shape == op.shape else None


@pattern("slice")
def slice_one(op: Op) -> Tensor | None:
    """slice(x) → slice(x) without strides

    Along dimensions of which one element is taken, as where halves of pairs are.
    """
    first, _, steps = window(op)
    ones = [step if size > 1 else 1 for step, size in zip(steps, op.shape, strict=True)]
    if 0 in op.shape or ones == list(steps):
        return None
    ends = [
        at + (size - 1) * step + 1 for at, size, step in zip(first, op.shape, ones, strict=True)
    ]
    return hlo.slice_(op.operands[0], first, ends, ones)


@pattern("slice", of="constant")
def slice_splat(op: Op) -> Tensor | None:
    """slice(c) → c

    For a constant whose elements all are equal.
    """
    value = splat(op.operands[0])
    return None if value is None else hlo.full(op.shape, value.item(), op.dtype)


@pattern("slice", of="slice")
def slice_twice(op: Op) -> Tensor | None:
    """slice(slice(x)) → slice(x)"""
    inner = op.source()
    if math.prod(op.shape) == 0:
        return None
    first, _, steps = window(inner)
    outer = zip(*window(op), first, steps, strict=True)
    combined = [
        (base + start * step, base + (limit - 1) * step + 1, stride * step)
        for start, limit, stride, base, step in outer
    ]
    starts, limits, strides = zip(*combined, strict=True)
    return hlo.slice_(inner.operands[0], starts, limits, strides)


@pattern("slice", of="transpose")
def slice_transposed(op: Op) -> Tensor | None:
    """slice(transpose(x)) → transpose(slice(x))"""
    inner = op.source()
    if op.shape == inner.shape:
        return None
    permutation = inner.ints("permutation")
    starts, limits, strides = (
        tuple(part[permutation.index(d)] for d in range(len(permutation))) for part in window(op)
    )
    return hlo.transpose(hlo.slice_(inner.operands[0], starts, limits, strides), permutation)


@pattern("slice", of="broadcast_in_dim")
def slice_broadcast(op: Op) -> Tensor | None:
    """slice(broadcast(x)) → broadcast(slice(x))"""
    inner = op.source()
    if op.shape == inner.shape:
        return None
    (x,) = inner.operands
    dims = inner.ints("broadcast_dimensions")
    whole = [x.shape[i] == 1 and inner.shape[d] != 1 for i, d in enumerate(dims)]
    starts, limits, strides = (
        tuple(other if skip else part[d] for d, skip in zip(dims, whole, strict=True))
        for part, other in zip(window(op), (0, 1, 1), strict=True)
    )
    return hlo.broadcast_in_dim(hlo.slice_(x, starts, limits, strides), op.shape, dims)


@pattern("slice", of="reshape")
def slice_reshaped(op: Op) -> Tensor | None:
    """slice(reshape(x)) → reshape(slice(x))

    Where the reshape only adds or removes dimensions of size 1, or one element is taken.
    """
    inner = op.source()
    if op.shape == inner.shape or math.prod(op.shape) == 0:
        return None
    (x,) = inner.operands
    if math.prod(op.shape) == 1:
        number = np.ravel_multi_index(op.ints("start_indices"), inner.shape)
        first = [int(i) for i in np.unravel_index(number, x.shape)]
        one = hlo.slice_(x, first, [i + 1 for i in first], [1] * len(first))
        return hlo.reshape(one, op.shape)
    if not only_unit_dims_differ(x.shape, inner.shape):
        return None
    wide = iter([d for d, n in enumerate(inner.shape) if n != 1])
    source = [next(wide) if n != 1 else None for n in x.shape]
    starts, limits, strides = (
        tuple(other if d is None else part[d] for d in source)
        for part, other in zip(window(op), (0, 1, 1), strict=True)
    )
    return hlo.reshape(hlo.slice_(x, starts, limits, strides), op.shape)


@pattern("slice", of="reverse")
def slice_reversed(op: Op) -> Tensor | None:
    """slice(reverse(x)) → reverse(slice(x))"""
    inner = op.source()
    if math.prod(op.shape) == 0 or op.shape == inner.shape:
        return None
    dims = inner.ints("dimensions")
    parts = []
    for d, (start, limit, stride) in enumerate(zip(*window(op), strict=True)):
        last = start + (limit - 1 - start) // stride * stride
        end = inner.shape[d] - 1
        parts.append((end - last, end - start + 1, stride) if d in dims else (start, limit, stride))
    starts, limits, strides = zip(*parts, strict=True)
    return hlo.reverse(hlo.slice_(inner.operands[0], starts, limits, strides), dims)


@pattern("slice", of="concatenate")
def slice_concatenated(op: Op) -> Tensor | None:
    """slice(concatenate(x, y)) → slice(x)

    The parts that are not looked at go; several neighbours that are stay concatenated.
    """
    inner = op.source()
    if math.prod(op.shape) == 0:
        return None
    dim = inner.integer("dimension")
    starts, limits, strides = window(op)
    first = offset = 0
    kept: list[Tensor] = []
    for x in inner.operands:
        if offset + x.shape[dim] <= starts[dim]:
            first += x.shape[dim]
        elif offset < limits[dim]:
            kept.append(x)
        offset += x.shape[dim]
    if len(kept) == len(inner.operands) or (len(kept) > 1 and not inner.used_once):
        return None
    low = tuple(n - first * (d == dim) for d, n in enumerate(starts))
    high = tuple(n - first * (d == dim) for d, n in enumerate(limits))
    return hlo.slice_(hlo.concatenate(kept, dim), low, high, strides)


@pattern("slice", of="pad")
def slice_padded(op: Op) -> Tensor | None:
    """slice(pad(x)) → pad(slice(x))

    Padding that is not looked at goes, and with it elements of x that are not.
    """
    inner = op.source()
    if math.prod(op.shape) == 0 or op.shape == inner.shape:
        return None
    x, value = inner.operands
    padding = zip(*(inner.ints(f"edge_padding_{end}") for end in ("low", "high")), strict=True)
    gaps = inner.ints("interior_padding")
    rows = []
    for size, (low, high), gap, row in zip(
        x.shape, padding, gaps, zip(*window(op), strict=True), strict=True
    ):
        found = _cut(size, low, high, gap, *row)
        if found is None:
            return None
        rows.append(found)
    if any(limit <= start for start, limit, *_ in rows):
        return hlo.broadcast_in_dim(value, op.shape, ())
    starts, limits, strides, lows, highs = (list(column) for column in zip(*rows, strict=True))
    return hlo.pad(hlo.slice_(x, starts, limits, strides), value, lows, highs)


def _cut(
    size: int, low: int, high: int, gap: int, start: int, limit: int, stride: int
) -> tuple[int, int, int, int, int] | None:
    """Slice and padding of x along one dimension: start, limit, stride, low, high."""
    if low == high == gap == 0:
        return start, limit, stride, 0, 0
    if gap and stride == gap + 1 and start == low and (limit - 1 - start) // stride < size:
        return 0, (limit - 1 - start) // stride + 1, 1, 0, 0
    if gap or stride != 1 or low < 0 or high < 0:
        return None
    begin, end = max(start - low, 0), min(limit - low, size)
    return begin, end, 1, max(low - start, 0), max(limit - low - size, 0)


@pattern("reverse")
def reverse_nothing(op: Op) -> Tensor | None:
    """reverse(x) → x

    Along dimensions of size 1.
    """
    (x,) = op.operands
    dims = op.ints("dimensions")
    kept = [d for d in dims if x.shape[d] != 1]
    return hlo.reverse(x, kept) if len(kept) < len(dims) or not dims else None


@pattern("reverse", of="reverse")
def reverse_twice(op: Op) -> Tensor | None:
    """reverse(reverse(x)) → x

    Dimensions that only one of them reverses stay reversed.
    """
    inner = op.source()
    once = set(op.ints("dimensions")) ^ set(inner.ints("dimensions"))
    return hlo.reverse(inner.operands[0], sorted(once))


@pattern("reverse", of="broadcast_in_dim")
def reverse_broadcast(op: Op) -> Tensor | None:
    """reverse(broadcast(x)) → broadcast(reverse(x))

    Along dimensions in which elements repeat there is nothing to reverse.
    """
    inner = op.source()
    (x,) = inner.operands
    dims = inner.ints("broadcast_dimensions")
    reversed_dims = op.ints("dimensions")
    kept = [i for i, d in enumerate(dims) if d in reversed_dims and x.shape[i] != 1]
    return hlo.broadcast_in_dim(hlo.reverse(x, kept), op.shape, dims)


@pattern("reverse", of="transpose")
def reverse_transposed(op: Op) -> Tensor | None:
    """reverse(transpose(x)) → transpose(reverse(x))"""
    inner = op.source()
    permutation = inner.ints("permutation")
    dims = sorted(permutation[d] for d in op.ints("dimensions"))
    return hlo.transpose(hlo.reverse(inner.operands[0], dims), permutation)
