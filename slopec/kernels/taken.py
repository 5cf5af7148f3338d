"""What is taken by indices: rows (words' vectors, points of images, neighbours), and columns.

IREE works out the indices again for every number of a row, and again in every row for a column.
"""

from math import prod

from slopec import dtypes, ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, reshaped, split
from slopec.transforms.body import defining

_AT_ONCE = 4  # rows, of which the same columns are taken
_LEAST = 1 << 12  # numbers that are worth a kernel
_SHARE = 1 << 12  # of them, for a workgroup
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
_INDICES = (dtypes.int32, dtypes.int64)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `gather` takes whole rows or columns, if that pays; whether it did.

    The indices are known to be inside.
    """
    kernel = _kernel_of(op, vectors) if all(map(ir.is_static, op.operands)) else None
    if kernel is None or not is_wanted(op):
        return False
    given = [
        reshaped(value, sizes, op)
        for value, (sizes, _) in zip((*_parts(op), op.operands[0]), kernel.operands, strict=True)
    ]
    (made,) = call(kernel, given, module, op, [ir.type_of(op.results[0])[0]])
    op.results[0].replace_all_uses_with(made)
    return True


def _parts(op: ir.Operation) -> list[ir.Value]:
    """The components of the index vectors, each by itself where they are put together."""
    vector = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"]).index_vector_dim
    made = defining(op.operands[1])
    if made is None or made.name != "stablehlo.concatenate":
        return [op.operands[1]]
    together = int(made.attributes["dimension"]) == vector
    alone = together and all(ir.type_of(x)[0][vector] == 1 for x in made.operands)
    return list(made.operands) if alone else [op.operands[1]]


def _kernel_of(op: ir.Operation, vectors: Vectors) -> Kernel | None:
    """The kernel of what a gather takes: by its last dimension, or else by some first ones."""
    (shape, dtype), (places, index) = map(ir.type_of, op.operands)
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    if dtype not in _TYPES or index not in _INDICES or numbers.operand_batching_dims:
        return None
    taken, vector = numbers.start_index_map, numbers.index_vector_dim
    sizes = tuple(1 if d in taken else n for d, n in enumerate(shape))
    if tuple(op.attributes["slice_sizes"]) != sizes or numbers.collapsed_slice_dims != taken:
        return None
    of_each = (*places[:vector], *places[vector + 1 :])
    read, leading, last = prod(places[vector : vector + 1]), len(taken), len(shape) - 1
    count, width = prod(of_each), prod(sizes)
    if read != leading or count * width < _LEAST:
        return None
    if taken == (last,) and numbers.offset_dims == tuple(range(last)) and width >= _AT_ONCE:
        return _columns(width, shape[-1], count, dtype, index)
    behind = tuple(range(len(of_each), len(of_each) + len(shape) - leading))
    in_order = taken == tuple(range(leading)) and vector >= len(of_each)
    if leading and in_order and numbers.offset_dims == behind:
        return _rows(shape[:leading], width, count, dtype, index, len(_parts(op)), vectors)
    return None


def _columns(rows: int, width: int, count: int, dtype: DType, index: DType) -> Kernel:
    """The kernel of y[:, j] = x[:, i[j]]: a workgroup for some rows."""
    blocks = -(-rows // _AT_ONCE)
    share = -(-blocks // split(1, min(blocks, max(1, rows * count // _SHARE))))

    def write(k: Body, indices: Memory, x: Memory, y: Memory) -> None:
        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, blocks)) as trip:
            row = k.minimum(trip.index * _AT_ONCE, rows - _AT_ONCE)
            with k.loop(0, count) as column:
                place = k.as_index(indices.load(column.index))
                for i in range(_AT_ONCE):
                    y.store(x.load(row + i, place), row + i, column.index)

    operands = ((count,), index), ((rows, width), dtype)
    name = f"slopec_columns_{rows}x{width}_{count}_{_label(dtype, index)}"
    groups = (-(-blocks // share), 1, 1)
    return Kernel(name, operands, (((rows, count), dtype),), groups, write)


def _rows(
    leading: ir.Shape,
    width: int,
    count: int,
    dtype: DType,
    index: DType,
    parts: int,
    vectors: Vectors,
) -> Kernel:
    """The kernel of y[j] = x[i[j]], i in some parts of as many components: a workgroup for some
    rows.
    """
    share = -(-count // split(1, min(count, max(1, count * width // _SHARE))))
    each = len(leading) // parts
    lanes = min(vectors.lanes(dtype), 1 << (width.bit_length() - 1))

    def write(k: Body, *memories: Memory) -> None:
        *indices, x, y = memories

        def copy(at: Term, row: Term, start: Term | int) -> None:
            y.store(x.load(at, start, lanes=lanes if lanes > 1 else 0), row, start)

        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, count)) as trip:
            row, at = trip.index, k.index(0)
            for d, size in enumerate(leading):
                of_part = indices[d // each].load(row, d % each)
                at = at * size + k.as_index(of_part)
            if width < 4 * lanes:
                for start in range(0, width, lanes):
                    copy(at, row, min(start, width - lanes))
            else:
                with k.loop(0, width, lanes) as along:
                    copy(at, row, k.minimum(along.index, width - lanes))

    operands = (*(((count, each), index),) * parts, ((prod(leading), width), dtype))
    sizes = f"{'x'.join(map(str, leading))}_{width}_{count}_by_{parts}"
    name = f"slopec_rows_{sizes}_{_label(dtype, index)}"
    groups = (-(-count // share), 1, 1)
    return Kernel(name, operands, (((count, width), dtype),), groups, write)


def _label(dtype: DType, index: DType) -> str:
    return f"{dtypes.MLIR_NAMES[dtype]}_{dtypes.MLIR_NAMES[index]}"
