"""ONNX's products and convolutions."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, ops
from slopec.interop.onnx.windows import Windows
from slopec.ops.conv import correlation, transposed_correlation
from slopec.tensor import Tensor


def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    trans_a: int = 0,
    trans_b: int = 0,
) -> Tensor:
    """α A B + β C, where A and B may be transposed."""
    left = ops.matrix_transpose(a) if trans_a else a
    right = ops.matrix_transpose(b) if trans_b else b
    product = ops.matmul(left, right)
    if alpha != 1:
        product = ops.astype(product * alpha, product.dtype)
    if c is None:
        return product
    return product + (c if beta == 1 else ops.astype(c * beta, c.dtype))


def einsum(*operands: Tensor, equation: str) -> Tensor:
    """Products summed over indices."""
    return ops.einsum(equation, *operands)


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    group: int = 1,
) -> Tensor:
    """Correlation of (N, C, …) with kernels (O, C / groups, …)."""
    windows = Windows.over(x.shape[2:], weight.shape[2:], strides, dilations, pads, auto_pad)
    return correlation(
        "Conv", x, weight, bias, windows.strides, windows.margins, windows.dilations, group
    )


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    kernel_shape: Sequence[int] | None = None,
    output_shape: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    group: int = 1,
) -> Tensor:
    """The transpose of a convolution with kernels (C, O / groups, …)."""
    rank = x.ndim - 2
    ones, zeros = (1,) * rank, (0,) * rank
    steps, gaps = tuple(strides) or ones, tuple(dilations) or ones
    more = tuple(output_padding) or zeros
    spans = [(k - 1) * gap + 1 for k, gap in zip(weight.shape[2:], gaps, strict=True)]
    full = [
        step * (n - 1) + extra + span
        for n, step, extra, span in zip(x.shape[2:], steps, more, spans, strict=True)
    ]
    cut = _cut(x.shape[2:], full, steps, output_shape[-rank:], pads, auto_pad)
    return transposed_correlation("ConvTranspose", x, weight, bias, steps, cut, more, gaps, group)


def _cut(
    sizes: Sequence[int],
    full: Sequence[int],
    steps: Sequence[int],
    wanted: Sequence[int],
    pads: Sequence[int],
    auto_pad: str,
) -> list[tuple[int, int]]:
    """What a transposed convolution cuts from both ends of its full result."""
    rank = len(sizes)
    if not wanted and not auto_pad.startswith("SAME"):
        given = tuple(pads) or (0,) * (2 * rank)
        return list(zip(given[:rank], given[rank:], strict=True))
    targets = wanted or [n * step for n, step in zip(sizes, steps, strict=True)]
    totals = [n - target for n, target in zip(full, targets, strict=True)]
    if auto_pad == "SAME_UPPER":
        return [(total // 2, total - total // 2) for total in totals]
    return [(total - total // 2, total // 2) for total in totals]


def _whole_product(
    product: Callable[..., Tensor], per_kernel: Callable[[Tensor, int], Tensor]
) -> Callable[..., Tensor]:
    """A product of small integers, less their zero points, as int32."""

    def run(
        a: Tensor,
        b: Tensor,
        a_zero: Tensor | None = None,
        b_zero: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        left, right = (ops.astype(v, dtypes.int32) for v in (a, b))
        if a_zero is not None:
            zero = ops.astype(a_zero, dtypes.int32)
            left = left - (ops.expand_dims(zero, -1) if zero.ndim else zero)
        if b_zero is not None:
            zero = ops.astype(b_zero, dtypes.int32)
            right = right - (per_kernel(zero, right.ndim) if zero.ndim else zero)
        return product(left, right, **options)

    return run


TABLE: dict[str, Callable[..., Any]] = {
    "MatMul": ops.matmul,
    "MatMulInteger": _whole_product(ops.matmul, lambda zero, rank: zero),
    "Gemm": gemm,
    "Einsum": einsum,
    "Conv": conv,
    "ConvInteger": _whole_product(
        conv, lambda zero, rank: ops.reshape(zero, (-1, *(1,) * (rank - 1)))
    ),
    "ConvTranspose": conv_transpose,
}
