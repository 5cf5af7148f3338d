"""Attention, and the rotations that tell it positions."""

import math
from typing import Any

from slopec import dtypes, ops, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.lazy.record import operation
from slopec.nn.functional.activations import softmax
from slopec.nn.functional.randomness import dropout
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient

__all__ = ["attention_weights", "rotary_embedding", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    dropout_key: Any = None,
) -> Tensor:
    """softmax(q kᵀ · scale + mask) v (Vaswani et al., 2017).

    `query` has shape (…, T, D), `key` (…, S, D), `value` (…, S, V); the result is (…, T, V). The
    scale is 1/√D by default. `attn_mask` broadcasts to (…, T, S): bool, where True takes part, or
    added to the scores. `is_causal` lets position i see the first i + 1 keys. With `enable_gqa`,
    dimension −3 counts heads, of which key and value may have fewer, each serving a group of the
    query's (Ainslie et al., 2023). A query that sees no key gives zeros.

    Raises ShapeError for sizes that do not fit and DTypeError for an integer mask.

    >>> import slopec as sp
    >>> x = sp.ones((1, 2, 4))
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).shape
    (1, 2, 4)
    """
    if query.ndim < 2 or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            "S0101",
            f"attention: query of shape {query.shape}, key {key.shape}, value {value.shape}",
            span=tracing.here(),
            notes=("expected (…, T, D), (…, S, D) and (…, S, V)",),
        )
    if enable_gqa and query.shape[-3] != key.shape[-3]:
        return _grouped(query, key, value, attn_mask, dropout_p, is_causal, scale, dropout_key)
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    weights = dropout(weights, dropout_p, key=dropout_key)
    return weights @ value


@operation
def attention_weights(
    query: Tensor,
    key: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(q kᵀ · scale + mask), shape (…, T, S); arguments as for attention itself."""
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * factor) @ ops.matrix_transpose(key)
    if is_causal:
        seen = ops.tri(query.shape[-2], key.shape[-2], dtype=dtypes.bool_)
        scores = ops.where(seen, scores, -math.inf)
    if attn_mask is not None:
        scores = _masked(scores, attn_mask)
    if attn_mask is None:
        return softmax(scores, -1)
    # A mask may hide a whole row: its maximum is -inf, its sum 0. Causal rows see at least one key.
    top = ops.max(scores, axis=-1, keepdims=True)
    top = stop_gradient(ops.where(ops.isfinite(top), top, 0))
    powers = ops.exp(scores - top)
    total = ops.sum(powers, axis=-1, keepdims=True)
    return powers / ops.where(total == 0, 1, total)


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    if mask.dtype == dtypes.bool_:
        return ops.where(mask, scores, -math.inf)
    if dtypes.is_floating(mask.dtype):
        return scores + ops.astype(mask, scores.dtype)
    raise DTypeError(
        "S0102",
        f"attention: a mask of {mask.dtype}",
        span=tracing.here(),
        hint="a mask is bool, where True takes part, or floating and added to the scores",
    )


def _grouped(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    dropout_key: Any,
) -> Tensor:
    """Attention with fewer heads of keys: each serves the queries of its group."""
    heads, kept = query.shape[-3], key.shape[-3]
    if heads % kept or value.shape[-3] != kept:
        raise ShapeError(
            "S0101",
            f"attention: {heads} heads of queries for {kept} of keys and {value.shape[-3]} of "
            "values",
            span=tracing.here(),
        )
    split = (*query.shape[:-3], kept, heads // kept, *query.shape[-2:])
    if mask is not None and mask.ndim >= 3:
        per_head = mask.shape[-3] != 1
        groups = (kept, heads // kept) if per_head else (1, 1)
        mask = ops.reshape(mask, (*mask.shape[:-3], *groups, *mask.shape[-2:]))
    result = scaled_dot_product_attention(
        ops.reshape(query, split),
        ops.expand_dims(key, -3),
        ops.expand_dims(value, -3),
        mask,
        dropout_p,
        is_causal,
        scale,
        dropout_key=dropout_key,
    )
    return ops.reshape(result, (*query.shape[:-1], value.shape[-1]))


@operation
def rotary_embedding(
    x: Tensor, positions: Tensor | None = None, base: float = 10000.0, interleaved: bool = False
) -> Tensor:
    """`x` (…, T, D) with pairs of elements turned by angles that grow with the position.

    Pair i of position t is turned by t · base^(−2i/D), so that products of queries and keys depend
    on distances alone (Su et al., *RoFormer*, 2021). A pair is element i of each half, or
    neighbours if `interleaved`. `positions` (T) are 0 … T − 1 by default.

    Raises ShapeError for an odd D.

    >>> import slopec as sp
    >>> rotary_embedding(sp.ones((2, 5, 8))).shape
    (2, 5, 8)
    """
    size = x.shape[-1]
    if x.ndim < 2 or size % 2:
        raise ShapeError(
            "S0101",
            f"rotary_embedding: expected (…, T, even D), got {x.shape}",
            span=tracing.here(),
        )
    places = ops.arange(x.shape[-2]) if positions is None else positions
    speeds = ops.exp(ops.arange(size // 2) * (-2.0 * math.log(base) / size))
    angles = ops.expand_dims(ops.astype(places, dtypes.float32), -1) * speeds
    cos, sin = (ops.astype(f(angles), x.dtype) for f in (ops.cos, ops.sin))
    if interleaved:
        pairs = ops.reshape(x, (*x.shape[:-1], size // 2, 2))
        a, b = pairs[..., 0], pairs[..., 1]
        return ops.reshape(ops.stack([a * cos - b * sin, b * cos + a * sin], axis=-1), x.shape)
    a, b = ops.split(x, 2, axis=-1)
    return ops.concat([a * cos - b * sin, b * cos + a * sin], axis=-1)
