"""Products of bfloat16 in float32, for GPUs whose code has bfloat16 only element by element.

Others have products of it, but with results of float32. The operands keep the digits of bfloat16;
the compiler, which would take conversions into the product, sees them behind a barrier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put_results
from slopec.passes.op import producer
from slopec.tensor import Tensor


@dataclass(frozen=True)
class WidenBfloat16:
    """dot_general(x, y) → convert(barrier(dot_general(barrier(convert(x, y)))))."""

    name: ClassVar[str] = "widen-bfloat16"
    operands: bool = True

    def run(self, module: ir.Module) -> None:
        """Rewrite products and convolutions of `module`; `operands` tells whether those too."""
        for op in each(module, "stablehlo.dot_general", "stablehlo.convolution"):
            narrow = op.dtype == dtypes.bfloat16
            wide = self.operands and any(map(_is_narrow, op.operands))
            if not (narrow or wide):
                continue
            dtype = dtypes.float32 if narrow else op.dtype
            operands = _wide(op.operands) if wide else op.operands
            made = op.again(*operands, dtype=dtype)
            if narrow:
                (made,) = hlo.optimization_barrier([made])
            put_results(op, [hlo.convert(made, op.dtype)])


def _is_narrow(x: Tensor) -> bool:
    """Whether a value is in bfloat16, or was just before."""
    convert = producer(x, "convert")
    kinds = {x.dtype} if convert is None else {x.dtype, convert.operands[0].dtype}
    return dtypes.bfloat16 in kinds


def _wide(operands: Sequence[Tensor]) -> list[Tensor]:
    kind = dtypes.bfloat16
    wide = [hlo.convert(x, dtypes.float32) if x.dtype == kind else x for x in operands]
    return list(hlo.optimization_barrier(wide))
