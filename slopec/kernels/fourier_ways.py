"""Ways to transform a row in memory: of complex points, or of real ones.

Real rows of even length are complex ones of half the length, of neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.butterflies import Pair, roots
from slopec.kernels.fourier_rows import Transform
from slopec.kernels.rooms import Room, apart, loaded, parts, stored
from slopec.kernels.stages import blocks


@dataclass(frozen=True)
class Work:
    """A row that is worked on: its place in both buffers, the tables and the rooms."""

    k: Body
    x: Memory
    y: Memory
    row: Index
    table: Memory
    rooms: Sequence[Room]

    def load(self, lanes: int, place: Term) -> Pair:
        """Complex points of the row, from a place on."""
        return loaded(self.x, lanes, place, self.row)

    def store(self, place: Term, pair: Pair) -> None:
        """Write complex points of the row's transform."""
        stored(self.y, pair, place, self.row)


class Way(Protocol):
    """What is done with a row beside `transform`, with a table and a room of its own."""

    @property
    def transform(self) -> Transform:
        """The transform in the middle."""

    @property
    def own(self) -> list[ir.Shape]:
        """The rooms beside the transform's."""

    def table(self, real: DType) -> list[np.ndarray]:
        """What lies behind the transform's table."""

    def write(self, work: Work) -> None:
        """Transform a row."""


@dataclass(frozen=True)
class Plain:
    """Complex points, as they are."""

    transform: Transform

    @property
    def own(self) -> list[ir.Shape]:
        """None."""
        return []

    def table(self, real: DType) -> list[np.ndarray]:
        """Nothing."""
        return []

    def write(self, work: Work) -> None:
        """Transform a row."""
        lanes = self.transform.lanes
        self.transform.write(
            work.k, work.table, work.rooms, lambda place: work.load(lanes, place), work.store
        )


@dataclass(frozen=True)
class OfReal:
    """2m real points as m complex ones, of whose transform Z[k] and Z[m - k] give X[k]."""

    transform: Transform

    @property
    def own(self) -> list[ir.Shape]:
        """Z, with its first point at both ends."""
        return [(2, self.transform.points + 1)]

    def table(self, real: DType) -> list[np.ndarray]:
        """What the difference of both is turned by, halved."""
        m = self.transform.points
        return [apart(roots(-np.arange(m + 1), 2 * m) / 2, real)]

    def write(self, work: Work) -> None:
        """Transform a row."""
        k, m, lanes = work.k, self.transform.points, self.transform.lanes
        *rooms, z = work.rooms
        self.transform.write(
            k, work.table, rooms, lambda place: work.load(lanes, place), z.put_parts
        )
        for part in range(2):
            z.store(z.load(part, 0), part, m)
        with blocks(k, m + 1, lanes) as i:
            mirrored = _reversed(z.parts(lanes, i * -1 + (m - lanes + 1)))
            turn = parts(work.table, lanes, i + self.transform.end, m + 1)
            work.store(i, _combined(k, z.parts(lanes, i), mirrored, turn))


@dataclass(frozen=True)
class ToReal:
    """2m real points of the first half X of their spectrum: X[k] and X[m - k] give Z[k]."""

    transform: Transform

    @property
    def own(self) -> list[ir.Shape]:
        """Z."""
        return [(2, self.transform.points)]

    def table(self, real: DType) -> list[np.ndarray]:
        """What the difference of both is turned by, halved."""
        m = self.transform.points
        return [apart(-roots(np.arange(m), 2 * m) / 2, real)]

    def write(self, work: Work) -> None:
        """Transform a row, in which the imaginary parts of both ends do not matter."""
        k, m, lanes = work.k, self.transform.points, self.transform.lanes
        *rooms, z = work.rooms
        with blocks(k, m, lanes) as i:
            mirrored = _reversed(work.load(lanes, i * -1 + (m - lanes + 1)))
            turn = parts(work.table, lanes, i + self.transform.end, m)
            z.put_parts(i, _combined(k, work.load(lanes, i), mirrored, turn))
        first, last = (work.x.load(work.row, place) for place in (0, 2 * m))
        z.store((first + last) * 0.5, 0, 0)
        z.store((first - last) * 0.5, 1, 0)
        self.transform.write(k, work.table, rooms, lambda place: z.parts(lanes, place), work.store)


def _combined(k: Body, one: Pair, mirrored: Pair, turn: Pair) -> Pair:
    """(a + conj b) / 2 - i turn (a - conj b)."""
    (re, im), (other_re, other_im), (u, v) = one, mirrored, turn
    odd_re, odd_im = re - other_re, im + other_im
    return (
        k.fma(u, odd_im, k.fma(v, odd_re, (re + other_re) * 0.5)),
        k.fma(v, odd_im, k.fma(k.op("arith.negf", u), odd_re, (im - other_im) * 0.5)),
    )


def _reversed(pair: Pair) -> Pair:
    re, im = (x.body.shuffle(x, x, range(x.body.lanes(x))[::-1]) for x in pair)
    return re, im
