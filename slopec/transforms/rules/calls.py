"""Calls of functions that say themselves what their derivative is, or how it is computed.

They are marked by `slopec.transforms.custom` and `slopec.transforms.checkpoint`.

All other calls are inlined before a function is derived.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.transforms.checkpoint_policies import read_policy
from slopec.transforms.function import Traced, call, declare_jvp, declare_vjp
from slopec.transforms.inline import called, mark_like
from slopec.transforms.rule import Point, Tangent, derivatives
from slopec.transforms.split import Halves, split


def _callee(point: Point) -> ir.Operation:
    assert point.deriver is not None
    return point.deriver.function(called(point.op) or "")


def _rule(op: ir.Operation) -> str:
    return ir.string_in(op, "slope.rule")


def _derivative(point: Point) -> Traced:
    assert point.deriver is not None
    symbol = ir.symbol_in(_callee(point), "slope.derivative")
    return Traced.of(point.deriver.function(symbol))


def _some(tangent: Tangent, like: Tensor) -> Tensor:
    return hlo.zeros_like(like) if tangent is None else tangent


def _jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    callee = _callee(point)
    rule, count = _rule(callee), len(point.results)
    if rule == "zero":
        return [None] * count
    if rule == "name":
        return tangents
    given = [_some(t, x) for t, x in zip(tangents, point.operands, strict=True)]
    if rule == "jvp":
        derivative = _derivative(point)
        results = call(derivative.symbol, [*point.operands, *given], derivative.outputs)
        return results[count:]
    if rule == "vjp":
        raise point.refuse(
            "of a function with custom_vjp has no forward derivative",
            "define it with custom_jvp, whose rule serves both modes",
        )
    return _through(point, Traced.of(callee), tangents)


def _through(point: Point, function: Traced, tangents: Sequence[Tangent]) -> list[Tangent]:
    """The forward derivative of the function itself, checkpointed as it is."""
    assert point.deriver is not None
    wrt = [i for i, t in enumerate(tangents) if t is not None]
    out = [i for i, r in enumerate(point.results) if dtypes.is_differentiable(r.dtype)]
    symbol, outputs = declare_jvp(point.deriver.module, function, wrt, out)
    mark_like(point.deriver.ensure(symbol), _callee(point))
    count = len(point.results)
    seeds = [_some(tangents[i], point.operands[i]) for i in wrt]
    results = call(symbol, [*point.operands, *seeds], outputs)
    point.replace(results[:count])
    moved = dict(zip(out, results[count:], strict=True))
    return [moved.get(i) for i in range(count)]


def _vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
    rule = _rule(_callee(point))
    if rule == "zero":
        return [None] * len(point.operands)
    if rule == "name":
        return cotangents
    seeds = [_some(ct, r) for ct, r in zip(cotangents, point.results, strict=True)]
    if rule == "vjp":
        derivative = _derivative(point)
        found = call(derivative.symbol, [*point.operands, *seeds], derivative.outputs)
        return [ct if active else None for ct, active in zip(found, point.active, strict=True)]
    if rule == "jvp":
        return _transposed(point, cotangents)
    return _again(point, cotangents)


def _transposed(point: Point, cotangents: Sequence[Tangent]) -> list[Tangent]:
    """The transpose of the given forward rule: its reverse derivative in the tangents."""
    assert point.deriver is not None
    derivative, count = _derivative(point), len(point.operands)
    active = [i for i, flag in enumerate(point.active) if flag]
    out = [i for i, ct in enumerate(cotangents) if ct is not None]
    results = len(point.results)
    symbol, outputs = declare_vjp(
        point.deriver.module,
        derivative,
        [count + i for i in active],
        [results + i for i in out],
    )
    point.deriver.ensure(symbol)
    zeros = [hlo.zeros_like(x) for x in point.operands]
    seeds = [_some(cotangents[i], point.results[i]) for i in out]
    found = call(symbol, [*point.operands, *zeros, *seeds], outputs)[2 * results :]
    back = dict(zip(active, found, strict=True))
    return [back.get(i) for i in range(count)]


def _again(point: Point, cotangents: Sequence[Tangent]) -> list[Tangent]:
    """Save what the policy says, and compute the rest again."""
    assert point.deriver is not None
    active = [i for i, flag in enumerate(point.active) if flag]
    out = [i for i, ct in enumerate(cotangents) if ct is not None]
    callee = _callee(point)
    symbol, _ = declare_vjp(point.deriver.module, Traced.of(callee), active, out)
    inputs, results = len(point.operands), len(point.results)
    halves = split(point.deriver, symbol, inputs, results, range(inputs), read_policy(callee))
    known = [*(point.operands[i] for i in halves.given), *_first_run(point, halves)]
    seeds = [_some(cotangents[i], point.results[i]) for i in out]
    given = _apart(known, halves.again, seeds)
    found = call(halves.backward, given, [Traced.of(callee).inputs[i] for i in active])
    back = dict(zip(active, found, strict=True))
    return [back.get(i) for i in range(inputs)]


def _apart(known: list[Tensor], again: Sequence[int], seeds: list[Tensor]) -> list[Tensor]:
    """What the backward half gets: behind a barrier, where what was computed is computed `again`.

    The barrier keeps the second run apart from the first for every pass and for IREE, and makes it
    wait for the cotangents: until then the memory of the first run is free.
    """
    if not again:
        return [*known, *seeds]
    passed = iter(hlo.optimization_barrier([*(known[i] for i in again), *seeds]))
    behind = dict(zip(again, passed, strict=False))
    return [*(behind.get(i, x) for i, x in enumerate(known)), *passed]


def _first_run(point: Point, halves: Halves) -> list[Tensor]:
    """Let the forward half take the place of the call, if it saves anything; what it saves."""
    if not halves.residuals:
        return []
    count = len(point.results)
    after = point.trace.point
    point.trace.point = ir.InsertionPoint(point.op)
    outputs = [(x.shape, x.dtype) for x in point.results]
    found = call(halves.forward, point.operands, [*outputs, *halves.residuals])
    point.trace.point = after
    point.replace(found[:count])
    return found[count:]


derivatives("func.call", jvp=_jvp, vjp=_vjp)
