"""Sine, cosine and tangent of float32 at every angle, and the arcs of both widths."""

import math
from itertools import pairwise

from slopec import dtypes, hlo
from slopec.passes.numerics import parts, twofold
from slopec.passes.numerics.parts import equals, exceeds, is_nan, like, where
from slopec.tensor import Tensor

_TURN = 0x28BE60DB9391054A7F09D5F47D4D377036D8A5664F10E4107F9458EAF7AEF158
"""1/2π, in units of 2⁻²⁵⁶."""
_WORDS = tuple((_TURN >> (256 - 32 * i)) & 0xFFFFFFFF for i in range(8))
"""Its first words of 32 bits, after one of zeros."""


def _turns(x: Tensor) -> Tensor:
    """Of |x| / 2π the part after the point, in units of 2⁻⁶⁴; for 1/2 ≤ |x|.

    Of the product of the digits of x with 1/2π only what follows the point is computed (M. Payne
    and R. Hanek, ACM SIGNUM Newsletter 18, 1983).
    """
    raw = parts.bits(hlo.abs_(x))
    # |x| = m 2ᵉ with m of 24 bits; the exponent counts from −32, so that it is not negative.
    m = hlo.or_(hlo.and_(raw, like(raw, 0x7FFFFF)), like(raw, 0x800000))
    e = hlo.shift_right_logical(raw, like(raw, 23)) - (150 - 32)
    first = hlo.shift_right_logical(e, like(e, 5))
    shift = hlo.convert(hlo.and_(e, like(e, 31)), dtypes.uint64)
    words = [_word(first, i) for i in range(4)]
    factor = hlo.convert(m, dtypes.uint64)
    top, middle, end = (_joined(*pair, shift) * factor for pair in pairwise(words))
    return hlo.shift_left(top, like(top, 32)) + middle + hlo.shift_right_logical(end, like(end, 32))


def _word(first: Tensor, i: int) -> Tensor:
    """The word at `first + i`, as 64 bits."""
    chosen = hlo.full(first.shape, _WORDS[i], dtypes.uint64)
    for k in range(1, 5):
        here = hlo.full(first.shape, _WORDS[i + k] if i + k < len(_WORDS) else 0, dtypes.uint64)
        chosen = hlo.select(equals(first, k), here, chosen)
    return chosen


def _joined(upper: Tensor, lower: Tensor, shift: Tensor) -> Tensor:
    """32 of the 64 bits of two words, from `shift` on."""
    both = hlo.or_(hlo.shift_left(upper, like(upper, 32)), lower)
    return hlo.shift_right_logical(hlo.shift_left(both, shift), like(both, 32))


def _reduced(x: Tensor) -> tuple[Tensor, Tensor]:
    """|x| less a multiple of π/2, at most π/4 in size, and the number of the quarter."""
    turns = _turns(x)
    quarter = hlo.shift_right_logical(turns + (1 << 61), like(turns, 62))
    rest = hlo.bitcast_convert(turns - hlo.shift_left(quarter, like(turns, 62)), dtypes.int64)
    # Two words, the lower one with a sign, so that a small rest keeps its digits.
    upper = hlo.shift_right_arithmetic(rest + (1 << 31), like(rest, 32))
    lower = hlo.convert(rest - hlo.shift_left(upper, like(rest, 32)), dtypes.int32)
    units = hlo.convert(hlo.convert(upper, dtypes.int32), x.dtype)
    angle = (units + hlo.convert(lower, x.dtype) * 2.0**-32) * (2 * math.pi / 2**32)
    size = hlo.abs_(x)
    near = hlo.compare(size, like(x, math.pi / 4), "LT")
    count = where(near, 0, hlo.convert(quarter, dtypes.int32))
    return hlo.select(near, size, angle), count


_SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(5)]
_COSINE = [(-1) ** k / math.factorial(2 * k) for k in range(6)]


def _waves(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sine and cosine of the reduced angle, and the quarter."""
    r, quarter = _reduced(x)
    square = r * r
    sine = r + r * square * parts.polynomial(_SINE[1:], square)
    cosine = 1.0 - square * 0.5 + square * square * parts.polynomial(_COSINE[2:], square)
    return sine, cosine, quarter


def sine(x: Tensor) -> Tensor:
    """sin x of float32."""
    s, c, quarter = _waves(x)
    value = hlo.select(parts.is_odd(quarter), c, s)
    flipped = equals(hlo.and_(quarter, like(quarter, 2)), 2)
    value = hlo.select(flipped, -value, value)
    signed = hlo.select(parts.is_negative(x), -value, value)
    return where(hlo.is_finite(x), signed, math.nan)


def cosine(x: Tensor) -> Tensor:
    """cos x of float32."""
    s, c, quarter = _waves(x)
    value = hlo.select(parts.is_odd(quarter), s, c)
    flipped = equals(hlo.and_(quarter + 1, like(quarter, 2)), 2)
    return where(hlo.is_finite(x), hlo.select(flipped, -value, value), math.nan)


def tangent(x: Tensor) -> Tensor:
    """tan x of float32."""
    s, c, quarter = _waves(x)
    value = hlo.select(parts.is_odd(quarter), -c / s, s / c)
    signed = hlo.select(parts.is_negative(x), -value, value)
    return where(hlo.is_finite(x), signed, math.nan)


def arc_tangent(y: Tensor, x: Tensor) -> Tensor:
    """The angle of (x, y), from the arc of at most π/8 that is left of π/4 or 0."""
    wide, tall = hlo.abs_(x), hlo.abs_(y)
    steep = hlo.compare(tall, wide, "GT")
    small, large = hlo.select(steep, wide, tall), hlo.select(steep, tall, wide)
    endless = equals(large, math.inf)
    both = hlo.and_(endless, equals(small, math.inf))
    # So that the sum of both is finite, and their difference not subnormal.
    end = 100 if x.dtype == dtypes.float32 else 960
    factor = where(exceeds(large, 2.0**end), like(x, 0.25), 1)
    factor = where(hlo.compare(large, like(x, 2.0**-end), "LT"), 2.0**60, factor)
    small = where(endless, where(both, like(x, 1), 0), small * factor)
    large = where(hlo.or_(endless, equals(large, 0)), 1, large * factor)
    turned = hlo.compare(small, large * math.tan(math.pi / 8), "GT")
    u = hlo.select(turned, small - large, small) / hlo.select(turned, small + large, large)
    count = parts.terms(x.dtype, 9, 22)
    square = u * u
    series = parts.polynomial([(-1) ** k / (2 * k + 1) for k in range(1, count)], square)
    angle = where(turned, math.pi / 4, like(x, 0)) + (u + u * square * series)
    quarter, half = (twofold.constant(x, twofold.PI / n) for n in (2, 1))
    angle = hlo.select(steep, (quarter.high - angle) + quarter.low, angle)
    angle = hlo.select(parts.is_negative(x), (half.high - angle) + half.low, angle)
    angle = parts.with_sign(angle, y)
    return where(hlo.or_(is_nan(x), is_nan(y)), math.nan, angle)


def arc_sine(x: Tensor) -> Tensor:
    """asin x."""
    return arc_tangent(x, hlo.sqrt((1.0 - x) * (1.0 + x)))


def arc_cosine(x: Tensor) -> Tensor:
    """acos x."""
    return arc_tangent(hlo.sqrt((1.0 - x) * (1.0 + x)), x)
