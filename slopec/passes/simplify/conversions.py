"""Conversions between element types, and the parts of complex numbers."""

from typing import Any

import ml_dtypes

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.passes.op import Op, is_same
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor


@pattern("convert", "bitcast_convert")
def convert_to_same(op: Op) -> Tensor | None:
    """convert(x) → x

    To the type that x has.
    """
    (x,) = op.operands
    return x if x.dtype == op.dtype else None


@pattern("convert", of="convert")
def convert_twice(op: Op) -> Tensor | None:
    """convert(convert(x)) → convert(x)

    Where the type in between holds every value of the type of x.
    """
    inner = op.source()
    (x,) = inner.operands
    return hlo.convert(x, op.dtype) if holds_all(inner.dtype, x.dtype) else None


@pattern("bitcast_convert", of="bitcast_convert")
def bitcast_twice(op: Op) -> Tensor | None:
    """bitcast_convert(bitcast_convert(x)) → bitcast_convert(x)

    For types of one size.
    """
    inner = op.source()
    if inner.shape != op.shape or inner.operands[0].shape != op.shape:
        return None
    return hlo.bitcast_convert(inner.operands[0], op.dtype)


@pattern("real", "imag", of="complex")
def part_of_complex(op: Op) -> Tensor | None:
    """real(complex(a, b)) → a, imag(complex(a, b)) → b"""
    inner = op.source()
    return inner.operands[op.name == "imag"]


@pattern("complex", of="real, imag")
def complex_of_parts(op: Op) -> Tensor | None:
    """complex(real(z), imag(z)) → z"""
    real, imag = op.source(0), op.source(1)
    if not is_same(real.operands[0], imag.operands[0]):
        return None
    (z,) = real.operands
    return z if z.dtype == op.dtype else None


def holds_all(wide: DType, narrow: DType) -> bool:
    """Whether every value of `narrow` is one of `wide`, so that converting loses nothing."""
    if narrow in (wide, dtypes.bool_):
        return True
    if dtypes.is_complex(wide):
        return holds_all(dtypes.real_of(wide), dtypes.real_of(narrow))
    if dtypes.is_complex(narrow) or wide == dtypes.bool_:
        return False
    if dtypes.is_floating(narrow):
        return dtypes.is_floating(wide) and _holds_floats(wide, narrow)
    bits = 8 * narrow.itemsize - (not dtypes.is_unsigned(narrow))
    if dtypes.is_floating(wide):
        info = _finfo(wide)
        return bool(bits <= info.nmant + 1 and bits < info.maxexp)
    if dtypes.is_unsigned(wide):
        return dtypes.is_unsigned(narrow) and wide.itemsize >= narrow.itemsize
    return 8 * wide.itemsize - 1 >= bits


def _holds_floats(wide: DType, narrow: DType) -> bool:
    """Precision, largest and smallest numbers; f8E4M3FN has no infinity to receive one."""
    if wide == dtypes.float8_e4m3fn:
        return False
    a, b = _finfo(wide), _finfo(narrow)
    return bool(a.nmant >= b.nmant and a.maxexp >= b.maxexp and a.minexp <= b.minexp)


def _finfo(dtype: DType) -> Any:
    return ml_dtypes.finfo(dtype)
