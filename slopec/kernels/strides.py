"""Every second number of rows, or third …, and rows of which each number is followed by others'.

Vectors are read and written whole, and their numbers put where they belong in registers; IREE goes
along such rows one number after the other.
"""

from collections.abc import Sequence
from math import prod

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call, is_wanted, reshaped, split
from slopec.kernels.stages import blocks

_LEAST = 1 << 10  # numbers that are worth a kernel
_SHARE = 1 << 12  # of them, for a workgroup
_NARROWEST = 4  # lanes
_MOST = 8  # numbers of which one is taken, or that follow each other
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def place_slice(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where rows are sliced with a stride; whether it did."""
    (x,), (result,) = op.operands, op.results
    if not ir.is_static(x):
        return False
    (shape, dtype), (made, _) = ir.type_of(x), ir.type_of(result)
    starts, strides = (tuple(op.attributes[f]) for f in ("start_indices", "strides"))
    if not made or not 1 < strides[-1] <= _MOST or not _pays(op, made[-1], dtype, vectors):
        return False
    kernel = _slice(shape, made, dtype, starts, strides, vectors)
    (found,) = call(kernel, [x], module, op)
    result.replace_all_uses_with(found)
    return True


def place_stack(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where tensors are put together number by number; whether it did."""
    (result,) = op.results
    if not all(map(ir.is_static, op.operands)):
        return False
    shape, dtype = ir.type_of(result)
    if int(op.attributes["dimension"]) != len(shape) - 1 or not 1 < len(op.operands) <= _MOST:
        return False
    if any(ir.type_of(x)[0][-1] != 1 for x in op.operands):
        return False
    count = prod(shape[:-1])
    if not _pays(op, count, dtype, vectors):
        return False
    kernel = _stack(len(op.operands), count, dtype, vectors)
    given = [reshaped(x, (count,), op) for x in op.operands]
    (made,) = call(kernel, given, module, op, [shape])
    result.replace_all_uses_with(made)
    return True


def _pays(op: ir.Operation, width: int, dtype: DType, vectors: Vectors) -> bool:
    """Whether rows of a width are worth vectors, and all of them a kernel."""
    many = prod(ir.type_of(op.results[0])[0]) >= _LEAST
    return dtype in _TYPES and many and _lanes(width, dtype, vectors) > 0 and is_wanted(op)


def _lanes(width: int, dtype: DType, vectors: Vectors) -> int:
    """How many lanes rows of a width fill; 0 if too few."""
    lanes = vectors.lanes(dtype)
    while lanes > width:
        lanes //= 2
    return lanes if lanes >= min(_NARROWEST, vectors.lanes(dtype)) else 0


def _slice(
    shape: ir.Shape,
    made: ir.Shape,
    dtype: DType,
    starts: Sequence[int],
    strides: Sequence[int],
    vectors: Vectors,
) -> Kernel:
    """The kernel of a slice: each workgroup makes some rows."""
    lanes, rows = _lanes(made[-1], dtype, vectors), prod(made[:-1])
    share = -(-rows // split(1, min(rows, max(1, prod(made) // _SHARE))))
    step = strides[-1]
    last = (lanes - 1) * step + 1 - lanes  # where the last vector begins that is needed
    places = [min(i * lanes, last) for i in range(step)]

    def write(k: Body, x: Memory, y: Memory) -> None:
        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, rows)) as trip:
            row, rest = list[Term](), trip.index
            for size in made[-2::-1]:
                row.insert(0, rest % size)
                rest = rest // size
            pairs = zip(row, starts, strides, strict=False)
            source = [i * stride + start for i, start, stride in pairs]
            with blocks(k, made[-1], lanes) as column:
                at = column * step + starts[-1]
                read = [x.load(*source, at + place, lanes=lanes) for place in places]
                wanted = [
                    next(
                        (i, lane * step - p)
                        for i, p in enumerate(places)
                        if lane * step < p + lanes
                    )
                    for lane in range(lanes)
                ]
                y.store(_gathered(k, read, wanted), *row, column)

    sizes = "_".join("x".join(map(str, s)) for s in (shape, made, starts, strides))
    name = f"slopec_slice_{sizes}_{dtypes.MLIR_NAMES[dtype]}"
    grid = (-(-rows // share), 1, 1)
    return Kernel(name, ((shape, dtype),), ((made, dtype),), grid, write)


def _stack(operands: int, count: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of numbers of tensors that follow each other: each workgroup makes some."""
    lanes = _lanes(count, dtype, vectors)
    strips = -(-count // lanes)
    share = -(-strips // split(1, min(strips, max(1, count * operands // _SHARE))))

    def write(k: Body, *memories: Memory) -> None:
        first = k.workgroup() * share
        with k.loop(first, k.minimum(first + share, strips)) as trip:
            at = k.minimum(trip.index * lanes, count - lanes)
            read = [memory.load(at, lanes=lanes) for memory in memories[:-1]]
            for i in range(operands):
                wanted = [
                    ((i * lanes + lane) % operands, (i * lanes + lane) // operands)
                    for lane in range(lanes)
                ]
                memories[-1].store(_gathered(k, read, wanted), at * operands + i * lanes)

    name = f"slopec_stack_{operands}x{count}_{dtypes.MLIR_NAMES[dtype]}"
    given, made = ((count,), dtype), ((count * operands,), dtype)
    grid = (-(-strips // share), 1, 1)
    return Kernel(name, (given,) * operands, (made,), grid, write)


def _gathered(k: Body, vectors: Sequence[Term], wanted: Sequence[tuple[int, int]]) -> Term:
    """A vector of the numbers wanted, each by its vector and its lane there."""
    found, *rest = vectors
    lanes = [lane if i == 0 else 0 for i, lane in wanted]
    for i, vector in enumerate(rest, 1):
        mask = [
            len(wanted) + there if which == i else lanes[lane]
            for lane, (which, there) in enumerate(wanted)
        ]
        found, lanes = k.shuffle(found, vector, mask), list(range(len(wanted)))
    return found
