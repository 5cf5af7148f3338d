"""Windows that fade a stretch of a signal in and out, under PyTorch's names.

A window is a constant, computed in double precision. A `periodic` one, for spectra, is the
beginning of a symmetric one that is longer by 1; NumPy's and those of filters are symmetric.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from slopec import dtypes
from slopec.ops.common import bad_argument
from slopec.ops.creation import dtype_or, placed
from slopec.tensor import Tensor

Shape = Callable[[np.ndarray], np.ndarray]
"""What a window is at places from 0, its beginning, to 1, its end."""

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    name: str, length: int, periodic: bool, shape: Shape, dtype: Any, device: str | None
) -> Tensor:
    """The window of a shape; raises UsageError for a length or a dtype that none has."""
    if isinstance(length, bool) or not hasattr(length, "__index__") or length < 0:
        raise bad_argument(f"{name}: the length is a natural number, got {length!r}")
    wanted = dtype_or(dtype, dtypes.float32)
    if not dtypes.is_floating(wanted):
        raise bad_argument(f"{name}: windows are of floats, got {wanted}")
    last = length if periodic else length - 1
    values = shape(np.arange(length) / last) if length > 1 else np.ones(length)
    return placed(Tensor(np.asarray(values, wanted)), device)


def _cosines(*weights: float) -> Shape:
    """Σ wₖ cos(2πkt), k from 0."""
    return lambda t: np.sum([w * np.cos(2 * np.pi * k * t) for k, w in enumerate(weights)], 0)


def _triangle(t: np.ndarray) -> np.ndarray:
    values: np.ndarray = 1 - np.abs(2 * t - 1)
    return values


def _bessel(beta: float) -> Shape:
    return lambda t: np.i0(beta * np.sqrt(1 - (2 * t - 1) ** 2)) / np.i0(beta)


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
    shape = _cosines(alpha, -beta)
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
    shape = _cosines(0.42, -0.5, 0.08)
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
    return _window("bartlett_window", window_length, periodic, _triangle, dtype, device)


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
    return _window("kaiser_window", window_length, periodic, _bessel(beta), dtype, device)
