"""Control flow whose way is known: branches taken, loops never entered, tuples taken apart."""

from collections.abc import Sequence
from typing import Any

from slopec import ir
from slopec.passes.op import Op, splat, tensor_of
from slopec.passes.pattern import pattern


@pattern("if", of="constant")
def if_constant(op: Op) -> Sequence[ir.Value] | None:
    """if(true, f, g) → f, if(false, f, g) → g"""
    value = splat(op.operands[0])
    return None if value is None else _inlined(op, op.operation.regions[0 if value else 1])


@pattern("case", of="constant")
def case_constant(op: Op) -> Sequence[ir.Value] | None:
    """case(c, f, g, …) → the branch numbered c

    The last one for a number that no branch has.
    """
    value = splat(op.operands[0])
    if value is None:
        return None
    branches = list(op.operation.regions)
    index = int(value)
    return _inlined(op, branches[index if 0 <= index < len(branches) else -1])


@pattern("while")
def while_never(op: Op) -> Sequence[ir.Value] | None:
    """while(false, f, x) → x"""
    condition = op.operation.regions[0].blocks[0]
    (result,) = list(condition.operations)[-1].operation.operands
    value = splat(tensor_of(result, op.trace))
    return None if value is None or value else list(op.operation.operands)


@pattern("get_tuple_element", of="tuple")
def element_of_tuple(op: Op) -> ir.Value | None:
    """get_tuple_element(tuple(x, y)) → x or y"""
    elements = op.source().operation.operands
    return elements[op.integer("index")]


def _inlined(op: Op, region: Any) -> list[ir.Value]:
    """Move the ops of a region without arguments before `op`; the values it returns."""
    *body, end = [view.operation for view in region.blocks[0].operations]
    for inner in body:
        inner.move_before(op.operation)
    return list(end.operands)
