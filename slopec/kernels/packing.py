"""Packing: a block of a matrix becomes panels of a few columns, each row of them contiguous."""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec.kernels.body import Index, Memory, Term


@dataclass(frozen=True)
class Panel:
    """Columns of a matrix from `start` on, of which there are `width`, in vectors of `lanes`."""

    start: Term
    width: int
    lanes: int

    @property
    def vectors(self) -> list[tuple[int, int]]:
        """Where its vectors begin, and how many of their lanes count."""
        firsts = range(0, self.width, self.lanes)
        return [(v, min(self.lanes, self.width - v)) for v in firsts]


@dataclass(frozen=True)
class Packed:
    """Panels of `width` columns in memory: those from `column` on, their rows from `row` on."""

    memory: Memory
    place: tuple[Index, ...]
    width: int
    row: Term
    column: Index = 0

    def load(self, panel: Panel, row: Term, v: int) -> Term:
        """A vector of a row of a panel."""
        return self.memory.load(*self._at(panel, row), v, lanes=panel.lanes)

    def prefetch(self, panel: Panel, row: Term, v: int) -> None:
        """Ask for a vector of a row of a panel."""
        self.memory.prefetch(*self._at(panel, row), v)

    def store(self, value: Term, panel: Panel, row: Term, v: int) -> None:
        """Write a vector of a row of a panel."""
        self.memory.store(value, *self._at(panel, row), v)

    def _at(self, panel: Panel, row: Term) -> tuple[Index, ...]:
        return (*self.place, (panel.start - self.column) // self.width, self.row + row)


@dataclass(frozen=True)
class Batch:
    """Matrices in memory, of which so many lie `beside` each other, line by line.

    The others follow one another: the memory is (batch / beside, lines, beside, columns), without
    the third dimension where there is one.
    """

    memory: Memory
    beside: int = 1

    def load(
        self, z: Term, line: Term, column: Term, lanes: int = 0, first: Index | None = None
    ) -> Term:
        """Numbers of a line of a matrix; one without `lanes`."""
        place = (z, line) if self.beside == 1 else (z // self.beside, line, z % self.beside)
        return self.memory.load(*place, column, lanes=lanes, first=first)


@dataclass(frozen=True)
class Source:
    """What is packed: of a matrix in a batch of them, `depth` rows from `start` on."""

    batch: Batch
    place: Term
    start: Term
    depth: Term

    @property
    def memory(self) -> Memory:
        """Where the matrices are."""
        return self.batch.memory

    def load(self, line: Term, column: Term, lanes: int, first: Index | None) -> Term:
        """A vector of a line of the matrix."""
        return self.batch.load(self.place, line, column, lanes, first)


def copy(source: Source, packed: Packed, panel: Panel, row: Term) -> None:
    """Pack a row of a panel of a matrix that is stored by rows."""
    for v, first in panel.vectors:
        at = (source.start + row, panel.start + v)
        packed.store(source.load(*at, panel.lanes, first), panel, row, v)


def transpose(source: Source, packed: Packed, panel: Panel) -> None:
    """Pack a panel of a matrix that is stored by columns: squares of them at a time."""
    k, lanes = source.memory.body, panel.lanes
    rest = source.memory.shape[-1] % lanes  # blocks are multiples of a vector, but for the last

    def squares(row: Term, rows: int) -> None:
        for v, count in panel.vectors:
            columns = [
                source.load(panel.start + v + i, source.start + row, lanes, rows)
                if i < count
                else k.number(0, source.memory.dtype, lanes)
                for i in range(lanes)
            ]
            for i, value in enumerate(transposed(columns)[:rows]):
                packed.store(value, panel, row + i, v)

    whole = source.depth // lanes * lanes
    with k.loop(0, whole, lanes) as trip:
        squares(trip.index, lanes)
    if rest:
        with k.when(k.compare(source.depth, "!=", whole)):
            squares(whole, rest)


def transposed(rows: Sequence[Term]) -> list[Term]:
    """The transpose of a square matrix of vectors: its quarters change places, then theirs."""
    k, size, rows = rows[0].body, len(rows), list(rows)
    step = size // 2
    while step:
        upper = [lane if not lane & step else size + lane - step for lane in range(size)]
        lower = [lane + step if not lane & step else size + lane for lane in range(size)]
        for i in (i for i in range(size) if not i & step):
            a, b = rows[i], rows[i + step]
            rows[i], rows[i + step] = k.shuffle(a, b, upper), k.shuffle(a, b, lower)
        step //= 2
    return rows
