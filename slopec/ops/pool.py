"""Pooling with PyTorch's arguments over the last 1, 2 or 3 dimensions; one `reduce_window` each.

An average is a windowed sum over the number of elements in each window. Those numbers depend on
shapes alone, so they are constants.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import ArrayLike, as_tensor, at_least, bad_argument, per_dimension, refuse
from slopec.ops.extremes import limits
from slopec.ops.pool_places import largest, strided
from slopec.ops.reductions import summed_type
from slopec.tensor import Tensor

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

Sizes = int | Sequence[int]
Windows = tuple[tuple[int, ...], tuple[int, ...], list[tuple[int, int]], tuple[int, ...]]
"""Window sizes, strides, margins and dilations of the spatial dimensions."""


def _windows(
    name: str,
    rank: int,
    x: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Windows:
    """Window, strides, margins and dilations for the last `rank` dimensions.

    With `ceil_mode` the margin behind grows until the last window fits, provided that it starts
    inside the input or the margin before it.
    """
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            "S0101",
            f"{name}: expected (N, C, {rank} spatial) or (C, {rank} spatial), got {x.shape}",
            span=tracing.here(),
        )
    window = per_dimension(name, "kernel_size", kernel_size, rank)
    strides = window if stride is None else per_dimension(name, "stride", stride, rank)
    dilations = per_dimension(name, "dilation", dilation, rank)
    margins = []
    pads = per_dimension(name, "padding", padding, rank)
    for what, values, least in (
        ("kernel_size", window, 1),
        ("stride", strides, 1),
        ("dilation", dilations, 1),
        ("padding", pads, 0),
    ):
        at_least(name, what, values, least)
    for size, w, s, p, d in zip(x.shape[-rank:], window, strides, pads, dilations, strict=True):
        span = d * (w - 1) + 1
        if 2 * p > w:
            raise bad_argument(f"{name}: padding {p} is more than half of kernel_size {w}")
        if size + 2 * p < span:
            raise ShapeError(
                "S0101",
                f"{name}: a window of {span} does not fit {size} elements with padding {p}",
                span=tracing.here(),
            )
        beyond = (size + 2 * p - span) % s
        extra = s - beyond if ceil_mode and beyond else 0
        starts_inside = size + 2 * p + extra - span < size + p
        margins.append((p, p + extra if starts_inside else p))
    return window, strides, margins, dilations


def _leading(x: Tensor, values: Sequence[int], one: int = 1) -> tuple[int, ...]:
    return (one,) * (x.ndim - len(values)) + tuple(values)


def _reduced(
    x: Tensor,
    body: str,
    start: float,
    windows: Windows,
) -> Tensor:
    window, strides, margins, dilations = windows
    return hlo.reduce_window(
        x,
        hlo.full((), start, x.dtype),
        body,
        _leading(x, window),
        _leading(x, strides),
        [(0, 0)] * (x.ndim - len(margins)) + margins,
        window_dilation=_leading(x, dilations),
    )


def _max_pool(
    rank: int,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    name = f"max_pool{rank}d"
    x = as_tensor(name, x)
    refuse(name, x, dtypes.is_complex, "real elements")
    windows = _windows(name, rank, x, kernel_size, stride, padding, dilation, ceil_mode)
    if return_indices:
        return largest(x, strided(x.shape[-rank:], *windows))
    low, _ = limits(x.dtype)
    return _reduced(x, "maximum", low.real, windows)


def max_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, L) or (C, L); see `max_pool2d`.

    >>> import slopec as sp
    >>> print(sp.max_pool1d(sp.tensor([[1.0, 5.0, 2.0, 3.0]]), 2))
    tensor([[5. 3.]], float32[1, 2], cpu)
    """
    return _max_pool(1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of images (N, C, H, W) or (C, H, W).

    The stride is the window's size by default; padding, at most half a window, never wins. With
    `ceil_mode` a last window that sticks out counts too. With `return_indices` the places of the
    elements come second, int32, counted over height and width in row-major order; `max_unpool2d`
    takes them.

    Raises ShapeError for shapes and UsageError for arguments that do not fit.

    >>> import slopec as sp
    >>> sp.max_pool2d(sp.ones((1, 3, 8, 8)), 3, stride=2, padding=1).shape
    (1, 3, 4, 4)
    """
    return _max_pool(2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, D, H, W); see `max_pool2d`.

    >>> import slopec as sp
    >>> sp.max_pool3d(sp.ones((1, 1, 4, 4, 4)), 2).shape
    (1, 1, 2, 2, 2)
    """
    return _max_pool(3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _counts(sizes: Sequence[int], windows: Windows, padded: bool) -> np.ndarray:
    """How many elements each window has, with or without the margins of PyTorch's `padding`."""
    total = np.ones((), np.float64)
    for size, w, s, (before, after), _ in zip(sizes, *windows, strict=True):
        starts = np.arange(0, size + before + after - w + 1, s) - before
        low, high = (-before, size + before) if padded else (0, size)
        inside = np.minimum(starts + w, high) - np.maximum(starts, low)
        total = np.multiply.outer(total, inside)
    return total


def _avg_pool(
    rank: int,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    name = f"avg_pool{rank}d"
    x = as_tensor(name, x)
    refuse(name, x, lambda d: not dtypes.is_differentiable(d), "floating elements")
    windows = _windows(name, rank, x, kernel_size, stride, padding, 1, ceil_mode)
    total = _reduced(hlo.convert(x, summed_type(x.dtype)), "add", 0, windows)
    counts = _counts(x.shape[-rank:], windows, count_include_pad)
    if divisor_override == 0:
        raise bad_argument(f"{name}: divisor_override is 0, by which nothing is divided")
    if divisor_override is not None:
        counts = np.full_like(counts, divisor_override)
    if counts.size and (counts == counts.flat[0]).all():
        divisor = hlo.full_like(total, float(counts.flat[0]))
    else:
        known = hlo.constant(counts.astype(total.dtype))
        divisor = hlo.broadcast_in_dim(known, total.shape, range(x.ndim - rank, x.ndim))
    return hlo.convert(hlo.divide(total, divisor), x.dtype)


def avg_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (N, C, L) or (C, L); see `avg_pool2d`.

    >>> import slopec as sp
    >>> print(sp.avg_pool1d(sp.tensor([[1.0, 3.0, 5.0, 7.0]]), 2))
    tensor([[2. 6.]], float32[1, 2], cpu)
    """
    return _avg_pool(1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of images (N, C, H, W) or (C, H, W).

    Padding counts as zeros that are there if `count_include_pad`, else not at all;
    `divisor_override` replaces the number of elements. float16 and bfloat16 add up in float32.

    Raises ShapeError for shapes and UsageError for arguments that do not fit.

    >>> import slopec as sp
    >>> sp.avg_pool2d(sp.ones((1, 3, 8, 8)), 2).shape
    (1, 3, 4, 4)
    """
    return _avg_pool(
        2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of (N, C, D, H, W); see `avg_pool2d`.

    >>> import slopec as sp
    >>> sp.avg_pool3d(sp.ones((1, 1, 4, 4, 4)), 2).shape
    (1, 1, 2, 2, 2)
    """
    return _avg_pool(
        3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
