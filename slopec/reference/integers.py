"""Integer arithmetic as machines do it: wrapping, truncating, and defined where C is not.

Division by zero gives all bits set and a remainder equal to the dividend, the most negative number
divided by −1 gives itself, and shifting by the width or more shifts everything out (XLA's choices).
"""

import numpy as np

from slopec.reference.table import Array, elementwise


def _is_minus_one(y: Array) -> Array:
    return y == -1 if y.dtype.kind == "i" else np.zeros(y.shape, np.bool_)


def divide(x: Array, y: Array) -> Array:
    """The quotient, rounded toward zero."""
    negated = _is_minus_one(y)
    safe = np.where((y == 0) | negated, y.dtype.type(1), y)
    quotient = np.floor_divide(x, safe)
    if x.dtype.kind == "i":
        inexact = (quotient * safe != x) & ((x < 0) != (safe < 0))
        quotient = quotient + inexact.astype(x.dtype)
    all_ones = np.array(-1).astype(y.dtype)
    return np.where(y == 0, all_ones, np.where(negated, np.negative(x), quotient))


def remainder(x: Array, y: Array) -> Array:
    """What truncated division leaves; its sign is the dividend's."""
    trivial = (y == 0) | _is_minus_one(y)
    left = np.fmod(x, np.where(trivial, y.dtype.type(1), y))
    return np.where(y == 0, x, left)


def power(x: Array, y: Array) -> Array:
    """`x` to the `y`; a negative exponent gives 0 unless `x` is 1 or −1.

    By repeated squaring, modulo 2 to the width.
    """
    if x.dtype.kind == "i":
        unit = (x == 1) | (x == -1)
        exponent = np.where((y < 0) & unit, y & y.dtype.type(1), y)
        return np.where((y < 0) & ~unit, x.dtype.type(0), _power(x, np.maximum(exponent, 0)))
    return _power(x, y)


def _power(x: Array, y: Array) -> Array:
    result = np.ones(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    one = y.dtype.type(1)
    while np.any(y):
        result = np.where(y & one, result * x, result)
        x, y = x * x, y >> one
    return result


def _unsigned(x: Array) -> Array:
    return x.view(f"u{x.dtype.itemsize}") if x.dtype.kind == "i" else x


def _width(x: Array) -> int:
    return 8 * x.dtype.itemsize


def _too_far(x: Array, distance: Array) -> Array:
    return _unsigned(distance) >= _width(x)


@elementwise("stablehlo.shift_left")
def shift_left(x: Array, distance: Array) -> Array:
    """Shift bits up; zeros come in."""
    far = _too_far(x, distance)
    return np.where(far, x.dtype.type(0), np.left_shift(x, np.where(far, 0, distance)))


@elementwise("stablehlo.shift_right_logical")
def shift_right_logical(x: Array, distance: Array) -> Array:
    """Shift bits down; zeros come in."""
    far, bits = _too_far(x, distance), _unsigned(x)
    steps = _unsigned(np.where(far, distance.dtype.type(0), distance))
    shifted: Array = np.right_shift(bits, steps)
    return np.where(far, bits.dtype.type(0), shifted).view(x.dtype)


@elementwise("stablehlo.shift_right_arithmetic")
def shift_right_arithmetic(x: Array, distance: Array) -> Array:
    """Shift bits down; copies of the sign bit come in."""
    signed = x.view(f"i{x.dtype.itemsize}")
    limit = np.where(_too_far(x, distance), _width(x) - 1, distance).astype(signed.dtype)
    shifted: Array = np.right_shift(signed, limit)
    return shifted.view(x.dtype)


@elementwise("stablehlo.popcnt")
def popcnt(x: Array) -> Array:
    """The number of bits set, by adding neighbouring bit fields of doubling width."""
    bits: Array = _unsigned(x).astype(np.uint64)
    for width, mask in _FIELDS:
        bits = (bits & mask) + ((bits >> width) & mask)
    return bits.astype(x.dtype)


_FIELDS = [(np.uint64(1 << k), np.uint64((2**64 - 1) // (2 ** (1 << k) + 1))) for k in range(6)]


@elementwise("stablehlo.count_leading_zeros")
def count_leading_zeros(x: Array) -> Array:
    """The number of zeros above the highest bit set."""
    bits = _unsigned(x)
    distance = 1
    while distance < _width(x):
        bits = bits | (bits >> bits.dtype.type(distance))
        distance *= 2
    zeros: Array = _width(x) - popcnt(bits).astype(np.int64)
    return zeros.astype(x.dtype)


@elementwise("chlo.mulhi")
def multiply_high(x: Array, y: Array) -> Array:
    """The upper half of the double-width product."""
    if x.dtype.itemsize < 8:
        wide = np.dtype(f"{x.dtype.kind}8")
        product: Array = x.astype(wide) * y.astype(wide) >> wide.type(_width(x))
        return product.astype(x.dtype)
    a, b = _unsigned(x), _unsigned(y)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    a0, a1, b0, b1 = a & low, a >> half, b & low, b >> half
    middle = a1 * b0 + (a0 * b0 >> half)
    other = a0 * b1 + (middle & low)
    high: Array = a1 * b1 + (middle >> half) + (other >> half)
    if x.dtype.kind == "i":
        high = high - np.where(x < 0, b, 0).astype("u8") - np.where(y < 0, a, 0).astype("u8")
    return high.view(x.dtype)
