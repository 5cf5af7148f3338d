"""Normalisation within an example: layers, root mean squares, groups, neighbours."""

from collections.abc import Sequence
from typing import Any

from slopec import dtypes
from slopec.nn import functional, init
from slopec.nn.module import Module
from slopec.tensor import Tensor


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(Module):
    """(x − mean) / √(variance + eps) over the last dimensions, scaled and shifted.

    (Ba et al., *Layer normalization*, 2016.)

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
        self.normalized_shape, self.eps = _shape(normalized_shape), eps
        affine = elementwise_affine
        self.weight = init.ones(self.normalized_shape, dtype=dtype) if affine else None
        self.bias = init.zeros(self.normalized_shape, dtype=dtype) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; raises ShapeError unless it ends in the normalised one."""
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        affine = self.weight is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


class RMSNorm(Module):
    """x / √(mean(x²) + eps) over the last dimensions, scaled (Zhang & Sennrich, 2019).

    >>> import slopec as sp
    >>> print(sp.nn.RMSNorm(2)(sp.tensor([[3.0, 4.0]])).round(decimals=3))
    tensor([[0.849 1.131]], float32[1, 2], cpu)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1; `eps` is the input dtype's by default."""
        self.normalized_shape, self.eps = _shape(normalized_shape), eps
        affine = elementwise_affine
        self.weight = init.ones(self.normalized_shape, dtype=dtype) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; raises ShapeError unless it ends in the normalised one."""
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        affine = self.weight is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


class GroupNorm(Module):
    """Each group of channels of (N, C, …) normalised, each channel scaled and shifted.

    (Wu & He, *Group normalization*, 2018.)

    >>> import slopec as sp
    >>> sp.nn.GroupNorm(3, 6)(sp.ones((2, 6, 4))).shape
    (2, 6, 4)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1 and shift 0."""
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = init.ones((num_channels,), dtype=dtype) if affine else None
        self.bias = init.zeros((num_channels,), dtype=dtype) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to the same shape."""
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        affine = self.weight is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={affine}"


class LocalResponseNorm(Module):
    """x divided by a power of what its neighbouring channels are (Krizhevsky et al., 2012).

    >>> import slopec as sp
    >>> sp.nn.LocalResponseNorm(3)(sp.ones((2, 4, 5, 5))).shape
    (2, 4, 5, 5)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        """Remember the formula's numbers."""
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) to the same shape."""
        return functional.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
