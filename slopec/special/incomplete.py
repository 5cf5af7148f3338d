"""Shares of the gamma and beta distributions, and normal numbers below which a share lies."""

import math
from typing import NamedTuple

from slopec import hlo
from slopec.ops.common import ArrayLike
from slopec.ops.densities import log_ndtr
from slopec.ops.logic import where
from slopec.ops.unary import digamma, erfinv
from slopec.special.factorials import scaled_gamma
from slopec.special.operands import as_given, real, reals, wide
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp
from slopec.transforms.rules import tails

Two = tuple[Tensor, Tensor]
Three = tuple[Tensor, Tensor, Tensor]

_TERMS = {4: 11, 8: 19}
"""Of the series of small arguments, by the bytes of a type."""


def gammainc(a: ArrayLike, x: ArrayLike, /) -> Tensor:
    """P(a, x): the gamma distribution's share below x, for its shape a > 0 and x ≥ 0.

    >>> import slopec as sp
    >>> print(sp.gammainc(2.0, sp.tensor([0.0, 1.0, 4.0])).round(decimals=4))
    tensor([0.     0.2642 0.9084], float32[3], cpu)
    """
    given = reals("gammainc", a, x)
    return as_given(_lower(*map(wide, given)), given[0])


def gammaincc(a: ArrayLike, x: ArrayLike, /) -> Tensor:
    """Q(a, x) = 1 − P(a, x), also where that is small.

    >>> import slopec as sp
    >>> print(sp.gammaincc(2.0, sp.tensor([0.0, 1.0, 4.0])).round(decimals=4))
    tensor([1.     0.7358 0.0916], float32[3], cpu)
    """
    given = reals("gammaincc", a, x)
    return as_given(_upper(*map(wide, given)), given[0])


class _Shares(NamedTuple):
    """Below and above a point, how fast the former grows with both arguments."""

    lower: Tensor
    upper: Tensor
    by_a: Tensor
    by_x: Tensor


@custom_jvp
def _lower(a: Tensor, x: Tensor) -> Tensor:
    return _shares(a, x).lower


@custom_jvp
def _upper(a: Tensor, x: Tensor) -> Tensor:
    return _shares(a, x).upper


@_lower.defjvp
def _lower_moves(primals: Two, tangents: Two) -> Two:
    found = _shares(*primals)
    return found.lower, found.by_a * tangents[0] + found.by_x * tangents[1]


@_upper.defjvp
def _upper_moves(primals: Two, tangents: Two) -> Two:
    found = _shares(*primals)
    return found.upper, -(found.by_a * tangents[0] + found.by_x * tangents[1])


def _shares(a: Tensor, x: Tensor) -> _Shares:
    inside = (a > 0) & (a < math.inf) & (x > 0) & (x < math.inf)
    b, y = where(inside, a, 1.0), where(inside, x, 1.0)
    small = (b < 1) & (y < 1)
    near = _small(where(small, b, 0.5), where(small, y, 0.5))
    far = _large(where(small, 1.0, b), where(small, 1.0, y))
    found = [where(small, s, t) for s, t in zip(near, far, strict=True)]
    none, wrong = (x == 0) | (a == math.inf), ~((a >= 0) & (x >= 0)) | ((a == 0) & (x == 0))
    wrong = wrong | ((a == math.inf) & (x == math.inf))
    ends = (where(none, 0.0, 1.0), where(none, 1.0, 0.0))
    lower, upper = (
        where(inside, value, where(wrong, math.nan, end))
        for value, end in zip(found[:2], ends, strict=True)
    )
    edge = where(a < 1, math.inf, where(a == 1, 1.0, 0.0))
    slope = where((x == 0) & (a > 0), edge, where(wrong, math.nan, 0.0))
    return _Shares(lower, upper, where(inside, found[2], 0.0), where(inside, found[3], slope))


def _small(a: Tensor, x: Tensor) -> _Shares:
    """For a, x < 1, P = xᵃ / Γ(a + 1) · (1 + S), S = Σ a (−x)ⁿ / (a + n) n! (DLMF 8.7.1)."""
    logarithm = a * hlo.log(x) - hlo.lgamma(a + 1.0)
    first, term = hlo.exponential(logarithm), hlo.full_like(x, 1)
    series, moved = hlo.zeros_like(x), hlo.zeros_like(x)
    for n in range(1, _TERMS[x.dtype.itemsize]):
        term = term * x / -n
        share = term / (a + n)
        series, moved = series + share, moved + share * n / (a + n)
    series = a * series
    lower = first * (1.0 + series)
    upper = -(hlo.exponential_minus_one(logarithm) + first * series)
    by_a = lower * (hlo.log(x) - digamma(a + 1.0)) + first * moved
    by_x = first * a * hlo.exponential(-x) / x
    return _Shares(lower, upper, by_a, by_x)


def _large(a: Tensor, x: Tensor) -> _Shares:
    """Of the side on which the density falls; x f(x) is e^(a − x) (x / a)ᵃ √(a / 2π) / Γ*(a)."""
    log_x = hlo.log(x)
    tail = tails.gamma_tail(log_x, x, a)
    ratio = tails.expm1_less(tails.log_ratio(log_x, x, a))
    density = hlo.exponential(-a * ratio) * hlo.sqrt(a / (2 * math.pi)) / scaled_gamma(a)
    share, moved = density * tail.share, density * tail.moved
    lower, upper = where(tail.below, share, 1.0 - share), where(tail.below, 1.0 - share, share)
    return _Shares(lower, upper, where(tail.below, moved, -moved), density / x)


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike, /) -> Tensor:
    """I(x; a, b): the beta distribution's share below x, for a, b > 0 and x in [0, 1].

    >>> import slopec as sp
    >>> print(sp.betainc(2.0, 3.0, sp.tensor([0.0, 0.5, 1.0])).round(decimals=4))
    tensor([0.     0.6875 1.    ], float32[3], cpu)
    """
    given = reals("betainc", a, b, x)
    return as_given(_betainc(*map(wide, given)), given[0])


@custom_jvp
def _betainc(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    return _beta_share(a, b, x)[0]


@_betainc.defjvp
def _betainc_moves(primals: Three, tangents: Three) -> Two:
    value, *slopes = _beta_share(*primals)
    moved = [slope * tangent for slope, tangent in zip(slopes, tangents, strict=True)]
    return value, moved[0] + moved[1] + moved[2]


def _beta_share(a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """I(x; a, b) and its derivatives.

    The integral goes over s = log (x / t), to the side where the density falls; for numbers above x
    it is that of 1 - t. `rest` is then the logarithm of 1 - t, `grown` what it is more than at x.
    """
    inside = (a > 0) & (b > 0) & (a + b < math.inf) & (x > 0) & (x < 1)
    p, q, y = (where(inside, v, w) for v, w in ((a, 1.0), (b, 1.0), (x, 0.5)))
    z = 1.0 - y
    both = p + q
    exponent = p * _less(both * y, p) + q * _less(both * z, q)
    density = hlo.exponential(-exponent) * hlo.sqrt(p / both * q / (2 * math.pi))
    density = density * (scaled_gamma(both) / (scaled_gamma(p) * scaled_gamma(q)))
    below = both * y < p
    near, far = where(below, p, q), where(below, q, p)
    here, there = where(below, y, z), where(below, z, y)
    # Where near is small the integrand is almost constant for long: its limit is integrated apart.
    slow = near < 1
    limit = where(slow, hlo.power(there, where(slow, 1.0 - far, 1.0)), 0.0)
    ratio = here / there
    rate = where(slow, near + 1.0, near)
    width = tails.reach(rate, near - (far - 1.0) * ratio, far * ratio / there)
    places, weights = tails.nodes(x.dtype)
    s = tails.spread(width) * places
    rest = hlo.log_plus_one(-tails.spread(here) * hlo.exponential(-s))
    grown = hlo.log_plus_one(-tails.spread(ratio) * hlo.exponential_minus_one(-s))
    more, flat = tails.spread(far) - 1.0, tails.spread(limit)
    decay = -tails.spread(near) * s
    change = flat * hlo.exponential_minus_one(more * rest) * hlo.exponential(decay)
    apart = hlo.broadcast_in_dim(slow, s.shape, range(slow.ndim))
    each = hlo.select(apart, change, hlo.exponential(more * grown + decay)) * weights
    log_here = hlo.log(here) - digamma(near) + digamma(both)
    log_there = hlo.log(there) - digamma(far) + digamma(both)
    beside = (
        each * (tails.spread(log_there) + grown) + flat * rest * hlo.exponential(decay) * weights
    )
    measure, inverse = density / there, 1.0 / near
    share = measure * (limit * inverse + width * tails.total(each))
    by_near = width * tails.total(each * (tails.spread(log_here) - s))
    by_near = measure * (limit * inverse * (log_here - inverse) + by_near)
    by_far = width * tails.total(beside)
    by_far = measure * (limit * inverse * (log_there - hlo.log(there)) + by_far)
    value = where(below, share, 1.0 - share)
    by_a, by_b = where(below, by_near, -by_far), where(below, by_far, -by_near)
    proper = (a >= 0) & (b >= 0) & (a + b > 0) & (x >= 0) & (x <= 1)
    all_below = (x == 1) | ((x > 0) & ((a == 0) | (b == math.inf)))
    value = where(inside, value, where(proper, where(all_below, 1.0, 0.0), math.nan))
    return value, *(where(inside, d, 0.0) for d in (by_a, by_b, density / (y * z)))


def _less(x: Tensor, a: Tensor) -> Tensor:
    """r − 1 − log r of r = x / a."""
    return tails.expm1_less(tails.log_ratio(hlo.log(x), x, a))


def ndtri(p: ArrayLike, /) -> Tensor:
    """The normal number below which a share p lies: `ndtr`'s inverse.

    >>> import slopec as sp
    >>> print(sp.ndtri(sp.tensor([0.0, 0.5, 0.975])).round(decimals=4))
    tensor([-inf 0.   1.96], float32[3], cpu)
    """
    given = real("ndtri", p)
    return as_given(_ndtri(wide(given)), given)


@custom_jvp
def _ndtri(p: Tensor) -> Tensor:
    """By erf⁻¹ in the middle; in the tails by Newton's steps on the logarithm."""
    less = hlo.minimum(p, 1.0 - p)
    tail = (less > 0) & (less < 0.1)
    wanted = hlo.log(where(tail, less, 0.05))
    root = hlo.sqrt(wanted * -2.0)
    x = root - (hlo.log(root) + math.log(2 * math.pi) / 2) / root
    for _ in range(5):
        found = log_ndtr(-x)
        x = x + (found - wanted) * hlo.exponential(found + x * x * 0.5 + math.log(2 * math.pi) / 2)
    middle = erfinv(where(tail, 0.0, p * 2.0 - 1.0)) * math.sqrt(2)
    return where(tail, where(p < 0.5, -x, x), middle)


@_ndtri.defjvp
def _ndtri_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> Two:
    """dx = √2π e^(x²/2) dp."""
    x = _ndtri(*primals)
    return x, hlo.exponential(x * x * 0.5) * math.sqrt(2 * math.pi) * tangents[0]
