"""Short Fourier transforms in registers: as many at a time as a vector has lanes.

Lengths that are composed are taken apart (Cooley and Tukey, 1965) down to primes, of which two
points that mirror each other share their products.
"""

from collections.abc import Sequence

import numpy as np

from slopec.kernels.body import Body, Term
from slopec.passes.fourier import smallest_factor

Pair = tuple[Term, Term]
"""Vectors of the real and of the imaginary parts of complex numbers."""


def butterfly(k: Body, points: Sequence[Pair], sign: int) -> list[Pair]:
    """Σ x[j] e^(sign 2πi jk/n) for all k < n."""
    n = len(points)
    a = smallest_factor(n)
    if a == n:
        return _prime(k, points, sign) if n > 2 else _two(points)
    b = n // a
    inner = [butterfly(k, points[j::b], sign) for j in range(b)]
    turned = [[_turned(k, inner[j][i], sign * i * j, n) for j in range(b)] for i in range(a)]
    outer = [butterfly(k, row, sign) for row in turned]
    return [outer[i % a][i // a] for i in range(n)]


def times(k: Body, x: Pair, y: Pair) -> Pair:
    """The product of complex numbers."""
    (a, b), (c, d) = x, y
    return k.fma(k.op("arith.negf", b), d, a * c), k.fma(a, d, b * c)


def roots(turns: np.ndarray, n: int) -> np.ndarray:
    """e^(2πi turns/n), to the last digit: of angles no more than an eighth of a turn.

    >>> roots(np.array([1, 2, 12]), 4)
    array([ 0.+1.j, -1.+0.j,  1.+0.j])
    """
    quarters, rest = np.divmod(8 * (turns % n) + n, 2 * n)
    within = np.exp(1j * np.pi * (rest - n) / (4 * n))
    made: np.ndarray = np.array([1, 1j, -1, -1j])[quarters % 4] * within
    return made


def root(turns: int, n: int) -> complex:
    """One of the `roots`."""
    return complex(roots(np.array(turns), n))


def _two(points: Sequence[Pair]) -> list[Pair]:
    (a, b), (c, d) = points
    return [(a + c, b + d), (a - c, b - d)]


def _turned(k: Body, x: Pair, turns: int, n: int) -> Pair:
    """x e^(2πi turns/n)."""
    re, im = x
    quarters, rest = divmod(4 * (turns % n), n)
    if rest:
        factor = root(turns, n)
        return times(k, x, (k.like(factor.real, re), k.like(factor.imag, re)))

    def minus(part: Term) -> Term:
        return k.op("arith.negf", part)

    return ((re, im), (minus(im), re), (minus(re), minus(im)), (im, minus(re)))[quarters]


def _prime(k: Body, points: Sequence[Pair], sign: int) -> list[Pair]:
    """Of an odd prime: what x[j] and x[n - j] contribute differs in the sign of a sine alone."""
    n = len(points)
    mirrored = [_two([points[j], points[n - j]]) for j in range(1, n // 2 + 1)]
    (re, im), made = points[0], {}
    made[0] = re, im
    for (sum_re, sum_im), _ in mirrored:
        made[0] = made[0][0] + sum_re, made[0][1] + sum_im
    for i in range(1, n // 2 + 1):
        even, odd = (re, im), None
        for j, ((sum_re, sum_im), (less_re, less_im)) in enumerate(mirrored, 1):
            factor = root(sign * i * j, n)
            c, s = k.like(factor.real, re), k.like(factor.imag, re)
            even = k.fma(c, sum_re, even[0]), k.fma(c, sum_im, even[1])
            if odd is None:
                odd = s * less_re, s * less_im
            else:
                odd = k.fma(s, less_re, odd[0]), k.fma(s, less_im, odd[1])
        assert odd is not None
        made[i] = even[0] - odd[1], even[1] + odd[0]
        made[n - i] = even[0] + odd[1], even[1] - odd[0]
    return [made[i] for i in range(n)]
