"""Views of bits, conversions between types, comparison by total order."""

from collections.abc import Callable

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.reference.quantize import quantized
from slopec.reference.rounding import widened
from slopec.reference.table import (
    Array,
    Kernel,
    attribute,
    check_element_type,
    result_dtype,
    rule,
)


@rule("stablehlo.convert", lanewise=True)
def convert(op: ir.Operation) -> Kernel:
    """Another element type."""
    dtype = result_dtype(op)
    return lambda x: converted(x, dtype)


def converted(x: Array, dtype: DType) -> Array:
    """`x` as `dtype`.

    Integers wrap; floats become integers by truncation, saturating, with 0 for not-a-number; the
    imaginary part is dropped; every nonzero value is true.
    """
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    if dtype == dtypes.bool_:
        return np.not_equal(x, np.zeros((), x.dtype))
    if dtypes.is_integer(dtype) and dtypes.is_floating(x.dtype):
        return _saturated(widened(x), dtype)
    return x.astype(dtype)


def _saturated(x: Array, dtype: DType) -> Array:
    bounds = np.iinfo(dtype)
    below, above = x <= float(bounds.min), x >= 2.0 ** (bounds.bits - (dtype.kind == "i"))
    inside = ~(below | above | np.isnan(x))
    if np.all(inside):
        return x.astype(dtype)
    result = np.where(inside, x, x.dtype.type(0)).astype(dtype)
    result = np.where(below, dtype.type(bounds.min), result)
    return np.where(above, dtype.type(bounds.max), result)


@rule("stablehlo.bitcast_convert")
def bitcast_convert(op: ir.Operation) -> Kernel:
    """The same bits as another type; a change of width adds or removes the last dimension.

    Narrow elements are ordered from the lowest bits up. Quantised ones are their stored integers.
    """
    kind = quantized(str(op.results[0].type))
    dtype = kind.storage if kind else result_dtype(op)
    return lambda x: _recast(x, dtype)


def _recast(x: Array, dtype: DType) -> Array:
    if x.dtype == dtype:
        return x
    if x.dtype == dtypes.bool_:
        x = np.packbits(x, axis=-1, bitorder="little")
        return x[..., 0].view(dtype) if dtype.itemsize == 1 else _recast(x, dtype)
    if dtype == dtypes.bool_:
        octets = _recast(x, dtypes.uint8).reshape(*x.shape, x.dtype.itemsize)
        return np.unpackbits(octets, axis=-1, bitorder="little").astype(np.bool_)
    if x.dtype.itemsize == dtype.itemsize:
        return np.asarray(x).view(dtype)
    flat = np.ascontiguousarray(x).reshape(-1).view(dtype)
    if x.dtype.itemsize > dtype.itemsize:
        return flat.reshape(*x.shape, x.dtype.itemsize // dtype.itemsize)
    return flat.reshape(x.shape[:-1])


@rule("stablehlo.reduce_precision", lanewise=True)
def reduce_precision(op: ir.Operation) -> Kernel:
    """The nearest value with fewer exponent and mantissa bits, in the same type."""
    exponent: int = attribute(op, "exponent_bits")
    mantissa: int = attribute(op, "mantissa_bits")
    return lambda x: _reduced(x, exponent, mantissa)


def _reduced(x: Array, exponent_bits: int, mantissa_bits: int) -> Array:
    """Round half to even on the bits, then flush what the smaller exponent cannot hold."""
    limits = dtypes_info(x.dtype)
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    bits = np.asarray(x).view(unsigned)
    dropped = limits.nmant - mantissa_bits
    if dropped > 0:
        last = bits >> unsigned.type(dropped) & unsigned.type(1)
        half = unsigned.type((1 << (dropped - 1)) - 1)
        bits = (bits + last + half) & ~unsigned.type((1 << dropped) - 1)
    rounded = bits.view(x.dtype)
    wide = widened(rounded)
    if exponent_bits < limits.nexp:
        highest = (1 << (exponent_bits - 1)) - 1
        size = np.abs(wide)
        overflow = size >= np.ldexp(wide.dtype.type(1), highest + 1)
        underflow = size < np.ldexp(wide.dtype.type(1), 1 - highest)
        wide = np.where(overflow, np.copysign(np.inf, wide), wide)
        wide = np.where(underflow, np.copysign(0.0, wide), wide)
    return np.where(np.isnan(widened(x)), x, wide.astype(x.dtype))


def dtypes_info(dtype: DType) -> "np.finfo[np.floating]":
    """The parameters of a floating type."""
    import ml_dtypes

    info: np.finfo[np.floating] = ml_dtypes.finfo(dtype)
    return info


_DIRECTIONS: dict[str, Callable[[Array, Array], Array]] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "LT": np.less,
    "LE": np.less_equal,
    "GT": np.greater,
    "GE": np.greater_equal,
}


@rule("stablehlo.compare", lanewise=True)
def compare(op: ir.Operation) -> Kernel:
    """A comparison; not-a-number is unequal to everything unless the order is total."""
    check_element_type(op)
    test = _DIRECTIONS[attribute(op, "comparison_direction")]
    if attribute(op, "compare_type") != "TOTALORDER":
        return test
    return lambda x, y: test(total_order(x), total_order(y))


def total_order(x: Array) -> Array:
    """Integers that order as IEEE 754's totalOrder: −NaN < −∞ < … < −0 < +0 < … < +∞ < +NaN.

    Reading the bits as a signed integer orders the positive numbers; negative ones have all bits
    but the sign flipped. Integers are their own key.
    """
    if not dtypes.is_floating(x.dtype):
        return x
    bits = np.asarray(x).view(f"i{x.dtype.itemsize}")
    lower = np.iinfo(bits.dtype).max
    return np.where(bits < 0, bits ^ bits.dtype.type(lower), bits)
