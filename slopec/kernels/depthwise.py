"""Depthwise convolutions: a window for each feature, vectors of features summed in registers."""

from dataclasses import dataclass

from slopec.kernels.bands import Add, Bands, Spot, Windowed
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.epilogue import NOTHING, Epilogue
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.kernels.windows import Axis, runs

_SUMS = 8  # as many are added to before the first can be added to again
_HELD = 3  # places of a window's row whose weights stay in registers
_TRIP = 6  # half cycles that a row of the window costs besides its sums


@dataclass(frozen=True)
class Depthwise(Windowed):
    """y[n, h, w, f] = Σ x[n, rows(h, r), columns(w, c), f] · k[r, c, f], over r and c."""

    then: Epilogue = NOTHING

    @property
    def operands(self) -> tuple[Type, Type]:
        """The image and the window's weights."""
        window = self.rows.window, self.columns.window, self.features
        return self.image, (window, self.dtype)

    @property
    def inputs(self) -> tuple[Type, ...]:
        """What else the epilogue takes."""
        return self.then.types(self.features, self.result)

    @property
    def label(self) -> str:
        """What tells its kernels from those of others."""
        return f"depthwise_{self.sizes}{self.then.label}"


def schedule(work: Depthwise, vectors: Vectors) -> Bands:
    """How to cut one for a processor: whatever takes the fewest cycles for a row."""
    axis = work.columns
    most = vectors.registers - 2 - min(axis.window, _HELD)
    widths = range(axis.unit, max(min(axis.results, most), axis.unit) + 1, axis.unit)
    width = min(widths, key=lambda width: _cycles(axis, width))
    return Bands.cut(work, width, vectors.lanes(work.dtype))


def _cycles(axis: Axis, width: int) -> int:
    """Half cycles for a row of results, per row of the window and vector of features."""
    total = 0
    for _, count, tile in runs(axis, width):
        sums = sum(len(pairs) for _, pairs in tile.taps)
        total += count * (max(sums, len(tile.taps) + axis.window, _SUMS * axis.window) + _TRIP)
    return total


def depthwise(work: Depthwise, cut: Bands) -> Kernel:
    """The kernel of a depthwise convolution."""

    def write(k: Body, x: Memory, weights: Memory, *others: Memory) -> None:
        def row_of_window(tap: Term, spot: Spot) -> Add:
            held: dict[int, Term] = {}

            def add(total: Term, value: Term, c: int) -> Term:
                if c not in held:
                    at = (tap, c, spot.feature)
                    held[c] = weights.load(*at, lanes=cut.lanes, first=spot.count)
                return k.fma(value, held[c], total)

            return add

        zero = k.number(0, work.dtype, cut.lanes)
        for spot in cut.spots(k):
            sums = cut.folded(k, x, spot, zero, row_of_window)
            cut.finish(k, spot, sums, work.then, others)

    given = (*work.operands, *work.inputs)
    return Kernel(f"slopec_{work.label}", given, (work.result,), cut.grid, write)
