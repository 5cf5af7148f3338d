"""Contractions and linear algebra: dot_general, convolution, cholesky, triangular_solve, fft."""

from collections.abc import Sequence

import numpy as np

from slopec import dtypes, ir, tracing
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.dtypes import DType
from slopec.hlo.reduce import window_count
from slopec.tensor import Tensor


def dot_general(
    lhs: Tensor, rhs: Tensor, numbers: DotDimensionNumbers, dtype: DType | None = None
) -> Tensor:
    """`stablehlo.dot_general`; the result has batch, then lhs, then rhs dimensions.

    `dtype` is the result's element type, the operands' by default.
    """
    shape = dot_shape(lhs.shape, rhs.shape, numbers)
    attributes = {"dot_dimension_numbers": ir.attr(str(numbers))}
    return tracing.emit("stablehlo.dot_general", [lhs, rhs], shape, dtype or lhs.dtype, attributes)


def dot_shape(lhs: ir.Shape, rhs: ir.Shape, numbers: DotDimensionNumbers) -> ir.Shape:
    """The shape of a product: batch dimensions, then what remains of either side."""
    used_lhs = {*numbers.lhs_batching, *numbers.lhs_contracting}
    used_rhs = {*numbers.rhs_batching, *numbers.rhs_contracting}
    return (
        *(lhs[d] for d in numbers.lhs_batching),
        *(n for d, n in enumerate(lhs) if d not in used_lhs),
        *(n for d, n in enumerate(rhs) if d not in used_rhs),
    )


def convolution(
    lhs: Tensor,
    rhs: Tensor,
    numbers: ConvDimensionNumbers,
    *,
    strides: Sequence[int] | None = None,
    padding: Sequence[tuple[int, int]] | None = None,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    reversal: Sequence[bool] | None = None,
    feature_groups: int = 1,
    batch_groups: int = 1,
    dtype: DType | None = None,
) -> Tensor:
    """`stablehlo.convolution` with any dimension order, dilation of both sides and groups."""
    rank = len(numbers.input_spatial)
    ones = (1,) * rank
    strides, lhs_dilation = tuple(strides or ones), tuple(lhs_dilation or ones)
    rhs_dilation = tuple(rhs_dilation or ones)
    padding = tuple(padding or ((0, 0),) * rank)
    reversal = tuple(reversal or (False,) * rank)
    windows = list(zip(strides, padding, lhs_dilation, rhs_dilation, strict=True))
    shape = convolution_shape(lhs.shape, rhs.shape, numbers, windows, batch_groups)
    flags = ", ".join(str(bool(r)).lower() for r in reversal)
    attributes = {
        "window_strides": ir.i64s(*strides),
        "padding": ir.matrix_i64(padding),
        "lhs_dilation": ir.i64s(*lhs_dilation),
        "rhs_dilation": ir.i64s(*rhs_dilation),
        "window_reversal": ir.attr(f"array<i1: {flags}>" if rank else "array<i1>"),
        "dimension_numbers": ir.attr(str(numbers)),
        "feature_group_count": ir.i64(feature_groups),
        "batch_group_count": ir.i64(batch_groups),
    }
    return tracing.emit("stablehlo.convolution", [lhs, rhs], shape, dtype or lhs.dtype, attributes)


def convolution_shape(
    lhs: ir.Shape,
    rhs: ir.Shape,
    numbers: ConvDimensionNumbers,
    windows: Sequence[tuple[int, tuple[int, int], int, int]],
    batch_groups: int,
) -> ir.Shape:
    """The shape of a convolution whose stride, padding and dilations `windows` has."""
    sizes = [0] * len(lhs)
    sizes[numbers.output_batch] = lhs[numbers.input_batch] // batch_groups
    sizes[numbers.output_feature] = rhs[numbers.kernel_output_feature]
    for i, place in enumerate(numbers.output_spatial):
        size, width = lhs[numbers.input_spatial[i]], rhs[numbers.kernel_spatial[i]]
        sizes[place] = window_count(size, width, *windows[i])
    return tuple(sizes)


def cholesky(a: Tensor, *, lower: bool = True) -> Tensor:
    """`stablehlo.cholesky` of the Hermitian positive definite matrices in the last dimensions."""
    return tracing.emit("stablehlo.cholesky", [a], a.shape, a.dtype, {"lower": ir.boolean(lower)})


def triangular_solve(
    a: Tensor,
    b: Tensor,
    *,
    left_side: bool,
    lower: bool,
    unit_diagonal: bool = False,
    transpose_a: str = "NO_TRANSPOSE",
) -> Tensor:
    """`stablehlo.triangular_solve`: x with op(a) x = b, or x op(a) = b unless `left_side`.

    `transpose_a` is NO_TRANSPOSE, TRANSPOSE or ADJOINT.
    """
    attributes = {
        "left_side": ir.boolean(left_side),
        "lower": ir.boolean(lower),
        "unit_diagonal": ir.boolean(unit_diagonal),
        "transpose_a": ir.attr(f"#stablehlo<transpose {transpose_a}>"),
    }
    return tracing.emit("stablehlo.triangular_solve", [a, b], b.shape, b.dtype, attributes)


def fft(operand: Tensor, kind: str, lengths: Sequence[int]) -> Tensor:
    """`stablehlo.fft` over the last dimensions; `kind` is FFT, IFFT, RFFT or IRFFT."""
    shape, dtype = operand.shape, operand.dtype
    if kind == "RFFT":
        shape, dtype = (*shape[:-1], lengths[-1] // 2 + 1), dtypes.complex_of(dtype)
    elif kind == "IRFFT":
        shape, dtype = (*shape[:-1], lengths[-1]), dtypes.real_of(dtype)
    attributes = {
        "fft_type": ir.attr(f"#stablehlo<fft_type {kind}>"),
        "fft_length": ir.i64s(*(int(np.int64(n)) for n in lengths)),
    }
    return tracing.emit("stablehlo.fft", [operand], shape, dtype, attributes)
