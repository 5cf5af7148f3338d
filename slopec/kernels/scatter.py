"""Scattered rows: each workgroup walks all of them in order, for the columns it owns.

No two workgroups write the same element, and each is combined with its updates one after the other,
so that the result never depends on who was faster. What points outside of the table is passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce
from math import prod

from slopec import dtypes
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import FEW, Kernel, Type

_SHARE = 16 << 10  # bytes of updates, which are worth a workgroup

_COMBINED = {
    "add": ("arith.addf", "arith.addi"),
    "multiply": ("arith.mulf", "arith.muli"),
    "maximum": ("arith.maximumf", "arith.maxsi"),
    "minimum": ("arith.minimumf", "arith.minsi"),
    "second": ("", ""),
}
TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
"""What rows may consist of."""
KINDS = tuple(_COMBINED)
"""How an element and an update may be combined; "second" writes the update."""


@dataclass(frozen=True)
class Scattered:
    """x[i[n, 0], i[n, 1] …] ∘= y[n] for n < updates, rows of `width` elements of a table.

    `table` are the table's sizes, an index for each; `kind` is one of `KINDS`.
    """

    kind: str
    table: tuple[int, ...]
    width: int
    updates: int
    dtype: DType
    index: DType

    @property
    def operands(self) -> tuple[Type, ...]:
        """The indices, the updates and the table, which is changed."""
        indices: Type = (self.updates, len(self.table)), self.index
        updates: Type = (self.updates, self.width), self.dtype
        return indices, updates, ((prod(self.table), self.width), self.dtype)

    @property
    def name(self) -> str:
        """What tells it from others."""
        table = "x".join(map(str, self.table))
        types = f"{dtypes.MLIR_NAMES[self.dtype]}_{dtypes.MLIR_NAMES[self.index]}"
        return f"slopec_scatter_{self.kind}_{self.updates}x{self.width}_to_{table}_{types}"


def scatter(work: Scattered, vectors: Vectors) -> Kernel:
    """The kernel of a scatter, which works in place."""
    lanes = vectors.lanes(work.dtype)
    most = max(1, work.updates * work.width * work.dtype.itemsize // _SHARE)
    columns = -(-work.width // (min(FEW, most, -(-work.width // lanes)) * lanes)) * lanes

    def write(body: Body, indices: Memory, updates: Memory, table: Memory) -> None:
        _Writer(work, columns, lanes, body, indices, updates, table).write()

    grid = (-(-work.width // columns), 1, 1)
    return Kernel(work.name, work.operands, work.operands[-1:], grid, write, in_place=True)


@dataclass(frozen=True)
class _Writer:
    work: Scattered
    columns: int
    lanes: int
    body: Body
    indices: Memory
    updates: Memory
    table: Memory

    def write(self) -> None:
        """The body: all updates, of which this workgroup's are written."""
        k = self.body
        start = k.workgroup(0) * self.columns
        with k.loop(0, self.work.updates) as update:
            row, is_inside = self._row(update.index)
            with k.when(is_inside):
                for column, lanes in self._vectors(start):
                    y = self.updates.load(update.index, column, lanes=lanes)
                    self.table.store(self._combined(row, column, y), row, column)

    def _row(self, update: Term) -> tuple[Term, Term]:
        """The row that an update goes to, and whether the table has it."""
        k, row, inside = self.body, self.body.index(0), []
        for place, size in enumerate(self.work.table):
            index = k.as_index(self.indices.load(update, place))
            inside.append(k.compare(index, "<", size))  # those below 0 are huge
            row = row * size + index
        return row, reduce(partial(k.op, "arith.andi"), inside)

    def _vectors(self, start: Term) -> Iterator[tuple[Term, int]]:
        """This workgroup's columns: where vectors of them begin, and how long these are.

        The last ones become shorter by halves: what was written under a mask has to reach memory
        before it can be read again, for the next update of the row.
        """
        k, width = self.body, self.work.width
        whole = width // self.lanes * self.lanes
        if whole:
            with k.loop(start, k.minimum(start + self.columns, whole), self.lanes) as trip:
                yield trip.index, self.lanes
        rest = [n for n in (1 << i for i in reversed(range(6))) if n & (width - whole)]
        if rest:
            with k.when(k.compare(start + self.columns, ">", whole)):
                for size in rest:
                    yield k.index(whole), size
                    whole += size

    def _combined(self, row: Term, column: Term, y: Term) -> Term:
        """What becomes of the elements that an update meets."""
        op = _COMBINED[self.work.kind][dtypes.is_integer(self.work.dtype)]
        if not op:
            return y
        return self.body.op(op, self.table.load(row, column, lanes=self.body.lanes(y)), y)
