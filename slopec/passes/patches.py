"""Convolutions whose windows lie side by side as products: each is a patch of x, and a row.

Models of images begin with one (Dosovitskiy et al., 2021). The gradient of its kernel takes the
same patches: there the window's places are a patch apart, and results lie within one.
"""

from math import prod

from slopec import hlo
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.convolution import Convolution, channels_last
from slopec.passes.op import Op
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor


@pattern("convolution", changes="rounding")
def patches(op: Op) -> Tensor | None:
    """convolution(x, k) → dot_general(transpose(reshape(x)), reshape(k))

    For windows as far apart as they are wide, and places of the window as far apart as there are
    results, which no two windows, or places, then share.
    """
    c = Convolution.of(op)
    if c.rank == 0 or not c.is_plain or 0 in (*c.x.shape, *c.shape) or prod(c.window) == 1:
        return None
    within = [_is_within(c, d) for d in range(c.rank)]
    if None in within:
        return None
    c, back = c.transposed_to(channels_last(c.rank))
    taps = [2 * d + 1 + bool(inner) for d, inner in enumerate(within)]
    places = [2 * d + 2 - bool(inner) for d, inner in enumerate(within)]
    x = hlo.transpose(_cut(c), (0, *places, *taps, 2 * c.rank + 1))
    summed = tuple(range(c.rank + 1, x.ndim))
    numbers = DotDimensionNumbers((), (), summed, tuple(range(c.rank + 1)))
    return hlo.transpose(hlo.dot_general(x, c.kernel, numbers, c.dtype), back)


def _is_within(c: Convolution, d: int) -> bool | None:
    """Whether places of the window lie within a patch, or results do; None where they mix."""
    if c.strides[d] == c.window[d] and 1 in (c.dilation[d], c.window[d]):
        return True
    return False if c.dilation[d] == c.places[d] and 1 in (c.strides[d], c.places[d]) else None


def _cut(c: Convolution) -> Tensor:
    """x, features last, with two dimensions for each: which patch, and where in it."""
    low, high = ([0, *(row[side] for row in c.padding), 0] for side in (0, 1))
    x = hlo.pad(c.x, hlo.full((), 0, c.x.dtype), low, high)
    within = [bool(_is_within(c, d)) for d in range(c.rank)]
    pairs = [
        (place, tap) if inner else (tap, place)
        for place, tap, inner in zip(c.places, c.window, within, strict=True)
    ]
    samples, *_, features = x.shape
    taken = (samples, *(a * b for a, b in pairs), features)
    x = hlo.slice_(x, [0] * x.ndim, taken)
    return hlo.reshape(x, (samples, *(n for pair in pairs for n in pair), features))
