"""Low precision: what has fewer than 32 bits is computed in float32 and rounded once, as XLA does.

So a bfloat16 sum of a thousand ones is 1000 rounded, not 256.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from slopec import dtypes
from slopec.dtypes import DType
from slopec.reference.table import Array

_PIECE = 1 << 13

LOW = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float8_e4m3fn, dtypes.float8_e5m2})


def widened(array: Array) -> Array:
    """The array in the precision it is computed in."""
    return array.astype(np.float32) if array.dtype in LOW else array


def wide_dtype(dtype: DType) -> DType:
    """The precision that values of `dtype` are computed in."""
    return dtypes.float32 if dtype in LOW else dtype


def in_float32(function: Callable[..., Array]) -> Callable[..., Array]:
    """Let a function of float32 and wider also take low precision."""

    @wraps(function)
    def kernel(*arrays: Array) -> Array:
        dtype = arrays[0].dtype
        if dtype not in LOW:
            return function(*arrays)
        return function(*[array.astype(np.float32) for array in arrays]).astype(dtype)

    return kernel


def in_float64(function: Callable[..., Array]) -> Callable[..., Array]:
    """Let a function of float64 take every real floating type.

    Large arrays go through it piece by piece, so that its intermediate results stay in the cache.
    """

    @wraps(function)
    def kernel(*arrays: Array) -> Array:
        first = arrays[0]
        if len({array.shape for array in arrays}) > 1 or first.size <= _PIECE:
            wide = [array.astype(np.float64) for array in arrays]
            return function(*wide).astype(first.dtype)
        flat = [array.reshape(-1) for array in arrays]
        result = np.empty(first.size, first.dtype)
        for start in range(0, first.size, _PIECE):
            piece = slice(start, start + _PIECE)
            result[piece] = function(*(array[piece].astype(np.float64) for array in flat))
        return result.reshape(first.shape)

    return kernel
