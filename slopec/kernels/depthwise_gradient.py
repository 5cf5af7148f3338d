"""The gradient of a depthwise convolution's weights: products of two images, summed by feature.

In a row of the result's gradient all places of the window that lie inside are summed at the same
time, each in a register for a vector of features. Between rows the sums stay in the nearest cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.depthwise import Depthwise
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.kernels.windows import place_of, summed, taps

_WORKGROUPS = 16  # enough to keep a handful of workers equally busy
_SPARE = 4  # registers that hold no sums


@dataclass(frozen=True)
class Schedule:
    """How a gradient is cut.

    A workgroup sums over `rows` rows of all images, one image after the other, for `share` features
    in vectors of `lanes`; `sums` of them stay in registers.
    """

    rows: int
    share: int
    lanes: int
    sums: int


def schedule(work: Depthwise, vectors: Vectors) -> Schedule:
    """How to cut a gradient for a processor: by features, then by rows, whose sums are added up."""
    lanes = vectors.lanes(work.dtype)
    across, rows = -(-work.features // lanes), work.batch * work.rows.results
    parts = min(across, _WORKGROUPS)
    share = -(-rows // max(1, _WORKGROUPS // parts))
    return Schedule(share, -(-across // parts) * lanes, lanes, vectors.registers - _SPARE)


def gradient(work: Depthwise, cut: Schedule) -> Kernel:
    """The kernel of a gradient: of x and the result's gradient, sums that are still to be added.

    They are of the first dimension, a sum for each group of rows.
    """
    groups = -(-work.batch * work.rows.results // cut.rows)
    (x, weights), y = work.operands, work.result
    sums: Type = (groups, *weights[0]), work.dtype

    def write(body: Body, x: Memory, y: Memory, sums: Memory) -> None:
        _Writer(work, cut, body, x, y, sums).write()

    grid = (groups, -(-work.features // cut.share), 1)
    return Kernel(f"slopec_gradient_{work.label}", (x, y), (sums,), grid, write)


@dataclass(frozen=True)
class _Writer:
    work: Depthwise
    cut: Schedule
    body: Body
    x: Memory
    y: Memory
    sums: Memory

    def write(self) -> None:
        """The body: set the sums to zero, then add row after row."""
        k, results = self.body, self.work.rows.results
        self._clear()
        start = k.workgroup(0) * self.cut.rows
        stop = k.minimum(start + self.cut.rows, self.work.batch * results)
        with k.loop(start, stop) as trip:
            image, row = trip.index // results, trip.index % results
            first, last = self._inside
            if first < last:
                with k.when(k.compare(row, ">=", first)), k.when(k.compare(row, "<", last)):
                    self._whole(image, row)
            if first > 0:
                with k.when(k.compare(row, "<", first)):
                    self._by_taps(image, row)
            if last < results:
                with k.when(k.compare(row, ">=", last)):
                    self._by_taps(image, row)

    @property
    def _inside(self) -> tuple[int, int]:
        """Rows at which all places of a window lie inside and fit registers: first and stop."""
        axis = self.work.rows
        fit = axis.window * self.work.columns.window <= self.cut.sums
        return axis.clear if fit else (axis.results, axis.results)

    def _whole(self, image: Term, row: Term) -> None:
        """Add the products of a row for all rows of the window."""
        k, axis = self.body, self.work.rows
        places = [k.index(tap) for tap in range(axis.window)]
        lines = [(tap, place_of(row, tap, axis)) for tap in places]
        for feature, count in self._features():
            self._add(image, row, lines, feature, count)

    def _by_taps(self, image: Term, row: Term) -> None:
        """Add them for one row of the window after the other."""
        axis = self.work.rows
        with self.body.loop(*taps(row, axis)) as tap:
            line = place_of(row, tap.index, axis)
            for feature, count in self._features():
                self._add(image, row, [(tap.index, line)], feature, count)

    def _features(self) -> Iterator[tuple[Term, int]]:
        """This workgroup's features: where vectors of them begin, and how many lanes count."""
        k, lanes, features = self.body, self.cut.lanes, self.work.features
        start, whole = k.workgroup(1) * self.cut.share, features // lanes * lanes
        stop = start + self.cut.share
        if whole:
            with k.loop(start, k.minimum(stop, whole), lanes) as trip:
                yield trip.index, lanes
        if whole < features:
            with k.when(k.compare(stop, ">", whole)):
                yield k.index(whole), features - whole

    def _clear(self) -> None:
        k, work = self.body, self.work
        zero = k.number(0, work.dtype, self.cut.lanes)
        with k.loop(0, work.rows.window) as r, k.loop(0, work.columns.window) as c:
            for feature, count in self._features():
                self.sums.store(zero, k.workgroup(0), r.index, c.index, feature, first=count)

    def _add(
        self,
        image: Term,
        row: Term,
        lines: Sequence[tuple[Term, Term]],
        feature: Term,
        count: int,
    ) -> None:
        """Add a row's products: `lines` are rows of the window, and the rows of x they meet."""
        k, lanes, columns = self.body, self.cut.lanes, self.work.columns
        places = [
            (k.workgroup(0), tap, c, feature) for tap, _ in lines for c in range(columns.window)
        ]

        def added(totals: list[Term], column: Term, like: int) -> list[Term]:
            slope = self.y.load(image, row, column, feature, lanes=lanes, first=count)
            begin = column * columns.stride
            sums = list(totals)
            for c in columns.taps_at(like):
                for i, (_, line) in enumerate(lines):
                    at = (image, line, begin + (c * columns.dilation - columns.low), feature)
                    x = self.x.load(*at, lanes=lanes, first=count)
                    sums[i * columns.window + c] = k.fma(x, slope, sums[i * columns.window + c])
            return sums

        totals = [self.sums.load(*at, lanes=lanes, first=count) for at in places]
        totals = summed(k, columns, totals, added)
        for at, total in zip(places, totals, strict=True):
            self.sums.store(total, *at, first=count)
