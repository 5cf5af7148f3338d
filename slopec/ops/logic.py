"""Comparisons, truth, bits and choice, element by element."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    aligned,
    as_tensor,
    bad_argument,
    expand,
    is_scalar,
    refuse,
)
from slopec.ops.data_types import astype
from slopec.tensor import Tensor

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "masked_fill",
    "nan_to_num",
    "not_equal",
    "piecewise",
    "signbit",
    "where",
]

Binary = Callable[[ArrayLike, ArrayLike], Tensor]
_INTEGERS_BY_SIZE: dict[int, DType] = {
    1: dtypes.int8,
    2: dtypes.int16,
    4: dtypes.int32,
    8: dtypes.int64,
}


def _document(function: Any, name: str, says: str, example: str, gives: str) -> None:
    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"""{says}, element by element, with broadcasting.

    Raises ShapeError for shapes and DTypeError for types that do not fit.

    >>> import slopec as sp
    >>> print(sp.{name}({example}).numpy())
    {gives}
    """


def _comparison(name: str, direction: str, says: str, gives: str) -> Binary:
    ordered = direction not in ("EQ", "NE")

    def function(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        lhs, rhs = aligned(name, (x1, x2))
        if ordered:
            refuse(name, lhs, dtypes.is_complex, "real elements", "compare `sp.abs` of them")
        return hlo.compare(lhs, rhs, direction)

    _document(function, name, f"Whether {says}, as bool", "sp.tensor([1, 2, 3]), 2", gives)
    return function


equal = _comparison("equal", "EQ", "x1 = x2", "[False  True False]")
not_equal = _comparison("not_equal", "NE", "x1 ≠ x2", "[ True False  True]")
less = _comparison("less", "LT", "x1 < x2", "[ True False False]")
less_equal = _comparison("less_equal", "LE", "x1 ≤ x2", "[ True  True False]")
greater = _comparison("greater", "GT", "x1 > x2", "[False False  True]")
greater_equal = _comparison("greater_equal", "GE", "x1 ≥ x2", "[False  True  True]")


def _truth(name: str, x: ArrayLike) -> Tensor:
    return astype(as_tensor(name, x), dtypes.bool_)


def _logical(name: str, op: Callable[[Tensor, Tensor], Tensor], says: str, gives: str) -> Binary:
    def function(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        return op(*aligned(name, (_truth(name, x1), _truth(name, x2))))

    _document(
        function, name, f"Whether {says} of two operands (zero is false)", "[0, 1], True", gives
    )
    function.__doc__ = str(function.__doc__).replace("[0, 1]", "sp.tensor([0, 1])")
    return function


logical_and = _logical("logical_and", hlo.and_, "both", "[False  True]")
logical_or = _logical("logical_or", hlo.or_, "any", "[ True  True]")
logical_xor = _logical("logical_xor", hlo.xor, "exactly one", "[ True False]")


def logical_not(x: ArrayLike, /) -> Tensor:
    """Whether `x` is zero or False, element by element, as bool.

    >>> import slopec as sp
    >>> print(sp.logical_not(sp.tensor([0.0, 2.0])))
    tensor([ True False], bool[2], cpu)
    """
    return hlo.not_(_truth("logical_not", x))


# --- bits ------------------------------------------------------------------------------------


def _bits(name: str, x: Tensor, *, booleans: bool = True) -> None:
    if x.dtype == dtypes.bool_ and booleans:
        return
    expected = "integers or booleans" if booleans else "integers"
    refuse(name, x, lambda d: not dtypes.is_integer(d), expected)


def _bitwise(
    name: str, op: Callable[[Tensor, Tensor], Tensor], says: str, gives: str, *, shift: bool = False
) -> Binary:
    def function(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        lhs, rhs = aligned(name, (x1, x2))
        _bits(name, lhs, booleans=not shift)
        return op(lhs, rhs)

    _document(function, name, says, "sp.tensor([5, 6]), 1", gives)
    return function


def _shift_right(x: Tensor, by: Tensor) -> Tensor:
    unsigned = dtypes.is_unsigned(x.dtype)
    return (hlo.shift_right_logical if unsigned else hlo.shift_right_arithmetic)(x, by)


bitwise_and = _bitwise("bitwise_and", hlo.and_, "The bits set in both", "[1 0]")
bitwise_or = _bitwise("bitwise_or", hlo.or_, "The bits set in any", "[5 7]")
bitwise_xor = _bitwise("bitwise_xor", hlo.xor, "The bits set in exactly one", "[4 7]")
bitwise_left_shift = _bitwise(
    "bitwise_left_shift", hlo.shift_left, "x1 · 2^x2", "[10 12]", shift=True
)
bitwise_right_shift = _bitwise(
    "bitwise_right_shift", _shift_right, "x1 / 2^x2 rounded down", "[2 3]", shift=True
)


def bitwise_invert(x: ArrayLike, /) -> Tensor:
    """The other bits, element by element; logical not for booleans.

    Raises DTypeError for floating elements.

    >>> import slopec as sp
    >>> print(sp.bitwise_invert(sp.tensor([True, False])), sp.bitwise_invert(sp.tensor(5)))
    tensor([False  True], bool[2], cpu) tensor(-6, int32[], cpu)
    """
    x = as_tensor("bitwise_invert", x)
    _bits("bitwise_invert", x)
    return hlo.not_(x)


# --- what kind of number ---------------------------------------------------------------------


def isfinite(x: ArrayLike, /) -> Tensor:
    """Whether elements are neither infinite nor NaN, as bool.

    >>> import slopec as sp
    >>> print(sp.isfinite(sp.tensor([1.0, float("inf"), float("nan")])))
    tensor([ True False False], bool[3], cpu)
    """
    x = as_tensor("isfinite", x)
    if dtypes.is_complex(x.dtype):
        return hlo.and_(hlo.is_finite(hlo.real(x)), hlo.is_finite(hlo.imag(x)))
    return (
        hlo.is_finite(x) if dtypes.is_floating(x.dtype) else hlo.full(x.shape, True, dtypes.bool_)
    )


def isinf(x: ArrayLike, /) -> Tensor:
    """Whether elements are infinite, as bool.

    >>> import slopec as sp
    >>> print(sp.isinf(sp.tensor([1.0, -float("inf")])))
    tensor([False  True], bool[2], cpu)
    """
    x = as_tensor("isinf", x)
    if dtypes.is_complex(x.dtype):
        return hlo.or_(isinf(hlo.real(x)), isinf(hlo.imag(x)))
    if not dtypes.is_floating(x.dtype):
        return hlo.full(x.shape, False, dtypes.bool_)
    return hlo.compare(hlo.abs_(x), hlo.full_like(x, float("inf")), "EQ")


def isnan(x: ArrayLike, /) -> Tensor:
    """Whether elements are not a number, as bool.

    >>> import slopec as sp
    >>> print(sp.isnan(sp.tensor([1.0, float("nan")])))
    tensor([False  True], bool[2], cpu)
    """
    x = as_tensor("isnan", x)
    if not dtypes.is_differentiable(x.dtype):
        return hlo.full(x.shape, False, dtypes.bool_)
    return hlo.compare(x, x, "NE")


def signbit(x: ArrayLike, /) -> Tensor:
    """Whether the sign is minus, also of -0.0 and NaN, as bool.

    >>> import slopec as sp
    >>> print(sp.signbit(sp.tensor([-0.0, 0.0, -3.0])))
    tensor([ True False  True], bool[3], cpu)
    """
    x = as_tensor("signbit", x)
    refuse("signbit", x, dtypes.is_complex, "real elements")
    if dtypes.is_floating(x.dtype):
        x = hlo.bitcast_convert(x, _INTEGERS_BY_SIZE[x.dtype.itemsize])
    return hlo.compare(x, hlo.zeros_like(x), "LT")


def isclose(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    *,
    equal_nan: bool = False,
) -> Tensor:
    """Whether |x1 - x2| ≤ atol + rtol |x2|, element by element, with broadcasting, as bool.

    Infinities are close to themselves only; NaN to NaN when `equal_nan`.

    >>> import slopec as sp
    >>> print(sp.isclose(sp.tensor([1.0, 1.0]), sp.tensor([1.000001, 1.1])))
    tensor([ True False], bool[2], cpu)
    """
    x, y = aligned("isclose", (x1, x2))
    same = hlo.compare(x, y, "EQ")
    if equal_nan:
        same = hlo.or_(same, hlo.and_(isnan(x), isnan(y)))
    if not dtypes.is_differentiable(x.dtype):
        x, y = hlo.convert(x, dtypes.float32), hlo.convert(y, dtypes.float32)
    scale = hlo.abs_(y)
    margin = hlo.add(hlo.full_like(scale, atol), hlo.multiply(scale, hlo.full_like(scale, rtol)))
    near = hlo.compare(hlo.abs_(hlo.subtract(x, y)), margin, "LE")
    return hlo.or_(same, hlo.and_(hlo.and_(isfinite(x), isfinite(y)), near))


# --- choice ----------------------------------------------------------------------------------


def where(condition: ArrayLike, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x1 where `condition` holds and x2 elsewhere; all three broadcast, x1 and x2 promote.

    Only the chosen element receives a gradient, and what computes the other one does not matter:
    its slopes may be infinite or NaN. Raises ShapeError for shapes that do not fit.

    >>> import slopec as sp
    >>> x = sp.tensor([-1.0, 0.0, 4.0])
    >>> print(sp.where(x > 0, x, 0))
    tensor([0. 0. 4.], float32[3], cpu)
    >>> print(sp.grad(lambda x: sp.where(x > 0, sp.sqrt(x), 0).sum())(x))
    tensor([0.   0.   0.25], float32[3], cpu)
    """
    chosen = _truth("where", condition)
    on_true, on_false = aligned("where", (x1, x2), beside=[chosen.shape])
    return hlo.select(expand(chosen, on_true.shape), on_true, on_false)


def piecewise(
    x: ArrayLike,
    conditions: Sequence[ArrayLike],
    functions: Sequence[Callable[[Tensor], ArrayLike] | ArrayLike],
    /,
) -> Tensor:
    """`functions[i](x)` where `conditions[i]` holds, the last that does; the dtype of `x`.

    A function may be a number. One more than there are conditions is for the rest, which is 0
    otherwise. All of them are computed everywhere; see `where`. Raises UsageError for another
    number of functions.

    >>> import slopec as sp
    >>> x = sp.tensor([-2.0, 0.5, 3.0])
    >>> print(sp.piecewise(x, [x < 0, x > 1], [-1, lambda x: x * x, 7]))
    tensor([-1.  7.  9.], float32[3], cpu)
    """
    given = as_tensor("piecewise", x)
    parts = [part(given) if callable(part) else part for part in functions]
    if len(parts) - len(conditions) not in (0, 1):
        raise bad_argument(f"piecewise: {len(parts)} functions of {len(conditions)} conditions")
    rest = parts.pop() if len(parts) > len(conditions) else 0
    result = where(True, rest, given)
    for condition, part in zip(conditions, parts, strict=True):
        result = where(condition, part, result)
    return astype(result, given.dtype)


def masked_fill(x: ArrayLike, mask: ArrayLike, value: ArrayLike, /) -> Tensor:
    """`x`, with `value` (a scalar) where the broadcast `mask` holds; the dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.masked_fill(sp.tensor([1.0, 2.0]), sp.tensor([True, False]), -1.0))
    tensor([-1.  2.], float32[2], cpu)
    """
    x = as_tensor("masked_fill", x)
    filling = value if is_scalar(value) else astype(value, x.dtype)
    return hlo.convert(where(mask, filling, x), x.dtype)


def nan_to_num(
    x: ArrayLike, /, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`x` with NaN replaced by `nan` and infinities by the largest finite numbers or those given.

    >>> import slopec as sp
    >>> print(sp.nan_to_num(sp.tensor([float("nan"), 1.0, float("inf")]), posinf=9.0))
    tensor([0. 1. 9.], float32[3], cpu)
    """
    import ml_dtypes

    x = as_tensor("nan_to_num", x)
    refuse("nan_to_num", x, dtypes.is_complex, "real elements")
    if not dtypes.is_floating(x.dtype):
        return x
    limits = ml_dtypes.finfo(x.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    finite = hlo.select(isnan(x), hlo.full_like(x, nan), x)
    infinity = hlo.full_like(x, float("inf"))
    finite = hlo.select(hlo.compare(x, infinity, "EQ"), hlo.full_like(x, high), finite)
    return hlo.select(hlo.compare(x, hlo.negate(infinity), "EQ"), hlo.full_like(x, low), finite)
