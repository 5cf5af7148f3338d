"""The two modes: what reverse and forward differentiation append to the copy of a function.

Reverse mode walks the ops backwards and sums, for every value, the transposes of the linear maps
of the ops that use it; forward mode walks them forwards and sums applications.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.rule import Point, Tangent, accumulate, rule_of

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver


def _body(block: ir.Block) -> list[ir.Operation]:
    """The ops of a block but its last, the return."""
    return [op.operation for op in block.operations][:-1]


def _carries(value: ir.Value) -> bool:
    """Whether a value can have a derivative; quantized ones might, and are refused by their ops."""
    try:
        return dtypes.is_differentiable(ir.type_of(value)[1])
    except TypeError:
        return str(value.type).startswith("tensor")


def varying(ops: Sequence[ir.Operation], sources: Sequence[ir.Value]) -> set[ir.Value]:
    """The values of a block that depend, differentiably, on `sources`."""
    found = set(sources)
    for op in ops:
        if any(value in found for value in inputs_of(op)):
            found.update(value for value in op.results if _carries(value))
    return found


def inputs_of(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of an op, and the outer values that its regions use."""
    yield from op.operands
    if len(op.regions):
        yield from captured(op)


def captured(op: ir.Operation) -> list[ir.Value]:
    """The values from outside `op` that its regions use, each once."""
    inside: set[ir.Value] = set()
    used: dict[ir.Value, None] = {}

    for inner in ir.ops_in(op):
        if inner != op:
            used.update(dict.fromkeys(inner.operands))
            inside.update(inner.results)
        for region in inner.regions:
            for block in region.blocks:
                inside.update(block.arguments)
    return [value for value in used if value not in inside]


def write_vjp(
    deriver: "Deriver",
    where: Trace,
    block: ir.Block,
    end: ir.Operation,
    wrt: Sequence[int],
    out: Sequence[int],
    seeds: Sequence[Tensor],
) -> list[Tensor]:
    """Append the adjoint of every op that leads from `wrt` to `out`, last op first."""
    ops = _body(block)
    active = varying(ops, [block.arguments[i] for i in wrt])
    adjoint: dict[ir.Value, Tangent] = {}
    points: list[Point] = []
    for place, seed in zip(out, seeds, strict=True):
        value = end.operands[place]
        if value in active:
            adjoint[value] = accumulate(adjoint.get(value), seed)
    for op in reversed(ops):
        cotangents = [adjoint.pop(value, None) for value in op.results]
        if all(ct is None for ct in cotangents):
            continue
        where.location = op.location
        inputs = list(inputs_of(op))
        point = Point(op, where, [value in active for value in inputs], deriver)
        back = rule_of(op).vjp(point, cotangents)
        for value, flag, ct in zip(inputs, point.active, back, strict=True):
            if flag and ct is not None:
                adjoint[value] = accumulate(adjoint.get(value), ct)
        points.append(point)
    where.location = end.location
    _drop_replaced(points)
    return [_or_zeros(adjoint.get(block.arguments[i]), block.arguments[i]) for i in wrt]


def write_jvp(
    deriver: "Deriver",
    where: Trace,
    block: ir.Block,
    end: ir.Operation,
    wrt: Sequence[int],
    out: Sequence[int],
    seeds: Sequence[Tensor],
) -> list[Tensor]:
    """Append the tangent of every op that depends on `wrt`."""
    tangents: dict[ir.Value, Tangent] = {
        block.arguments[i]: seed for i, seed in zip(wrt, seeds, strict=True)
    }
    points: list[Point] = []
    ops = _body(block)
    for op, following in zip(ops, [*ops, end][1:], strict=True):
        given = [tangents.get(value) for value in inputs_of(op)]
        if all(t is None for t in given):
            continue
        where.location = op.location
        where.point = ir.InsertionPoint(following)
        point = Point(op, where, [t is not None for t in given], deriver)
        moved = rule_of(op).jvp(point, given)
        tangents.update(
            (value, t) for value, t in zip(point.outcomes, moved, strict=True) if t is not None
        )
        points.append(point)
    _drop_replaced(points)
    where.location, where.point = end.location, ir.InsertionPoint(end)
    return [_or_zeros(tangents.get(end.operands[i]), end.operands[i]) for i in out]


def _drop_replaced(points: Sequence[Point]) -> None:
    """Erase the ops that others have taken the place of: what they do must not happen twice."""
    for point in points:
        if point.replaced and not any(list(value.uses) for value in point.op.results):
            point.op.erase()


def _or_zeros(tangent: Tangent, like: ir.Value) -> Tensor:
    return hlo.full(ir.type_of(like)[0], 0, ir.type_of(like)[1]) if tangent is None else tangent
