"""Linear maps, lookups, and changes of shape."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from slopec import dtypes, ops, random
from slopec.nn import functional, init
from slopec.nn.module import Module
from slopec.tensor import Tensor


def keys(key: Any, count: int) -> list[Any]:
    """`count` keys made of one, or as many Nones, for the current stream."""
    return [None] * count if key is None else list(random.split(key, count))


class Identity(Module):
    """The input, whatever the arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ignore every argument."""

    def forward(self, x: Tensor) -> Tensor:
        """`x`."""
        return x


class Linear(Module):
    """x Wᵀ + b, with `weight` of shape (out_features, in_features).

    >>> import slopec as sp
    >>> sp.nn.Linear(3, 5)(sp.ones((2, 3))).shape
    (2, 5)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Weights and biases uniform within ±1/√in_features."""
        self.in_features, self.out_features = in_features, out_features
        first, second = keys(key, 2)
        self.weight = init.torch_default((out_features, in_features), key=first, dtype=dtype)
        self.bias = (
            init.torch_default((out_features,), in_features, key=second, dtype=dtype)
            if bias
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features); raises ShapeError for another last size."""
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """x₁ᵀ W x₂ + b, with `weight` of shape (out_features, in1_features, in2_features).

    >>> import slopec as sp
    >>> sp.nn.Bilinear(3, 4, 5)(sp.ones((2, 3)), sp.ones((2, 4))).shape
    (2, 5)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Weights and biases uniform within ±1/√in1_features."""
        first, second = keys(key, 2)
        shape = (out_features, in1_features, in2_features)
        self.weight = init.torch_default(shape, in1_features, key=first, dtype=dtype)
        self.bias = (
            init.torch_default((out_features,), in1_features, key=second, dtype=dtype)
            if bias
            else None
        )

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """(…, in1_features) and (…, in2_features) to (…, out_features)."""
        return functional.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        outs, first, second = self.weight.shape
        return f"in1_features={first}, in2_features={second}, out_features={outs}"


class Embedding(Module):
    """Rows of `weight` (num_embeddings, embedding_dim) at integers.

    >>> import slopec as sp
    >>> sp.nn.Embedding(10, 4)(sp.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Rows normal with deviation 1, or `_weight`; the row `padding_idx` is and stays zero."""
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        weight = _weight
        if weight is None:
            weight = init.normal((num_embeddings, embedding_dim), key=key, dtype=dtype)
            if padding_idx is not None:
                weight = weight.at[padding_idx].set(0).eval()
        self.weight = weight
        if _freeze:
            self.freeze()

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **options: Any
    ) -> "Embedding":
        """The rows of a matrix, which are frozen unless you say otherwise.

        >>> import slopec as sp
        >>> print(sp.nn.Embedding.from_pretrained(sp.eye(3))(sp.tensor([1])))
        tensor([[0. 1. 0.]], float32[1, 3], cpu)
        """
        count, size = embeddings.shape
        return cls(count, size, padding_idx, _weight=embeddings, _freeze=freeze, **options)

    def forward(self, indices: Tensor) -> Tensor:
        """Integers of shape (…) to vectors (…, embedding_dim)."""
        return functional.embedding(
            indices,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
        )

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return ", ".join(map(str, self.weight.shape)) + padding


class EmbeddingBag(Module):
    """Rows of `weight`, combined in bags; see `functional.embedding_bag`.

    >>> import slopec as sp
    >>> sp.nn.EmbeddingBag(10, 4)(sp.tensor([[1, 2, 3], [4, 5, 6]])).shape
    (2, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Literal["sum", "mean", "max"] = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Rows normal with deviation 1, or `_weight`."""
        self.max_norm, self.norm_type, self.sparse = max_norm, norm_type, sparse
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode, self.include_last_offset = mode, include_last_offset
        self.padding_idx = padding_idx
        shape = (num_embeddings, embedding_dim)
        self.weight = init.normal(shape, key=key, dtype=dtype) if _weight is None else _weight

    def forward(
        self,
        indices: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        """Integers (bags, k), or a vector and where bags begin, to (bags, embedding_dim)."""
        return functional.embedding_bag(
            indices,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"{', '.join(map(str, self.weight.shape))}, mode={self.mode!r}"


class Flatten(Module):
    """The dimensions from `start_dim` to `end_dim` become one.

    >>> import slopec as sp
    >>> sp.nn.Flatten()(sp.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        """Remember the dimensions."""
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        """(N, …) to (N, product of …)."""
        return ops.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The dimension `dim` becomes several, of `unflattened_size`.

    >>> import slopec as sp
    >>> sp.nn.Unflatten(1, (3, 4))(sp.ones((2, 12))).shape
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        """Remember the sizes."""
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, product of …) to (N, …)."""
        return ops.unflatten(x, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class RotaryEmbedding(Module):
    """Turns queries and keys by angles that grow with the position; see `F.rotary_embedding`.

    >>> import slopec as sp
    >>> sp.nn.RotaryEmbedding()(sp.ones((2, 5, 8))).shape
    (2, 5, 8)
    """

    def __init__(self, base: float = 10000.0, interleaved: bool = False) -> None:
        """Remember the base of the angles and how elements pair."""
        self.base, self.interleaved = base, interleaved

    def forward(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        """(…, T, D) to the same shape; positions (T) are 0 … T − 1 by default."""
        return functional.rotary_embedding(x, positions, self.base, self.interleaved)

    def extra_repr(self) -> str:
        """The base."""
        return f"base={self.base:g}"


class SinusoidalEmbedding(Module):
    """Positions as sines and cosines of growing wavelengths (Vaswani et al., 2017).

    >>> import slopec as sp
    >>> sp.nn.SinusoidalEmbedding(8)(sp.arange(5)).shape
    (5, 8)
    """

    def __init__(self, dim: int, base: float = 10000.0) -> None:
        """Remember the size, which is even."""
        self.dim, self.base = dim, base

    def forward(self, positions: Tensor) -> Tensor:
        """(…) to (…, dim): all sines, then all cosines."""
        half = self.dim // 2
        speeds = ops.exp(ops.arange(half) * (-math.log(self.base) / half))
        angles = ops.expand_dims(ops.astype(positions, dtypes.float32), -1) * speeds
        return ops.concat([ops.sin(angles), ops.cos(angles)], axis=-1)
