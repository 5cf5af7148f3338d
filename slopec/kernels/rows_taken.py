"""Rows of a tensor taken by indices: points of images, neighbours in graphs, words' vectors.

IREE works out the indices again for every number of a row.
"""

from math import prod

from slopec import dtypes, ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, reshaped, split

_LEAST = 1 << 12  # numbers that are worth a kernel
_SHARE = 1 << 12  # of them, for a workgroup
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
_INDICES = (dtypes.int32, dtypes.int64)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `gather` takes whole rows by indices of what is before; whether it did.

    The indices are known to be inside.
    """
    x, indices = op.operands
    if not all(map(ir.is_static, op.operands)):
        return False
    (shape, dtype), (places, index) = ir.type_of(x), ir.type_of(indices)
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    if dtype not in _TYPES or index not in _INDICES or numbers.operand_batching_dims:
        return False
    leading = len(numbers.start_index_map)
    first = tuple(range(leading))
    if not leading or not numbers.start_index_map == numbers.collapsed_slice_dims == first:
        return False
    if tuple(op.attributes["slice_sizes"]) != (*[1] * leading, *shape[leading:]):
        return False
    *of_each, read = (*places, 1) if numbers.index_vector_dim == len(places) else places
    if read != leading or numbers.index_vector_dim < len(of_each):
        return False
    behind = range(len(of_each), len(of_each) + len(shape) - leading)
    count, width = prod(of_each), prod(shape[leading:])
    if numbers.offset_dims != tuple(behind) or count * width < _LEAST or not is_wanted(op):
        return False
    kernel = _taken(shape[:leading], width, count, dtype, index, vectors)
    given = [
        reshaped(value, sizes, op)
        for value, (sizes, _) in zip((indices, x), kernel.operands, strict=True)
    ]
    (made,) = call(kernel, given, module, op, [ir.type_of(op.results[0])[0]])
    op.results[0].replace_all_uses_with(made)
    return True


def _taken(
    leading: ir.Shape, width: int, count: int, dtype: DType, index: DType, vectors: Vectors
) -> Kernel:
    """The kernel of y[j] = x[i[j]]: a workgroup for some rows."""
    share = -(-count // split(1, min(count, max(1, count * width // _SHARE))))
    lanes = min(vectors.lanes(dtype), 1 << (width.bit_length() - 1))

    def write(k: Body, indices: Memory, x: Memory, y: Memory) -> None:
        def copy(at: Term, row: Term, start: Term | int) -> None:
            y.store(x.load(at, start, lanes=lanes if lanes > 1 else 0), row, start)

        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, count)) as trip:
            row, at = trip.index, k.index(0)
            for d, size in enumerate(leading):
                read = indices.load(row, d)
                at = at * size + k.op("arith.index_cast", read, type="index")
            if width < 4 * lanes:
                for start in range(0, width, lanes):
                    copy(at, row, min(start, width - lanes))
            else:
                with k.loop(0, width, lanes) as along:
                    copy(at, row, k.minimum(along.index, width - lanes))

    types = f"{dtypes.MLIR_NAMES[dtype]}_{dtypes.MLIR_NAMES[index]}"
    operands = ((count, len(leading)), index), ((prod(leading), width), dtype)
    name = f"slopec_rows_{'x'.join(map(str, leading))}_{width}_{count}_{types}"
    groups = (-(-count // share), 1, 1)
    return Kernel(name, operands, (((count, width), dtype),), groups, write)
