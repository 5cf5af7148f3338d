"""Pools: windows over an image, of each feature the largest, the least or the sum.

As in a depthwise convolution, a few results in a row are made at a time, for which an element of
the image is read once per row of the window; what lies outside of the image is left out.
"""

from dataclasses import dataclass, replace
from math import prod

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.elementwise import computed, number_of
from slopec.kernels.epilogue import NOTHING, Epilogue, following, put
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type, split
from slopec.kernels.nodes import FOLDS, NEUTRAL
from slopec.kernels.windows import Axis, Tile, place_of, taps, tiles
from slopec.transforms.body import binary_kind, block_of, defining
from slopec.transforms.windows import Windows

_WIDEST = 8  # results in a row that are made at a time
_MOST_TAPS = 16  # of a window in a row: each is written out
_NARROW = 8  # features


@dataclass(frozen=True)
class Pool:
    """y[n, h, w, f] = x[n, rows(h, r), columns(w, c), f], folded by `op` over r and c."""

    batch: int
    rows: Axis
    columns: Axis
    features: int
    dtype: DType
    op: str
    then: Epilogue = NOTHING

    @property
    def operand(self) -> Type:
        """The image."""
        return (self.batch, self.rows.size, self.columns.size, self.features), self.dtype

    @property
    def result(self) -> Type:
        """The pooled image."""
        return (self.batch, self.rows.results, self.columns.results, self.features), self.dtype

    @property
    def label(self) -> str:
        """What tells its kernels from those of others."""
        rows, columns = self.rows, self.columns
        results = f"{self.batch}x{rows.results}x{columns.results}x{self.features}"
        window, size = f"{rows.window}x{columns.window}", f"{rows.size}x{columns.size}"
        how = f"{rows.label}_{columns.label}_{dtypes.MLIR_NAMES[self.dtype]}{self.then.label}"
        return f"pool_{self.op.partition('.')[2]}_{results}x{window}_of_{size}_{how}"


def takes(op: ir.Operation) -> bool:
    """Whether a kernel computes a `reduce_window` faster than what IREE makes of it."""
    return _pool_of(op) is not None


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `reduce_window` is, if that pays; whether it did."""
    work = _pool_of(op)
    if work is None:
        return False
    then, inputs, ops = following(op)
    work = replace(work, then=then)
    put(pool(work, vectors), [op.operands[0], *inputs], ops, module)
    return True


def _pool_of(op: ir.Operation) -> Pool | None:
    """What a kernel would compute: windows over two dimensions that follow each other, or one."""
    if len(op.operands) != 2 or not all(map(ir.is_static, (op.operands[0], op.results[0]))):
        return None
    (shape, dtype), (made, _) = ir.type_of(op.operands[0]), ir.type_of(op.results[0])
    kind = FOLDS.get(binary_kind(block_of(op)) or "")
    if dtype not in (dtypes.float32, dtypes.float64) or kind is None or 0 in (*shape, *made):
        return None
    w = Windows.of(op, made)
    if number_of(defining(op.operands[1])) != NEUTRAL[kind] or set(w.base) != {1}:
        return None
    axes = [
        Axis(size, results, window, stride, dilation, low)
        for size, results, window, stride, dilation, (low, _) in zip(
            w.shape, w.result, w.window, w.strides, w.dilation, w.padding, strict=True
        )
    ]
    moved = [d for d, axis in enumerate(axes) if axis != Axis(shape[d], shape[d], 1, 1, 1, 0)]
    if not moved or moved[-1] - moved[0] > 1 or axes[moved[-1]].window > _MOST_TAPS:
        return None
    rows, columns = [Axis(1, 1, 1, 1, 1, 0), *(axes[d] for d in moved)][-2:]
    batch, features = prod(shape[: moved[0]]), prod(shape[moved[-1] + 1 :])
    return Pool(batch, rows, columns, features, dtype, kind) if features >= _NARROW else None


def pool(work: Pool, vectors: Vectors) -> Kernel:
    """The kernel of a pool: a workgroup for some features of some rows of an image."""
    lanes, rows = vectors.lanes(work.dtype), work.rows.results
    some = -(-rows // split(work.batch, rows))
    bands = -(-rows // some)
    parts = split(work.batch * bands, -(-work.features // lanes))
    share = -(-work.features // (lanes * parts)) * lanes
    grid = (bands, work.batch, -(-work.features // share))

    def write(body: Body, x: Memory, *others: Memory) -> None:
        _Writer(work, lanes, some, share, body, x, others[:-1], others[-1]).write()

    given = (work.operand, *work.then.types(work.features, work.result))
    return Kernel(f"slopec_{work.label}", given, (work.result,), grid, write)


@dataclass(frozen=True)
class _Writer:
    work: Pool
    lanes: int
    rows: int
    share: int
    body: Body
    x: Memory
    inputs: tuple[Memory, ...]
    y: Memory

    def write(self) -> None:
        """The body: tile after tile of the rows of a band."""
        k, work, lanes = self.body, self.work, self.lanes
        start, first = k.workgroup(0) * self.rows, k.workgroup(2) * self.share
        stop, whole = first + self.share, work.features // lanes * lanes
        width = -(-work.columns.results // -(-work.columns.results // _WIDEST))
        for column, tile in tiles(k, work.columns, width):
            with k.loop(start, k.minimum(start + self.rows, work.rows.results)) as row:
                with k.loop(first, k.minimum(stop, whole), lanes) as feature:
                    self._tile(row.index, column, tile, feature.index, lanes)
                if whole < work.features:
                    with k.when(k.compare(stop, ">", whole)):
                        rest = work.features - whole
                        self._tile(row.index, column, tile, k.index(whole), rest)

    def _tile(self, row: Term, column: Index, tile: Tile, feature: Term, count: int) -> None:
        """Fold and store a tile's results for a vector of features, of which `count` are some."""
        k, work = self.body, self.work
        neutral = k.number(NEUTRAL[work.op], work.dtype, self.lanes)
        with k.loop(*taps(row, work.rows), carried=[neutral] * tile.width) as tap:
            line = place_of(row, tap.index, work.rows)
            begin = k.index(column) * work.columns.stride
            folded = list(tap.values)
            for offset, pairs in tile.taps:
                at = (k.workgroup(1), line, begin + offset, feature)
                value = self.x.load(*at, lanes=self.lanes, first=count)
                for pixel, _ in pairs:
                    folded[pixel] = computed(k, work.op, [folded[pixel], value])
            tap.carry(folded)
        place = k.workgroup(1), row, k.index(column), feature
        results = work.then.applied_in_a_row(k, tap.results, self.inputs, place, count)
        for pixel, result in enumerate(results):
            self.y.store(result, k.workgroup(1), row, column + pixel, feature, first=count)
