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
from slopec.kernels.packing import Batch, Packed, Panel, Source, copy, transpose

DEPTH = 256
"""Two registers' width of so many rows fits the nearest cache."""
_BLOCK = 256 << 10  # bytes of a packed block, a part of the second cache
_ROWS = 96  # of a strip in the smallest pieces, for which packing it takes little
_TILES = 4  # of a piece, at least
_PIECE = 1 << 21  # multiplications that are worth handing out by themselves
_SMALLEST = 80  # of such pieces would make a large product


@dataclass(frozen=True)
class Product:
    """c[z, i, j] = Σ a[z, i, p] · b[z, p, j], for z < batch, i < m, j < n and p < k.

    `lhs` and `rhs` tell how the matrices are stored: by "rows" or by "columns", and the right one
    perhaps "packed" by panels, as `packed` has it. What the left one is stored by may overlap, so
    many elements `apart`, as windows that slide over a line; then a batch has one right one. Of a
    batch, so many may lie `beside` each other line by line, on the left and on the right, as the
    heads of attention do. `then` is done to each result; its features are the columns.
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
    beside: tuple[int, int] = (1, 1)

    @property
    def name(self) -> str:
        """What tells it from other products."""
        sizes = "x".join(map(str, (*((self.batch,) * (self.batch > 1)), self.m, self.n, self.k)))
        order = {"rows": "", "columns": "t", "packed": "p"}
        stored = f"_{order[self.lhs] or 'n'}{order[self.rhs] or 'n'}"
        stored += f"_by{self.apart}" * (self.apart > 0)
        stored += "_beside{}x{}".format(*self.beside) * (self.beside != (1, 1))
        return f"matmul_{sizes}_f{8 * self.dtype.itemsize}{stored}{self.then.label}"

    def operands(self, width: int) -> tuple[Type, Type]:
        """The matrices to multiply; panels have `width` columns."""
        left = (self.m, self.k) if self.lhs == "rows" else (self.k, self.m)
        lefts = self._stored(left, self.beside[0])
        if self.apart:
            lefts = (self.batch, (left[0] - 1) * self.apart + left[1])
        if self.rhs == "packed":
            rights: tuple[int, ...] = (self.batch, -(-self.n // width), self.k, width)
        else:
            right = (self.k, self.n) if self.rhs == "rows" else (self.n, self.k)
            rights = self._stored(right, self.beside[1])
        if self.apart:
            rights = (1, *rights[1:])
        return (lefts, self.dtype), (rights, self.dtype)

    def _stored(self, matrix: tuple[int, int], beside: int) -> tuple[int, ...]:
        """The sizes of a batch of matrices in memory."""
        lines, columns = matrix
        return (self.batch // beside, lines, *(beside,) * (beside > 1), columns)

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

    Strips of the result are `columns` wide; in them lie tiles of `height` rows, which are counted
    through strip by strip. A workgroup computes some of them, one after the other: `large` of the
    first `full` workgroups, and `small` of the others. Of each strip it packs the right matrix,
    `depth` rows at a time, into panels that are `vectors` registers of `lanes` wide; sums of a tile
    by one panel stay in registers.
    """

    height: int
    vectors: int
    lanes: int
    columns: int
    depth: int
    full: int
    large: int
    small: int

    @property
    def width(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes

    def tiles(self, m: int) -> int:
        """How many of them are in a strip."""
        return -(-m // self.height)

    def pieces(self, m: int, n: int) -> int:
        """How many workgroups share a product."""
        rest = self.tiles(m) * -(-n // self.columns) - self.full * self.large
        return self.full - (-rest // self.small)


def schedule(product: Product, vectors: Vectors) -> Schedule:
    """How to cut a product for a processor.

    Strips are wide, so that rows of the left matrix are read seldom, if there are enough of them to
    pack strips for.
    """
    lanes = vectors.lanes(product.dtype)
    height, wide = (8, 2) if vectors.registers == 32 else (6, 2)
    width, m, n, k = wide * lanes, product.m, product.n, product.k
    most = max(width, _BLOCK // (DEPTH * product.dtype.itemsize))
    columns = min(most, max(width, product.batch * n * max(m, _ROWS) // (_ROWS * _SMALLEST)))
    columns = _part(n, -(-n // columns), width)
    pieces = _pieces(product, -(-m // height), -(-n // columns))
    deepest = min(DEPTH, max(4 * lanes, _BLOCK // (columns * product.dtype.itemsize)))
    return Schedule(height, wide, lanes, columns, _part(k, -(-k // deepest), lanes), *pieces)


def _pieces(product: Product, tiles: int, strips: int) -> tuple[int, int, int]:
    """How many pieces are large, and how many tiles large and small ones have.

    Whoever has the last one keeps the others waiting, so the last quarter is handed out in pieces
    as small as may be.
    """
    batch, count = product.batch, tiles * strips
    if batch >= EIGHTS:
        most = -(-3 * EIGHTS // batch)
    elif batch * product.m * product.n * product.k < FEW * _PIECE:
        most = -(-FEW // batch)
    else:
        most = (EIGHTS - 1) // batch

    def size(share: int) -> int:
        some = max(share, min(_TILES, tiles))
        return some if some < tiles else -(-some // tiles) * tiles  # whole strips are packed once

    large = size(max(-(-count * batch // FEW), -(-count // most)))
    full = 3 * count // (4 * large)
    return full, large, size(-(-(count - full * large) // max(1, most - full)))


def _part(size: int, parts: int, unit: int) -> int:
    """The size of each of so many equal parts, the last less, in multiples of `unit`."""
    return -(-size // (parts * unit)) * unit


def matmul(product: Product, cut: Schedule) -> Kernel:
    """The kernel of a product; if the right matrix is to be packed, a second result has room."""
    grid = (product.batch, cut.pieces(product.m, product.n), 1)
    panels = -(-cut.columns // cut.width)
    room = (*grid[:2], panels, cut.depth, cut.width), product.dtype
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
        """The body: of each strip, the tiles from `begin` to `end`."""
        k, cut, tiles = self.body, self.cut, self.cut.tiles(self.product.m)
        strips = -(-self.product.n // cut.columns)
        number = k.workgroup(1)
        begin = self._start(number)
        end = k.minimum(self._start(number + 1), tiles * strips)
        with k.loop(begin // tiles, (end + (tiles - 1)) // tiles) as strip:
            before = strip.index * tiles
            first, last = begin - k.minimum(begin, before), k.minimum(end - before, tiles)
            self._strip(strip.index * cut.columns, first * cut.height, last * cut.height)

    def _start(self, number: Term) -> Term:
        """The first tile of a workgroup."""
        cut = self.cut
        return number * cut.small + self.body.minimum(number, cut.full) * (cut.large - cut.small)

    def _strip(self, column: Term, begin: Term, end: Term) -> None:
        """Some rows of a strip: for each block of the depth, pack and multiply."""
        k, product, cut = self.body, self.product, self.cut
        place = k.workgroup(0)
        right = k.index(0) if product.apart else place
        with k.loop(0, product.k, cut.depth) as block:
            start = block.index
            depth = k.minimum(cut.depth, k.index(product.k) - start)
            if self.room is None:
                panels = Packed(self.b, (right,), cut.width, start)
            else:
                panels = Packed(self.room, (place, k.workgroup(1)), cut.width, k.index(0), column)
                source = Source(Batch(self.b, product.beside[1]), right, start, depth)
                self._pack(source, panels, column)
            full = product.m // cut.height * cut.height
            with k.loop(begin, k.minimum(end, full), cut.height) as trip:
                if self.room is None and product.k > cut.depth:
                    self._prefetch(trip.index - begin, column, panels, depth)
                self._rows(trip.index, cut.height, column, panels, start, depth)
            if full < product.m:
                with k.when(k.compare(end, ">", full)):
                    self._rows(k.index(full), product.m - full, column, panels, start, depth)

    def _pack(self, source: Source, panels: Packed, column: Term) -> None:
        """Pack a block of the right matrix: line by line if it is stored so."""
        if self.product.rhs == "rows":
            with self.body.loop(0, source.depth) as trip:
                for panel in self._panels(column):
                    copy(source, panels, panel, trip.index)
        else:
            for panel in self._panels(column):
                transpose(source, panels, panel)

    def _panels(self, column: Term) -> Iterator[Panel]:
        """The panels of a strip: a loop over the full ones, then the narrow one at the end."""
        k, cut, full = self.body, self.cut, self.product.n // self.cut.width * self.cut.width
        stop = column + cut.columns
        with k.loop(column, k.minimum(stop, full), cut.width) as trip:
            yield Panel(trip.index, cut.width, cut.lanes)
        if full < self.product.n:
            with k.when(k.compare(stop, ">", full)):
                yield Panel(k.index(full), self.product.n - full, cut.lanes)

    def _rows(
        self, row: Term, height: int, column: Term, panels: Packed, start: Term, depth: Term
    ) -> None:
        """Add the product of `height` rows by all panels of a strip."""
        for panel in self._panels(column):
            self._tile(row, height, panel, panels, start, depth)

    def _tile(
        self, row: Term, height: int, panel: Panel, panels: Packed, start: Term, depth: Term
    ) -> None:
        """Add the product of a few rows by a panel, summed in registers."""
        k, lanes, z = self.body, self.cut.lanes, self.body.workgroup(0)
        places = [
            (row + i, panel.start + v, first) for i in range(height) for v, first in panel.vectors
        ]
        if self.product.k > self.cut.depth:  # the sums so far are needed at the end
            for i, j, _ in places:
                self.c.prefetch(z, i, j, write=True)
        zero = k.number(0, self.product.dtype, lanes)
        with k.loop(0, depth, carried=[zero] * height * len(panel.vectors)) as trip:
            right = [panels.load(panel, trip.index, v) for v, _ in panel.vectors]
            left = [self._left(row + i, start + trip.index) for i in range(height)]
            pairs = [(k.splat(x, lanes), y) for x in left for y in right]
            trip.carry([k.fma(x, y, s) for (x, y), s in zip(pairs, trip.values, strict=True)])
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
        z, then, lanes = self.body.workgroup(0), self.product.then, self.cut.lanes

        def applied(place: _Place, total: Term) -> Term:
            i, j, first = place

            def load(number: int) -> Term:
                where = (j,) if then.inputs[number] == "feature" else (z, i, j)
                return self.others[number].load(*where, lanes=lanes, first=first)

            return then.applied(self.body, total, load)

        self._store(places, [applied(*pair) for pair in zip(places, sums, strict=True)])

    def _store(self, places: Sequence[_Place], values: Sequence[Term]) -> None:
        z = self.body.workgroup(0)
        for (i, j, first), value in zip(places, values, strict=True):
            self.c.store(value, z, i, j, first=first)

    def _prefetch(self, row: Term, column: Term, panels: Packed, depth: Term) -> None:
        """Ask for the part of the next block that is due before this row of a piece."""
        cut = self.cut
        part = -(-cut.depth // min(cut.large, cut.tiles(self.product.m)))
        first = row // cut.height * part + depth
        for panel in self._panels(column):
            with self.body.loop(first, first + part) as trip:
                for v, _ in panel.vectors:
                    panels.prefetch(panel, trip.index, v)

    def _left(self, i: Term, p: Term) -> Term:
        """An element of the left matrix."""
        product, z = self.product, self.body.workgroup(0)
        line, place = (i, p) if product.lhs == "rows" else (p, i)
        if product.apart:
            return self.a.load(z, line * product.apart + place)
        return Batch(self.a, product.beside[0]).load(z, line, place)
