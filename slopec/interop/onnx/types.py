"""ONNX's numbers for element types, and dtypes of NumPy."""

from slopec import dtypes
from slopec.diagnostics import UsageError
from slopec.dtypes import DType

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8_e4m3fn",
    19: "float8_e5m2",
}
_NUMBERS = {name: number for number, name in _TYPES.items()}


def dtype_of(number: int) -> DType:
    """The dtype that ONNX calls by a number of `TensorProto.DataType`."""
    if number not in _TYPES:
        raise UsageError("S0164", f"ONNX's element type {number} has no counterpart here")
    return dtypes.BY_NAME[_TYPES[number]]


def number_of(dtype: DType) -> int:
    """What ONNX calls a dtype."""
    if dtype.name not in _NUMBERS:
        raise UsageError("S0166", f"the dtype {dtype} has no counterpart in ONNX")
    return _NUMBERS[dtype.name]
