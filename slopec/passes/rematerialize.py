"""Make values again where that moves less memory than keeping them.

A back end computes elementwise ops in one go with the product or the sum before or after them, so
what they make costs nothing until it must be kept for later: in a training step, from the forward
to the backward half. Values that are used on both sides of a product are therefore a network: one
is either kept, at the price of writing and reading it, or made again of others, at the price of
arithmetic. The cheapest cut says which (as in `transforms.residuals`, which decides what may be
forgotten, while here nothing is forgotten that something else needs).
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import ClassVar

from slopec import ir
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import copy_op
from slopec.transforms.mincut import UNLIMITED, Network

_MOVES = "broadcast_in_dim constant convert iota reshape".split()
_ARITHMETIC = """abs add and ceil clamp compare divide floor is_finite maximum minimum multiply
negate not or select shift_left shift_right_arithmetic shift_right_logical sign subtract
xor""".split()
_FUNCTIONS = "exponential log logistic rsqrt sqrt tanh".split()
_WORK = {
    f"stablehlo.{name}": work
    for work, names in ((0, _MOVES), (1, _ARITHMETIC), (16, _FUNCTIONS))
    for name in names
}
"""Ops that can be made again, and what one element costs, in quarters of a byte moved."""

_MOVED = 4
"""The price of a byte, in the unit of `_WORK`."""

_WITHIN = frozenset(
    f"stablehlo.{name}" for name in "reduce transpose slice concatenate pad reverse".split()
)
"""Ops that back ends compute together with elementwise ones, though not again."""
_TOGETHER = _WITHIN.union(_WORK)


@dataclass(frozen=True)
class Rematerialize:
    """y = f(x), product, g(y) → y = f(x), product, g(f(x)), where keeping x is enough."""

    name: ClassVar[str] = "rematerialize"

    least: int = 1 << 16
    """Bytes of the smallest value worth it; smaller ones stay in the processor's cache."""

    def run(self, module: ir.Module) -> None:
        """Rewrite every function of `module`."""
        for function in ir.functions(module):
            if ir.has_body(function):
                _rematerialize(ir.body_of(function), self.least)


def _rematerialize(block: ir.Block, least: int) -> None:
    stages = _Stages(block, least)
    kept = stages.cheapest()
    again = _Again(stages, kept)
    for place in range(len(stages.ops)):
        again.feed(place)
    for op in reversed(stages.ops):
        if op.name in _WORK and not any(list(result.uses) for result in op.results):
            op.erase()


@dataclass(frozen=True)
class _Stages:
    """The ops of a block, by how many products lie between the arguments and each at most.

    Ops of one stage can run together; what an op uses of an earlier stage must be kept for it.
    """

    block: ir.Block
    least: int

    @cached_property
    def ops(self) -> list[ir.Operation]:
        return [view.operation for view in self.block.operations]

    @cached_property
    def position(self) -> dict[ir.Value, int]:
        """Which op makes a value, by its place in the block."""
        return {result: i for i, op in enumerate(self.ops) for result in op.results}

    @property
    def stage(self) -> list[int]:
        """Where each op runs."""
        return self._scheduled[0]

    @property
    def known(self) -> dict[ir.Value, int]:
        """From which stage on each value is known: that of its op, after a product the next."""
        return self._scheduled[1]

    @cached_property
    def _scheduled(self) -> tuple[list[int], dict[ir.Value, int]]:
        stages: list[int] = []
        known: dict[ir.Value, int] = {}
        for op in self.ops:
            stages.append(max((known.get(v, 0) for v in inputs_of(op)), default=0))
            known.update(dict.fromkeys(op.results, stages[-1] + (not _runs_with_others(op))))
        return stages, known

    def maker(self, value: ir.Value) -> ir.Operation | None:
        """The op of the block that makes a value."""
        place = self.position.get(value)
        return None if place is None else self.ops[place]

    @cached_property
    def written(self) -> set[ir.Value]:
        """The values that are in memory anyway, because a product reads or a call returns them."""
        read = {v for op in self.ops if not _runs_with_others(op) for v in inputs_of(op)}
        return read | set(self.block.arguments)

    def late(self, position: int) -> list[int]:
        """The operands of an op that are of earlier stages and might be made again."""
        op, here = self.ops[position], self.stage[position]
        if not _runs_with_others(op):
            return []
        return [
            place
            for place, value in enumerate(op.operands)
            if self.known.get(value, here) < here and self.matters(value)
        ]

    def matters(self, value: ir.Value) -> bool:
        """Whether a value is large, and not one that back ends make where they need it."""
        op = self.maker(value)
        if op is not None and op.name in ("stablehlo.constant", "stablehlo.iota"):
            return False
        return ir.is_static(value) and ir.size_in_bytes(value) >= self.least

    def sources(self, value: ir.Value) -> list[ir.Value] | None:
        """The large values that a value can be made of again; None if it cannot be."""
        op = self.maker(value)
        if op is None or op.name not in _WORK:
            return None
        return [v for v in op.operands if self.matters(v)]

    def cheapest(self) -> set[ir.Value]:
        """The values to keep: the cheapest cut between what is there and what is used late."""
        network = Network()
        source, sink = network.node(), network.node()
        wanted = {op.operands[k] for i, op in enumerate(self.ops) for k in self.late(i)}
        ends: dict[ir.Value, tuple[int, int]] = {}
        waiting = list(wanted)
        while waiting:
            value = waiting.pop()
            if value not in ends:
                ends[value] = network.node(), network.node()
                waiting += self.sources(value) or ()
        for value, (before, after) in ends.items():
            network.edge(before, after, self._price(value))
            network.edge(source, before, self._work(value))
            for given in self.sources(value) or ():
                network.edge(ends[given][1], before, UNLIMITED)
            if value in wanted:
                network.edge(after, sink, UNLIMITED)
        side = network.sink_side(source, sink)
        return {v for v, (before, after) in ends.items() if before not in side and after in side}

    def _price(self, value: ir.Value) -> int:
        """What keeping a value costs: to read it, and to write it if it is not there anyway."""
        return _MOVED * ir.size_in_bytes(value) * (1 if value in self.written else 2)

    def _work(self, value: ir.Value) -> int:
        """What making a value again of others costs."""
        op = self.maker(value)
        if op is None or self.sources(value) is None:
            return UNLIMITED
        shape, _ = ir.type_of(value)
        return _WORK[op.name] * prod(shape)


@dataclass(frozen=True)
class _Again:
    """The ops that late users get instead of the values that are not kept, once for each stage.

    They read what is kept through a barrier: without it, the back end would see that they compute
    what has been computed before, and keep that.
    """

    stages: _Stages
    kept: set[ir.Value]
    made: dict[int, dict[ir.Value, ir.Value]] = field(default_factory=dict)

    def feed(self, position: int) -> None:
        """Give an op new operands where it uses what is not kept."""
        op, late = self.stages.ops[position], self.stages.late(position)
        made = self.made.setdefault(self.stages.stage[position], {})
        again = any(op.operands[k] not in self.kept for k in late)
        for k in late:
            value = op.operands[k]
            op.operands[k] = self._value(value, made, op) if again else made.get(value, value)

    def _value(
        self, value: ir.Value, made: dict[ir.Value, ir.Value], user: ir.Operation
    ) -> ir.Value:
        """`value` as the late ops of a stage know it, made just before `user` if it is new."""
        if value not in made and self.stages.matters(value):
            point, op = ir.InsertionPoint(user), self.stages.maker(value)
            if value in self.kept or op is None:
                barrier = "stablehlo.optimization_barrier"
                kept = ir.create(barrier, [value.type], [value], {}, user.location, point)
                made[value] = kept.results[0]
            else:
                known = {v: self._value(v, made, user) for v in op.operands}
                made[value] = copy_op(op, known, point).results[0]
        return made.get(value, value)


def _runs_with_others(op: ir.Operation) -> bool:
    return op.name in _TOGETHER
