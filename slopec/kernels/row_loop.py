"""Loops that treat rows alone: a workgroup runs all iterations for a few rows, and never waits.

What the rows are multiplied by stays in a near cache from one iteration to the next, and what an
iteration leaves for the next one in a nearer cache yet. An iteration goes in phases: products of
what is in memory, then what is computed on each number from them, which is stored once all is done.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from slopec import dtypes, ir
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.elementwise import EACH, computed
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.passes.row_loops import Node, RowLoop
from slopec.passes.stacks import Stack

_WORKERS = 4  # among which few rows are spread
_DIRECT = ("state", "row", "same")  # nodes that are in memory as they are
_WIDE = (8, 4, 2)  # vectors of a panel: fewer rows leave registers for more


@dataclass(frozen=True)
class Cut:
    """How a loop is cut: workgroups of `height` rows, the last overlapping the one before it."""

    height: int
    lanes: int
    registers: int

    @staticmethod
    def of(loop: RowLoop, vectors: Vectors) -> "Cut":
        """As many rows as registers hold sums of, but fewer where workers would have none."""
        most = 8 if vectors.registers == 32 else 6
        height = min(most, -(-loop.rows // _WORKERS))
        height = -(-loop.rows // -(-loop.rows // height))
        return Cut(height, vectors.lanes(dtypes.float32), vectors.registers)

    def panel(self, columns: int) -> int:
        """How many columns of a matrix lie beside each other in a panel."""
        fitting = [v for v in _WIDE if self.height * v <= self.registers // 2 or v == _WIDE[-1]]
        return next((v * self.lanes for v in fitting if v * self.lanes <= columns), self.lanes)

    def stride(self, columns: int) -> int:
        """From a row of scratch memory to the next: whole panels, and not a power of two."""
        panel = self.panel(columns)
        return -(-columns // panel) * panel + self.lanes


@dataclass(frozen=True)
class Store:
    """A value goes to columns from `column` on of a "state", a "stack" or "scratch" number `to`."""

    node: int
    memory: str
    to: int
    column: int


@dataclass(frozen=True)
class Plan:
    """What is computed when, and where it is kept meanwhile."""

    loop: RowLoop
    cut: Cut

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The values of an iteration."""
        return self.loop.nodes

    @cached_property
    def phases(self) -> tuple[int, ...]:
        """The phase in which each value can be computed, or read where it is stored."""
        found: list[int] = []
        for node in self.nodes:
            phase = max((found[i] for i in node.operands), default=0)
            if node.kind == "joined":
                phase += 1
            elif node.kind == "product" and self.nodes[node.operands[0]].kind != "joined":
                phase += self.nodes[node.operands[0]].kind not in _DIRECT
            found.append(phase)
        return tuple(found)

    @cached_property
    def stored(self) -> dict[int, int]:
        """Where in scratch memory what is not only passed on begins."""
        read = {i for n in self.nodes if n.kind != "joined" for i in n.operands}
        factors = {n.operands[0] for n in self.nodes if n.kind == "product"}
        kept = [
            i
            for i, node in enumerate(self.nodes)
            if node.kind == "product"
            or (node.kind == "joined" and i in read)
            or (node.kind not in _DIRECT and i in factors)
        ]
        sizes = [self.cut.height * self.cut.stride(self.nodes[i].width) for i in kept]
        return {i: self.states[-1] + sum(sizes[:at]) for at, i in enumerate(kept)}

    @cached_property
    def states(self) -> tuple[int, ...]:
        """Where the states begin, each twice: for this iteration and the next; then their end."""
        ends = [0]
        for _, made in self.loop.states:
            size = self.cut.height * self.cut.stride(self.nodes[made].width)
            ends.append(ends[-1] + 2 * size)
        return tuple(ends)

    @property
    def room(self) -> int:
        """How much scratch memory a workgroup needs."""
        sizes = [self.cut.height * self.cut.stride(self.nodes[i].width) for i in self.stored]
        return self.states[-1] + sum(sizes)

    @cached_property
    def stores(self) -> tuple[Store, ...]:
        """What is stored in all, but for products."""
        found: list[Store] = []
        for at, (_, made) in enumerate(self.loop.states):
            found += self._pieces(made, "state", at)
        for at, (_, made, _) in enumerate(self.loop.stacks):
            found += self._pieces(made, "stack", at)
        for i in self.stored:
            if self.nodes[i].kind != "product":
                found += self._pieces(i, "scratch", i)
        return tuple(found)

    def _pieces(self, node: int, memory: str, to: int, column: int = 0) -> list[Store]:
        """The stores of a value, of what is joined one by one."""
        if self.nodes[node].kind != "joined":
            return [Store(node, memory, to, column)]
        found: list[Store] = []
        for i in self.nodes[node].operands:
            found += self._pieces(i, memory, to, column)
            column += self.nodes[i].width
        return found

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """The values that come from outside, each as it lies in memory."""
        given = {(n.kind, n.place): n for n in self.nodes if n.kind in ("row", "same", "feature")}
        return tuple(given.values())

    def type_of(self, node: Node) -> Type:
        """How an input lies in memory."""
        rows = () if node.kind == "feature" else (self.loop.rows,)
        stack = ir.type_of(self.loop.outer[node.place])[0][: node.kind == "row"]
        return (*stack, *rows, node.width), dtypes.float32


def row_loop(plan: Plan) -> Kernel:
    """The kernel of a loop.

    Its operands are the inputs, the packed matrices and the states; its results the states, the
    stacks, and scratch memory.
    """
    loop, cut = plan.loop, plan.cut
    groups = -(-loop.rows // cut.height)
    widths = [plan.nodes[made].width for _, made in loop.states]
    states: list[Type] = [((loop.rows, width), dtypes.float32) for width in widths]
    stacks: list[Type] = [
        ((loop.trips, loop.rows, plan.nodes[made].width), dtypes.float32)
        for _, made, _ in loop.stacks
    ]
    packed: list[Type] = [
        ((-(-n // cut.panel(n)), k, cut.panel(n)), dtypes.float32)
        for k, n in plan.loop.matrices.values()
    ]
    given = [*(plan.type_of(node) for node in plan.inputs), *packed, *states]
    made = [*states, *stacks, ((groups, plan.room), dtypes.float32)]
    digest = hashlib.sha256(repr((loop, cut, given)).encode()).hexdigest()[:12]
    name = f"slopec_loop_{loop.trips}x{loop.rows}_{digest}"

    def write(body: Body, *memories: Memory) -> None:
        _Writer(plan, body, memories[: len(given)], memories[len(given) :]).write()

    return Kernel(name, tuple(given), tuple(made), (groups, 1, 1), write)


class _Writer:
    def __init__(
        self, plan: Plan, body: Body, given: Sequence[Memory], made: Sequence[Memory]
    ) -> None:
        self.plan, self.k = plan, body
        loop, cut = plan.loop, plan.cut
        inputs, matrices, states = len(plan.inputs), len(plan.loop.matrices), len(loop.states)
        self.inputs = {
            (node.kind, node.place): memory
            for node, memory in zip(plan.inputs, given[:inputs], strict=True)
        }
        packed = given[inputs : inputs + matrices]
        self.packed = dict(zip(plan.loop.matrices, packed, strict=True))
        self.before, self.after = given[inputs + matrices :], made[:states]
        self.stacks, self.scratch = made[states:-1], made[-1]
        self.group = body.workgroup()
        self.first = body.minimum(self.group * cut.height, loop.rows - cut.height)

    def write(self) -> None:
        """All iterations for the rows of a workgroup."""
        k, plan = self.k, self.plan
        for at, (_, made) in enumerate(plan.loop.states):
            for row, column, count in self._places(plan.nodes[made].width):
                value = self._load(self.before[at], (self.first + row,), column, count)
                self._keep(value, self._state(at, 0, row), column)
        with k.loop(0, plan.loop.trips) as trip:
            for phase in range(max(plan.phases) + 1):
                for i, node in enumerate(plan.nodes):
                    if node.kind == "product" and plan.phases[i] == phase:
                        self._multiply(trip.index, i)
                self._compute(trip.index, phase)
        for at, (_, made) in enumerate(plan.loop.states):
            for row, column, count in self._places(plan.nodes[made].width):
                kept = self._kept(self._state(at, plan.loop.trips % 2, row), column)
                self.after[at].store(kept, self.first + row, column, first=count)

    def _places(self, width: int) -> Iterator[tuple[Term, Term, int]]:
        """Loops over a workgroup's rows and their vectors, and how many lanes of those count."""
        k, lanes = self.k, self.plan.cut.lanes
        whole = width // lanes * lanes
        with k.loop(0, self.plan.cut.height) as row:
            if whole:
                with k.loop(0, whole, lanes) as trip:
                    yield row.index, trip.index, lanes
            if whole < width:
                yield row.index, k.index(whole), width - whole

    # --- memory ----------------------------------------------------------------------------------

    def _stride(self, node: int) -> int:
        return self.plan.cut.stride(self.plan.nodes[node].width)

    def _state(self, at: int, which: Index, row: Index) -> Term:
        """Where a row of a state begins, for one of two iterations."""
        k, (_, made) = self.k, self.plan.loop.states[at]
        size = self.plan.cut.height * self._stride(made)
        start = k.index(which) * size + self.plan.states[at]
        return start + k.index(row) * self._stride(made)

    def _stored(self, node: int, row: Index) -> Term:
        """Where a row of a value in scratch memory begins."""
        return self.k.index(row) * self._stride(node) + self.plan.stored[node]

    def _kept(self, start: Term, column: Index) -> Term:
        return self.scratch.load(self.group, start + column, lanes=self.plan.cut.lanes)

    def _keep(self, value: Term, start: Term, column: Index) -> None:
        """Store a whole vector: rows of scratch memory have room for it."""
        self.scratch.store(value, self.group, start + column)

    def _load(self, memory: Memory, where: Sequence[Index], column: Term, count: int) -> Term:
        return memory.load(*where, column, lanes=self.plan.cut.lanes, first=count)

    def _where(self, node: Node, trip: Term, row: Index) -> tuple[Index, ...]:
        """The indices of a row of an input."""
        if node.kind == "feature":
            return ()
        stack = () if node.stack is None else (self._in_stack(node.stack, trip),)
        return (*stack, self.first + row)

    def _in_stack(self, stack: Stack, trip: Term) -> Term:
        """Which row of a stack an iteration reads or writes."""
        offset = self.k.index(stack.offset)
        return offset + trip if stack.sign == 1 else offset - trip

    # --- products --------------------------------------------------------------------------------

    def _multiply(self, trip: Term, i: int) -> None:
        """Store the product of the rows and a matrix, panel by panel, each summed in registers."""
        k, node, cut = self.k, self.plan.nodes[i], self.plan.cut
        matrix, width = self.packed[node.place, node.transposed], cut.panel(node.width)
        panels, depth, _ = matrix.shape
        rows, starts = range(cut.height), range(0, width, cut.lanes)
        left = [self._element(trip, node.operands[0], row) for row in rows]
        zero = k.number(0, dtypes.float32, cut.lanes)
        with k.loop(0, panels) as panel:
            with k.loop(0, depth, carried=[zero] * cut.height * len(starts)) as at:
                right = [matrix.load(panel.index, at.index, v, lanes=cut.lanes) for v in starts]
                splats = [k.splat(element(at.index), cut.lanes) for element in left]
                pairs = [(x, y) for x in splats for y in right]
                at.carry([k.fma(x, y, s) for (x, y), s in zip(pairs, at.values, strict=True)])
            places = [(row, v) for row in rows for v in starts]
            for (row, v), total in zip(places, at.results, strict=True):
                self._keep(total, self._stored(i, row), panel.index * width + v)

    def _element(self, trip: Term, i: int, row: int) -> "partial[Term]":
        """What loads an element of a row that is multiplied, given its column."""
        node = self.plan.nodes[i]
        if node.kind in ("row", "same"):
            memory = self.inputs[node.kind, node.place]
            return partial(memory.load, *self._where(node, trip, row))
        if node.kind == "state":
            start = self._state(node.place, trip % 2, row)
        else:
            start = self._stored(i, row)
        return partial(lambda start, p: self.scratch.load(self.group, start + p), start)

    # --- what is computed on each number ---------------------------------------------------------

    def _compute(self, trip: Term, phase: int) -> None:
        """Store what can be computed in a phase, values of one width together."""
        plan = self.plan
        due = [s for s in plan.stores if plan.phases[s.node] == phase]
        for width in sorted({plan.nodes[s.node].width for s in due}):
            for row, column, count in self._places(width):
                values = _AtPlace(self, trip, row, column, count, phase)
                for store in due:
                    if plan.nodes[store.node].width == width:
                        place = column + store.column if store.column else column
                        self._put(values.of(store.node), store, trip, row, place, count)

    def _put(
        self, value: Term, store: Store, trip: Term, row: Term, column: Term, count: int
    ) -> None:
        if store.memory == "stack":
            _, _, stack = self.plan.loop.stacks[store.to]
            place = self._in_stack(stack, trip), self.first + row
            self.stacks[store.to].store(value, *place, column, first=count)
            return
        if store.memory == "state":
            start = self._state(store.to, (trip + 1) % 2, row)
        else:
            start = self._stored(store.to, row)
        self.scratch.store(value, self.group, start + column, first=count)


@dataclass
class _AtPlace:
    """The values at a vector's place in a row, each computed when it is first wanted."""

    writer: _Writer
    trip: Term
    row: Term
    column: Term
    count: int
    phase: int
    known: dict[tuple[int, int], Term] = field(default_factory=dict)

    def of(self, i: int, further: int = 0) -> Term:
        """A value, `further` columns to the right."""
        if (i, further) not in self.known:
            self.known[i, further] = self._made(i, further)
        return self.known[i, further]

    def _made(self, i: int, further: int) -> Term:
        w, node, k = self.writer, self.writer.plan.nodes[i], self.writer.k
        column = self.column + further if further else self.column
        if node.kind in ("product", "joined"):
            return w._kept(w._stored(i, self.row), column)
        if node.kind == "state":
            return w._kept(w._state(node.place, self.trip % 2, self.row), column)
        if node.kind == "number":
            return k.number(node.number, dtypes.float32, w.plan.cut.lanes)
        if node.kind == "part":
            return self.of(node.operands[0], further + node.start)
        if node.kind == "each":
            kind = EACH.get(node.op, node.op.removeprefix("stablehlo."))
            return computed(k, kind, [self.of(j, further) for j in node.operands])
        memory, where = w.inputs[node.kind, node.place], w._where(node, self.trip, self.row)
        return w._load(memory, where, column, self.count)
