"""Channels become places and places channels; pools of given output sizes."""

from collections.abc import Sequence
from typing import Any

from slopec import ops, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]

OutputSize = int | Sequence[int | None] | None


def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    """(…, C r², H, W) to (…, C, H r, W r): each r² channels are a square (Shi et al., 2016).

    Raises ShapeError when r² does not divide the channels.

    >>> import slopec as sp
    >>> pixel_shuffle(sp.ones((1, 8, 3, 4)), 2).shape
    (1, 2, 6, 8)
    """
    r = upscale_factor
    *batch, channels, height, width = _image("pixel_shuffle", x)
    if r < 1 or channels % (r * r):
        raise _indivisible("pixel_shuffle", x, f"{channels} channels", f"{r}²")
    parts = ops.reshape(x, (*batch, channels // (r * r), r, r, height, width))
    n = len(batch)
    order = (*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    shape = (*batch, channels // (r * r), height * r, width * r)
    return ops.reshape(ops.permute_dims(parts, order), shape)


def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    """(…, C, H r, W r) to (…, C r², H, W): the inverse of `pixel_shuffle`.

    Raises ShapeError when r does not divide height and width.

    >>> import slopec as sp
    >>> pixel_unshuffle(sp.ones((1, 2, 6, 8)), 2).shape
    (1, 8, 3, 4)
    """
    r = downscale_factor
    *batch, channels, height, width = _image("pixel_unshuffle", x)
    if r < 1 or height % r or width % r:
        raise _indivisible("pixel_unshuffle", x, f"{height} × {width}", str(r))
    parts = ops.reshape(x, (*batch, channels, height // r, r, width // r, r))
    n = len(batch)
    order = (*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    shape = (*batch, channels * r * r, height // r, width // r)
    return ops.reshape(ops.permute_dims(parts, order), shape)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """(N, C, …) with the channels of `groups` groups dealt out in turn (Zhang et al., 2018).

    Raises ShapeError when `groups` does not divide the channels.

    >>> import slopec as sp
    >>> print(channel_shuffle(sp.arange(4.0).reshape(1, 4, 1), 2).ravel())
    tensor([0. 2. 1. 3.], float32[4], cpu)
    """
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise _indivisible("channel_shuffle", x, "the channels", f"{groups} groups")
    rows, channels, *rest = x.shape
    parts = ops.reshape(x, (rows, groups, channels // groups, *rest))
    return ops.reshape(ops.swapaxes(parts, 1, 2), x.shape)


def _image(name: str, x: Tensor) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError("S0101", f"{name} needs (…, C, H, W), got {x.shape}", span=tracing.here())
    return x.shape


def _indivisible(name: str, x: Tensor, what: str, by: str) -> ShapeError:
    return ShapeError(
        "S0101", f"{name}: {what} of shape {x.shape} cannot be divided by {by}", span=tracing.here()
    )


def _sizes(pool: str, rank: int, x: Tensor, output_size: OutputSize) -> Sequence[int | None]:
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            "S0101",
            f"adaptive_{pool}_pool{rank}d needs {rank + 1} or {rank + 2} dimensions, "
            f"got the shape {x.shape}",
            span=tracing.here(),
        )
    sizes = output_size if isinstance(output_size, Sequence) else (output_size,) * rank
    if len(sizes) != rank:
        raise bad_argument(f"adaptive_{pool}_pool{rank}d: output_size has {len(sizes)} numbers")
    return sizes


def adaptive_avg_pool1d(x: Tensor, output_size: OutputSize) -> Tensor:
    """(N, C, L) to (N, C, output_size), means of windows that cover the input; N may be absent."""
    return ops.adaptive_avg_pool(x, _sizes("avg", 1, x, output_size))


def adaptive_avg_pool2d(x: Tensor, output_size: OutputSize) -> Tensor:
    """(N, C, H, W) to (N, C, *output_size), means of windows; None keeps a dimension."""
    return ops.adaptive_avg_pool(x, _sizes("avg", 2, x, output_size))


def adaptive_avg_pool3d(x: Tensor, output_size: OutputSize) -> Tensor:
    """(N, C, D, H, W) to (N, C, *output_size), means of windows; None keeps a dimension."""
    return ops.adaptive_avg_pool(x, _sizes("avg", 3, x, output_size))


def adaptive_max_pool1d(x: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """(N, C, L) to (N, C, output_size), maxima of windows; N may be absent.

    With `return_indices` their places come second, as for `max_pool2d`.
    """
    return ops.adaptive_max_pool(x, _sizes("max", 1, x, output_size), return_indices=return_indices)


def adaptive_max_pool2d(x: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """(N, C, H, W) to (N, C, *output_size), maxima of windows; None keeps a dimension."""
    return ops.adaptive_max_pool(x, _sizes("max", 2, x, output_size), return_indices=return_indices)


def adaptive_max_pool3d(x: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """(N, C, D, H, W) to (N, C, *output_size), maxima of windows; None keeps a dimension."""
    return ops.adaptive_max_pool(x, _sizes("max", 3, x, output_size), return_indices=return_indices)
