"""Element types: one table between NumPy's names and MLIR's, and one rule for promotion.

Promotion follows the lattice that JAX and PyTorch share: bool < unsigned < signed < floating <
complex. Mixed integers widen to the first signed type that holds both; an integer meeting a
floating type takes the floating type; float16 meeting bfloat16 gives float32. Python scalars are
weak: they adopt the other operand's type unless they are of a higher kind (bool < int < float <
complex), and then take the default type of their kind at the operand's width.
"""

from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np

DType = np.dtype[Any]

bool_ = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{n}") for n in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{n}") for n in (16, 32, 64))
bfloat16 = np.dtype(ml_dtypes.bfloat16)
float8_e4m3fn = np.dtype(ml_dtypes.float8_e4m3fn)
float8_e5m2 = np.dtype(ml_dtypes.float8_e5m2)
complex64, complex128 = np.dtype("complex64"), np.dtype("complex128")

MLIR_NAMES: dict[DType, str] = {
    bool_: "i1",
    int8: "i8",
    int16: "i16",
    int32: "i32",
    int64: "i64",
    uint8: "ui8",
    uint16: "ui16",
    uint32: "ui32",
    uint64: "ui64",
    float8_e4m3fn: "f8E4M3FN",
    float8_e5m2: "f8E5M2",
    float16: "f16",
    bfloat16: "bf16",
    float32: "f32",
    float64: "f64",
    complex64: "complex<f32>",
    complex128: "complex<f64>",
}
FROM_MLIR: dict[str, DType] = {name: dtype for dtype, name in MLIR_NAMES.items()}
BY_NAME: dict[str, DType] = {dtype.name: dtype for dtype in MLIR_NAMES}

_ALIASES = {"half": float16, "float": float32, "double": float64, "int": int32, "long": int64}
_UNSIGNED = (uint8, uint16, uint32, uint64)
_SIGNED = (int8, int16, int32, int64)
_FLOATS = (float8_e4m3fn, float8_e5m2, float16, bfloat16, float32, float64)


def as_dtype(dtype: Any) -> DType:
    """The element type named by `dtype` (a NumPy dtype, its name, or bool, int, float, complex).

    Python's `int` and `float` mean the defaults int32 and float32.

    Raises TypeError for a type that has no MLIR counterpart.

    >>> as_dtype("bfloat16").name, as_dtype(float).name
    ('bfloat16', 'float32')
    """
    if isinstance(dtype, type) and dtype in (float, int, bool, complex):
        defaults: dict[Any, DType] = {
            float: float32,
            int: int32,
            bool: bool_,
            complex: complex64,
        }
        default: DType = defaults[dtype]
        return default
    if isinstance(dtype, str):
        known = BY_NAME.get(dtype) or _ALIASES.get(dtype)
        if known is None:
            raise TypeError(f"unknown dtype {dtype!r}; known are {', '.join(BY_NAME)}")
        return known
    result: DType = np.dtype(dtype)
    if result not in MLIR_NAMES:
        raise TypeError(f"dtype {result} has no MLIR counterpart; known are {', '.join(BY_NAME)}")
    return result


def is_floating(dtype: DType) -> bool:
    """Whether `dtype` is a real floating type."""
    return dtype in _FLOATS


def is_complex(dtype: DType) -> bool:
    """Whether `dtype` is complex."""
    return dtype in (complex64, complex128)


def is_integer(dtype: DType) -> bool:
    """Whether `dtype` is a signed or unsigned integer (bool is not)."""
    return dtype in _SIGNED or dtype in _UNSIGNED


def is_unsigned(dtype: DType) -> bool:
    """Whether `dtype` is an unsigned integer."""
    return dtype in _UNSIGNED


def is_differentiable(dtype: DType) -> bool:
    """Whether values of `dtype` carry derivatives: floating or complex."""
    return is_floating(dtype) or is_complex(dtype)


def real_of(dtype: DType) -> DType:
    """The type of the real part of `dtype` values."""
    return {complex64: float32, complex128: float64}.get(dtype, dtype)


def complex_of(dtype: DType) -> DType:
    """The complex type whose parts hold `dtype` values."""
    return complex128 if dtype in (float64, complex128) else complex64


def _rank(dtype: DType) -> int:
    """Position of the kind of `dtype` in bool < integer < floating < complex."""
    if dtype == bool_:
        return 0
    if is_integer(dtype):
        return 1
    return 2 if is_floating(dtype) else 3


def _promote_integers(a: DType, b: DType) -> DType:
    if (a in _UNSIGNED) == (b in _UNSIGNED):
        return a if a.itemsize >= b.itemsize else b
    unsigned, signed = (a, b) if a in _UNSIGNED else (b, a)
    if signed.itemsize > unsigned.itemsize:
        return signed
    if unsigned == uint64:
        return float32
    return _SIGNED[_UNSIGNED.index(unsigned) + 1]


def _promote_floats(a: DType, b: DType) -> DType:
    if a.itemsize != b.itemsize:
        return a if a.itemsize > b.itemsize else b
    return float16 if a.itemsize == 1 else float32


def promote_two(a: DType, b: DType) -> DType:
    """The smallest type of the lattice that both `a` and `b` convert to."""
    if a == b:
        return a
    low, high = sorted((a, b), key=_rank)
    if _rank(low) != _rank(high):
        if _rank(high) == 3 and low == float64:
            return complex128
        return high
    if _rank(a) == 1:
        return _promote_integers(a, b)
    return _promote_floats(a, b) if _rank(a) == 2 else complex128


def scalar_dtype(value: bool | int | float | complex, other: DType) -> DType:
    """The type a Python scalar takes beside an operand of type `other`.

    >>> scalar_dtype(2.0, float16).name, scalar_dtype(1.5, int32).name
    ('float16', 'float32')
    """
    kind = 0 if isinstance(value, bool) else 1 if isinstance(value, int) else 2
    if isinstance(value, complex):
        return complex_of(other) if _rank(other) < 3 else other
    if kind <= _rank(other):
        return other
    return int32 if kind == 1 else float32


def promote(dtypes: Iterable[DType]) -> DType:
    """The promoted type of one or more types.

    >>> promote([int8, uint8]).name, promote([int32, bfloat16]).name
    ('int16', 'bfloat16')
    """
    first, *rest = dtypes
    for dtype in rest:
        first = promote_two(first, dtype)
    return first
