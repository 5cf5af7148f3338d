"""Layers with weights: Linear, Conv2d, Embedding, LayerNorm; and Dropout, which has none."""

from collections.abc import Sequence
from typing import Any

from slopec import dtypes, ops, random, trace
from slopec.diagnostics import ShapeError
from slopec.nn import functional, init
from slopec.nn.module import Module
from slopec.tensor import Tensor


def _keys(key: Any, count: int) -> list[Any]:
    """`count` keys made of one, or as many Nones for the current stream."""
    if key is None:
        return [None] * count
    return list(random.split(key, count))


class Linear(Module):
    """x Wᵀ + b, with `weight` of shape (out_features, in_features) as PyTorch has it.

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
        first, second = _keys(key, 2)
        self.weight = init.torch_uniform((out_features, in_features), key=first, dtype=dtype)
        self.bias = (
            init.torch_uniform((out_features,), in_features, key=second, dtype=dtype)
            if bias
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features); raises ShapeError for another last size."""
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ShapeError(
                "S0101",
                f"Linear({self.in_features}, {self.out_features}) got shape {x.shape}; "
                f"its last size must be {self.in_features}",
                span=trace.here(),
                hint="`x.shape` is known here: print it to see where the size comes from",
            )
        result: Tensor = x @ self.weight.T
        return result if self.bias is None else result + self.bias

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Conv2d(Module):
    """A convolution of images (N, C, H, W) with `weight` (out, in / groups, kH, kW).

    >>> import slopec as sp
    >>> sp.nn.Conv2d(1, 4, 3, padding=1)(sp.ones((2, 1, 8, 8))).shape
    (2, 4, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Weights and biases uniform within ±1/√(in_channels / groups · kH · kW)."""
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        shape = (out_channels, in_channels // groups, *window)
        self.stride, self.padding = stride, padding
        self.dilation, self.groups = dilation, groups
        first, second = _keys(key, 2)
        self.weight = init.torch_uniform(shape, key=first, dtype=dtype)
        fan_in = init.fans(shape)[0]
        self.bias = (
            init.torch_uniform((out_channels,), fan_in, key=second, dtype=dtype) if bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H', W')."""
        return ops.conv2d(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        """The weight's shape and what differs from the defaults."""
        out, _, *window = self.weight.shape
        groups = self.weight.shape[1] * self.groups
        return f"{groups}, {out}, kernel_size={tuple(window)}, stride={self.stride}"


class Embedding(Module):
    """Rows of `weight` (num_embeddings, embedding_dim) picked by integers.

    >>> import slopec as sp
    >>> sp.nn.Embedding(10, 4)(sp.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        dtype: Any = dtypes.float32,
        key: Any = None,
    ) -> None:
        """Rows normal with standard deviation 1."""
        self.weight = init.normal((num_embeddings, embedding_dim), 1.0, key=key, dtype=dtype)

    def forward(self, indices: Tensor) -> Tensor:
        """Integers of shape (…) to vectors (…, embedding_dim)."""
        return ops.take(self.weight, indices, axis=0)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return ", ".join(map(str, self.weight.shape))


class LayerNorm(Module):
    """(x − mean) / √(variance + eps) over the last dimensions, scaled, shifted (Ba et al., 2016).

    >>> import slopec as sp
    >>> print(sp.nn.LayerNorm(2)(sp.tensor([[1.0, 3.0]])).round(decimals=3))
    tensor([[-1.  1.]], float32[1, 2], cpu)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1 and shift 0."""
        single = isinstance(normalized_shape, int)
        shape = (normalized_shape,) if single else tuple(normalized_shape)  # type: ignore[arg-type]
        self.normalized_shape: tuple[int, ...] = shape  # type: ignore[assignment]
        self.eps = eps
        self.weight = init.ones(self.normalized_shape, dtype=dtype) if elementwise_affine else None
        self.bias = (
            init.zeros(self.normalized_shape, dtype=dtype) if elementwise_affine and bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; raises ShapeError unless the last dimensions are the normalised ones."""
        rank = len(self.normalized_shape)
        if x.shape[x.ndim - rank :] != self.normalized_shape:
            raise ShapeError(
                "S0101",
                f"LayerNorm({self.normalized_shape}) got shape {x.shape}",
                span=trace.here(),
            )
        axes = tuple(range(x.ndim - rank, x.ndim))
        centred = x - ops.mean(x, axis=axes, keepdims=True)
        variance = ops.mean(centred * centred, axis=axes, keepdims=True)
        result = centred * ops.rsqrt(variance + self.eps)
        result = result if self.weight is None else result * self.weight
        return result if self.bias is None else result + self.bias

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"{self.normalized_shape}, eps={self.eps}"


class Dropout(Module):
    """Zero elements with probability `p` while training, and scale the others by 1 / (1 − p).

    The keys come from the current stream: within a traced step open one with
    `sp.random.stream(key)`.
    """

    def __init__(self, p: float = 0.5) -> None:
        """Remember the probability."""
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return functional.dropout(x, self.p, training=self.training)

    def extra_repr(self) -> str:
        """The constructor's argument."""
        return f"p={self.p}"
