"""Which values of a forward computation to save for the backward one, and which to compute again.

The forward ops are a network in which values flow from what the backward computation cannot get
anew to what it needs. Saving a value cuts it, at the cost of its bytes; the cheapest cut is the
least to save. Two facts about ops decide where cuts may be: whether a policy allows to save a
result, and whether the op is cheap enough to run again.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from slopec import ir
from slopec.transforms.checkpoint_policies import Policy, everything_saveable
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import called
from slopec.transforms.mincut import UNLIMITED, Network

Lookup = Callable[[str], ir.Operation]

_MOVES = """broadcast_in_dim concatenate constant convert dynamic_slice dynamic_update_slice gather
iota optimization_barrier pad reshape reverse slice transpose"""
_ARITHMETIC = """abs add and bitcast_convert ceil clamp compare complex divide floor imag is_finite
maximum minimum multiply negate not or real reduce_precision remainder round_nearest_afz
round_nearest_even select shift_left shift_right_arithmetic shift_right_logical sign subtract xor"""
_FUNCTIONS = """atan2 cbrt cosine exponential exponential_minus_one log log_plus_one logistic popcnt
power rsqrt sine sqrt tan tanh count_leading_zeros"""
MOVES = frozenset(f"stablehlo.{name}" for name in _MOVES.split())
"""Ops that only place elements elsewhere or in another type."""
SPARING = MOVES | {f"stablehlo.{name}" for name in _ARITHMETIC.split()}
"""Ops that cost less to run again than a value costs to save: moves and arithmetic."""
FUSIBLE = SPARING | {f"stablehlo.{name}" for name in _FUNCTIONS.split()}
"""Ops that run element by element within other ops, and cost no memory traffic of their own."""
_ONCE = {"stablehlo.infeed", "stablehlo.recv", "stablehlo.rng", "stablehlo.send"}
"""Ops that do or give something else the second time."""


@dataclass(frozen=True)
class Choice:
    """The values to save, and the ops to run again."""

    saved: tuple[ir.Value, ...]
    again: frozenset[ir.Operation]


@dataclass(frozen=True)
class Forward:
    """A forward computation: its arguments, those `kept` for the backward one anyway, and its ops.

    `results` are what it is there for: ops that these do not depend on can wait for the backward
    computation, and cost nothing there that they would not cost here. `lookup` finds the functions
    that the ops call; `policy` says which results may be saved. Ops in the table `cheap` run again
    rather than that something larger is saved; those in `kept_cheap` do so at any rate where they
    depend on kept arguments and constants alone.
    """

    parameters: Sequence[ir.Value]
    kept: Sequence[ir.Value]
    ops: Sequence[ir.Operation]
    results: Sequence[ir.Value]
    lookup: Lookup
    policy: Policy = everything_saveable
    cheap: frozenset[str] = SPARING
    kept_cheap: frozenset[str] = SPARING

    def choose(self, needed: Sequence[ir.Value]) -> Choice:
        """The least to save so that the values `needed` are known in the backward computation."""
        wanted = [v for v in dict.fromkeys(needed) if self._matters(v)]
        saved = self._cheapest(wanted)
        return Choice(tuple(saved), frozenset(self._again(needed, set(saved))))

    def _matters(self, value: ir.Value) -> bool:
        """Whether a value is one of this computation, and not there for nothing."""
        return value not in self.free and (value in self.owner or value in self.arguments)

    def _cheapest(self, wanted: Sequence[ir.Value]) -> list[ir.Value]:
        """Cut the network: each value is an edge, which saving the value cuts."""
        network = Network()
        source, sink = network.node(), network.node()
        edges: dict[ir.Value, tuple[int, int]] = {}
        for value in self._reached(wanted):
            edges[value] = before, after = network.node(), network.node()
            network.edge(before, after, self._price(value) if self.may_save(value) else UNLIMITED)
        for value, (before, _) in edges.items():
            for given in self._sources(value) or ():
                network.edge(edges[given][1], before, UNLIMITED)
            if self._sources(value) is None:
                network.edge(source, before, UNLIMITED)
        for value in wanted:
            network.edge(edges[value][1], sink, UNLIMITED)
        side = network.sink_side(source, sink)
        return [v for v, (before, after) in edges.items() if before not in side and after in side]

    def _price(self, value: ir.Value) -> int:
        """What saving a value costs: its bytes; a little more if it is not there anyway."""
        there = value not in self.owner or self.owner[value] in self.due
        return 2 * ir.size_in_bytes(value) + (0 if there else 1)

    def _sources(self, value: ir.Value) -> list[ir.Value] | None:
        """What a value is computed from when it is computed again; None when it cannot be."""
        op = self.owner.get(value)
        if op is None or not self.may_run_again(op):
            return None
        return [v for v in inputs_of(op) if self._matters(v)]

    def _reached(self, wanted: Sequence[ir.Value]) -> list[ir.Value]:
        """The values that `wanted` can be computed from again, themselves included."""
        found: dict[ir.Value, None] = dict.fromkeys(wanted)
        waiting = list(wanted)
        while waiting:
            more = [v for v in self._sources(waiting.pop()) or () if v not in found]
            found.update(dict.fromkeys(more))
            waiting += more
        return list(found)

    def _again(self, needed: Sequence[ir.Value], saved: set[ir.Value]) -> set[ir.Operation]:
        """The ops that compute what is needed of what is saved and kept."""
        known = saved | set(self.kept)
        found: set[ir.Operation] = set()
        waiting = list(needed)
        while waiting:
            value = waiting.pop()
            op = self.owner.get(value)
            if value not in known and op is not None and op not in found:
                found.add(op)
                waiting += inputs_of(op)
        return found

    @cached_property
    def arguments(self) -> set[ir.Value]:
        """The arguments, to look up."""
        return set(self.parameters)

    @cached_property
    def owner(self) -> dict[ir.Value, ir.Operation]:
        """The op that makes a value."""
        return {result: op for op in self.ops for result in op.results}

    @cached_property
    def due(self) -> set[ir.Operation]:
        """The ops that the results depend on."""
        return set(needed_ops(self.ops, self.results))

    @cached_property
    def names(self) -> dict[ir.Value, str]:
        """The names given to values by `checkpoint_name`."""
        return {op.operands[0]: name for op in self.ops if (name := self._name(op)) is not None}

    def _name(self, op: ir.Operation) -> str | None:
        """The name that an op gives to its operand."""
        symbol = called(op)
        if symbol is None:
            return None
        callee = self.lookup(symbol)
        return ir.string_in(callee, "slope.name") if "slope.name" in callee.attributes else None

    @cached_property
    def free(self) -> set[ir.Value]:
        """What cheap ops make of kept arguments and constants alone."""
        known = set(self.kept)
        for op in self.ops:
            if self._runs_again(op, self.kept_cheap) and all(v in known for v in inputs_of(op)):
                known.update(op.results)
        return known

    def may_save(self, value: ir.Value) -> bool:
        """Whether the policy allows to save a value; arguments can always be."""
        op = self.owner.get(value)
        if op is None or self._runs_once(op):
            return True
        if self._name(op) is not None:
            return False  # what has been named is saved, not its copy with the name
        return self.policy.allows(op, self.names.get(value))

    def may_run_again(self, op: ir.Operation) -> bool:
        """Whether an op may be run again in the backward computation."""
        return self._runs_again(op, self.cheap)

    def _runs_again(self, op: ir.Operation, cheap: frozenset[str]) -> bool:
        if self._runs_once(op):
            return False
        if op not in self.due or not all(self.may_save(result) for result in op.results):
            return True
        return self._is_cheap(op, cheap)

    def _is_cheap(self, op: ir.Operation, table: frozenset[str]) -> bool:
        symbol = called(op)
        if symbol is None:
            return op.name in table or (op.name.startswith("chlo.") and table is FUSIBLE)
        *inner, _ = [view.operation for view in ir.body_of(self.lookup(symbol)).operations]
        return all(self._is_cheap(o, table) for o in inner)

    def _runs_once(self, op: ir.Operation) -> bool:
        if op.name == "stablehlo.custom_call":
            effect = op.attributes.get("has_side_effect")
            return effect is not None and bool(effect)
        return op.name in _ONCE


def needed_ops(
    ops: Sequence[ir.Operation], results: Iterable[ir.Value], stop: Set[ir.Value] = frozenset()
) -> list[ir.Operation]:
    """The ops that `results` depend on, in order, not looking behind `stop`."""
    wanted = set(results) - stop
    found = []
    for op in reversed(ops):
        if any(result in wanted for result in op.results):
            found.append(op)
            wanted.update(value for value in inputs_of(op) if value not in stop)
    return found[::-1]
