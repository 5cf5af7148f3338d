"""LU factors with partial pivoting, a few columns at a time.

In a panel of a few columns each is searched for its pivot, whose row comes up in exchange,
and eliminated from the others. The rows of U that a panel makes are solved for strip by strip, and
while they are in registers their products are taken from all rows below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec import dtypes
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel
from slopec.kernels.strips import Strip, copy, strips


def lu(batch: int, rows: int, columns: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of packed factors (batch, rows, columns), of pivots and of the rows' order, int32:
    a workgroup for each matrix.
    """
    matrix = (batch, rows, columns), dtype
    pivots, order = (((batch, n), dtypes.int32) for n in (min(rows, columns), rows))
    height, strip = (4, 4) if vectors.registers == 32 else (4, 2)

    def write(body: Body, a: Memory, packed: Memory, pivots: Memory, order: Memory) -> None:
        _Elimination(body, a, packed, pivots, order, vectors.lanes(dtype), height, strip).write()

    name = f"slopec_lu_{batch}x{rows}x{columns}_f{8 * dtype.itemsize}"
    return Kernel(name, (matrix,), (matrix, pivots, order), (batch, 1, 1), write)


@dataclass(frozen=True)
class _Elimination:
    body: Body
    a: Memory
    packed: Memory
    pivots: Memory
    order: Memory
    lanes: int
    height: int
    vectors: int

    def write(self) -> None:
        """The body: panel after panel."""
        k = self.body
        copy(k, self.lanes, self.a, self.packed)
        with k.loop(0, self._rows) as trip:
            self.order.store(self._int32(trip.index), self._z, trip.index)
        count = self.pivots.shape[1]
        full = count // self.height * self.height
        with k.loop(0, full, self.height) as trip:
            self._panel(trip.index, self.height)
        if full < count:
            self._panel(k.index(full), count - full)

    def _panel(self, first: Term, width: int) -> None:
        for c in range(width):
            place = self._largest(first + c)
            self.pivots.store(self._int32(place), self._z, first + c)
            with self.body.when(self.body.compare(place, "!=", first + c)):
                self._exchange(first + c, place)
            self._eliminate(first, c, width)
        self._right(first, width)

    @property
    def _z(self) -> Term:
        return self.body.workgroup()

    @property
    def _rows(self) -> int:
        return self.packed.shape[1]

    def _int32(self, index: Term) -> Term:
        return self.body.op("arith.index_cast", index, type="i32")

    def _at(self, i: Index, j: Index) -> Term:
        return self.packed.load(self._z, i, j)

    def _largest(self, j: Term) -> Term:
        """Where the first of the largest elements of column `j` is, from row `j` on.

        NaN is largest, as it must not go unnoticed.
        """
        k = self.body
        start = [k.number(-1, self.packed.dtype), j]
        with k.loop(j, self._rows, carried=start) as trip:
            most, place = trip.values
            size = k.op("math.absf", self._at(trip.index, j))
            size = k.select(k.compare(size, "!=", size), k.like(float("inf"), size), size)
            larger = k.compare(size, ">", most)
            trip.carry([k.select(larger, size, most), k.select(larger, trip.index, place)])
        return trip.results[1]

    def _exchange(self, i: Term, j: Term) -> None:
        """Exchange two rows."""
        places = [self.order.load(self._z, row) for row in (i, j)]
        for value, row in zip(places, (j, i), strict=True):
            self.order.store(value, self._z, row)
        for strip in strips(self.body, self.lanes, 0, self.packed.shape[2]):
            rows = [strip.load(self.packed, self._z, row) for row in (i, j)]
            for vectors, row in zip(rows, (j, i), strict=True):
                strip.store(vectors, self.packed, self._z, row)

    def _eliminate(self, first: Term, c: int, width: int) -> None:
        """Take the pivot's row from the rows below, within a panel."""
        k, j = self.body, first + c
        pivot = self._at(j, j)
        divisor = k.select(k.compare(pivot, "==", 0), k.like(1, pivot), pivot)
        upper = [self._at(j, first + d) for d in range(c + 1, width)]
        with k.loop(j + 1, self._rows) as trip:
            scale = self._at(trip.index, j) / divisor
            self.packed.store(scale, self._z, trip.index, j)
            less = k.op("arith.negf", scale)
            for d, value in enumerate(upper, c + 1):
                known = self._at(trip.index, first + d)
                self.packed.store(k.fma(less, value, known), self._z, trip.index, first + d)

    def _right(self, first: Term, width: int) -> None:
        """The panel's rows of U right of it, and their products taken from what is below."""
        columns = self.packed.shape[2]
        for strip in strips(self.body, self.lanes, first + width, columns, self.vectors):
            known: list[list[Term]] = []
            for r in range(width):
                known.append(self._less(strip, known, first + r, first))
            with self.body.loop(first + width, self._rows) as trip:
                self._less(strip, known, trip.index, first)

    def _less(self, strip: Strip, known: Sequence[list[Term]], i: Term, first: Term) -> list[Term]:
        """Make row `i` less by those known, each times its coefficient from column `first` on."""
        k = self.body
        row = strip.load(self.packed, self._z, i)
        for s, other in enumerate(known):
            factor = k.splat(k.op("arith.negf", self._at(i, first + s)), self.lanes)
            row = [k.fma(factor, x, y) for x, y in zip(other, row, strict=True)]
        strip.store(row, self.packed, self._z, i)
        return row
