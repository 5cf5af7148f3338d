"""All trips of a small loop by one worker, who keeps what it computes with in the nearest cache.

What is computed where, and the memory it goes to, is planned before (`slopec.kernels.small_plan`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slopec import dtypes, ir
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, Type
from slopec.kernels.small_folds import PRODUCTS, reduced
from slopec.kernels.small_machine import Machine, Room, dtype_of, size_of
from slopec.kernels.small_moves import MOVED
from slopec.kernels.small_plan import Plan, changed
from slopec.kernels.small_updates import WHOLE, scatter, update
from slopec.transforms.body import block_of, defining, returned

if TYPE_CHECKING:
    from slopec.dtypes import DType


def small_loop(plan: Plan, vectors: Vectors) -> Kernel:
    """The kernel of a loop: its operands come from outside, its results are what it changes."""
    given = tuple(_flat(value) for value in plan.outer)
    made = [_flat(plan.loop.results[i]) for i in plan.carried]
    scratch: list[Type] = [((size,), dtype) for dtype, size in plan.sizes.items()]
    spelled = repr((str(plan.loop), plan.constants, given, vectors))
    digest = hashlib.sha256(spelled.encode()).hexdigest()[:12]

    def write(body: Body, *memories: Memory) -> None:
        inputs = dict(zip(plan.outer, memories, strict=False))
        names: list[DType | int] = [*plan.carried, *plan.sizes]
        rooms = dict(zip(names, memories[len(given) :], strict=True))
        width = vectors.lanes(dtypes.float32)
        _Writer(plan, Machine(body, width, inputs, rooms, MOVED | PRODUCTS)).write()

    return Kernel(f"slopec_small_loop_{digest}", given, (*made, *scratch), (1, 1, 1), write)


def _flat(value: ir.Value) -> Type:
    return (size_of(value),), dtype_of(value)


@dataclass(frozen=True)
class _Writer:
    plan: Plan
    machine: Machine

    def write(self) -> None:
        """Single numbers from outside are read first, those made are stored last."""
        m, zero = self.machine, self.machine.body.index(0)
        for value in m.inputs:
            if size_of(value) == 1:
                m.numbers[value] = m.number(value)
        self._loop(self.plan.loop)
        for place in self.plan.carried:
            value = self.plan.loop.results[place]
            if size_of(value) == 1:
                m.store(m.memories[place], m.numbers[value], zero)

    def _loop(self, loop: ir.Operation) -> None:
        """Write a loop; its results are known then."""
        m, plan, places = self.machine, self.plan, changed(loop)
        single = [i for i in places if size_of(loop.results[i]) == 1]
        rooms = {i: plan.states[loop, i] for i in places if i not in single}
        for i, room in rooms.items():
            m.copy(loop.operands[i], room)
        blocks = [block_of(loop, region) for region in range(2)]
        after = returned(blocks[1])
        for values in (*(list(block.arguments) for block in blocks), list(loop.results)):
            m.rooms.update({values[i]: room for i, room in rooms.items()})
            m.same.update({v: loop.operands[i] for i, v in enumerate(values) if i not in places})

        def do(block: ir.Block, numbers: Sequence[Term]) -> None:
            m.numbers.update(zip((block.arguments[i] for i in single), numbers, strict=True))
            for view in list(block.operations)[:-1]:
                self._do(view.operation)

        def goes_on(numbers: list[Term]) -> Term:
            do(blocks[0], numbers)
            return m.number(returned(blocks[0])[0])

        def step(numbers: list[Term]) -> list[Term]:
            do(blocks[1], numbers)
            staged = {i: plan.staged[loop, i] for i in rooms if (loop, i) in plan.staged}
            for i, room in staged.items():
                m.copy(after[i], room)
            for i, room in rooms.items():
                if i not in staged and defining(after[i]) not in plan.in_place:
                    m.copy(after[i], room)
            for i, room in staged.items():
                self._pass_on(after[i], room, rooms[i])
            return [m.number(after[i]) for i in single]

        first = [m.number(loop.operands[i]) for i in single]
        last = m.body.repeat(first, goes_on, step)
        m.numbers.update(zip((loop.results[i] for i in single), last, strict=True))

    def _pass_on(self, value: ir.Value, source: Room, target: Room) -> None:
        """Copy a value like this one from room to room."""
        m, (shape, dtype) = self.machine, ir.type_of(value)
        memory = m.memories[source.memory]
        for place, lanes in m.nest(shape, vectors=True):
            m.put(target, shape, place, m.load(memory, source.start, shape, place, dtype, lanes))

    def _do(self, op: ir.Operation) -> None:
        """Compute what an op makes if that is a number, or kept; or write it in place."""
        m, plan = self.machine, self.plan
        if op.name == "stablehlo.while":
            self._loop(op)
        elif op in plan.in_place:
            m.rooms[op.results[0]] = m.rooms[m.behind(plan.operands(op)[0])]
            self._update(op)
        elif not any(result in plan.needed for result in op.results):
            return
        elif size_of(op.results[0]) == 1:
            self._count(op)
        elif rooms := {value: plan.rooms[value] for value in op.results if value in plan.rooms}:
            self._keep(op, rooms)

    def _count(self, op: ir.Operation) -> None:
        """Compute numbers."""
        m = self.machine
        zeros = [m.body.index(0)] * len(ir.type_of(op.results[0])[0])
        if op.name == "stablehlo.reduce":
            m.numbers.update(zip(op.results, reduced(m, op, zeros, 0), strict=True))
        else:
            m.numbers[op.results[0]] = m.made(op, zeros, 0)

    def _keep(self, op: ir.Operation, rooms: dict[ir.Value, Room]) -> None:
        """Compute tensors into their rooms."""
        m, plan, value = self.machine, self.plan, op.results[0]
        straight = m.makes_vectors(op)
        m.rooms.update(rooms)
        if op in plan.scatters or op.name == "stablehlo.dynamic_update_slice":
            m.copy(plan.operands(op)[0], rooms[value])
            self._update(op)
        elif op.name in WHOLE:
            WHOLE[op.name](m, op)
        else:
            shape = ir.type_of(value)[0]
            for place, lanes in m.nest(shape, vectors=straight):
                m.put(rooms[value], shape, place, m.made(op, place, lanes))

    def _update(self, op: ir.Operation) -> None:
        scattered = self.plan.scatters.get(op)
        if scattered is None:
            update(self.machine, op)
        else:
            scatter(self.machine, scattered, op.results[0])
