"""What follows from constants alone, by way of much arithmetic, is computed here.

`simplify` folds what is small, op by op. IREE evaluates the rest while it compiles, each op by code
of its own: minutes for the masks of dropout with a constant key, where NumPy takes a moment. What
is too large to be kept is hidden from IREE, and computed when the program runs.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import ir
from slopec.diagnostics import SlopecError
from slopec.passes.simplify.shapes import ELEMENTWISE

_MOVING = """bitcast_convert broadcast_in_dim concatenate constant iota pad reshape reverse
    rng_bit_generator slice transpose""".split()
_KNOWN = frozenset(n if "." in n else f"stablehlo.{n}" for n in (*ELEMENTWISE, *_MOVING))
_BARRIER = "stablehlo.optimization_barrier"
_ROUNDS = 64
"""What generators compute for each number."""
_MADE_ANYWHERE = frozenset({"stablehlo.constant", "stablehlo.iota"})


@dataclass(frozen=True)
class FoldConstants:
    """f(g(c)) → c, for little that takes much computing, such as random bits of a known key."""

    name: ClassVar[str] = "fold-constants"

    most: int = 1 << 20
    """Bytes of what may become a constant: what is larger IREE does not evaluate either."""

    work: int = 1 << 29
    """Bytes that may be computed on the way to it."""

    worth: int = 32
    """How often as many bytes must be computed as are kept: less, IREE evaluates quickly."""

    def run(self, module: ir.Module) -> None:
        """Put constants in the place of what only ops that follow from constants compute."""
        known: set[ir.Value] = set()
        for op in ir.ops_in(module):
            if op.name in _KNOWN and all(operand in known for operand in op.operands):
                known.update(op.results)
        seen: set[ir.Value] = set()
        for value in [v for v in _in_order(module) if v in known and _leaves(v, known)]:
            self._fold(value, seen)

    def _fold(self, value: ir.Value, seen: set[ir.Value]) -> None:
        """Fold a known value; where it is too large, what it is computed of, and hide the rest."""
        if value in seen or value.owner.name == "stablehlo.constant":
            return
        seen.add(value)
        size, ops = ir.size_in_bytes(value), _cone(value)
        made = sum(map(_work, ops))
        if made < max(size, 1) * self.worth:
            return
        if size <= self.most and made <= self.work:
            _replace(value, ops)
            return
        for operand in value.owner.operands:
            self._fold(operand, seen)
        _hide(_cone(value))


def _in_order(module: ir.Module) -> Iterator[ir.Value]:
    for op in ir.ops_in(module):
        yield from op.results


def _leaves(value: ir.Value, known: set[ir.Value]) -> bool:
    """Whether something that is not known is computed of a value."""
    users = [use.owner.operation for use in value.uses]
    return any(not user.results or user.results[0] not in known for user in users)


def _cone(value: ir.Value) -> list[ir.Operation]:
    """The ops that lead to a known value, each after those whose results it takes."""
    found: dict[ir.Operation, bool] = {}
    waiting = [value.owner.operation]
    while waiting:
        op = waiting[-1]
        due = [v.owner.operation for v in op.operands if v.owner.operation not in found]
        if due and op not in found:
            waiting += due
            continue
        found[waiting.pop()] = True
    return list(found)


def _work(op: ir.Operation) -> int:
    """The bytes that are computed for an op."""
    size = sum(map(ir.size_in_bytes, op.results))
    return _ROUNDS * size if op.name == "stablehlo.rng_bit_generator" else size


def _replace(value: ir.Value, ops: list[ir.Operation]) -> None:
    """Evaluate the ops that lead to a value, and put a constant in its place."""
    from slopec.reference import evaluate_op

    uses = Counter(operand for op in ops for operand in op.operands)
    made: dict[ir.Value, np.ndarray] = {}
    try:
        for op in ops:
            results = evaluate_op(op, [made[operand] for operand in op.operands])
            for operand in op.operands:
                uses[operand] -= 1
                if not uses[operand]:
                    made.pop(operand, None)
            made.update(zip(op.results, results, strict=True))
    except (SlopecError, TypeError):  # a constant that is kept elsewhere cannot be read
        return
    facts = {"value": ir.dense(np.ascontiguousarray(made[value]))}
    kept = _made("stablehlo.constant", value.type, [], facts, value.owner.operation)
    value.replace_all_uses_with(kept)


def _hide(ops: list[ir.Operation]) -> None:
    """Let each op that takes constants alone take a number that IREE does not know."""
    for op in ops:
        if op.name == _BARRIER:
            continue
        makers = [operand.owner.operation for operand in op.operands]
        if makers and all(maker.name in _MADE_ANYWHERE for maker in makers):
            place = next((k for k, m in enumerate(makers) if m.name == "stablehlo.constant"), None)
            if place is not None:
                op.operands[place] = _hidden(op.operands[place], makers[place], op)


def _hidden(value: ir.Value, constant: ir.Operation, user: ir.Operation) -> ir.Value:
    """A constant behind a barrier: of equal elements, one."""
    elements = constant.attributes["value"]
    if not ir.is_splat(elements):
        return _made(_BARRIER, value.type, [value], {}, user)
    one = ir.dense(ir.elements(elements).reshape(-1)[0])
    number = _made("stablehlo.constant", one.type, [], {"value": one}, user)
    barred = _made(_BARRIER, one.type, [number], {}, user)
    dims = {"broadcast_dimensions": ir.i64s()}
    return _made("stablehlo.broadcast_in_dim", value.type, [barred], dims, user)


def _made(
    name: str,
    type_: ir.Type,
    operands: list[ir.Value],
    attributes: dict[str, ir.Attribute],
    user: ir.Operation,
) -> ir.Value:
    """The result of a new op in front of its user."""
    point = ir.InsertionPoint(user)
    return ir.create(name, [type_], operands, attributes, user.location, point).results[0]
