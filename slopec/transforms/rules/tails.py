"""What lies on one side of a point of a distribution, by quadrature.

On the side where the density falls, the share of numbers is an integral of what decays like an
exponential function, or faster. After s = c exp(u - e^-u), where c is the reach of that, the
trapezoidal rule is doubly exponential (Takahasi and Mori 1974).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from slopec import hlo
from slopec.dtypes import DType
from slopec.tensor import Tensor

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@lru_cache
def nodes(dtype: DType) -> Arrays:
    """Where integrands are computed, and what the values count, for the digits of a type."""
    step, first, last = (0.14, -25, 27) if dtype.itemsize == 8 else (0.28, -11, 13)
    u = step * np.arange(first, last + 1)
    places = np.exp(u - np.exp(-u))
    return places.astype(dtype), (step * places * (1 + np.exp(-u))).astype(dtype)


def reach(rate: Tensor, slope: Tensor, curvature: Tensor) -> Tensor:
    """How far an integrand goes that falls by `slope` at first, or bends, then by `rate`."""
    return 1.0 / hlo.minimum(rate, hlo.maximum(slope, hlo.sqrt(curvature)))


def spread(x: Tensor) -> Tensor:
    """`x` with a last dimension of size 1, for the nodes."""
    return hlo.reshape(x, (*x.shape, 1))


def total(x: Tensor) -> Tensor:
    """The sum over the nodes."""
    found = hlo.reduce(x, hlo.full((), 0, x.dtype), "add", [x.ndim - 1])
    assert isinstance(found, Tensor)
    return found


@dataclass(frozen=True)
class GammaTail:
    """Of the gamma distribution of shape a, what lies `below` x, or above, over x f(x).

    `moved` is how fast it grows with a, over x f(x) too.
    """

    below: Tensor
    share: Tensor
    moved: Tensor


def gamma_tail(log_x: Tensor, x: Tensor, a: Tensor) -> GammaTail:
    """The integral of t f(t) / (x f(x)) over r = log (t / x), and that of ∂f/∂a = f (log t - ψ(a)).

    That is e^(a r - x (e^r - 1)). Below x it decays with -r, above with t - x, by which it is
    integrated there.
    """
    below = hlo.compare(x, a, "LT")
    one = hlo.full_like(x, 1)
    inverse = 1.0 / hlo.select(below, one, x)
    far = hlo.select(
        below,
        reach(a, a - x, x),
        reach(one, 1.0 - a * inverse, inverse),
    )
    beside = log_ratio(log_x, x, a) + _log_less_digamma(a)
    places, weights = nodes(x.dtype)
    s = spread(far) * places
    side = hlo.broadcast_in_dim(below, s.shape, range(below.ndim))
    a, x, inverse = spread(a), spread(x), spread(inverse)
    r = hlo.select(side, -s, hlo.log_plus_one(s * inverse))
    exponent = (a - x) * r - x * expm1_less(r) - hlo.select(side, hlo.zeros_like(r), r)
    each = hlo.exponential(exponent) * weights
    measure = far * hlo.select(below, one, hlo.reshape(inverse, below.shape))
    return GammaTail(below, measure * total(each), measure * total(each * (spread(beside) + r)))


def expm1_less(s: Tensor) -> Tensor:
    """eˢ - 1 - s, which cancels where s is small."""
    small = hlo.compare(hlo.abs_(s), hlo.full_like(s, 0.25), "LT")
    t = hlo.select(small, s, hlo.zeros_like(s))
    series = hlo.full_like(s, 1)
    for n in range(13, 2, -1):
        series = 1.0 + t / n * series
    return hlo.select(small, t * t * 0.5 * series, hlo.exponential_minus_one(s) - s)


def log_ratio(log_x: Tensor, x: Tensor, a: Tensor) -> Tensor:
    """log(x / a), which cancels where x is near a."""
    part = (x - a) / a
    near = hlo.compare(hlo.abs_(part), hlo.full_like(part, 0.5), "LT")
    return hlo.select(near, hlo.log_plus_one(part), log_x - hlo.log(a))


def _log_less_digamma(a: Tensor) -> Tensor:
    """log a - ψ(a), for large a by its asymptotic series (DLMF 5.11.2)."""
    inverse = 1.0 / a
    square = inverse * inverse
    series = inverse * 0.5 + square * (1 / 12 - square * (1 / 120 - square * (1 / 252)))
    large = hlo.compare(a, hlo.full_like(a, 30), "GT")
    return hlo.select(large, series, hlo.log(a) - hlo.digamma(a))
