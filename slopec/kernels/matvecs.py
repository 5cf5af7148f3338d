"""Which products have a vector, and become kernels that read the matrix once."""

from dataclasses import replace

from slopec import dtypes, hlo, ir, tracing
from slopec.kernels.elementwise import kind_of
from slopec.kernels.epilogue import NOTHING, following
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.matmul import Product
from slopec.kernels.matvec import Applied, matvec, scheduled
from slopec.kernels.weights import constant_behind
from slopec.passes.each import at
from slopec.passes.op import tensor_of
from slopec.tensor import Tensor
from slopec.transforms.body import defining, origin

_LEAST = 1 << 12  # multiplications
_LEAST_OF_WEIGHTS = 1 << 9  # of a matrix that IREE would pack, and the vector and the result, too
_GIVEN = {
    dtypes.float32: (dtypes.float32, dtypes.bfloat16, dtypes.float16),
    dtypes.float64: (dtypes.float64,),
}
"""The types of sums, and those of the factors that they may be of."""
_FUSED = tuple(
    f"stablehlo.{name}" for name in ("convert", "broadcast_in_dim", "iota", "transpose", "gather")
)


def place(product: Product, module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `dot_general` multiplies by a vector, if that pays; whether it did."""
    work, matrix, vector = _applied(product, op)
    known = constant_behind(matrix) is not None
    least = _LEAST_OF_WEIGHTS if known else _LEAST
    if not _pays(work, vectors, least) or (is_computed(matrix) and not known):
        return False
    if known and not work.by_rows:
        matrix, work = _turned(matrix, work, module, op), replace(work, by_rows=True)
    work, cut = scheduled(work, vectors)
    shape, _ = ir.type_of(op.results[0])
    whole = work.parts == 1 and shape[-1:] == (work.results,)
    then, inputs, replaced = following(op) if whole else (NOTHING, [], [op])
    work, last = replace(work, then=then), replaced[-1]
    kernel = matvec(work, cut)
    operands = [
        reshaped(value, sizes, last)
        for value, (sizes, _) in zip([matrix, vector, *inputs], kernel.operands, strict=True)
    ]
    (result,) = call(kernel, operands, module, last)
    if work.parts > 1:
        result = _added(result, module, last)
    last.results[0].replace_all_uses_with(reshaped(result, shape, last))
    for made in reversed(replaced[1:]):
        made.erase()
    return True


def is_computed(value: ir.Value) -> bool:
    """Whether IREE would compute a matrix where it is used, as weights of few bits are widened."""
    made = defining(origin(value, ("reshape",)))
    return made is not None and (kind_of(made) is not None or made.name in _FUSED)


def _applied(product: Product, op: ir.Operation) -> tuple[Applied, ir.Value, ir.Value]:
    """A product with a vector, the matrix and the vector."""
    p, (left, right) = product, op.operands
    given = ir.type_of(left)[1]
    if p.n == 1:
        by_rows = p.lhs == "rows" or p.m == 1
        return Applied(p.batch, p.m, p.k, p.dtype, given, by_rows), left, right
    return Applied(p.batch, p.n, p.k, p.dtype, given, p.rhs == "columns"), right, left


def _pays(work: Applied, vectors: Vectors, least: int) -> bool:
    """Whether the kernel is faster than what IREE makes."""
    if work.dtype not in _GIVEN or work.given not in _GIVEN[work.dtype] or vectors.bytes < 32:
        return False
    inner = work.depth if work.by_rows else work.results
    enough = work.batch * work.results * work.depth >= least
    return enough and inner >= vectors.lanes(work.dtype)


def _turned(matrix: ir.Value, work: Applied, module: ir.Module, before: ir.Operation) -> ir.Value:
    """Weights by rows, which workgroups share however few there are; that is done ahead."""
    where = at(module, before).trace
    with tracing.writing(where):
        columns = hlo.reshape(tensor_of(matrix, where), (work.batch, work.depth, work.results))
        return where.value_of(hlo.transpose(columns, (0, 2, 1)))


def _added(parts: ir.Value, module: ir.Module, before: ir.Operation) -> ir.Value:
    """The sum of all parts."""
    where = at(module, before).trace
    with tracing.writing(where):
        sums = tensor_of(parts, where)
        total = hlo.reduce(sums, hlo.full((), 0, sums.dtype), "add", [0])
        assert isinstance(total, Tensor)
        return where.value_of(total)
