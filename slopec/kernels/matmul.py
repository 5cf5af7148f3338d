"""Products of matrices: blocks of the right one are packed, then rows of the left go over them.

The scheme is Goto's and BLIS's (Van Zee and van de Geijn, 2015), with one difference: the left
matrix is not packed, because its elements are read one at a time. A workgroup packs for itself, so
that none waits for another.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type

_DEPTH = 256  # a panel of so many rows and two registers' width fits the nearest cache
_COLUMNS = 256  # a packed block of that depth and width fits the second one
_ROWS = 512
_WORKGROUPS = 16  # enough to keep a handful of workers equally busy


@dataclass(frozen=True)
class Product:
    """c[z, i, j] = Σ a[z, i, p] · b[z, p, j], for z < batch, i < m, j < n and p < k."""

    batch: int
    m: int
    n: int
    k: int
    dtype: DType

    @property
    def operands(self) -> tuple[Type, Type]:
        """The matrices to multiply."""
        left, right = (self.batch, self.m, self.k), (self.batch, self.k, self.n)
        return (left, self.dtype), (right, self.dtype)

    @property
    def result(self) -> Type:
        """Their product."""
        return (self.batch, self.m, self.n), self.dtype


@dataclass(frozen=True)
class Schedule:
    """How a product is cut.

    A workgroup computes `rows` × `columns` of the result, over blocks of `depth`. Of each block the
    right matrix is packed into panels that are `vectors` registers of `lanes` wide; sums of
    `height` rows by one panel stay in registers.
    """

    height: int
    vectors: int
    lanes: int
    rows: int
    columns: int
    depth: int

    @property
    def width(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes


def schedule(product: Product, vectors: Vectors) -> Schedule:
    """How to cut a product for a processor."""
    lanes = vectors.lanes(product.dtype)
    height, wide = (12, 2) if vectors.registers == 32 else (6, 2)
    width = wide * lanes
    columns = _even(product.n, _COLUMNS, width)
    rows = product.m
    across = -(-product.n // columns) * product.batch
    while rows > _ROWS or (rows > 4 * height and across * -(-product.m // rows) < _WORKGROUPS):
        rows = _even(product.m, rows // 2, height)
    return Schedule(height, wide, lanes, rows, columns, _even(product.k, _DEPTH, 1))


def _even(size: int, most: int, unit: int) -> int:
    """The size of equal parts of at most about `most`, in multiples of `unit`."""
    parts = max(1, round(size / most))
    return -(-size // (parts * unit)) * unit


def matmul(product: Product, cut: Schedule) -> Kernel:
    """The kernel of a product; its second result is where it packs."""
    grid = (-(-product.n // cut.columns), -(-product.m // cut.rows), product.batch)
    panels = -(-cut.columns // cut.width)
    packed = (*reversed(grid), panels, cut.depth, cut.width), product.dtype
    sizes = f"{product.m}x{product.n}x{product.k}"
    batched = f"{product.batch}x" if product.batch > 1 else ""

    def write(body: Body, a: Memory, b: Memory, c: Memory, panels: Memory) -> None:
        _Writer(product, cut, body, a, b, c, panels).write()

    name = f"slopec_matmul_{batched}{sizes}_f{8 * product.dtype.itemsize}"
    return Kernel(name, product.operands, (product.result, packed), grid, write)


@dataclass(frozen=True)
class _Panel:
    """Columns of the result from `start` on, of which there are `width`; `at` is its number."""

    start: Term
    at: Term
    width: int


@dataclass(frozen=True)
class _Writer:
    product: Product
    cut: Schedule
    body: Body
    a: Memory
    b: Memory
    c: Memory
    packed: Memory

    def write(self) -> None:
        """The body: for each block of the depth, pack and multiply."""
        column, row, _ = (self.body.workgroup(d) for d in range(3))
        with self.body.loop(0, self.product.k, self.cut.depth) as block:
            start = block.index
            depth = self.body.minimum(self.cut.depth, start * -1 + self.product.k)
            self._pack(column * self.cut.columns, start, depth)
            self._multiply(row * self.cut.rows, column * self.cut.columns, start, depth)

    def _panels(self, column: Term) -> Iterator[_Panel]:
        """The panels of a workgroup: a loop over the full ones, then the narrow one at the end."""
        k, cut, full = self.body, self.cut, self.product.n // self.cut.width * self.cut.width
        stop = column + cut.columns
        with k.loop(column, k.minimum(stop, full), cut.width) as trip:
            yield _Panel(trip.index, (trip.index - column) // cut.width, cut.width)
        if full < self.product.n:
            with k.when(k.compare(stop, ">", full)):
                last = k.index(full)
                yield _Panel(last, (last - column) // cut.width, self.product.n - full)

    def _vectors(self, panel: _Panel) -> list[tuple[int, int]]:
        """Where the vectors of a panel begin, and how many of their lanes count."""
        lanes = self.cut.lanes
        return [(v, min(lanes, panel.width - v)) for v in range(0, panel.width, lanes)]

    def _pack(self, column: Term, start: Term, depth: Term) -> None:
        """Copy a block of the right matrix, panel by panel."""
        here, z = self._place(), self.body.workgroup(2)
        for panel in self._panels(column):
            with self.body.loop(0, depth) as trip:
                for v, first in self._vectors(panel):
                    place = (z, start + trip.index, panel.start + v)
                    values = self.b.load(*place, lanes=self.cut.lanes, first=first)
                    self.packed.store(values, *here, panel.at, trip.index, v)

    def _multiply(self, row: Term, column: Term, start: Term, depth: Term) -> None:
        """Add the product of a block: all rows of this workgroup by all its panels."""
        k, height = self.body, self.cut.height
        full = self.product.m // height * height
        stop = row + self.cut.rows
        with k.loop(row, k.minimum(stop, full), height) as trip:
            for panel in self._panels(column):
                self._tile(trip.index, height, panel, start, depth)
        if full < self.product.m:
            with k.when(k.compare(stop, ">", full)):
                for panel in self._panels(column):
                    self._tile(k.index(full), self.product.m - full, panel, start, depth)

    def _tile(self, row: Term, height: int, panel: _Panel, start: Term, depth: Term) -> None:
        """Add the product of a few rows by a panel, summed in registers."""
        k, lanes, z = self.body, self.cut.lanes, self.body.workgroup(2)
        places = [(row + i, v, first) for i in range(height) for v, first in self._vectors(panel)]
        zero = k.number(0, self.product.dtype, lanes)
        with k.loop(0, depth, carried=[zero] * len(places)) as trip:
            at = (*self._place(), panel.at, trip.index)
            right = [self.packed.load(*at, v, lanes=lanes) for v, _ in self._vectors(panel)]
            left = [self.a.load(z, row + i, start + trip.index) for i in range(height)]
            pairs = [(k.splat(x, lanes), y) for x in left for y in right]
            trip.carry([k.fma(x, y, s) for (x, y), s in zip(pairs, trip.values, strict=True)])
        with k.when(k.compare(start, "==", 0)):
            for (i, v, first), total in zip(places, trip.results, strict=True):
                self.c.store(total, z, i, panel.start + v, first=first)
        with k.when(k.compare(start, "!=", 0)):
            for (i, v, first), total in zip(places, trip.results, strict=True):
                before = self.c.load(z, i, panel.start + v, lanes=lanes, first=first)
                self.c.store(before + total, z, i, panel.start + v, first=first)

    def _place(self) -> tuple[Index, ...]:
        """Where in the scratch memory this workgroup packs."""
        return tuple(self.body.workgroup(d) for d in (2, 1, 0))
