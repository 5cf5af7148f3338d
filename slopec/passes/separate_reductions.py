"""Keep each reduction and product apart from what reads it, where fusing them does not compile.

IREE 3.13 puts them into one dispatch with what follows on each result, or spreads it again, and of
some of these its GPU back ends cannot make code.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, is_in_loop, part

_NAMES = ("stablehlo.reduce", "stablehlo.dot_general", "stablehlo.convolution")


@dataclass(frozen=True)
class SeparateReductions:
    """f(reduce(x)) → f(barrier(reduce(x))), and so products and convolutions, outside loops.

    In loops IREE does not keep barriers.
    """

    name: ClassVar[str] = "separate-reductions"

    def run(self, module: ir.Module) -> None:
        """Part every reduction, product and convolution of `module` from what reads it."""
        for op in each(module, *_NAMES):
            if not is_in_loop(op):
                part(op)
