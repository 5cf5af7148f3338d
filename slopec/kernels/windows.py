"""Where a window lies in an image: what a tile of results takes, edges left out.

Rows outside of the image are left out of a loop's bounds. Columns outside are known when a kernel
is written, because a tile of results is at a known distance from either edge: their products are
just not written.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from slopec.kernels.body import Body, Index, Term


@dataclass(frozen=True)
class Axis:
    """A spatial dimension: result p takes x at (p·stride + t·dilation − low) / gaps, t < window.

    With gaps there is an element of x only where that is whole: x is spread out, zeros between.
    """

    size: int
    results: int
    window: int
    stride: int
    dilation: int
    low: int
    gaps: int = 1

    def place(self, result: int, tap: int) -> int | None:
        """Which element of x a result takes for a place of the window; None where there is none."""
        place, rest = divmod(self.offset(result, tap), self.gaps)
        return None if rest or not 0 <= place < self.size else place

    def offset(self, result: int, tap: int) -> int:
        """How far from the beginning of x, spread out, that is."""
        return result * self.stride + tap * self.dilation - self.low

    @property
    def inside(self) -> bool:
        """Whether nothing outside of x, or between its elements, is taken."""
        last = self.offset(self.results - 1, self.window - 1)
        return self.gaps == 1 and self.low <= 0 and last < self.size

    def taps_at(self, result: int) -> list[int]:
        """The places of the window at which a result takes an element of x."""
        return [tap for tap in range(self.window) if self.place(result, tap) is not None]

    @cached_property
    def clear(self) -> tuple[int, int]:
        """The first result that takes an element at every place, and the one after the last."""
        found = [p for p in range(self.results) if len(self.taps_at(p)) == self.window]
        return (found[0], found[-1] + 1) if found else (self.results, self.results)

    @property
    def label(self) -> str:
        """What tells it from others of the same sizes."""
        gaps = f"g{self.gaps}" * (self.gaps > 1)
        return f"s{self.stride}d{self.dilation}{gaps}p{self.low}".replace("-", "m")

    @property
    def unit(self) -> int:
        """Results after which the window is at the same place between two elements again."""
        return self.gaps // math.gcd(self.gaps, self.stride)


@dataclass(frozen=True)
class Tile:
    """Results in a row; of each, the places of the window at which there is an element of x.

    `taps` maps a column of x, counted from the first result's, to the (result, tap) it goes to.
    """

    width: int
    taps: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


def tiles(k: Body, axis: Axis, width: int) -> Iterator[tuple[Index, Tile]]:
    """The tiles of a row, `width` a multiple of the unit; those of the same kind in a loop."""
    for start, count, tile in runs(axis, width):
        if count == 1:
            yield start, tile
            continue
        with k.loop(start, start + count * tile.width, tile.width) as trip:
            yield trip.index, tile


def runs(axis: Axis, width: int) -> list[tuple[int, int, Tile]]:
    """Where runs of equal tiles begin, how many there are, and the tile."""
    found: list[tuple[int, int, Tile]] = []
    for start in range(0, axis.results, width):
        tile = _tile_at(axis, start, min(width, axis.results - start))
        if found and found[-1][2] == tile:
            found[-1] = (found[-1][0], found[-1][1] + 1, tile)
        else:
            found.append((start, 1, tile))
    return found


def _tile_at(axis: Axis, start: int, width: int) -> Tile:
    taps: dict[int, list[tuple[int, int]]] = {}
    for pixel in range(width):
        for tap in axis.taps_at(start + pixel):
            column = axis.offset(pixel, tap) // axis.gaps
            taps.setdefault(column, []).append((pixel, tap))
    return Tile(width, tuple((column, tuple(taps[column])) for column in sorted(taps)))


def summed(
    k: Body,
    axis: Axis,
    totals: list[Term],
    added: Callable[[list[Term], Term, int], list[Term]],
) -> list[Term]:
    """Totals of all results in a row: near the edges one by one, in between in a loop.

    `added` adds to totals what goes with the result at a column, as near to the edges as another
    column, which is known.
    """
    left, right = axis.clear
    for column in range(left):
        totals = added(totals, k.index(column), column)
    if left < right:
        with k.loop(left, right, carried=totals) as trip:
            trip.carry(added(trip.values, trip.index, left))
        totals = trip.results
    for column in range(right, axis.results):
        totals = added(totals, k.index(column), column)
    return totals


def taps(row: Term, axis: Axis) -> tuple[Index, Index, int]:
    """The places of the window at which a row of results takes one of x: first, stop and step.

    Of an axis with gaps, whose dilation is 1, or of one without.
    """
    k = row.body
    if axis.inside:
        return 0, axis.window, 1
    above = row * -axis.stride + axis.low  # rows, spread out, that lie above the image
    below = above + ((axis.size - 1) * axis.gaps + 1)
    first, stop = (k.op("arith.maxsi", bound, k.index(0)) for bound in (above, below))
    if axis.gaps > 1:
        whole = -(-max(axis.low, 0) // axis.gaps) * axis.gaps  # keeps what is divided positive
        beyond = (row * axis.stride + (whole - axis.low)) % axis.gaps
        first = k.op("arith.maxsi", above, (k.index(axis.gaps) - beyond) % axis.gaps)
    else:
        first, stop = ((b + (axis.dilation - 1)) // axis.dilation for b in (first, stop))
    return k.minimum(first, axis.window), k.minimum(stop, axis.window), axis.gaps


def place_of(row: Term, tap: Term, axis: Axis) -> Term:
    """The row of x that a row of results takes for one of its `taps`."""
    place = row * axis.stride + tap * axis.dilation + (-axis.low)
    return place if axis.gaps == 1 else place // axis.gaps
