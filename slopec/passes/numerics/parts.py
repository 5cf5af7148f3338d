"""The parts of a floating number: sign, exponent, the upper half of its digits; series."""

from collections.abc import Sequence

import ml_dtypes

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.tensor import Scalar, Tensor

_INTEGERS: dict[int, DType] = {1: dtypes.int8, 2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}
_DIGITS = {dtypes.bfloat16: 7, dtypes.float16: 10, dtypes.float32: 23, dtypes.float64: 52}


def like(x: Tensor, value: Scalar) -> Tensor:
    """`value` in the shape and type of `x`."""
    return hlo.full_like(x, value)


def where(chosen: Tensor, x: Tensor | Scalar, y: Tensor | Scalar) -> Tensor:
    """`select`, of which one may be a number."""
    known = x if isinstance(x, Tensor) else y
    assert isinstance(known, Tensor)
    return hlo.select(chosen, *(v if isinstance(v, Tensor) else like(known, v) for v in (x, y)))


def equals(x: Tensor, value: Scalar) -> Tensor:
    """Whether `x` is a number."""
    return hlo.compare(x, like(x, value), "EQ")


def exceeds(x: Tensor, value: Scalar) -> Tensor:
    """Whether `x` is more than a number."""
    return hlo.compare(x, like(x, value), "GT")


def is_nan(x: Tensor) -> Tensor:
    """Whether `x` is no number."""
    return hlo.compare(x, x, "NE")


def digits(dtype: DType) -> int:
    """The bits of a fraction that a type keeps."""
    return _DIGITS[dtype]


def least_normal(dtype: DType) -> float:
    """The least positive number of a type that is not subnormal."""
    return float(ml_dtypes.finfo(dtype).smallest_normal)


def vanishes(x: Tensor) -> Tensor:
    """Whether `x` is 0 or so small that programs take it for 0.

    A comparison with 0 may be compiled into a look at the bits, which tells subnormals apart.
    """
    return hlo.compare(hlo.abs_(x), like(x, least_normal(x.dtype)), "LT")


def exponent_limit(dtype: DType) -> int:
    """The greatest exponent of a number of a type, which is also the bias of its exponents."""
    return (1 << (8 * dtype.itemsize - 2 - digits(dtype))) - 1


def bits(x: Tensor) -> Tensor:
    """The bits of a float as a signed integer of its width."""
    return hlo.bitcast_convert(x, _INTEGERS[x.dtype.itemsize])


def of_bits(n: Tensor, dtype: DType) -> Tensor:
    """The float that has the bits of an integer."""
    return hlo.bitcast_convert(n, dtype)


def is_negative(x: Tensor) -> Tensor:
    """Whether the sign is set, of -0 and NaN too, which no comparison of floats tells."""
    raw = bits(x)
    return hlo.compare(raw, hlo.zeros_like(raw), "LT")


def with_sign(size: Tensor, x: Tensor) -> Tensor:
    """`size`, which is not negative, with the sign of `x`."""
    raw = bits(x)
    sign = hlo.and_(raw, like(raw, -(1 << (8 * x.dtype.itemsize - 1))))
    return of_bits(hlo.or_(bits(size), sign), size.dtype)


def is_far(size: Tensor) -> Tensor:
    """Whether x² ± 1 is x² to all digits, for numbers of a size."""
    return exceeds(size, 2.0 ** (digits(size.dtype) // 2 + 2))


def significand(raw: Tensor) -> Tensor:
    """Of the bits of float64s, all digits of a normal number as an integer, the first one 1."""
    return hlo.or_(hlo.and_(raw, like(raw, (1 << 52) - 1)), like(raw, 1 << 52))


def is_odd(n: Tensor) -> Tensor:
    """Whether an integer is odd."""
    return equals(hlo.and_(n, like(n, 1)), 1)


def power_of_two(n: Tensor, dtype: DType) -> Tensor:
    """2ⁿ for integers n of the float's width that are exponents of normal numbers."""
    return of_bits(hlo.shift_left(n + exponent_limit(dtype), like(n, digits(dtype))), dtype)


def exponent_of(x: Tensor) -> Tensor:
    """The n with 2ⁿ ≤ |x| < 2ⁿ⁺¹, as an integer, for normal numbers; least for zero."""
    raw = bits(hlo.abs_(x))
    bias = exponent_limit(x.dtype)
    return hlo.shift_right_logical(raw, like(raw, digits(x.dtype))) - bias


def upper_half(x: Tensor) -> Tensor:
    """`x` with half of its digits, so that products of two such numbers are exact."""
    raw = bits(x)
    cut = (digits(x.dtype) + 2) // 2
    return of_bits(hlo.and_(raw, like(raw, -(1 << cut))), x.dtype)


def polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Σ cₖ xᵏ by Horner's rule."""
    *rest, last = coefficients
    value = like(x, last)
    for c in reversed(rest):
        value = value * x + c
    return value


def chebyshev(coefficients: Sequence[float], t: Tensor) -> Tensor:
    """Σ cₖ Tₖ(t) by Clenshaw's recurrence (DLMF 3.11.15), without what the type does not show.

    The first coefficient, which often is most of the sum, is added with the digits that it lacks.
    """
    unseen = 2.0 ** -(digits(t.dtype) + 4)
    first, *others = [c for c in coefficients if abs(c) > unseen]
    nearest = float(t.dtype.type(first))
    twice = t + t
    after, here = hlo.zeros_like(t), hlo.zeros_like(t)
    for c in reversed(others):
        here, after = twice * here - after + c, here
    return (t * here - after + (first - nearest)) + nearest


def terms(dtype: DType, single: int, double: int) -> int:
    """How many terms of a series a type needs."""
    return single if dtype == dtypes.float32 else double
