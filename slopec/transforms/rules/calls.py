"""Calls of functions that say themselves what their derivative is (see `slopec.transforms.custom`).

All other calls are inlined before a function is derived.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.transforms.function import Traced, call, declare_jvp, declare_vjp
from slopec.transforms.inline import called
from slopec.transforms.rule import Point, Tangent, derivatives


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
    """The forward derivative of the function itself."""
    assert point.deriver is not None
    wrt = [i for i, t in enumerate(tangents) if t is not None]
    out = [i for i, r in enumerate(point.results) if dtypes.is_differentiable(r.dtype)]
    symbol, outputs = declare_jvp(point.deriver.module, function, wrt, out)
    point.deriver.ensure(symbol)
    seeds = [_some(tangents[i], point.operands[i]) for i in wrt]
    results = call(symbol, [*point.operands, *seeds], outputs)[len(point.results) :]
    moved = dict(zip(out, results, strict=True))
    return [moved.get(i) for i in range(len(point.results))]


def _vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
    rule = _rule(_callee(point))
    if rule == "zero":
        return [None] * len(point.operands)
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
    """Recompute the function behind a barrier, which keeps it apart from its first run."""
    assert point.deriver is not None
    active = [i for i, flag in enumerate(point.active) if flag]
    out = [i for i, ct in enumerate(cotangents) if ct is not None]
    function = Traced.of(_callee(point))
    symbol, outputs = declare_vjp(point.deriver.module, function, active, out)
    point.deriver.ensure(symbol)
    seeds = [_some(cotangents[i], point.results[i]) for i in out]
    behind = hlo.optimization_barrier([*point.operands, *seeds])
    found = call(symbol, behind, outputs)[len(point.results) :]
    back = dict(zip(active, found, strict=True))
    return [back.get(i) for i in range(len(point.operands))]


derivatives("func.call", jvp=_jvp, vjp=_vjp)
