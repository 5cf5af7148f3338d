"""Functions of columns: sums down the rows of a matrix, and what is computed with them.

Each number that a column is folded to needs a pass over its rows. A workgroup has columns of its
own where there are many of them; of few columns it has a part of the rows, folds those, and
whatever kernel comes next begins with folding the parts.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial, reduce

from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.elementwise import computed
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.kernels.nodes import NEUTRAL, Node, levels_of

_LINE = 64  # bytes that memory hands out at once
_FEW = 4  # workgroups that are enough to share the columns among
_MOST = 4  # vectors of a row, and rows, that are worked on at once
_PARTS = 32
_SMALL = 128 << 10  # bytes, which take a core some microseconds to read
_GROUPS = 64


@dataclass(frozen=True)
class Matrix:
    """`rows` rows of `width` numbers."""

    rows: int
    width: int
    dtype: DType


def parts_of(matrix: Matrix) -> int:
    """How many workgroups share the rows.

    One if the columns are enough to share, or if one of them reads all rows in about the time that
    another dispatch takes. More parts than the root of the rows would cost those who fold them more
    than they save.

    >>> from slopec import dtypes
    >>> parts_of(Matrix(1024, 384, dtypes.float32)), parts_of(Matrix(32768, 16, dtypes.float32))
    (1, 32)
    """
    size = matrix.rows * matrix.width * matrix.dtype.itemsize
    if _lines(matrix) >= _FEW or size <= _SMALL:
        return 1
    return max(1, min(_PARTS, math.isqrt(matrix.rows // 8)))


def _lines(matrix: Matrix) -> int:
    return -(-matrix.width * matrix.dtype.itemsize // _LINE)


@dataclass(frozen=True)
class ColumnFunction:
    """Values of a matrix, each after those it is made of; some are results.

    Inputs and results are (rows, width), (width,), (rows,) or (1,), as they vary. A fold is
    (parts, width) if the rows are shared; as an input, a node of the kind "parts" with `count` of
    them, it is folded before anything else is done.
    """

    matrix: Matrix
    parts: int
    nodes: tuple[Node, ...]
    results: tuple[int, ...]

    def given(self, node: Node) -> Type:
        """How an input lies in memory."""
        m = self.matrix
        sizes = (m.rows,) * node.rows + (node.count,) * (node.count > 0) + (m.width,) * node.lanes
        return sizes or (1,), m.dtype

    def made(self, node: Node) -> Type:
        """How a result lies in memory."""
        m, apart = self.matrix, node.kind == "fold" and self.parts > 1
        return (m.rows,) * node.rows + (self.parts,) * apart + (m.width,), m.dtype

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """For each node how many folds, one after the other, it is made of."""
        return levels_of(self.nodes)

    def passes(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """The passes over the rows: folds made before it, what it folds and what it stores."""
        for level in range(max(self.levels) + 1):
            folds = [i for i, n in enumerate(self.nodes) if n.kind == "fold"]
            folds = [i for i in folds if self.levels[i] == level + 1]
            made = [i for i in self.results if self.nodes[i].rows and self.levels[i] == level]
            yield level, folds, made


def column_kernel(function: ColumnFunction, vectors: Vectors) -> Kernel:
    """The kernel of a function of columns."""
    cut = _cut(function, vectors)
    inputs = [i for i, node in enumerate(function.nodes) if node.kind in ("input", "parts")]
    matrix = function.matrix
    spelled = repr((function.parts, function.nodes, function.results)).encode()
    digest = hashlib.sha256(spelled).hexdigest()[:8]
    bits = 8 * matrix.dtype.itemsize
    name = f"slopec_columns_{matrix.rows}x{matrix.width}_f{bits}_{digest}"

    def write(body: Body, *memories: Memory) -> None:
        given = dict(zip(inputs, memories, strict=False))
        made = dict(zip(function.results, memories[len(inputs) :], strict=True))
        _Writer(function, cut, body, given, made).write()

    given = tuple(function.given(function.nodes[i]) for i in inputs)
    made = tuple(function.made(function.nodes[i]) for i in function.results)
    return Kernel(name, given, made, (function.parts, cut.groups, 1), write)


@dataclass(frozen=True)
class _Cut:
    """A workgroup has `blocks` blocks of columns, each of `vectors` registers of `lanes` numbers,

    and `share` rows of them, of which it folds `rows` at once."""

    lanes: int
    vectors: int
    rows: int
    share: int
    blocks: int
    groups: int


def _cut(function: ColumnFunction, vectors: Vectors) -> _Cut:
    matrix = function.matrix
    lanes, lines = vectors.lanes(matrix.dtype), _lines(matrix)
    wide = min(_MOST, max(1, lines // (2 * _FEW)) * (_LINE // vectors.bytes))
    wide = min(wide, -(-matrix.width // lanes))
    folds = max((len(folds) for _, folds, _ in function.passes()), default=0)
    rows = min(_MOST, max(1, vectors.registers // 2 // (wide * max(folds, 1))))
    share = -(-matrix.rows // function.parts)
    share = -(-share // rows) * rows
    blocks = -(-matrix.width // (lanes * wide))
    each = -(-blocks // min(blocks, _GROUPS))
    return _Cut(lanes, wide, rows, share, each, -(-blocks // each))


@dataclass(frozen=True)
class _Writer:
    function: ColumnFunction
    cut: _Cut
    body: Body
    given: dict[int, Memory]
    made: dict[int, Memory]

    def write(self) -> None:
        """The body: the workgroup's blocks of columns."""
        k, cut, width = self.body, self.cut, self.function.matrix.width
        block = cut.lanes * cut.vectors
        numbers = self._numbers()
        whole = width // block * block
        if whole:
            first = k.workgroup(1) * (cut.blocks * block)
            last = k.minimum(first + cut.blocks * block, whole)
            with k.loop(first, last, block) as trip:
                _Block(self, numbers, trip.index, [cut.lanes] * cut.vectors).write()
        if whole < width:
            counts = [min(cut.lanes, width - v) for v in range(whole, width, cut.lanes)]
            with k.when(k.compare(k.workgroup(1), "==", whole // (cut.blocks * block))):
                _Block(self, numbers, k.index(whole), counts).write()

    def _numbers(self) -> dict[int, Term]:
        """The values that are one number for the whole matrix."""
        found: dict[int, Term] = {}
        for i, node in enumerate(self.function.nodes):
            if node.rows or node.lanes:
                continue
            if node.kind == "number":
                found[i] = self.body.number(node.number, self.function.matrix.dtype)
            elif node.kind == "input":
                found[i] = self.given[i].load(0)
            else:
                found[i] = computed(self.body, node.op, [found[j] for j in node.operands])
        return found


@dataclass
class _Block:
    """Some columns, beginning at `start`; `counts` are the lanes that count of their vectors."""

    writer: _Writer
    numbers: dict[int, Term]
    start: Term
    counts: Sequence[int]
    columns: dict[tuple[int, int], Term] = field(default_factory=dict)

    def write(self) -> None:
        """Write all passes over the rows."""
        f, k = self.writer.function, self.writer.body
        for level, folds, made in f.passes():
            self._make_columns(level)
            if folds or made:
                self._pass(folds, made)
        whole = [i for i in f.results if not f.nodes[i].rows and (i, 0) in self.columns]
        if f.parts == 1:
            self._store(whole)
        elif whole:  # every part has made the same
            with k.when(k.compare(k.workgroup(0), "==", 0)):
                self._store(whole)

    def _store(self, results: Sequence[int]) -> None:
        for i in results:
            for v, count in enumerate(self.counts):
                self.writer.made[i].store(self.columns[i, v], self.place(v), first=count)

    def place(self, v: int) -> Term:
        """Where a vector begins."""
        return self.start + v * self.writer.cut.lanes

    def splat(self, number: Term) -> Term:
        """A vector of the same number."""
        return self.writer.body.splat(number, self.writer.cut.lanes)

    def _make_columns(self, level: int) -> None:
        """Compute what is one number per column and made of no more than `level` folds."""
        f, k = self.writer.function, self.writer.body
        for i, node in enumerate(f.nodes):
            fresh = node.lanes and not node.rows and f.levels[i] <= level and node.kind != "fold"
            for v, count in enumerate(self.counts if fresh and (i, 0) not in self.columns else ()):
                if node.kind == "parts":
                    self.columns[i, v] = self._joined(i, v, count)
                elif node.kind == "input":
                    memory, lanes = self.writer.given[i], self.writer.cut.lanes
                    self.columns[i, v] = memory.load(self.place(v), lanes=lanes, first=count)
                else:
                    of = [self.column(j, v) for j in node.operands]
                    self.columns[i, v] = computed(k, node.op, of)

    def column(self, i: int, v: int) -> Term:
        """A value that is the same in all rows."""
        known = self.columns.get((i, v))
        return self.splat(self.numbers[i]) if known is None else known

    def _joined(self, i: int, v: int, count: int) -> Term:
        """The fold of parts that another kernel left."""
        w, k = self.writer, self.writer.body
        node, lanes = w.function.nodes[i], w.cut.lanes
        neutral = k.number(NEUTRAL[node.op], w.function.matrix.dtype, lanes)
        with k.loop(0, node.count, carried=[neutral]) as trip:
            part = w.given[i].load(trip.index, self.place(v), lanes=lanes, first=count)
            trip.carry([k.op(node.op, trip.values[0], part)])
        return trip.results[0]

    def _pass(self, folds: Sequence[int], made: Sequence[int]) -> None:
        """Write a pass over the rows that folds some values and stores others."""
        f, k, cut = self.writer.function, self.writer.body, self.writer.cut
        nodes, dtype = f.nodes, f.matrix.dtype
        first = k.workgroup(0) * cut.share if f.parts > 1 else k.index(0)
        last = k.minimum(first + cut.share, f.matrix.rows) if f.parts > 1 else f.matrix.rows
        each = len(folds) * len(self.counts)
        neutral = [k.number(NEUTRAL[nodes[i].op], dtype, cut.lanes) for i in folds]
        sums = [n for n in neutral for _ in self.counts] * cut.rows

        def added(row: Term, sums: Sequence[Term]) -> list[Term]:
            values = _AtRow(self, row)
            for i in made:
                for v, count in enumerate(self.counts):
                    self.writer.made[i].store(values[i, v], row, self.place(v), first=count)
            pairs = [(i, v) for i in folds for v in range(len(self.counts))]
            return [
                k.op(nodes[i].op, total, values[nodes[i].operands[0], v])
                for (i, v), total in zip(pairs, sums, strict=True)
            ]

        ragged = f.matrix.rows % cut.rows
        rest = k.index(last)
        whole = rest - (rest - first) % cut.rows if ragged else rest
        with k.loop(first, whole, cut.rows, carried=sums) as trip:
            parts = [trip.values[u * each : (u + 1) * each] for u in range(cut.rows)]
            parts = [added(trip.index + u, part) for u, part in enumerate(parts)]
            trip.carry([term for part in parts for term in part])
        sums = trip.results
        if ragged:
            with k.loop(whole, rest, carried=sums[:each]) as trip:
                trip.carry(added(trip.index, trip.values))
            sums = [*trip.results, *sums[each:]]
        self._fold(folds, [sums[u * each : (u + 1) * each] for u in range(cut.rows)])

    def _fold(self, folds: Sequence[int], sums: Sequence[Sequence[Term]]) -> None:
        """Keep folds of all rows, store those of a part of them."""
        f, k = self.writer.function, self.writer.body
        pairs = [(i, v) for i in folds for v in range(len(self.counts))]
        for (i, v), several in zip(pairs, zip(*sums, strict=True), strict=True):
            total = reduce(partial(k.op, f.nodes[i].op), several)
            if f.parts == 1:
                self.columns[i, v] = total
            else:
                memory, part = self.writer.made[i], k.workgroup(0)
                memory.store(total, part, self.place(v), first=self.counts[v])


class _AtRow:
    """The values of a row, each vector of them computed when it is first wanted."""

    def __init__(self, block: _Block, row: Term) -> None:
        self.block, self.row = block, row
        self.known: dict[tuple[int, int], Term] = {}
        self.numbers: dict[int, Term] = {}

    def __getitem__(self, at: tuple[int, int]) -> Term:
        if at not in self.known:
            self.known[at] = self._made(*at)
        return self.known[at]

    def _made(self, i: int, v: int) -> Term:
        w = self.block.writer
        node = w.function.nodes[i]
        if not node.rows:
            return self.block.column(i, v)
        if not node.lanes:
            return self.block.splat(self._number(i))
        if node.kind == "input":
            place, count = self.block.place(v), self.block.counts[v]
            return w.given[i].load(self.row, place, lanes=w.cut.lanes, first=count)
        return computed(w.body, node.op, [self[j, v] for j in node.operands])

    def _number(self, i: int) -> Term:
        """A value that is one number for a row."""
        w = self.block.writer
        node = w.function.nodes[i]
        if not node.rows:
            return self.block.numbers[i]
        if i not in self.numbers:
            if node.kind == "input":
                self.numbers[i] = w.given[i].load(self.row)
            else:
                of = [self._number(j) for j in node.operands]
                self.numbers[i] = computed(w.body, node.op, of)
        return self.numbers[i]
