"""Remove barriers inside loops, before IREE compiles them: behind one it loses track of time.

IREE's asynchronous host driver then uses buffers before they are there. What a loop computes again
stays apart without: the first run is in another loop.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, is_in_loop


@dataclass(frozen=True)
class DropLoopBarriers:
    """while(… barrier(x) …) → while(… x …)."""

    name: ClassVar[str] = "drop-loop-barriers"

    def run(self, module: ir.Module) -> None:
        """Rewrite every loop of `module`."""
        for op in each(module, "stablehlo.optimization_barrier"):
            if is_in_loop(op):
                for result, operand in zip(
                    op.operation.results, op.operation.operands, strict=True
                ):
                    result.replace_all_uses_with(operand)
                op.operation.erase()
