"""Which values differ along the batch: those computed from mapped ones, or from a member's place,
through loops and branches.

The answer may be yes too often, never too rarely: `vmap` decides by it what a loop carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec import ir
from slopec.transforms.axes import Lookup, axis_of, uses
from slopec.transforms.body import block_of, returned
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import called

_SHARED = ("stablehlo.all_gather", "stablehlo.all_reduce")
"""Over the axis that is batched, these give all members the same."""


@dataclass(frozen=True)
class Scope:
    """What is batched: the functions of the module, and the name of the axis if it has one."""

    lookup: Lookup
    axis: str | None = None


def through(
    scope: Scope, block: ir.Block, flags: Sequence[bool], outer: set[ir.Value]
) -> list[bool]:
    """Which results of a block are mapped when the arguments in `flags` and `outer` values are."""
    mapped = outer | {x for x, flag in zip(block.arguments, flags, strict=True) if flag}
    for view in list(block.operations)[:-1]:
        op = view.operation
        found = results_of(scope, op, mapped)
        mapped.update(x for x, flag in zip(op.results, found, strict=True) if flag)
    return [value in mapped for value in returned(block)]


def results_of(scope: Scope, op: ir.Operation, mapped: set[ir.Value]) -> list[bool]:
    """Which results of an op are mapped."""
    axis = axis_of(op)
    if axis is not None and axis == scope.axis:
        return [op.name not in _SHARED] * len(op.results)
    touched = any(value in mapped for value in inputs_of(op))
    if not touched and not uses(scope.lookup, op, scope.axis):
        return [False] * len(op.results)
    if op.name == "stablehlo.while":
        return loop(scope, op, mapped)
    if op.name == "stablehlo.optimization_barrier":
        return [value in mapped for value in op.operands]
    if op.name in ("stablehlo.case", "stablehlo.if") and op.operands[0] not in mapped:
        rows = [through(scope, block_of(op, i), [], mapped) for i in range(len(op.regions))]
        return [any(column) for column in zip(*rows, strict=True)]
    symbol = called(op)
    if symbol is not None:
        callee = scope.lookup(symbol)
        if ir.has_body(callee) and "slope.keep" not in callee.attributes:
            return through(scope, ir.body_of(callee), [x in mapped for x in op.operands], set())
    return [True] * len(op.results)


def loop(scope: Scope, op: ir.Operation, mapped: set[ir.Value]) -> list[bool]:
    """Which values a `while` carries mapped, in any iteration.

    When the condition is mapped, members of the batch stop at different times, and so everything
    that changes is mapped.
    """
    cond, body = block_of(op, 0), block_of(op, 1)
    changing = [x != y for x, y in zip(returned(body), body.arguments, strict=True)]
    flags = [value in mapped for value in op.operands]
    while True:
        (stops,) = through(scope, cond, flags, mapped)
        after = through(scope, body, flags, mapped)
        more = [
            flag or new or (stops and changes)
            for flag, new, changes in zip(flags, after, changing, strict=True)
        ]
        if more == flags:
            return flags
        flags = more
