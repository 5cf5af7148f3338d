"""Products and convolutions of narrow floats are summed in float32, whose digits long sums need.

IREE sums some of them in the type of the result: in float16, 1 added to 2048 is 2048.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put_results

_PRODUCTS = ("stablehlo.dot_general", "stablehlo.dot", "stablehlo.convolution")


@dataclass(frozen=True)
class WidenSums:
    """dot_general(x, y), convolution(x, k) → convert(the same in float32), for 8 and 16 bits."""

    name: ClassVar[str] = "widen-sums"

    def run(self, module: ir.Module) -> None:
        """Rewrite every product and convolution of `module` that results in such floats."""
        for op in each(module, *_PRODUCTS):
            if dtypes.is_floating(op.dtype) and op.dtype.itemsize < dtypes.float32.itemsize:
                wide = op.again(*op.operands, dtype=dtypes.float32)
                put_results(op, [hlo.convert(wide, op.dtype)])
