"""ONNX's pools: maxima, means and norms over windows or whole images."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import hlo, ops
from slopec.interop.onnx.windows import Margins, Windows
from slopec.ops.extremes import limits, norm
from slopec.ops.windows import windows_along
from slopec.tensor import Tensor


def _windowed(x: Tensor, empty: Any, fold: str, windows: Windows, around: Margins) -> Tensor:
    """A fold over windows of the last dimensions, with margins of what is `empty`."""
    return hlo.reduce_window(
        x,
        ops.asarray(empty, dtype=x.dtype),
        fold,
        (1, 1, *windows.sizes),
        (1, 1, *windows.strides),
        [(0, 0), (0, 0), *around],
        window_dilation=(1, 1, *windows.dilations),
    )


def max_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    storage_order: int = 0,
    outputs: int,
) -> Any:
    """The largest elements of windows; and where they are in the flattened tensor."""
    windows = Windows.over(
        x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, bool(ceil_mode)
    )
    y = _windowed(x, limits(x.dtype)[0], "maximum", windows, windows.margins)
    return y if outputs == 1 else (y, _places(x, y.shape, windows, bool(storage_order)))


def _places(x: Tensor, shape: Sequence[int], windows: Windows, by_columns: bool) -> Tensor:
    """Where in the flattened tensor each window has its first maximum."""
    number: np.ndarray = np.arange(x.size, dtype=np.int64).reshape(x.shape)
    if by_columns:
        flipped = (*x.shape[:2], *x.shape[:1:-1])
        number = np.moveaxis(
            np.arange(x.size, dtype=np.int64).reshape(flipped),
            range(2, x.ndim),
            range(x.ndim - 1, 1, -1),
        )
    edges = [(0, 0), (0, 0), *windows.margins]
    values = ops.pad(x, edges, constant_values=limits(x.dtype)[0])
    numbers = ops.asarray(np.pad(number, [(max(a, 0), max(b, 0)) for a, b in edges]))
    facts = zip(windows.sizes, windows.strides, windows.dilations, strict=True)
    for d, (size, step, gap) in enumerate(facts, 2):
        cut = (slice(None),) * d + (slice(shape[d]),)
        values = windows_along(values, d, size, step, gap)[cut]
        numbers = windows_along(numbers, d, size, step, gap)[cut]
    best = ops.argmax(ops.reshape(values, (*shape, -1)), axis=-1, keepdims=True)
    found = ops.take_along_axis(ops.reshape(numbers, (*shape, -1)), best, axis=-1)
    return ops.squeeze(found, -1)


def average_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
) -> Tensor:
    """The means of windows, in which the margins count if `count_include_pad` says so."""
    windows = Windows.over(
        x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, bool(ceil_mode)
    )
    total = _windowed(x, 0, "add", windows, windows.margins)
    counted = np.ones(x.shape[2:], dtype=np.float32)
    rest = windows.margins
    if count_include_pad:
        # What only rounding up added is no part of any window.
        counted = np.pad(counted, windows.asked, constant_values=1)
        both = zip(windows.margins, windows.asked, strict=True)
        rest = [(0, whole - asked) for (_, whole), (_, asked) in both]
    one = ops.asarray(counted[None, None])
    count = _windowed(one, 0, "add", windows, rest)
    return total / ops.astype(count, x.dtype)


def lp_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    p: int = 2,
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Tensor:
    """The p-norms of windows."""
    windows = Windows.over(
        x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, bool(ceil_mode)
    )
    total = _windowed(ops.abs(x) ** p, 0, "add", windows, windows.margins)
    return total ** (1 / p)


def _over_images(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x: function(x, axis=tuple(range(2, x.ndim)), keepdims=True)


def global_lp_pool(x: Tensor, *, p: int = 2) -> Tensor:
    """The p-norms of whole images."""
    flat = ops.reshape(x, (*x.shape[:2], -1))
    return ops.reshape(norm(flat, p, axis=-1), (*x.shape[:2], *(1,) * (x.ndim - 2)))


def max_unpool(
    x: Tensor,
    places: Tensor,
    shape: np.ndarray | None = None,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
) -> Tensor:
    """Maxima put back where they were found, zeros elsewhere."""
    rank = len(kernel_shape)
    steps = tuple(strides) or (1,) * rank
    edges = tuple(pads) or (0,) * (2 * rank)
    inner = tuple(
        (n - 1) * step + k - edges[d] - edges[d + rank]
        for d, (n, step, k) in enumerate(zip(x.shape[2:], steps, kernel_shape, strict=True))
    )
    size = (*x.shape[:2], *inner)
    empty = ops.zeros((int(np.prod(size)),), dtype=x.dtype)
    filled = ops.put_along_axis(empty, ops.ravel(places), ops.ravel(x), axis=0)
    y = ops.reshape(filled, size)
    if shape is None:
        return y
    return ops.pad(y, [(0, int(n) - m) for n, m in zip(shape, size, strict=True)])


TABLE: dict[str, Callable[..., Any]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalAveragePool": _over_images(ops.mean),
    "GlobalMaxPool": _over_images(ops.max),
    "GlobalLpPool": global_lp_pool,
    "MaxUnpool": max_unpool,
}

KNOWN = {"MaxUnpool": (2,)}
