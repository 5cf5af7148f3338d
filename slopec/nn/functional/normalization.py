"""Normalisation: subtract a mean, divide by a deviation, scale and shift.

float16 and bfloat16 are normalised in float32 and rounded once.
"""

import math
from collections.abc import Iterable, Sequence

from slopec import dtypes, hlo, ops, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.lazy.record import operation
from slopec.tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "moments",
    "rms_norm",
    "standardize",
]


def _wide(x: Tensor) -> Tensor:
    narrow = dtypes.is_floating(x.dtype) and x.dtype.itemsize < 4
    return hlo.convert(x, dtypes.float32) if narrow else x


@operation
def moments(x: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(mean, mean of the squared differences from it) over `axes`, which are kept as 1s."""
    mean = ops.mean(x, axis=axes, keepdims=True)
    return mean, ops.mean(ops.square(x - mean), axis=axes, keepdims=True)


def _normalized(x: Tensor, axes: Sequence[int], eps: float) -> Tensor:
    mean, variance = moments(x, axes)
    return (x - mean) * ops.rsqrt(variance + eps)


def standardize(x: Tensor, axis: int | Sequence[int] = -1, epsilon: float = 1e-5) -> Tensor:
    """(x − mean) / √(variance + epsilon) over `axis`: `layer_norm` without a weight.

    >>> import slopec as sp
    >>> print(standardize(sp.tensor([1.0, 3.0]), epsilon=0.0))
    tensor([-1.  1.], float32[2], cpu)
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return hlo.convert(_normalized(_wide(x), axes, epsilon), x.dtype)


def _scaled(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _last_axes(name: str, x: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    rank = len(shape)
    if not rank or x.shape[max(x.ndim - rank, 0) :] != tuple(shape):
        raise ShapeError(
            "S0101",
            f"{name}: input of shape {x.shape} does not end in {tuple(shape)}",
            span=tracing.here(),
        )
    return tuple(range(x.ndim - rank, x.ndim))


@operation
def layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(variance + eps) over the last dimensions (Ba et al., 2016).

    Raises ShapeError unless `x` ends in `normalized_shape`.

    >>> import slopec as sp
    >>> print(layer_norm(sp.tensor([[1.0, 3.0]]), (2,)).round(decimals=3))
    tensor([[-1.  1.]], float32[1, 2], cpu)
    """
    axes = _last_axes("layer_norm", x, normalized_shape)
    return ops.astype(_scaled(_normalized(_wide(x), axes, eps), weight, bias), x.dtype)


@operation
def rms_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / √(mean(x²) + eps) over the last dimensions (Zhang & Sennrich, 2019).

    `eps` is the dtype's by default. Raises ShapeError unless `x` ends in `normalized_shape`.

    >>> import slopec as sp
    >>> print(rms_norm(sp.tensor([[3.0, 4.0]]), (2,)).round(decimals=3))
    tensor([[0.849 1.131]], float32[1, 2], cpu)
    """
    axes = _last_axes("rms_norm", x, normalized_shape)
    least = float(ops.finfo(x.dtype).eps) if eps is None else eps
    y = _wide(x)
    y = y * ops.rsqrt(ops.mean(ops.square(y), axis=axes, keepdims=True) + least)
    return ops.astype(_scaled(y, weight, None), x.dtype)


def _channels(name: str, x: Tensor, parameter: Tensor | None) -> Tensor | None:
    """A parameter of one value per channel (dimension 1), shaped to broadcast."""
    if parameter is None:
        return None
    if x.ndim < 2 or parameter.shape != (x.shape[1],):
        raise ShapeError(
            "S0101",
            f"{name}: a parameter of shape {parameter.shape} for input of shape {x.shape}",
            span=tracing.here(),
            hint="channels are dimension 1 of the input",
        )
    return ops.reshape(parameter, (-1, *(1,) * (x.ndim - 2)))


@operation
def group_norm(
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each of `num_groups` groups of channels of (N, C, …) (Wu & He, 2018).

    Raises ShapeError when the channels do not divide into the groups.

    >>> import slopec as sp
    >>> group_norm(sp.ones((2, 6, 4)), 3).shape
    (2, 6, 4)
    """
    if x.ndim < 2 or x.shape[1] % num_groups:
        raise ShapeError(
            "S0101",
            f"group_norm: input of shape {x.shape} in {num_groups} groups of channels",
            span=tracing.here(),
        )
    size = math.prod(x.shape[1:]) // num_groups
    grouped = ops.reshape(_wide(x), (x.shape[0], num_groups, size))
    y = ops.reshape(_normalized(grouped, (2,), eps), x.shape)
    scale, shift = (_channels("group_norm", x, p) for p in (weight, bias))
    return ops.astype(_scaled(y, scale, shift), x.dtype)


def instance_norm(
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each example of (N, C, …) (Ulyanov et al., 2016).

    Without `use_input_stats` the running statistics are used, as by `batch_norm`; with it, those
    that are given follow, as there.
    """
    if not use_input_stats:
        return _with_statistics(x, *_given(running_mean, running_var), weight, bias, eps)
    axes = tuple(range(2, x.ndim))
    mean, variance = moments(_wide(x), axes)
    rows = (ops.mean(ops.reshape(m, m.shape[:2]), axis=0) for m in (mean, variance))
    _follow(running_mean, running_var, rows, momentum, math.prod(x.shape[2:]))
    return group_norm(x, x.shape[1], weight, bias, eps)


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(variance + eps) per channel of (N, C, …), with statistics that are given.

    When `training` the batch's own are used, and those that are given follow in place, as
    r ← (1 − momentum) r + momentum · batch; that needs tensors outside of traces, and
    `nn.BatchNorm1d` where there are traces.

    >>> import slopec as sp
    >>> print(batch_norm(sp.tensor([[3.0]]), sp.tensor([1.0]), sp.tensor([4.0]), eps=0.0))
    tensor([[1.]], float32[1, 1], cpu)
    """
    if not training:
        return _with_statistics(x, *_given(running_mean, running_var), weight, bias, eps)
    axes = [d for d in range(x.ndim) if d != 1]
    mean, variance = (ops.squeeze(m, axes) for m in moments(_wide(x), axes))
    count = math.prod(x.shape[d] for d in axes)
    _follow(running_mean, running_var, (mean, variance), momentum, count)
    return _with_statistics(x, mean, variance, weight, bias, eps)


def _given(mean: Tensor | None, variance: Tensor | None) -> tuple[Tensor, Tensor]:
    if mean is None or variance is None:
        raise UsageError(
            "S0106",
            "normalisation that is not training needs running_mean and running_var",
            span=tracing.here(),
        )
    return mean, variance


def _follow(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    batch: Iterable[Tensor],
    momentum: float,
    count: int,
) -> None:
    """Let running statistics follow those of a batch, whose variance is made unbiased."""
    mean, variance = batch
    for running, new in (
        (running_mean, mean),
        (running_var, variance * (count / max(count - 1, 1))),
    ):
        if running is not None:
            running.copy_(running + momentum * (new.detach() - running))


@operation
def _with_statistics(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    rate = ops.rsqrt(variance + eps)
    rate = rate if weight is None else rate * weight
    center, scale, shift = (_channels("batch_norm", x, p) for p in (mean, rate, bias))
    assert center is not None
    return ops.astype(_scaled(_wide(x) - center, scale, shift), x.dtype)


@operation
def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + α/size · Σx²)^β, the sum over `size` neighbouring channels of (N, C, …).

    (Krizhevsky et al., *ImageNet classification*, 2012.)
    """
    squares = ops.square(x)
    low, channels = size // 2, x.shape[1]
    margins = [(0, 0), (low, size - 1 - low), *[(0, 0)] * (x.ndim - 2)]
    padded = ops.pad(squares, margins)
    window = (1, size, *(1,) * (x.ndim - 2))
    total = hlo.reduce_window(padded, hlo.full((), 0, x.dtype), "add", window)
    assert total.shape[1] == channels
    return x / ops.pow(k + total * (alpha / size), beta)
