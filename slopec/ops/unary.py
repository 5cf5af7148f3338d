"""Functions of one tensor, element by element: a table of the standard ones, then the composed.

Integers and booleans become float32 where the result is not a whole number.
"""

import math
from collections.abc import Callable

from slopec import hlo
from slopec.ops.common import (
    ArrayLike,
    floating,
    refuse_complex,
)
from slopec.tensor import Tensor

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "bessel_i1e",
    "cbrt",
    "cos",
    "cosh",
    "deg2rad",
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "rad2deg",
    "reciprocal",
    "rsqrt",
    "sigmoid",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]

Unary = Callable[[ArrayLike], Tensor]


def _floating_function(
    name: str,
    op: Callable[[Tensor], Tensor],
    says: str,
    at: float,
    gives: str,
    *,
    real: bool = False,
) -> Unary:
    """The function `name`, documented by `says` and an example: its value at `at` is `gives`."""

    def function(x: ArrayLike, /) -> Tensor:
        x = floating(name, x)
        if real:
            refuse_complex(name, x)
        return op(x)

    kinds = "floating types keep their dtype" if real else "floating and complex types are kept"
    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"""{says}, element by element; same shape.

    Integers become float32; {kinds}.
    {"Raises DTypeError for complex elements." if real else ""}
    >>> import slopec as sp
    >>> print(sp.{name}(sp.tensor({at!r})).numpy().round(4))
    {gives}
    """
    return function


acos = _floating_function("acos", hlo.acos, "The angle whose cosine is x, in [0, π]", 0.0, "1.5708")
acosh = _floating_function("acosh", hlo.acosh, "The inverse hyperbolic cosine", 1.0, "0.0")
asin = _floating_function("asin", hlo.asin, "The angle whose sine is x, in [-π/2, π/2]", 0.0, "0.0")
asinh = _floating_function("asinh", hlo.asinh, "The inverse hyperbolic sine", 1.0, "0.8814")
atan = _floating_function("atan", hlo.atan, "The angle whose tangent is x", 1.0, "0.7854")
atanh = _floating_function("atanh", hlo.atanh, "The inverse hyperbolic tangent", 0.5, "0.5493")
bessel_i1e = _floating_function(
    "bessel_i1e",
    hlo.bessel_i1e,
    "e^-|x| I₁(x), a modified Bessel function",
    1.0,
    "0.2079",
    real=True,
)
cbrt = _floating_function("cbrt", hlo.cbrt, "The real cube root", 8.0, "2.0", real=True)
cos = _floating_function("cos", hlo.cosine, "The cosine", 0.0, "1.0")
cosh = _floating_function("cosh", hlo.cosh, "The hyperbolic cosine", 0.0, "1.0")
digamma = _floating_function(
    "digamma", hlo.digamma, "The derivative of log Γ(x)", 1.0, "-0.5772", real=True
)
erf = _floating_function(
    "erf", hlo.erf, "The error function 2/√π ∫₀ˣ e^(-t²) dt", 1.0, "0.8427", real=True
)
erfc = _floating_function(
    "erfc", hlo.erfc, "1 - erf(x), exact for large x", 1.0, "0.1573", real=True
)
erfinv = _floating_function(
    "erfinv", hlo.erf_inv, "The y in [-∞, ∞] with erf(y) = x", 0.5, "0.4769", real=True
)
exp = _floating_function("exp", hlo.exponential, "e to the power x", 1.0, "2.7183")
expm1 = _floating_function(
    "expm1", hlo.exponential_minus_one, "eˣ - 1, exact for small x", 1.0, "1.7183"
)
lgamma = _floating_function("lgamma", hlo.lgamma, "log |Γ(x)|", 4.0, "1.7918", real=True)
log = _floating_function("log", hlo.log, "The natural logarithm", 2.0, "0.6931")
log1p = _floating_function(
    "log1p", hlo.log_plus_one, "log(1 + x), exact for small x", 1.0, "0.6931"
)
rsqrt = _floating_function("rsqrt", hlo.rsqrt, "1 / √x", 4.0, "0.5")
sigmoid = _floating_function("sigmoid", hlo.logistic, "1 / (1 + e⁻ˣ)", 0.0, "0.5")
sin = _floating_function("sin", hlo.sine, "The sine", 0.0, "0.0")
sinh = _floating_function("sinh", hlo.sinh, "The hyperbolic sine", 1.0, "1.1752")
sqrt = _floating_function("sqrt", hlo.sqrt, "The square root", 9.0, "3.0")
tan = _floating_function("tan", hlo.tan, "The tangent", 1.0, "1.5574")
tanh = _floating_function("tanh", hlo.tanh, "The hyperbolic tangent", 1.0, "0.7616")


def _scaled(op: Callable[[Tensor], Tensor], factor: float) -> Callable[[Tensor], Tensor]:
    def scaled(x: Tensor) -> Tensor:
        return hlo.multiply(op(x), hlo.full_like(x, factor))

    return scaled


def _divided(op: Callable[[Tensor], Tensor], divisor: float) -> Callable[[Tensor], Tensor]:
    # Dividing by log(b), rather than multiplying, gives whole numbers at powers of b.
    def divided(x: Tensor) -> Tensor:
        return hlo.divide(op(x), hlo.full_like(x, divisor))

    return divided


log2 = _floating_function(
    "log2", _divided(hlo.log, math.log(2)), "The logarithm to base 2", 8.0, "3.0"
)
log10 = _floating_function(
    "log10", _divided(hlo.log, math.log(10)), "The logarithm to base 10", 100.0, "2.0"
)
exp2 = _floating_function(
    "exp2", lambda x: hlo.power(hlo.full_like(x, 2), x), "2 to the power x", 3.0, "8.0"
)
reciprocal = _floating_function(
    "reciprocal", lambda x: hlo.divide(hlo.full_like(x, 1), x), "1 / x", 4.0, "0.25"
)
deg2rad = _floating_function(
    "deg2rad", _scaled(lambda x: x, math.pi / 180), "Degrees in radians", 180.0, "3.1416", real=True
)
rad2deg = _floating_function(
    "rad2deg", _scaled(lambda x: x, 180 / math.pi), "Radians in degrees", 1.0, "57.2958", real=True
)


def sinc(x: ArrayLike, /) -> Tensor:
    """sin(πx) / (πx), and 1 at 0, element by element; integers become float32.

    Near zero the series 1 - t²/6 + t⁴/120 with t = πx stands in, so all derivatives are right.

    >>> import slopec as sp
    >>> print(sp.sinc(sp.tensor([0.0, 0.5])).numpy().round(4))
    [1.     0.6366]
    """
    x = floating("sinc", x)
    t = hlo.multiply(x, hlo.full_like(x, math.pi))
    near = hlo.compare(hlo.abs_(t), hlo.abs_(hlo.full_like(t, 1e-2)), "LT")
    safe = hlo.select(near, hlo.full_like(t, 1), t)
    t2 = hlo.multiply(t, t)
    inner = hlo.subtract(hlo.full_like(t, 1 / 6), hlo.multiply(t2, hlo.full_like(t, 1 / 120)))
    series = hlo.subtract(hlo.full_like(t, 1), hlo.multiply(t2, inner))
    return hlo.select(near, series, hlo.divide(hlo.sine(safe), safe))
