"""Γ, and what is made of its values: factorials, binomial coefficients, Euler's beta function.

Formula numbers are those of the *Digital Library of Mathematical Functions* (dlmf.nist.gov).
"""

import math

from slopec import hlo
from slopec.ops.common import ArrayLike
from slopec.ops.logic import where
from slopec.ops.signs import abs, sign
from slopec.ops.unary import digamma, exp, lgamma, log, log1p
from slopec.passes.numerics.parts import chebyshev, polynomial
from slopec.special.operands import as_given, real, reals, wide
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp

# fmt: off
_NEAR = (
    0.6848495618700673184, 0.2854298443576743643, 0.02635510790054564044, 0.003158106665618603803,
    0.0001869113869118829522, 0.00001978179843394307188, 5.87732827775317657e-7,
    9.904067263210073052e-8, -1.30277908996851839e-9, 5.835223464337513375e-10,
    -3.788897889284575031e-11, 4.797301013184860469e-12, -4.462581124651432857e-13,
    4.676007897767718389e-14, -4.672003185628021117e-15, 4.746208311451335129e-16,
    -4.791288075571208701e-17,
)
"""Of (Γ(x) − 1) / (x − 2) on [2, 3], a Chebyshev expansion: Γ is exact at whole numbers."""
# fmt: on

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_JOINT = 14
"""Up to here Γ(x) is a product and a value on [2, 3]; factorials below it are exact."""
_LARGEST = {4: 40.0, 8: 180.0}
"""Where Γ is infinite, by the bytes of a type."""


def gamma(x: ArrayLike, /) -> Tensor:
    """Γ(x), which is (x − 1)! of whole numbers; infinite at ±0, NaN at −1, −2, …

    >>> import slopec as sp
    >>> print(sp.gamma(sp.tensor([5.0, 0.5, -0.5])).round(decimals=4))
    tensor([24.      1.7725 -3.5449], float32[3], cpu)
    """
    given = real("gamma", x)
    return as_given(_gamma(wide(given)), given)


@custom_jvp
def _gamma(x: Tensor) -> Tensor:
    size = abs(x)
    value = where(size <= _JOINT, _near(size), _far(size))
    offset = x - hlo.round_nearest_even(x)
    odd = hlo.round_nearest_even(x * 0.5) * 2.0 != hlo.round_nearest_even(x)
    sine = hlo.sine(offset * math.pi)
    # Γ(x) Γ(−x) = −π / (x sin πx) (5.5.3): for x below 0, in which no argument is rounded.
    reflected = -math.pi / (where(odd, -sine, sine) * x * value)
    reflected = where(offset == 0, math.nan, reflected)
    infinite = where(hlo.exponential(-size) < 0, size, math.inf)
    value = where(size == math.inf, infinite, value)
    return where(x < 0, reflected, where(x == 0, 1.0 / x, value))


@_gamma.defjvp
def _gamma_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    """dΓ = Γ ψ dx."""
    (x,), (dx,) = primals, tangents
    value = _gamma(x)
    return value, value * digamma(x) * dx


def _near(x: Tensor) -> Tensor:
    """Γ from its values on [2, 3], for 0 ≤ x ≤ 14."""
    x = hlo.minimum(x, hlo.full_like(x, _JOINT))
    factor, divisor = hlo.full_like(x, 1), hlo.full_like(x, 1)
    for _ in range(2):
        below = x < 2
        divisor, x = where(below, divisor * x, divisor), where(below, x + 1.0, x)
    for _ in range(_JOINT - 2):
        above = x >= 3
        x = where(above, x - 1.0, x)
        factor = where(above, factor * x, factor)
    return (1.0 + (x - 2.0) * chebyshev(_NEAR, x * 2.0 - 5.0)) * factor / divisor


def scaled_gamma(x: Tensor) -> Tensor:
    """Γ*(x) = Γ(x) eˣ x^(½ − x) / √2π, for x > 0, which is almost 1 of large x."""
    near = hlo.minimum(x, hlo.full_like(x, _JOINT))
    scale = hlo.exponential(near) * hlo.power(near, 0.5 - near) / math.sqrt(2 * math.pi)
    return where(x < _JOINT, _near(near) * scale, _correction(x))


def _correction(x: Tensor) -> Tensor:
    """e^(1/12x − …), what Stirling's formula lacks of Γ(x), for x ≥ 14 (5.11.3)."""
    inverse = 1.0 / hlo.maximum(x, hlo.full_like(x, _JOINT))
    return hlo.exponential(inverse * polynomial(_STIRLING, inverse * inverse))


def _far(x: Tensor) -> Tensor:
    """√2π xˣ⁻½ e⁻ˣ Γ*(x), in which no factor is infinite before the result is."""
    largest = hlo.full_like(x, _LARGEST[x.dtype.itemsize])
    x = hlo.maximum(hlo.minimum(x, largest), hlo.full_like(x, _JOINT))
    half = hlo.power(x, x * 0.5 - 0.25)
    return half * (half * hlo.exponential(-x)) * (math.sqrt(2 * math.pi) * _correction(x))


def factorial(n: ArrayLike, /) -> Tensor:
    """n! = Γ(n + 1), of fractions too; 0 where n is negative.

    >>> import slopec as sp
    >>> print(sp.factorial(sp.tensor([0, 3, 5])))
    tensor([  1.   6. 120.], float32[3], cpu)
    """
    n = real("factorial", n)
    return where(n < 0, 0.0, gamma(where(n < 0, 0.0, n) + 1.0))


def poch(z: ArrayLike, m: ArrayLike, /) -> Tensor:
    """Pochhammer's symbol Γ(z + m) / Γ(z), which is z (z + 1) … (z + m − 1) of whole m.

    >>> import slopec as sp
    >>> print(sp.poch(2.0, 3.0))
    tensor(24., float32[], cpu)
    """
    given = reals("poch", z, m)
    return as_given(_poch(*map(wide, given)), given[0])


@custom_jvp
def _poch(z: Tensor, m: Tensor) -> Tensor:
    end = z + m
    large = (z > 0) & (end > 0) & ((z > _JOINT) | (end > _JOINT))
    few = gamma(end) / gamma(z)
    z, end, m = where(large, z, 1.0), where(large, end, 1.0), where(large, m, 0.0)
    powers = exp((z - 0.5) * log1p(m / z) + m * (log(end) - 1.0))
    return where(large, powers * (scaled_gamma(end) / scaled_gamma(z)), few)


@_poch.defjvp
def _poch_moves(primals: tuple[Tensor, ...], tangents: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """d(z)ₘ = (z)ₘ (ψ(z + m) (dz + dm) − ψ(z) dz)."""
    (z, m), (dz, dm) = primals, tangents
    value = _poch(z, m)
    return value, value * (digamma(z + m) * (dz + dm) - digamma(z) * dz)


def beta(a: ArrayLike, b: ArrayLike, /) -> Tensor:
    """Euler's Γ(a) Γ(b) / Γ(a + b).

    >>> import slopec as sp
    >>> print(sp.beta(2.0, 3.0).round(decimals=4))
    tensor(0.0833, float32[], cpu)
    """
    given = reals("beta", a, b)
    return as_given(_beta(*map(wide, given)), given[0])


@custom_jvp
def _beta(a: Tensor, b: Tensor) -> Tensor:
    few = (abs(a) < _JOINT) & (abs(b) < _JOINT)
    product = gamma(a) / gamma(a + b) * gamma(b)
    signs = sign(gamma(a)) * sign(gamma(b)) * sign(gamma(a + b))
    any_ = signs * exp(lgamma(a) + lgamma(b) - lgamma(a + b))
    positive = (a > 0) & (b > 0)
    many = _beta_of_many(where(positive, a, 1.0), where(positive, b, 1.0))
    return where(few, product, where(positive, many, any_))


def _beta_of_many(a: Tensor, b: Tensor) -> Tensor:
    """√2π(a + b)/ab (a / (a + b))ᵃ (b / (a + b))ᵇ Γ*(a) Γ*(b) / Γ*(a + b), for a, b > 0."""
    both = a + b
    powers = exp(-(a * log1p(b / a) + b * log1p(a / b)))
    rest = scaled_gamma(a) * scaled_gamma(b) / scaled_gamma(both)
    return hlo.sqrt(2 * math.pi / a * (both / b)) * powers * rest


@_beta.defjvp
def _beta_moves(primals: tuple[Tensor, ...], tangents: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """dB = B ((ψ(a) − ψ(a + b)) da + (ψ(b) − ψ(a + b)) db)."""
    (a, b), (da, db) = primals, tangents
    value, both = _beta(a, b), digamma(a + b)
    return value, value * ((digamma(a) - both) * da + (digamma(b) - both) * db)


def comb(n: ArrayLike, k: ArrayLike, /, *, repetition: bool = False) -> Tensor:
    """How many sets of k there are of n things, n! / k! (n − k)!; 0 outside 0 ≤ k ≤ n.

    With `repetition` a thing may be taken more than once.

    >>> import slopec as sp
    >>> print(sp.comb(5, sp.arange(4)))
    tensor([ 1.  5. 10. 10.], float32[4], cpu)
    """
    n, k = reals("comb", n, k)
    if repetition:
        return where((k == 0) & (n >= 0), 1.0, comb(n + k - 1.0, k))
    there = (k <= n) & (n >= 0) & (k >= 0)
    n, k = where(there, n, 0.0), where(there, k, 0.0)
    few = factorial(n) / (factorial(k) * factorial(n - k))
    many = 1.0 / ((n + 1.0) * beta(n - k + 1.0, k + 1.0))
    return where(there, where(n < _JOINT, few, many), 0.0)
