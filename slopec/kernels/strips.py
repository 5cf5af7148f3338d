"""Rows of matrices strip by strip: some vectors side by side, in the end one not quite full."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slopec.kernels.body import Body, Index, Memory, Term


@dataclass(frozen=True)
class Strip:
    """Columns from each of some places on, as many as there are `lanes`, or the first `count`."""

    places: Sequence[Term]
    lanes: int
    count: Index | None = None

    def load(self, memory: Memory, *row: Index) -> list[Term]:
        """The vectors of a row."""
        lanes, count = self.lanes, self.count
        return [memory.load(*row, v, lanes=lanes, first=count) for v in self.places]

    def store(self, values: Sequence[Term], memory: Memory, *row: Index) -> None:
        """Write the vectors of a row."""
        for value, v in zip(values, self.places, strict=True):
            memory.store(value, *row, v, first=self.count)


def strips(body: Body, lanes: int, start: Index, stop: int, vectors: int = 1) -> Iterator[Strip]:
    """The strips from `start` to `stop`, with as many `vectors`; then what is left one by one."""
    begin, end = body.index(start), body.index(stop)
    width = lanes * vectors
    whole = begin + (end - begin) // width * width
    with body.loop(begin, whole, width) as trip:
        yield Strip([trip.index + lanes * v for v in range(vectors)], lanes)
    with body.loop(whole, end, lanes) as trip:
        yield Strip([trip.index], lanes, body.minimum(end - trip.index, lanes))


def copy(body: Body, lanes: int, source: Memory, target: Memory) -> None:
    """Write this workgroup's matrix of one buffer to another of the same shape."""
    *_, rows, columns = source.shape
    with body.loop(0, rows) as trip:
        row = body.workgroup(), trip.index
        for strip in strips(body, lanes, 0, columns):
            strip.store(strip.load(source, *row), target, *row)


def identity(body: Body, lanes: int, a: Memory) -> None:
    """Write ones on the diagonal of this workgroup's matrix, and zeros beside it."""
    *_, rows, columns = a.shape
    zero, one = body.number(0, a.dtype, lanes), body.number(1, a.dtype)
    with body.loop(0, rows) as trip:
        row = body.workgroup(), trip.index
        for strip in strips(body, lanes, 0, columns):
            strip.store([zero], a, *row)
    with body.loop(0, min(rows, columns)) as trip:
        a.store(one, body.workgroup(), trip.index, trip.index)


__all__ = ["Strip", "copy", "identity", "strips"]
