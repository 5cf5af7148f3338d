"""The gradient of a convolution's weights: products of a few places, summed over rows in registers.

All places of a window's row are summed at the same time, for a few features of x and a few vectors
of the result's. What a workgroup adds up stays in the nearest caches: a part of the weights, and
rows of both images.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.convolution import Convolved, lanes_for
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.kernels.windows import Axis, place_of, summed

_WORKGROUPS = 16  # enough to keep a handful of workers equally busy
_SHARE = 16  # features of x that a workgroup takes, where they can be shared out evenly
_BAND = 8192  # numbers of both images that fit the nearest cache beside the sums


@dataclass(frozen=True)
class Schedule:
    """How a gradient is cut.

    A workgroup sums over `images`, band by band of `rows`, for `share` features of x. Sums of a row
    of the window, `given` features of x and `vectors` registers of `lanes` stay in registers.
    """

    images: int
    rows: int
    share: int
    given: int
    vectors: int
    lanes: int


def schedule(work: Convolved, vectors: Vectors) -> Schedule:
    """How to cut a gradient for a processor."""
    lanes = lanes_for(work.made, vectors.lanes(work.dtype))
    share = _SHARE if work.given % _SHARE == 0 else work.given
    parts = work.given // share
    images = -(-work.batch // max(1, _WORKGROUPS // (parts * work.groups)))
    row = work.columns.size * work.given + work.columns.results * work.made
    rows = max(1, min(work.rows.results, _BAND // row))
    across = -(-work.made // lanes)
    sums = vectors.registers * 3 // 4 // work.columns.window
    wide = next(v for v in (4, 2, 1) if v == 1 or (v <= across and 2 * v <= sums))
    return Schedule(images, rows, share, max(1, min(share, sums // wide)), wide, lanes)


def gradient(work: Convolved, cut: Schedule) -> Kernel:
    """The kernel of a gradient: of x and the result's gradient, sums that are still to be added.

    They are of the first dimension, a sum for some images each.
    """
    parts = -(-work.batch // cut.images)
    (x, weights), y = work.operands, work.result
    sums: Type = (parts, *weights[0]), work.dtype

    def write(body: Body, x: Memory, y: Memory, sums: Memory) -> None:
        _Writer(work, cut, body, x, y, sums).write()

    grid = (parts, work.given // cut.share, work.groups)
    return Kernel(f"slopec_gradient_{work.label}", (x, y), (sums,), grid, write)


@dataclass(frozen=True)
class _Block:
    """Sums that stay in registers: features of x and of the result from places on."""

    given: Term
    count: int
    made: Term
    widths: tuple[int, ...]


@dataclass(frozen=True)
class _Writer:
    work: Convolved
    cut: Schedule
    body: Body
    x: Memory
    y: Memory
    sums: Memory

    def write(self) -> None:
        """The body: set the sums to zero, then add image after image, band after band."""
        k, work, cut = self.body, self.work, self.cut
        self._clear()
        start = k.workgroup(0) * cut.images
        stop = k.minimum(start + cut.images, work.batch)
        bands, taps = k.loop(0, work.rows.results, cut.rows), k.loop(0, work.rows.window)
        with k.loop(start, stop) as image, bands as band, taps as tap:
            rows = _rows(k, work.rows, tap.index, band.index, cut.rows)
            for given, count in self._givens():
                for made, widths in self._mades():
                    block = _Block(given, count, made, widths)
                    self._add(image.index, tap.index, rows, block)

    def _givens(self) -> Iterator[tuple[Term, int]]:
        """This workgroup's features of x: where blocks of them begin, and how many are in one."""
        cut, start = self.cut, self.body.workgroup(1) * self.cut.share
        full = cut.share // cut.given * cut.given
        with self.body.loop(start, start + full, cut.given) as trip:
            yield trip.index, cut.given
        if full < cut.share:
            yield start + full, cut.share - full

    def _mades(self) -> Iterator[tuple[Term, tuple[int, ...]]]:
        """The result's features: where blocks of them begin, and the lanes of their vectors."""
        lanes, made = self.cut.lanes, self.work.made
        block, first = lanes * self.cut.vectors, self.body.workgroup(2) * made
        full = made // block * block
        if full:
            with self.body.loop(0, full, block) as trip:
                yield first + trip.index, (lanes,) * self.cut.vectors
        if full < made:
            widths = tuple(min(lanes, made - v) for v in range(full, made, lanes))
            yield first + full, widths

    def _clear(self) -> None:
        k, work, cut = self.body, self.work, self.cut
        zero = k.number(0, work.dtype, cut.lanes)
        start = k.workgroup(1) * cut.share
        for made, widths in self._mades():
            taps = k.loop(0, work.rows.window), k.loop(0, work.columns.window)
            with taps[0] as r, taps[1] as c, k.loop(start, start + cut.share) as given:
                for v, width in enumerate(widths):
                    at = (r.index, c.index, given.index, made + v * cut.lanes)
                    self.sums.store(zero, k.workgroup(0), *at, first=width)

    def _add(self, image: Term, tap: Term, rows: tuple[Term, Term], block: _Block) -> None:
        """Add the products of a band's rows to a block of sums."""
        k, lanes, axis = self.body, self.cut.lanes, self.work.rows
        places = [
            ((k.workgroup(0), tap, c, block.given + g, block.made + v * lanes), width)
            for c in range(self.work.columns.window)
            for g in range(block.count)
            for v, width in enumerate(block.widths)
        ]
        before = [self.sums.load(*at, lanes=lanes, first=width) for at, width in places]
        with k.loop(*rows, carried=before) as row:
            line = place_of(row.index, tap, axis)
            row.carry(self._row(row.values, (image, row.index, line), block))
        for (at, width), total in zip(places, row.results, strict=True):
            self.sums.store(total, *at, first=width)

    def _row(self, totals: list[Term], at: tuple[Term, Term, Term], block: _Block) -> list[Term]:
        """Add the products of a row."""

        def added(totals: list[Term], column: Term, like: int) -> list[Term]:
            return self._product(totals, at, column, like, block)

        return summed(self.body, self.work.columns, totals, added)

    def _product(
        self,
        totals: list[Term],
        at: tuple[Term, Term, Term],
        column: Term,
        like: int,
        block: _Block,
    ) -> list[Term]:
        """Add the products of a result's gradient at `column`, as near to the edges as `like`."""
        k, axis, lanes = self.body, self.work.columns, self.cut.lanes
        image, row, line = at
        slopes = [
            self.y.load(image, row, column, block.made + v * lanes, lanes=lanes, first=width)
            for v, width in enumerate(block.widths)
        ]
        added = list(totals)
        for tap in axis.taps_at(like):
            place = column * axis.stride + (tap * axis.dilation - axis.low)
            for g in range(block.count):
                given = k.workgroup(2) * self.work.given + block.given + g
                x = k.splat(self.work.element(self.x, image, line, place, given), lanes)
                for v, slope in enumerate(slopes):
                    i = (tap * block.count + g) * len(slopes) + v
                    added[i] = k.fma(x, slope, added[i])
        return added


def _rows(k: Body, axis: Axis, tap: Term, band: Term, count: int) -> tuple[Term, Term]:
    """The first row of a band that takes one of x for a place of the window, and after the last."""
    shift = tap * -axis.dilation + axis.low  # rows that lie above x, times the stride
    bounds = (k.op("arith.maxsi", b, k.index(0)) for b in (shift, shift + axis.size))
    first, stop = ((b + (axis.stride - 1)) // axis.stride for b in bounds)
    last = k.minimum(k.minimum(stop, band + count), axis.results)
    return k.op("arith.maxui", first, band), last
