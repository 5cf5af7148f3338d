"""Convolutions with PyTorch's arguments: channels before the spatial dimensions, NC… and OI….

Each is one `convolution` op. A transposed convolution is the same op with a dilated input and a
reversed kernel, which makes it the derivative of the convolution of the same arguments.
"""

from collections.abc import Sequence
from typing import cast

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.dialects.attributes import ConvDimensionNumbers
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    at_least,
    bad_argument,
    common_dtype,
    per_dimension,
    refuse,
)
from slopec.tensor import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
]

Sizes = int | Sequence[int]
Pads = Sequence[tuple[int, int]]


def _layouts(rank: int) -> ConvDimensionNumbers:
    spatial = "0123456789"[:rank]
    return ConvDimensionNumbers.of_layouts(f"bf{spatial}", f"oi{spatial}", f"bf{spatial}")


def _operands(
    name: str, rank: int, x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None
) -> tuple[Tensor, Tensor, Tensor | None, bool]:
    """Input with a batch dimension, kernel and bias in one dtype; whether the batch was added."""
    given, kernel = as_tensor(name, x), as_tensor(name, weight)
    added = None if bias is None else as_tensor(name, bias)
    dtype = common_dtype([t for t in (given, kernel, added) if t is not None])
    refuse(name, given, lambda _: not dtypes.is_differentiable(dtype), "floating elements")
    if given.ndim not in (rank + 1, rank + 2) or kernel.ndim != rank + 2:
        raise ShapeError(
            "S0101",
            f"{name}: input of shape {given.shape} and weight of shape {kernel.shape}",
            span=tracing.here(),
            hint=f"the input is (N, C, {rank} spatial) or (C, {rank} spatial)",
        )
    single = given.ndim == rank + 1
    given = hlo.reshape(given, (1, *given.shape)) if single else given
    given, kernel = hlo.convert(given, dtype), hlo.convert(kernel, dtype)
    return given, kernel, None if added is None else hlo.convert(added, dtype), single


def _check_channels(
    name: str, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, inputs: int, out: int
) -> None:
    """Raise ShapeError unless input, weight and bias agree on channels and groups."""
    if groups < 1 or x.shape[1] != inputs or x.shape[1] % groups or out % groups:
        raise ShapeError(
            "S0101",
            f"{name}: input of shape {x.shape} and weight of shape {weight.shape} do not fit: "
            f"{x.shape[1]} ≠ {inputs} channels in {groups} group{'s' * (groups != 1)}",
            span=tracing.here(),
        )
    if bias is not None and bias.shape != (out,):
        raise ShapeError(
            "S0101",
            f"{name}: bias of shape {bias.shape} for {out} output channels",
            span=tracing.here(),
        )


def _check_window(
    name: str, x: Tensor, weight: Tensor, pads: Pads, dilations: Sequence[int]
) -> None:
    """Raise ShapeError where the window reaches beyond the padded input."""
    reach = [d * (w - 1) + 1 for w, d in zip(weight.shape[2:], dilations, strict=True)]
    padded = [n + a + b for n, (a, b) in zip(x.shape[2:], pads, strict=True)]
    if any(window > size for window, size in zip(reach, padded, strict=True)):
        raise ShapeError(
            "S0101",
            f"{name}: windows of {tuple(reach)} do not fit into an input of {tuple(padded)}",
            span=tracing.here(),
            notes=(f"input of shape {x.shape}, weight of shape {weight.shape}",),
        )


def _biased(result: Tensor, bias: Tensor | None) -> Tensor:
    if bias is None:
        return result
    return hlo.add(result, hlo.broadcast_in_dim(bias, result.shape, [1]))


def correlation(
    name: str,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    """(N, C, …) with (O, C / groups, …), of any rank and one dtype.

    Raises ShapeError for channels and windows that do not fit.
    """
    _check_channels(name, x, kernel, bias, groups, kernel.shape[1] * groups, kernel.shape[0])
    _check_window(name, x, kernel, pads, dilations)
    result = hlo.convolution(
        x,
        kernel,
        _layouts(x.ndim - 2),
        strides=strides,
        padding=pads,
        rhs_dilation=dilations,
        feature_groups=groups,
    )
    return _biased(result, bias)


def transposed_correlation(
    name: str,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    cut: Pads,
    extra: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    """(N, C, …) with (C, O / groups, …), of any rank and one dtype.

    The whole result, with `extra` behind each dimension, is `cut` at both ends. Raises ShapeError
    for channels that do not fit.
    """
    inputs, per_group, *window = kernel.shape
    _check_channels(name, x, kernel, bias, groups, inputs, per_group * groups)
    rank = x.ndim - 2
    reach = [d * (w - 1) for w, d in zip(window, dilations, strict=True)]
    if groups > 1:
        kernel = hlo.reshape(kernel, (groups, inputs // groups, per_group, *window))
        kernel = hlo.transpose(kernel, (1, 0, *range(2, rank + 3)))
        kernel = hlo.reshape(kernel, (inputs // groups, groups * per_group, *window))
    kernel = hlo.transpose(kernel, (1, 0, *range(2, rank + 2)))
    result = hlo.convolution(
        x,
        hlo.reverse(kernel, range(2, rank + 2)),
        _layouts(rank),
        padding=[(r - a, r - b + e) for r, (a, b), e in zip(reach, cut, extra, strict=True)],
        lhs_dilation=strides,
        rhs_dilation=dilations,
        feature_groups=groups,
    )
    return _biased(result, bias)


def _as_given(result: Tensor, single: bool) -> Tensor:
    return hlo.reshape(result, result.shape[1:]) if single else result


def paddings(
    name: str,
    padding: Sizes | str | Pads,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[int, int]]:
    """Margins before and after each spatial dimension, from PyTorch's `padding`.

    "valid" is none; "same" keeps the size at stride 1, the odd element behind. Pairs give both
    margins of a dimension.
    """
    rank = len(window)
    if isinstance(padding, str):
        if padding == "valid":
            return [(0, 0)] * rank
        if padding != "same":
            raise bad_argument(f"{name}: padding is 'same', 'valid' or numbers, got {padding!r}")
        if any(s != 1 for s in strides):
            raise bad_argument(
                f"{name}: padding 'same' needs stride 1, got {tuple(strides)}",
                "give the padding in numbers",
            )
        totals = [d * (w - 1) for w, d in zip(window, dilations, strict=True)]
        return [(t // 2, t - t // 2) for t in totals]
    if isinstance(padding, int) or all(isinstance(p, int) for p in padding):
        sizes = per_dimension(name, "padding", cast("Sizes", padding), rank)
        at_least(name, "padding", sizes, 0)
        return [(p, p) for p in sizes]
    pairs = [(int(a), int(b)) for a, b in cast("Pads", padding)]
    if len(pairs) != rank:
        raise bad_argument(f"{name}: {len(pairs)} pairs of padding for {rank} dimensions")
    return pairs


def _conv(
    name: str,
    rank: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Sizes | str | Pads,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    given, kernel, added, single = _operands(name, rank, x, weight, bias)
    strides = per_dimension(name, "stride", stride, rank)
    dilations = per_dimension(name, "dilation", dilation, rank)
    at_least(name, "stride", strides, 1)
    at_least(name, "dilation", dilations, 1)
    pads = paddings(name, padding, kernel.shape[2:], strides, dilations)
    result = correlation(name, given, kernel, added, strides, pads, dilations, groups)
    return _as_given(result, single)


def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes | str | Pads = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve signals (N, C, L) or (C, L) with `weight` (O, C / groups, K); see `conv2d`.

    >>> import slopec as sp
    >>> print(sp.conv1d(sp.tensor([[1.0, 2.0, 3.0]]), sp.tensor([[[1.0, 1.0]]])))
    tensor([[3. 5.]], float32[1, 2], cpu)
    """
    return _conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes | str | Pads = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images (N, C, H, W) or (C, H, W) with `weight` (O, C / groups, KH, KW).

    As in PyTorch this is a correlation: the kernel is not reversed. `padding` is a number, one per
    dimension, (before, after) pairs, "same" or "valid". The size along a dimension becomes
    (size + padding - dilation (K - 1) - 1) // stride + 1. float16 and bfloat16 stay what they are.

    Raises ShapeError for shapes and UsageError for arguments that do not fit.

    >>> import slopec as sp
    >>> sp.conv2d(sp.ones((1, 3, 8, 8)), sp.ones((4, 3, 3, 3)), padding="same").shape
    (1, 4, 8, 8)
    """
    return _conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes | str | Pads = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes (N, C, D, H, W) or (C, D, H, W) with (O, C / groups, …); see `conv2d`.

    >>> import slopec as sp
    >>> sp.conv3d(sp.ones((1, 1, 4, 4, 4)), sp.ones((2, 1, 3, 3, 3))).shape
    (1, 2, 2, 2, 2)
    """
    return _conv("conv3d", 3, x, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    name: str,
    rank: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    given, kernel, added, single = _operands(name, rank, x, weight, bias)
    strides = per_dimension(name, "stride", stride, rank)
    dilations = per_dimension(name, "dilation", dilation, rank)
    at_least(name, "stride", strides, 1)
    at_least(name, "dilation", dilations, 1)
    margins = per_dimension(name, "padding", padding, rank)
    extra = per_dimension(name, "output_padding", output_padding, rank)
    at_least(name, "padding", margins, 0)
    at_least(name, "output_padding", extra, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
        raise bad_argument(
            f"{name}: output_padding {tuple(extra)} is not below stride {tuple(strides)} "
            f"or dilation {tuple(dilations)}"
        )
    cut = [(p, p) for p in margins]
    result = transposed_correlation(
        name, given, kernel, added, strides, cut, extra, dilations, groups
    )
    return _as_given(result, single)


def conv_transpose1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of (N, C, L) with (C, O / groups, K); see `conv_transpose2d`.

    >>> import slopec as sp
    >>> print(sp.conv_transpose1d(sp.tensor([[1.0, 2.0]]), sp.tensor([[[1.0, 1.0]]]), stride=2))
    tensor([[1. 1. 2. 2.]], float32[1, 4], cpu)
    """
    return _conv_transpose(
        "conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """The transpose of `conv2d`: (N, C, H, W) or (C, H, W) with `weight` (C, O / groups, KH, KW).

    It maps the output shape of a convolution of the same arguments back to its input shape. The
    size along a dimension becomes (size - 1) stride - 2 padding + dilation (K - 1) +
    output_padding + 1.

    Raises ShapeError for shapes and UsageError for arguments that do not fit.

    >>> import slopec as sp
    >>> sp.conv_transpose2d(sp.ones((1, 4, 5, 5)), sp.ones((4, 3, 3, 3)), stride=2).shape
    (1, 3, 11, 11)
    """
    return _conv_transpose(
        "conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of volumes (N, C, D, H, W); see `conv_transpose2d`.

    >>> import slopec as sp
    >>> sp.conv_transpose3d(sp.ones((1, 2, 2, 2, 2)), sp.ones((2, 1, 2, 2, 2)), stride=2).shape
    (1, 1, 4, 4, 4)
    """
    return _conv_transpose(
        "conv_transpose3d", 3, x, weight, bias, stride, padding, output_padding, groups, dilation
    )
