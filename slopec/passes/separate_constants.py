"""Keep complex constants out of what IREE computes when it compiles.

IREE 3.13 evaluates expressions of constants, but for those with complex64 elements; what depends
on one of these and is itself real, such as a multiple of its real part, then finds no value, and
compilation ends. Of an update of an array whose elements are one complex constant it makes a
constant that it cannot write. Behind a barrier a constant is data as any other.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, part, put
from slopec.passes.op import Op, producer


@dataclass(frozen=True)
class SeparateConstants:
    """constant → barrier(constant), where its elements are complex and differ or are updated."""

    name: ClassVar[str] = "separate-constants"

    def run(self, module: ir.Module) -> None:
        """Put a barrier behind every such constant."""
        for op in each(module, "stablehlo.constant"):
            if dtypes.is_complex(op.dtype) and not ir.is_uniform(op.operation):
                part(op)
        for op in each(module, "stablehlo.dynamic_update_slice"):
            if dtypes.is_complex(op.dtype) and _is_constant(op):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])


def _is_constant(update: Op) -> bool:
    base = update.operands[0]
    spread = producer(base, "broadcast_in_dim")
    return producer(base if spread is None else spread.operands[0], "constant") is not None
