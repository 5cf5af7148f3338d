"""Calls of functions that say themselves what their derivative is: the batched function says so
too, and its derivative is the batched derivative.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo, ir, tracing
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.batch_rule import Site, batched
from slopec.transforms.function import Traced, call, declare_vmap
from slopec.transforms.inline import called, mark_like


@batched("func.call")
def _call(site: Site) -> Sequence[Tensor]:
    """A call of the batched function; all others have been inlined."""
    deriver = site.batcher.deriver
    callee = deriver.function(called(site.op) or "")
    if "slope.keep" not in callee.attributes:
        raise site.refuse(
            f"calls @{ir.symbol_name(callee)}, which has no body", "define the function"
        )
    of, axis = Traced.of(callee), site.batcher.scope.axis
    symbol, outputs = declare_vmap(deriver.module, of, site.mapped, site.size, axis)
    declared = deriver.function(symbol)
    if "slope.keep" not in declared.attributes:
        _keep(site, callee, declared)
    deriver.ensure(symbol)
    return call(symbol, site.given, outputs)


def _keep(site: Site, callee: ir.Operation, declared: ir.Operation) -> None:
    """Give the batched function the rule of the function that it is made of."""
    mark_like(declared, callee)
    if "slope.derivative" not in callee.attributes:
        return
    deriver = site.batcher.deriver
    derivative = Traced.of(deriver.function(ir.symbol_in(callee, "slope.derivative")))
    reverse = ir.string_in(callee, "slope.rule") == "vjp"
    seeds = [True] * len(site.results) if reverse else site.mapped
    given = [*site.mapped, *seeds]
    axis = site.batcher.scope.axis
    symbol, _ = declare_vmap(deriver.module, derivative, given, site.size, axis)
    if reverse and not all(site.mapped):
        symbol = _summed(site, Traced.of(deriver.function(symbol)))
    declared.attributes["slope.derivative"] = ir.symbol(symbol)


def _summed(site: Site, derivative: Traced) -> str:
    """The batched reverse derivative, whose cotangents of what the batch shares are summed."""
    deriver = site.batcher.deriver
    symbol = deriver.fresh(f"{derivative.symbol}.sum")
    inputs = [ir.tensor_type(*type_) for type_ in derivative.inputs]
    outputs = inputs[: len(site.mapped)]
    function = ir.create_function(
        deriver.module, symbol, inputs, outputs, {}, site.op.location, body=True
    )
    where = Trace(deriver.module, ir.body_of(function), None, function=function)
    with tracing.writing(where):
        given = [
            Tensor._of_value(value, where, *ir.type_of(value))
            for value in ir.body_of(function).arguments
        ]
        found = call(derivative.symbol, given, derivative.outputs)
        back = [x if own else _sum(x) for x, own in zip(found, site.mapped, strict=True)]
        values = [where.value_of(x) for x in back]
    ir.create("func.return", [], values, None, site.op.location, where.point)
    return symbol


def _sum(x: Tensor) -> Tensor:
    """The sum over the batch; what carries no derivative has the cotangent zero."""
    zero = hlo.full((), 0, x.dtype)
    if not dtypes.is_differentiable(x.dtype):
        return hlo.full(x.shape[1:], 0, x.dtype)
    total = hlo.reduce(x, zero, "add", [0])
    assert isinstance(total, Tensor)
    return total
