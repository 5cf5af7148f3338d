"""What a division of float64 leaves, exactly, however far apart the numbers are."""

import math

from slopec import dtypes, hlo
from slopec.passes.numerics import parts
from slopec.passes.numerics.parts import like, where
from slopec.tensor import Tensor

_SQUARED = 6
"""How often a power of two is squared: 2³² fits, and exponents differ by less than 2¹¹."""


def remainder(x: Tensor, y: Tensor) -> Tensor:
    """x − y trunc(x / y), with the sign of x.

    With |x| = m 2ᵈ u and |y| = n u, where m and n are integers, it is u times m 2ᵈ modulo n.
    """
    m, n = (parts.significand(parts.bits(v)) for v in (x, y))
    e, f = _exponent(x), _exponent(y)
    distance = hlo.maximum(e - f, like(e, 0))
    power = _modulo_power(distance, n)
    rest = _product(power, _once(m, n), n)
    # The unit may be less than any normal number: in two steps.
    half = hlo.shift_right_arithmetic(f, like(f, 1))
    scaled = hlo.convert(rest, x.dtype)
    for step in (half, f - half):
        scaled = scaled * parts.power_of_two(step, x.dtype)
    smaller = hlo.compare(hlo.abs_(x), hlo.abs_(y), "LT")
    value = parts.with_sign(hlo.select(smaller, hlo.abs_(x), scaled), x)
    known = hlo.and_(hlo.is_finite(x), hlo.not_(hlo.or_(parts.is_nan(y), parts.vanishes(y))))
    return where(known, value, math.nan)


def _exponent(x: Tensor) -> Tensor:
    """Of the last digit; of infinity and NaN that of 1, for they are not asked for."""
    return parts.exponent_of(where(hlo.is_finite(x), x, 1)) - 52


def _modulo_power(d: Tensor, n: Tensor) -> Tensor:
    """2ᵈ modulo n: the upper bits of d first, each of the others a square and a doubling."""
    power = hlo.shift_left(like(d, 1), hlo.shift_right_logical(d, like(d, _SQUARED)))
    for bit in reversed(range(_SQUARED)):
        power = _product(power, power, n)
        doubled = hlo.compare(hlo.and_(d, like(d, 1 << bit)), like(d, 0), "NE")
        power = _once(hlo.select(doubled, power + power, power), n)
    return power


def _product(a: Tensor, b: Tensor, n: Tensor) -> Tensor:
    """a b modulo n, for a, b < n < 2⁵³: the quotient as a float is off by less than 2.

    The integers overflow alike, so their difference is right.
    """
    x, y, z = (hlo.convert(v, dtypes.float64) for v in (a, b, n))
    quotient = hlo.convert(hlo.floor(x * y / z), dtypes.int64)
    rest = a * b - quotient * n
    for _ in range(2):
        rest = hlo.select(hlo.compare(rest, like(rest, 0), "LT"), rest + n, rest)
    return _once(_once(rest, n), n)


def _once(a: Tensor, n: Tensor) -> Tensor:
    """a modulo n, for 0 ≤ a < 2 n."""
    return hlo.select(hlo.compare(a, n, "GE"), a - n, a)
