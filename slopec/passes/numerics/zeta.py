"""Hurwitz's zeta function, and the derivatives of log Γ, which are its values at whole numbers.

Formula numbers are those of the *Digital Library of Mathematical Functions* (dlmf.nist.gov).
"""

import math

import numpy as np

from slopec import dtypes, hlo
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.passes.numerics import parts, powers, special, twofold
from slopec.passes.numerics.parts import equals, exceeds, is_nan, like, where
from slopec.reference.gamma import bernoulli
from slopec.tensor import Tensor

_TERMS = 10
_TAIL = 12
_LARGEST = 2.0**60
"""An exponent so large that the powers of all bases but 1 are 0 or infinite."""


def zeta(s: Tensor, q: Tensor) -> Tensor:
    """Σ (q + n)⁻ˢ over n ≥ 0: ten terms, and the Euler-Maclaurin formula for the others (2.10.1).

    Infinite at its poles s = 1 and, of even s, q = 0, −1, …; not-a-number at the other poles, for
    s < 1, and for a fractional s where q is negative.
    """
    bounded = hlo.minimum(s, like(s, _LARGEST))
    last, a = _power(q, _TERMS, bounded)
    factor = bounded / a
    series = like(s, 0)
    square = a * a
    for k, number in reversed([*enumerate(bernoulli(_TAIL), 1)]):
        step = (bounded + (2 * k - 1)) * (bounded + 2 * k) / square
        series = number / math.factorial(2 * k) + step * series
    tail = last * 0.5 + last * (factor * series) + last * (a / (bounded - 1.0))
    total = where(equals(last, 0), 0, tail)
    for n in reversed(range(_TERMS)):
        total = total + _power(q, n, bounded)[0]
    pole = hlo.and_(equals(_fraction(q), 0), hlo.not_(exceeds(q, 0)))
    complex_ = hlo.and_(parts.is_negative(q), exceeds(_fraction(s), 0))
    undefined = hlo.or_(hlo.compare(s, like(s, 1), "LT"), hlo.and_(complex_, hlo.not_(pole)))
    undefined = hlo.or_(undefined, hlo.or_(is_nan(s), is_nan(q)))
    total = where(pole, where(equals(_fraction(s * 0.5), 0), like(s, math.inf), math.nan), total)
    total = where(equals(q, math.inf), 0, total)
    return where(equals(s, 1), math.inf, where(undefined, math.nan, total))


def _fraction(x: Tensor) -> Tensor:
    return x - hlo.floor(x)


def _power(q: Tensor, n: int, s: Tensor) -> tuple[Tensor, Tensor]:
    """(q + n)⁻ˢ, also of negative bases where s is whole, and q + n."""
    exact = twofold.sum_of(q, like(q, n)) if n else twofold.Two(q, hlo.zeros_like(q))
    base, size = exact.high, hlo.abs_(exact.high)
    proper = hlo.and_(exceeds(size, parts.least_normal(q.dtype)), hlo.is_finite(size))
    plain = where(proper, size, 1)
    logarithm = powers.logarithm(plain)
    rest = where(proper, exact.low / base, 0)  # log (b + r) = log b + r / b, for small r
    exponent = twofold.Two(logarithm.high, logarithm.low + rest)
    value = powers.exponential(twofold.scale(exponent, -s))
    odd = equals(_fraction(s * 0.5), 0.5)
    value = hlo.select(hlo.and_(parts.is_negative(base), odd), -value, value)
    value = where(equals(size, math.inf), 0, value)
    return where(hlo.or_(proper, equals(size, math.inf)), value, math.inf), base


def polygamma(n: Tensor, x: Tensor, known_order: np.ndarray | None) -> Tensor:
    """The n-th derivative of ψ, (−1)ⁿ⁺¹ n! ζ(n + 1, x) (25.11.12), for whole n ≥ 0.

    `known_order` is n where that is known.
    """
    order = hlo.maximum(n, like(n, 0))
    odd = equals(_fraction(order * 0.5), 0.5)
    derivative = _factorial(order) * zeta(order + 1.0, x)
    value = hlo.select(odd, derivative, -derivative)
    value = where(hlo.and_(equals(x, math.inf), exceeds(n, 0)), 0, value)
    if known_order is None or (known_order == 0).any():
        value = hlo.select(equals(n, 0), special.digamma(x), value)
    undefined = hlo.or_(hlo.compare(n, order, "NE"), exceeds(_fraction(n), 0))
    return where(undefined, math.nan, value)


def _factorial(n: Tensor) -> Tensor:
    """n! of whole numbers."""
    most = 35 if n.dtype == dtypes.float32 else 171
    table = np.array([*(math.factorial(k) for k in range(most)), math.inf]).astype(n.dtype)
    index = hlo.convert(hlo.minimum(n, like(n, most)), dtypes.int32)
    numbers = GatherDimensionNumbers(
        collapsed_slice_dims=(0,), start_index_map=(0,), index_vector_dim=n.ndim
    )
    return hlo.gather(hlo.constant(table), hlo.reshape(index, (*n.shape, 1)), numbers, [1])
