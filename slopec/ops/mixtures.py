"""Elementwise functions made of a few others, which PyTorch and NumPy have names for."""

import math
from collections.abc import Callable

from slopec import dtypes, hlo
from slopec.ops.arithmetic import add, divide, maximum, minimum, multiply, subtract
from slopec.ops.common import (
    ArrayLike,
    aligned,
    aligned_floating,
    as_tensor,
    common_dtype,
    floating,
    is_scalar,
    refuse,
)
from slopec.ops.logic import isinf, isnan, logical_and, where
from slopec.ops.powers import pow, xlogy
from slopec.ops.signs import abs, trunc
from slopec.ops.unary import exp2, log1p, log2
from slopec.tensor import Scalar, Tensor

__all__ = [
    "addcdiv",
    "addcmul",
    "complex",
    "deg2rad",
    "float_power",
    "fmax",
    "fmin",
    "frac",
    "isneginf",
    "isposinf",
    "isreal",
    "ldexp",
    "logaddexp2",
    "logit",
    "polar",
    "rad2deg",
    "view_as_complex",
    "view_as_real",
    "xlog1py",
]


def addcmul(x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, value: Scalar = 1) -> Tensor:
    """x + value · x1 · x2, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.addcmul(sp.tensor([1.0]), sp.tensor([2.0]), 3.0, value=0.5))
    tensor([4.], float32[1], cpu)
    """
    return add(x, multiply(multiply(x1, x2), value))


def addcdiv(x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, value: Scalar = 1) -> Tensor:
    """x + value · x1 / x2, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.addcdiv(sp.tensor([1.0]), sp.tensor([3.0]), 2.0))
    tensor([2.5], float32[1], cpu)
    """
    return add(x, multiply(divide(x1, x2), value))


def frac(x: ArrayLike, /) -> Tensor:
    """x less its whole part, which lies towards zero.

    >>> import slopec as sp
    >>> print(sp.frac(sp.tensor([1.5, -2.25])))
    tensor([ 0.5  -0.25], float32[2], cpu)
    """
    x = floating("frac", x)
    return subtract(x, trunc(x))


def logit(x: ArrayLike, /, eps: float | None = None) -> Tensor:
    """log(x / (1 − x)), the inverse of `sigmoid`; x is first moved into [eps, 1 − eps].

    >>> import slopec as sp
    >>> print(sp.logit(sp.tensor([0.5])))
    tensor([0.], float32[1], cpu)
    """
    x = floating("logit", x)
    if eps is not None:
        x = minimum(maximum(x, eps), 1 - eps)
    return subtract(hlo.log(x), log1p(hlo.negate(x)))


def deg2rad(x: ArrayLike, /) -> Tensor:
    """Degrees as radians.

    >>> import slopec as sp
    >>> print(sp.deg2rad(sp.tensor([180.0])))
    tensor([3.1415927], float32[1], cpu)
    """
    return multiply(floating("deg2rad", x), math.pi / 180)


def rad2deg(x: ArrayLike, /) -> Tensor:
    """Radians as degrees.

    >>> import slopec as sp
    >>> print(sp.rad2deg(sp.tensor([0.0])))
    tensor([0.], float32[1], cpu)
    """
    return multiply(floating("rad2deg", x), 180 / math.pi)


def _ignoring_nan(
    name: str, choose: Callable[[ArrayLike, ArrayLike], Tensor], gives: str
) -> Callable[[ArrayLike, ArrayLike], Tensor]:
    def function(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        x, y = aligned(name, (x1, x2))
        if not dtypes.is_floating(x.dtype):
            return choose(x, y)
        return where(isnan(x), y, where(isnan(y), x, choose(x, y)))

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"""The {gives} of the two, NaN only where both are, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.{name}(sp.tensor([1.0, float("nan")]), sp.tensor([1.0, 2.0])))
    tensor([1. 2.], float32[2], cpu)
    """
    return function


fmax = _ignoring_nan("fmax", maximum, "larger")
fmin = _ignoring_nan("fmin", minimum, "smaller")


def isposinf(x: ArrayLike, /) -> Tensor:
    """Whether each element is +∞.

    >>> import slopec as sp
    >>> print(sp.isposinf(sp.tensor([1.0, float("inf")])))
    tensor([False  True], bool[2], cpu)
    """
    x = floating("isposinf", x)
    return logical_and(isinf(x), hlo.compare(x, hlo.zeros_like(x), "GT"))


def isneginf(x: ArrayLike, /) -> Tensor:
    """Whether each element is −∞.

    >>> import slopec as sp
    >>> print(sp.isneginf(sp.tensor([1.0, float("-inf")])))
    tensor([False  True], bool[2], cpu)
    """
    x = floating("isneginf", x)
    return logical_and(isinf(x), hlo.compare(x, hlo.zeros_like(x), "LT"))


def isreal(x: ArrayLike, /) -> Tensor:
    """Whether each element has no imaginary part.

    >>> import slopec as sp
    >>> print(sp.isreal(sp.tensor([1.0 + 0j, 1j])))
    tensor([ True False], bool[2], cpu)
    """
    x = as_tensor("isreal", x)
    if not dtypes.is_complex(x.dtype):
        return hlo.full(x.shape, True, dtypes.bool_)
    imag = hlo.imag(x)
    return hlo.compare(imag, hlo.zeros_like(imag), "EQ")


def ldexp(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1 · 2^x2, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.ldexp(sp.tensor([3.0]), sp.tensor([2])))
    tensor([12.], float32[1], cpu)
    """
    x, y = aligned_floating("ldexp", (x1, x2))
    return multiply(x, exp2(y))


def logaddexp2(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """log₂(2^x1 + 2^x2), without overflow, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.logaddexp2(sp.tensor([1.0, 1000.0]), 1.0))
    tensor([   2. 1000.], float32[2], cpu)
    """
    x, y = aligned_floating("logaddexp2", (x1, x2))
    top, gap = maximum(x, y), abs(subtract(x, y))
    near = add(top, log2(add(exp2(hlo.negate(where(isnan(gap), 0, gap))), 1)))
    return where(isinf(top), top, near)


def xlog1py(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1 · log(1 + x2), and 0 where x1 is; with broadcasting.

    >>> import slopec as sp
    >>> print(sp.xlog1py(sp.tensor([0.0, 2.0]), sp.tensor([-1.0, 0.0])))
    tensor([0. 0.], float32[2], cpu)
    """
    return xlogy(x1, add(x2, 1))


def float_power(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1^x2 computed in float64 (complex128 for complex operands), with broadcasting.

    >>> import slopec as sp
    >>> print(sp.float_power(sp.tensor([2]), -1))
    tensor([0.5], float64[1], cpu)
    """
    operands = [v if is_scalar(v) else as_tensor("float_power", v) for v in (x1, x2)]
    is_complex = dtypes.is_complex(common_dtype(operands))
    x, y = aligned("float_power", operands, dtypes.complex128 if is_complex else dtypes.float64)
    return pow(x, y)


def complex(real: ArrayLike, imag: ArrayLike, /) -> Tensor:
    """Complex numbers of their parts, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.complex(sp.tensor([1.0]), sp.tensor([2.0])))
    tensor([1.+2.j], complex64[1], cpu)
    """
    return hlo.complex_(*aligned_floating("complex", (real, imag)))


def polar(modulus: ArrayLike, angle: ArrayLike, /) -> Tensor:
    """modulus · e^(i angle), with broadcasting.

    >>> import slopec as sp
    >>> print(sp.polar(sp.tensor([2.0]), sp.tensor([0.0])))
    tensor([2.+0.j], complex64[1], cpu)
    """
    size, turn = aligned_floating("polar", (modulus, angle))
    return complex(multiply(size, hlo.cosine(turn)), multiply(size, hlo.sine(turn)))


def view_as_real(x: ArrayLike, /) -> Tensor:
    """Real and imaginary parts in a new last dimension.

    >>> import slopec as sp
    >>> print(sp.view_as_real(sp.tensor([1 + 2j])))
    tensor([[1. 2.]], float32[1, 2], cpu)
    """
    x = as_tensor("view_as_real", x)
    refuse("view_as_real", x, lambda dtype: not dtypes.is_complex(dtype), "complex elements")
    parts = [hlo.reshape(part, (*x.shape, 1)) for part in (hlo.real(x), hlo.imag(x))]
    return hlo.concatenate(parts, x.ndim)


def view_as_complex(x: ArrayLike, /) -> Tensor:
    """Complex numbers of the two parts in the last dimension.

    >>> import slopec as sp
    >>> print(sp.view_as_complex(sp.tensor([[1.0, 2.0]])))
    tensor([1.+2.j], complex64[1], cpu)
    """
    x = floating("view_as_complex", x)
    return complex(x[..., 0], x[..., 1])
