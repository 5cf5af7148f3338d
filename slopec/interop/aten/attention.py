"""ATen's attention, as one operation and as the ones that its processors have."""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.tensor import Tensor


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Scaled dot product attention."""
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa
    )


def on_cpu(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Any, ...]:
    """Attention, with the logarithms of what its exponentials add up to, for its gradient."""
    y = attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)
    return y, lambda: ops.zeros(query.shape[:-1], dtype=dtypes.float32)


TABLE: dict[str, Callable[..., Any]] = {
    "scaled_dot_product_attention": attention,
    "_scaled_dot_product_flash_attention_for_cpu": on_cpu,
}
