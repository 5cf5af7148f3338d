"""The gamma function's family in float64: its logarithm, derivatives, and the zeta function.

All rest on the Bernoulli numbers: Stirling's series and its derivative for large arguments, the
Euler-Maclaurin formula for the zeta function. Formula numbers are those of the *Digital Library of
Mathematical Functions* (dlmf.nist.gov).
"""

from fractions import Fraction
from functools import cache
from math import comb, factorial, log, pi

import numpy as np

from slopec.reference.polynomials import horner
from slopec.reference.rounding import in_float64
from slopec.reference.table import Array, elementwise

_EULER = 0.57721566490153286061
_DEEPEST = 10_000
"""How far below zero the zeta function is followed; beyond, the sum would take too long."""


@cache
def bernoulli(count: int) -> tuple[float, ...]:
    """B₂, B₄, …, by the recurrence 24.5.3 in exact fractions."""
    numbers = [Fraction(1)]
    for n in range(1, 2 * count + 1):
        total = sum((comb(n + 1, k) * numbers[k] for k in range(n)), Fraction(0))
        numbers.append(-total / (n + 1))
    return tuple(float(numbers[2 * k]) for k in range(1, count + 1))


@elementwise("chlo.zeta")
@in_float64
def zeta(x: Array, q: Array) -> Array:
    """Σ (q + n)⁻ˣ over n >= 0, by the Euler-Maclaurin formula (25.11.28 and 2.10.1).

    Infinite at its poles x = 1 and, where both sides agree in sign (even x), q = 0, −1, …;
    not-a-number at the other poles, for x < 1, and for a fractional x where q is negative.
    """
    x, q = np.broadcast_arrays(x, q)
    shifts = np.where(q > 0, 10, np.minimum(np.ceil(10 - q), _DEEPEST))
    total = np.zeros(q.shape)
    for n in range(int(shifts.max(initial=0, where=~np.isnan(shifts)))):
        total = total + np.where(n < shifts, np.power(q + n, -x), 0.0)
    a = q + shifts
    power = np.power(a, -x)
    total = total + np.where(power == 0, 0.0, power * a / (x - 1)) + power / 2
    term = power * x / a
    for k, number in enumerate(bernoulli(12), 1):
        total = total + term * (number / factorial(2 * k))
        term = term * (x + 2 * k - 1) * (x + 2 * k) / (a * a)
    whole = q == np.floor(q)
    undefined = (x < 1) | ((q < 0) & ~whole & (x != np.floor(x))) | (q < 10 - _DEEPEST)
    total = np.where(undefined | np.isnan(x) | np.isnan(q), np.nan, total)
    pole = np.where(x % 2 == 0, np.inf, np.nan)
    total = np.where((q <= 0) & whole & (x > 1), pole, total)
    return np.where(x == 1, np.inf, total)


@cache
def _around_one() -> tuple[float, ...]:
    """(−1)ᵏ(ζ(k) − 1)/k for k = 2, 3, …, with ζ(k) − 1 = ζ(k, 2)."""
    k = np.arange(2.0, 32.0)
    return tuple((-1.0) ** k * zeta(k, np.array(2.0)) / k)


def _log_gamma_middle(x: Array) -> Array:
    """For 0.5 <= x <= 2.5: the series 5.7.3 around 1 and 2, accurate at these zeros."""
    low = x < 1.5
    z = np.where(low, x - 1, x - 2)
    series: Array = z * (1 - _EULER) + z * z * horner(z, _around_one())
    return np.where(low, series - np.log1p(np.where(low, z, 0.0)), series)


def _log_gamma_large(x: Array) -> Array:
    """For x >= 2.5: Stirling's series 5.11.1 where x >= 8, reached by Γ(x + 1) = xΓ(x)."""
    product = np.ones(x.shape)
    for _ in range(6):
        small = x < 8
        product = np.where(small, product * x, product)
        x = np.where(small, x + 1, x)
    coefficients = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(bernoulli(10), 1)]
    series = horner(1 / (x * x), coefficients) / x
    return (x - 0.5) * np.log(x) - x + log(2 * pi) / 2 + series - np.log(product)


def _log_gamma_positive(x: Array) -> Array:
    tiny = x < 0.5
    middle = _log_gamma_middle(np.clip(np.where(tiny, x + 1, x), 0.5, 2.5))
    middle = np.where(tiny, middle - np.log(np.where(tiny, x, 1.0)), middle)
    return np.where(x <= 2.5, middle, _log_gamma_large(np.maximum(x, 2.5)))


@elementwise("chlo.lgamma")
@in_float64
def lgamma(x: Array) -> Array:
    """log|Γ(x)|; left of zero by the reflection 5.5.3, infinite at 0, −1, −2, …"""
    negative = x < 0
    result = _log_gamma_positive(np.where(negative, 1 - x, x))
    sine = np.abs(np.sin(pi * (x - np.rint(x))))
    reflected = np.where(sine == 0, np.inf, log(pi) - np.log(sine) - result)
    return np.where(np.isinf(x), np.inf, np.where(negative, reflected, result))


@elementwise("chlo.digamma")
@in_float64
def digamma(x: Array) -> Array:
    """Γ′/Γ: the expansion 5.11.2 from 10 on, reached by ψ(x + 1) = ψ(x) + 1/x; reflection 5.5.4.

    Not-a-number at its poles 0, −1, −2, …
    """
    negative = x <= 0
    at = np.where(negative, 1 - x, x)
    total = np.zeros(x.shape)
    for _ in range(10):
        small = at < 10
        total = np.where(small, total - 1 / at, total)
        at = np.where(small, at + 1, at)
    square = 1 / (at * at)
    coefficients = [b / (2 * k) for k, b in enumerate(bernoulli(9), 1)]
    total = total + np.log(at) - 0.5 / at - square * horner(square, coefficients)
    total = np.where(negative, total - pi / np.tan(pi * (x - np.rint(x))), total)
    return np.where(negative & (x == np.floor(x)), np.nan, total)


@elementwise("chlo.polygamma")
@in_float64
def polygamma(n: Array, x: Array) -> Array:
    """The n-th derivative of ψ, (−1)ⁿ⁺¹ n! ζ(n + 1, x) (25.11.12); n is a whole number."""
    factorials = np.array([float(factorial(k)) for k in range(171)] + [np.inf])
    order = np.where((n >= 0) & (n == np.floor(n)), n, 1.0)
    scale = factorials[np.minimum(order, 171).astype(np.int64)]
    sign = np.where(order % 2 == 0, -1.0, 1.0)
    derivative = sign * scale * zeta(order + 1, x)
    result = np.where(order == 0, digamma(np.broadcast_to(x, derivative.shape)), derivative)
    return np.where((n >= 0) & (n == np.floor(n)), result, np.nan)
