"""Elements that ops only move: which of the operand's they are, and where vectors stay such."""

from slopec import dtypes, ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.dtypes import DType
from slopec.kernels import scalar_ops
from slopec.kernels.body import Body, Term
from slopec.kernels.small_machine import Element, Machine, Place, dtype_of, long_dim, shape_of


def _constant(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    value = ir.constant_array(op).flat[0]
    return scalar_ops.number(m.body, value, dtype_of(op.results[0]), lanes)


def _iota(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    k, (shape, dtype) = m.body, ir.type_of(op.results[0])
    along = int(op.attributes["iota_dimension"].value)
    first = _counted(k, place[along], dtype)
    if not lanes:
        return first
    base = k.splat(first, lanes)
    if along != long_dim(shape):
        return base
    type_ = scalar_ops.typed(dtype, lanes)
    steps = ", ".join(f"{n}.0" if dtypes.is_floating(dtype) else str(n) for n in range(lanes))
    added = k.constant(f"dense<[{steps}]> : {type_}", type_)
    return scalar_ops.folded(k, "add", dtype, base, added)


def _counted(k: Body, index: Term, dtype: DType) -> Term:
    """An index as a number."""
    if not dtypes.is_floating(dtype):
        return k.op("arith.index_cast", index, type=scalar_ops.element(dtype))
    whole = k.op("arith.index_cast", index, type="i64")
    return k.op("arith.sitofp", whole, type=scalar_ops.element(dtype))


def _always(m: Machine, op: ir.Operation) -> bool:
    return True


def _same(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    return m.at(op.operands[0], place, lanes)


def _source_straight(m: Machine, op: ir.Operation) -> bool:
    return m.straight(op.operands[0])


def _along_the_same(m: Machine, op: ir.Operation) -> bool:
    """Whether vectors go along one dimension of operand and result."""
    (source, *_), (result,) = op.operands, op.results
    return long_dim(shape_of(source)) == long_dim(shape_of(result)) and m.straight(source)


def _broadcast(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    k, source = m.body, op.operands[0]
    before, after = shape_of(source), shape_of(op.results[0])
    pairs = list(zip(op.attributes["broadcast_dimensions"], before, strict=True))
    there = [place[d] if n > 1 else k.index(0) for d, n in pairs]
    if lanes and (long_dim(after) not in [d for d, n in pairs if n > 1]):
        return k.splat(m.at(source, there, 0), lanes)
    return m.at(source, there, lanes)


def _broadcast_straight(m: Machine, op: ir.Operation) -> bool:
    before, after = shape_of(op.operands[0]), shape_of(op.results[0])
    dims = op.attributes["broadcast_dimensions"]
    mapped = [i for i, d in enumerate(dims) if d == long_dim(after) and before[i] > 1]
    return not mapped or (mapped == [long_dim(before)] and m.straight(op.operands[0]))


def _transpose(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    order = list(op.attributes["permutation"])
    there = [place[order.index(d)] for d in range(len(order))]
    return m.at(op.operands[0], there, lanes)


def _transpose_straight(m: Machine, op: ir.Operation) -> bool:
    along = op.attributes["permutation"][long_dim(shape_of(op.results[0]))]
    return along == long_dim(shape_of(op.operands[0])) and m.straight(op.operands[0])


def _reverse(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    turned, shape = set(op.attributes["dimensions"]), shape_of(op.operands[0])
    there = [m.body.index(shape[d] - 1) - at if d in turned else at for d, at in enumerate(place)]
    return m.at(op.operands[0], there, lanes)


def _reverse_straight(m: Machine, op: ir.Operation) -> bool:
    turned = list(op.attributes["dimensions"])
    return long_dim(shape_of(op.results[0])) not in turned and m.straight(op.operands[0])


def _slice(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    pairs = zip(op.attributes["start_indices"], op.attributes["strides"], place, strict=True)
    return m.at(op.operands[0], [at * step + first for first, step, at in pairs], lanes)


def _slice_straight(m: Machine, op: ir.Operation) -> bool:
    step = op.attributes["strides"][long_dim(shape_of(op.results[0]))]
    return step == 1 and _along_the_same(m, op)


def _dynamic_slice(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    source, *starts = op.operands
    firsts = starts_of(m, starts, shape_of(source), shape_of(op.results[0]))
    return m.at(source, [a + at for a, at in zip(firsts, place, strict=True)], lanes)


def starts_of(m: Machine, starts: list[ir.Value], whole: ir.Shape, part: ir.Shape) -> list[Term]:
    """Where a part begins, moved so that all of it is inside."""
    sizes = zip(starts, whole, part, strict=True)
    return [m.inside(m.index(start), n - size) for start, n, size in sizes]


def _reshape(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    """The element of the same number."""
    k, source = m.body, op.operands[0]
    before, after = shape_of(source), shape_of(op.results[0])
    if is_unit(op):
        rest = iter([at for n, at in zip(after, place, strict=True) if n > 1])
        return m.at(source, [next(rest) if n > 1 else k.index(0) for n in before], lanes)
    number, there = m.linear(after, place), []
    for n in reversed(before):
        there.append(number % n if n > 1 else k.index(0))
        number = number // n if n > 1 else number
    return m.at(source, there[::-1], lanes)


def is_unit(reshape: ir.Operation) -> bool:
    """Whether a reshape only adds or takes sizes of 1."""
    before, after = _longer(reshape)
    return before == after


def _longer(reshape: ir.Operation) -> tuple[list[int], list[int]]:
    """The sizes of more than 1, before and after."""
    values = reshape.operands[0], reshape.results[0]
    before, after = ([n for n in shape_of(value) if n > 1] for value in values)
    return before, after


def _reshape_straight(m: Machine, op: ir.Operation) -> bool:
    before, after = _longer(op)
    return before[-1:] == after[-1:] and m.straight(op.operands[0])


def _gather(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    k, (source, indices) = m.body, op.operands
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    sizes, vector = list(op.attributes["slice_sizes"]), numbers.index_vector_dim
    batch = [at for d, at in enumerate(place) if d not in numbers.offset_dims]
    there = [k.index(0)] * len(sizes)
    for component, d in enumerate(numbers.start_index_map):
        start = m.index(indices, component_place(m, batch, component, indices, vector))
        there[d] = m.inside(start, shape_of(source)[d] - sizes[d])
    batching = zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
    for d, i in batching:
        there[d] = batch[i - (i > vector)]
    for d, result in _windows(op, numbers).items():
        there[d] = there[d] + place[result]
    return m.at(source, there, lanes)


def component_place(
    m: Machine, batch: list[Term], component: int, indices: ir.Value, vector: int
) -> list[Term]:
    """Where a component of an index vector is."""
    if vector == len(shape_of(indices)):
        return batch
    return [*batch[:vector], m.body.index(component), *batch[vector:]]


def _windows(op: ir.Operation, numbers: GatherDimensionNumbers) -> dict[int, int]:
    """The dimensions along which a gather takes windows, and those of the result."""
    dropped = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    rank = len(shape_of(op.operands[0]))
    kept = [d for d in range(rank) if d not in dropped]
    return dict(zip(kept, numbers.offset_dims, strict=True))


def _gather_straight(m: Machine, op: ir.Operation) -> bool:
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    source = op.operands[0]
    along = _windows(op, numbers).get(long_dim(shape_of(source)))
    return along == long_dim(shape_of(op.results[0])) and m.straight(source)


MOVED = {
    f"stablehlo.{name}": element
    for name, element in {
        "constant": Element(_constant, _always),
        "iota": Element(_iota, _always),
        "optimization_barrier": Element(_same, _source_straight),
        "broadcast_in_dim": Element(_broadcast, _broadcast_straight),
        "transpose": Element(_transpose, _transpose_straight),
        "reverse": Element(_reverse, _reverse_straight),
        "slice": Element(_slice, _slice_straight),
        "dynamic_slice": Element(_dynamic_slice, _along_the_same),
        "reshape": Element(_reshape, _reshape_straight),
        "gather": Element(_gather, _gather_straight),
    }.items()
}
"""How ops that move elements are computed at a place."""
