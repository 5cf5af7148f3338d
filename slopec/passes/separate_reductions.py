"""Keep each reduction apart from what reads it, where fusing them does not compile.

IREE 3.13 puts a reduction and what spreads its result over the elements again into one dispatch,
and of some its GPU back ends cannot make code.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, is_in_loop, part


@dataclass(frozen=True)
class SeparateReductions:
    """f(reduce(x)) → f(barrier(reduce(x))), outside loops, where IREE does not keep barriers."""

    name: ClassVar[str] = "separate-reductions"

    def run(self, module: ir.Module) -> None:
        """Part every reduction of `module` from what reads it."""
        for op in each(module, "stablehlo.reduce"):
            if not is_in_loop(op):
                part(op)
