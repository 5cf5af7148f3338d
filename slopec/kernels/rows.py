"""Functions of rows, such as softmax: a row is read from memory once and stays in a near cache.

Each number that a row is folded to (its sum, its largest) needs a pass over the row, and so does
what is computed with it. What several passes need is computed again where that takes less than
keeping it, or there is no room, and kept otherwise.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.elementwise import computed
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type, split
from slopec.kernels.nodes import DEAR, Node, levels_of
from slopec.kernels.row_folds import AT_ONCE, RowFold

_STACK = 24 << 10
_LEAST = 4 << 10  # bytes of a tensor that are worth a workgroup
_CACHES = 24 << 20  # bytes that a result can have to stay in the last cache beside its input


@dataclass(frozen=True)
class RowFunction:
    """Values of `count` rows of `width` numbers, each after those it is made of; some are results.

    Inputs and results are (count, width), (count,), (width,) or (1,), as they vary.
    """

    count: int
    width: int
    dtype: DType
    nodes: tuple[Node, ...]
    results: tuple[int, ...]

    def type_of(self, node: Node) -> Type:
        """How an input or a result lies in memory."""
        sizes = (self.count,) * node.rows + (self.width,) * node.lanes
        return sizes or (1,), self.dtype

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """For each node how many folds, one after the other, it is made of."""
        return levels_of(self.nodes)

    @cached_property
    def passes(self) -> tuple[tuple[int, ...], ...]:
        """The folds of each pass over a row; in the last pass come the results."""
        top = max(self.levels)
        folds = [i for i, node in enumerate(self.nodes) if node.kind == "fold"]
        return (*(tuple(i for i in folds if self.levels[i] == p) for p in range(1, top + 1)), ())

    @cached_property
    def kept(self) -> frozenset[int]:
        """The nodes that are dear and wanted by several passes, if a worker's stack has room."""
        ends = [[self.nodes[i].operands[0] for i in folds] for folds in self.passes[:-1]]
        ends.append([i for i in self.results if self.nodes[i].lanes])
        wanted = [self._behind(starts) for starts in ends]
        dear = [i for i, node in enumerate(self.nodes) if node.op in DEAR and node.lanes]
        shared = frozenset(i for i in dear if sum(i in behind for behind in wanted) > 1)
        fits = len(shared) * self.width * self.dtype.itemsize <= _STACK
        return shared if fits else frozenset()

    def _behind(self, starts: Sequence[int]) -> set[int]:
        """The nodes that vary along a row and that others are made of, themselves included."""
        found: set[int] = set()
        waiting = list(starts)
        while waiting:
            i = waiting.pop()
            if self.nodes[i].lanes and i not in found:
                found.add(i)
                waiting += self.nodes[i].operands
        return found


def row_kernel(function: RowFunction, vectors: Vectors) -> Kernel:
    """The kernel of a function of rows: a workgroup for some rows."""
    inputs = [i for i, node in enumerate(function.nodes) if node.kind == "input"]
    share = _share(function)
    groups = -(-function.count // share)
    spelled = repr((function.nodes, function.results)).encode()
    digest = hashlib.sha256(spelled).hexdigest()[:8]
    bits = 8 * function.dtype.itemsize
    name = f"slopec_rows_{function.count}x{function.width}_f{bits}_{digest}"

    def write(body: Body, *memories: Memory) -> None:
        given = dict(zip(inputs, memories, strict=False))
        made = dict(zip(function.results, memories[len(inputs) :], strict=True))
        writer = _Writer(function, vectors.lanes(function.dtype), body, given, made)
        start = body.workgroup() * share
        with body.loop(start, body.minimum(start + share, function.count)) as trip:
            writer.row(trip.index)

    types = [function.type_of(function.nodes[i]) for i in (*inputs, *function.results)]
    return Kernel(
        name, tuple(types[: len(inputs)]), tuple(types[len(inputs) :]), (groups, 1, 1), write
    )


def _share(function: RowFunction) -> int:
    """The rows of a workgroup."""
    least = max(1, _LEAST // (function.width * function.dtype.itemsize))
    return -(-function.count // split(1, -(-function.count // least)))


@dataclass
class _Writer:
    function: RowFunction
    lanes: int
    body: Body
    given: dict[int, Memory]
    made: dict[int, Memory]
    rooms: dict[int, Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take room for what passes keep."""
        f = self.function
        for i in sorted(f.kept):
            padded = -(-f.width // self.lanes) * self.lanes
            self.rooms[i] = self.body.stack((padded,), f.dtype)

    def row(self, row: Term) -> None:
        """Write all passes over a row."""
        f = self.function
        numbers = _Numbers(self, row)
        kept: set[int] = set()
        for level, folds in enumerate(f.passes):
            for i, node in enumerate(f.nodes):  # before the loops that use them
                if not node.lanes and f.levels[i] <= level:
                    numbers.make(i)
            if folds:
                self._fold(level, row, numbers, kept)
                kept |= self._now(folds)
            else:
                self._finish(level, row, numbers, kept)

    def _finish(self, level: int, row: Term, numbers: "_Numbers", kept: set[int]) -> None:
        """Write the last pass over a row, which makes the results."""
        f = self.function
        for i in f.results:
            if not f.nodes[i].lanes:
                self.made[i].store(numbers[i], row if f.nodes[i].rows else 0)
        results = [i for i in f.results if f.nodes[i].lanes]
        for at, counts in self._chunks() if results else ():
            for v, count in enumerate(counts):
                place = at + v * self.lanes
                self._look_ahead(level, row, place)
                vectors = _AtPlace(self, row, place, count, numbers, kept)
                for i in results:
                    where = (row, place) if f.nodes[i].rows else (place,)
                    self.made[i].store(vectors[i], *where, first=count, streaming=self._streams(i))

    def _streams(self, i: int) -> bool:
        """Whether a result goes past the caches.

        It has driven out its own beginning before anybody reads it, and inputs that are read again;
        and what is to be overwritten need not be fetched. Workers count what is done by locked
        instructions, before which such stores are visible.
        """
        f, (shape, dtype) = self.function, self.function.type_of(self.function.nodes[i])
        return math.prod(shape) * dtype.itemsize >= _CACHES and f.width % self.lanes == 0

    def _look_ahead(self, level: int, row: Term, place: Term) -> None:
        """Ask, in the second pass, for what the next row reads.

        A row can be all of a page, and the processor itself does not look beyond its end.
        """
        for i, memory in self.given.items():
            node = self.function.nodes[i]
            if level == 1 and node.rows and node.lanes:
                memory.prefetch(row + 1, place)

    def _now(self, folds: Sequence[int]) -> frozenset[int]:
        """What is kept once a pass is over."""
        f = self.function
        return f.kept & f._behind([f.nodes[i].operands[0] for i in folds])

    def _fold(self, level: int, row: Term, numbers: "_Numbers", kept: set[int]) -> None:
        """Write a pass over a row that folds."""
        f, k = self.function, self.body
        found = {i: RowFold(k, f.nodes[i].op, f.dtype, self.lanes) for i in f.passes[level]}
        fresh = self._now(f.passes[level]) - kept
        full = self.lanes * AT_ONCE
        stop = f.width // full * full

        def add(start: Term, counts: Sequence[int]) -> None:
            values: dict[int, list[Term]] = {i: [] for i in found}
            for v, count in enumerate(counts):
                place = start + v * self.lanes
                self._look_ahead(level, row, place)
                vectors = _AtPlace(self, row, place, count, numbers, kept)
                for i, fold in found.items():
                    value = vectors[f.nodes[i].operands[0]]
                    if count < self.lanes:
                        mask = k.mask(count, self.lanes)
                        value = k.select(mask, value, fold.neutral)
                    values[i].append(value)
                for i in fresh:
                    self.rooms[i].store(vectors[i], place)
            for i, fold in found.items():
                fold.add(values[i])

        if stop:
            flat = [term for fold in found.values() for term in fold.terms]
            with k.loop(0, stop, full, carried=flat) as trip:
                given = iter(trip.values)
                for fold in found.values():
                    fold.take(given)
                add(trip.index, [self.lanes] * AT_ONCE)
                trip.carry([term for fold in found.values() for term in fold.terms])
            left = iter(trip.results)
            for fold in found.values():
                fold.take(left)
        if self._rest():
            add(k.index(stop), self._rest())
        for i, fold in found.items():
            numbers.known[i] = fold.number()

    def _rest(self) -> list[int]:
        """The lanes that count of each vector after the chunks of several."""
        rest = self.function.width % (self.lanes * AT_ONCE)
        return [min(self.lanes, rest - low) for low in range(0, rest, self.lanes)]

    def _chunks(self) -> Iterator[tuple[Term, list[int]]]:
        """Where chunks of a row begin and the lanes that count of their vectors."""
        full = self.lanes * AT_ONCE
        stop = self.function.width // full * full
        if stop:
            with self.body.loop(0, stop, full) as trip:
                yield trip.index, [self.lanes] * AT_ONCE
        if self._rest():
            yield self.body.index(stop), self._rest()


class _Numbers:
    """The values that are one number for a row."""

    def __init__(self, writer: _Writer, row: Term) -> None:
        self.writer, self.row = writer, row
        self.known: dict[int, Term] = {}

    def __getitem__(self, i: int) -> Term:
        return self.known[i]

    def make(self, i: int) -> None:
        """Compute a value, unless it is known, of others that are."""
        w, node = self.writer, self.writer.function.nodes[i]
        if i in self.known:
            return
        if node.kind == "number":
            self.known[i] = w.body.number(node.number, w.function.dtype)
        elif node.kind == "input":
            self.known[i] = w.given[i].load(*((self.row,) if node.rows else (0,)))
        else:
            self.known[i] = computed(w.body, node.op, [self.known[j] for j in node.operands])


class _AtPlace:
    """The values at a vector's place in a row, each computed when it is first wanted."""

    def __init__(
        self,
        writer: _Writer,
        row: Term,
        place: Term,
        count: int,
        numbers: _Numbers,
        kept: set[int],
    ) -> None:
        self.writer, self.row, self.place, self.count = writer, row, place, count
        self.numbers, self.kept = numbers, kept
        self.known: dict[int, Term] = {}

    def __getitem__(self, i: int) -> Term:
        if i not in self.known:
            self.known[i] = self._made(i)
        return self.known[i]

    def _made(self, i: int) -> Term:
        w, node = self.writer, self.writer.function.nodes[i]
        if not node.lanes:
            return w.body.splat(self.numbers[i], w.lanes)
        if i in self.kept:
            return w.rooms[i].load(self.place, lanes=w.lanes)
        if node.kind == "input":
            where = (self.row, self.place) if node.rows else (self.place,)
            return w.given[i].load(*where, lanes=w.lanes, first=self.count)
        return computed(w.body, node.op, [self[j] for j in node.operands])
