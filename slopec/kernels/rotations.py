"""Jacobi's rotations: rows of a matrix are turned against each other until all are orthogonal.

Every pair of rows is met in a sweep, and there are sweeps until none was far from orthogonal
(Hestenes 1958). Pairs that follow each other share no row, as in a tournament (Brent and Luk 1985),
so that the processor begins with one while it waits for another. The identity's rows are turned
as well where the product of all rotations is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel
from slopec.kernels.strips import Strip, copy, identity


@dataclass(frozen=True)
class Patience:
    """Rows stay as they are whose cosine is no more than `least`; when none in a sweep was above
    `enough`, or after so many `sweeps`, all of them do.
    """

    least: float
    enough: float
    sweeps: int


def orthogonalize(
    batch: int, n: int, dtype: DType, vectors: Vectors, patience: Patience, *, product: bool
) -> Kernel:
    """The kernel of J a with orthogonal rows (batch, n, n), and of J if the `product` is wanted: a
    workgroup for each matrix.
    """
    matrix = (batch, n, n), dtype

    def write(body: Body, a: Memory, *results: Memory) -> None:
        _Rotations(body, a, results, vectors.lanes(dtype), patience).write()

    name = "_".join(["slopec_orthogonalize", *["product"] * product, f"{batch}x{n}"])
    name = f"{name}_f{8 * dtype.itemsize}"
    return Kernel(name, (matrix,), (matrix,) * (1 + product), (batch, 1, 1), write)


@dataclass(frozen=True)
class _Rotations:
    body: Body
    a: Memory
    results: Sequence[Memory]
    lanes: int
    patience: Patience

    @property
    def _n(self) -> int:
        return self.a.shape[1]

    def write(self) -> None:
        """The body: sweep after sweep while there is something to do."""
        k, (rows, *rest) = self.body, self.results
        copy(k, self.lanes, self.a, rows)
        for turned in rest:
            identity(k, self.lanes, turned)
        most = k.stack((1,), rows.dtype)
        most.store(k.number(float("inf"), rows.dtype), 0)
        with (
            k.loop(0, self.patience.sweeps),
            k.when(k.compare(most.load(0), ">", self.patience.enough)),
        ):
            most.store(k.number(0, rows.dtype), 0)
            self._sweep(most)

    def _sweep(self, most: Memory) -> None:
        """Meet all pairs; `most` becomes the largest cosine.

        In each round the first row stays, and all others move on by one place around a table; an
        odd number of rows leaves one of them without a mate.
        """
        k, places = self.body, self._n + self._n % 2
        around = places - 1
        with k.loop(0, around) as round_:
            self._meet(k.index(0), (round_.index + (places - 2)) % around + 1, most)
            with k.loop(1, places // 2) as trip:
                one = (round_.index + (trip.index - 1)) % around + 1
                other = (round_.index + (trip.index * -1 + (places - 2))) % around + 1
                self._meet(one, other, most)

    def _meet(self, i: Term, j: Term, most: Memory) -> None:
        """Rotate two rows, if there are both."""
        if self._n % 2 == 0:
            self._rotate(i, j, most)
            return
        k = self.body
        with k.when(k.compare(i, "<", self._n)), k.when(k.compare(j, "<", self._n)):
            self._rotate(i, j, most)

    def _rotate(self, i: Term, j: Term, most: Memory) -> None:
        """Make two rows orthogonal, if they are not."""
        k = self.body
        a, b, p = self._products(i, j)
        one = k.like(1, p)
        lengths = k.op("math.sqrt", a) * k.op("math.sqrt", b)
        cosine = k.op("math.absf", p) / k.select(k.compare(lengths, "==", 0), one, lengths)
        most.store(k.op("arith.maximumf", most.load(0), cosine), 0)
        with k.when(k.compare(cosine, ">", self.patience.least)):
            zeta = (b - a) / (p + p)
            root = k.op("math.sqrt", k.fma(zeta, zeta, one))
            size = one / (k.op("math.absf", zeta) + root)
            tangent = k.op("math.copysign", size, zeta)
            c = one / k.op("math.sqrt", k.fma(tangent, tangent, one))
            s = c * tangent
            less = k.op("arith.negf", s * s / (c + one))
            for rows in self.results:
                self._turn(rows, i, j, less, s)

    def _products(self, i: Term, j: Term) -> list[Term]:
        """The squares of the lengths of two rows, and their product."""
        k, rows = self.body, self.results[0]
        start = [k.number(0, rows.dtype, self.lanes)] * 3

        def more(strip: Strip, totals: Sequence[Term]) -> list[Term]:
            ((x,), (y,)) = (strip.load(rows, k.workgroup(), row) for row in (i, j))
            pairs = zip(((x, x), (y, y), (x, y)), totals, strict=True)
            return [k.fma(*pair, total) for pair, total in pairs]

        whole = self._n // self.lanes * self.lanes
        with k.loop(0, whole, self.lanes, carried=start) as trip:
            trip.carry(more(Strip([trip.index], self.lanes), trip.values))
        totals = trip.results
        if whole < self._n:
            totals = more(Strip([k.index(whole)], self.lanes, self._n - whole), totals)
        return [k.total(total) for total in totals]

    def _turn(self, rows: Memory, i: Term, j: Term, less: Term, s: Term) -> None:
        """Rows x and y become x + less x - s y and y + less y + s x; 1 + less is the cosine."""
        k, lanes = self.body, self.lanes
        less, plus, minus = (k.splat(f, lanes) for f in (less, s, k.op("arith.negf", s)))

        def turn(strip: Strip) -> None:
            ((x,), (y,)) = (strip.load(rows, k.workgroup(), row) for row in (i, j))
            for row, own, sign, other in ((i, x, minus, y), (j, y, plus, x)):
                turned = own + k.fma(less, own, sign * other)
                strip.store([turned], rows, k.workgroup(), row)

        whole = self._n // lanes * lanes
        with k.loop(0, whole, lanes) as trip:
            turn(Strip([trip.index], lanes))
        if whole < self._n:
            turn(Strip([k.index(whole)], lanes, self._n - whole))
