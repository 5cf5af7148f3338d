"""Products of matrices: blocks of the right one are packed, then rows of the left go over them.

The scheme is Goto's and BLIS's (Van Zee and van de Geijn, 2015), with one difference: the left
matrix is not packed, because its elements are read one at a time. A workgroup packs for itself, so
that none waits for another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.epilogue import NOTHING, Epilogue
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import EIGHTS, FEW, Kernel, Type
from slopec.kernels.packing import Packed, Panel, Source, copy, transpose

DEPTH = 256
"""Two registers' width of so many rows fits the nearest cache."""
_BLOCK = 512 << 10  # bytes of a packed block, which fits the second cache
_COLUMNS = 256


@dataclass(frozen=True)
class Product:
    """c[z, i, j] = Σ a[z, i, p] · b[z, p, j], for z < batch, i < m, j < n and p < k.

    `lhs` and `rhs` tell how the matrices are stored: by "rows" or by "columns", and the right one
    perhaps "packed" by panels, as `packed` has it. What the left one is stored by may overlap, so
    many elements `apart`, as windows that slide over a line; then a batch has one right one. `then`
    is done to each result; its features are the columns.
    """

    batch: int
    m: int
    n: int
    k: int
    dtype: DType
    lhs: str = "rows"
    rhs: str = "rows"
    then: Epilogue = NOTHING
    apart: int = 0

    @property
    def name(self) -> str:
        """What tells it from other products."""
        sizes = "x".join(map(str, (*((self.batch,) * (self.batch > 1)), self.m, self.n, self.k)))
        order = {"rows": "", "columns": "t", "packed": "p"}
        stored = f"_{order[self.lhs] or 'n'}{order[self.rhs] or 'n'}"
        stored += f"_by{self.apart}" * (self.apart > 0)
        return f"matmul_{sizes}_f{8 * self.dtype.itemsize}{stored}{self.then.label}"

    def operands(self, width: int) -> tuple[Type, Type]:
        """The matrices to multiply; panels have `width` columns."""
        left: tuple[int, ...] = (self.m, self.k) if self.lhs == "rows" else (self.k, self.m)
        if self.apart:
            left = ((left[0] - 1) * self.apart + left[1],)
        right = {
            "rows": (self.k, self.n),
            "columns": (self.n, self.k),
            "packed": (-(-self.n // width), self.k, width),
        }[self.rhs]
        batch = 1 if self.apart else self.batch
        return ((self.batch, *left), self.dtype), ((batch, *right), self.dtype)

    @property
    def inputs(self) -> tuple[Type, ...]:
        """What else the epilogue takes."""
        return self.then.types(self.n, self.result)

    @property
    def result(self) -> Type:
        """Their product."""
        return (self.batch, self.m, self.n), self.dtype


@dataclass(frozen=True)
class Schedule:
    """How a product is cut.

    A workgroup computes `rows` × `columns` of the result, over blocks of `depth`. Of each block the
    right matrix is packed into panels that are `vectors` registers of `lanes` wide; sums of
    `height` rows by one panel stay in registers. Of the workgroups side by side, those after the
    first `full` have `narrow` columns only.
    """

    height: int
    vectors: int
    lanes: int
    rows: int
    columns: int
    depth: int
    full: int
    narrow: int

    def across(self, n: int) -> int:
        """How many workgroups side by side have `n` columns."""
        rest = n - self.full * self.columns
        return -(-n // self.columns) if rest <= 0 else self.full - (-rest // self.narrow)

    @property
    def width(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes


def schedule(product: Product, vectors: Vectors) -> Schedule:
    """How to cut a product for a processor: into enough parts, and the right matrix into few.

    Whoever computes rows packs for themselves, while columns are packed once.
    """
    lanes = vectors.lanes(product.dtype)
    height, wide = (8, 2) if vectors.registers == 32 else (6, 2)
    width, m, n = wide * lanes, product.m, product.n
    down, across = 1, max(1, round(n / _COLUMNS))

    def parts() -> int:
        return product.batch * down * across

    while parts() < FEW and n > width * across:
        across *= 2
    while parts() < FEW and m > 8 * height * down:
        down *= 2
    while parts() >= EIGHTS and across > 1:
        across = -(-across // 2)
    while EIGHTS <= parts() < 3 * EIGHTS and m > 16 * height * down:
        down *= 2
    rows, columns = _part(m, down, height), _part(n, across, width)
    most = min(DEPTH, max(4 * lanes, _BLOCK // (columns * product.dtype.itemsize)))
    deep = -(-product.k // most)
    ends = _ends(n, columns, width) if parts() == across else (across, columns)
    return Schedule(height, wide, lanes, rows, columns, _part(product.k, deep, lanes), *ends)


def _ends(n: int, columns: int, width: int) -> tuple[int, int]:
    """How many workgroups come before narrow ones, and how many columns those have.

    Whoever has the last one keeps the others waiting, so the last quarter is handed out in pieces.
    """
    count = -(-n // columns)
    full = 3 * count // 4
    for narrow in range(width, columns, width):
        if full - (-(n - full * columns) // narrow) < EIGHTS:
            return full, narrow
    return count, columns


def _part(size: int, parts: int, unit: int) -> int:
    """The size of each of so many equal parts, the last less, in multiples of `unit`."""
    return -(-size // (parts * unit)) * unit


def matmul(product: Product, cut: Schedule) -> Kernel:
    """The kernel of a product; if the right matrix is to be packed, a second result has room."""
    grid = (cut.across(product.n), -(-product.m // cut.rows), product.batch)
    panels = -(-cut.columns // cut.width)
    room = (*reversed(grid), panels, cut.depth, cut.width), product.dtype
    results = (product.result,) if product.rhs == "packed" else (product.result, room)

    def write(body: Body, a: Memory, b: Memory, *others: Memory) -> None:
        count = len(product.inputs)
        c, *room = others[count:]
        _Writer(product, cut, body, a, b, others[:count], c, room[0] if room else None).write()

    operands = (*product.operands(cut.width), *product.inputs)
    return Kernel(f"slopec_{product.name}", operands, results, grid, write)


_Place = tuple[Term, Term, int]
"""The row and column where a vector of results goes, and how many of its lanes count."""


@dataclass(frozen=True)
class _Writer:
    product: Product
    cut: Schedule
    body: Body
    a: Memory
    b: Memory
    others: Sequence[Memory]
    c: Memory
    room: Memory | None

    def write(self) -> None:
        """The body: for each block of the depth, pack and multiply."""
        k, product, cut = self.body, self.product, self.cut
        x, y, z = (k.workgroup(d) for d in range(3))
        right = k.index(0) if product.apart else z
        row, column = y * cut.rows, self._column(x)
        with k.loop(0, product.k, cut.depth) as block:
            start = block.index
            depth = k.minimum(cut.depth, k.index(product.k) - start)
            if self.room is None:
                panels = Packed(self.b, (right,), cut.width, start)
            else:
                panels = Packed(self.room, (z, y, x), cut.width, k.index(0), column)
                source = Source(self.b, right, start, depth)
                for panel in self._panels(column):
                    (copy if product.rhs == "rows" else transpose)(source, panels, panel)
            full = product.m // cut.height * cut.height
            with k.loop(row, k.minimum(row + cut.rows, full), cut.height) as trip:
                self._rows(trip.index, cut.height, column, panels, start, depth)
            if full < product.m:
                with k.when(k.compare(row + cut.rows, ">", full)):
                    self._rows(k.index(full), product.m - full, column, panels, start, depth)

    def _column(self, x: Term) -> Term:
        """Where the columns of a workgroup begin."""
        cut = self.cut
        if cut.narrow == cut.columns:
            return x * cut.columns
        return x * cut.narrow + self.body.minimum(x, cut.full) * (cut.columns - cut.narrow)

    def _panels(self, column: Term) -> Iterator[Panel]:
        """The panels of a workgroup: a loop over the full ones, then the narrow one at the end."""
        k, cut, full = self.body, self.cut, self.product.n // self.cut.width * self.cut.width
        stop = self._column(k.workgroup(0) + 1)
        with k.loop(column, k.minimum(stop, full), cut.width) as trip:
            yield Panel(trip.index, cut.width, cut.lanes)
        if full < self.product.n:
            with k.when(k.compare(stop, ">", full)):
                yield Panel(k.index(full), self.product.n - full, cut.lanes)

    def _rows(
        self, row: Term, height: int, column: Term, panels: Packed, start: Term, depth: Term
    ) -> None:
        """Add the product of `height` rows by all panels of this workgroup."""
        for panel in self._panels(column):
            self._tile(row, height, panel, panels, start, depth)

    def _tile(
        self, row: Term, height: int, panel: Panel, panels: Packed, start: Term, depth: Term
    ) -> None:
        """Add the product of a few rows by a panel, summed in registers."""
        k, lanes, z = self.body, self.cut.lanes, self.body.workgroup(2)
        if self.room is None and self.product.k > self.cut.depth:
            self._prefetch(row, panel, panels, depth)
        zero = k.number(0, self.product.dtype, lanes)
        with k.loop(0, depth, carried=[zero] * height * len(panel.vectors)) as trip:
            right = [panels.load(panel, trip.index, v) for v, _ in panel.vectors]
            left = [self._left(row + i, start + trip.index) for i in range(height)]
            pairs = [(k.splat(x, lanes), y) for x in left for y in right]
            trip.carry([k.fma(x, y, s) for (x, y), s in zip(pairs, trip.values, strict=True)])
        places = [
            (row + i, panel.start + v, first) for i in range(height) for v, first in panel.vectors
        ]
        if self.product.k <= self.cut.depth:
            self._finish(places, trip.results)
            return
        with k.when(k.compare(start, "==", 0)):
            self._store(places, trip.results)
        with k.when(k.compare(start, "!=", 0)):
            before = [self.c.load(z, i, j, lanes=lanes, first=first) for i, j, first in places]
            sums = [x + y for x, y in zip(before, trip.results, strict=True)]
            if not self.product.then.steps:
                self._store(places, sums)
                return
            with k.when(k.compare(start + depth, "<", self.product.k)):
                self._store(places, sums)
            with k.when(k.compare(start + depth, "==", self.product.k)):
                self._finish(places, sums)

    def _finish(self, places: Sequence[_Place], sums: Sequence[Term]) -> None:
        """Store what the epilogue makes of vectors of results."""
        z, then, lanes = self.body.workgroup(2), self.product.then, self.cut.lanes

        def applied(place: _Place, total: Term) -> Term:
            i, j, first = place

            def load(number: int) -> Term:
                where = (j,) if then.inputs[number] == "feature" else (z, i, j)
                return self.others[number].load(*where, lanes=lanes, first=first)

            return then.applied(self.body, total, load)

        self._store(places, [applied(*pair) for pair in zip(places, sums, strict=True)])

    def _store(self, places: Sequence[_Place], values: Sequence[Term]) -> None:
        z = self.body.workgroup(2)
        for (i, j, first), value in zip(places, values, strict=True):
            self.c.store(value, z, i, j, first=first)

    def _prefetch(self, row: Term, panel: Panel, panels: Packed, depth: Term) -> None:
        """Ask for the part of the next block's panel that is due before this row."""
        part = -(-self.cut.depth // max(1, self.cut.rows // self.cut.height))
        first = (row % self.cut.rows) // self.cut.height * part + depth
        with self.body.loop(first, first + part) as trip:
            for v, _ in panel.vectors:
                panels.prefetch(panel, trip.index, v)

    def _left(self, i: Term, p: Term) -> Term:
        """An element of the left matrix."""
        product, z = self.product, self.body.workgroup(2)
        line, place = (i, p) if product.lhs == "rows" else (p, i)
        if product.apart:
            return self.a.load(z, line * product.apart + place)
        return self.a.load(z, line, place)
