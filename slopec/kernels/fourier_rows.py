"""Fourier transforms of rows, which are made of columns.

A row of n = a b points is a matrix: its columns are transformed, of a points each, turned by roots
of unity, and lie as columns once more, of b points each, when the matrix is transposed. Rows whose
length has a large prime factor are convolved with a chirp (Bluestein, 1970), by transforms of a
longer row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.butterflies import Pair, roots, times
from slopec.kernels.packing import transposed
from slopec.kernels.rooms import Room, apart, flat, parts
from slopec.kernels.stages import Read, Stages, Store, blocks, effort, radices

NARROWEST = 4
"""Lanes that are worth vectors."""

_SHORT = 64
"""Rows up to this length are quicker multiplied by a matrix than convolved."""


@dataclass(frozen=True)
class Cut:
    """A row of a · b points, of whose columns so many are transformed at once."""

    a: int
    b: int
    lanes: int

    @property
    def size(self) -> int:
        """The points of a row."""
        return self.a * self.b

    @property
    def cost(self) -> float:
        """What it takes, in some unit; vectors twice as wide may take twice as long."""
        work = sum(
            -(-columns // self.lanes) * points * (effort(points) + 8)
            for points, columns in ((self.a, self.b), (self.b, self.a))
        )
        return work * (self.lanes + 8)


@cache
def cut_of(n: int, most: int) -> Cut | None:
    """The best way to cut a row of n points for vectors of `most` lanes; None if there is none.

    >>> cut_of(1024, 16), cut_of(17, 16)
    (Cut(a=16, b=64, lanes=16), None)
    """
    cuts = [
        Cut(a, n // a, lanes)
        for a in range(NARROWEST, n // NARROWEST + 1)
        if n % a == 0 and radices(a) and radices(n // a)
        for lanes in _powers(NARROWEST, min(most, a, n // a))
    ]
    return min(cuts, key=lambda cut: cut.cost, default=None)


def _powers(least: int, most: int) -> list[int]:
    return [1 << i for i in range(least.bit_length() - 1, most.bit_length())]


class Transform(Protocol):
    """How a row is transformed, with a table and some rooms."""

    @property
    def points(self) -> int:
        """The points of a row."""

    @property
    def lanes(self) -> int:
        """How many of them are read and stored at once."""

    @property
    def end(self) -> int:
        """Where the table ends."""

    def table(self, real: DType) -> np.ndarray:
        """The table."""

    @property
    def rooms(self) -> list[ir.Shape]:
        """The rooms."""

    def write(
        self, k: Body, table: Memory, rooms: Sequence[Room], read: Read, store: Store
    ) -> None:
        """Transform the points that `read` gives from a place on, and `store` takes from one on."""


@dataclass(frozen=True)
class Twice:
    """Columns twice; what is made of them is multiplied by a number."""

    cut: Cut
    sign: int
    scale: float = 1

    @property
    def points(self) -> int:
        """The points of a row."""
        return self.cut.size

    @property
    def lanes(self) -> int:
        """How many of them are read and stored at once."""
        return self.cut.lanes

    @property
    def first(self) -> Stages:
        """The transforms of the first columns."""
        return Stages(self.cut.a, self.sign)

    @property
    def second(self) -> Stages:
        """The transforms of the columns after them."""
        return Stages(self.cut.b, self.sign, 2 * self.first.table().size)

    @property
    def turns(self) -> int:
        """Where the roots of unity between both begin in the table."""
        return self.second.place + 2 * self.second.table().size

    @property
    def end(self) -> int:
        """Where the table ends."""
        return self.turns + 2 * self.cut.size

    def table(self, real: DType) -> np.ndarray:
        """The roots of unity: of both columns, and between them."""
        turns = np.outer(np.arange(self.cut.a), np.arange(self.cut.b)).ravel()
        between = self.scale * roots(self.sign * turns, self.cut.size)
        columns = [flat(stages.table(), real) for stages in (self.first, self.second)]
        return np.concatenate([*columns, apart(between, real)])

    @property
    def rooms(self) -> list[ir.Shape]:
        """The rooms: what stages need, a block of columns, and the matrix transposed."""
        a, b, lanes = self.cut.a, self.cut.b, self.cut.lanes
        stages = max(self.first.rooms, self.second.rooms)
        return [*[(max(a, b), 2, lanes)] * stages, (a, 2, lanes), (b, 2, a)]

    def write(
        self, k: Body, table: Memory, rooms: Sequence[Room], read: Read, store: Store
    ) -> None:
        """Transform the points that `read` gives from a place on, and `store` takes from one on."""
        a, b, lanes = self.cut.a, self.cut.b, self.cut.lanes
        *between, block, matrix = rooms
        with blocks(k, b, lanes) as j:

            def turned(i: Term, pair: Pair) -> None:
                turn = parts(table, lanes, i * b + (j + self.turns), a * b)
                block.put_pair(i, times(k, pair, turn))

            self.first.write(k, table, between, lambda i: read(i * b + j), turned)
            with blocks(k, a, lanes) as i:
                for part in range(2):
                    square = [block.vector(lanes, i + row, part, 0) for row in range(lanes)]
                    for column, vector in enumerate(transposed(square)):
                        matrix.store(vector, j + column, part, i)
        with blocks(k, a, lanes) as i:

            def turned_column(j: Term) -> Pair:
                return matrix.vector(lanes, j, 0, i), matrix.vector(lanes, j, 1, i)

            self.second.write(
                k, table, between, turned_column, lambda j, pair: store(j * a + i, pair)
            )


@dataclass(frozen=True)
class Chirp:
    """Points of any number: jk = (j² + k² - (k - j)²) / 2 makes their transform a convolution.

    It is conj(F(conj(F(x c) h)) c') of the chirp c: twice the same, with another factor.
    """

    longer: Twice
    points: int
    sign: int
    scale: float = 1

    @property
    def lanes(self) -> int:
        """How many points are read and stored at once."""
        return self.longer.lanes

    @property
    def end(self) -> int:
        """Where the table ends."""
        return self.longer.end + 4 * self.longer.points + 2 * self.points

    def table(self, real: DType) -> np.ndarray:
        """The transform's, both factors, and the chirp."""
        n, size = self.points, self.longer.points
        chirp = roots(self.sign * np.arange(n) ** 2, 2 * n)
        kernel, back = np.zeros((2, size), np.complex128)
        kernel[:n] = chirp.conj()
        kernel[size - n + 1 :] = chirp[1:].conj()[::-1]
        back[:n] = chirp.conj() * (self.scale / size)
        factors = [apart(factor, real) for factor in (np.fft.fft(kernel), back, chirp)]
        return np.concatenate([self.longer.table(real), *factors])

    @property
    def rooms(self) -> list[ir.Shape]:
        """The transform's, and the longer row."""
        return [*self.longer.rooms, (2, self.longer.points)]

    def write(
        self, k: Body, table: Memory, rooms: Sequence[Room], read: Read, store: Store
    ) -> None:
        """Transform the points that `read` gives from a place on, and `store` takes from one on."""
        n, size, lanes, place = self.points, self.longer.points, self.lanes, self.longer.end
        *others, row = rooms
        zero = k.number(0, row.memory.dtype, lanes)
        with blocks(k, size - n, lanes) as i:
            row.put_parts(i + n, (zero, zero))
        with blocks(k, n, lanes) as i:
            chirp = parts(table, lanes, i + (place + 4 * size), n)
            row.put_parts(i, times(k, read(i), chirp))
        with k.loop(0, 2) as round_:
            self.longer.write(k, table, others, lambda i: row.parts(lanes, i), row.put_parts)
            with blocks(k, size, lanes) as i:
                factor = parts(table, lanes, round_.index * (2 * size) + i + place, size)
                re, im = times(k, row.parts(lanes, i), factor)
                row.put_parts(i, (re, k.op("arith.negf", im)))
        with blocks(k, n, lanes) as i:
            store(i, row.parts(lanes, i))


def transform_of(n: int, sign: int, scale: float, most: int) -> Transform | None:
    """How rows of n points are transformed by vectors of `most` lanes."""
    cut = cut_of(n, most)
    if cut is not None:
        return Twice(cut, sign, scale)
    if n <= _SHORT:
        return None
    least = 2 * n - 1
    lengths = [odd << (-(-least // odd) - 1).bit_length() for odd in (1, 3, 5, 9, 15)]
    cuts = [cut for length in lengths if (cut := cut_of(length, most))]
    return Chirp(Twice(min(cuts, key=lambda cut: cut.cost), -1), n, sign, scale)
