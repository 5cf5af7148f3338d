"""The two modes: what reverse and forward differentiation append to the copy of a function.

Reverse mode walks the ops backwards and sums, for every value, the transposes of the linear maps
of the ops that use it; forward mode walks them forwards and sums applications.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slopec import hlo, ir
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.choices import Choices
from slopec.transforms.flow import inputs_of, varying
from slopec.transforms.rule import Point, Tangent, accumulate, rule_of

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver


def _body(block: ir.Block) -> list[ir.Operation]:
    """The ops of a block but its last, the return."""
    return [op.operation for op in block.operations][:-1]


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
    choices = Choices(ops, active, [end.operands[i] for i in out])
    adjoint: dict[ir.Value, Tangent] = {}
    points: list[Point] = []
    for place, seed in zip(out, seeds, strict=True):
        value = end.operands[place]
        if value in active:
            adjoint[value] = accumulate(adjoint.get(value), seed)
    for op in reversed(ops):
        if not any(value in adjoint for value in op.results):
            continue
        where.location = op.location
        cotangents = [choices.complete(x, adjoint.pop(x, None), where) for x in op.results]
        inputs = list(inputs_of(op))
        point = Point(op, where, [value in active for value in inputs], deriver)
        back = rule_of(op).vjp(point, cotangents)
        for index, (value, flag, ct) in enumerate(zip(inputs, point.active, back, strict=True)):
            if flag and ct is not None:
                part = choices.arriving(op, index, ct, where)
                adjoint[value] = accumulate(adjoint.get(value), part)
        points.append(point)
    where.location = end.location
    arguments = [block.arguments[i] for i in wrt]
    found = [choices.complete(x, adjoint.get(x), where) for x in arguments]
    _drop_replaced(points)
    return [_or_zeros(ct, x) for ct, x in zip(found, arguments, strict=True)]


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
