"""Ops whose shapes are operands: where those are constants, they are ordinary ops.

Shapes are static when a function is derived, so operands that only depend on constants are
computed here, by the reference evaluator, and the op is rewritten into its static form.
"""

from collections.abc import Callable, Sequence

import numpy as np

from slopec import hlo, ir
from slopec.dialects.attributes import ConvDimensionNumbers, GatherDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, rewritten

Static = Callable[[Point, list[list[int]]], Tensor]


def _static(name: str, first: int) -> Callable[[Static], Static]:
    """Register the static form of an op whose operands from `first` on must be known.

    The form gets their values; `first` may lie beyond the operands, then the types say it all.
    """

    def register(function: Static) -> Static:
        @rewritten(
            name,
            why="has sizes that are known only at run time",
            hint="give the model's inputs static shapes, and compute sizes from shapes alone",
        )
        def rewrite(point: Point) -> Sequence[Tensor] | None:
            shapes = [ir.type_of(value)[0] for value in (point.op.operands[0], point.op.results[0])]
            if any(ir.DYNAMIC in shape for shape in shapes):
                return None
            found = [known(value) for value in list(point.op.operands)[first:]]
            sizes = [[int(n) for n in np.ravel(array)] for array in found if array is not None]
            return None if len(sizes) < len(found) else [function(point, sizes)]

        return function

    return register


_TYPES_SAY_IT = 9


@_static("stablehlo.dynamic_broadcast_in_dim", _TYPES_SAY_IT)
def _broadcast_in_dim(point: Point, sizes: list[list[int]]) -> Tensor:
    dims = point.ints("broadcast_dimensions")
    return hlo.broadcast_in_dim(point.operands[0], point.result.shape, dims)


@_static("stablehlo.dynamic_reshape", _TYPES_SAY_IT)
def _reshape(point: Point, sizes: list[list[int]]) -> Tensor:
    return hlo.reshape(point.operands[0], point.result.shape)


@_static("stablehlo.dynamic_pad", 2)
def _pad(point: Point, sizes: list[list[int]]) -> Tensor:
    x, value = point.operands[:2]
    return hlo.pad(x, value, *sizes)


@_static("stablehlo.dynamic_gather", 2)
def _gather(point: Point, sizes: list[list[int]]) -> Tensor:
    x, indices = point.operands[:2]
    numbers = GatherDimensionNumbers.parse(point.attribute("dimension_numbers"))
    is_sorted = point.flag("indices_are_sorted")
    return hlo.gather(x, indices, numbers, sizes[0], sorted_=is_sorted)


@_static("stablehlo.dynamic_conv", 2)
def _conv(point: Point, sizes: list[list[int]]) -> Tensor:
    lhs, rhs = point.operands[:2]
    numbers = sizes[0]
    return hlo.convolution(
        lhs,
        rhs,
        ConvDimensionNumbers.parse(point.attribute("dimension_numbers")),
        strides=point.ints("window_strides"),
        padding=list(zip(numbers[::2], numbers[1::2], strict=True)),
        lhs_dilation=point.ints("lhs_dilation"),
        rhs_dilation=point.ints("rhs_dilation"),
        reversal=[bool(r) for r in point.ints("window_reversal")],
        feature_groups=int(point.attribute("feature_group_count")),
        batch_groups=int(point.attribute("batch_group_count")),
        dtype=point.result.dtype,
    )


@_static("stablehlo.real_dynamic_slice", 3)
def _real_dynamic_slice(point: Point, sizes: list[list[int]]) -> Tensor:
    """A slice whose size is known, wherever it starts: cut out whole, then strided."""
    x, starts = point.operands[:2]
    (strides,) = sizes
    shape = point.result.shape
    covered = [(n - 1) * s + 1 if n else 0 for n, s in zip(shape, strides, strict=True)]
    places = [hlo.reshape(hlo.slice_(starts, [d], [d + 1]), ()) for d in range(x.ndim)]
    whole = hlo.dynamic_slice(x, places, covered)
    return hlo.slice_(whole, [0] * x.ndim, covered, strides)
