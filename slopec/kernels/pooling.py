"""Pools: windows over an image, of each feature the largest, the least or the sum.

What lies outside of the image is left out.
"""

from dataclasses import dataclass, replace
from math import prod

from slopec import dtypes, ir
from slopec.kernels.bands import Bands, Windowed
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.elementwise import computed, number_of
from slopec.kernels.epilogue import NOTHING, Epilogue, following, put
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel
from slopec.kernels.nodes import FOLDS, NEUTRAL
from slopec.kernels.windows import Axis
from slopec.transforms.body import binary_kind, block_of, defining
from slopec.transforms.windows import Windows

_WIDEST = 8  # results in a row that are made at a time
_MOST_TAPS = 16  # of a window in a row: each is written out
_NARROW = 8  # features


@dataclass(frozen=True)
class Pool(Windowed):
    """y[n, h, w, f] = x[n, rows(h, r), columns(w, c), f], folded by `op` over r and c."""

    op: str
    then: Epilogue = NOTHING

    @property
    def label(self) -> str:
        """What tells its kernels from those of others."""
        how = f"{dtypes.MLIR_NAMES[self.dtype]}{self.then.label}"
        return f"pool_{self.op.partition('.')[2]}_{self.sizes}_{how}"


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
    """The kernel of a pool."""
    lanes, results = vectors.lanes(work.dtype), work.columns.results
    cut = Bands.cut(work, -(-results // -(-results // _WIDEST)), lanes)

    def write(k: Body, x: Memory, *others: Memory) -> None:
        def fold(total: Term, value: Term, _: int) -> Term:
            return computed(k, work.op, [total, value])

        neutral = k.number(NEUTRAL[work.op], work.dtype, lanes)
        for spot in cut.spots(k):
            folded = cut.folded(k, x, spot, neutral, lambda *_: fold)
            cut.finish(k, spot, folded, work.then, others)

    given = (work.image, *work.then.types(work.features, work.result))
    return Kernel(f"slopec_{work.label}", given, (work.result,), cut.grid, write)
