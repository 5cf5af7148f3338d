"""Which scatters become kernels: those of points and of whole rows."""

from math import prod

from slopec import dtypes, ir
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.scatter import KINDS, TYPES, Scattered, scatter
from slopec.passes.each import at
from slopec.passes.guard_indices import unguarded
from slopec.passes.op import Op, binary_body
from slopec.tensor import Tensor

_INDICES = (dtypes.int32, dtypes.int64)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `scatter` is, if there is one for it; whether it did."""
    if len(op.operands) != 3 or not all(map(ir.is_static, op.operands)):
        return False
    here = at(module, op)
    x, indices, y, last = unguarded(here)
    work = _scattered(here, x, indices, y)
    if work is None:
        return False
    kernel = scatter(work, vectors)
    value_of = here.trace.value_of
    given = [
        reshaped(value_of(tensor), shape, last)
        for tensor, (shape, _) in zip((indices, y, x), kernel.operands, strict=True)
    ]
    (result,) = call(kernel, given, module, last)
    last.results[0].replace_all_uses_with(reshaped(result, x.shape, last))
    if last != op:
        last.erase()
    return True


def _scattered(op: Op, x: Tensor, indices: Tensor, y: Tensor) -> Scattered | None:
    """What a scatter does, if it is one of points or whole rows of elements that kernels know."""
    kind = binary_body(op)
    if kind not in KINDS or x.dtype not in TYPES or indices.dtype not in _INDICES:
        return None
    numbers = ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))
    vector = numbers.index_vector_dim
    count = indices.shape[vector] if vector < indices.ndim else 1
    leading, batch = tuple(range(count)), indices.ndim - (vector < indices.ndim)
    if not numbers.scatter_dims_to_operand_dims == numbers.inserted_window_dims == leading:
        return None
    if vector < indices.ndim - 1 or numbers.input_batching_dims or 0 in (*x.shape, *y.shape):
        return None
    if (
        numbers.update_window_dims != tuple(range(batch, y.ndim))
        or y.shape[batch:] != x.shape[count:]
    ):
        return None
    table, width = x.shape[:count], prod(x.shape[count:])
    return Scattered(kind, table, width, prod(y.shape[:batch]), x.dtype, indices.dtype)
