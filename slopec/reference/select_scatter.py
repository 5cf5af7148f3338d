"""Select-and-scatter: each window picks one element, and its source value is sent there.

The windows that picked the same offset send to different elements, so one whole-array step per
offset does it without ever adding two values to one place at once.
"""

import numpy as np

from slopec import ir
from slopec.reference.bits import converted
from slopec.reference.table import Array, Body, Kernel, Scope, argument_dtypes, scoped_rule
from slopec.reference.window import Windows, elementwise_by_lane, strided_offsets


@scoped_rule("stablehlo.select_and_scatter")
def select_and_scatter(op: ir.Operation, scope: Scope) -> Kernel:
    """Scatter `source` to the elements that `select` picks from windows of the operand."""
    windows = Windows(op)
    select, scatter = (_elementwise(scope.region(region)) for region in op.regions)
    dtype = argument_dtypes(op.regions[1].blocks[0])[0]

    def kernel(operand: Array, source: Array, init: Array) -> Array:
        places = [
            tuple(
                slice(offset, offset + stride * count, stride)
                for offset, stride, count in zip(at, windows.strides, source.shape, strict=True)
            )
            for at in strided_offsets(windows.sizes)
        ]
        low, high = [p[0] for p in windows.padding], [p[1] for p in windows.padding]
        x = windows.padded(operand, np.zeros((), operand.dtype))
        inside = windows.padded(np.ones(operand.shape, np.bool_), np.zeros((), np.bool_))
        chosen = _choose(select, x, inside, places, source.shape)
        result = np.full(x.shape, converted(init, dtype), dtype)
        values = converted(source, dtype)
        for index, place in enumerate(places):
            target = result[place]
            result[place] = np.where(chosen == index, scatter(target, values), target)
        crop = [
            slice(max(before, 0), length - max(after, 0))
            for before, after, length in zip(low, high, x.shape, strict=True)
        ]
        return _uncut(result[tuple(crop)], operand.shape, low, high, converted(init, dtype))

    return kernel


def _uncut(x: Array, shape: ir.Shape, low: list[int], high: list[int], init: Array) -> Array:
    """Undo negative padding: what was cut off receives nothing."""
    if x.shape == shape:
        return x
    result = np.full(shape, init, x.dtype)
    kept = (
        slice(max(-before, 0), size - max(-after, 0))
        for before, after, size in zip(low, high, shape, strict=True)
    )
    result[tuple(kept)] = x
    return result


def _choose(
    select: Kernel,
    x: Array,
    inside: Array,
    places: list[tuple[slice, ...]],
    shape: ir.Shape,
) -> Array:
    """For each window the offset of its selected element; −1 where it holds only padding."""
    chosen = np.full(shape, -1)
    best = np.zeros(shape, x.dtype)
    for index, place in enumerate(places):
        candidate = x[place]
        better = inside[place] & ((chosen < 0) | ~select(best, candidate))
        chosen = np.where(better, index, chosen)
        best = np.where(better, candidate, best)
    return chosen


def _elementwise(body: Body) -> Kernel:
    if body.lanewise:
        return lambda x, y: body(x, y)[0]
    return lambda x, y: elementwise_by_lane(body, [x], [y])[0]
