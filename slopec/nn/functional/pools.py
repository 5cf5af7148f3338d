"""Pools by other norms than the largest and the mean, at drawn places, and pools undone."""

import math
from collections.abc import Sequence
from typing import Any

from slopec import dtypes, ops, random
from slopec.ops import pool_places
from slopec.ops.common import bad_argument, per_dimension
from slopec.tensor import Tensor

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Sizes = int | Sequence[int]


def _lp_pool(
    rank: int, x: Tensor, norm_type: float, kernel: Sizes, stride: Sizes | None, ceil_mode: bool
) -> Tensor:
    pool = (ops.avg_pool1d, ops.avg_pool2d, ops.avg_pool3d)[rank - 1]
    count = math.prod(per_dimension(f"lp_pool{rank}d", "kernel_size", kernel, rank))
    means = pool(ops.pow(x, norm_type), kernel, stride, 0, ceil_mode)
    return ops.pow(ops.sign(means) * ops.relu(ops.abs(means)) * count, 1.0 / norm_type)


def lp_pool1d(
    x: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of (N, C, L), for p = `norm_type`; see `avg_pool1d`.

    >>> import slopec as sp
    >>> print(lp_pool1d(sp.tensor([[3.0, 4.0]]), 2, 2))
    tensor([[5.]], float32[1, 1], cpu)
    """
    return _lp_pool(1, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    x: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of images (N, C, H, W); see `lp_pool1d`."""
    return _lp_pool(2, x, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    x: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of volumes (N, C, D, H, W); see `lp_pool1d`."""
    return _lp_pool(3, x, norm_type, kernel_size, stride, ceil_mode)


def _max_unpool(
    rank: int,
    x: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> Tensor:
    name = f"max_unpool{rank}d"
    if output_size is not None:
        return pool_places.unpooled(name, x, indices, tuple(output_size)[-rank:])
    window = per_dimension(name, "kernel_size", kernel_size, rank)
    strides = window if stride is None else per_dimension(name, "stride", stride, rank)
    pads = per_dimension(name, "padding", padding, rank)
    sizes = (
        (n - 1) * s - 2 * p + w
        for n, w, s, p in zip(x.shape[-rank:], window, strides, pads, strict=True)
    )
    return pool_places.unpooled(name, x, indices, tuple(sizes))


def max_unpool1d(
    x: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """(N, C, L) with elements where `max_pool1d` found them and zeros elsewhere.

    >>> import slopec as sp
    >>> x = sp.tensor([[1.0, 5.0, 4.0, 3.0]])
    >>> print(max_unpool1d(*sp.max_pool1d(x, 2, return_indices=True), 2))
    tensor([[0. 5. 4. 0.]], float32[1, 4], cpu)
    """
    return _max_unpool(1, x, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    x: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Images with elements where `max_pool2d` found them and zeros elsewhere."""
    return _max_unpool(2, x, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    x: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Volumes with elements where `max_pool3d` found them and zeros elsewhere."""
    return _max_unpool(3, x, indices, kernel_size, stride, padding, output_size)


def _starts(samples: Tensor, size: int, count: int, window: int) -> Tensor:
    """Where `count` windows begin, (N, C, count): about equally far apart, shifted by `samples`."""
    if not 0 < window + count - 1 <= size:
        raise bad_argument(f"fractional_max_pool: {count} windows of {window} in {size} elements")
    if count == 1:
        return ops.full((*samples.shape, 1), size - window, dtype=dtypes.int32)
    step = (size - window) / (count - 1)
    shift = ops.expand_dims(samples, -1)
    first = ops.floor((ops.arange(count - 1) + shift) * step) - ops.floor(shift * step)
    last = ops.full((*samples.shape, 1), size - window, dtype=dtypes.int32)
    return ops.concat([ops.astype(first, dtypes.int32), last], axis=-1)


def _fractional(
    rank: int,
    x: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None,
    output_ratio: float | Sequence[float] | None,
    return_indices: bool,
    samples: Tensor | None,
    key: Any,
) -> Any:
    name = f"fractional_max_pool{rank}d"
    if (output_size is None) == (output_ratio is None):
        raise bad_argument(f"{name}: give either `output_size` or `output_ratio`")
    window = per_dimension(name, "kernel_size", kernel_size, rank)
    sizes = x.shape[-rank:]
    if output_ratio is None:
        assert output_size is not None
        counts = per_dimension(name, "output_size", output_size, rank)
    else:
        alike = not isinstance(output_ratio, Sequence)
        ratios: Any = [output_ratio] * rank if alike else output_ratio
        counts = tuple(int(n * r) for n, r in zip(sizes, ratios, strict=True))
    batch = x if x.ndim == rank + 2 else ops.expand_dims(x, 0)
    rows, channels = batch.shape[:2]
    if samples is None:
        drawn = random.next_key() if key is None else key
        samples = random.uniform(drawn, (rows, channels, rank))
    if samples.shape != (rows, channels, rank):
        raise bad_argument(
            f"{name}: samples of shape {samples.shape}, expected {(rows, channels, rank)}"
        )
    # PyTorch's samples of images are for the width first.
    order = (1, 0) if rank == 2 else range(rank)
    found, places = batch, ops.zeros((rows, channels, *(1,) * rank), dtype=dtypes.int32)
    for d, sample in enumerate(order):
        starts = _starts(samples[..., sample], sizes[d], counts[d], window[d])
        at = ops.expand_dims(starts, -1) + ops.arange(window[d])
        taken = counts[d] * window[d]
        at = ops.reshape(at, (rows, channels, *(1,) * d, taken, *(1,) * (rank - 1 - d)))
        found = ops.take_along_axis(found, at, axis=2 + d)
        places = places * sizes[d] + at
    shape = (rows, channels, *(n for pair in zip(counts, window, strict=True) for n in pair))
    front = (0, 1, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2))
    held, known = (
        ops.reshape(
            ops.permute_dims(ops.reshape(t, shape), front),
            (rows, channels, *counts, math.prod(window)),
        )
        for t in (found, places)
    )
    best = ops.argmax(held, axis=-1, keepdims=True)
    result, index = (
        ops.reshape(ops.take_along_axis(t, best, axis=-1), (*x.shape[:-rank], *counts))
        for t in (held, known)
    )
    return (result, index) if return_indices else result


def fractional_max_pool2d(
    x: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
    *,
    key: Any = None,
) -> Any:
    """The largest elements of windows of images at drawn, nearly equal steps (Graham, 2014).

    The output's size is given, or its ratio to the input's. `_random_samples` (N, C, 2) in [0, 1)
    shift the windows; without them they are drawn, with `key` or from the current stream.

    >>> import slopec as sp
    >>> fractional_max_pool2d(sp.ones((1, 2, 8, 8)), 2, output_ratio=0.6).shape
    (1, 2, 4, 4)
    """
    return _fractional(
        2, x, kernel_size, output_size, output_ratio, return_indices, _random_samples, key
    )


def fractional_max_pool3d(
    x: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
    *,
    key: Any = None,
) -> Any:
    """The largest elements of windows of volumes; see `fractional_max_pool2d`."""
    return _fractional(
        3, x, kernel_size, output_size, output_ratio, return_indices, _random_samples, key
    )
