"""Negation leaves sums: reduce_add(−x) → −reduce_add(x), also through reshapes and broadcasts.

IREE's GPU back ends refuse to sum negated values in one step, and gradients of layer norm and of
cross entropy are full of them.
"""

from dataclasses import dataclass

from slopec import ir
from slopec.transforms.body import binary_kind, block_of, defining
from slopec.transforms.inline import copy_op

_MOVES = {
    "stablehlo.broadcast_in_dim",
    "stablehlo.convert",
    "stablehlo.reshape",
    "stablehlo.slice",
    "stablehlo.transpose",
}


@dataclass(frozen=True)
class HoistNegate:
    """reduce_add(negate(x)) → negate(reduce_add(x))."""

    name = "hoist-negate"

    def run(self, module: ir.Module) -> None:
        """Rewrite every sum of negated values in `module`."""
        for function in ir.functions(module):
            if ir.has_body(function):
                for op in _sums(function):
                    _hoist(op)


def _sums(function: ir.Operation) -> list[ir.Operation]:
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "stablehlo.reduce" and len(op.operands) == 2:
            found.append(op)
        return ir.WalkResult.ADVANCE

    function.walk(visit)
    return [op for op in found if binary_kind(block_of(op)) == "add" and _from_zero(op)]


def _from_zero(op: ir.Operation) -> bool:
    made = defining(op.operands[1])
    return made is not None and made.name == "stablehlo.constant" and not ir.constant_array(made)


def _chain(op: ir.Operation) -> list[ir.Operation] | None:
    """The ops that move the summed value, last first, down to a negation; None without one."""
    chain: list[ir.Operation] = []
    made = defining(op.operands[0])
    while made is not None and made.name in _MOVES:
        chain.append(made)
        made = defining(made.operands[0])
    return [*chain, made] if made is not None and made.name == "stablehlo.negate" else None


def _hoist(op: ir.Operation) -> None:
    chain = _chain(op)
    if chain is None:
        return
    *moves, negation = chain
    point = ir.InsertionPoint(op)
    renamed = {negation.results[0]: negation.operands[0]}
    for move in reversed(moves):
        copy_op(move, renamed, point)
    total = copy_op(op, renamed, point).results[0]
    negated = ir.create("stablehlo.negate", [total.type], [total], None, op.location, point)
    op.results[0].replace_all_uses_with(negated.results[0])
    op.erase()
