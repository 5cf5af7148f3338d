"""Functions of probabilities and of Γ that statistics are written in, made of others."""

import math

from slopec import dtypes, hlo
from slopec.ops.common import ArrayLike, bad_argument, floating, refuse_complex
from slopec.ops.logic import where
from slopec.ops.powers import xlogy
from slopec.ops.unary import erfc, exp, expm1, lgamma, log, log1p
from slopec.tensor import Tensor

__all__ = [
    "betaln",
    "boxcox",
    "entr",
    "log_ndtr",
    "multigammaln",
    "ndtr",
    "rel_entr",
]


def entr(x: ArrayLike, /) -> Tensor:
    """−x log x: what a probability adds to the entropy; 0 at 0, −∞ below.

    >>> import slopec as sp
    >>> print(sp.entr(sp.tensor([0.0, 0.5, 1.0])).round(decimals=4))
    tensor([0.     0.3466 0.    ], float32[3], cpu)
    """
    x = _real("entr", x)
    positive = hlo.compare(x, hlo.zeros_like(x), "GT")
    inside = 0.0 - xlogy(where(positive, x, 1.0), where(positive, x, 1.0))
    return where(positive, inside, where(hlo.compare(x, hlo.zeros_like(x), "LT"), -math.inf, 0 * x))


def rel_entr(p: ArrayLike, q: ArrayLike, /) -> Tensor:
    """p log(p / q), the terms of Kullback and Leibler's divergence; 0 where p is 0 and q ≥ 0.

    ∞ where p or q is negative, or q alone is 0.

    >>> import slopec as sp
    >>> print(sp.rel_entr(sp.tensor([0.0, 0.5]), sp.tensor([0.5, 0.25])).round(decimals=4))
    tensor([0.     0.3466], float32[2], cpu)
    """
    p, q = _real("rel_entr", p), _real("rel_entr", q)
    inside = (p > 0) & (q > 0)
    left, right = where(inside, p, 1.0), where(inside, q, 1.0)
    none = (p == 0) & (q >= 0)
    return where(inside, xlogy(left, left / right), where(none, 0.0, math.inf))


def ndtr(x: ArrayLike, /) -> Tensor:
    """The normal distribution's share below x: ½ erfc(−x / √2).

    >>> import slopec as sp
    >>> print(sp.ndtr(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([0.5    0.8413], float32[2], cpu)
    """
    given = _real("ndtr", x)
    return hlo.convert(_ndtr(_wide(given)), given.dtype)


_ROOT, _BESIDE = 0.7071067811865476, -4.833646656726457e-17
"""√½, and what the former lacks of it."""


def _ndtr(x: Tensor) -> Tensor:
    """½ erfc(−x / √2), which rounding the argument alone changes by x² units of the last place."""
    exponent, digits = (11, 26) if x.dtype.itemsize == 8 else (8, 12)
    near = where(abs(x) < 64, x, 0.0)
    z = near * -_ROOT
    # A product of halves of the digits is exact.
    upper = round(math.ldexp(_ROOT, digits)) * 0.5**digits
    head = hlo.reduce_precision(near, exponent, digits - 1)
    rest = (head * upper + z) + head * ((_ROOT - upper) + _BESIDE) + (near - head) * _ROOT
    return 0.5 * erfc(x * -_ROOT) + rest * exp(-z * z) / math.sqrt(math.pi)


_LAST = {4: -10.0, 8: -20.0}
"""Where the logarithm of `ndtr` becomes its expansion, by the bytes of a type."""


def log_ndtr(x: ArrayLike, /) -> Tensor:
    """log of `ndtr`, also far below 0, where that vanishes, and above, where it is almost 1.

    Far below it is −x²/2 − log(−x √2π) + log(1 − 1/x² + 3/x⁴ − 15/x⁶ …).

    >>> import slopec as sp
    >>> print(sp.log_ndtr(sp.tensor([-9.0, 0.0])).round(decimals=3))
    tensor([-43.628  -0.693], float32[2], cpu)
    """
    given = _real("log_ndtr", x)
    x = _wide(given)
    last = _LAST[x.dtype.itemsize]
    far, above = x < last, x > 0
    z = where(far, x, last)
    square, series = 1.0 / (z * z), hlo.zeros_like(x)
    for n in range(8, 0, -1):
        series = (series + 1.0) * square * -(2.0 * n - 1)
    tail = z * z * -0.5 - log(z * -math.sqrt(2 * math.pi)) + log1p(series)
    upper = log1p(-_ndtr(-where(above, x, 0.0)))
    middle = log(_ndtr(where(far | above, last, x)))
    return hlo.convert(where(far, tail, where(above, upper, middle)), given.dtype)


def boxcox(x: ArrayLike, lmbda: ArrayLike, /) -> Tensor:
    """(x^λ − 1) / λ, and log x where λ is 0, for x > 0 (Box & Cox, 1964).

    Near λ = 0 a series stands in, so derivatives by λ are right.

    >>> import slopec as sp
    >>> print(sp.boxcox(sp.tensor([1.0, 4.0]), 0.5))
    tensor([0. 2.], float32[2], cpu)
    """
    x, power = _real("boxcox", x), _real("boxcox", lmbda)
    logarithm = log(x)
    z = power * logarithm
    near = abs(z) < 1e-2
    small = where(near, z, 0.0)
    series = hlo.full_like(z, 1)
    for n in range(7, 1, -1):
        series = 1.0 + small / n * series
    return where(near, logarithm * series, expm1(z) / where(near, 1.0, power))


def betaln(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """log |Γ(a) Γ(b) / Γ(a + b)|.

    >>> import slopec as sp
    >>> print(sp.betaln(2.0, 3.0).round(decimals=4))
    tensor(-2.4849, float32[], cpu)
    """
    a, b = _real("betaln", a), _real("betaln", b)
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def multigammaln(x: ArrayLike, /, d: int) -> Tensor:
    """d(d − 1)/4 log π + Σ log Γ(x − i/2), i from 0 to d − 1; real where x > (d − 1)/2.

    >>> import slopec as sp
    >>> print(sp.multigammaln(3.0, 2).round(decimals=4))
    tensor(1.5502, float32[], cpu)
    """
    if isinstance(d, bool) or not hasattr(d, "__index__") or d < 1:
        raise bad_argument(f"multigammaln: the dimension is at least 1, got {d!r}")
    x = _real("multigammaln", x)
    total = lgamma(x) + d * (d - 1) / 4 * math.log(math.pi)
    for i in range(1, d):
        total = total + lgamma(x - i / 2)
    return total


def _wide(x: Tensor) -> Tensor:
    """Narrow floats in float32: far out the argument of erfc needs more digits than its value."""
    return hlo.convert(x, dtypes.float32) if x.dtype.itemsize < 4 else x


def _real(name: str, x: ArrayLike) -> Tensor:
    given = floating(name, x)
    refuse_complex(name, given)
    return given
