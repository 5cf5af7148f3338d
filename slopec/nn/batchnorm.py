"""Batch normalisation, whose running statistics are state that `forward` assigns."""

from typing import Any

from slopec import dtypes, ops, trace
from slopec.diagnostics import ShapeError
from slopec.nn import init
from slopec.nn.module import Module
from slopec.tensor import Tensor


class _BatchNorm(Module):
    """(x − mean) / √(variance + eps) per channel, scaled and shifted (Ioffe & Szegedy, 2015).

    Training uses the batch's statistics and moves the running ones towards them by `momentum`;
    evaluation uses the running ones. The variance that moves them is the unbiased one, as in
    PyTorch. Within a transform the module changed is the function's own copy: return it.
    """

    ranks: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        dtype: Any = dtypes.float32,
    ) -> None:
        """Scale 1, shift 0, running mean 0 and running variance 1."""
        self.eps, self.momentum = eps, momentum
        self.weight = init.ones((num_features,), dtype=dtype) if affine else None
        self.bias = init.zeros((num_features,), dtype=dtype) if affine else None
        self.register_buffer("running_mean", init.zeros((num_features,), dtype=dtype))
        self.register_buffer("running_var", init.ones((num_features,), dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; the channels are dimension 1."""
        if x.ndim not in self.ranks or x.shape[1] != self.running_mean.shape[0]:
            raise ShapeError(
                "S0101",
                f"{type(self).__name__}({self.running_mean.shape[0]}) got shape {x.shape}",
                span=trace.here(),
            )
        shape = [1] * x.ndim
        shape[1] = x.shape[1]
        if self.training:
            mean, variance = self._statistics(x)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = ops.rsqrt(variance + self.eps)
        scale = scale if self.weight is None else scale * self.weight
        result = (x - mean.reshape(shape)) * scale.reshape(shape)
        return result if self.bias is None else result + self.bias.reshape(shape)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance; the running ones follow them."""
        axes = tuple(d for d in range(x.ndim) if d != 1)
        mean, variance = ops.mean(x, axis=axes), ops.var(x, axis=axes)
        count = x.size // x.shape[1]
        unbiased = variance * (count / max(1, count - 1))
        keep, move = 1.0 - self.momentum, self.momentum
        self.running_mean = keep * self.running_mean + move * mean
        self.running_var = keep * self.running_var + move * unbiased
        return mean, variance

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        return f"{self.running_mean.shape[0]}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L)."""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (N, C, H, W)."""

    ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W)."""

    ranks = (5,)
