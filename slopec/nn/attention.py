"""Multi-head attention as a module, and a cache of keys and values for generation."""

from typing import Any

from slopec import dtypes, hlo, ops, random, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.nn import functional, init
from slopec.nn.linear import Linear, keys
from slopec.nn.module import Module
from slopec.tensor import Tensor


class MultiheadAttention(Module):
    """Attention in `num_heads` heads of size embed_dim / num_heads (Vaswani et al., 2017).

    As in PyTorch, sequences come first unless `batch_first`, and a True of a boolean mask *hides*
    a position.

    >>> import slopec as sp
    >>> attention = sp.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = sp.ones((3, 5, 8))
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Input projections Glorot uniform, the output's as in `Linear`, biases 0.

        `add_bias_kv` puts a learned position behind keys and values, `add_zero_attn` one of zeros.
        """
        if embed_dim % num_heads:
            raise UsageError(
                "S0106",
                f"MultiheadAttention: {num_heads} heads do not divide {embed_dim} dimensions",
                span=tracing.here(),
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        sizes = (embed_dim, kdim or embed_dim, vdim or embed_dim)
        self.in_proj_weight: Tensor | None = None
        first, second, *rest = keys(key, 4)
        if sizes == (embed_dim,) * 3:
            shape = (3 * embed_dim, embed_dim)
            self.in_proj_weight = init.xavier_uniform(shape, key=first, dtype=dtype)
        else:
            for name, size, one in zip("qkv", sizes, (first, *rest), strict=True):
                weight = init.xavier_uniform((embed_dim, size), key=one, dtype=dtype)
                setattr(self, f"{name}_proj_weight", weight)
        self.in_proj_bias = init.zeros((3 * embed_dim,), dtype=dtype) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, key=second)
        if bias:
            self.out_proj.bias = init.zeros((embed_dim,), dtype=dtype)
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            self.bias_k, self.bias_v = (
                init.xavier_normal((1, 1, embed_dim), key=one, dtype=dtype)
                for one in keys(None if key is None else random.fold_in(key, 1), 2)
            )

    bias_k: Tensor | None
    bias_v: Tensor | None

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(result, weights or None) for (T, N, E), (S, N, K) and (S, N, V), or without N.

        `key_padding_mask` (N, S) and `attn_mask` (T, S) or (N · heads, T, S) hide positions where
        True, or are added. Weights are (N, T, S), or per head (N, heads, T, S) unless averaged.
        `is_causal` needs no mask. Raises ShapeError for inputs of other ranks.
        """
        if query.ndim == 2:
            pad = None if key_padding_mask is None else ops.expand_dims(key_padding_mask, 0)
            axis = 0 if self.batch_first else 1
            query, key, value = (ops.expand_dims(x, axis) for x in (query, key, value))
            result, weights = self.forward(
                query, key, value, pad, need_weights, attn_mask, average_attn_weights, is_causal
            )
            return ops.squeeze(result, axis), None if weights is None else ops.squeeze(weights, 0)
        if query.ndim != 3:
            raise ShapeError(
                "S0101",
                f"MultiheadAttention: a query of shape {query.shape}, expected 2 or 3 dimensions",
                span=tracing.here(),
            )
        if not self.batch_first:
            query, key, value = (ops.swapaxes(x, 0, 1) for x in (query, key, value))
        q, k, v = self._projected(query, key, value)
        extra = (self.bias_k is not None) + self.add_zero_attn
        if extra:
            k, v = self._longer(k, self.bias_k), self._longer(v, self.bias_v)
            if is_causal and attn_mask is None:
                attn_mask = ~ops.tril(ops.ones((q.shape[1], key.shape[1]), dtype=dtypes.bool_))
            is_causal = False
            # The positions behind are for everybody to see.
            attn_mask, key_padding_mask = (
                None if m is None else ops.pad(m, [(0, 0)] * (m.ndim - 1) + [(0, extra)])
                for m in (attn_mask, key_padding_mask)
            )
        q, k, v = (self._heads(x) for x in (q, k, v))
        mask = self._mask(attn_mask, key_padding_mask, query.shape[0])
        result, weights = self._attend(q, k, v, mask, is_causal, need_weights)
        n, _, length, _ = result.shape
        result = self.out_proj(ops.reshape(ops.swapaxes(result, 1, 2), (n, length, -1)))
        if weights is not None and average_attn_weights:
            weights = ops.mean(weights, axis=1)
        return (result if self.batch_first else ops.swapaxes(result, 0, 1)), weights

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, weighted: bool
    ) -> tuple[Tensor, Tensor | None]:
        p = self.dropout if self.training else 0.0
        if not weighted:
            return functional.scaled_dot_product_attention(q, k, v, mask, p, causal), None
        weights = functional.dropout(functional.attention_weights(q, k, mask, causal), p)
        return weights @ v, weights

    def _projected(self, *inputs: Tensor) -> list[Tensor]:
        size = self.embed_dim
        weight, bias = self.in_proj_weight, self.in_proj_bias
        biases = [None] * 3 if bias is None else ops.split(bias, 3)
        same = inputs[0] is inputs[1] is inputs[2]
        if weight is not None and same:
            return ops.split(functional.linear(inputs[0], weight, bias), 3, axis=-1)
        if weight is not None:
            weights = [weight[i * size : (i + 1) * size] for i in range(3)]
        else:
            weights = [getattr(self, f"{name}_proj_weight") for name in "qkv"]
        return [functional.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]

    def _longer(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """(N, S, E) with the learned position, and that of zeros, behind."""
        shape = (x.shape[0], 1, x.shape[2])
        behind = [] if bias is None else [ops.broadcast_to(bias, shape)]
        behind += [ops.zeros(shape, dtype=x.dtype)] if self.add_zero_attn else []
        return ops.concat([x, *behind], axis=1)

    def _heads(self, x: Tensor) -> Tensor:
        """(N, T, E) to (N, heads, T, E / heads)."""
        split = ops.reshape(x, (*x.shape[:2], self.num_heads, -1))
        return ops.swapaxes(split, 1, 2)

    def _mask(self, attn_mask: Tensor | None, padding: Tensor | None, batch: int) -> Tensor | None:
        """Both masks as one that broadcasts to (N, heads, T, S), in attention's sense of bool."""
        masks = []
        if attn_mask is not None:
            if attn_mask.ndim == 3:
                shape = (batch, self.num_heads, *attn_mask.shape[1:])
                attn_mask = ops.reshape(attn_mask, shape)
            masks.append(attn_mask)
        if padding is not None:
            masks.append(ops.expand_dims(padding, (1, 2)))
        seen = [~m if m.dtype == dtypes.bool_ else m for m in masks]
        if len(seen) < 2:
            return seen[0] if seen else None
        if all(m.dtype == dtypes.bool_ for m in seen):
            return ops.logical_and(*seen)
        first, second = (
            ops.where(m, 0.0, -float("inf")) if m.dtype == dtypes.bool_ else m for m in seen
        )
        return first + second

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}, dropout={self.dropout}"


class KVCache(Module):
    """Keys and values (N, heads, capacity, D) of the positions so far, for generation.

    A cache is a value: `append` returns the next one. Its shapes never change, so a step that
    takes and returns a cache compiles once.

    >>> import slopec as sp
    >>> cache = sp.nn.KVCache(1, 2, 8, 4)
    >>> k = v = sp.ones((1, 2, 3, 4))
    >>> cache = cache.append(k, v)
    >>> cache.length.item(), cache.attend(k).shape
    (3, (1, 2, 3, 4))
    """

    def __init__(
        self,
        batch: int,
        heads: int,
        capacity: int,
        size: int,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """An empty cache."""
        self.register_buffer("keys", init.zeros((batch, heads, capacity, size), dtype=dtype))
        self.register_buffer("values", init.zeros((batch, heads, capacity, size), dtype=dtype))
        self.register_buffer("length", init.zeros((), dtype=dtypes.int32))

    keys: Tensor
    values: Tensor
    length: Tensor

    @property
    def capacity(self) -> int:
        """How many positions fit; beyond them the last ones are overwritten."""
        return self.keys.shape[2]

    def append(self, key: Tensor, value: Tensor) -> "KVCache":
        """The cache with keys and values (N, heads, T, D) of the next T positions.

        Raises ShapeError when they are more than fit an empty cache.
        """
        if key.shape[2] > self.capacity or key.shape[:2] != self.keys.shape[:2]:
            raise ShapeError(
                "S0101",
                f"KVCache: keys of shape {key.shape} for a cache of shape {self.keys.shape}",
                span=tracing.here(),
            )
        zero = ops.zeros((), dtype=dtypes.int32)
        place = (zero, zero, self.length, zero)
        made = KVCache.__new__(KVCache)
        made.register_buffer("keys", hlo.dynamic_update_slice(self.keys, key, place))
        made.register_buffer("values", hlo.dynamic_update_slice(self.values, value, place))
        made.register_buffer("length", self.length + key.shape[2])
        return made

    def attend(self, query: Tensor, scale: float | None = None) -> Tensor:
        """Attention of queries (N, heads', T, D), the last T positions, over all so far.

        Queries may have more heads than the cache, in groups.
        """
        count = query.shape[2]
        last = self.length - count + ops.expand_dims(ops.arange(count), 1)
        seen = ops.expand_dims(ops.arange(self.capacity), 0) <= last
        return functional.scaled_dot_product_attention(
            query, self.keys, self.values, seen, scale=scale, enable_gqa=True
        )
