"""Complex numbers are put together and taken apart outside of products, transposes and folds.

Where a product or a transpose of a matrix, or a fold of real numbers, has complex numbers in its
kernel, IREE 3.13's compiler for CUDA crashes, and the one for Metal fails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put, put_results
from slopec.passes.facts import MOVES
from slopec.passes.op import Op, any_producer
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.tensor import Tensor

_FUSED = frozenset({*MOVES, *ELEMENTWISE})
_PARTS = ("real", "imag")


@dataclass(frozen=True)
class SeparateComplex:
    """complex(x · y, z) → complex(barrier(x · y), barrier(z)); likewise transposes, Σ real(z)."""

    name: ClassVar[str] = "separate-complex"

    def run(self, module: ir.Module) -> None:
        """Put barriers between such ops of `module`."""
        for op in each(module, "stablehlo.transpose"):
            if dtypes.is_complex(op.dtype):
                put_results(op, [_by_parts(op)])
            elif _comes_from(op.operands[0], _is_part):
                put(op, 0, *hlo.optimization_barrier(op.operands))
        for op in each(module, "stablehlo.reduce"):
            for place, x in enumerate(op.operands):
                if _comes_from(x, _is_part):
                    put(op, place, *hlo.optimization_barrier([x]))
        for op in each(module, "stablehlo.complex"):
            if any(_comes_from(x, _is_contraction_or_transpose) for x in op.operands):
                for place, part in enumerate(hlo.optimization_barrier(op.operands)):
                    put(op, place, part)


def _by_parts(op: Op) -> Tensor:
    """Both parts transposed."""
    (z,) = op.operands
    order = op.ints("permutation")
    parts = hlo.optimization_barrier([hlo.real(z), hlo.imag(z)])
    return hlo.complex_(*hlo.optimization_barrier([hlo.transpose(x, order) for x in parts]))


def _is_part(op: Op) -> bool:
    return op.name in _PARTS


def _is_contraction_or_transpose(op: Op) -> bool:
    return op.name in ("dot_general", "convolution", "transpose")


def _comes_from(x: Tensor, wanted: Callable[[Op], bool]) -> bool:
    """Whether a wanted op is among what is computed in the same kernel as `x`."""
    seen: set[ir.Operation] = set()
    left = [any_producer(x)]
    while left:
        op = left.pop()
        if op is None or op.operation in seen:
            continue
        if wanted(op):
            return True
        seen.add(op.operation)
        if op.name in _FUSED:
            left += map(any_producer, op.operands)
    return False
