"""Images read at computed places: `grid_sample`, and the grids of affine maps.

Coordinates are fractions of the image: −1 is one edge and 1 the other. Each output element is a
weighted sum of the elements around its place.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np

from slopec import dtypes, ops, tracing
from slopec.diagnostics import ShapeError, UsageError, did_you_mean
from slopec.lazy.record import operation
from slopec.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]

Tap = tuple[Tensor, Tensor | None]
"""A whole coordinate, and its weight; None for a weight of 1."""


def _nearest(place: Tensor) -> Iterator[Tap]:
    yield ops.round(place), None


def _linear(place: Tensor) -> Iterator[Tap]:
    low = ops.floor(place)
    yield low, low + 1 - place
    yield low + 1, place - low


def _cubic(place: Tensor) -> Iterator[Tap]:
    """Keys's convolution kernel with a = −3/4 (Keys, 1981)."""
    low, a = ops.floor(place), -0.75
    for k in (-1, 0, 1, 2):
        d = ops.abs(place - (low + k))
        inner = ((a + 2) * d - (a + 3)) * d * d + 1
        outer = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        yield low + k, inner if k in (0, 1) else outer


_TAPS: dict[str, Callable[[Tensor], Iterator[Tap]]] = {
    "nearest": _nearest,
    "bilinear": _linear,
    "bicubic": _cubic,
}
_OUTSIDE = ("zeros", "border", "reflection")


@operation
def grid_sample(
    x: Tensor,
    grid: Tensor,
    mode: Literal["bilinear", "nearest", "bicubic"] = "bilinear",
    padding_mode: Literal["zeros", "border", "reflection"] = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Images (N, C, H, W) at the places of a grid (N, H', W', 2): (N, C, H', W').

    A place is (x, y), each from −1 to 1: centres of the corner elements with `align_corners`, else
    their outer edges. Volumes (N, C, D, H, W) take places (x, y, z). Outside are zeros, the border
    continued, or the image reflected (Jaderberg et al., *Spatial transformer networks*, 2015).

    Raises ShapeError for a grid that does not fit and UsageError for an unknown mode.

    >>> import slopec as sp
    >>> image = sp.arange(4.0).reshape(1, 1, 2, 2)
    >>> print(grid_sample(image, sp.zeros((1, 1, 1, 2))))
    tensor([[[[1.5]]]], float32[1, 1, 1, 1], cpu)
    """
    rank = x.ndim - 2
    _check(x, grid, mode, padding_mode)
    sizes = x.shape[2:]
    flat = ops.reshape(x, (*x.shape[:2], -1))
    taps = []
    for d, size in enumerate(sizes):
        place = _place(grid[..., rank - 1 - d], size, bool(align_corners))
        if mode != "bicubic":
            place = _inside(place, size, padding_mode, bool(align_corners))
        taps.append(list(_TAPS[mode](place)))
    total: Tensor | None = None
    for corner in product(*taps):
        value = _read(flat, corner, sizes, padding_mode, bool(align_corners))
        total = value if total is None else total + value
    assert total is not None
    return ops.reshape(total, (*x.shape[:2], *grid.shape[1:-1]))


def _place(fraction: Tensor, size: int, corners: bool) -> Tensor:
    """Coordinates counted in elements."""
    if corners:
        return (fraction + 1) * ((size - 1) / 2)
    return ((fraction + 1) * size - 1) * 0.5


def _inside(place: Tensor, size: int, outside: str, corners: bool) -> Tensor:
    """Coordinates moved into the image, by the border or by reflection."""
    if outside == "zeros":
        return place
    if outside == "reflection":
        low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
        if span == 0:
            return ops.zeros_like(place)
        distance = ops.abs(place - low)
        turns = ops.floor(distance / span)
        rest = distance - turns * span
        place = ops.where(turns % 2 == 0, rest, span - rest) + low
    return ops.clip(place, 0, size - 1)


def _read(
    flat: Tensor, corner: Sequence[Tap], sizes: Sequence[int], outside: str, corners: bool
) -> Tensor:
    """The elements at one corner around each place, times their weights: (N, C, places)."""
    index: Tensor | None = None
    weight: Tensor | None = None
    there: Tensor | None = None
    for (whole, part), size in zip(corner, sizes, strict=True):
        if outside == "zeros":
            valid = ops.logical_and(whole >= 0, whole <= size - 1)
            there = valid if there is None else ops.logical_and(there, valid)
        near = ops.clip(_inside(whole, size, outside, corners), 0, size - 1)
        number = ops.astype(near, dtypes.int32)
        index = number if index is None else index * size + number
        if part is not None:
            weight = part if weight is None else weight * part
    assert index is not None
    batch = flat.shape[0]
    value = ops.take_along_axis(flat, ops.reshape(index, (batch, 1, -1)), axis=2)
    if there is not None:
        value = ops.where(ops.reshape(there, (batch, 1, -1)), value, 0)
    return value if weight is None else value * ops.reshape(weight, (batch, 1, -1))


def _check(x: Tensor, grid: Tensor, mode: str, outside: str) -> None:
    rank = x.ndim - 2
    if rank not in (2, 3) or grid.ndim != x.ndim or grid.shape[-1] != rank:
        raise ShapeError(
            "S0101",
            f"grid_sample: a grid of shape {grid.shape} for images of shape {x.shape}",
            span=tracing.here(),
            hint="images (N, C, H, W) take a grid (N, H', W', 2), volumes (N, D', H', W', 3)",
        )
    known = [name for name in _TAPS if rank == 2 or name != "bicubic"]
    for what, given, choices in (("mode", mode, known), ("padding_mode", outside, _OUTSIDE)):
        if given not in choices:
            raise UsageError(
                "S0106",
                f"grid_sample: unknown {what} {given!r}; known are {', '.join(choices)}",
                span=tracing.here(),
                hint=did_you_mean(given, list(choices)),
            )


@operation
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """The grid that `grid_sample` maps images of shape `size` with: θ (x, y, 1) for each place.

    `theta` is (N, 2, 3) for `size` (N, C, H, W), which gives (N, H, W, 2); (N, 3, 4) for volumes.

    >>> import slopec as sp
    >>> print(affine_grid(sp.tensor([[[1.0, 0, 0], [0, 1, 0]]]), (1, 1, 1, 2)))
    tensor([[[[-0.5  0. ]
              [ 0.5  0. ]]]], float32[1, 1, 2, 2], cpu)
    """
    sizes = tuple(size)[2:]
    rank = len(sizes)
    if theta.ndim != 3 or theta.shape[1:] != (rank, rank + 1):
        raise ShapeError(
            "S0101",
            f"affine_grid: theta has shape {theta.shape}, expected (N, {rank}, {rank + 1})",
            span=tracing.here(),
        )
    axes = [_fractions(n, align_corners) for n in sizes]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(sizes)], axis=-1)
    given = ops.asarray(places.reshape(-1, rank + 1), dtype=theta.dtype)
    moved = ops.matmul(given, ops.matrix_transpose(theta))
    return ops.reshape(moved, (theta.shape[0], *sizes, rank))


def _fractions(size: int, corners: bool) -> np.ndarray:
    if corners:
        return np.linspace(-1, 1, size) if size > 1 else np.zeros(1)
    return (np.arange(size) * 2 + 1) / size - 1
