"""Normalisation: subtract a mean, divide by a deviation, scale and shift.

float16 and bfloat16 are normalised in float32 and rounded once.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo, ops, tracing
from slopec.diagnostics import ShapeError
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
    grouped = ops.reshape(_wide(x), (x.shape[0], num_groups, -1))
    y = ops.reshape(_normalized(grouped, (2,), eps), x.shape)
    scale, shift = (_channels("group_norm", x, p) for p in (weight, bias))
    return ops.astype(_scaled(y, scale, shift), x.dtype)


@operation
def instance_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise each channel of each example of (N, C, …) (Ulyanov et al., 2016)."""
    return group_norm(x, x.shape[1], weight, bias, eps)


@operation
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(variance + eps) per channel of (N, C, …), with statistics that are given.

    >>> import slopec as sp
    >>> print(batch_norm(sp.tensor([[3.0]]), sp.tensor([1.0]), sp.tensor([4.0]), eps=0.0))
    tensor([[1.]], float32[1, 1], cpu)
    """
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
