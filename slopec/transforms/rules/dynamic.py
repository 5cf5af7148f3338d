"""Ops whose shapes are operands: where those are constants, they are ordinary ops.

Shapes are static when a function is derived, so operands that only depend on constants are
computed here, by the reference evaluator, and the op is rewritten into its static form. Where the
result's shape alone is known, elements are fetched from places that are computed.
"""

from collections.abc import Callable, Sequence

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import ConvDimensionNumbers, GatherDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, rewritten


def _static(name: str) -> Callable[[Callable[[Point], Tensor]], Callable[[Point], Tensor]]:
    """Register the form of an op that has a result of a known shape."""

    def register(function: Callable[[Point], Tensor]) -> Callable[[Point], Tensor]:
        @rewritten(
            name,
            why="has sizes that are known only at run time",
            hint="give the model's inputs static shapes, and compute sizes from shapes alone",
        )
        def rewrite(point: Point) -> Sequence[Tensor] | None:
            shapes = [ir.type_of(value)[0] for value in (point.op.operands[0], point.op.results[0])]
            return None if any(ir.DYNAMIC in shape for shape in shapes) else [function(point)]

        return function

    return register


def _numbers(point: Point, first: int) -> list[list[int]] | None:
    """The operands from `first` on, where all are known."""
    found = [known(value) for value in list(point.op.operands)[first:]]
    sizes = [[int(n) for n in np.ravel(array)] for array in found if array is not None]
    return sizes if len(sizes) == len(found) else None


@_static("stablehlo.dynamic_broadcast_in_dim")
def _broadcast_in_dim(point: Point) -> Tensor:
    dims = point.ints("broadcast_dimensions")
    return hlo.broadcast_in_dim(point.operands[0], point.result.shape, dims)


@_static("stablehlo.dynamic_reshape")
def _reshape(point: Point) -> Tensor:
    return hlo.reshape(point.operands[0], point.result.shape)


@rewritten("stablehlo.dynamic_iota")
def _iota(point: Point) -> Sequence[Tensor] | None:
    if not ir.is_static(point.op.results[0]):
        return None
    made, axis = point.result, int(point.attribute("iota_dimension"))
    return [hlo.iota(made.shape, axis, made.dtype)]


@_static("stablehlo.dynamic_pad")
def _pad(point: Point) -> Tensor:
    x, value = point.operands[:2]
    sizes = _numbers(point, 2)
    if sizes is not None:
        return hlo.pad(x, value, *sizes)
    low, _, between = point.operands[2:]
    return _spread(x, value, low, _int64(between) + 1, point.result.shape)


@_static("stablehlo.dynamic_gather")
def _gather(point: Point) -> Tensor:
    """The window has the sizes that it has in the result, and 1 where the result leaves it out."""
    x, indices = point.operands[:2]
    numbers = GatherDimensionNumbers.parse(point.attribute("dimension_numbers"))
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    window = iter([point.result.shape[d] for d in numbers.offset_dims])
    sizes = [1 if d in dropped else next(window) for d in range(x.ndim)]
    return hlo.gather(x, indices, numbers, sizes, sorted_=point.flag("indices_are_sorted"))


@_static("stablehlo.dynamic_conv")
def _conv(point: Point) -> Tensor:
    lhs, rhs, margins = point.operands
    numbers = ConvDimensionNumbers.parse(point.attribute("dimension_numbers"))
    ones = (1,) * len(numbers.input_spatial)
    strides, steps, dilations = (
        point.ints(name) or ones for name in ("window_strides", "lhs_dilation", "rhs_dilation")
    )
    sizes = _numbers(point, 2)
    padding = [(0, 0) for _ in ones]
    if sizes is not None:
        padding = list(zip(sizes[0][::2], sizes[0][1::2], strict=True))
    else:
        low = hlo.reshape(hlo.slice_(margins, [0, 0], [len(steps), 1]), (len(steps),))
        taken = _windows(point, numbers, strides, dilations)
        lhs = _padded_spatially(lhs, low, steps, taken, numbers)
        steps = ones
    return hlo.convolution(
        lhs,
        rhs,
        numbers,
        strides=strides,
        padding=padding,
        lhs_dilation=steps,
        rhs_dilation=dilations,
        reversal=[bool(r) for r in point.ints("window_reversal")],
        feature_groups=int(point.attribute("feature_group_count")),
        batch_groups=int(point.attribute("batch_group_count")),
        dtype=point.result.dtype,
    )


def _windows(
    point: Point, numbers: ConvDimensionNumbers, strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    """How many places all windows together cover along each spatial dimension."""
    window = [point.operands[1].shape[d] for d in numbers.kernel_spatial]
    made = [point.result.shape[d] for d in numbers.output_spatial]
    rows = zip(made, strides, window, dilations, strict=True)
    return [(n - 1) * s + (k - 1) * d + 1 if n and k else 0 for n, s, k, d in rows]


def _padded_spatially(
    x: Tensor,
    low: Tensor,
    steps: Sequence[int],
    sizes: Sequence[int],
    numbers: ConvDimensionNumbers,
) -> Tensor:
    """An image with zeros before, between and behind the elements of its spatial dimensions."""
    step, shape = [1] * x.ndim, list(x.shape)
    for d, (pace, size) in zip(numbers.input_spatial, zip(steps, sizes, strict=True), strict=True):
        step[d], shape[d] = pace, size
    place = [hlo.constant(np.zeros(1, np.int64))] * x.ndim
    for i, d in enumerate(numbers.input_spatial):
        place[d] = _int64(hlo.slice_(low, [i], [i + 1]))
    paces = hlo.constant(np.array(step, np.int64))
    return _spread(x, hlo.full((), 0, x.dtype), hlo.concatenate(place, 0), paces, shape)


@_static("stablehlo.real_dynamic_slice")
def _real_dynamic_slice(point: Point) -> Tensor:
    """A slice whose size is known, wherever it starts: cut out whole, then strided."""
    x, starts, _, strides = point.operands
    shape, steps = point.result.shape, _numbers(point, 3)
    if steps is not None:
        covered = [(n - 1) * s + 1 if n else 0 for n, s in zip(shape, steps[0], strict=True)]
        if all(part <= n for part, n in zip(covered, x.shape, strict=True)):
            places = [hlo.reshape(hlo.slice_(starts, [d], [d + 1]), ()) for d in range(x.ndim)]
            whole = hlo.dynamic_slice(x, places, covered)
            return hlo.slice_(whole, [0] * x.ndim, covered, steps[0])
    for d, size in enumerate(shape):
        x = _taken(x, _at(starts, d, size) + _along(size) * _at(strides, d, size), d)
    return x


def _spread(x: Tensor, value: Tensor, low: Tensor, step: Tensor, shape: Sequence[int]) -> Tensor:
    """`value` everywhere, and the elements of `x` each `step` places from `low` on."""
    shape = tuple(shape)
    around = hlo.broadcast_in_dim(value, shape, ())
    if not x.size or 0 in shape:
        return around
    inside = hlo.full(shape, True, dtypes.bool_)
    for d, size in enumerate(shape):
        way, pace = _along(size) - _at(low, d, size), _at(step, d, size)
        place = hlo.divide(way, pace)
        last = hlo.full_like(place, x.shape[d] - 1)
        met = hlo.and_(
            hlo.compare(hlo.multiply(place, pace), way, "EQ"),
            hlo.and_(hlo.compare(way, hlo.zeros_like(way), "GE"), hlo.compare(place, last, "LE")),
        )
        inside = hlo.and_(inside, hlo.broadcast_in_dim(met, shape, (d,)))
        x = _taken(x, place, d)
    return hlo.select(inside, x, around)


def _int64(x: Tensor) -> Tensor:
    return hlo.convert(x, dtypes.int64)


def _along(size: int) -> Tensor:
    """0, 1 … up to `size`."""
    return hlo.iota((size,), 0, dtypes.int64)


def _at(numbers: Tensor, index: int, size: int) -> Tensor:
    """One of some integers, `size` times."""
    one = hlo.reshape(hlo.slice_(_int64(numbers), [index], [index + 1]), ())
    return hlo.broadcast_in_dim(one, (size,), ())


def _taken(x: Tensor, places: Tensor, dimension: int) -> Tensor:
    """What is at `places` along a dimension; those outside count as the nearest inside."""
    rest = tuple(d for d in range(x.ndim) if d != dimension)
    numbers = GatherDimensionNumbers(rest, (dimension,), (), (), (dimension,), 1)
    sizes = [1 if d == dimension else n for d, n in enumerate(x.shape)]
    return hlo.gather(x, places, numbers, sizes)
