"""ATen's products, convolutions and distances."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import ops
from slopec.nn import functional
from slopec.tensor import Tensor


def einsum(equation: str, operands: Sequence[Tensor], *, path: Any = None) -> Tensor:
    """A sum of products by Einstein's convention."""
    return ops.einsum(equation, *operands)


def trilinear(
    x: Tensor,
    y: Tensor,
    z: Tensor,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    unroll_dim: int = 1,
) -> Tensor:
    """x y z, each with new dimensions put in, added up over dimensions."""
    product = ops.expand_dims(x, list(expand1)) * ops.expand_dims(y, list(expand2))
    return ops.sum(product * ops.expand_dims(z, list(expand3)), axis=tuple(sumdim))


_CONVOLUTIONS = {
    1: (ops.conv1d, ops.conv_transpose1d),
    2: (ops.conv2d, ops.conv_transpose2d),
    3: (ops.conv3d, ops.conv_transpose3d),
}


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """Convolutions and transposed ones, of every rank."""
    rank = weight.ndim - 2

    def each(values: Sequence[int]) -> list[int]:
        return list(values) if len(values) == rank else list(values) * rank

    plain, transpose = _CONVOLUTIONS[rank]
    options = {"stride": each(stride), "dilation": each(dilation), "groups": groups}
    if not transposed:
        return plain(x, weight, bias, padding=each(padding), **options)  # type: ignore[arg-type]
    return transpose(
        x,
        weight,
        bias,
        padding=each(padding),
        output_padding=each(output_padding),
        **options,  # type: ignore[arg-type]
    )


def cdist(x: Tensor, y: Tensor, p: float = 2.0, compute_mode: int | None = None) -> Tensor:
    """The p-norms of all differences between rows of two matrices."""
    return functional.cdist(x, y, p=p)


def pdist(x: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences between each two rows."""
    return functional.pdist(x, p=p)


_GROUPED = {
    (2, 3): ("mk,gkn,mg->mn", 0),
    (2, 2): ("mk,kn,kg->gmn", 1),
    (3, 2): ("gmk,kn,ng->mn", -1),
}
"""By ranks: the product whose last operand says which group is whose, and what x or y groups."""


def grouped_mm(
    x: Tensor,
    y: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """Products of groups of rows or columns, which end at `offs`, each with a matrix of its own."""
    if offs is None:
        product = ops.matmul(x, y)
    else:
        equation, axis = _GROUPED[x.ndim, y.ndim]
        places = ops.arange((y if axis == -1 else x).shape[axis])
        group = ops.searchsorted(offs, places, side="right")
        product = ops.einsum(equation, x, y, ops.one_hot(group, offs.shape[0], dtype=x.dtype))
    product = product if bias is None else product + bias
    return product if out_dtype is None else ops.astype(product, out_dtype)


TABLE: dict[str, Callable[..., Any]] = {
    "mm": ops.matmul,
    "bmm": ops.matmul,
    "mv": ops.matmul,
    "dot": ops.matmul,
    "matmul": ops.matmul,
    "addmm": ops.addmm,
    "baddbmm": ops.baddbmm,
    "addmv": ops.addmv,
    "addbmm": ops.addbmm,
    "dist": ops.dist,
    "linear": functional.linear,
    "einsum": einsum,
    "bilinear": functional.bilinear,
    "_trilinear": trilinear,
    "convolution": convolution,
    "_grouped_mm": grouped_mm,
    "transformers::grouped_mm_fallback": grouped_mm,
    "_cdist_forward": cdist,
    "_pdist_forward": pdist,
}
