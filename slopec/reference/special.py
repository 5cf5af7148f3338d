"""Error functions and the Bessel function I₁, in float64, from series and one Chebyshev expansion.

Formula numbers are those of the *Digital Library of Mathematical Functions* (dlmf.nist.gov).
"""

from math import factorial, pi, sqrt

import numpy as np

from slopec.reference.polynomials import chebyshev, horner
from slopec.reference.rounding import in_float64
from slopec.reference.table import Array, elementwise

# (1 + 2x)·exp(x²)·erfc(x) for x >= 0 in Chebyshev polynomials of (x − 3.75)/(x + 3.75), the
# expansion of Shepherd and Laframboise, Mathematics of Computation 36 (1981), 249-253; its
# coefficients recomputed to 40 digits, those below 2e-17 left out, the first one halved.
SCALED_ERFC = (
    1.177578934567401754,
    -0.004590054580646477331,
    -0.08424913336651791558,
    0.0592099399981918905,
    -0.02665866843530575228,
    0.009074997670705265094,
    -0.002413163540417608191,
    0.0004907758365258086323,
    -0.00006916973302501206367,
    4.139027986073010168e-6,
    7.740383066198490669e-7,
    -2.188640104923439566e-7,
    1.076499946567091038e-8,
    4.521959811218286898e-9,
    -7.754400208831351106e-10,
    -6.318088340886684494e-11,
    2.868795010930669898e-11,
    1.945586854577734723e-13,
    -9.654696748433438906e-13,
    3.252548148148739842e-14,
    3.347811948286805388e-14,
    -1.864562880419313102e-15,
    -1.250795053068864709e-15,
    7.418235256624043463e-17,
    5.068148904796111317e-17,
)
_ERF = [(-1) ** n * 2 / sqrt(pi) / (factorial(n) * (2 * n + 1)) for n in range(20)]


def _erf_near_zero(x: Array) -> Array:
    """The series 7.6.1, for |x| <= 1."""
    square = x * x
    result: Array = x * horner(square, _ERF)
    return result


def _erfc_positive(x: Array) -> Array:
    """For x >= 0. The exponent −x² is split so that rounding x² does not cost digits."""
    bounded = np.minimum(x, 30.0)
    t = (bounded - 3.75) / (bounded + 3.75)
    head = np.trunc(bounded * 64) / 64
    scale = np.exp(-head * head) * np.exp((head - bounded) * (head + bounded))
    result: Array = scale * chebyshev(t, SCALED_ERFC) / (1 + 2 * bounded)
    return result


@elementwise("chlo.erf")
@in_float64
def erf(x: Array) -> Array:
    """2/√π ∫₀ˣ exp(−t²) dt (7.2.1)."""
    size = np.abs(x)
    near = size <= 1
    result = np.copysign(1 - _erfc_positive(np.where(near, 1.0, size)), x)
    return np.where(near, _erf_near_zero(np.where(near, x, 0.0)), result)


@elementwise("chlo.erfc")
@in_float64
def erfc(x: Array) -> Array:
    """1 − erf(x), accurate where it is small (7.2.2)."""
    size = np.abs(x)
    near = size <= 0.5
    far = _erfc_positive(np.where(near, 1.0, size))
    inner = 1 - _erf_near_zero(np.where(near, x, 0.0))
    return np.where(near, inner, np.where(x < 0, 2 - far, far))


@elementwise("chlo.erf_inv")
@in_float64
def erf_inv(y: Array) -> Array:
    """The x with erf(x) = y: an approximation of S. Winitzki (2008), then Halley's iteration."""
    size = np.minimum(np.abs(y), 1.0)
    rest = 1 - size
    log = np.log(np.maximum(rest * (1 + size), 1e-300))
    shift = 2 / (pi * 0.147) + log / 2
    x = np.sqrt(np.maximum(np.sqrt(shift * shift - log / 0.147) - shift, 0.0))
    for _ in range(3):
        error = np.where(size < 0.5, size - erf(x), erfc(x) - rest)
        step = error * (sqrt(pi) / 2) * np.exp(x * x)
        x = x + step / (1 - x * step)
    x = np.where(rest == 0, np.inf, x)
    return np.where(np.abs(y) <= 1, np.copysign(x, y), np.nan)


@elementwise("chlo.bessel_i1e")
@in_float64
def bessel_i1e(x: Array) -> Array:
    """exp(−|x|)·I₁(x): the power series 10.25.2 up to 20, then the expansion 10.40.1."""
    size = np.abs(x)
    small = np.minimum(size, 20.0)
    quarter = small * small / 4
    term = small / 2 * np.exp(-small)
    series = term
    for k in range(1, 50):
        term = term * quarter / (k * (k + 1))
        series = series + term
    large = np.maximum(size, 20.0)
    term = 1 / np.sqrt(2 * pi * large)
    expansion = term
    for k in range(1, 26):
        term = term * ((2 * k - 1) ** 2 - 4) / (8 * k * large)
        expansion = expansion + term
    return np.copysign(np.where(size <= 20, series, expansion), x)
