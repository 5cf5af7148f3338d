"""Products of a matrix and one column of another are sums, because IREE takes other elements.

Where data tiling packs the product of a matrix and a vector, and the vector is a column of a larger
matrix, IREE 3.13 reads consecutive elements of that matrix in the column's place.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.each import each
from slopec.passes.op import Op
from slopec.tensor import Tensor
from slopec.transforms.body import defining

_VIEWS = ("stablehlo.reshape", "stablehlo.transpose")
_SLICES = ("stablehlo.slice", "stablehlo.dynamic_slice")


@dataclass(frozen=True)
class SumSlicedProducts:
    """dot_general(a, slice(b)) → reduce_add(a · slice(b)) where slice(b) is a vector."""

    name: ClassVar[str] = "sum-sliced-products"

    def run(self, module: ir.Module) -> None:
        """Rewrite every product with a slice that is a vector."""
        for op in each(module, "stablehlo.dot_general"):
            numbers = DotDimensionNumbers.parse(op.attribute("dot_dimension_numbers"))
            if numbers.lhs_batching or not dtypes.is_differentiable(op.dtype):
                continue
            lhs, rhs = op.operands
            sides = [(rhs, numbers.rhs_contracting), (lhs, numbers.lhs_contracting)]
            for place, (matrix, vector) in enumerate((sides, sides[::-1])):
                if _is_vector(*vector) and _is_slice(op, place):
                    summed = _summed(matrix, vector, op.dtype)
                    result = op.trace.value_of(hlo.reshape(summed, op.shape))
                    op.operation.results[0].replace_all_uses_with(result)
                    op.operation.erase()
                    break


def _summed(
    matrix: tuple[Tensor, tuple[int, ...]],
    vector: tuple[Tensor, tuple[int, ...]],
    dtype: dtypes.DType,
) -> Tensor:
    (a, dims), (x, contracted) = matrix, vector
    order = [*contracted, *(d for d in range(x.ndim) if d not in contracted)]
    sizes = [x.shape[d] for d in contracted]
    column = hlo.reshape(hlo.transpose(x, order), sizes)
    wide = hlo.broadcast_in_dim(hlo.convert(column, dtype), a.shape, dims)
    product = hlo.multiply(hlo.convert(a, dtype), wide)
    total = hlo.reduce(product, hlo.full((), 0, dtype), "add", dims)
    assert isinstance(total, Tensor)
    return total


def _is_vector(x: Tensor, contracted: tuple[int, ...]) -> bool:
    return prod(n for d, n in enumerate(x.shape) if d not in contracted) == 1


def _is_slice(op: Op, place: int) -> bool:
    made = defining(op.operation.operands[place])
    while made is not None and made.name in _VIEWS:
        made = defining(made.operands[0])
    return made is not None and made.name in _SLICES
