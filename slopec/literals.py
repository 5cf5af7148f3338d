"""Constants as MLIR prints them, read as arrays; its bindings cannot read all element types."""

import re

import numpy as np

from slopec import dtypes
from slopec.dtypes import DType


def read(text: str, shape: tuple[int, ...], dtype: DType) -> np.ndarray:
    """The elements of a printed constant; raises TypeError for one kept in a resource section.

    >>> read("dense<[1.0, 0x7E00, -0.0]> : tensor<3xf16>", (3,), dtypes.float16)
    array([ 1., nan, -0.], dtype=float16)
    """
    body = re.search(r"dense<(.*?)> : tensor", text, re.DOTALL)
    if body is None:
        raise TypeError(f"constant of type {dtype} is kept in a resource: {text[:80]}")
    spelled = body.group(1)
    if spelled.startswith('"0x'):
        raw = np.frombuffer(bytes.fromhex(spelled[3:-1]), dtype)
        return _shaped(raw, shape)
    tokens = re.findall(r"[^\s,()\[\]]+", spelled)
    if dtypes.is_complex(dtype):
        parts = [_number(token, dtypes.real_of(dtype)) for token in tokens]
        flat = np.array([complex(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)])
    else:
        flat = np.array([_number(token, dtype) for token in tokens])
    return _shaped(flat.astype(dtype), shape)


def _shaped(flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Elements in order as an array; a single one stands for all."""
    return np.broadcast_to(flat[0], shape) if flat.size == 1 else flat.reshape(shape)


def _number(token: str, dtype: DType) -> float:
    if not token.startswith("0x"):
        return float(token)
    return float(np.array([int(token, 16)], f"uint{8 * dtype.itemsize}").view(dtype)[0])
