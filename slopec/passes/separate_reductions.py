"""Keep each reduction and product apart from the rest, where fusing them does not compile.

IREE 3.13 puts them into one dispatch with what goes before a reduction, and with what follows on
each result, or spreads it again; of some of these its GPU back ends cannot make code.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, is_in_loop, part, put

_NAMES = ("stablehlo.reduce", "stablehlo.dot_general", "stablehlo.convolution")


@dataclass(frozen=True)
class SeparateReductions:
    """f(reduce(x)) → f(barrier(reduce(barrier(x)))), f(x · y) → f(barrier(x · y)), outside loops.

    In loops IREE does not keep barriers.
    """

    name: ClassVar[str] = "separate-reductions"

    def run(self, module: ir.Module) -> None:
        """Part every reduction of `module` from what it reads, and from what reads it.

        Products and convolutions only from the latter.
        """
        for op in each(module, *_NAMES):
            if is_in_loop(op):
                continue
            if op.name == "reduce":
                folded = op.operands[: len(op.operands) // 2]
                for place, x in enumerate(hlo.optimization_barrier(folded)):
                    put(op, place, x)
            part(op)
