"""Products and folds of bfloat16 in float32, for GPUs whose code has it only element by element.

The operands keep the digits of bfloat16; the compiler, which would take conversions into the
product, sees them behind a barrier. The largest of numbers is the same in float32.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put_results
from slopec.passes.op import producer
from slopec.passes.simplify.reductions import Reduction
from slopec.tensor import Tensor


@dataclass(frozen=True)
class WidenBfloat16:
    """x · y → barrier(convert(x)) · barrier(convert(y)), and reduce(x) → reduce(convert(x))."""

    name: ClassVar[str] = "widen-bfloat16"

    def run(self, module: ir.Module) -> None:
        """Rewrite products, convolutions and reductions of `module`."""
        for op in each(module, "stablehlo.dot_general", "stablehlo.convolution"):
            if any(map(_is_narrow, op.operands)):
                wide = [_wide(x) for x in op.operands]
                put_results(op, [op.again(*hlo.optimization_barrier(wide))])
        for op in each(module, "stablehlo.reduce"):
            r = Reduction.of(op)
            if r is not None and op.dtype == dtypes.bfloat16:
                fold = replace(r, init=_wide(r.init)).over(_wide(r.x), r.dims)
                put_results(op, [hlo.convert(fold, op.dtype)])


def _is_narrow(x: Tensor) -> bool:
    """Whether a value is in bfloat16, or was just before."""
    convert = producer(x, "convert")
    kinds = {x.dtype} if convert is None else {x.dtype, convert.operands[0].dtype}
    return dtypes.bfloat16 in kinds


def _wide(x: Tensor) -> Tensor:
    return hlo.convert(x, dtypes.float32) if x.dtype == dtypes.bfloat16 else x
