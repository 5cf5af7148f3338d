"""Sliding windows: dimension by dimension, by whichever way costs fewer steps.

Folding the last dimension first keeps the elements of a window in row-major order. One dimension is
folded either offset by offset or by doubling: folds of 2, 4, 8, … neighbours, joined as the bits of
the window's size say, so that a window of n takes about log n steps (as a running sum needs).
"""

from collections.abc import Callable, Sequence

import numpy as np

from slopec import ir
from slopec.reference.bits import converted
from slopec.reference.bodies import monoids
from slopec.reference.rounding import wide_dtype
from slopec.reference.shape import padded
from slopec.reference.table import (
    Array,
    Kernel,
    Scope,
    argument_dtypes,
    attribute,
    result_dtype,
    scoped_rule,
)

Arrays = list[Array]
Combine = Callable[[Arrays, Arrays], Arrays]
Pairs = list[tuple[int, int]]


class Windows:
    """The window attributes of an op, with their defaults."""

    def __init__(self, op: ir.Operation) -> None:
        """Read them from `op`."""
        self.sizes: tuple[int, ...] = attribute(op, "window_dimensions")
        ones = (1,) * len(self.sizes)
        self.strides: tuple[int, ...] = attribute(op, "window_strides", ones)
        self.base: tuple[int, ...] = attribute(op, "base_dilations", ones)
        self.dilations: tuple[int, ...] = attribute(op, "window_dilations", ones)
        self.padding: Pairs = pairs(attribute(op, "padding"), len(self.sizes))

    def padded(self, x: Array, value: Array) -> Array:
        """The operand with `value` around and between its elements."""
        low, high = zip(*self.padding, strict=True) if self.padding else ((), ())
        return padded(x, value, low, high, [d - 1 for d in self.base])


def pairs(padding: Array | None, rank: int) -> Pairs:
    """(low, high) of each dimension, from an n×2 attribute or none."""
    if padding is None:
        return [(0, 0)] * rank
    return [(int(low), int(high)) for low, high in padding.reshape(rank, 2)]


@scoped_rule("stablehlo.reduce_window")
def reduce_window(op: ir.Operation, scope: Scope) -> Kernel:
    """Fold every window of N padded operands with a body of 2N arguments."""
    windows = Windows(op)
    count = len(op.results)
    block = op.regions[0].blocks[0]
    dtypes = argument_dtypes(block)[:count]
    ufuncs = monoids(block)
    body = scope.region(op.regions[0])

    def by_ufuncs(xs: Arrays, ys: Arrays) -> Arrays:
        assert ufuncs is not None
        return [ufunc(x, y) for ufunc, x, y in zip(ufuncs, xs, ys, strict=True)]

    def by_body(xs: Arrays, ys: Arrays) -> Arrays:
        return [np.broadcast_to(z, x.shape) for z, x in zip(body(*xs, *ys), xs, strict=True)]

    def by_lane(xs: Arrays, ys: Arrays) -> Arrays:
        return elementwise_by_lane(body, xs, ys)

    combine = by_ufuncs if ufuncs else by_body if body.lanewise else by_lane
    computed = [wide_dtype(dtype) for dtype in dtypes] if ufuncs else dtypes

    def kernel(*operands: Array) -> Arrays:
        cast = [converted(x, d) for x, d in zip(operands, (*computed, *computed), strict=True)]
        inits = cast[count:]
        xs = [windows.padded(x, init) for x, init in zip(cast[:count], inits, strict=True)]
        for axis in reversed(range(xs[0].ndim)):
            xs = _fold_axis(combine, xs, axis, windows)
        starts = [np.broadcast_to(init, x.shape) for init, x in zip(inits, xs, strict=True)]
        results = combine(starts, xs)
        return [r.astype(result_dtype(op, i), copy=False) for i, r in enumerate(results)]

    return kernel


def elementwise_by_lane(body: Callable[..., Arrays], xs: Arrays, ys: Arrays) -> Arrays:
    """A scalar body applied element by element."""
    results = [np.array(x) for x in xs]
    for lane in np.ndindex(xs[0].shape):
        values = body(*(np.asarray(a[lane]) for a in (*xs, *ys)))
        for result, value in zip(results, values, strict=True):
            result[lane] = value
    return results


def _fold_axis(combine: Combine, xs: Arrays, axis: int, windows: Windows) -> Arrays:
    """Fold the windows along one axis."""
    size, stride, dilation = (
        facts[axis] for facts in (windows.sizes, windows.strides, windows.dilations)
    )
    length = xs[0].shape[axis]
    reach = (size - 1) * dilation
    count = (length - reach - 1) // stride + 1 if length > reach else 0
    if size == 1 or count == 0:
        return [_cut(x, axis, 0, count, stride) for x in xs]
    if size * count <= length * size.bit_length():
        folded = [_cut(x, axis, 0, count, stride) for x in xs]
        for offset in range(1, size):
            folded = combine(folded, [_cut(x, axis, offset * dilation, count, stride) for x in xs])
        return folded
    return [
        _cut(x, axis, 0, count, stride) for x in _by_doubling(combine, xs, axis, size, dilation)
    ]


def _by_doubling(combine: Combine, xs: Arrays, axis: int, size: int, dilation: int) -> Arrays:
    """Fold every window of stride 1, joining folds of powers of two from left to right."""
    total = xs[0].shape[axis] - (size - 1) * dilation
    block, done = 1, 0
    folded: Arrays | None = None
    while True:
        if size & block:
            part = [_cut(x, axis, done * dilation, total, 1) for x in xs]
            folded = part if folded is None else combine(folded, part)
            done += block
        if done == size:
            assert folded is not None
            return folded
        shift = block * dilation
        reach = xs[0].shape[axis] - shift
        near = [_cut(x, axis, 0, reach, 1) for x in xs]
        xs = combine(near, [_cut(x, axis, shift, reach, 1) for x in xs])
        block *= 2


def _cut(x: Array, axis: int, start: int, count: int, stride: int) -> Array:
    stop = start + (count - 1) * stride + 1 if count else start
    cut: Array = x[(slice(None),) * axis + (slice(start, stop, stride),)]
    return cut


def strided_offsets(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every position inside a window, in row-major order."""
    return list(np.ndindex(*sizes))
