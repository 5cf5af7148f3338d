"""x to the y: the logarithm in twice the digits, because the exponent multiplies its error."""

import math
from fractions import Fraction

import numpy as np

from slopec import dtypes, hlo
from slopec.passes.numerics import parts, twofold
from slopec.passes.numerics.parts import equals, exceeds, is_nan, like, where
from slopec.passes.numerics.twofold import Two
from slopec.tensor import Tensor


def logarithm(x: Tensor) -> Two:
    """log x of positive normal numbers: x = 2ᵏ m, log m = 2 artanh((m − 1) / (m + 1))."""
    root = int(np.array(math.sqrt(0.5), x.dtype).view(f"int{8 * x.dtype.itemsize}"))
    width = parts.digits(x.dtype)
    raw = parts.bits(x)
    k = hlo.shift_right_arithmetic(raw - root, like(raw, width))
    m = parts.of_bits(raw - hlo.shift_left(k, like(k, width)), x.dtype)
    s = twofold.quotient(m - 1.0, twofold.sum_of(m, like(m, 1)))
    doubled = _artanh_single(s) if x.dtype == dtypes.float32 else _artanh_double(s)
    return twofold.add(_times_log2(hlo.convert(k, x.dtype)), doubled)


def _artanh_single(s: Two) -> Two:
    """2 artanh s = 2s + 2s³/3 + …, for s² ≤ 0.03: what follows s is less than a hundredth of it."""
    square = s.high * s.high
    rest = square * parts.polynomial([1 / (2 * n + 3) for n in range(6)], square)
    total = twofold.sorted_sum(s.high, s.low + s.high * rest)
    return Two(total.high * 2.0, total.low * 2.0)


def _artanh_double(s: Two) -> Two:
    """The same, with the third power in twice the digits too."""
    square = twofold.multiply(s, s)
    tail = parts.polynomial([1 / (2 * n + 5) for n in range(12)], square.high)
    third = twofold.constant(tail, Fraction(1, 3))
    rest = twofold.add(third, twofold.product(square.high, tail))
    cubed = twofold.multiply(twofold.multiply(s, square), rest)
    total = twofold.add(s, cubed)
    return Two(total.high * 2.0, total.low * 2.0)


def _times_log2(n: Tensor) -> Two:
    """n log 2 for whole numbers of up to 12 bits: log 2 is cut, so that products are exact."""
    bits = parts.digits(n.dtype) - 12
    high = math.floor(twofold.LN2 * (1 << bits)) / (1 << bits)
    return Two(n * high, n * float(twofold.LN2 - Fraction(high)))


def exponential(x: Two) -> Tensor:
    """eˣ: x = n log 2 + r, a series for eʳ; too large and too small numbers become ∞ and 0."""
    dtype = x.high.dtype
    # Half of n is the exponent of a number.
    limit = 170.0 if dtype == dtypes.float32 else 1400.0
    high = hlo.clamp(hlo.full((), -limit, dtype), x.high, hlo.full((), limit, dtype))
    low = where(hlo.compare(high, x.high, "EQ"), x.low, 0)
    n = hlo.round_nearest_even(high * (1 / math.log(2)))
    whole = _times_log2(n)
    rest = twofold.sorted_sum(high - whole.high, low - whole.low)
    r = rest.high
    series = [1 / math.factorial(i + 2) for i in range(parts.terms(dtype, 6, 12))]
    start = twofold.sorted_sum(like(r, 1), r)
    value = start.high + (start.low + (rest.low * start.high + r * r * parts.polynomial(series, r)))
    count = hlo.convert(n, parts.bits(r).dtype)
    half = hlo.shift_right_arithmetic(count, like(count, 1))
    return value * parts.power_of_two(half, dtype) * parts.power_of_two(count - half, dtype)


def power(x: Tensor, y: Tensor, known_exponent: np.ndarray | None) -> Tensor:
    """x to the y with the signs and special points of IEEE 754's `pow`.

    `known_exponent` is y where that is known.
    """
    size = hlo.abs_(x)
    zero, endless = parts.vanishes(size), equals(size, math.inf)
    odd_point = hlo.or_(zero, hlo.or_(endless, is_nan(x)))
    plain = where(odd_point, 1, size)
    # Beyond, every base but 1 gives 0 or infinity.
    limit = 2.0**40 if x.dtype == dtypes.float32 else 2.0**70
    bounded = hlo.clamp(hlo.full((), -limit, x.dtype), y, hlo.full((), limit, x.dtype))
    value = exponential(twofold.scale(logarithm(plain), bounded))
    grows = exceeds(y, 0)
    value = where(zero, where(grows, like(x, 0), math.inf), value)
    value = where(endless, where(grows, like(x, math.inf), 0), value)
    value = where(hlo.or_(is_nan(x), is_nan(y)), math.nan, value)
    value = where(hlo.or_(equals(x, 1), equals(y, 0)), 1, value)
    if known_exponent is not None and (known_exponent % 2 == 0).all():
        return value
    half = y * 0.5
    whole = hlo.compare(hlo.floor(y), y, "EQ")
    odd = hlo.and_(whole, hlo.compare(hlo.floor(half), half, "NE"))
    signed = hlo.select(hlo.and_(odd, parts.is_negative(x)), -value, value)
    undefined = hlo.and_(hlo.compare(x, like(x, 0), "LT"), hlo.not_(whole))
    undefined = hlo.and_(undefined, hlo.and_(hlo.is_finite(x), hlo.is_finite(y)))
    return where(undefined, math.nan, signed)


def cube_root(x: Tensor) -> Tensor:
    """e^(log|x| / 3), made exact by two steps of Newton's; x itself at 0, ∞ and NaN."""
    size = hlo.abs_(x)
    zero = parts.vanishes(size)
    safe = where(hlo.or_(zero, hlo.not_(hlo.is_finite(x))), 1, size)
    root = hlo.exponential(hlo.log(safe) * (1 / 3))
    for _ in range(2):
        root = root - (root - safe / (root * root)) * (1 / 3)
    root = where(hlo.is_finite(x), where(zero, 0, root), size)
    return parts.with_sign(root, x)


def integer_power(x: Tensor, y: Tensor) -> Tensor:
    """x to the y modulo 2 to the width, by squaring; negative exponents leave ±1 and 0."""
    one, zero = like(x, 1), hlo.zeros_like(x)
    value, base, left = one, x, y
    for _ in range(8 * x.dtype.itemsize):
        last = hlo.compare(hlo.and_(left, one), one, "EQ")
        value = hlo.select(last, value * base, value)
        base, left = base * base, hlo.shift_right_logical(left, one)
    if dtypes.is_unsigned(x.dtype):
        return value
    unit = hlo.compare(hlo.abs_(x), one, "EQ")
    lost = hlo.and_(hlo.compare(y, zero, "LT"), hlo.not_(unit))
    return hlo.select(lost, zero, value)
