"""Powers, and logarithms and roots of sums that neither overflow nor lose their derivatives."""

import math

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.ops.common import (
    ArrayLike,
    aligned,
    aligned_floating,
    as_tensor,
    broadcast_shapes,
    expand,
    floating,
    is_scalar,
    refuse,
    refuse_complex,
)
from slopec.ops.logic import isinf
from slopec.ops.signs import square
from slopec.ops.unary import reciprocal, rsqrt, sqrt
from slopec.tensor import Tensor

__all__ = [
    "hypot",
    "log1mexp",
    "logaddexp",
    "polyval",
    "pow",
    "xlogy",
]


def pow(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1 to the power x2, element by element, with broadcasting.

    A whole Python exponent becomes multiplications, ±0.5 a square root, so `x ** 2` has the
    derivative 2x everywhere. A tensor as exponent has a derivative too: x1^x2 log x1.

    Raises DTypeError for a negative whole power of integers.

    >>> import slopec as sp
    >>> print(sp.pow(sp.tensor([1.0, 2.0, 3.0]), 2))
    tensor([1. 4. 9.], float32[3], cpu)
    """
    if is_scalar(x2) and not isinstance(x2, complex) and not is_scalar(x1):
        known = _known_power(as_tensor("pow", x1), float(x2))
        if known is not None:
            return known
    lhs, rhs = aligned("pow", (x1, x2))
    refuse("pow", lhs, lambda d: d == dtypes.bool_, "numbers")
    return hlo.power(lhs, rhs)


def _known_power(x: Tensor, exponent: float) -> Tensor | None:
    """`x` to a whole or half exponent, or None when there is no shorter way."""
    inexact = dtypes.is_differentiable(x.dtype)
    if exponent in (0.5, -0.5) and inexact:
        return sqrt(x) if exponent > 0 else rsqrt(x)
    if not exponent.is_integer() or abs(exponent) > 1024 or x.dtype == dtypes.bool_:
        return None
    if exponent < 0 and not inexact:
        raise DTypeError(
            "S0102",
            f"pow: {x.dtype} elements to the negative power {exponent:g} are not integers",
            span=tracing.here(),
            hint="cast first: `x.astype('float32') ** ...`",
        )
    result = _whole_power(x, int(abs(exponent)))
    return reciprocal(result) if exponent < 0 else result


def _whole_power(x: Tensor, exponent: int) -> Tensor:
    """`x` to a natural power by repeated squaring."""
    result: Tensor | None = None
    while exponent:
        if exponent & 1:
            result = x if result is None else hlo.multiply(result, x)
        exponent >>= 1
        if exponent:
            x = hlo.multiply(x, x)
    return hlo.full_like(x, 1) if result is None else result


def logaddexp(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """log(eˣ¹ + eˣ²) without overflow, element by element, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.logaddexp(sp.tensor(1000.0), 1000.0).numpy().round(2))
    1000.69
    """
    x, y = aligned_floating("logaddexp", (x1, x2))
    refuse_complex("logaddexp", x)
    same = hlo.compare(x, y, "EQ")  # also where both are the same infinity, whose gap is NaN
    gap = hlo.abs_(hlo.select(same, hlo.zeros_like(x), hlo.subtract(x, y)))
    return hlo.add(hlo.maximum(x, y), hlo.log_plus_one(hlo.exponential(hlo.negate(gap))))


def hypot(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """√(x1² + x2²) without overflow, element by element, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.hypot(sp.tensor(3.0), 4.0))
    tensor(5., float32[], cpu)
    """
    x, y = aligned_floating("hypot", (x1, x2))
    refuse_complex("hypot", x)
    infinite = hlo.or_(isinf(x), isinf(y))
    x, y = hlo.abs_(x), hlo.abs_(y)
    large, small = hlo.maximum(x, y), hlo.minimum(x, y)
    divisor = hlo.select(hlo.compare(large, hlo.zeros_like(x), "EQ"), hlo.full_like(x, 1), large)
    ratio = hlo.divide(small, divisor)
    result = hlo.multiply(large, hlo.sqrt(hlo.add(square(ratio), hlo.full_like(x, 1))))
    return hlo.select(infinite, hlo.full_like(x, math.inf), result)


def xlogy(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1 log(x2), and 0 where x1 is 0, element by element, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.xlogy(sp.tensor([0.0, 1.0]), 0.0))
    tensor([  0. -inf], float32[2], cpu)
    """
    x, y = aligned_floating("xlogy", (x1, x2))
    none = hlo.compare(x, hlo.zeros_like(x), "EQ")
    logarithm = hlo.log(hlo.select(none, hlo.full_like(y, 1), y))
    return hlo.select(none, hlo.zeros_like(x), hlo.multiply(x, logarithm))


def log1mexp(x: ArrayLike, /) -> Tensor:
    """log(1 − e⁻ˣ) without cancellation for small and large x; −∞ at 0, NaN below.

    (Mächler, *Accurately computing log(1 − exp(−|a|))*, 2012.)

    >>> import slopec as sp
    >>> print(sp.log1mexp(sp.tensor([1e-10, 1.0])).round(decimals=4))
    tensor([-23.0258  -0.4587], float32[2], cpu)
    """
    x = floating("log1mexp", x)
    refuse_complex("log1mexp", x)
    near = hlo.compare(x, hlo.full_like(x, math.log(2)), "LT")
    minus = hlo.negate(x)
    small = hlo.log(hlo.negate(hlo.exponential_minus_one(minus)))
    return hlo.select(near, small, hlo.log_plus_one(hlo.negate(hlo.exponential(minus))))


def polyval(p: ArrayLike, x: ArrayLike, /) -> Tensor:
    """p[0] xⁿ⁻¹ + … + p[n − 1] by Horner's rule, element by element of x.

    p is a vector, or has a tensor for each power along its first dimension, which broadcasts
    beside x. Raises ShapeError for a number.

    >>> import slopec as sp
    >>> print(sp.polyval(sp.tensor([1.0, 0.0, -2.0]), sp.tensor([2.0, 3.0])))
    tensor([2. 7.], float32[2], cpu)
    """
    given = as_tensor("polyval", p)
    if not given.ndim:
        raise ShapeError("S0101", "polyval: a number is no vector", span=tracing.here())
    shape = broadcast_shapes("polyval", [given.shape[1:], as_tensor("polyval", x).shape])
    if not given.shape[0]:
        return hlo.full(shape, 0, given.dtype)
    value = given[0]
    for k in range(1, given.shape[0]):
        value = value * x + given[k]
    return expand(value, shape)
