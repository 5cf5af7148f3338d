"""Numbers of twice the digits, as sums of two floats (T. J. Dekker, Numer. Math. 18, 1971).

A product with an addition may be fused into one rounding by the compiler; sums and products stay
exact then, because the products are exact before.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from slopec import dtypes
from slopec.passes.numerics.parts import like, upper_half
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Two:
    """`high + low`, of which `low` is less than half a unit in the last place of `high`."""

    high: Tensor
    low: Tensor


def sum_of(x: Tensor, y: Tensor) -> Two:
    """x + y exactly (D. E. Knuth)."""
    total = x + y
    added = total - x
    return Two(total, (x - (total - added)) + (y - added))


def sorted_sum(x: Tensor, y: Tensor) -> Two:
    """x + y exactly, for |x| ≥ |y|."""
    total = x + y
    return Two(total, y - (total - x))


def product(x: Tensor, y: Tensor) -> Two:
    """x · y exactly, but for what underflows."""
    a, b = upper_half(x), upper_half(y)
    c, d = x - a, y - b
    high = x * y
    return Two(high, ((a * b - high) + a * d + c * b) + c * d)


def add(x: Two, y: Two) -> Two:
    """x + y."""
    total = sum_of(x.high, y.high)
    return sorted_sum(total.high, total.low + (x.low + y.low))


def multiply(x: Two, y: Two) -> Two:
    """x · y."""
    exact = product(x.high, y.high)
    return sorted_sum(exact.high, exact.low + (x.high * y.low + x.low * y.high))


def scale(x: Two, y: Tensor) -> Two:
    """x · y for a plain number y."""
    exact = product(x.high, y)
    return sorted_sum(exact.high, exact.low + x.low * y)


def negate(x: Two) -> Two:
    """−x."""
    return Two(-x.high, -x.low)


def quotient(x: Tensor, y: Two) -> Two:
    """x / y."""
    high = x / y.high
    exact = product(high, y.high)
    low = (((x - exact.high) - exact.low) - high * y.low) / y.high
    return sorted_sum(high, low)


def constant(x: Tensor, value: Fraction) -> Two:
    """A fraction, in the shape and type of `x`."""
    kind = np.float32 if x.dtype == dtypes.float32 else np.float64
    high = float(kind(float(value)))
    return Two(like(x, high), like(x, float(value - Fraction(high))))


LN2 = Fraction(0xB17217F7D1CF79ABC9E3B39803F2F6AF, 1 << 128)
"""log 2."""
PI = Fraction(0xC90FDAA22168C234C4C6628B80DC1CD1, 1 << 126)
"""π."""
