"""Special and inverse functions of one real number, which frameworks emit as CHLO ops."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from tests.sweep.case import Case
from tests.sweep.unary import Function, cases_of
from tests.sweep.values import FLOATS

Array = np.ndarray


def _double(function):
    """SciPy's functions and Python's know no type wider than double."""
    return lambda x: np.asarray(function(x.astype(np.float64)), np.float64)


def _odd(function):
    """SciPy's functions, which lose the sign of zero."""
    plain = _double(function)
    return lambda x: np.copysign(plain(np.abs(x)), x)


def _each(function):
    def run(x: Array) -> Array:
        return np.array([function(float(v)) for v in x.ravel()]).reshape(x.shape)

    return run


def _stirling(x: Array, last: Callable[[Array], Array], step: Callable[[Array], Array]) -> Array:
    """A function of x ≥ 1/2 from its series at x + 60 and the steps to there."""
    x = x.astype(np.longdouble)
    total = last(x + 60)
    for k in range(60):
        total = total - step(x + k)
    return total


def _lgamma(x: Array) -> Array:
    """log |Γ|: Stirling's series in extended precision; infinite at the poles."""
    x = x.astype(np.longdouble)
    z = np.where(x < 0.5, 1 - x, x)

    def last(v: Array) -> Array:
        tail = 1 / (12 * v) - 1 / (360 * v**3) + 1 / (1260 * v**5) - 1 / (1680 * v**7)
        tail = tail + 1 / (1188 * v**9)
        return (v - 0.5) * (np.log(v) - 1) + (np.log(2 * PI) - 1) / 2 + tail

    # Far out the steps would only lose digits.
    value = np.where(z > 1e4, last(z), _stirling(np.where(z > 1e4, 1, z), last, np.log))
    offset = x - np.round(x)
    reflected = np.log(PI / np.abs(np.sin(PI * offset))) - value
    return np.where(np.isinf(x), np.inf, np.where(x < 0.5, reflected, value))


def _digamma(x: Array) -> Array:
    """ψ, likewise; NaN at the poles."""
    x = x.astype(np.longdouble)
    z = np.where(x < 0.5, 1 - x, x)

    def last(v: Array) -> Array:
        tail = 1 / (12 * v**2) - 1 / (120 * v**4) + 1 / (252 * v**6) - 1 / (240 * v**8)
        return np.log(v) - 1 / (2 * v) - tail - 1 / (132 * v**10)

    value = np.where(z > 1e4, last(z), _stirling(np.where(z > 1e4, 1, z), last, lambda v: 1 / v))
    offset = x - np.round(x)
    reflected = value - PI / np.tan(PI * offset)
    poles = (offset == 0) & (x <= 0) | (x == -np.inf)
    return np.where(poles, np.nan, np.where(x < 0.5, reflected, value))


def _bessel_i1e(x: Array) -> Array:
    """e^−|x| I₁(x), by its power series and by the expansion for large x (DLMF 10.25.2, 10.40.1)."""
    size = np.abs(x).astype(np.longdouble)
    near, far = np.minimum(size, 40), np.maximum(size, 40)
    term = total = near / 2
    for k in range(1, 120):
        term = term * (near / 2) ** 2 / (k * (k + 1))
        total = total + term
    part = series = np.ones_like(far)
    for k in range(1, 30):
        part = part * ((2 * k - 1) ** 2 - 4) / (8 * k * far)
        series = series + part
    value = np.where(size < 40, total * np.exp(-near), series / np.sqrt(2 * PI * far))
    return np.copysign(value, x)


PI = np.longdouble("3.14159265358979323846264338327950288")

FUNCTIONS = (
    Function("chlo.asin", np.arcsin, -1, 1, 2, ((0.9, 1), (-1e-3, 1e-3))),
    Function("chlo.acos", np.arccos, -1, 1, 2, ((0.9, 1), (-1e-3, 1e-3))),
    Function("chlo.atan", np.arctan, -10, 10, 2, ((-1e-3, 1e-3), (0.9, 1.1))),
    Function("chlo.sinh", np.sinh, -10, 10, 2, ((-1e-3, 1e-3), (-1, 1), (85, 89))),
    Function("chlo.cosh", np.cosh, -10, 10, 2, ((85, 89),)),
    Function("chlo.tan", np.tan, -10, 10, 3, ((1.5, 1.6), (-700, 700))),
    Function("chlo.asinh", np.arcsinh, -10, 10, 3, ((-1e-3, 1e-3), (-1, 1))),
    Function("chlo.acosh", np.arccosh, 1, 10, 2, ((1, 1.01),)),
    Function("chlo.atanh", np.arctanh, -1, 1, 3, ((-1e-3, 1e-3), (0.99, 1))),
    Function("chlo.erf", _double(_each(math.erf)), -4, 4, 3, ((-1e-3, 1e-3), (-1, 1))),
    Function("chlo.erfc", _double(_each(math.erfc)), -4, 4, 4, ((4, 9), (10, 26))),
    Function("chlo.erf_inv", _odd(special.erfinv), -1, 1, 3, ((-1e-3, 1e-3), (0.99, 1))),
    Function("chlo.lgamma", _lgamma, 0.1, 30, 4, ((0.9, 2.1), (-10, 0)), floor=25.0),
    Function("chlo.digamma", _digamma, 0.1, 30, 4, ((-10, 0), (1.4, 1.5)), floor=16.0),
    Function("chlo.bessel_i1e", _bessel_i1e, -10, 10, 3, ((-1e-3, 1e-3), (7, 9), (20, 700))),
)


def cases() -> Iterator[Case]:
    for function in FUNCTIONS:
        for name in FLOATS:
            yield from cases_of(function, name)
