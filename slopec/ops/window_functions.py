"""Windows that fade a stretch of a signal in and out, under PyTorch's names.

A window is a constant, computed in double precision. A `periodic` one, for spectra, is the
beginning of a symmetric one that is longer by 1; NumPy's and those of filters are symmetric.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from slopec import dtypes
from slopec.ops.common import bad_argument
from slopec.ops.creation import dtype_or, placed
from slopec.tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    name: str,
    length: int,
    periodic: bool,
    shape: Callable[[np.ndarray], np.ndarray],
    dtype: Any,
    device: str | None,
) -> Tensor:
    """`shape` of the places of a window, from 0 at its beginning to 1 at its end."""
    if isinstance(length, bool) or not hasattr(length, "__index__") or length < 0:
        raise bad_argument(f"{name}: the length is a natural number, got {length!r}")
    wanted = dtype_or(dtype, dtypes.float32)
    if not dtypes.is_floating(wanted):
        raise bad_argument(f"{name}: windows are of floats, got {wanted}")
    last = length if periodic else length - 1
    values = shape(np.arange(length) / last) if length > 1 else np.ones(length)
    return placed(Tensor(np.asarray(values, wanted)), device)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """½ − ½ cos(2πt), t from 0 to 1: zero at both ends.

    >>> import slopec as sp
    >>> sp.hann_window(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return hamming_window(window_length, periodic, 0.5, 0.5, dtype=dtype, device=device)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """alpha − beta cos(2πt), t from 0 to 1.

    >>> import slopec as sp
    >>> print(sp.hamming_window(3, periodic=False))
    tensor([0.08 1.   0.08], float32[3], cpu)
    """

    def shape(t: np.ndarray) -> np.ndarray:
        return alpha - beta * np.cos(2 * math.pi * t)

    return _window("hamming_window", window_length, periodic, shape, dtype, device)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """0.42 − 0.5 cos(2πt) + 0.08 cos(4πt), t from 0 to 1.

    >>> import slopec as sp
    >>> print(sp.blackman_window(4)[1:].round(decimals=4))
    tensor([0.34 1.   0.34], float32[3], cpu)
    """

    def shape(t: np.ndarray) -> np.ndarray:
        return 0.42 - 0.5 * np.cos(2 * math.pi * t) + 0.08 * np.cos(4 * math.pi * t)

    return _window("blackman_window", window_length, periodic, shape, dtype, device)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """1 − |2t − 1|, t from 0 to 1: a triangle.

    >>> import slopec as sp
    >>> sp.bartlett_window(5, periodic=False).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def shape(t: np.ndarray) -> np.ndarray:
        values: np.ndarray = 1 - np.abs(2 * t - 1)
        return values

    return _window("bartlett_window", window_length, periodic, shape, dtype, device)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """I₀(β √(1 − (2t − 1)²)) / I₀(β), t from 0 to 1, with the modified Bessel function I₀.

    β weighs the width of the spectrum's peak against the height of its sides (Kaiser, 1966).

    >>> import slopec as sp
    >>> print(sp.kaiser_window(3, periodic=False, beta=5.0).round(decimals=4))
    tensor([0.0367 1.     0.0367], float32[3], cpu)
    """

    def shape(t: np.ndarray) -> np.ndarray:
        values: np.ndarray = np.i0(beta * np.sqrt(1 - (2 * t - 1) ** 2)) / np.i0(beta)
        return values

    return _window("kaiser_window", window_length, periodic, shape, dtype, device)
