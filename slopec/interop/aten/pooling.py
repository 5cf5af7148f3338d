"""ATen's pools, those of maxima with the places that they were found at."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import ops
from slopec.ops.extremes import limits
from slopec.ops.windows import windows_along
from slopec.tensor import Tensor

_MAX = {1: ops.max_pool1d, 2: ops.max_pool2d, 3: ops.max_pool3d}
_AVERAGE: dict[int, Callable[..., Tensor]] = {
    1: ops.avg_pool1d,
    2: ops.avg_pool2d,
    3: ops.avg_pool3d,
}


def _average(rank: int) -> Callable[..., Tensor]:
    def run(
        x: Tensor,
        kernel_size: Sequence[int],
        stride: Sequence[int] = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        options: dict[str, Any] = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
        if rank > 1:
            options["divisor_override"] = divisor_override
        sizes = (_each(v, rank) for v in (kernel_size, stride or kernel_size, padding))
        return _AVERAGE[rank](x, *sizes, **options)

    return run


def _each(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * rank if len(values) == 1 else values


def _largest(rank: int) -> Callable[..., Any]:
    def run(
        x: Tensor,
        kernel_size: Sequence[int],
        stride: Sequence[int] = (),
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> tuple[Any, ...]:
        kernel, strides, pads, steps = (
            _each(v, rank) for v in (kernel_size, stride or kernel_size, padding, dilation)
        )
        y = _MAX[rank](x, kernel, strides, pads, steps, ceil_mode=ceil_mode)
        return y, lambda: _places(x, y.shape[-rank:], kernel, strides, pads, steps)

    return run


def _places(
    x: Tensor,
    out: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    steps: Sequence[int],
) -> Tensor:
    """Where in its image, counted along the last dimensions, each window has its maximum."""
    rank = len(kernel)
    sizes = x.shape[-rank:]
    last = [
        (n - 1) * stride + step * (k - 1) + 1
        for n, stride, step, k in zip(out, strides, steps, kernel, strict=True)
    ]
    margins = [
        (pad, max(end - size - pad, 0)) for pad, end, size in zip(pads, last, sizes, strict=True)
    ]
    around = [(0, 0)] * (x.ndim - rank) + margins
    number = np.pad(
        np.arange(math.prod(sizes), dtype=np.int32).reshape(sizes), margins, constant_values=0
    )
    values = ops.pad(x, around, constant_values=limits(x.dtype)[0])
    numbers = ops.asarray(number)
    for d in range(rank):
        for_values = x.ndim - rank + d
        values = windows_along(values, for_values, kernel[d], strides[d], steps[d])
        numbers = windows_along(numbers, d, kernel[d], strides[d], steps[d])
        cut = slice(out[d])
        values = values[(slice(None),) * for_values + (cut,)]
        numbers = numbers[(slice(None),) * d + (cut,)]
    flat = ops.reshape(values, (*values.shape[: x.ndim], -1))
    flat_numbers = ops.reshape(numbers, (*numbers.shape[:rank], -1))
    best = ops.argmax(flat, axis=-1, keepdims=True)
    spread = ops.broadcast_to(flat_numbers, flat.shape)
    return ops.squeeze(ops.take_along_axis(spread, best, axis=-1), -1)


def adaptive_max(x: Tensor, output_size: Sequence[int]) -> tuple[Any, ...]:
    """The largest elements of windows of nearly equal size."""
    return ops.adaptive_max_pool(x, list(output_size)), lambda: _adaptive_places(x, output_size)


def _adaptive_places(x: Tensor, output_size: Sequence[int]) -> Tensor:
    rank = len(output_size)
    sizes = x.shape[-rank:]
    rows = []
    for place in np.ndindex(*output_size):
        window = [
            slice(i * n // out, -(-(i + 1) * n // out))
            for i, n, out in zip(place, sizes, output_size, strict=True)
        ]
        part = x[(..., *window)]
        number = np.arange(math.prod(sizes), dtype=np.int32).reshape(sizes)[tuple(window)].ravel()
        best = ops.argmax(ops.reshape(part, (*x.shape[:-rank], -1)), axis=-1)
        rows.append(ops.take(ops.asarray(number), best))
    return ops.reshape(ops.stack(rows, axis=-1), (*x.shape[:-rank], *output_size))


def unpool(x: Tensor, places: Tensor, output_size: Sequence[int], *_: Any) -> Tensor:
    """Maxima put back where they were found, zeros elsewhere."""
    rank = len(output_size)
    lead = x.shape[:-rank]
    empty = ops.zeros((*lead, math.prod(output_size)), dtype=x.dtype)
    flat_places, flat = (ops.reshape(t, (*lead, -1)) for t in (places, x))
    filled = ops.put_along_axis(empty, flat_places, flat, axis=-1)
    return ops.reshape(filled, (*lead, *output_size))


def adaptive_average(x: Tensor, output_size: Sequence[int]) -> Tensor:
    """The means of windows of nearly equal size."""
    return ops.adaptive_avg_pool(x, list(output_size))


TABLE: dict[str, Callable[..., Any]] = {
    **{f"avg_pool{n}d": _average(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": _largest(n) for n in (2, 3)},
    "adaptive_avg_pool1d": adaptive_average,
    **{f"_adaptive_avg_pool{n}d": adaptive_average for n in (2, 3)},
    **{f"adaptive_max_pool{n}d": adaptive_max for n in (2, 3)},
    **{f"max_unpool{n}d": unpool for n in (2, 3)},
}
