"""Functions of two tensors that compute numbers; operands broadcast and promote."""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, hlo
from slopec.ops.common import (
    ArrayLike,
    aligned,
    aligned_floating,
    refuse,
    refuse_complex,
)
from slopec.ops.logic import isnan, signbit
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
    "lerp",
    "maximum",
    "minimum",
    "multiply",
    "nextafter",
    "polygamma",
    "remainder",
    "subtract",
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
    moved = hlo.select(_falls_short(rest, y), hlo.add(rest, y), rest)
    if not dtypes.is_floating(x.dtype):
        return moved
    # A remainder of zero has the divisor's sign too; x - x is +0, and NaN where that is due.
    zero = hlo.select(
        hlo.compare(y, hlo.zeros_like(y), "LT"), hlo.full_like(y, -0.0), hlo.zeros_like(y)
    )
    return hlo.select(hlo.compare(moved, hlo.zeros_like(y), "EQ"), zero, moved)


def floor_divide(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The largest whole number not above x1 / x2, as Python's `//`; broadcasts and promotes.

    Raises ShapeError for shapes and DTypeError for types that do not fit.

    >>> import slopec as sp
    >>> print(sp.floor_divide(sp.tensor([5, -5]), 3))
    tensor([ 1 -2], int32[2], cpu)
    """
    x, y = aligned("floor_divide", (x1, x2))
    refuse("floor_divide", x, _bool_or_complex, "real numbers")
    if dtypes.is_unsigned(x.dtype):
        return hlo.divide(x, y)
    rest, zero = hlo.remainder(x, y), hlo.zeros_like(x)
    down = hlo.convert(_falls_short(rest, y), x.dtype)
    if dtypes.is_integer(x.dtype):
        return hlo.subtract(hlo.divide(x, y), down)
    # x - rest is a multiple of y, so rounding mends the last bit. Division by zero gives infinity
    # or NaN, as it does for `/`; a zero has the sign of the quotient.
    quotient = hlo.divide(x, y)
    whole = hlo.round_nearest_even(hlo.divide(hlo.subtract(x, rest), y))
    floor = hlo.subtract(whole, down)
    floor = hlo.select(hlo.compare(floor, zero, "EQ"), hlo.multiply(zero, quotient), floor)
    return hlo.select(hlo.compare(y, zero, "EQ"), quotient, floor)


def _falls_short(rest: Tensor, y: Tensor) -> Tensor:
    """Whether a division by `y` that leaves `rest` was cut upwards, towards zero."""
    zero = hlo.zeros_like(rest)
    differ = hlo.xor(hlo.compare(rest, zero, "LT"), hlo.compare(y, zero, "LT"))
    return hlo.and_(hlo.compare(rest, zero, "NE"), differ)


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
