"""Keep complex constants out of what IREE computes when it compiles.

IREE 3.13 evaluates expressions of constants, but for those with complex64 elements; what depends
on one of these and is itself real, such as a multiple of its real part, then finds no value, and
compilation ends. Behind a barrier a constant is data as any other.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, ir
from slopec.passes.each import each, part
from slopec.passes.op import Op


@dataclass(frozen=True)
class SeparateConstants:
    """constant → barrier(constant), where its elements are complex and differ."""

    name: ClassVar[str] = "separate-constants"

    def run(self, module: ir.Module) -> None:
        """Put a barrier behind every such constant."""
        for op in each(module, "stablehlo.constant"):
            if dtypes.is_complex(op.dtype) and not _is_splat(op):
                part(op)


def _is_splat(op: Op) -> bool:
    # The bindings fail to hand over attributes with complex elements.
    return "dense<(" in str(op.operation)
