"""Random numbers move with the parameters of their distribution so that their rank stays.

With the distribution function F and the density f, dx/da = -(∂F/∂a) / f: implicit differentiation
(Figurnov, Mohamed and Mnih, *Implicit reparameterization gradients*, NeurIPS 2018).
"""

from functools import lru_cache
from typing import Any

import numpy as np

from slopec import hlo
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.rule import Maps, Point, elementwise

_STEP, _FIRST, _LAST = 0.14, -24, 28


@elementwise("slopec.gamma_quantile")
def _gamma(point: Point) -> Maps:
    """What is too small to be told from 0 stays there."""
    x, a = point.result, point.operands[1]
    zero = hlo.zeros_like(x)
    slope = x * _logarithmic_slope(hlo.log(x), x, a)
    return [None, maps.scale(hlo.select(hlo.compare(x, zero, "EQ"), zero, slope))]


@elementwise("slopec.log_gamma_quantile")
def _log_gamma(point: Point) -> Maps:
    x, a = point.result, point.operands[1]
    return [None, maps.scale(_logarithmic_slope(x, hlo.exponential(x), a))]


def _logarithmic_slope(log_x: Tensor, x: Tensor, a: Tensor) -> Tensor:
    """d log x / da of a gamma number x.

    As ∂f/∂a = f (log t - ψ(a)), -∂F/∂a is the integral of that from x on, and minus that up to x.
    On the side where f falls, with t = x e^±s and divided by x f(x):

        ± ∫₀^∞ exp(±a s - x (e^±s - 1)) (log x ± s - ψ(a)) ds,

    by the trapezoidal rule after s = c exp(u - e^-u), doubly exponential at 0 (Takahasi and Mori
    1974), where c is the reach of the integrand.
    """
    nodes, weights = _nodes()
    below = hlo.compare(x, a, "LT")
    sign = hlo.select(below, hlo.full_like(x, -1), hlo.full_like(x, 1))
    root = hlo.sqrt(x)
    root = hlo.select(below, hlo.minimum(root, a), root)
    reach = sign / hlo.maximum(hlo.abs_(a - x), root)
    beside = _log_ratio(log_x, x, a) + _log_less_digamma(a)
    each = (*x.shape, 1)
    s = hlo.reshape(reach, each) * nodes.astype(x.dtype)
    x, a, beside = (hlo.reshape(y, each) for y in (x, a, beside))
    integrand = (
        hlo.exponential((a - x) * s - x * _expm1_less(s)) * (beside + s) * weights.astype(x.dtype)
    )
    total = hlo.reduce(integrand, hlo.full((), 0, x.dtype), "add", [x.ndim - 1])
    return reach * total


@lru_cache(maxsize=1)
def _nodes() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    u = _STEP * np.arange(_FIRST, _LAST + 1)
    nodes = np.exp(u - np.exp(-u))
    return nodes, _STEP * nodes * (1 + np.exp(-u))


def _expm1_less(s: Tensor) -> Tensor:
    """eˢ - 1 - s, which cancels where s is small."""
    series = s * s * 0.5 * (1.0 + s / 3.0 * (1.0 + s / 4.0 * (1.0 + s / 5.0 * (1.0 + s / 6.0))))
    small = hlo.compare(hlo.abs_(s), hlo.full_like(s, 0.05), "LT")
    return hlo.select(small, series, hlo.exponential_minus_one(s) - s)


def _log_ratio(log_x: Tensor, x: Tensor, a: Tensor) -> Tensor:
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
