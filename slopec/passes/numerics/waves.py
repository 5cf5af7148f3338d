"""Sine, cosine and tangent of float64 at every angle, for every processor.

Of the product of a number with 1/2π only what follows the point is computed, with integers (M.
Payne and R. Hanek, ACM SIGNUM Newsletter 18, 1983), to 128 bits: of no float64 does a multiple of
π/2 leave less than 2⁻⁶². The rest of at most π/4 has twice the digits of a float64.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from slopec import dtypes, hlo
from slopec.passes.numerics import parts, twofold
from slopec.passes.numerics.parts import equals, like, where
from slopec.passes.numerics.twofold import Two
from slopec.tensor import Tensor

_BITS = 1280
"""As many as the largest number needs of 1/2π: 971 before the point, 192 behind it, and some."""


def _pi(bits: int) -> int:
    """π · 2^bits, by Machin's formula."""

    def arc_cotangent(n: int) -> int:
        term = total = (1 << (bits + 32)) // n
        k = 3
        while term:
            term //= -(n * n)
            total += term // k
            k += 2
        return total

    return (4 * (4 * arc_cotangent(5) - arc_cotangent(239))) >> 32


_TURN = (1 << (2 * _BITS)) // (2 * _pi(_BITS))
"""1/2π, in units of 2^−_BITS."""
_WORDS = (0, 0, *((_TURN >> (_BITS - 32 * i)) & 0xFFFFFFFF for i in range(1, _BITS // 32 + 1)))
"""Its words of 32 bits, after two of zeros."""
_MASK = 0xFFFFFFFF
_LIMBS = 6


@dataclass(frozen=True)
class _Angle:
    """|x| less a multiple of π/2, at most π/4 in size, and the number of the quarter."""

    rest: Two
    quarter: Tensor


def _window(start: Tensor, count: int) -> list[Tensor]:
    """`count` words from `start` on, chosen bit by bit of `start`, the highest first."""
    words: list[int | Tensor] = [*_WORDS, *[0] * 64]
    for bit in reversed(range(6)):
        step = 1 << bit
        chosen = equals(hlo.and_(start, like(start, step)), step)
        words = [_chosen(chosen, words[i + step], words[i], start) for i in range(count + step - 1)]
    return [w if isinstance(w, Tensor) else like(start, w) for w in words]


def _chosen(pred: Tensor, x: int | Tensor, y: int | Tensor, start: Tensor) -> int | Tensor:
    if isinstance(x, int) and x == y:
        return x
    x, y = (v if isinstance(v, Tensor) else like(start, v) for v in (x, y))
    return hlo.select(pred, x, y)


def _upper(n: Tensor) -> Tensor:
    return hlo.shift_right_logical(n, like(n, 32))


def _lower(n: Tensor) -> Tensor:
    return hlo.and_(n, like(n, _MASK))


def _rows(words: list[Tensor], factor: Tensor) -> list[Tensor]:
    """The product of a number of several words, the most significant first, with a word."""
    carry, made = hlo.zeros_like(factor), []
    for word in reversed(words):
        product = word * factor + carry
        made.append(_lower(product))
        carry = _upper(product)
    return made[::-1]


def _turns(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of |x| / 2π the part after the point, in units of 2⁻⁶⁴ and of 2⁻¹²⁸; for 1/2 ≤ |x|."""
    raw = hlo.convert(parts.bits(hlo.abs_(x)), dtypes.uint64)
    m = parts.significand(raw)
    # |x| = m 2ᵉ; the exponent counts from −64, so that it is not negative.
    e = hlo.shift_right_logical(raw, like(raw, 52)) - (1075 - 64)
    shift = hlo.and_(e, like(e, 31))
    words = _window(hlo.shift_right_logical(e, like(e, 5)), _LIMBS + 1)
    aligned = [
        _upper(hlo.shift_left(hlo.or_(hlo.shift_left(a, like(a, 32)), b), shift))
        for a, b in pairwise(words)
    ]
    small, large = _rows(aligned, _lower(m)), _rows(aligned, _upper(m))
    # The upper word of m stands a word further to the left.
    carry, limbs = hlo.zeros_like(m), []
    for low, high in zip(small[::-1], [hlo.zeros_like(m), *large[:0:-1]], strict=True):
        total = low + high + carry
        limbs.append(_lower(total))
        carry = _upper(total)
    first, second, third, fourth = limbs[:-5:-1]
    return _joined(first, second), _joined(third, fourth)


def _joined(upper: Tensor, lower: Tensor) -> Tensor:
    return hlo.or_(hlo.shift_left(upper, like(upper, 32)), lower)


def _number(n: Tensor) -> Tensor:
    """An integer of 32 bits as a float, by way of its bits: they follow those of 2⁵²."""
    code = hlo.convert(hlo.or_(n, like(n, 0x433 << 52)), dtypes.int64)
    return parts.of_bits(code, dtypes.float64) - 2.0**52


def _reduced(x: Tensor) -> _Angle:
    high, low = _turns(x)
    quarter = hlo.shift_right_logical(high + (1 << 61), like(high, 62))
    rest = high - hlo.shift_left(quarter, like(high, 62))
    below = hlo.compare(hlo.convert(rest, dtypes.int64), hlo.zeros_like(parts.bits(x)), "LT")
    # The size of a number of two words is its complement and 1.
    carried = where(equals(low, 0), 1, hlo.zeros_like(low))
    rest = hlo.select(below, hlo.not_(rest) + carried, rest)
    low = hlo.select(below, hlo.not_(low) + 1, low)
    first, second, third, fourth = (_number(f(n)) for n in (rest, low) for f in (_upper, _lower))
    tail = twofold.sorted_sum(third * 2.0**-96, fourth * 2.0**-128)
    turns = twofold.add(twofold.sorted_sum(first * 2.0**-32, second * 2.0**-64), tail)
    angle = twofold.multiply(turns, twofold.constant(x, 2 * twofold.PI))
    near = hlo.compare(hlo.abs_(x), like(x, math.pi / 4), "LT")
    size, zero = hlo.abs_(x), hlo.zeros_like(x)
    return _Angle(
        Two(
            hlo.select(near, size, hlo.select(below, -angle.high, angle.high)),
            hlo.select(near, zero, hlo.select(below, -angle.low, angle.low)),
        ),
        where(near, 0, hlo.convert(quarter, dtypes.int64)),
    )


_SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(1, 9)]
_COSINE = [(-1) ** k / math.factorial(2 * k) for k in range(2, 10)]


def _sine(r: Two) -> Two:
    """r − r³ / 6 …, of which all but r is small."""
    square = r.high * r.high
    tail = r.high * square * parts.polynomial(_SINE, square)
    return twofold.sorted_sum(r.high, tail + r.low * (1.0 - square * 0.5))


def _cosine(r: Two) -> Two:
    """1 − r² / 2 …, of which the half square is kept in two parts."""
    square = twofold.product(r.high, r.high)
    head = twofold.sorted_sum(like(r.high, 1), square.high * -0.5)
    z = square.high
    tail = z * z * parts.polynomial(_COSINE, z) - square.low * 0.5 - r.high * r.low
    return twofold.sorted_sum(head.high, head.low + tail)


def _flipped(n: Tensor) -> Tensor:
    return equals(hlo.and_(n, like(n, 2)), 2)


def sine(x: Tensor) -> Tensor:
    """sin x of float64."""
    angle = _reduced(x)
    s, c = _sine(angle.rest), _cosine(angle.rest)
    value = hlo.select(parts.is_odd(angle.quarter), c.high, s.high)
    value = hlo.select(_flipped(angle.quarter), -value, value)
    value = hlo.select(parts.is_negative(x), -value, value)
    return where(hlo.is_finite(x), value, math.nan)


def cosine(x: Tensor) -> Tensor:
    """cos x of float64."""
    angle = _reduced(x)
    s, c = _sine(angle.rest), _cosine(angle.rest)
    value = hlo.select(parts.is_odd(angle.quarter), s.high, c.high)
    value = hlo.select(_flipped(angle.quarter + 1), -value, value)
    return where(hlo.is_finite(x), value, math.nan)


def tangent(x: Tensor) -> Tensor:
    """tan x of float64, a quotient of numbers of twice the digits."""
    angle = _reduced(x)
    s, c, odd = _sine(angle.rest), _cosine(angle.rest), parts.is_odd(angle.quarter)
    above = [hlo.select(odd, -a, b) for a, b in ((c.high, s.high), (c.low, s.low))]
    below = [hlo.select(odd, a, b) for a, b in ((s.high, c.high), (s.low, c.low))]
    value = twofold.quotient(above[0], Two(*below)).high + above[1] / below[0]
    value = hlo.select(parts.is_negative(x), -value, value)
    return where(hlo.is_finite(x), value, math.nan)
