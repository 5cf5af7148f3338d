"""Hyperbolic functions and their inverses through e^x − 1 and log(1 + x), which keep digits."""

import math

from slopec import dtypes, hlo
from slopec.passes.numerics import parts, twofold
from slopec.passes.numerics.parts import equals, exceeds, like, where
from slopec.tensor import Tensor

_NEAR = 0.9
"""Up to which tanh is a series."""
# fmt: off
_TANH = (
    -0.2897857130864001703, 0.04046689597914299841, -0.00286248823531198478,
    0.0002027738419497757964, -0.0000143666601531520031,
    1.0179094279646557e-6, -7.21213157478372e-8, 5.1099693496203e-9,
    -3.620536816332e-10, 2.56523787398e-11, -1.8175330589e-12, 1.287766119e-13, -9.1241343e-15,
    6.46467e-16, -4.58037e-17, 3.2453e-18,
)
# fmt: on
"""The Chebyshev expansion of (tanh x − x) / x³ in x² on [0, 0.81], computed to 60 digits."""


def sinh(x: Tensor) -> Tensor:
    """(eˣ − e⁻ˣ) / 2."""
    size = hlo.abs_(x)
    less = hlo.exponential_minus_one(hlo.minimum(size, like(x, 1)))
    near = (less + less / (less + 1.0)) * 0.5
    return parts.with_sign(where(exceeds(size, 1), _half(size, -0.5), near), x)


def cosh(x: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2."""
    return _half(hlo.abs_(x), 0.5)


def _half(size: Tensor, other: float) -> Tensor:
    """eˣ / 2 and `other` times e⁻ˣ; where eˣ is too large, the product of two roots."""
    whole = hlo.exponential(size)
    root = hlo.exponential(size * 0.5)
    limit = 80.0 if size.dtype == dtypes.float32 else 700.0
    return where(exceeds(size, limit), root * 0.5 * root, whole * 0.5 + other / whole)


def tanh(x: Tensor) -> Tensor:
    """1 − 2 / (e²ˣ + 1), or x plus a series, of float64."""
    size = hlo.abs_(x)
    inner = hlo.minimum(size, like(x, _NEAR))
    square = inner * inner
    series = parts.chebyshev(_TANH, square * (2 / _NEAR**2) - 1.0)
    far = 1.0 - 2.0 / (hlo.exponential(size + size) + 1.0)
    value = hlo.select(exceeds(size, _NEAR), far, inner + inner * square * series)
    return where(parts.is_nan(x), math.nan, parts.with_sign(value, x))


def asinh(x: Tensor) -> Tensor:
    """log(x + √(x² + 1))."""
    size = hlo.abs_(x)
    far, near = _far(size)
    square = near * near
    inner = hlo.log_plus_one(near + square / (hlo.sqrt(square + 1.0) + 1.0))
    return parts.with_sign(hlo.select(far, hlo.log(size) + math.log(2), inner), x)


def acosh(x: Tensor) -> Tensor:
    """log(x + √(x² − 1)), of x ≥ 1."""
    far, near = _far(x)
    less, more = (twofold.sum_of(near, like(near, one)) for one in (-1, 1))
    square = twofold.multiply(less, more)
    root = hlo.sqrt(square.high)
    exact = twofold.product(root, root)
    rest = ((square.high - exact.high) - exact.low + square.low) / (root + root)
    rest = where(exceeds(root, 0), rest, 0)
    whole = twofold.add(less, twofold.Two(root, rest))
    inner = hlo.log_plus_one(whole.high) + whole.low / (whole.high + 1.0)
    return hlo.select(far, hlo.log(x) + math.log(2), inner)


def _far(x: Tensor) -> tuple[Tensor, Tensor]:
    """Whether x² + 1 is x² to all digits, and x where it is not."""
    far = parts.is_far(x)
    return far, where(far, 1, x)


def atanh(x: Tensor) -> Tensor:
    """log((1 + x) / (1 − x)) / 2."""
    size = hlo.abs_(x)
    twice = size + size
    inner = hlo.log_plus_one(twice + twice * size / (1.0 - size)) * 0.5
    return parts.with_sign(where(exceeds(size, 1), math.nan, inner), x)


def log_plus_one(x: Tensor) -> Tensor:
    """x log(1 + x) / ((1 + x) - 1), which is exact where 1 + x rounds (Kahan)."""
    near = x + 1.0
    moved = near - 1.0
    rounded = hlo.or_(equals(moved, 0), hlo.not_(hlo.is_finite(near)))
    logarithm = hlo.log(near)
    scaled = logarithm * (x / where(rounded, 1, moved))
    plain = hlo.or_(hlo.not_(hlo.is_finite(near)), equals(near, 0))
    return hlo.select(plain, logarithm, hlo.select(equals(moved, 0), x, scaled))


def exponential_minus_one(x: Tensor) -> Tensor:
    """(e^x - 1) x / log(e^x), which is exact where e^x rounds (Kahan)."""
    power = hlo.exponential(x)
    moved = power - 1.0
    unmoved, small = equals(moved, 0), hlo.compare(hlo.abs_(x), like(x, 1), "LE")
    plain = hlo.or_(hlo.not_(small), unmoved)
    logarithm = hlo.log(where(plain, 2, power))
    exact = moved * x / logarithm
    return hlo.select(hlo.and_(unmoved, small), x, hlo.select(plain, moved, exact))
