"""Special functions whose derivatives are other special functions.

Where no op computes the other function it is made here, from Chebyshev series that were computed
from its definition to 60 digits.
"""

import math
from collections.abc import Sequence

import ml_dtypes

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

# fmt: off
_NEAR = (
    0.3383976372047380425, -0.3046826723431983987, 0.1716209015222087753, -0.09490109704804764442,
    0.04930528423967070849, -0.02373741480589946882, 0.01054646039459499832,
    -0.004324309995050575944, 0.001639475616941335798, -0.0005763755745385823659,
    0.0001885028850958416557, -0.00005754195010082103704, 0.00001644844807072889709,
    -4.416738358458750564e-6, 1.117387539120103718e-6, -2.670793853940611734e-7,
    6.046995022541918949e-8, -1.300025009986248042e-8, 2.65982372468238665e-9,
    -5.189795601635262907e-10, 9.675809035373236912e-11, -1.726826291441555707e-11,
    2.955052663129639835e-12, -4.856446783111929461e-13, 7.676185498604935617e-14,
    -1.168533287799345168e-14, 1.715391285555133031e-15, -2.431279846547954694e-16,
    3.330794518822238098e-17, -4.415341646479339379e-18,
)
"""Of e^−x I₀(x) on [0, 8], in x/4 − 1."""

_FAR = (
    0.4022452055070544158, 0.00336911647825569409, 0.00006889758346916823984,
    2.891370520834756483e-6, 2.048918589469063742e-7, 2.266668990498178065e-8,
    3.396232025708386345e-9, 4.940602388224969589e-10, 1.188914710784643834e-11,
    -3.149916527963241365e-11, -1.321581184044771312e-11, -1.794178531506806118e-12,
    7.180124451383666234e-13, 3.852778382742142701e-13, 1.540086217521409827e-14,
    -4.150569347287222087e-14, -9.554846698828307649e-15, 3.811680669352622421e-15,
    1.772560133056526384e-15, -3.425485619677219135e-16, -2.827623980516583485e-16,
    3.461222867697461093e-17, 4.465621420296759999e-17, -4.830504485944182071e-18,
    -7.233180487874753955e-18,
)
"""Of √x e^−x I₀(x) on [8, ∞), in 16/x − 1."""
# fmt: on


def bessel_i0e(x: Tensor) -> Tensor:
    """e^−|x| I₀(x), the modified Bessel function of order 0, scaled; x is real."""
    size = hlo.abs_(x)
    far = hlo.compare(size, hlo.full_like(x, _JOINT), "GT")
    near = hlo.select(far, hlo.zeros_like(x), size)
    beyond = hlo.select(far, size, hlo.full_like(x, 2 * _JOINT))
    inner = _series(_NEAR, near * (2 / _JOINT) - 1.0)
    outer = _series(_FAR, 2 * _JOINT / beyond - 1.0) * hlo.rsqrt(beyond)
    return hlo.select(far, outer, inner)


def _series(coefficients: Sequence[float], t: Tensor) -> Tensor:
    """Σ cₖ Tₖ(t) by Clenshaw's recurrence (DLMF 3.11.15)."""
    twice = t + t
    after, here = hlo.zeros_like(t), hlo.zeros_like(t)
    for c in reversed(coefficients[1:]):
        here, after = twice * here - after + c, here
    return t * here - after + coefficients[0]
