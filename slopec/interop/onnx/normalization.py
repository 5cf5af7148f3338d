"""ONNX's normalisations in inference, and with the batch's statistics."""

import math
from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.nn.functional.normalization import moments
from slopec.tensor import Tensor


def _along_channels(v: Tensor, rank: int) -> Tensor:
    return ops.reshape(v, (-1, *(1,) * (rank - 2)))


def batch_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    outputs: int,
) -> Any:
    """With given statistics; while training with the batch's, returning those that follow."""
    if not training_mode:
        return functional.batch_norm(x, mean, variance, scale, bias, eps=epsilon)
    axes = [d for d in range(x.ndim) if d != 1]
    own_mean, own_variance = (ops.squeeze(part, axes) for part in moments(x, axes))
    y = functional.batch_norm(x, own_mean, own_variance, scale, bias, eps=epsilon)
    following = (
        given * momentum + own * (1 - momentum)
        for given, own in ((mean, own_mean), (variance, own_variance))
    )
    return (y, *following)[:outputs] if outputs > 1 else y


def instance_norm(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    """Over every image's channels by themselves."""
    mean, variance = moments(x, list(range(2, x.ndim)))
    y = (x - mean) * ops.rsqrt(variance + epsilon)
    return y * _along_channels(scale, x.ndim) + _along_channels(bias, x.ndim)


def group_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    """Over groups of channels; scales of groups, as version 18 has them, are those of channels."""
    channels = x.shape[1]
    each = channels // scale.shape[0]
    if each > 1:
        scale, bias = (ops.repeat(v, each, 0) for v in (scale, bias))
    return functional.group_norm(x, num_groups, scale, bias, epsilon)


def layer_norm(
    x: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    outputs: int,
) -> Any:
    """Over the last dimensions, with the means and reciprocal deviations."""
    shape = x.shape[axis % x.ndim :]
    weight, added = (None if v is None else ops.broadcast_to(v, shape) for v in (scale, bias))
    y = functional.layer_norm(x, shape, weight, added, epsilon)
    if outputs == 1:
        return y
    wide = ops.astype(x, dtypes.float32)
    mean, variance = moments(wide, list(range(axis % x.ndim, x.ndim)))
    return (y, mean, ops.rsqrt(variance + epsilon))[:outputs]


def rms_norm(
    x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    """Divided by the root of the mean square over the last dimensions."""
    shape = x.shape[axis % x.ndim :]
    return functional.rms_norm(x, shape, ops.broadcast_to(scale, shape), epsilon)


def local_response(
    x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Tensor:
    """x / (bias + α / size · Σ of squares over near channels) to the power of β."""
    before = math.floor((size - 1) / 2)
    margins = [(0, 0)] * x.ndim
    margins[1] = (before, size - 1 - before)
    squares = ops.pad(ops.square(x), margins)
    near = squares[:, : x.shape[1]]
    for offset in range(1, size):
        near = near + squares[:, offset : offset + x.shape[1]]
    return x / (bias + alpha / size * near) ** beta


def mean_variance(x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)) -> Tensor:
    """Less the mean, divided by the deviation."""
    mean, variance = moments(x, list(axes))
    return (x - mean) / (ops.sqrt(variance) + 1e-9)


TABLE: dict[str, Callable[..., Any]] = {
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "RMSNormalization": rms_norm,
    "LRN": local_response,
    "MeanVarianceNormalization": mean_variance,
}
