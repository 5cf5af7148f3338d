"""What is scattered as single elements is computed before, in a kernel of its own.

In one kernel with the scatter, IREE 3.13's compiler for CUDA fails to spread it over threads.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.passes.each import each, put


@dataclass(frozen=True)
class SeparateUpdates:
    """scatter(x, i, y) → scatter(x, i, barrier(y)), for windows of one element."""

    name: ClassVar[str] = "separate-updates"

    def run(self, module: ir.Module) -> None:
        """Put barriers in front of such updates in `module`."""
        for op in each(module, "stablehlo.scatter"):
            numbers = ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))
            first = (len(op.operands) + 1) // 2
            if not numbers.update_window_dims:
                apart = hlo.optimization_barrier(op.operands[first:])
                for place, update in enumerate(apart, first):
                    put(op, place, update)
