"""Depthwise convolutions: a window for each feature, vectors of features summed in registers.

There is nothing to multiply as matrices: every element of the image meets as many weights as the
window has places. So a few results in a row are summed at a time, for which an element of the image
is read once per row of the window, and features, which are contiguous, are walked last.
"""

from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.epilogue import NOTHING, Epilogue
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type, split
from slopec.kernels.windows import Axis, Tile, place_of, runs, taps, tiles

_SUMS = 8  # as many are added to before the first can be added to again
_HELD = 3  # places of a window's row whose weights stay in registers
_TRIP = 6  # half cycles that a row of the window costs besides its sums


@dataclass(frozen=True)
class Depthwise:
    """y[n, h, w, f] = Σ x[n, rows(h, r), columns(w, c), f] · k[r, c, f], over r and c."""

    batch: int
    rows: Axis
    columns: Axis
    features: int
    dtype: DType
    then: Epilogue = NOTHING

    @property
    def operands(self) -> tuple[Type, Type]:
        """The image and the window's weights."""
        x = self.batch, self.rows.size, self.columns.size, self.features
        return (x, self.dtype), ((self.rows.window, self.columns.window, x[-1]), self.dtype)

    @property
    def result(self) -> Type:
        """The convolved image."""
        return (self.batch, self.rows.results, self.columns.results, self.features), self.dtype

    @property
    def inputs(self) -> tuple[Type, ...]:
        """What else the epilogue takes."""
        return self.then.types(self.features, self.result)

    @property
    def label(self) -> str:
        """What tells its kernels from those of others."""
        rows, columns = self.rows, self.columns
        results = f"{self.batch}x{rows.results}x{columns.results}x{self.features}"
        window, size = f"{rows.window}x{columns.window}", f"{rows.size}x{columns.size}"
        how = f"{rows.label}_{columns.label}{self.then.label}"
        return f"depthwise_{results}x{window}_of_{size}_{how}"


@dataclass(frozen=True)
class Schedule:
    """How a depthwise convolution is cut.

    A workgroup makes `share` features of `rows` rows of an image; sums of `width` results in a row,
    a register of `lanes` features each, stay in registers.
    """

    width: int
    lanes: int
    rows: int
    share: int


def schedule(work: Depthwise, vectors: Vectors) -> Schedule:
    """How to cut one for a processor: whatever takes the fewest cycles for a row."""
    axis, lanes = work.columns, vectors.lanes(work.dtype)
    most = vectors.registers - 2 - min(axis.window, _HELD)
    widths = range(axis.unit, max(min(axis.results, most), axis.unit) + 1, axis.unit)
    width = min(widths, key=lambda width: _cycles(axis, width))
    bands = split(work.batch, work.rows.results)
    parts = split(work.batch * bands, -(-work.features // lanes))
    share = -(-work.features // (lanes * parts)) * lanes
    return Schedule(width, lanes, -(-work.rows.results // bands), share)


def _cycles(axis: Axis, width: int) -> int:
    """Half cycles for a row of results, per row of the window and vector of features."""
    total = 0
    for _, count, tile in runs(axis, width):
        sums = sum(len(pairs) for _, pairs in tile.taps)
        total += count * (max(sums, len(tile.taps) + axis.window, _SUMS * axis.window) + _TRIP)
    return total


def depthwise(work: Depthwise, cut: Schedule) -> Kernel:
    """The kernel of a depthwise convolution."""
    grid = (-(-work.rows.results // cut.rows), work.batch, -(-work.features // cut.share))

    def write(body: Body, x: Memory, weights: Memory, *others: Memory) -> None:
        _Writer(work, cut, body, x, weights, others[:-1], others[-1]).write()

    given = (*work.operands, *work.inputs)
    return Kernel(f"slopec_{work.label}", given, (work.result,), grid, write)


@dataclass(frozen=True)
class _Writer:
    work: Depthwise
    cut: Schedule
    body: Body
    x: Memory
    weights: Memory
    inputs: tuple[Memory, ...]
    y: Memory

    def write(self) -> None:
        """The body: tile after tile of the rows of a band."""
        k, work, cut = self.body, self.work, self.cut
        start, first = k.workgroup(0) * cut.rows, k.workgroup(2) * cut.share
        stop, whole = first + cut.share, work.features // cut.lanes * cut.lanes
        rest = work.features - whole
        for column, tile in tiles(k, work.columns, cut.width):
            with k.loop(start, k.minimum(start + cut.rows, work.rows.results)) as row:
                if whole:
                    with k.loop(first, k.minimum(stop, whole), cut.lanes) as feature:
                        self._tile(row.index, column, tile, feature.index, cut.lanes)
                if rest:
                    with k.when(k.compare(stop, ">", whole)):
                        self._tile(row.index, column, tile, k.index(whole), rest)

    def _tile(self, row: Term, column: Index, tile: Tile, feature: Term, count: int) -> None:
        """Sum and store a tile's results for a vector of features, of which `count` are some."""
        k, work, lanes = self.body, self.work, self.cut.lanes
        zero = k.number(0, work.dtype, lanes)
        with k.loop(*taps(row, work.rows), carried=[zero] * tile.width) as tap:
            line = place_of(row, tap.index, work.rows)
            begin = k.index(column) * work.columns.stride // work.columns.gaps
            sums = list(tap.values)
            weights: dict[int, Term] = {}
            for offset, pairs in tile.taps:
                at = (k.workgroup(1), line, begin + offset, feature)
                value = self.x.load(*at, lanes=lanes, first=count)
                for pixel, c in pairs:
                    if c not in weights:
                        weights[c] = self.weights.load(
                            tap.index, c, feature, lanes=lanes, first=count
                        )
                    sums[pixel] = k.fma(value, weights[c], sums[pixel])
            tap.carry(sums)
        place = k.workgroup(1), row, k.index(column), feature
        results = work.then.applied_in_a_row(k, tap.results, self.inputs, place, count)
        for pixel, total in enumerate(results):
            self.y.store(total, k.workgroup(1), row, column + pixel, feature, first=count)
