"""Reverse mode of an op that is given by its forward derivative alone: that, transposed.

The forward derivative is linear in the tangent, and written with ops that have derivatives. So its
own reverse derivative, taken anywhere, is its transpose.
"""

from collections.abc import Callable, Sequence

from slopec import dtypes, hlo, tracing
from slopec.tensor import Tensor
from slopec.transforms.function import Arguments, call, declare_vjp, trace_function
from slopec.transforms.rule import Point, Tangent, derivatives

Moved = Callable[[Point, Tensor], Sequence[Tangent]]
"""From an op with one operand, and the tangent of that, to the tangents of the results."""


def forward(name: str) -> Callable[[Moved], Moved]:
    """Register the forward derivative of an op with one operand; reverse mode transposes it."""

    def register(moved: Moved) -> Moved:
        def jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
            (tangent,) = tangents
            assert tangent is not None
            return moved(point, tangent)

        def vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
            wanted = [i for i, ct in enumerate(cotangents) if ct is not None]
            seeds = [ct for ct in cotangents if ct is not None]
            return [_transposed(point, moved, wanted, seeds)]

        derivatives(name, jvp=jvp, vjp=vjp)
        return moved

    return register


def _transposed(
    point: Point, moved: Moved, wanted: Sequence[int], cotangents: Sequence[Tensor]
) -> Tensor:
    """The transpose of `moved` at a point, to the results `wanted`, applied to cotangents."""
    assert point.deriver is not None
    operand = point.operands[0]

    def results(tangent: Tensor) -> list[Tensor]:
        found = moved(point, tangent)
        return [_present(found[i], point.results[i]) for i in wanted]

    results.__name__ = point.deriver.fresh("transposed")
    module = point.deriver.module
    zeros = hlo.zeros_like(operand)
    traced = trace_function(results, Arguments.of((zeros,), {}), tracing.current(), module)
    symbol, outputs = declare_vjp(module, traced, [0], range(len(wanted)))
    point.deriver.ensure(symbol)
    back: Tensor = call(symbol, [zeros, *traced.captures, *cotangents], outputs)[-1]
    return back


def _present(tangent: Tangent, like: Tensor) -> Tensor:
    assert dtypes.is_differentiable(like.dtype)
    return hlo.zeros_like(like) if tangent is None else tangent
