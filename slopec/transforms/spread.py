"""Which values differ along the batch: those computed from mapped ones, through loops and branches.

The answer may be yes too often, never too rarely: `vmap` decides by it what a loop carries.
"""

from collections.abc import Callable, Sequence

from slopec import ir
from slopec.transforms.body import block_of, returned
from slopec.transforms.inline import called
from slopec.transforms.modes import inputs_of

Lookup = Callable[[str], ir.Operation]


def through(
    lookup: Lookup, block: ir.Block, flags: Sequence[bool], outer: set[ir.Value]
) -> list[bool]:
    """Which results of a block are mapped when the arguments in `flags` and `outer` values are."""
    mapped = outer | {x for x, flag in zip(block.arguments, flags, strict=True) if flag}
    for view in list(block.operations)[:-1]:
        op = view.operation
        found = results_of(lookup, op, mapped)
        mapped.update(x for x, flag in zip(op.results, found, strict=True) if flag)
    return [value in mapped for value in returned(block)]


def results_of(lookup: Lookup, op: ir.Operation, mapped: set[ir.Value]) -> list[bool]:
    """Which results of an op are mapped."""
    touched = any(value in mapped for value in inputs_of(op))
    if not touched:
        return [False] * len(op.results)
    if op.name == "stablehlo.while":
        return loop(lookup, op, mapped)
    if op.name == "stablehlo.optimization_barrier":
        return [value in mapped for value in op.operands]
    if op.name in ("stablehlo.case", "stablehlo.if") and op.operands[0] not in mapped:
        rows = [through(lookup, block_of(op, i), [], mapped) for i in range(len(op.regions))]
        return [any(column) for column in zip(*rows, strict=True)]
    symbol = called(op)
    if symbol is not None:
        callee = lookup(symbol)
        if ir.has_body(callee) and "slope.keep" not in callee.attributes:
            return through(lookup, ir.body_of(callee), [x in mapped for x in op.operands], set())
    return [True] * len(op.results)


def loop(lookup: Lookup, op: ir.Operation, mapped: set[ir.Value]) -> list[bool]:
    """Which values a `while` carries mapped, in any iteration.

    When the condition is mapped, members of the batch stop at different times, and so everything
    that changes is mapped.
    """
    cond, body = block_of(op, 0), block_of(op, 1)
    changing = [x != y for x, y in zip(returned(body), body.arguments, strict=True)]
    flags = [value in mapped for value in op.operands]
    while True:
        (stops,) = through(lookup, cond, flags, mapped)
        after = through(lookup, body, flags, mapped)
        more = [
            flag or new or (stops and changes)
            for flag, new, changes in zip(flags, after, changing, strict=True)
        ]
        if more == flags:
            return flags
        flags = more
