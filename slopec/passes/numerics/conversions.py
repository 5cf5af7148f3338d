"""Conversions between element types: what floats beyond the integers become, and narrow floats."""

from dataclasses import dataclass

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.dtypes import DType
from slopec.passes.numerics import parts
from slopec.passes.numerics.parts import exceeds, is_nan, like, where
from slopec.tensor import Tensor

DONE = "slope.exact"
"""Marks an op that is right as it stands."""


@dataclass(frozen=True)
class Narrow:
    """A float of one byte: bits of its fraction, bias of its exponent, codes of its ends.

    `overflow` is what numbers too large become, `unknown` is NaN.
    """

    fraction: int
    bias: int
    largest: int
    overflow: int
    unknown: int


NARROW = {
    dtypes.float8_e4m3fn: Narrow(3, 7, 0x7E, 0x7F, 0x7F),
    dtypes.float8_e5m2: Narrow(2, 15, 0x7B, 0x7C, 0x7E),
}


def convert(x: Tensor, dtype: DType) -> Tensor | None:
    """`x` in another type; None where IREE's own conversion is right."""
    if dtypes.is_complex(x.dtype) and not dtypes.is_complex(dtype):
        return _of_complex(x, dtype)
    if x.dtype in NARROW:
        return hlo.convert(widened(x), dtype)
    if dtype in NARROW:
        return _narrowed(_single(x), dtype)
    if dtype == dtypes.bfloat16 and not dtypes.is_floating(x.dtype):
        return rounded_to_bfloat16(_single(x))
    if x.dtype == dtypes.float64 and dtype in (dtypes.float16, dtypes.bfloat16):
        return hlo.convert(_single(x), dtype)
    if dtypes.is_floating(x.dtype) and dtypes.is_integer(dtype):
        return _to_integer(x, dtype)
    return None


def _of_complex(x: Tensor, dtype: DType) -> Tensor:
    """The real part; of a Boolean, whether either part is not 0."""
    if dtype != dtypes.bool_:
        return hlo.convert(hlo.real(x), dtype)
    return hlo.or_(*(hlo.compare(v, like(v, 0), "NE") for v in (hlo.real(x), hlo.imag(x))))


def _to_integer(x: Tensor, dtype: DType) -> Tensor:
    """Floats beyond the integers become the least or the greatest of them, NaN becomes 0."""
    wide = x if x.dtype.itemsize >= 4 else hlo.convert(x, dtypes.float32)
    low, high = (int(n) for n in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    # The bounds are powers of two, or zero, so floats hold them.
    above = hlo.compare(wide, like(wide, float(high + 1)), "GE")
    below = hlo.compare(wide, like(wide, float(low)), "LE")
    outside = hlo.or_(hlo.or_(above, below), is_nan(wide))
    inside = where(outside, 0, wide)
    middle = dtypes.int32 if dtype.itemsize < 4 else dtype
    made = tracing.emit("stablehlo.convert", [inside], x.shape, middle, {DONE: ir.unit()})
    made = made if middle == dtype else hlo.convert(made, dtype)
    return where(below, low, where(above, high, made))


# --- floats of one byte, and bfloat16 of integers ----------------------------------------------


def widened(x: Tensor) -> Tensor:
    """A float of one byte as float32."""
    kind = NARROW[x.dtype]
    raw = hlo.convert(hlo.bitcast_convert(x, dtypes.uint8), dtypes.int32)
    size = hlo.and_(raw, like(raw, 0x7F))
    one = like(raw, 1 << kind.fraction)
    # Below the least normal number the fraction counts alone.
    small = hlo.convert(size, dtypes.float32) * 2.0 ** (1 - kind.bias - kind.fraction)
    moved = hlo.shift_left(size, like(raw, 23 - kind.fraction)) + ((127 - kind.bias) << 23)
    value = hlo.select(hlo.compare(size, one, "LT"), small, parts.of_bits(moved, dtypes.float32))
    value = where(exceeds(size, kind.largest), float("inf"), value)
    if kind.unknown != kind.overflow:
        value = where(exceeds(size, kind.overflow), float("nan"), value)
    else:
        value = where(exceeds(size, kind.largest), float("nan"), value)
    return hlo.select(exceeds(raw, 0x7F), -value, value)


def _narrowed(x: Tensor, dtype: DType) -> Tensor:
    """float32 rounded to a float of one byte, ties to even."""
    kind = NARROW[dtype]
    raw, size = parts.bits(x), hlo.abs_(x)
    code = parts.bits(size)
    drop = 23 - kind.fraction
    normal = _dropped(code, drop) - ((127 - kind.bias) << kind.fraction)
    # A sum with a number whose last digit is the least subnormal is rounded to multiples of it.
    magic = 2.0 ** (23 + 1 - kind.bias - kind.fraction)
    small = parts.bits(size + magic) - parts.bits(like(x, magic))
    tiny = hlo.compare(size, like(x, 2.0 ** (1 - kind.bias)), "LT")
    made = hlo.select(tiny, small, normal)
    made = where(exceeds(made, kind.largest), kind.overflow, made)
    made = where(is_nan(x), kind.unknown, made)
    sign = hlo.and_(hlo.shift_right_logical(raw, like(raw, 24)), like(raw, 0x80))
    return hlo.bitcast_convert(hlo.convert(hlo.or_(made, sign), dtypes.uint8), dtype)


def _dropped(n: Tensor, count: int) -> Tensor:
    """n / 2^count, rounded to the nearest, ties to even."""
    last = hlo.and_(hlo.shift_right_logical(n, like(n, count)), like(n, 1))
    return hlo.shift_right_logical(n + last + ((1 << (count - 1)) - 1), like(n, count))


def rounded_to_bfloat16(x: Tensor) -> Tensor:
    """float32, not NaN, to bfloat16: LLVM makes of an integer's conversion a function it lacks."""
    half = hlo.convert(_dropped(parts.bits(x), 16), dtypes.int16)
    return hlo.bitcast_convert(half, dtypes.bfloat16)


def _single(x: Tensor) -> Tensor:
    """`x` as float32, such that rounding it further rounds `x`.

    What float32 does not hold is rounded to the neighbour whose last bit is set ("to odd"), so that
    it cannot become a tie (S. Boldo and G. Melquiond, IEEE Trans. Comput. 57, 2008).
    """
    single = hlo.convert(x, dtypes.float32)
    if x.dtype.itemsize < 4 or x.dtype == dtypes.float32:
        return single
    back = hlo.convert(single, x.dtype)
    raw, zero = parts.bits(single), like(x, 0)
    beyond = hlo.select(
        hlo.compare(x, zero, "LT"), hlo.compare(back, x, "LT"), hlo.compare(back, x, "GT")
    )
    toward = hlo.select(beyond, raw - 1, raw)
    inexact = hlo.compare(back, x, "NE")
    return parts.of_bits(hlo.select(inexact, hlo.or_(toward, like(raw, 1)), raw), dtypes.float32)
