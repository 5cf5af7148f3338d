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
from slopec.kernels.weights import constant_behind, packed
from slopec.passes.each import at
from slopec.passes.op import tensor_of

_LEAST = 1 << 13  # multiplications
_LARGE = 1 << 18  # of which on packing must pay; of fewer IREE makes four dispatches
_NARROW = 8  # columns and terms of a sum, where it does
_FEW = 16  # rows, or columns, for which the other matrix is little more than read
_MADE = 1 << 16  # numbers of a matrix that may be written before they are read


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `dot_general` is, if that pays; whether it did."""
    product = _shapes_of(op)
    if product is None:
        return False
    if not (product.lhs and product.rhs):
        return _place_in_order(product, module, op, vectors)
    if 1 in (product.m, product.n) and product.beside == (1, 1):
        return matvecs.place(product, module, op, vectors)
    if not _is_of_one_type(op):
        return False
    if place_product(product, module, op, vectors):
        return True
    return product.n < _FEW <= product.m and _place_turned(product, module, op, vectors)


def _place_in_order(
    product: Product, module: ir.Module, op: ir.Operation, vectors: Vectors
) -> bool:
    """Put a kernel where an op sums over dimensions amid others: it has them last, transposed."""
    ordered = replace(product, lhs=product.lhs or "rows", rhs=product.rhs or "columns")
    if product.m < _FEW or not _pays(ordered, vectors) or not _is_of_one_type(op):
        return False
    numbers, here = _numbers(op), at(module, op)
    batch, summed = list(numbers.batching), list(numbers.contracting)
    with tracing.writing(here.trace):
        operands = [tensor_of(value, here.trace) for value in op.operands]
        for i in (i for i, order in enumerate((product.lhs, product.rhs)) if not order):
            free = set(range(operands[i].ndim)) - {*batch[i], *summed[i]}
            operands[i] = hlo.transpose(operands[i], (*batch[i], *sorted(free), *summed[i]))
            batch[i] = tuple(range(len(batch[i])))
            summed[i] = tuple(range(operands[i].ndim - len(summed[i]), operands[i].ndim))
        left, right = operands
        made = hlo.dot_general(left, right, DotDimensionNumbers(*batch, *summed))
        value = here.trace.value_of(made)
    op.results[0].replace_all_uses_with(value)
    turned = value.owner.operation
    place(module, turned, vectors)
    turned.erase()
    return True


def _place_turned(product: Product, module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where an op multiplies by few columns: it has them for rows, and turned back."""
    flipped = {"rows": "columns", "columns": "rows"}
    lhs, rhs = flipped[product.rhs], flipped[product.lhs]
    beside = product.beside[::-1]
    turned = replace(product, m=product.n, n=product.m, lhs=lhs, rhs=rhs, beside=beside)
    if not _pays(turned, vectors) or _is_fused(op.operands[0]):
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
    constant = constant_behind(right)
    once = outer is not None or constant is not None
    read = product.m < _FEW and _work(product) >= _LARGE
    if not _pays(product, vectors) or (read and _is_fused(right)):
        return False
    cut = schedule(product, vectors)
    if once and product.beside[1] == 1:
        _, (matrices, _) = product.operands(cut.width)
        whole = reshaped(constant or right, matrices, outer or op)
        right = packed(whole, product, cut.width, outer or op)
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


def _is_of_one_type(op: ir.Operation) -> bool:
    return len({ir.type_of(value)[1] for value in (*op.operands, *op.results)}) == 1


def _shapes_of(op: ir.Operation) -> Product | None:
    """What a `dot_general` multiplies, of factors of one type and sums perhaps of another.

    The order of a matrix is "" where its dimensions are mixed.
    """
    if not all(ir.is_static(value) for value in (*op.operands, *op.results)):
        return None
    (lhs, dtype), (rhs, other) = (ir.type_of(value) for value in op.operands)
    if other != dtype or 0 in (*lhs, *rhs):
        return None
    numbers = _numbers(op)
    count = math.prod(lhs[d] for d in numbers.lhs_batching)
    depth = math.prod(lhs[d] for d in numbers.lhs_contracting)
    m, n = (math.prod(shape) // (count * depth) for shape in (lhs, rhs))
    left, i = _order(lhs, numbers.lhs_batching, numbers.lhs_contracting, ("columns", "rows"))
    right, j = _order(rhs, numbers.rhs_batching, numbers.rhs_contracting, ("rows", "columns"))
    type_ = ir.type_of(op.results[0])[1]
    return Product(count, m, n, depth, type_, left, right, beside=(i, j))


def _numbers(op: ir.Operation) -> DotDimensionNumbers:
    return DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])


def _order(
    shape: ir.Shape, batch: Sequence[int], summed: Sequence[int], names: tuple[str, str]
) -> tuple[str, int]:
    """How matrices are stored, and how many of a batch beside each other, line by line.

    The first name says that lines are numbered by the summed dimensions, the second that columns
    are; "" is for dimensions that are mixed.
    """
    outer = next((i for i, d in enumerate(batch) if d != i), len(batch))
    inner = tuple(batch[outer:])
    free = [d for d in range(len(shape)) if d not in (*batch, *summed)]
    for lines, columns, name in (
        (summed, free, names[0]),
        (free, summed, names[1]),
    ):
        if [*batch[:outer], *lines, *inner, *columns] == list(range(len(shape))):
            return name, math.prod(shape[d] for d in inner)
    return "", 1


def _pays(product: Product, vectors: Vectors) -> bool:
    """Whether the kernel is faster than what IREE makes."""
    if product.dtype not in (dtypes.float32, dtypes.float64) or vectors.bytes < 32:
        return False
    if _work(product) < _LARGE:
        return _work(product) >= _LEAST and min(product.m, product.n, product.k) >= _NARROW
    return product.m >= 2 and min(product.n, product.k) >= _NARROW


def _is_fused(matrix: ir.Value) -> bool:
    """Whether a matrix is better computed where it is read, as IREE does, than written first."""
    return math.prod(ir.type_of(matrix)[0]) > _MADE and is_computed(matrix)


def _work(product: Product) -> int:
    """The multiplications of a product."""
    return product.batch * product.m * product.n * product.k


def _loop_around(op: ir.Operation, value: ir.Value) -> ir.Operation | None:
    """The outermost loop around an op that leaves alone a value from outside of it."""
    found, inner = None, op
    home = value.owner if isinstance(value.owner, ir.Block) else value.owner.operation.block
    while inner.block != home:
        inner = inner.parent
        if inner.name == "stablehlo.while":
            found = inner
    return found
