"""Pictures of another size: every dimension is resized by itself.

Interpolating along a dimension is a product with a matrix of weights that shapes alone determine,
so it is a constant, and derivatives and batching follow from the product.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.adaptive import adaptive_avg_pool
from slopec.ops.common import ArrayLike, as_tensor, bad_argument, floating, per_dimension
from slopec.ops.linear import matmul
from slopec.ops.manipulation import moveaxis
from slopec.ops.repetition import repeat
from slopec.ops.taking import take
from slopec.tensor import Tensor

__all__ = ["interpolate"]

_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_MODES = ("nearest", "nearest-exact", "area", "bicubic", *_LINEAR)


def interpolate(
    x: ArrayLike,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """Signals (N, C, L), images (N, C, H, W) or volumes, resized to `size` or by `scale_factor`.

    Modes, as in PyTorch: "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"
    and "area" (means over windows). With `align_corners` the centres of the corners, else the
    corners themselves stay where they are. `recompute_scale_factor` takes the ratio of the sizes,
    which are whole, for the factor.

    Raises UsageError unless exactly one of `size` and `scale_factor` is given, or for an unknown
    mode; ShapeError for inputs without spatial dimensions.

    >>> import slopec as sp
    >>> x = sp.tensor([[[0.0, 1.0]]])
    >>> sp.interpolate(x, scale_factor=2).tolist(), sp.interpolate(x, 4, mode="linear").tolist()
    ([[[0.0, 0.0, 1.0, 1.0]]], [[[0.0, 0.25, 0.75, 1.0]]])
    """
    given = as_tensor("interpolate", x)
    rank = given.ndim - 2
    if rank < 1:
        raise ShapeError(
            "S0101",
            f"interpolate: expected (N, C, spatial …), got shape {given.shape}",
            span=tracing.here(),
        )
    _check_mode(mode, rank)
    sizes, ratios = _sizes(given.shape[2:], size, scale_factor)
    if recompute_scale_factor:
        ratios = [n / m for n, m in zip(given.shape[2:], sizes, strict=True)]
    if mode == "area":
        return adaptive_avg_pool(given, sizes)
    if mode.startswith("nearest"):
        return _nearest(given, sizes, ratios, 0.5 if mode == "nearest-exact" else 0.0)
    weights = _cubic if mode == "bicubic" else _linear
    return _weighted(floating("interpolate", given), sizes, ratios, weights, bool(align_corners))


def _check_mode(mode: str, rank: int) -> None:
    if mode not in _MODES:
        raise bad_argument(f"interpolate: unknown mode {mode!r}; known are {', '.join(_MODES)}")
    wanted = 2 if mode == "bicubic" else _LINEAR.get(mode, rank)
    if wanted != rank:
        raise bad_argument(f"interpolate: mode {mode!r} is for {wanted} spatial dimensions")


def _sizes(
    shape: Sequence[int], size: int | Sequence[int] | None, factor: float | Sequence[float] | None
) -> tuple[tuple[int, ...], list[float]]:
    """The new sizes, and how many old elements one new element stands for."""
    rank = len(shape)
    if (size is None) == (factor is None):
        raise bad_argument("interpolate: give either `size` or `scale_factor`")
    if size is not None:
        sizes = per_dimension("interpolate", "size", size, rank)
        return sizes, [n / m for n, m in zip(shape, sizes, strict=True)]
    assert factor is not None
    factors = [float(f) for f in factor] if isinstance(factor, Sequence) else [float(factor)] * rank
    if len(factors) != rank:
        raise bad_argument(f"interpolate: {len(factors)} scale factors for {rank} dimensions")
    sizes = tuple(math.floor(n * f) for n, f in zip(shape, factors, strict=True))
    return sizes, [1 / f for f in factors]


def _nearest(x: Tensor, sizes: Sequence[int], ratios: Sequence[float], shift: float) -> Tensor:
    for axis, (size, ratio) in enumerate(zip(sizes, ratios, strict=True), 2):
        old = x.shape[axis]
        if size % old == 0 and ratio == old / size:
            x = repeat(x, size // old, axis)
            continue
        places = np.floor((np.arange(size) + shift) * ratio).astype(np.int32)
        x = take(x, np.minimum(places, old - 1), axis)
    return x


Weights = Callable[[np.ndarray, int], list[tuple[np.ndarray, np.ndarray]]]
"""For places between elements: the elements used for each, and their weights."""


def _linear(places: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    low = np.clip(places, 0, size - 1)
    first = np.floor(low)
    part = low - first
    return [(first, 1 - part), (np.minimum(first + 1, size - 1), part)]


def _cubic(places: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Keys' convolution with a = -0.75, as PyTorch has it (Keys, 1981)."""
    a, first = -0.75, np.floor(places)
    part = places - first

    def near(t: np.ndarray) -> np.ndarray:
        return np.polyval([a + 2, -(a + 3), 0, 1], t)

    def far(t: np.ndarray) -> np.ndarray:
        return np.polyval([a, -5 * a, 8 * a, -4 * a], t)

    weights = [far(part + 1), near(part), near(1 - part), far(2 - part)]
    return [(np.clip(first + i - 1, 0, size - 1), w) for i, w in enumerate(weights)]


def _weighted(
    x: Tensor, sizes: Sequence[int], ratios: Sequence[float], weights: Weights, corners: bool
) -> Tensor:
    for axis, (size, ratio) in enumerate(zip(sizes, ratios, strict=True), 2):
        old, index = x.shape[axis], np.arange(size)
        if corners:
            places = index * ((old - 1) / (size - 1) if size > 1 else 0.0)
        else:
            places = (index + 0.5) * ratio - 0.5
        matrix = np.zeros((old, size), np.float64)
        for taps, amounts in weights(places, old):
            np.add.at(matrix, (taps.astype(int), index), amounts)
        factor = hlo.constant(matrix.astype(dtypes.real_of(x.dtype)))
        x = moveaxis(matmul(moveaxis(x, axis, -1), factor), -1, axis)
    return x
