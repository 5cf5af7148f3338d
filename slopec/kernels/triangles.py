"""Triangular systems and Cholesky factors, a few rows at a time, with their sums in registers.

Row i of the solution of T x = b is bᵢ less what the rows before it contribute, over Tᵢᵢ. Rows come
in panels: for a strip of columns, first the contribution of all rows before the panel is taken from
all its rows at once, in registers, then the small triangle of the panel itself is solved. Rows of
the upper factor of a = uᵀ u solve uᵀ u = a, with the triangle being made on the way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type

Row = list[Term]
"""The vectors of a row within a strip of columns."""


@dataclass(frozen=True)
class Strip:
    """Columns from `start` on, `width` of them."""

    start: Term
    width: int


@dataclass(frozen=True)
class Cut:
    """Panels of `height` rows, strips of `vectors` registers of `lanes`."""

    height: int
    vectors: int
    lanes: int

    @property
    def width(self) -> int:
        """The columns of a strip."""
        return self.vectors * self.lanes

    def places(self, strip: Strip) -> list[tuple[int, int]]:
        """Where the vectors of a strip begin, and how many of their lanes count."""
        return [(v, min(self.lanes, strip.width - v)) for v in range(0, strip.width, self.lanes)]


def _cut(vectors: Vectors, dtype: DType, columns: int) -> Cut:
    lanes = vectors.lanes(dtype)
    height, wide = (8, 3) if vectors.registers == 32 else (4, 2)
    return Cut(height, min(wide, -(-columns // lanes)), lanes)


@dataclass(frozen=True)
class System:
    """op(t) x = b for triangles t (batch, n, n) and b (batch, n, columns); op may transpose."""

    batch: int
    n: int
    columns: int
    dtype: DType
    lower: bool
    transposed: bool
    unit: bool

    @property
    def operands(self) -> tuple[Type, Type]:
        """The triangles and the right-hand sides."""
        right = (self.batch, self.n, self.columns), self.dtype
        return ((self.batch, self.n, self.n), self.dtype), right


def solve(system: System, vectors: Vectors) -> Kernel:
    """The kernel that solves triangular systems: a workgroup for each strip of columns."""
    cut = _cut(vectors, system.dtype, system.columns)
    strips = -(-system.columns // cut.width)
    words = [word for word in ("lower", "transposed", "unit") if getattr(system, word)]
    sizes = f"{system.batch}x{system.n}x{system.columns}_f{8 * system.dtype.itemsize}"
    name = "_".join(["slopec_solve", *words, sizes])

    def write(body: Body, t: Memory, b: Memory, x: Memory) -> None:
        _Solve(system, cut, body, t, b, x).write()

    return Kernel(name, system.operands, system.operands[1:], (strips, system.batch, 1), write)


@dataclass(frozen=True)
class _Solve:
    system: System
    cut: Cut
    body: Body
    t: Memory
    b: Memory
    x: Memory

    def write(self) -> None:
        """The body: panel after panel of this workgroup's strip."""
        k, width, columns = self.body, self.cut.width, self.system.columns
        start = k.workgroup() * width
        full = columns // width * width
        if full:
            with k.when(k.compare(start, "<", full)):
                self._strip(Strip(start, width))
        if full < columns:
            with k.when(k.compare(start, ">=", full)):
                self._strip(Strip(k.index(full), columns - full))

    def _strip(self, strip: Strip) -> None:
        for first, height in _panels(self.body, self.system.n, self.cut.height):
            self._panel(first, height, strip)

    def _panel(self, first: Term, height: int, strip: Strip) -> None:
        places = self.cut.places(strip)
        rows = [self._load(self.b, first + r, strip) for r in range(height)]
        before = partial(self._before, first, height, strip)
        rows = _less(self.body, self.cut.lanes, first, rows, before)
        triangle = [
            [self._coefficient(first + r, first + s) for s in range(r)] for r in range(height)
        ]
        ends = [self._coefficient(first + r, first + r) for r in range(height)]
        solved = _solved(
            self.body, self.cut.lanes, rows, triangle, None if self.system.unit else ends
        )
        for r, row in enumerate(solved):
            for value, (v, count) in zip(row, places, strict=True):
                self.x.store(value, self._z, self._place(first + r), strip.start + v, first=count)

    @property
    def _z(self) -> Term:
        return self.body.workgroup(1)

    def _before(self, first: Term, height: int, strip: Strip, i: Term) -> tuple[Row, list[Term]]:
        """The i-th row that was solved for, and its coefficient for each row of a panel."""
        factors = [self._coefficient(first + r, i) for r in range(height)]
        return self._load(self.x, i, strip), factors

    def _place(self, i: Term) -> Term:
        """Where the i-th row to be solved for is: an upper triangle is solved from its end."""
        forwards = self.system.lower != self.system.transposed
        return i if forwards else i * -1 + (self.system.n - 1)

    def _coefficient(self, i: Term, j: Term) -> Term:
        row, column = self._place(i), self._place(j)
        at = (column, row) if self.system.transposed else (row, column)
        return self.t.load(self._z, *at)

    def _load(self, memory: Memory, i: Term, strip: Strip) -> Row:
        return [
            memory.load(self._z, self._place(i), strip.start + v, lanes=self.cut.lanes, first=count)
            for v, count in self.cut.places(strip)
        ]


def cholesky(batch: int, n: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of upper factors u of a = uᵀ u (batch, n, n), of whose `a` the upper triangle is
    read: a workgroup for each matrix. NaN where `a` is not positive definite.
    """
    cut = _cut(vectors, dtype, n)
    name = f"slopec_cholesky_{batch}x{n}_f{8 * dtype.itemsize}"
    matrix = (batch, n, n), dtype

    def write(body: Body, a: Memory, u: Memory) -> None:
        factor = _Cholesky(n, cut, body, a, u)
        for first, height in _panels(body, n, cut.height):
            factor.panel(first, height)

    return Kernel(name, (matrix,), (matrix,), (batch, 1, 1), write)


@dataclass(frozen=True)
class _Cholesky:
    n: int
    cut: Cut
    body: Body
    a: Memory
    u: Memory

    def panel(self, first: Term, height: int) -> None:
        """Rows of the factor: those of `a` less what the rows before contribute, solved."""
        k, lanes = self.body, self.cut.lanes
        begin = first // self.cut.width * self.cut.width
        for strip in self._strips(k.index(0), begin, last=False):
            zero = k.number(0, self.u.dtype, lanes)
            self._store([[zero] * self.cut.vectors] * height, first, strip)
        for strip in self._strips(begin, k.index(self.n), last=True):
            rows = [self._load(self.a, first + r, strip) for r in range(height)]
            before = partial(self._before, first, height, strip)
            self._store(_less(k, lanes, first, rows, before), first, strip)
        corner = self._corner(first, height)
        triangle = [[corner[s][r] for s in range(r)] for r in range(height)]
        for strip in self._strips(begin, k.index(self.n), last=True):
            rows = [self._load(self.u, first + r, strip) for r in range(height)]
            rows = _solved(k, lanes, rows, triangle, [corner[r][r] for r in range(height)])
            rows = [self._right_of(row, first + r, strip) for r, row in enumerate(rows)]
            self._store(rows, first, strip)
        for r in range(height):
            for s in range(r, height):
                self.u.store(corner[r][s], self._z, first + r, first + s)

    @property
    def _z(self) -> Term:
        return self.body.workgroup()

    def _before(self, first: Term, height: int, strip: Strip, i: Term) -> tuple[Row, list[Term]]:
        """The i-th row, and its coefficient for each row of a panel."""
        factors = [self.u.load(self._z, i, first + r) for r in range(height)]
        return self._load(self.u, i, strip), factors

    def _corner(self, first: Term, height: int) -> list[dict[int, Term]]:
        """The factor of the panel's own square, number by number."""
        k = self.body
        c = [
            {s: self.u.load(self._z, first + r, first + s) for s in range(r, height)}
            for r in range(height)
        ]
        for r in range(height):
            c[r][r] = k.op("math.sqrt", c[r][r])
            for s in range(r + 1, height):
                c[r][s] = c[r][s] / c[r][r]
            for i in range(r + 1, height):
                for s in range(i, height):
                    c[i][s] = c[i][s] - c[r][i] * c[r][s]
        return c

    def _right_of(self, row: Row, place: Term, strip: Strip) -> Row:
        """A row with zeros left of the diagonal."""
        k, lanes = self.body, self.cut.lanes
        zero, mask = k.number(0, self.u.dtype, lanes), f"vector<{lanes}xi1>"
        found = []
        for value, (v, _) in zip(row, self.cut.places(strip), strict=True):
            left = k.op("vector.create_mask", place - (strip.start + v), type=mask)
            found.append(k.select(left, zero, value))
        return found

    def _strips(self, start: Term, stop: Term, *, last: bool) -> Iterator[Strip]:
        """The strips between: a loop over the full ones, then the narrow one at the end."""
        k, width = self.body, self.cut.width
        full = self.n // width * width
        with k.loop(start, k.minimum(stop, full), width) as trip:
            yield Strip(trip.index, width)
        if last and full < self.n:
            yield Strip(k.index(full), self.n - full)

    def _load(self, memory: Memory, i: Term, strip: Strip) -> Row:
        return [
            memory.load(self._z, i, strip.start + v, lanes=self.cut.lanes, first=count)
            for v, count in self.cut.places(strip)
        ]

    def _store(self, rows: Sequence[Row], first: Term, strip: Strip) -> None:
        for r, row in enumerate(rows):
            for value, (v, count) in zip(row, self.cut.places(strip), strict=True):
                self.u.store(value, self._z, first + r, strip.start + v, first=count)


def _panels(body: Body, n: int, height: int) -> Iterator[tuple[Term, int]]:
    """First rows and heights of panels: a loop over the full ones, then the low one at the end."""
    full = n // height * height
    with body.loop(0, full, height) as trip:
        yield trip.index, height
    if full < n:
        yield body.index(full), n - full


def _less(
    body: Body,
    lanes: int,
    count: Index,
    rows: Sequence[Row],
    before: Callable[[Term], tuple[Row, list[Term]]],
) -> list[Row]:
    """Rows less the `count` ones `before`, each times its coefficient for each row."""
    width = len(rows[0])
    flat = [value for row in rows for value in row]
    with body.loop(0, count, carried=flat) as trip:
        known, coefficients = before(trip.index)
        factors = [body.splat(body.op("arith.negf", c), lanes) for c in coefficients]
        pairs = [(factor, value) for factor in factors for value in known]
        trip.carry([body.fma(f, x, s) for (f, x), s in zip(pairs, trip.values, strict=True)])
    left = trip.results
    return [left[i : i + width] for i in range(0, len(left), width)]


def _solved(
    body: Body,
    lanes: int,
    rows: Sequence[Row],
    triangle: Sequence[Sequence[Term]],
    ends: Sequence[Term] | None,
) -> list[Row]:
    """The solution for the small triangle, given below its diagonal; its ends are ones if None."""
    found: list[Row] = []
    for r, row in enumerate(rows):
        values = row
        for s, coefficient in enumerate(triangle[r]):
            factor = body.splat(body.op("arith.negf", coefficient), lanes)
            values = [body.fma(factor, x, y) for x, y in zip(found[s], values, strict=True)]
        if ends is not None:
            end = body.splat(ends[r], lanes)
            values = [value / end for value in values]
        found.append(values)
    return found
