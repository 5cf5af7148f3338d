"""Functions of one tensor that keep its type: signs, rounding, the parts of complex numbers."""

import builtins
from collections.abc import Callable

from slopec import dtypes, hlo
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    floating,
    refuse,
    refuse_complex,
)
from slopec.tensor import Tensor

Unary = Callable[[ArrayLike], Tensor]

__all__ = [
    "abs",
    "angle",
    "ceil",
    "conj",
    "floor",
    "imag",
    "negative",
    "positive",
    "real",
    "relu",
    "round",
    "sign",
    "square",
    "trunc",
]


def negative(x: ArrayLike, /) -> Tensor:
    """-x, element by element; unsigned integers wrap around.

    Raises DTypeError for booleans.

    >>> import slopec as sp
    >>> print(sp.negative(sp.tensor([1, -2])))
    tensor([-1  2], int32[2], cpu)
    """
    x = as_tensor("negative", x)
    refuse("negative", x, lambda d: d == dtypes.bool_, "numbers", "use `~x` to negate booleans")
    return hlo.negate(x)


def positive(x: ArrayLike, /) -> Tensor:
    """`x` itself, as a tensor.

    >>> import slopec as sp
    >>> print(sp.positive(2))
    tensor(2, int32[], cpu)
    """
    return as_tensor("positive", x)


def abs(x: ArrayLike, /) -> Tensor:
    """|x|, element by element; of complex elements the modulus, which is real.

    >>> import slopec as sp
    >>> print(sp.abs(sp.tensor([-1.5, 2.0])), sp.abs(sp.tensor(3 + 4j)))
    tensor([1.5 2. ], float32[2], cpu) tensor(5., float32[], cpu)
    """
    x = as_tensor("abs", x)
    unsigned = x.dtype == dtypes.bool_ or dtypes.is_unsigned(x.dtype)
    return x if unsigned else hlo.abs_(x)


def sign(x: ArrayLike, /) -> Tensor:
    """-1, 0 or 1, element by element; NaN stays NaN; x / |x| for complex elements.

    >>> import slopec as sp
    >>> print(sp.sign(sp.tensor([-3.0, 0.0, 2.0])))
    tensor([-1.  0.  1.], float32[3], cpu)
    """
    x = as_tensor("sign", x)
    refuse("sign", x, lambda d: d == dtypes.bool_, "numbers")
    if dtypes.is_unsigned(x.dtype):
        return hlo.convert(hlo.compare(x, hlo.zeros_like(x), "NE"), x.dtype)
    signs = hlo.sign(x)
    # The sign of a negative zero is a zero without sign.
    return hlo.add(signs, hlo.zeros_like(signs)) if dtypes.is_floating(x.dtype) else signs


def square(x: ArrayLike, /) -> Tensor:
    """x², element by element.

    >>> import slopec as sp
    >>> print(sp.square(sp.tensor([1.0, -3.0])))
    tensor([1. 9.], float32[2], cpu)
    """
    x = as_tensor("square", x)
    return hlo.and_(x, x) if x.dtype == dtypes.bool_ else hlo.multiply(x, x)


def relu(x: ArrayLike, /) -> Tensor:
    """max(x, 0), element by element; the derivative at 0 is 0, and NaN stays NaN.

    >>> import slopec as sp
    >>> print(sp.relu(sp.tensor([-1.0, 2.0])))
    tensor([0. 2.], float32[2], cpu)
    """
    x = as_tensor("relu", x)
    refuse_complex("relu", x)
    zero = hlo.zeros_like(x)
    return hlo.select(hlo.compare(x, zero, "LE"), zero, x)


def _rounding_function(name: str, op: Callable[[Tensor], Tensor], says: str, gives: str) -> Unary:
    def function(x: ArrayLike, /) -> Tensor:
        x = as_tensor(name, x)
        refuse_complex(name, x)
        return op(x) if dtypes.is_floating(x.dtype) else x

    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"""The whole number {says}, element by element, as the dtype of `x`.

    Integers stay as they are. Raises DTypeError for complex elements.

    >>> import slopec as sp
    >>> print(sp.{name}(sp.tensor([-1.5, 1.5])).numpy())
    {gives}
    """
    return function


def _toward_zero(x: Tensor) -> Tensor:
    return hlo.select(hlo.compare(x, hlo.zeros_like(x), "LT"), hlo.ceil(x), hlo.floor(x))


ceil = _rounding_function("ceil", hlo.ceil, "not below x", "[-1.  2.]")


floor = _rounding_function("floor", hlo.floor, "not above x", "[-2.  1.]")


trunc = _rounding_function("trunc", _toward_zero, "next to x towards zero", "[-1.  1.]")


def round(x: ArrayLike, /, decimals: int = 0) -> Tensor:
    """`x` rounded to `decimals` places, halves to the even neighbour; integers stay as they are.

    Of complex elements both parts are rounded.

    >>> import slopec as sp
    >>> print(sp.round(sp.tensor([0.5, 1.5, 2.345])), sp.round(sp.tensor(2.346), decimals=2))
    tensor([0. 2. 2.], float32[3], cpu) tensor(2.35, float32[], cpu)
    """
    x = as_tensor("round", x)
    if dtypes.is_complex(x.dtype):
        return hlo.complex_(round(hlo.real(x), decimals), round(hlo.imag(x), decimals))
    if not dtypes.is_floating(x.dtype):
        return x
    if not decimals:
        return hlo.round_nearest_even(x)
    scale = hlo.full_like(x, 10.0 ** builtins.abs(decimals))
    up, down = (hlo.multiply, hlo.divide) if decimals > 0 else (hlo.divide, hlo.multiply)
    return down(hlo.round_nearest_even(up(x, scale)), scale)


# --- complex numbers -------------------------------------------------------------------------


def real(x: ArrayLike, /) -> Tensor:
    """The real part, element by element; real tensors stay as they are.

    >>> import slopec as sp
    >>> print(sp.real(sp.tensor(3 + 4j)))
    tensor(3., float32[], cpu)
    """
    x = as_tensor("real", x)
    return hlo.real(x) if dtypes.is_complex(x.dtype) else x


def imag(x: ArrayLike, /) -> Tensor:
    """The imaginary part, element by element; zeros for real tensors.

    >>> import slopec as sp
    >>> print(sp.imag(sp.tensor(3 + 4j)))
    tensor(4., float32[], cpu)
    """
    x = as_tensor("imag", x)
    return hlo.imag(x) if dtypes.is_complex(x.dtype) else hlo.zeros_like(x)


def conj(x: ArrayLike, /) -> Tensor:
    """The complex conjugate, element by element; real tensors stay as they are.

    >>> import slopec as sp
    >>> print(sp.conj(sp.tensor(3 + 4j)))
    tensor(3.-4.j, complex64[], cpu)
    """
    x = as_tensor("conj", x)
    return hlo.conj(x) if dtypes.is_complex(x.dtype) else x


def angle(x: ArrayLike, /) -> Tensor:
    """The argument of complex elements in (-π, π]; for real ones 0 or π.

    >>> import slopec as sp
    >>> print(sp.angle(sp.tensor([1j, -1 + 0j])).numpy().round(4))
    [1.5708 3.1416]
    """
    x = floating("angle", x)
    return hlo.atan2(imag(x), real(x))
