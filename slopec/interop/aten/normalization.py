"""ATen's normalisations, which also return the statistics that they normalised with."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.nn.functional.normalization import moments
from slopec.tensor import Tensor

Maybe = Tensor | None


def layer_norm(
    x: Tensor, shape: Sequence[int], weight: Maybe, bias: Maybe, eps: float
) -> tuple[Any, ...]:
    """Over the last dimensions; with mean and reciprocal deviation, kept as 1s."""
    axes = list(range(x.ndim - len(shape), x.ndim))
    y = functional.layer_norm(x, shape, weight, bias, eps)
    return y, lambda: _moments(x, axes, eps)[0], lambda: _moments(x, axes, eps)[1]


def _moments(x: Tensor, axes: Sequence[int], eps: float) -> tuple[Tensor, Tensor]:
    mean, variance = moments(x, axes)
    return mean, ops.rsqrt(variance + eps)


def group_norm(
    x: Tensor,
    weight: Maybe,
    bias: Maybe,
    batch: int,
    channels: int,
    rest: int,
    groups: int,
    eps: float,
) -> tuple[Any, ...]:
    """Over groups of channels; with mean and reciprocal deviation (N, groups)."""
    y = functional.group_norm(x, groups, weight, bias, eps)

    def statistic(which: int) -> Tensor:
        found = _moments(ops.reshape(x, (batch, groups, -1)), [2], eps)[which]
        return ops.squeeze(found, 2)

    return y, lambda: statistic(0), lambda: statistic(1)


def _none(x: Tensor) -> Callable[[], Tensor]:
    return lambda: ops.zeros((0,), dtype=x.dtype)


def batch_norm_evaluated(
    x: Tensor,
    weight: Maybe,
    bias: Maybe,
    mean: Tensor,
    variance: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Any, ...]:
    """With statistics that are given."""
    return functional.batch_norm(x, mean, variance, weight, bias, eps=eps), _none(x), _none(x)


def batch_norm(
    x: Tensor,
    weight: Maybe,
    bias: Maybe,
    mean: Tensor,
    variance: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Any, ...]:
    """With the batch's statistics, returning those that follow them; in evaluation with given."""
    if not training:
        return *batch_norm_evaluated(x, weight, bias, mean, variance, momentum, eps), mean, variance
    axes = [d for d in range(x.ndim) if d != 1]
    wide = ops.astype(x, ops.result_type(x.dtype, dtypes.float32))
    own_mean, own_variance = (ops.squeeze(part, axes) for part in moments(wide, axes))
    y = functional.batch_norm(x, own_mean, own_variance, weight, bias, eps=eps)
    count = math.prod(x.shape[d] for d in axes)
    unbiased = own_variance * (count / (count - 1) if count > 1 else math.nan)
    return (
        y,
        own_mean,
        lambda: ops.rsqrt(own_variance + eps),
        lambda: mean * (1 - momentum) + own_mean * momentum,
        lambda: variance * (1 - momentum) + unbiased * momentum,
    )


def batch_norm_of_batch(
    x: Tensor, weight: Maybe, bias: Maybe, training: bool, momentum: float, eps: float
) -> tuple[Any, ...]:
    """With the batch's statistics, which nobody keeps."""
    zero = ops.zeros((x.shape[1],), dtype=x.dtype)
    return batch_norm(x, weight, bias, zero, zero, True, momentum, eps)[:3]


TABLE: dict[str, Callable[..., Any]] = {
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
    "rms_norm": lambda x, shape, weight=None, eps=None: functional.rms_norm(x, shape, weight, eps),
    "_native_batch_norm_legit_no_training": batch_norm_evaluated,
    "_native_batch_norm_legit_functional": batch_norm,
    "_native_batch_norm_legit.no_stats": batch_norm_of_batch,
}
