"""Rows from their ends to their beginnings: vectors are reversed in registers.

IREE goes along them one number after the other.
"""

from math import prod

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, split

_LEAST = 1 << 12  # numbers that are worth a kernel
_SHARE = 1 << 11  # of a row, for a workgroup
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where rows, or all of a tensor, are reversed; whether it did."""
    (x,), (result,) = op.operands, op.results
    if not ir.is_static(x):
        return False
    shape, dtype = ir.type_of(x)
    turned = {d for d in op.attributes["dimensions"] if shape[d] > 1}
    long = {d for d, n in enumerate(shape) if n > 1}
    if dtype not in _TYPES or prod(shape) < _LEAST or turned not in (long, {max(long)}):
        return False
    if not is_wanted(op):
        return False
    width = prod(shape[d] for d in turned)
    kernel = _reversal(prod(shape) // width, width, dtype, vectors)
    (made,) = call(kernel, [x], module, op, [shape])
    result.replace_all_uses_with(made)
    return True


def _reversal(rows: int, width: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of rows reversed."""
    lanes, type_ = vectors.lanes(dtype), ((rows, width), dtype)
    parts = split(rows, -(-width // _SHARE))
    share = -(-width // (parts * lanes)) * lanes
    rows_of = max(1, _SHARE // width)

    def write(k: Body, x: Memory, y: Memory) -> None:
        first, start = k.workgroup(0) * rows_of, k.workgroup(1) * share
        stop = k.minimum(start + share, width)
        whole = stop - (stop - start) % lanes
        with k.loop(first, k.minimum(first + rows_of, rows)) as row:
            with k.loop(start, whole, lanes) as trip:
                found = x.load(row.index, trip.index * -1 + (width - lanes), lanes=lanes)
                y.store(k.shuffle(found, found, range(lanes)[::-1]), row.index, trip.index)
            with k.loop(whole, stop) as trip:
                y.store(x.load(row.index, trip.index * -1 + (width - 1)), row.index, trip.index)

    grid = (-(-rows // rows_of), -(-width // share), 1)
    name = f"slopec_reversal_{rows}x{width}_{dtypes.MLIR_NAMES[dtype]}"
    return Kernel(name, (type_,), (type_,), grid, write)
