"""Folds of dimensions in the middle, such as means over tokens: rows added up side by side.

Where no vectors divide a row evenly, IREE goes along it one number after the other.
"""

import hashlib
import math
from dataclasses import dataclass

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.elementwise import computed, number_of
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, reshaped, split
from slopec.kernels.nodes import FOLDS, NEUTRAL, Node
from slopec.kernels.row_functions import Reader
from slopec.transforms.body import binary_kind, block_of, defining

_AT_ONCE = 4  # vectors of a row
_SHARE = 1 << 12  # numbers that are worth a workgroup


@dataclass(frozen=True)
class MiddleFold:
    """Rows of `width` numbers, `count` of them to each result, folded by `op`.

    What is folded is the last of the nodes, of which inputs vary like it or are one number.
    """

    outer: int
    count: int
    width: int
    dtype: DType
    op: str
    nodes: tuple[Node, ...]


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where rows that no vectors divide evenly are added up; whether it did."""
    if len(op.operands) != 2 or not ir.is_static(op.operands[0]):
        return False
    shape, dtype = ir.type_of(op.operands[0])
    kind = FOLDS.get(binary_kind(block_of(op)) or "")
    if dtype not in (dtypes.float32, dtypes.float64) or kind is None:
        return False
    dims = list(op.attributes["dimensions"])
    if not dims or dims != list(range(dims[0], dims[-1] + 1)) or 0 in shape:
        return False
    outer, width = math.prod(shape[: dims[0]]), math.prod(shape[dims[-1] + 1 :])
    lanes = vectors.lanes(dtype)
    if outer == 1 or width < lanes or width % lanes == 0:
        return False
    if number_of(defining(op.operands[1])) != NEUTRAL[kind]:
        return False
    reader = Reader(op, shape)
    reader.read(op.operands[0], rows=True, lanes=True)
    inputs = [node for node in reader.nodes if node.kind == "input"]
    if any(node.rows != node.lanes for node in inputs) or not reader.nodes[-1].lanes:
        return False
    if not (reader.stands_alone and is_wanted(op)):
        return False
    count = math.prod(shape[d] for d in dims)
    fold = MiddleFold(outer, count, width, dtype, kind, tuple(reader.nodes))
    kernel = middle_fold(fold, vectors)
    pairs = zip(reader.inputs, kernel.operands, strict=True)
    given = [reshaped(value, sizes, op) for value, (sizes, _) in pairs]
    (made,) = call(kernel, given, module, op)
    op.results[0].replace_all_uses_with(reshaped(made, ir.type_of(op.results[0])[0], op))
    return True


def middle_fold(fold: MiddleFold, vectors: Vectors) -> Kernel:
    """The kernel of such a fold: a workgroup for some strips of results."""
    lanes = vectors.lanes(fold.dtype)
    wide = lanes * _AT_ONCE
    strips = -(-fold.width // wide)
    units = fold.outer * strips
    most = max(1, units * fold.count * wide // _SHARE)
    share = -(-units // split(1, min(units, most)))
    rows = (fold.outer * fold.count, fold.width), fold.dtype
    given = [
        rows if node.lanes else ((1,), fold.dtype) for node in fold.nodes if node.kind == "input"
    ]
    full, rest = divmod(fold.width, wide)

    def write(k: Body, *memories: Memory) -> None:
        writer = _Writer(fold, lanes, k, memories[:-1], memories[-1])
        start = k.workgroup() * share
        with k.loop(start, k.minimum(start + share, units)) as trip:
            row, strip = trip.index // strips, trip.index % strips
            if full:
                with k.when(k.compare(strip, "<", full)):
                    writer.fold(row, strip * wide, wide)
            with k.when(k.compare(strip, "==", full)):
                writer.fold(row, k.index(full * wide), rest)

    digest = hashlib.sha256(repr((fold.op, fold.nodes)).encode()).hexdigest()[:8]
    sizes = f"{fold.outer}x{fold.count}x{fold.width}_f{8 * fold.dtype.itemsize}"
    results = (((fold.outer, fold.width), fold.dtype),)
    grid = (-(-units // share), 1, 1)
    return Kernel(f"slopec_middle_{sizes}_{digest}", tuple(given), results, grid, write)


@dataclass(frozen=True)
class _Writer:
    of: MiddleFold
    lanes: int
    body: Body
    given: tuple[Memory, ...]
    made: Memory

    def fold(self, row: Term, column: Term, width: int) -> None:
        """Write `width` results of a row, from a column on."""
        k, of = self.body, self.of
        places = [(column + at, min(self.lanes, width - at)) for at in range(0, width, self.lanes)]
        start = [k.number(NEUTRAL[of.op], of.dtype, self.lanes)] * len(places)
        with k.loop(0, of.count, carried=start) as trip:
            line = row * of.count + trip.index
            pairs = zip(trip.values, places, strict=True)
            trip.carry([k.op(of.op, total, self._value(line, *place)) for total, place in pairs])
        for total, (at, count) in zip(trip.results, places, strict=True):
            self.made.store(total, row, at, first=count)

    def _value(self, line: Term, column: Term, count: Index) -> Term:
        """What is folded, at the first places of a vector."""
        k, values, given = self.body, list[Term](), iter(self.given)
        for node in self.of.nodes:
            if node.kind == "number":
                values.append(k.number(node.number, self.of.dtype, self.lanes))
            elif node.kind == "input" and node.lanes:
                values.append(next(given).load(line, column, lanes=self.lanes, first=count))
            elif node.kind == "input":
                values.append(k.splat(next(given).load(0), self.lanes))
            else:
                values.append(computed(k, node.op, [values[i] for i in node.operands]))
        return values[-1]
