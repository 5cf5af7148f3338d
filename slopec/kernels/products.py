"""Which products of a module become kernels."""

import math

from slopec import dtypes, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.matmul import Product, matmul, schedule


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `dot_general` is, if that pays; whether it did."""
    product = _product_of(op)
    if product is None or not _pays(product, vectors) or _fuses(op):
        return False
    kernel = matmul(product, schedule(product, vectors))
    operands = [
        reshaped(value, shape, op)
        for value, (shape, _) in zip(op.operands, product.operands, strict=True)
    ]
    result, _ = call(kernel, operands, module, op)
    op.results[0].replace_all_uses_with(reshaped(result, ir.type_of(op.results[0])[0], op))
    return True


def _product_of(op: ir.Operation) -> Product | None:
    """What a `dot_general` multiplies, if that is rows by columns in the order they are stored."""
    if not all(ir.is_static(value) for value in (*op.operands, *op.results)):
        return None
    (lhs, dtype), (rhs, other) = (ir.type_of(value) for value in op.operands)
    numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
    batch = len(numbers.lhs_batching)
    leading = tuple(range(batch))
    in_order = (
        numbers.lhs_batching == numbers.rhs_batching == leading
        and numbers.lhs_contracting == (len(lhs) - 1,)
        and numbers.rhs_contracting == (batch,)
    )
    if not in_order or dtype != other or dtype != ir.type_of(op.results[0])[1]:
        return None
    m, n = math.prod(lhs[batch:-1]), math.prod(rhs[batch + 1 :])
    return Product(math.prod(lhs[:batch]), m, n, lhs[-1], dtype)


def _pays(product: Product, vectors: Vectors) -> bool:
    """Whether the kernel is faster than what IREE makes."""
    if product.dtype != dtypes.float32 or vectors.bytes < 32:
        return False
    return min(product.m, product.n, product.k) >= 128


_FUSED = frozenset(
    f"stablehlo.{name}" for name in "add subtract multiply divide maximum minimum convert".split()
)


def _fuses(op: ir.Operation) -> bool:
    """Whether IREE would compute what becomes of the product together with it."""
    return any(use.owner.operation.name in _FUSED for use in op.results[0].uses)
