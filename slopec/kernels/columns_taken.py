"""Columns of a matrix taken by indices: some rows at a time, for which an index is read once.

IREE works out each index again for every row.
"""

from math import prod

from slopec import dtypes, ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, reshaped, split

_AT_ONCE = 4  # rows
_LEAST = 1 << 12  # numbers that are worth a kernel
_SHARE = 1 << 12  # of them, for a workgroup
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
_INDICES = (dtypes.int32, dtypes.int64)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `gather` takes numbers of all rows by the same indices; whether it did.

    The indices are known to be inside.
    """
    x, indices = op.operands
    if not all(map(ir.is_static, op.operands)):
        return False
    (shape, dtype), (places, index) = ir.type_of(x), ir.type_of(indices)
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    last = len(shape) - 1
    if dtype not in _TYPES or index not in _INDICES or numbers.operand_batching_dims:
        return False
    if not numbers.start_index_map == numbers.collapsed_slice_dims == (last,):
        return False
    if tuple(op.attributes["slice_sizes"]) != (*shape[:-1], 1):
        return False
    vector = numbers.index_vector_dim
    if numbers.offset_dims != tuple(range(last)) or (vector < len(places) and places[vector] != 1):
        return False
    rows, count = prod(shape[:-1]), prod(places)
    if rows < _AT_ONCE or rows * count < _LEAST or not is_wanted(op):
        return False
    kernel = _taken(rows, shape[-1], count, dtype, index)
    given = [
        reshaped(value, sizes, op)
        for value, (sizes, _) in zip((indices, x), kernel.operands, strict=True)
    ]
    (made,) = call(kernel, given, module, op, [ir.type_of(op.results[0])[0]])
    op.results[0].replace_all_uses_with(made)
    return True


def _taken(rows: int, width: int, count: int, dtype: DType, index: DType) -> Kernel:
    """The kernel of y[:, j] = x[:, i[j]]: a workgroup for some rows."""
    blocks = -(-rows // _AT_ONCE)
    share = -(-blocks // split(1, min(blocks, max(1, rows * count // _SHARE))))

    def write(k: Body, indices: Memory, x: Memory, y: Memory) -> None:
        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, blocks)) as trip:
            row = k.minimum(trip.index * _AT_ONCE, rows - _AT_ONCE)
            with k.loop(0, count) as column:
                place = k.op("arith.index_cast", indices.load(column.index), type="index")
                for i in range(_AT_ONCE):
                    y.store(x.load(row + i, place), row + i, column.index)

    types = f"{dtypes.MLIR_NAMES[dtype]}_{dtypes.MLIR_NAMES[index]}"
    operands = ((count,), index), ((rows, width), dtype)
    results = (((rows, count), dtype),)
    name = f"slopec_columns_{rows}x{width}_{count}_{types}"
    return Kernel(name, operands, results, (-(-blocks // share), 1, 1), write)
