"""Products of a matrix and a vector: the matrix is read once, as it lies, a few rows side by side.

Where a row is multiplied by the vector its sums stay in registers; where the rows are added up, a
part of the result stays in the nearest cache. Neither waits for anything but memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slopec import dtypes
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.epilogue import NOTHING, Epilogue
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import FEW, Kernel, Type, split
from slopec.kernels.row_folds import AT_ONCE, RowFold

_SHARE = 32 << 10  # bytes of the matrix, which are worth a workgroup
_PART = 256 << 10  # of them, where sums are added up by another dispatch
_COLUMNS = 512  # of rows that are added up, by a workgroup: enough to be read one after the other
_MOST_COLUMNS = 2048  # whose sums leave room in the nearest cache


@dataclass(frozen=True)
class Applied:
    """y[z, i] = Σ a[z, i, p] · x[z, p], for z < batch, i < results and p < depth.

    Unless it is `by_rows` the matrix is stored as a[z, p, i]. Both factors are of the type `given`,
    and widened where they are read. Of several `parts` each has a part of the sum, y[part, z, i].
    `then` is done to each result; its features are the results.
    """

    batch: int
    results: int
    depth: int
    dtype: DType
    given: DType
    by_rows: bool
    parts: int = 1
    then: Epilogue = NOTHING

    @property
    def name(self) -> str:
        """What tells it from others."""
        sizes = f"{self.batch}x{self.results}x{self.depth}_{dtypes.MLIR_NAMES[self.given]}"
        return f"matvec_{sizes}_{'n' if self.by_rows else 't'}{self.parts}{self.then.label}"

    @property
    def operands(self) -> tuple[Type, Type]:
        """The matrix and the vector."""
        sizes = (self.results, self.depth)[:: 1 if self.by_rows else -1]
        return ((self.batch, *sizes), self.given), ((self.batch, self.depth), self.given)

    @property
    def inputs(self) -> tuple[Type, ...]:
        """What else the epilogue takes."""
        return self.then.types(self.results, ((self.batch, self.results), self.dtype))

    @property
    def result(self) -> Type:
        """The product, or parts of it."""
        return (self.parts, self.batch, self.results), self.dtype


@dataclass(frozen=True)
class Schedule:
    """How a product is cut.

    A workgroup makes `results` of one of the parts, which are `depth` deep, of vectors of `lanes`;
    `rows` of the matrix are read side by side.
    """

    results: int
    depth: int
    rows: int
    lanes: int


def scheduled(work: Applied, vectors: Vectors) -> tuple[Applied, Schedule]:
    """A product in as many parts as keep a handful of workers busy, and how it is cut."""
    lanes, size = vectors.lanes(work.dtype), work.given.itemsize
    rows = vectors.registers // (8 if work.by_rows else 4)
    unit = min(rows, work.results) if work.by_rows else _COLUMNS
    most = work.results * work.depth * size // _SHARE
    across = split(work.batch, max(1, min(-(-work.results // unit), most)))
    if not work.by_rows:
        across = max(across, -(-work.results // _MOST_COLUMNS))
    results = -(-work.results // (across * unit)) * unit
    groups = work.batch * -(-work.results // results)
    parts = min(FEW // groups, min(results, work.results) * work.depth * size // _PART)
    step = AT_ONCE * lanes
    depth = -(-work.depth // (max(1, parts) * step)) * step
    work = replace(work, parts=-(-work.depth // depth))
    return work, Schedule(results, depth, rows, lanes)


def matvec(work: Applied, cut: Schedule) -> Kernel:
    """The kernel of a product."""
    grid = (-(-work.results // cut.results), work.parts, work.batch)

    def write(body: Body, a: Memory, x: Memory, *others: Memory) -> None:
        _Writer(work, cut, body, a, x, others[:-1], others[-1]).write()

    given = (*work.operands, *work.inputs)
    return Kernel(f"slopec_{work.name}", given, (work.result,), grid, write)


def widened(k: Body, x: Term, dtype: DType) -> Term:
    """A number, or a vector, as one of a type that holds it: bfloat16 is half of float32."""
    lanes = k.lanes(x)

    def typed(element: str) -> str:
        return f"vector<{lanes}x{element}>" if lanes else element

    if k.dtype(x) == dtype:
        return x
    if k.dtype(x) != dtypes.bfloat16:
        return k.op("arith.extf", x, type=typed(dtypes.MLIR_NAMES[dtype]))
    bits = k.op("arith.bitcast", x, type=typed("i16"))
    wide = k.op("arith.extui", bits, type=typed("i32"))
    moved = k.op("arith.shli", wide, k.number(16, dtypes.int32, lanes))
    return k.op("arith.bitcast", moved, type=typed("f32"))


@dataclass(frozen=True)
class _Writer:
    work: Applied
    cut: Schedule
    body: Body
    a: Memory
    x: Memory
    inputs: Sequence[Memory]
    y: Memory

    def write(self) -> None:
        """The body: the results of this workgroup, and then what follows on them."""
        k, work, cut = self.body, self.work, self.cut
        start, first = k.workgroup(0) * cut.results, k.workgroup(1) * cut.depth
        stop = k.minimum(start + cut.results, work.results)
        last = k.minimum(first + cut.depth, work.depth)
        if work.by_rows:
            count = min(cut.rows, work.results)
            whole = stop - (stop - start) % count
            with k.loop(start, whole, count) as row:
                self._multiply(row.index, count, first, last)
            with k.loop(whole, stop) as row:
                self._multiply(row.index, 1, first, last)
        else:
            self._add_up(start, stop, first, last)
        if work.then.steps:
            self._finish(start, stop)

    def _load(self, memory: Memory, *where: Index, first: Index | None) -> Term:
        """A vector of a factor."""
        found = memory.load(*where, lanes=self.cut.lanes, first=first)
        return widened(self.body, found, self.work.dtype)

    def _multiply(self, row: Term, count: int, first: Term, last: Term) -> None:
        """Sum the products of a few rows and the vector, and store the sums."""
        k, lanes, z = self.body, self.cut.lanes, self.body.workgroup(2)
        folds = [RowFold(k, "arith.addf", self.work.dtype, lanes) for _ in range(count)]

        def add(at: Term, vectors: int, some: Term | None) -> list[Term]:
            for v in range(vectors):
                x = self._load(self.x, z, at + v * lanes, first=some)
                for r, fold in enumerate(folds):
                    a = self._load(self.a, z, row + r, at + v * lanes, first=some)
                    fold.terms[v] = k.fma(a, x, fold.terms[v])
            return [term for fold in folds for term in fold.terms]

        def take(terms: Sequence[Term]) -> None:
            following = iter(terms)
            for fold in folds:
                fold.take(following)

        step = AT_ONCE * lanes
        whole = last - (last - first) % step
        for begin, end, vectors in ((first, whole, AT_ONCE), (whole, last, 1)):
            carried = [term for fold in folds for term in fold.terms]
            with k.loop(begin, end, vectors * lanes, carried=carried) as trip:
                take(trip.values)
                some = None if vectors > 1 else k.minimum(last - trip.index, lanes)
                trip.carry(add(trip.index, vectors, some))
            take(trip.results)
        for r, fold in enumerate(folds):
            self.y.store(fold.number(), k.workgroup(1), z, row + r)

    def _add_up(self, start: Term, stop: Term, first: Term, last: Term) -> None:
        """Add up rows, each times its number of the vector, a few of them at once."""
        k, rows = self.body, self.cut.rows
        zero = k.number(0, self.work.dtype, self.cut.lanes)
        for column, some in self._columns(start, stop):
            self.y.store(zero, k.workgroup(1), k.workgroup(2), column, first=some)
        whole = last - (last - first) % rows
        with k.loop(first, whole, rows) as trip:
            self._add_rows(trip.index, rows, start, stop)
        with k.loop(whole, last) as trip:
            self._add_rows(trip.index, 1, start, stop)

    def _add_rows(self, row: Term, count: int, start: Term, stop: Term) -> None:
        k, lanes, z = self.body, self.cut.lanes, self.body.workgroup(2)
        numbers = [widened(k, self.x.load(z, row + r), self.work.dtype) for r in range(count)]
        factors = [k.splat(number, lanes) for number in numbers]
        for column, some in self._columns(start, stop):
            at = (k.workgroup(1), z, column)
            total = self.y.load(*at, lanes=lanes, first=some)
            for r, factor in enumerate(factors):
                a = self._load(self.a, z, row + r, column, first=some)
                total = k.fma(a, factor, total)
            self.y.store(total, *at, first=some)

    def _finish(self, start: Term, stop: Term) -> None:
        """Store what the epilogue makes of the results."""
        k, lanes, then, z = self.body, self.cut.lanes, self.work.then, self.body.workgroup(2)
        for i, some in self._columns(start, stop):

            def load(number: int, i: Term = i, some: Term | None = some) -> Term:
                at = (i,) if then.inputs[number] == "feature" else (z, i)
                return self.inputs[number].load(*at, lanes=lanes, first=some)

            total = self.y.load(0, z, i, lanes=lanes, first=some)
            self.y.store(then.applied(k, total, load), 0, z, i, first=some)

    def _columns(self, start: Term, stop: Term) -> Iterator[tuple[Term, Term | None]]:
        """Vectors of results: where they begin, and how many lanes of the last one count."""
        k, lanes = self.body, self.cut.lanes
        whole = stop - (stop - start) % lanes
        with k.loop(start, whole, lanes) as trip:
            yield trip.index, None
        with k.loop(whole, stop, lanes) as trip:
            yield trip.index, stop - trip.index
