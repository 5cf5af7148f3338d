"""Compute single numbers in groups, each with no more of them than a dispatch can take and return.

IREE 3.13 makes one dispatch of all computations of single numbers that use each other's results,
however many they take and return; its runtime, which binds 32 buffers at most, then refuses to load
the program. Behind a barrier another group begins. In loops IREE loses track of time behind one,
so there numbers stay together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from slopec import hlo, ir, tracing
from slopec.passes.each import at
from slopec.passes.op import tensor_of
from slopec.transforms.body import defining
from slopec.transforms.flow import inputs_of

MOST = 24
"""Numbers that a group takes and returns: IREE adds buffers, of constants for one."""

_APART = frozenset(
    f"stablehlo.{name}"
    for name in ("constant", "while", "if", "case", "optimization_barrier", "custom_call")
)


@dataclass(frozen=True)
class SeparateScalars:
    """y = f(g(x)) → y = f(barrier(g(x))), for every so many single numbers."""

    name: ClassVar[str] = "separate-scalars"

    def run(self, module: ir.Module) -> None:
        """Part the groups in every function of `module`."""
        for function in ir.functions(module):
            if ir.has_body(function):
                groups = _groups([op.operation for op in ir.body_of(function).operations])
                for number, group in enumerate(groups[:-1]):
                    later = {op for rest in groups[number + 1 :] for op in rest}
                    _part(module, group, later)


@dataclass
class _Group:
    """Computations of single numbers, what they take, what else is made of their results."""

    ops: list[ir.Operation] = field(default_factory=list)
    taken: set[ir.Value] = field(default_factory=set)
    made: dict[ir.Value, int] = field(default_factory=dict)
    """The results, each with the number of uses elsewhere."""
    behind: set[ir.Value] = field(default_factory=set)
    """What other ops make of the results: who uses it cannot be in the same dispatch."""

    def fits(self, op: ir.Operation) -> bool:
        """Whether the group may have another computation."""
        operands = list(op.operands)
        if any(x in self.behind for x in operands):
            return False
        taken = self.taken | {x for x in operands if x not in self.made and not _is_constant(x)}
        left = sum(count > operands.count(x) for x, count in self.made.items())
        return len(taken) + left + len(list(op.results)) <= MOST

    def add(self, op: ir.Operation) -> None:
        """Take a computation in."""
        self.ops.append(op)
        for x in op.operands:
            if x in self.made:
                self.made[x] -= 1
            elif not _is_constant(x):
                self.taken.add(x)
        self.made.update((x, len([*x.uses])) for x in op.results)

    def pass_by(self, op: ir.Operation) -> None:
        """Note what an op that is no such computation makes of the results."""
        if any(x in self.made or x in self.behind for x in inputs_of(op)):
            self.behind.update(op.results)


def _groups(block: Sequence[ir.Operation]) -> list[list[ir.Operation]]:
    """The computations of single numbers, in groups that fit in a dispatch."""
    single = [_is_single(op) for op in block]
    if sum(single) <= MOST // 2:
        return []
    groups = [_Group()]
    for op, alone in zip(block, single, strict=True):
        if not alone:
            groups[-1].pass_by(op)
            continue
        if not groups[-1].fits(op):
            groups.append(_Group())
        groups[-1].add(op)
    return [group.ops for group in groups]


def _is_single(op: ir.Operation) -> bool:
    """Whether an op computes numbers of numbers, all of them single."""
    results = list(op.results)
    if not results or op.name in _APART or op.name.startswith("func."):
        return False
    return all(map(_is_number, results)) and all(map(_is_number, op.operands))


def _is_number(value: ir.Value) -> bool:
    return ir.is_static(value) and all(size == 1 for size in ir.type_of(value)[0])


def _is_constant(value: ir.Value) -> bool:
    made = defining(value)
    return made is not None and made.name == "stablehlo.constant"


def _part(module: ir.Module, group: Sequence[ir.Operation], later: set[ir.Operation]) -> None:
    """Let later groups read the results of a group behind a barrier."""
    uses = {
        value: found
        for op in group
        for value in op.results
        if (found := [u for u in value.uses if u.owner.operation in later])
    }
    if not uses:
        return
    last = at(module, group[-1])
    last.trace.point = ir.InsertionPoint.after(group[-1])
    with tracing.writing(last.trace):
        apart = hlo.optimization_barrier([tensor_of(value, last.trace) for value in uses])
    for tensor, found in zip(apart, uses.values(), strict=True):
        for use in found:
            use.owner.operation.operands[use.operand_number] = last.trace.value_of(tensor)
