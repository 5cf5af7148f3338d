"""Windows over an image, of each feature by itself: which results a workgroup makes, in what order.

There is nothing to multiply as matrices. A few results in a row are made at a time, for which an
element of the image is read once per row of the window, and features, which are contiguous, are
walked last. What is done with the elements is the depthwise convolution's or the pool's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.epilogue import Epilogue
from slopec.kernels.kernel import Type, split
from slopec.kernels.windows import Axis, Tile, place_of, taps, tiles

Add = Callable[[Term, Term, int], Term]
"""What comes of a result so far, an element, and the column of the window it is under."""


@dataclass(frozen=True)
class Windowed:
    """y[n, h, w, f] of x[n, rows(h, r), columns(w, c), f], over r and c."""

    batch: int
    rows: Axis
    columns: Axis
    features: int
    dtype: DType

    @property
    def image(self) -> Type:
        """What windows lie over."""
        return (self.batch, self.rows.size, self.columns.size, self.features), self.dtype

    @property
    def result(self) -> Type:
        """What is made of it."""
        return (self.batch, self.rows.results, self.columns.results, self.features), self.dtype

    @property
    def sizes(self) -> str:
        """What tells its kernels from those over others."""
        rows, columns = self.rows, self.columns
        results = f"{self.batch}x{rows.results}x{columns.results}x{self.features}"
        window, size = f"{rows.window}x{columns.window}", f"{rows.size}x{columns.size}"
        return f"{results}x{window}_of_{size}_{rows.label}_{columns.label}"


@dataclass(frozen=True)
class Spot:
    """Where the results of a tile are: a row of an image, a column, a vector of features.

    Of its lanes `count` are features.
    """

    image: Term
    row: Term
    column: Index
    tile: Tile
    feature: Term
    count: int


@dataclass(frozen=True)
class Bands:
    """How results are handed out.

    A workgroup makes `share` features of `band` rows of an image; `width` results in a row, a
    register of `lanes` features each, stay in registers.
    """

    of: Windowed
    width: int
    lanes: int
    band: int
    share: int

    @classmethod
    def cut(cls, work: Windowed, width: int, lanes: int) -> "Bands":
        """For all workers to have some."""
        bands = split(work.batch, work.rows.results)
        parts = split(work.batch * bands, -(-work.features // lanes))
        share = -(-work.features // (lanes * parts)) * lanes
        return cls(work, width, lanes, -(-work.rows.results // bands), share)

    @property
    def grid(self) -> tuple[int, int, int]:
        """The workgroups: bands, images and shares."""
        work = self.of
        return -(-work.rows.results // self.band), work.batch, -(-work.features // self.share)

    def spots(self, k: Body) -> Iterator[Spot]:
        """A workgroup's, tile after tile of the rows of its band, each where it is written."""
        work, image = self.of, k.workgroup(1)
        start, first = k.workgroup(0) * self.band, k.workgroup(2) * self.share
        stop, whole = first + self.share, work.features // self.lanes * self.lanes
        rest = work.features - whole
        for column, tile in tiles(k, work.columns, self.width):
            with k.loop(start, k.minimum(start + self.band, work.rows.results)) as row:
                if whole:
                    with k.loop(first, k.minimum(stop, whole), self.lanes) as feature:
                        yield Spot(image, row.index, column, tile, feature.index, self.lanes)
                if rest:
                    with k.when(k.compare(stop, ">", whole)):
                        yield Spot(image, row.index, column, tile, k.index(whole), rest)

    def folded(
        self, k: Body, x: Memory, spot: Spot, first: Term, fold: Callable[[Term, Spot], Add]
    ) -> list[Term]:
        """What `fold` makes of `first` and the elements of x that a tile's windows lie over."""
        rows, columns = self.of.rows, self.of.columns
        with k.loop(*taps(spot.row, rows), carried=[first] * spot.tile.width) as tap:
            line = place_of(spot.row, tap.index, rows)
            begin = k.index(spot.column) * columns.stride // columns.gaps
            totals = list(tap.values)
            add = fold(tap.index, spot)
            for offset, pairs in spot.tile.taps:
                at = (spot.image, line, begin + offset, spot.feature)
                value = x.load(*at, lanes=self.lanes, first=spot.count)
                for pixel, place in pairs:
                    totals[pixel] = add(totals[pixel], value, place)
            tap.carry(totals)
        return tap.results

    def finish(
        self, k: Body, spot: Spot, totals: Sequence[Term], then: Epilogue, others: Sequence[Memory]
    ) -> None:
        """Store what the epilogue makes of a tile's results; of `others` the last is the result."""
        *given, y = others
        at = spot.image, spot.row, k.index(spot.column), spot.feature
        for pixel, total in enumerate(then.applied_in_a_row(k, totals, given, at, spot.count)):
            y.store(total, *at[:2], spot.column + pixel, spot.feature, first=spot.count)
