"""Special functions whose derivatives are other special functions.

Where no op computes the other function it is made here, from Chebyshev series that are computed
from its definition.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import ml_dtypes
import numpy as np

from slopec import hlo
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.rule import Maps, Point, elementwise


@elementwise("chlo.lgamma")
def _lgamma(point: Point) -> Maps:
    return [maps.scale(hlo.digamma(point.operands[0]))]


@elementwise("chlo.digamma")
def _digamma(point: Point) -> Maps:
    x = point.operands[0]
    return [maps.scale(hlo.polygamma(hlo.full_like(x, 1), x))]


@elementwise("chlo.polygamma")
def _polygamma(point: Point) -> Maps:
    """ψ⁽ⁿ⁾(x): ψ⁽ⁿ⁺¹⁾(x) dx."""
    n, x = point.operands
    if point.active[0]:
        raise point.refuse("has no derivative in its order", "hold the order constant")
    return [None, maps.scale(hlo.polygamma(n + 1.0, x))]


@elementwise("chlo.zeta")
def _zeta(point: Point) -> Maps:
    """ζ(s, q): −s ζ(s + 1, q) dq (DLMF 25.11.17)."""
    s, q = point.operands
    if point.active[0]:
        raise point.refuse("has no derivative in its exponent", "hold the exponent constant")
    return [None, maps.scale(-s * hlo.zeta(s + 1.0, q))]


@elementwise("chlo.erf", slopes="tame")
def _erf(point: Point) -> Maps:
    return [maps.scale(_bell(point.operands[0], 2 / math.sqrt(math.pi)))]


@elementwise("chlo.erfc", slopes="tame")
def _erfc(point: Point) -> Maps:
    return [maps.scale(_bell(point.operands[0], -2 / math.sqrt(math.pi)))]


def _bell(x: Tensor, factor: float) -> Tensor:
    return hlo.exponential(-(x * x)) * factor


@elementwise("chlo.erf_inv")
def _erf_inv(point: Point) -> Maps:
    y = point.result
    return [maps.scale(hlo.exponential(y * y) * (math.sqrt(math.pi) / 2))]


@elementwise("chlo.bessel_i1e", slopes="tame")
def _bessel_i1e(point: Point) -> Maps:
    """e^−|x| I₁(x): e^−|x| I₀(x) − y (sign x + 1/x), which is ½ at 0 (DLMF 10.29.2)."""
    x, y = point.operands[0], point.result
    tiny = hlo.full_like(x, float(ml_dtypes.finfo(x.dtype).eps))
    near = hlo.compare(hlo.abs_(x), tiny, "LT")
    safe = hlo.select(near, tiny, x)
    slope = bessel_i0e(safe) - y * (hlo.sign(safe) + 1.0 / safe)
    return [maps.scale(hlo.select(near, hlo.full_like(x, 0.5), slope))]


_JOINT = 8.0
"""Up to here I₀ is a series in x, beyond it one in 1/x."""


def bessel_i0e(x: Tensor) -> Tensor:
    """e^−|x| I₀(x), the modified Bessel function of order 0, scaled; x is real."""
    size = hlo.abs_(x)
    far = hlo.compare(size, hlo.full_like(x, _JOINT), "GT")
    near = hlo.select(far, hlo.zeros_like(x), size)
    beyond = hlo.select(far, size, hlo.full_like(x, 2 * _JOINT))
    inner = _series(_near_coefficients(), near * (2 / _JOINT) - 1.0)
    outer = _series(_far_coefficients(), 2 * _JOINT / beyond - 1.0) * hlo.rsqrt(beyond)
    return hlo.select(far, outer, inner)


def _series(coefficients: Sequence[float], t: Tensor) -> Tensor:
    """Σ cₖ Tₖ(t) by Clenshaw's recurrence (DLMF 3.11.15)."""
    twice = t + t
    after, here = hlo.zeros_like(t), hlo.zeros_like(t)
    for c in reversed(coefficients[1:]):
        here, after = twice * here - after + c, here
    return t * here - after + coefficients[0]


def _i0e(x: np.ndarray, nodes: int) -> np.ndarray:
    """(1/π) ∫ e^(x (cos θ − 1)) dθ over [0, π] (DLMF 10.32.1), by the midpoint rule."""
    angle = (np.arange(nodes) + 0.5) * (np.pi / nodes)
    result: np.ndarray = np.exp(np.multiply.outer(x, np.cos(angle) - 1)).mean(axis=-1)
    return result


def _chebyshev(function: Callable[[np.ndarray], np.ndarray], degree: int) -> list[float]:
    """The coefficients of the interpolant of `function` at Chebyshev's points of [−1, 1]."""
    angles = (np.arange(degree + 1) + 0.5) * (np.pi / (degree + 1))
    waves = np.cos(np.multiply.outer(np.arange(degree + 1), angles))
    coefficients = 2 * (waves @ function(np.cos(angles))) / (degree + 1)
    coefficients[0] /= 2
    return [float(c) for c in coefficients]


@lru_cache(maxsize=1)
def _near_coefficients() -> list[float]:
    """Of e^−x I₀(x) on [0, 8], in t = x/4 − 1."""
    return _chebyshev(lambda t: _i0e((t + 1) * (_JOINT / 2), 128), 30)


@lru_cache(maxsize=1)
def _far_coefficients() -> list[float]:
    """Of √x e^−x I₀(x) on [8, ∞), in t = 16/x − 1."""

    def function(t: np.ndarray) -> np.ndarray:
        x = 2 * _JOINT / (t + 1)
        scaled: np.ndarray = np.sqrt(x) * _i0e(x, 8192)
        return scaled

    return _chebyshev(function, 26)
