"""Arithmetic, element by element: NumPy's functions, and what they do differently.

Integers and Booleans take the paths of `integers`; low precision is computed in float32.
"""

import numpy as np

from slopec.reference import integers
from slopec.reference.rounding import LOW, in_float32, widened
from slopec.reference.table import Array, elementwise

elementwise("stablehlo.add")(np.add)
elementwise("stablehlo.subtract")(np.subtract)
elementwise("stablehlo.multiply")(np.multiply)
elementwise("stablehlo.negate")(np.negative)
elementwise("stablehlo.abs")(np.abs)
elementwise("stablehlo.maximum")(np.maximum)
elementwise("stablehlo.minimum")(np.minimum)
elementwise("stablehlo.exponential")(in_float32(np.exp))
elementwise("stablehlo.log")(in_float32(np.log))
elementwise("stablehlo.sqrt")(in_float32(np.sqrt))
elementwise("stablehlo.sine")(in_float32(np.sin))
elementwise("stablehlo.cosine")(in_float32(np.cos))
elementwise("stablehlo.tan", "chlo.tan")(in_float32(np.tan))
elementwise("stablehlo.floor")(in_float32(np.floor))
elementwise("stablehlo.ceil")(in_float32(np.ceil))
elementwise("stablehlo.round_nearest_even")(in_float32(np.rint))
elementwise("chlo.sinh")(in_float32(np.sinh))
elementwise("chlo.cosh")(in_float32(np.cosh))
elementwise("chlo.asin")(in_float32(np.arcsin))
elementwise("chlo.acos")(in_float32(np.arccos))
elementwise("chlo.atan")(in_float32(np.arctan))
elementwise("chlo.asinh")(in_float32(np.arcsinh))
elementwise("chlo.acosh")(in_float32(np.arccosh))
elementwise("chlo.atanh")(in_float32(np.arctanh))
elementwise("stablehlo.is_finite")(lambda x: np.isfinite(widened(x)))
elementwise("chlo.is_inf")(lambda x: np.isinf(widened(x)))
elementwise("chlo.is_pos_inf")(lambda x: np.isposinf(widened(x)))
elementwise("chlo.is_neg_inf")(lambda x: np.isneginf(widened(x)))


@elementwise("stablehlo.exponential_minus_one")
def exponential_minus_one(x: Array) -> Array:
    """`e^x − 1`; of a + ib it is expm1(a) cos b − 2 sin²(b/2) + i eᵃ sin b, exact near zero."""
    if x.dtype.kind != "c":
        return _float_expm1(x)
    a, b = x.real, x.imag
    turned = np.expm1(a) * np.cos(b) - 2 * np.square(np.sin(b / 2))
    result = np.empty(x.shape, x.dtype)
    # Without an angle there is nothing to turn, and a radius of zero or infinity keeps its size.
    # Zeros are positive, as the Array API has them.
    result.real = np.where(b == 0, np.expm1(a) + 0.0, np.where(a == -np.inf, -1, turned))
    result.imag = np.where(b == 0, b, np.where(a == -np.inf, 0, np.exp(a) * np.sin(b)))
    result.real = np.where((a == np.inf) & ~np.isfinite(b), np.inf, result.real)
    return result


_float_expm1 = in_float32(np.expm1)


@elementwise("stablehlo.tanh")
def tanh(x: Array) -> Array:
    """`(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`; at ±∞ + ib it is ±1 + 0i with the sign of b."""
    result = np.asarray(_float_tanh(x))
    if x.dtype.kind == "c":
        ends = np.isinf(x.real) & np.isfinite(x.imag)
        result.imag = np.where(ends, np.copysign(0.0, x.imag), result.imag)
    return result


_float_tanh = in_float32(np.tanh)


@elementwise("stablehlo.divide")
def divide(x: Array, y: Array) -> Array:
    """The quotient; of integers, rounded toward zero."""
    if x.dtype.kind in "iu":
        return integers.divide(x, y)
    return np.divide(x, y)


@elementwise("stablehlo.remainder")
def remainder(x: Array, y: Array) -> Array:
    """`x − trunc(x/y)·y`, with the sign of `x`."""
    if x.dtype.kind in "iu":
        return integers.remainder(x, y)
    return _float_remainder(x, y)


_float_remainder = in_float32(np.fmod)


@elementwise("stablehlo.power")
def power(x: Array, y: Array) -> Array:
    """`x` to the `y`."""
    if x.dtype.kind in "iu":
        return integers.power(x, y)
    return _float_power(x, y)


_float_power = in_float32(np.power)


@elementwise("stablehlo.logistic")
@in_float32
def logistic(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    one = x.dtype.type(1)
    result: Array = one / (one + np.exp(-x))
    return result


@elementwise("stablehlo.rsqrt")
@in_float32
def rsqrt(x: Array) -> Array:
    """1 / √x."""
    result: Array = x.dtype.type(1) / np.sqrt(x)
    return result


@elementwise("stablehlo.round_nearest_afz")
@in_float32
def round_nearest_afz(x: Array) -> Array:
    """The nearest integer, halves away from zero; small negative numbers round to −0."""
    whole = np.trunc(x)
    away = (np.abs(x - whole) >= 0.5).astype(x.dtype)
    result: Array = whole + np.copysign(away, x)
    return result


@elementwise("stablehlo.clamp")
def clamp(low: Array, x: Array, high: Array) -> Array:
    """`minimum(maximum(x, low), high)`; not-a-number in any of them prevails."""
    return np.minimum(np.maximum(x, low), high)


@elementwise("stablehlo.select")
def select(pred: Array, on_true: Array, on_false: Array) -> Array:
    """`on_true` where `pred` holds, else `on_false`."""
    return np.where(pred, on_true, on_false)


@elementwise("stablehlo.not")
def logical_not(x: Array) -> Array:
    """Every bit flipped."""
    return np.invert(x)


elementwise("stablehlo.and")(np.bitwise_and)
elementwise("stablehlo.or")(np.bitwise_or)
elementwise("stablehlo.xor")(np.bitwise_xor)


@elementwise("chlo.next_after")
def next_after(x: Array, y: Array) -> Array:
    """The neighbour of `x` toward `y`, found by stepping its bits."""
    if x.dtype not in LOW:
        return np.nextafter(x, y)
    bits = x.view(f"i{x.dtype.itemsize}")
    one = bits.dtype.type(1)
    wide, goal = widened(x), widened(y)
    up = (goal > wide) == (wide > 0)
    stepped = np.where(up, bits + one, bits - one).astype(bits.dtype).view(x.dtype)
    smallest = np.copysign(np.ones_like(wide), goal).astype(x.dtype)
    smallest = (smallest.view(bits.dtype) & np.iinfo(bits.dtype).min | one).view(x.dtype)
    moved = np.where(wide == 0, smallest, stepped)
    result = np.where(wide == goal, y, moved)
    return np.where(np.isnan(wide) | np.isnan(goal), np.array(np.nan).astype(x.dtype), result)
