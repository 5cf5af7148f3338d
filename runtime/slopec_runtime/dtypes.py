"""The dtypes of artifacts: NumPy's names, each with its NumPy dtype and IREE element type."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

if TYPE_CHECKING:
    from iree.runtime import HalElementType

_ELEMENT_TYPES = {
    "bool": "BOOL_8",
    "int8": "SINT_8",
    "int16": "SINT_16",
    "int32": "SINT_32",
    "int64": "SINT_64",
    "uint8": "UINT_8",
    "uint16": "UINT_16",
    "uint32": "UINT_32",
    "uint64": "UINT_64",
    "float16": "FLOAT_16",
    "bfloat16": "BFLOAT_16",
    "float32": "FLOAT_32",
    "float64": "FLOAT_64",
    "complex64": "COMPLEX_64",
    "complex128": "COMPLEX_128",
    "float8_e4m3fn": "FLOAT_8_E4M3_FN",
    "float8_e5m2": "FLOAT_8_E5M2",
}

NAMES: tuple[str, ...] = tuple(_ELEMENT_TYPES)
"""Every dtype name a manifest may contain."""


@cache
def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of that name; bfloat16 and the 8-bit floats come from ml_dtypes.

    >>> numpy_dtype("bfloat16").itemsize
    2
    """
    extended = getattr(ml_dtypes, name, None)
    return np.dtype(name if extended is None else extended)


@cache
def element_type(dtype: np.dtype[Any]) -> HalElementType:
    """The IREE element type that stores a NumPy dtype."""
    from iree.runtime import HalElementType

    found: HalElementType = getattr(HalElementType, _ELEMENT_TYPES[dtype.name])
    return found


def cast_is_exact(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """True if every value of `source` is also a value of `target`.

    NumPy's "safe" casts, less those from 64-bit integers to floats, which round.

    >>> cast_is_exact(np.dtype("int32"), np.dtype("float64"))
    True
    >>> cast_is_exact(np.dtype("int64"), np.dtype("float64"))
    False
    """
    if source.kind in "iu" and source.itemsize == 8 and target.kind not in "iu":
        return False
    return np.can_cast(source, target, "safe")
