"""Householder's reflections: the factors that they make of a matrix, and their product.

A reflection 1 - τ v vᵀ goes over the columns strip by strip: vᵀ a is summed in registers, then v
times it is taken from the rows.
"""

from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel
from slopec.kernels.strips import copy, identity, strips


def householder(batch: int, rows: int, columns: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of R with the reflections' vectors below it (batch, rows, columns), and of their
    τ: a workgroup for each matrix.
    """
    matrix, taus = (batch, rows, columns), (batch, min(rows, columns))

    def write(body: Body, a: Memory, packed: Memory, taus: Memory) -> None:
        lanes = vectors.lanes(dtype)
        copy(body, lanes, a, packed)
        reflections = _Reflections(body, packed, taus, lanes, vectors.registers // 4)
        with body.loop(0, taus.shape[1]) as trip:
            reflections.make(trip.index)
            reflections.apply(trip.index, packed, trip.index + 1)

    name = f"slopec_householder_{batch}x{rows}x{columns}_f{8 * dtype.itemsize}"
    return Kernel(name, ((matrix, dtype),), ((matrix, dtype), (taus, dtype)), (batch, 1, 1), write)


def householder_product(
    batch: int, rows: int, count: int, columns: int, dtype: DType, vectors: Vectors
) -> Kernel:
    """The kernel of the first `columns` (batch, rows, columns) of the product of reflections, of
    which a matrix (batch, rows, count) holds the vectors: a workgroup for each.
    """
    packed, taus, product = (batch, rows, count), (batch, count), (batch, rows, columns)

    def write(body: Body, packed: Memory, taus: Memory, q: Memory) -> None:
        lanes = vectors.lanes(dtype)
        identity(body, lanes, q)
        reflections = _Reflections(body, packed, taus, lanes, vectors.registers // 4)
        with body.loop(0, count) as trip:
            last = trip.index * -1 + (count - 1)
            reflections.apply(last, q, last)

    name = f"slopec_householder_product_{batch}x{rows}x{count}x{columns}_f{8 * dtype.itemsize}"
    operands = (packed, dtype), (taus, dtype)
    return Kernel(name, operands, ((product, dtype),), (batch, 1, 1), write)


@dataclass(frozen=True)
class _Reflections:
    body: Body
    packed: Memory
    taus: Memory
    lanes: int
    vectors: int

    @property
    def _z(self) -> Term:
        return self.body.workgroup()

    @property
    def _rows(self) -> int:
        return self.packed.shape[1]

    def _at(self, i: Index, j: Index) -> Term:
        return self.packed.load(self._z, i, j)

    def make(self, j: Term) -> None:
        """The reflection that makes column `j` zero below β on the diagonal.

        β's sign is opposite to that of α, which was there; where there is nothing to do, τ is 0.
        Sizes are taken relative to the largest, so that no square overflows.
        """
        k, zero, one = self.body, *(self.body.number(x, self.packed.dtype) for x in (0, 1))
        alpha = self._at(j, j)
        with k.loop(j + 1, self._rows, carried=[k.op("math.absf", alpha)]) as trip:
            size = k.op("math.absf", self._at(trip.index, j))
            trip.carry([k.op("arith.maximumf", size, trip.values[0])])
        (largest,) = trip.results
        unit = k.select(k.compare(largest, "==", 0), one, largest)
        with k.loop(j + 1, self._rows, carried=[zero]) as trip:
            relative = self._at(trip.index, j) / unit
            trip.carry([k.fma(relative, relative, trip.values[0])])
        (below,) = trip.results
        flat = k.compare(below, "==", 0)
        relative = alpha / unit
        norm = unit * k.op("math.sqrt", k.fma(relative, relative, below))
        beta = k.select(k.compare(alpha, "<", 0), norm, k.op("arith.negf", norm))
        beta = k.select(flat, alpha, beta)
        gap = alpha - beta
        safe = k.select(flat, one, beta)
        self.taus.store(k.select(flat, zero, (beta - alpha) / safe), self._z, j)
        scale = k.select(flat, zero, one / k.select(flat, one, gap))
        self.packed.store(beta, self._z, j, j)
        with k.loop(j + 1, self._rows) as trip:
            self.packed.store(self._at(trip.index, j) * scale, self._z, trip.index, j)

    def apply(self, j: Term, a: Memory, start: Term) -> None:
        """Reflect the columns of `a` from `start` on by the reflection of column `j`."""
        k, lanes = self.body, self.lanes
        tau = k.splat(self.taus.load(self._z, j), lanes)
        for strip in strips(k, lanes, start, a.shape[2], self.vectors):
            top = strip.load(a, self._z, j)
            with k.loop(j + 1, self._rows, carried=top) as trip:
                factor = k.splat(self._at(trip.index, j), lanes)
                row = strip.load(a, self._z, trip.index)
                pairs = zip(row, trip.values, strict=True)
                trip.carry([k.fma(factor, x, total) for x, total in pairs])
            across = [tau * total for total in trip.results]
            strip.store([x - y for x, y in zip(top, across, strict=True)], a, self._z, j)
            with k.loop(j + 1, self._rows) as trip:
                factor = k.splat(k.op("arith.negf", self._at(trip.index, j)), lanes)
                row = strip.load(a, self._z, trip.index)
                pairs = zip(row, across, strict=True)
                strip.store([k.fma(factor, y, x) for x, y in pairs], a, self._z, trip.index)
