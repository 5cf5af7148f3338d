"""Which products of a module become kernels, and how their operands are brought to them."""

import math
from collections.abc import Sequence
from dataclasses import replace

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.kernels import matvecs
from slopec.kernels.epilogue import NOTHING, following
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.matmul import Product, matmul, schedule
from slopec.kernels.matvecs import is_computed
from slopec.passes.each import at
from slopec.passes.op import tensor_of

_LEAST = 1 << 13  # multiplications
_LARGE = 1 << 18  # of which on packing must pay; of fewer IREE makes four dispatches
_WIDE = 32  # columns and terms of a sum, where it does
_FEW = 16  # rows, or columns, for which the other matrix is little more than read
_NARROW = 8  # of them, where it is done ahead or costs next to nothing


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `dot_general` is, if that pays; whether it did."""
    product = _shapes_of(op)
    if product is None:
        return False
    if 1 in (product.m, product.n):
        return matvecs.place(product, module, op, vectors)
    if not _is_of_one_type(op):
        return False
    if place_product(product, module, op, vectors):
        return True
    return product.n < _FEW <= product.m and _place_turned(product, module, op, vectors)


def _place_turned(product: Product, module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where an op multiplies by few columns: it has them for rows, and turned back."""
    flipped = {"rows": "columns", "columns": "rows"}
    lhs, rhs = flipped[product.rhs], flipped[product.lhs]
    turned = replace(product, m=product.n, n=product.m, lhs=lhs, rhs=rhs)
    if not _pays(turned, vectors, once=False) or is_computed(op.operands[0]):
        return False
    kernel = matmul(turned, schedule(turned, vectors))
    operands = [reshaped(op.operands[1 - i], kernel.operands[i][0], op) for i in range(2)]
    result, *_ = call(kernel, operands, module, op)
    here = at(module, op)
    with tracing.writing(here.trace):
        back = hlo.transpose(tensor_of(result, here.trace), (0, 2, 1))
        value = here.trace.value_of(hlo.reshape(back, here.shape))
    op.results[0].replace_all_uses_with(value)
    return True


def place_product(
    product: Product,
    module: ir.Module,
    op: ir.Operation,
    vectors: Vectors,
    left: ir.Value | None = None,
) -> bool:
    """Put a kernel where an op multiplies its two operands, if that pays; whether it did.

    What follows on each result is done by the kernel too, and goes; the op itself stays. Its first
    operand may be another, `left`.
    """
    left, right = op.operands[0] if left is None else left, op.operands[1]
    shape, _ = ir.type_of(op.results[0])
    outer = _loop_around(op, right)
    matrix = (product.k, product.n) if product.rhs == "rows" else (product.n, product.k)
    constant = constant_behind(right)
    once = outer is not None or constant is not None
    read = product.m < _FEW and _work(product) >= _LARGE
    if not _pays(product, vectors, once) or (read and is_computed(right)):
        return False
    cut = schedule(product, vectors)
    if once and ir.type_of(right)[0][-2:] == matrix:
        right = packed(constant or right, product, cut.width, outer or op)
        product = replace(product, rhs="packed")
    then, inputs, replaced = following(op) if shape[-1] == product.n else (NOTHING, [], [op])
    product, last = replace(product, then=then), replaced[-1]
    others = [
        reshaped(value, sizes, last)
        for value, (sizes, _) in zip(inputs, product.inputs, strict=True)
    ]
    result, *_ = call(matmul(product, cut), [left, right, *others], module, last)
    last.results[0].replace_all_uses_with(reshaped(result, shape, last))
    for made in reversed(replaced[1:]):
        made.erase()
    return True


def product_of(op: ir.Operation) -> Product | None:
    """What a `dot_general` multiplies, if that is matrices as they are stored, of one type."""
    product = _shapes_of(op)
    return product if product is not None and _is_of_one_type(op) else None


def _is_of_one_type(op: ir.Operation) -> bool:
    return len({ir.type_of(value)[1] for value in (*op.operands, *op.results)}) == 1


def _shapes_of(op: ir.Operation) -> Product | None:
    """What a `dot_general` multiplies, of factors of one type and sums perhaps of another."""
    if not all(ir.is_static(value) for value in (*op.operands, *op.results)):
        return None
    (lhs, dtype), (rhs, other) = (ir.type_of(value) for value in op.operands)
    numbers = _numbers(op)
    batch = tuple(range(len(numbers.lhs_batching)))
    if not numbers.lhs_batching == numbers.rhs_batching == batch:
        return None
    left = _order(len(lhs), len(batch), numbers.lhs_contracting, ("columns", "rows"))
    right = _order(len(rhs), len(batch), numbers.rhs_contracting, ("rows", "columns"))
    if left is None or right is None or other != dtype:
        return None
    count = math.prod(lhs[d] for d in batch)
    depth = math.prod(lhs[d] for d in numbers.lhs_contracting)
    if 0 in (*lhs, *rhs):
        return None
    m, n = (math.prod(shape) // (count * depth) for shape in (lhs, rhs))
    return Product(count, m, n, depth, ir.type_of(op.results[0])[1], left, right)


def _numbers(op: ir.Operation) -> DotDimensionNumbers:
    return DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])


def _order(rank: int, batch: int, summed: Sequence[int], names: tuple[str, str]) -> str | None:
    """The first name if the summed dimensions follow the batch, the second if they are last."""
    if tuple(summed) == tuple(range(batch, batch + len(summed))):
        return names[0]
    return names[1] if tuple(summed) == tuple(range(rank - len(summed), rank)) else None


def _pays(product: Product, vectors: Vectors, once: bool) -> bool:
    """Whether the kernel is faster than what IREE makes; `once` is the right matrix packed."""
    if product.dtype not in (dtypes.float32, dtypes.float64) or vectors.bytes < 32:
        return False
    if _work(product) < _LARGE:
        return _work(product) >= _LEAST and min(product.m, product.n, product.k) >= _NARROW
    least = _NARROW if once else _WIDE
    return product.m >= 2 and min(product.n, product.k) >= least


def _work(product: Product) -> int:
    """The multiplications of a product."""
    return product.batch * product.m * product.n * product.k


# --- right matrices that are packed once -----------------------------------------------------


def constant_behind(value: ir.Value) -> ir.Value | None:
    """The constant that a value is, moved about perhaps, without the barriers around that."""
    if isinstance(value.owner, ir.Block):
        return None
    op = value.owner.operation
    if op.name == "stablehlo.optimization_barrier":
        return constant_behind(op.operands[ir.OpResult(value).result_number])
    if op.name in ("stablehlo.transpose", "stablehlo.reshape"):
        return value if constant_behind(op.operands[0]) is not None else None
    return value if op.name == "stablehlo.constant" else None


def _loop_around(op: ir.Operation, value: ir.Value) -> ir.Operation | None:
    """The outermost loop around an op that leaves alone a value from outside of it."""
    found, inner = None, op
    home = value.owner if isinstance(value.owner, ir.Block) else value.owner.operation.block
    while inner.block != home:
        inner = inner.parent
        if inner.name == "stablehlo.while":
            found = inner
    return found


def packed(value: ir.Value, product: Product, width: int, before: ir.Operation) -> ir.Value:
    """The right matrix by panels; of a constant the back end computes it ahead."""
    point, where, dtype = ir.InsertionPoint(before), before.location, product.dtype
    shape, _ = ir.type_of(value)
    *batch, _, _ = range(len(shape))
    rows, columns = (len(batch), len(batch) + 1)[:: 1 if product.rhs == "rows" else -1]
    panels = (*shape[: len(batch)], -(-product.n // width), product.k, width)
    room = ir.create("tensor.empty", [ir.tensor_type(panels, dtype)], [], {}, where, point)
    operands = [value, room.results[0]]
    padded = product.n % width > 0
    if padded:
        zero = {"value": ir.attr(f"0.0 : {dtypes.MLIR_NAMES[dtype]}")}
        type_ = [ir.element_type(dtype)]
        operands += ir.create("arith.constant", type_, [], zero, where, point).results
    facts = {
        "outer_dims_perm": ir.i64s(*batch, columns, rows),
        "inner_dims_pos": ir.i64s(columns),
        "static_inner_tiles": ir.i64s(width),
        "operandSegmentSizes": ir.attr(f"array<i32: 1, 1, {int(padded)}, 0>"),
    }
    return ir.create("linalg.pack", [operands[1].type], operands, facts, where, point).results[0]
