"""What a small loop keeps, and where: rooms of a worker's memory, planned before it is written.

Single numbers are in registers. Of tensors, what is read once where it is made, or only moved, is
computed where it is read; the rest has rooms in scratch memory. What a loop carries has a room of
its own, which the trip's end copies the next value to, unless a trip only writes some of it: then
that is written in place, once nobody reads the former value any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.kernel import stored
from slopec.kernels.small_machine import Room, size_of
from slopec.kernels.small_moves import is_unit
from slopec.kernels.small_updates import Scattered
from slopec.passes.each import at
from slopec.passes.guard_indices import unguarded
from slopec.passes.small_loops import ELEMENTWISE, MOVES
from slopec.transforms.body import block_of, defining, returned
from slopec.transforms.flow import captured

_UPDATES = ("stablehlo.dynamic_update_slice", "stablehlo.scatter")
_APART = 16  # numbers: rooms begin where vectors do
_READ_ONCE = frozenset(
    f"stablehlo.{name}" for name in "reduce reshape slice dynamic_slice transpose reverse".split()
)
"""Ops that read an element of their first operand no more than once, besides elementwise ones."""
_MANY_READERS = frozenset(
    f"stablehlo.{name}"
    for name in "dot_general gather pad concatenate dynamic_update_slice scatter".split()
)


@dataclass
class Plan:
    """What a loop needs: values from outside, rooms for what is kept, scatters as they were."""

    loop: ir.Operation
    outer: list[ir.Value] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    rooms: dict[ir.Value, Room] = field(default_factory=dict)
    states: dict[tuple[ir.Operation, int], Room] = field(default_factory=dict)
    staged: dict[tuple[ir.Operation, int], Room] = field(default_factory=dict)
    in_place: set[ir.Operation] = field(default_factory=set)
    scatters: dict[ir.Operation, Scattered] = field(default_factory=dict)
    needed: set[ir.Value] = field(default_factory=set)
    sizes: dict[DType, int] = field(default_factory=dict)

    @staticmethod
    def of(loop: ir.Operation, module: ir.Module) -> "Plan":
        """The plan of a loop."""
        plan = Plan(loop)
        plan._read_scatters(module)
        plan._need(loop)
        plan._plan(loop)
        return plan

    @property
    def carried(self) -> list[int]:
        """The places of what the loop changes."""
        return changed(self.loop)

    def operands(self, op: ir.Operation) -> list[ir.Value]:
        """What an op reads."""
        scattered = self.scatters.get(op)
        return list(op.operands) if scattered is None else list(scattered.operands)

    # --- what is needed ------------------------------------------------------------------------

    def _read_scatters(self, module: ir.Module) -> None:
        """Look at scatters as they were before their indices were guarded."""
        for op in ir.ops_in(self.loop, "stablehlo.scatter"):
            if len(op.operands) == 3:
                here = at(module, op)
                *tensors, last = unguarded(here)
                values = tuple(here.trace.value_of(tensor) for tensor in tensors)
                self.scatters[last] = Scattered(op, values)

    def _need(self, loop: ir.Operation) -> None:
        """Note the values that results are made of, and those from outside."""
        loops = [loop, *(op for op in ir.ops_in(loop, "stablehlo.while") if op != loop)]
        blocks = [block_of(op, region) for op in loops for region in range(2)]
        inside = {value for op in ir.ops_in(loop) if op != loop for value in op.results}
        inside.update(value for block in blocks for value in block.arguments)
        waiting = [*loop.operands, *(value for block in blocks for value in returned(block))]
        while waiting:
            value = waiting.pop()
            if value in self.needed:
                continue
            self.needed.add(value)
            op = defining(value)
            if value not in inside or (op is not None and op.name == "stablehlo.constant"):
                self._give(value)
            elif op is not None:
                waiting += [*self.operands(op), *captured(op)]

    def _give(self, value: ir.Value) -> None:
        made = defining(value)
        if made is not None and made.name == "stablehlo.constant" and ir.is_uniform(made):
            self.constants.append(str(made))
        elif value not in self.outer:
            self.outer.append(value)

    # --- what is kept --------------------------------------------------------------------------

    def _plan(self, loop: ir.Operation) -> None:
        """Find rooms for what a loop carries and what its trips keep."""
        for place in changed(loop):
            value = loop.results[place]
            if size_of(value) > 1:
                self.states[loop, place] = self._room(value) if loop != self.loop else Room(place)
        blocks = [block_of(loop, region) for region in range(2)]
        ops = [view.operation for block in blocks for view in list(block.operations)[:-1]]
        for op in ops:
            if op.name == "stablehlo.while":
                self._plan(op)
        self._update_in_place(loop)
        for op in ops:
            self._keep(op)
        self._stage(loop)

    def _room(self, value: ir.Value) -> Room:
        memory = stored(ir.type_of(value)[1])
        start = self.sizes.get(memory, 0)
        self.sizes[memory] = start + -(-size_of(value) // _APART) * _APART
        return Room(memory, start)

    def _keep(self, op: ir.Operation) -> None:
        if op.name == "stablehlo.while" or op in self.in_place:
            return
        for value in op.results:
            if value in self.needed and size_of(value) > 1 and not self.is_lazy(value):
                self.rooms[value] = self._room(value)

    def is_lazy(self, value: ir.Value) -> bool:
        """Whether elements are computed where they are read."""
        op = defining(value)
        assert op is not None
        if op in self.scatters or op.name not in ELEMENTWISE | MOVES:
            return False
        if op.name == "stablehlo.constant":
            return True
        if op.name == "stablehlo.reshape" and not is_unit(op):
            return False
        readers = list(self._readers(value))
        if any(reader.block != op.block for reader in readers):
            return False
        allowed = ELEMENTWISE | _READ_ONCE
        if op.name in MOVES:
            return all(r.name in allowed | MOVES | _MANY_READERS for r in readers)
        return self._is_read_once(readers)

    def _is_read_once(self, readers: Sequence[ir.Operation]) -> bool:
        """Whether elements are read no more than once, so that none is computed again.

        What is moved where it is read is read as often as the element that it becomes.
        """
        if len(readers) != 1 or readers[0].name not in ELEMENTWISE | _READ_ONCE:
            return False
        (reader,) = readers
        moved = reader.name in MOVES and self.is_lazy(reader.results[0])
        return not moved or self._is_read_once(list(self._readers(reader.results[0])))

    def _readers(self, value: ir.Value) -> Iterator[ir.Operation]:
        """The ops that read a value and are needed themselves."""
        for use in value.uses:
            op = use.owner.operation
            always = op.name in ("stablehlo.return", "stablehlo.while")
            wanted = always or any(result in self.needed for result in op.results)
            if wanted and (always or value in self.operands(op)):
                yield op
        for op, scattered in self.scatters.items():
            if value in scattered.operands and all(op != u.owner.operation for u in value.uses):
                yield op

    def _update_in_place(self, loop: ir.Operation) -> None:
        """Find the updates whose operand nobody reads behind them."""
        body = block_of(loop, 1)
        order = {view.operation: n for n, view in enumerate(body.operations)}
        for place in changed(loop):
            chain: list[ir.Operation] = []
            value = returned(body)[place]
            while (op := defining(value)) is not None and self._is_update(op, body):
                chain.append(op)
                value = self.operands(op)[0]
            if chain and value == body.arguments[place] and self._is_free(chain, order):
                self.in_place.update(chain)

    def _is_update(self, op: ir.Operation, body: ir.Block) -> bool:
        return op.block == body and (op in self.scatters or op.name == _UPDATES[0])

    def _is_free(self, chain: Sequence[ir.Operation], order: dict[ir.Operation, int]) -> bool:
        """Whether all that is overwritten was read before."""
        for op in chain:
            for reader in self._readers(self.operands(op)[0]):
                if reader == op:
                    continue
                if self._last_read(reader, order) > order[op]:
                    return False
            if list(self.operands(op)).count(self.operands(op)[0]) > 1:
                return False
        results = [list(self._readers(op.results[0])) for op in chain]
        return len(results[0]) == 1 and results[0][0].name == "stablehlo.return"

    def _last_read(self, reader: ir.Operation, order: dict[ir.Operation, int]) -> float:
        """When a reader's operands are read: if it is computed where it is read, with its readers.

        Infinite for what is not in the trip itself, such as a loop in it, or returned by it.
        """
        here = order.get(reader, inf)
        if reader.name == "stablehlo.return":
            return inf
        if all(size_of(r) == 1 or not self.is_lazy(r) for r in reader.results):
            return here
        readers = (r for value in reader.results for r in self._readers(value))
        return max((self._last_read(r, order) for r in readers), default=here)

    def _stage(self, loop: ir.Operation) -> None:
        """Find rooms for values that pass from one state to another."""
        body = block_of(loop, 1)
        for place in changed(loop):
            value = returned(body)[place]
            if size_of(value) > 1 and value in list(body.arguments):
                self.staged[loop, place] = self._room(value)


def changed(loop: ir.Operation) -> list[int]:
    """The places of what a loop carries and changes."""
    body = block_of(loop, 1)
    return [i for i, value in enumerate(returned(body)) if value != body.arguments[i]]
