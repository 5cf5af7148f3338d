"""Products of bfloat16 in float32, for GPUs whose code has bfloat16 only element by element.

The operands keep the digits of bfloat16; the compiler, which would take conversions into the
product, sees them behind a barrier.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put_results
from slopec.passes.op import producer
from slopec.tensor import Tensor


@dataclass(frozen=True)
class WidenBfloat16:
    """dot_general(x, y) → dot_general(barrier(convert(x)), barrier(convert(y)))."""

    name: ClassVar[str] = "widen-bfloat16"

    def run(self, module: ir.Module) -> None:
        """Rewrite products and convolutions of `module`."""
        for op in each(module, "stablehlo.dot_general", "stablehlo.convolution"):
            if any(map(_is_narrow, op.operands)):
                wide = [_wide(x) for x in op.operands]
                put_results(op, [op.again(*hlo.optimization_barrier(wide))])


def _is_narrow(x: Tensor) -> bool:
    """Whether a value is in bfloat16, or was just before."""
    convert = producer(x, "convert")
    kinds = {x.dtype} if convert is None else {x.dtype, convert.operands[0].dtype}
    return dtypes.bfloat16 in kinds


def _wide(x: Tensor) -> Tensor:
    return hlo.convert(x, dtypes.float32) if x.dtype == dtypes.bfloat16 else x
