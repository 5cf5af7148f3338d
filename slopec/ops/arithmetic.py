"""Functions of two tensors that compute numbers; operands broadcast and promote."""

import math
from collections.abc import Callable
from typing import Any

from slopec import dtypes, hlo, trace
from slopec.diagnostics import DTypeError
from slopec.ops.common import (
    ArrayLike,
    aligned,
    aligned_floating,
    as_tensor,
    is_scalar,
    refuse,
    refuse_complex,
)
from slopec.ops.logic import isinf, isnan, signbit
from slopec.ops.unary import reciprocal, rsqrt, sqrt, square
from slopec.tensor import Tensor

__all__ = [
    "add",
    "atan2",
    "clip",
    "copysign",
    "divide",
    "divmod",
    "floor_divide",
    "fmod",
    "heaviside",
    "hypot",
    "lerp",
    "logaddexp",
    "maximum",
    "minimum",
    "multiply",
    "nextafter",
    "polygamma",
    "pow",
    "remainder",
    "subtract",
    "xlogy",
    "zeta",
]

Binary = Callable[[ArrayLike, ArrayLike], Tensor]


def _binary(
    name: str,
    op: Callable[[Tensor, Tensor], Tensor],
    says: str,
    gives: str,
    *,
    booleans: Callable[[Tensor, Tensor], Tensor] | None = None,
    real: bool = False,
    floating: bool = False,
    hint: str | None = None,
) -> Binary:
    """The function `name`, whose value at ([1.0, 6.0], 4) is `gives`.

    `booleans` is what it does with them, `real` refuses complex, `floating` makes integers floats.
    """

    def function(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        lhs, rhs = (aligned_floating if floating else aligned)(name, (x1, x2))
        if real:
            refuse_complex(name, lhs)
        if lhs.dtype != dtypes.bool_:
            return op(lhs, rhs)
        refuse(name, lhs, lambda _: booleans is None, "numbers", hint)
        return (booleans or op)(lhs, rhs)

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    kinds = "integers become float32" if floating else "the dtype is the promoted one"
    function.__doc__ = f"""{says}, element by element, with broadcasting; {kinds}.

    Raises ShapeError for shapes and DTypeError for types that do not fit.

    >>> import slopec as sp
    >>> print(sp.{name}(sp.tensor([1.0, 6.0]), 4).numpy().round(4))
    {gives}
    """
    return function


add = _binary("add", hlo.add, "x1 + x2", "[ 5. 10.]", booleans=hlo.or_)
subtract = _binary(
    "subtract", hlo.subtract, "x1 - x2", "[-3.  2.]", hint="use `sp.logical_xor` for booleans"
)
multiply = _binary("multiply", hlo.multiply, "x1 · x2", "[ 4. 24.]", booleans=hlo.and_)
divide = _binary("divide", hlo.divide, "x1 / x2", "[0.25 1.5 ]", floating=True)
maximum = _binary(
    "maximum",
    hlo.maximum,
    "The larger of two, NaN if any is",
    "[4. 6.]",
    booleans=hlo.or_,
    real=True,
)
minimum = _binary(
    "minimum",
    hlo.minimum,
    "The smaller of two, NaN if any is",
    "[1. 4.]",
    booleans=hlo.and_,
    real=True,
)
atan2 = _binary(
    "atan2",
    hlo.atan2,
    "The angle of the point (x2, x1) in [-π, π]",
    "[0.245  0.9828]",
    real=True,
    floating=True,
)
nextafter = _binary(
    "nextafter",
    hlo.next_after,
    "The number next to x1 towards x2",
    "[1. 6.]",
    real=True,
    floating=True,
)
fmod = _binary(
    "fmod", hlo.remainder, "The remainder of x1 / x2 with the sign of x1", "[1. 2.]", real=True
)
zeta = _binary(
    "zeta",
    hlo.zeta,
    "Hurwitz's ζ(x1, x2) = Σₖ (k + x2)^-x1",
    "[   inf 0.0003]",
    real=True,
    floating=True,
)


def polygamma(n: ArrayLike, x: ArrayLike, /) -> Tensor:
    """The derivative of order `n` of digamma at `x`, element by element; `n` is a whole number.

    >>> import slopec as sp
    >>> print(sp.polygamma(1, sp.tensor([1.0])).numpy().round(4))
    [1.6449]
    """
    lhs, rhs = aligned_floating("polygamma", (n, x))
    refuse_complex("polygamma", lhs)
    return hlo.polygamma(lhs, rhs)


def remainder(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The remainder of x1 / x2 with the sign of x2, as Python's `%`; broadcasts and promotes.

    Raises ShapeError for shapes and DTypeError for types that do not fit.

    >>> import slopec as sp
    >>> print(sp.remainder(sp.tensor([5, -5]), 3))
    tensor([2 1], int32[2], cpu)
    """
    x, y = aligned("remainder", (x1, x2))
    refuse("remainder", x, _bool_or_complex, "real numbers")
    rest = hlo.remainder(x, y)
    if dtypes.is_unsigned(x.dtype):
        return rest
    zero = hlo.zeros_like(x)
    uneven = hlo.compare(rest, zero, "NE")
    differ = hlo.xor(hlo.compare(rest, zero, "LT"), hlo.compare(y, zero, "LT"))
    return hlo.select(hlo.and_(uneven, differ), hlo.add(rest, y), rest)


def floor_divide(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The largest whole number not above x1 / x2, as Python's `//`; broadcasts and promotes.

    Raises ShapeError for shapes and DTypeError for types that do not fit.

    >>> import slopec as sp
    >>> print(sp.floor_divide(sp.tensor([5, -5]), 3))
    tensor([ 1 -2], int32[2], cpu)
    """
    x, y = aligned("floor_divide", (x1, x2))
    refuse("floor_divide", x, _bool_or_complex, "real numbers")
    quotient, zero = hlo.divide(x, y), hlo.zeros_like(x)
    if dtypes.is_unsigned(x.dtype):
        return quotient
    if dtypes.is_integer(x.dtype):
        uneven = hlo.compare(hlo.remainder(x, y), zero, "NE")
        differ = hlo.xor(hlo.compare(x, zero, "LT"), hlo.compare(y, zero, "LT"))
        down = hlo.convert(hlo.and_(uneven, differ), x.dtype)
        return hlo.subtract(quotient, down)
    # x - remainder is a multiple of y, so rounding mends the division's last bit. Division by
    # zero gives infinity or NaN, which flooring keeps.
    whole = hlo.round_nearest_even(hlo.divide(hlo.subtract(x, remainder(x, y)), y))
    return hlo.select(hlo.compare(y, zero, "EQ"), quotient, whole)


def _bool_or_complex(dtype: Any) -> bool:
    return dtype == dtypes.bool_ or dtypes.is_complex(dtype)


def divmod(x1: ArrayLike, x2: ArrayLike, /) -> tuple[Tensor, Tensor]:
    """(x1 // x2, x1 % x2).

    >>> import slopec as sp
    >>> q, r = sp.divmod(sp.tensor([-7]), 2)
    >>> print(q, r)
    tensor([-4], int32[1], cpu) tensor([1], int32[1], cpu)
    """
    return floor_divide(x1, x2), remainder(x1, x2)


# --- powers ----------------------------------------------------------------------------------


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
            span=trace.here(),
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


# --- composed --------------------------------------------------------------------------------


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


def copysign(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """|x1| with the sign of x2, element by element, with broadcasting; integers become float32.

    >>> import slopec as sp
    >>> print(sp.copysign(sp.tensor([1.0, -2.0]), -0.0))
    tensor([-1. -2.], float32[2], cpu)
    """
    x, y = aligned_floating("copysign", (x1, x2))
    refuse_complex("copysign", x)
    return hlo.select(hlo.xor(signbit(x), signbit(y)), hlo.negate(x), x)


def heaviside(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """0 where x1 < 0, x2 where x1 = 0, 1 where x1 > 0, NaN where x1 is; with broadcasting.

    >>> import slopec as sp
    >>> print(sp.heaviside(sp.tensor([-2.0, 0.0, 2.0]), 0.5))
    tensor([0.  0.5 1. ], float32[3], cpu)
    """
    x, y = aligned_floating("heaviside", (x1, x2))
    refuse_complex("heaviside", x)
    zero = hlo.zeros_like(x)
    step = hlo.convert(hlo.compare(x, zero, "GT"), x.dtype)
    step = hlo.select(isnan(x), x, step)
    return hlo.select(hlo.compare(x, zero, "EQ"), y, step)


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


def lerp(start: ArrayLike, end: ArrayLike, weight: ArrayLike, /) -> Tensor:
    """start + weight (end - start), element by element, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.lerp(sp.tensor([0.0, 10.0]), 20.0, 0.25))
    tensor([ 5.  12.5], float32[2], cpu)
    """
    start, end, weight = aligned_floating("lerp", (start, end, weight))
    return hlo.add(start, hlo.multiply(weight, hlo.subtract(end, start)))


def clip(x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    """`x` moved into [min, max], element by element; bounds broadcast, None is no bound.

    Where min > max the result is max. The dtype of tensors and bounds is the promoted one.

    >>> import slopec as sp
    >>> print(sp.clip(sp.tensor([-2.0, 0.5, 3.0]), 0, 1))
    tensor([0.  0.5 1. ], float32[3], cpu)
    """
    bounds = [bound for bound in (min, max) if bound is not None]
    moved, *limits = aligned("clip", (x, *bounds))
    refuse_complex("clip", moved)
    if min is not None:
        moved = hlo.maximum(moved, limits[0])
    return moved if max is None else hlo.minimum(moved, limits[-1])
