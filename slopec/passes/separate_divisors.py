"""Numbers that 16-bit integers are divided by, out of sight of the compiler for CUDA.

LLVM divides by a known number by multiplying, and has no such product for vectors of 16-bit
integers on NVIDIA's GPUs: IREE 3.13 ends. It divides so what was 16-bit before it was widened, too.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import splat
from slopec.passes.separate_widened import widens


@dataclass(frozen=True)
class SeparateDivisors:
    """x / c → x / broadcast(barrier(c)), where x are integers of 16 bits or come from fewer."""

    name: ClassVar[str] = "separate-divisors"

    def run(self, module: ir.Module) -> None:
        """Rewrite such divisions of `module`."""
        for op in each(module, "stablehlo.divide", "stablehlo.remainder"):
            number = splat(op.operands[1]) if dtypes.is_integer(op.dtype) else None
            narrow = op.dtype.itemsize == dtypes.int16.itemsize
            if number is None or not (narrow or widens(op.operation.operands[0])):
                continue
            (hidden,) = hlo.optimization_barrier([hlo.full((), number.item(), op.dtype)])
            put(op, 1, hlo.broadcast_in_dim(hidden, op.shape, ()))
