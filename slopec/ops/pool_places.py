"""Where the largest element of each window stands; and the pool undone.

Windows depend on shapes alone, so the places of their elements are constants. A place is counted
over the spatial dimensions in row-major order, as PyTorch counts it.
"""

import math
from collections.abc import Sequence

import numpy as np

from slopec.ops.common import ArrayLike, Shape, as_tensor, bad_argument
from slopec.ops.creation import asarray, zeros
from slopec.ops.extremes import argmax, limits
from slopec.ops.logic import where
from slopec.ops.manipulation import broadcast_to, reshape
from slopec.ops.taking import put_along_axis, take, take_along_axis
from slopec.tensor import Tensor

Positions = Sequence[np.ndarray]
"""Per spatial dimension the positions (outputs, window) that windows cover, -1 for none."""


def strided(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    margins: Sequence[tuple[int, int]],
    dilations: Sequence[int],
) -> Positions:
    """The positions that windows cover that move in equal steps."""
    positions = []
    for n, w, s, (before, after), d in zip(sizes, window, strides, margins, dilations, strict=True):
        count = (n + before + after - d * (w - 1) - 1) // s + 1
        at = np.arange(count)[:, None] * s - before + np.arange(w) * d
        positions.append(np.where((at >= 0) & (at < n), at, -1))
    return positions


def between(edges: Sequence[Sequence[tuple[int, int]]]) -> Positions:
    """The positions of windows from edge to edge, which may be of several sizes."""
    positions = []
    for pairs in edges:
        width = max(b - a for a, b in pairs)
        at = np.array([[a + i if a + i < b else -1 for i in range(width)] for a, b in pairs])
        positions.append(at)
    return positions


def _places(sizes: Sequence[int], positions: Positions) -> np.ndarray:
    """The place of every element of every window, (outputs, window); -1 for none, at the end."""
    rank = len(positions)
    total, inside = np.zeros((), np.int64), np.ones((), bool)
    for d, at in enumerate(positions):
        shape = [1] * (2 * rank)
        shape[d], shape[rank + d] = at.shape
        total = total + at.reshape(shape) * math.prod(sizes[d + 1 :])
        inside = inside & (at.reshape(shape) >= 0)
    rows = math.prod(at.shape[0] for at in positions)
    places = np.where(inside, total, -1).reshape(rows, -1)
    order = np.argsort(places < 0, axis=1, kind="stable")
    return np.take_along_axis(places, order, 1).astype(np.int32)


def largest(x: Tensor, positions: Positions) -> tuple[Tensor, Tensor]:
    """The largest element of each window and its place, int32; of equal ones the first."""
    rank = len(positions)
    batch, sizes = x.shape[:-rank], x.shape[-rank:]
    places = _places(sizes, positions)
    flat = reshape(x, (*batch, math.prod(sizes)))
    windows = take(flat, asarray(np.maximum(places, 0)), axis=-1)
    held = where(asarray(places >= 0), windows, limits(x.dtype)[0])
    best = argmax(held, -1, keepdims=True)
    known = broadcast_to(asarray(places), held.shape)
    shape = (*batch, *(at.shape[0] for at in positions))
    return (
        reshape(take_along_axis(held, best, -1), shape),
        reshape(take_along_axis(known, best, -1), shape),
    )


def unpooled(name: str, x: ArrayLike, indices: ArrayLike, sizes: Shape) -> Tensor:
    """Zeros in spatial dimensions of `sizes`, but for the elements of `x` at their places."""
    x, places = as_tensor(name, x), as_tensor(name, indices)
    rank = len(sizes)
    if x.shape != places.shape or x.ndim not in (rank + 1, rank + 2):
        raise bad_argument(f"{name}: input of shape {x.shape} with indices of {places.shape}")
    batch = x.shape[:-rank]
    empty = zeros((*batch, math.prod(sizes)), dtype=x.dtype)
    filled = put_along_axis(empty, reshape(places, (*batch, -1)), reshape(x, (*batch, -1)), axis=-1)
    return reshape(filled, (*batch, *sizes))
