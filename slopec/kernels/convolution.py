"""Convolutions without copies: a row of results at a time, summed in registers, edges left out.

What lies outside of the image is never read: see `windows.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.epilogue import NOTHING, Epilogue
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type, split
from slopec.kernels.packing import transposed
from slopec.kernels.windows import Axis, Tile, place_of, taps, tiles

_SUMS = 12  # as many are added to before the first can be added to again
_HELD = 3  # places of a window's row whose weights stay in registers
_WEIGHTS = 512 << 10  # bytes of them that stay in a worker's second cache


@dataclass(frozen=True)
class Convolved:
    """y[n, h, w, o] = Σ x[n, rows(h, r), columns(w, c), i] · k[r, c, i, o], over r, c and i.

    With `planes` x is stored as x[n, i, ·, ·], and y so with `makes_planes`; `turned` is k[−r, −c].
    Weights may be in `panels` of so many features o, one after the other, the last filled up.
    Features may be in `groups`, each with as many `given` and `made`: a result takes x's features
    of its own group.
    """

    batch: int
    rows: Axis
    columns: Axis
    given: int
    made: int
    dtype: DType
    planes: bool = False
    makes_planes: bool = False
    turned: bool = False
    groups: int = 1
    panels: int = 0
    then: Epilogue = NOTHING

    @property
    def features(self) -> tuple[int, int]:
        """How many there are of x and of y, in all groups."""
        return self.groups * self.given, self.groups * self.made

    @property
    def inputs(self) -> tuple[Type, ...]:
        """What else the epilogue takes."""
        return self.then.types(self.features[1], self.result)

    @property
    def operands(self) -> tuple[Type, Type]:
        """The image and the window's weights."""
        space, (given, made) = (self.rows.size, self.columns.size), self.features
        x = (self.batch, given, *space) if self.planes else (self.batch, *space, given)
        k: tuple[int, ...] = (self.rows.window, self.columns.window, self.given, made)
        if self.panels:
            count = self.groups * -(-self.made // self.panels)
            k = (count, *k[:-1], self.panels)
        return (x, self.dtype), (k, self.dtype)

    @property
    def result(self) -> Type:
        """The convolved image."""
        space, (_, made) = (self.rows.results, self.columns.results), self.features
        y = (self.batch, made, *space) if self.makes_planes else (self.batch, *space, made)
        return y, self.dtype

    @property
    def label(self) -> str:
        """What tells its kernels from those of others; the loops come first."""
        axes = (self.rows, self.columns)
        results, window, sizes = (
            "x".join(str(size) for size in sizes)
            for sizes in zip(*((a.results, a.window, a.size) for a in axes), strict=True)
        )
        groups = f"{self.groups}x" * (self.groups > 1)
        loops = f"{self.batch}x{groups}{results}x{self.made}x{window}x{self.given}"
        how = "_".join(axis.label for axis in axes)
        orders = "_planes" * self.planes + "_to_planes" * self.makes_planes
        orders += "_turned" * self.turned + f"_by{self.panels}" * (self.panels > 0)
        return f"conv_{loops}_of_{sizes}_{how}{orders}{self.then.label}"

    def element(self, x: Memory, image: Index, row: Index, column: Index, given: Index) -> Term:
        """An element of x."""
        return x.load(
            *((image, given, row, column) if self.planes else (image, row, column, given))
        )

    def start(self, group: Term, feature: Index) -> Term:
        """Where weights for a feature of a group begin: its number, or that of its panel."""
        if self.panels:
            return group * -(-self.made // self.panels) + feature // self.panels
        return group * self.made + feature

    def weight_at(
        self, row: Term, column: int, given: Index, start: Term, later: int
    ) -> tuple[Index, ...]:
        """Where the weights for a place of the window and a feature of x are stored."""
        if self.turned:
            row = row * -1 + (self.rows.window - 1)
            column = self.columns.window - 1 - column
        if self.panels:
            return start, row, column, given, later
        return row, column, given, start + later


@dataclass(frozen=True)
class Schedule:
    """How a convolution is cut.

    A workgroup makes a `share` of a group's features in `rows` rows of an image; sums of `width`
    results in a row, `vectors` registers of `lanes` features each, stay in registers.
    """

    width: int
    vectors: int
    lanes: int
    rows: int
    share: int

    def shares(self, made: int) -> int:
        """How many workgroups make the features of a group, for the same rows."""
        return -(-made // self.share)


def schedule(work: Convolved, vectors: Vectors) -> Schedule:
    """How to cut a convolution for a processor: whatever takes the fewest cycles for a row."""
    lanes = lanes_for(work.made, vectors.lanes(work.dtype))
    held = min(work.columns.window, _HELD)
    most = vectors.registers - 2
    unit = work.columns.unit
    cuts = [
        (width, wide)
        for wide in range(1, 5)
        for width in range(unit, max(min(work.columns.results, most), unit) + 1, unit)
        if width * wide + held * wide <= most
    ]
    width, wide = min(cuts, key=lambda cut: _cycles(work, cut[0], cut[1], lanes))
    share = _share(work, wide * lanes)
    bands = split(work.batch * work.groups * -(-work.made // share), work.rows.results)
    return Schedule(width, wide, lanes, -(-work.rows.results // bands), share)


def _share(work: Convolved, block: int) -> int:
    """The features of a workgroup: blocks of which the weights, read row after row, stay near."""
    size = work.rows.window * work.columns.window * work.given * block * work.dtype.itemsize
    blocks = -(-work.made // block)
    shares = -(-blocks // max(1, _WEIGHTS // size))
    return min(work.made, -(-blocks // shares) * block)


def lanes_for(made: int, most: int) -> int:
    """The lanes of vectors of a few features: of narrow ones a processor may add two at a time."""
    return min(most, max(4, 1 << (made - 1).bit_length()))


def _cycles(work: Convolved, width: int, vectors: int, lanes: int) -> float:
    """Half cycles for a row of results, per row of the window and feature of x."""
    axis, total = work.columns, 0.0
    met = axis.window / axis.gaps  # places at which a result takes an element of x
    for start in range(0, axis.results, width):
        pixels = min(width, axis.results - start)
        apart = axis.stride * (pixels - 1) + axis.dilation * (axis.window - 1) + 1
        taken = min(apart, pixels * axis.window) / axis.gaps
        sums = pixels * vectors * met
        loads = taken + vectors * axis.window
        total += max(sums, loads, _SUMS * met)
    return total * -(-work.made // (lanes * vectors))


def convolution(work: Convolved, cut: Schedule) -> Kernel:
    """The kernel of a convolution."""
    bands, shares = -(-work.rows.results // cut.rows), cut.shares(work.made)

    def write(body: Body, x: Memory, weights: Memory, *others: Memory) -> None:
        _Writer(work, cut, body, x, weights, others[:-1], others[-1]).write()

    name = f"slopec_{work.label}"
    given = (*work.operands, *work.inputs)
    return Kernel(name, given, (work.result,), (bands, work.batch, work.groups * shares), write)


@dataclass(frozen=True)
class _Writer:
    work: Convolved
    cut: Schedule
    body: Body
    x: Memory
    weights: Memory
    inputs: tuple[Memory, ...]
    y: Memory

    def write(self) -> None:
        """The body: some features of the rows of a band."""
        k, rows = self.body, self.work.rows.results
        start = k.workgroup(0) * self.cut.rows
        for feature, widths in self._blocks():
            with k.loop(start, k.minimum(start + self.cut.rows, rows)) as row:
                for column, tile in tiles(k, self.work.columns, self.cut.width):
                    self._tile(row.index, column, tile, feature, widths)

    def _blocks(self) -> Iterator[tuple[Index, list[int]]]:
        """A group's features made together: where they begin and the lanes of each vector."""
        k, lanes, made, share = self.body, self.cut.lanes, self.work.made, self.cut.share
        block = lanes * self.cut.vectors
        full = made // block * block
        start = k.workgroup(2) % self.cut.shares(made) * share
        if full:
            with k.loop(start, k.minimum(start + share, full), block) as trip:
                yield trip.index, [lanes] * self.cut.vectors
        if full < made:
            with k.when(k.compare(start + share, ">", full)):
                yield full, [min(lanes, made - v) for v in range(full, made, lanes)]

    def _group(self) -> Term:
        """Which group of features this workgroup has."""
        return self.body.workgroup(2) // self.cut.shares(self.work.made)

    def _tile(
        self, row: Term, column: Index, tile: Tile, feature: Index, widths: list[int]
    ) -> None:
        """Sum and store the results of a tile."""
        k, axis, lanes = self.body, self.work.rows, self.cut.lanes
        image = k.workgroup(1)
        start = self.work.start(self._group(), feature)
        zero = k.number(0, self.work.dtype, lanes)
        with k.loop(*taps(row, axis), carried=[zero] * (tile.width * len(widths))) as tap:
            line = place_of(row, tap.index, axis)
            with k.loop(0, self.work.given, carried=tap.values) as given:
                totals = list(given.values)
                at = (image, line, column, given.index)
                self._add(totals, tile, at, tap.index, start, widths)
                given.carry(totals)
            tap.carry(given.results)
        store = self._store_planes if self.work.makes_planes else self._store
        for v, count in enumerate(widths):
            place = row, k.index(column), self._group() * self.work.made + feature + v * lanes
            totals = self.work.then.applied_in_a_row(
                k, tap.results[v :: len(widths)], self.inputs, (k.workgroup(1), *place), count
            )
            store(totals, *place, count)

    def _store(
        self, totals: list[Term], row: Term, column: Term, feature: Term, count: int
    ) -> None:
        """Store results in a row, a vector of features each, of which `count` are some."""
        for i, total in enumerate(totals):
            self.y.store(total, self.body.workgroup(1), row, column + i, feature, first=count)

    def _store_planes(
        self, totals: list[Term], row: Term, column: Term, feature: Term, count: int
    ) -> None:
        """Store them as rows of the features' planes: vectors of results in a row."""
        k, lanes = self.body, self.cut.lanes
        for start in range(0, len(totals), lanes):
            part = totals[start : start + lanes]
            square = part + [k.number(0, self.work.dtype, lanes)] * (lanes - len(part))
            for i, line in enumerate(transposed(square)[:count]):
                place = (k.workgroup(1), feature + i, row, column + start)
                self.y.store(line, *place, first=len(part))

    def _add(
        self,
        totals: list[Term],
        tile: Tile,
        at: tuple[Index, Index, Index, Index],
        tap: Term,
        start: Term,
        widths: list[int],
    ) -> None:
        """Add the products of one feature of x in one row: each element is read once."""
        k, lanes = self.body, self.cut.lanes
        image, line, column, given = at
        begin = k.index(column) * self.work.columns.stride // self.work.columns.gaps
        source = self._group() * self.work.given + given
        held: dict[int, list[Term]] = {}
        for offset, pairs in tile.taps:
            value = self.work.element(self.x, image, line, begin + offset, source)
            value = k.splat(value, lanes)
            for pixel, c in pairs:
                if c not in held:
                    held[c] = [
                        self.weights.load(
                            *self.work.weight_at(tap, c, given, start, v * lanes),
                            lanes=lanes,
                            first=None if self.work.panels else w,
                        )
                        for v, w in enumerate(widths)
                    ]
                for v, weight in enumerate(held[c]):
                    i = pixel * len(widths) + v
                    totals[i] = k.fma(value, weight, totals[i])
