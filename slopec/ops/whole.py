"""Whole numbers: common divisors and multiples; and the parts that other numbers are made of."""

from slopec import dtypes, hlo
from slopec.ops.arithmetic import floor_divide, multiply, subtract
from slopec.ops.common import ArrayLike, aligned, floating, refuse
from slopec.ops.data_types import astype
from slopec.ops.logic import isfinite, logical_and, where
from slopec.ops.reductions import any as any_
from slopec.ops.signs import abs as abs_
from slopec.ops.signs import trunc
from slopec.ops.unary import exp2, log2
from slopec.tensor import Tensor

__all__ = ["frexp", "gcd", "lcm", "modf"]


def _whole(name: str, x1: ArrayLike, x2: ArrayLike) -> tuple[Tensor, Tensor]:
    x, y = aligned(name, (x1, x2))
    refuse(name, x, lambda d: not dtypes.is_integer(d), "integers")
    return (x, y) if dtypes.is_unsigned(x.dtype) else (abs_(x), abs_(y))


def gcd(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The greatest common divisor of integers, by Euclid's algorithm; that of 0 and n is |n|.

    Raises DTypeError for what are no integers.

    >>> import slopec as sp
    >>> print(sp.gcd(sp.tensor([12, -9, 0]), 6))
    tensor([6 3 6], int32[3], cpu)
    """
    x, y = _whole("gcd", x1, x2)

    def unfinished(_: Tensor, y: Tensor) -> Tensor:
        return any_(y != 0)

    def step(x: Tensor, y: Tensor) -> list[Tensor]:
        zero = y == 0
        rest = hlo.remainder(x, where(zero, 1, y))
        return [where(zero, x, y), where(zero, 0, rest)]

    result: Tensor = hlo.while_loop([x, y], unfinished, step)[0]
    # The least number of a signed type is its own negative, and its remainders are not positive.
    return result if dtypes.is_unsigned(x.dtype) else abs_(result)


def lcm(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The least common multiple of integers, not negative; that of 0 and n is 0.

    Raises DTypeError for what are no integers.

    >>> import slopec as sp
    >>> print(sp.lcm(sp.tensor([4, -3, 0]), 6))
    tensor([12  6  0], int32[3], cpu)
    """
    x, y = _whole("lcm", x1, x2)
    divisor = gcd(x, y)
    return multiply(floor_divide(x, where(divisor == 0, 1, divisor)), y)


def modf(x: ArrayLike, /) -> tuple[Tensor, Tensor]:
    """The part behind the point and the whole part, both with the sign of `x`.

    >>> import slopec as sp
    >>> part, whole = sp.modf(sp.tensor([1.5, -2.25]))
    >>> print(part, whole)
    tensor([ 0.5  -0.25], float32[2], cpu) tensor([ 1. -2.], float32[2], cpu)
    """
    x = floating("modf", x)
    whole = trunc(x)
    return where(isfinite(x), subtract(x, whole), where(x == x, 0.0, x)), whole


def frexp(x: ArrayLike, /) -> tuple[Tensor, Tensor]:
    """(m, e) with x = m · 2ᵉ and ½ ≤ |m| < 1, e int32; 0, infinities and NaN have e = 0.

    >>> import slopec as sp
    >>> mantissa, exponent = sp.frexp(sp.tensor([8.0, -0.75]))
    >>> print(mantissa, exponent)
    tensor([ 0.5  -0.75], float32[2], cpu) tensor([4 0], int32[2], cpu)
    """
    x = floating("frexp", x)
    known = logical_and(isfinite(x), x != 0)
    size = where(known, abs_(x), 1.0)
    power = hlo.floor(log2(size)) + 1
    # A logarithm is rounded, so that it may be one off where the mantissa is close to a power.
    power = where(scaled(size, power) >= 1.0, power + 1, power)
    power = where(scaled(size, power) < 0.5, power - 1, power)
    return where(known, scaled(x, power), x), astype(where(known, power, 0), dtypes.int32)


def scaled(x: Tensor, power: Tensor) -> Tensor:
    """x · 2^−power in two steps, so that neither factor overflows."""
    half = hlo.floor(power * 0.5)
    return x * exp2(-half) * exp2(half - power)
