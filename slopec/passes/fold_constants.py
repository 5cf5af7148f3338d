"""What follows from constants alone, by way of much arithmetic, is computed here.

`simplify` folds what is small, op by op. IREE evaluates the rest while it compiles, each op by code
of its own: minutes for the masks of dropout with a constant key, where NumPy takes a moment. What
is too large to be kept is hidden from IREE, and computed when the program runs.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from slopec import ir
from slopec.constants import put_constant
from slopec.diagnostics import SlopecError
from slopec.passes.op import full_name
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.transforms.flow import captured, inputs_of

if TYPE_CHECKING:
    import numpy as np

_SPREADING = "broadcast_in_dim constant iota reshape".split()
_MOVING = """bitcast_convert concatenate dynamic_slice dynamic_update_slice gather pad reverse slice
    transpose""".split()
_COMBINING = """convolution dot_general reduce reduce_window rng_bit_generator scatter
    select_and_scatter sort""".split()
_FREE = frozenset(f"stablehlo.{name}" for name in _SPREADING)
_KNOWN = _FREE.union(map(full_name, (*ELEMENTWISE, *_MOVING, *_COMBINING)))
_FUNCTIONS = """atan2 cbrt cosine exponential exponential_minus_one log log_plus_one logistic power
    remainder sine tan tanh""".split()
_ROUNDS = {
    **dict.fromkeys((f"stablehlo.{name}" for name in _FUNCTIONS), 16),
    **dict.fromkeys((name for name in ELEMENTWISE if name.startswith("chlo.")), 16),
    "stablehlo.rng_bit_generator": 64,
    "stablehlo.scatter": 64,
    "stablehlo.select_and_scatter": 64,
    "stablehlo.sort": 64,
}
"""How many ops compute each number of a result, where these are many."""
_BARRIER = "stablehlo.optimization_barrier"
_MADE_ANYWHERE = frozenset({"stablehlo.constant", "stablehlo.iota"})


@dataclass(frozen=True)
class FoldConstants:
    """f(g(c)) → c, for what takes many ops: random bits of a known key, sines of positions."""

    name: ClassVar[str] = "fold-constants"

    least: int = 16
    """The ops that it must take, of those that do more than spread: IREE evaluates few quickly."""

    most: int = 1 << 20
    """Bytes of what may become a constant: what is larger IREE does not evaluate either."""

    work: int = 1 << 29
    """Bytes that may be computed on the way to it."""

    def run(self, module: ir.Module) -> None:
        """Put constants in the place of what only ops that follow from constants compute."""
        known: set[ir.Value] = set()
        for op in ir.ops_in(module):
            if op.name in _KNOWN and all(value in known for value in inputs_of(op)):
                known.update(op.results)
        seen: set[ir.Value] = set()
        for value in [v for v in _in_order(module) if v in known and _leaves(v, known)]:
            self._fold(value, seen)

    def _fold(self, root: ir.Value, seen: set[ir.Value]) -> None:
        """Fold a known value; where it is too large, what it is computed of, and hide the rest."""
        waiting, hidden = [root], False
        while waiting:
            value = waiting.pop()
            if value in seen:
                continue
            seen.add(value)
            small = ir.size_in_bytes(value) <= self.most
            if small or value == root:
                ops = _cone(value)
                if sum(map(_count, ops)) < self.least:
                    continue
                if small and sum(map(_work, ops)) <= self.work:
                    _replace(value, ops)
                    continue
            hidden = True
            waiting += inputs_of(value.owner.operation)
        if hidden:
            _hide(_cone(root))


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
        due = [v.owner.operation for v in inputs_of(op) if v.owner.operation not in found]
        if due and op not in found:
            waiting += due
            continue
        found[waiting.pop()] = True
    return list(found)


def _count(op: ir.Operation) -> int:
    """About how many ops IREE evaluates for an op."""
    return 0 if op.name in _FREE else _ROUNDS.get(op.name, 1)


def _work(op: ir.Operation) -> int:
    """About how many bytes are computed for an op."""
    size = sum(map(ir.size_in_bytes, op.results))
    if op.name in ("stablehlo.convolution", "stablehlo.dot_general"):
        return size * math.prod(ir.type_of(op.operands[1])[0])
    return size * _ROUNDS.get(op.name, 1)


def _replace(value: ir.Value, ops: list[ir.Operation]) -> None:
    """Evaluate the ops that lead to a value, and put a constant in its place."""
    from slopec.reference import evaluate_op

    uses = Counter(given for op in ops for given in inputs_of(op))
    made: dict[ir.Value, np.ndarray] = {}
    try:
        for op in ops:
            captures = {given: made[given] for given in captured(op)} if len(op.regions) else None
            results = evaluate_op(op, [made[operand] for operand in op.operands], captures)
            for given in inputs_of(op):
                uses[given] -= 1
                if not uses[given]:
                    made.pop(given, None)
            made.update(zip(op.results, results, strict=True))
    except (SlopecError, TypeError):  # a constant that is kept elsewhere cannot be read
        return
    put_constant(value, made[value])


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
