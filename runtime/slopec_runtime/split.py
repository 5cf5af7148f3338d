"""How to serve a batch of any size with functions compiled for a few sizes.

Only for dimensions along which rows are independent: the batch is cut into pieces, each piece is
padded to a compiled size by repeating its last row, and the padding is cut off the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Piece:
    """Rows `start` to `start + rows` of a batch, computed by the function for `size` rows."""

    start: int
    rows: int
    size: int


@lru_cache(maxsize=1024)
def pieces(rows: int, sizes: tuple[int, ...]) -> tuple[Piece, ...]:
    """A cheap way to cover `rows` rows with calls of the given sizes.

    The cheapest for less than four of the largest size; bigger batches begin with the largest
    until that few are left. A call is taken to cost its size plus an eighth of the largest size:
    small batches use the hardware badly, and every call has a fixed cost. No rows at all still
    take one call, whose results are then cut to nothing.

    >>> [(piece.rows, piece.size) for piece in pieces(100, (1, 64))]
    [(64, 64), (36, 64)]
    >>> [(piece.rows, piece.size) for piece in pieces(66, (1, 64))]
    [(64, 64), (1, 1), (1, 1)]
    """
    largest = max(sizes)
    whole = max(0, rows // largest - 3)
    plan = [largest] * whole + _cover(rows - whole * largest, sizes, largest / 8)
    found, start = [], 0
    for size in plan:
        taken = min(size, rows - start)
        found.append(Piece(start, taken, size))
        start += taken
    return tuple(found)


def _cover(rows: int, sizes: Sequence[int], fixed: float) -> list[int]:
    """Sizes, largest first, whose sum is at least `rows` at least cost, by dynamic programming."""
    if rows == 0:
        return [min(sizes)]
    cost, last = [0.0], [0]
    for count in range(1, rows + 1):
        best = min(sizes, key=lambda size: cost[max(0, count - size)] + size + fixed)
        cost.append(cost[max(0, count - best)] + best + fixed)
        last.append(best)
    plan: list[int] = []
    while rows > 0:
        plan.append(last[rows])
        rows -= last[rows]
    return sorted(plan, reverse=True)


def take(array: NDArray[Any], axis: int, piece: Piece) -> NDArray[Any]:
    """The rows of a piece along `axis`, padded to its size by repeating the last (or with zeros).

    >>> take(np.array([[1], [2], [3]]), 0, Piece(1, 2, 4)).ravel()
    array([2, 3, 3, 3])
    """
    before = (slice(None),) * axis
    part = array[(*before, slice(piece.start, piece.start + piece.rows))]
    lacking = piece.size - piece.rows
    if lacking == 0:
        return np.asarray(part, order="C")
    if piece.rows == 0:
        shape = (*array.shape[:axis], piece.size, *array.shape[axis + 1 :])
        return np.zeros(shape, array.dtype)
    row = part[(*before, slice(piece.rows - 1, piece.rows))]
    return np.concatenate([part, np.repeat(row, lacking, axis)], axis)


def join(parts: Sequence[NDArray[Any]], axis: int, plan: Sequence[Piece]) -> NDArray[Any]:
    """The results of the pieces without their padding, one after the other along `axis`."""
    before = (slice(None),) * axis
    cut = [part[(*before, slice(0, piece.rows))] for part, piece in zip(parts, plan, strict=True)]
    return np.concatenate(cut, axis)
