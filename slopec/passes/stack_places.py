"""Convolutions with a dimension less: a window's places along the first one become channels.

They are stacked beside the channels, as slices of x that begin one after the other; along that
dimension each result then is an image of its own. Three dimensions become two, one becomes a
product.
"""

from dataclasses import replace

from slopec import hlo
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.convolution import Convolution, channels_last, channels_last_sum
from slopec.passes.op import Op
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor

_MOST = 8
"""Places that are stacked, each of which takes the memory of x."""


@pattern("convolution", changes="rounding")
def stack_places(op: Op) -> Tensor | None:
    """convolution(x, k) → reshape(convolution(stack(slice(x), …), k))

    For one dimension, or three and more, without groups, where few places are stacked; likewise the
    gradient of a kernel.
    """
    c = Convolution.of(op)
    if c.rank in (0, 2) or not c.is_plain or 0 in (*c.x.shape, *c.shape):
        return None
    if min(c.window[0], c.places[0]) > _MOST:
        return None
    if c.sums_over_places:
        c, back = c.transposed_to(channels_last_sum(c.rank))
        return hlo.transpose(_gradient(c), back)
    c, back = c.transposed_to(channels_last(c.rank))
    return hlo.transpose(_forward(c), back)


def _forward(c: Convolution) -> Tensor:
    samples, depth, *space, made = c.shape
    x = _stacked(c, c.window[0], c.dilation[0], depth, c.strides[0])
    order = (*range(1, c.rank), 0, c.rank, c.rank + 1)
    kernel = hlo.transpose(c.kernel, order)
    kernel = hlo.reshape(kernel, (*c.window[1:], x.shape[-1], made))
    flat = _flat(c, x, kernel, (samples * depth, *space, made))
    return hlo.reshape(flat, c.shape)


def _gradient(c: Convolution) -> Tensor:
    """The window is the result's gradient, and the result has the places of the kernel."""
    depth, *places, given, made = c.shape
    x = _stacked(c, depth, c.strides[0], c.window[0], c.dilation[0])
    kernel = hlo.reshape(c.kernel, (x.shape[0], *c.window[1:], made))
    flat = _flat(c, x, kernel, (*places, depth * given, made))
    apart = hlo.reshape(flat, (*places, depth, given, made))
    return hlo.transpose(apart, (c.rank - 1, *range(c.rank - 1), c.rank, c.rank + 1))


def _flat(c: Convolution, x: Tensor, kernel: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The convolution without its first dimension."""
    if c.rank == 1:
        summed = (0,) if c.sums_over_places else (1,)
        return hlo.dot_general(x, kernel, DotDimensionNumbers((), (), summed, (0,)), c.dtype)
    order = channels_last_sum if c.sums_over_places else channels_last
    names = ("strides", "padding", "base_dilation", "dilation", "reversal")
    fewer = {name: getattr(c, name)[1:] for name in names}
    numbers = order(c.rank - 1)
    return replace(c, x=x, kernel=kernel, numbers=numbers, shape=shape, **fewer).write()


def _stacked(c: Convolution, taps: int, apart: int, results: int, stride: int) -> Tensor:
    """(samples · results, …, taps · channels): all that each result in depth takes of x."""
    samples, _, *space, channels = c.x.shape
    (low, high), rest = c.padding[0], [0] * (len(space) + 1)
    x = hlo.pad(c.x, hlo.full((), 0, c.x.dtype), [0, low, *rest], [0, high, *rest])
    steps = [1, stride, *(1 for _ in rest)]
    parts = [
        hlo.slice_(
            x,
            [0, tap * apart, *rest],
            [samples, tap * apart + (results - 1) * stride + 1, *space, channels],
            steps,
        )
        for tap in range(taps)
    ]
    joined = parts[0] if taps == 1 else hlo.concatenate(parts, x.ndim - 1)
    return hlo.reshape(joined, (samples * results, *space, taps * channels))
