"""Let what a loop begins with be there before it.

IREE 3.13 lets what makes a value run together with what uses it, fused with what else uses its
operands. Where something of that is used together with the loop's result, no order is left, and it
refuses ("circular dependency"). Behind a barrier the beginning is complete. It is in the memory of
what is before the barrier, which the loop may overwrite: what else needs that keeps it, the loop
begins with a copy.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, put
from slopec.passes.separate_buffers import copied
from slopec.transforms.body import block_of, defining, returned

_NOT_COMPUTED = frozenset(
    f"stablehlo.{name}" for name in ("constant", "while", "if", "case", "optimization_barrier")
)
_VIEWS = frozenset(
    f"stablehlo.{name}"
    for name in ("reshape", "bitcast_convert", "convert", "transpose", "broadcast_in_dim")
)


@dataclass(frozen=True)
class SeparateLoops:
    """while(x …) → while(barrier(x) …), where x is computed and changes in the loop."""

    name: ClassVar[str] = "separate-loops"

    def run(self, module: ir.Module) -> None:
        """Part the beginnings of every loop from what makes them."""
        for op in each(module, "stablehlo.while"):
            body = block_of(op.operation, 1)
            for place, (before, after) in enumerate(
                zip(body.arguments, returned(body), strict=True)
            ):
                x, value = op.operands[place], op.operation.operands[place]
                if before == after or not _is_made(value):
                    continue
                own = _is_computed(value) and len([*value.uses]) == 1
                put(op, place, hlo.optimization_barrier([x if own else copied(x)])[0])


def _is_made(value: ir.Value) -> bool:
    """Whether an op that may run, be it to move elements, makes `value` where it stands."""
    made = defining(value)
    return made is not None and made.name not in _NOT_COMPUTED


def _is_computed(value: ir.Value) -> bool:
    """Whether `value` is more than a view of a constant, an argument or a loop's result.

    IREE waits for nothing behind a barrier of what an outer loop carries, or views of it.
    """
    made = defining(value)
    while made is not None and _is_view(made):
        made = defining(made.operands[0])
    return made is not None and made.name not in _NOT_COMPUTED


def _is_view(op: ir.Operation) -> bool:
    """Whether an op may do nothing: the result has as many elements as the operand."""
    if op.name not in _VIEWS:
        return False
    before, after = (math.prod(ir.type_of(x)[0]) for x in (op.operands[0], op.results[0]))
    return before == after
