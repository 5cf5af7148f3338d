"""Control flow and calls: regions and functions run as Python runs them."""

from typing import Any

import numpy as np

from slopec import ir
from slopec.reference.shape import unchanged
from slopec.reference.table import (
    TOKEN,
    Array,
    Kernel,
    Scope,
    Value,
    argument_dtypes,
    attribute,
    rule,
    scoped_rule,
)


@scoped_rule("stablehlo.while")
def while_(op: ir.Operation, scope: Scope) -> Kernel:
    """Run the body as long as the condition holds."""
    condition, body = (scope.region(region) for region in op.regions)

    def kernel(*initial: Value) -> list[Value]:
        state = list(initial)
        while condition(*state)[0]:
            state = body(*state)
        return state

    return kernel


@scoped_rule("stablehlo.if")
def if_(op: ir.Operation, scope: Scope) -> Kernel:
    """The first branch where the predicate holds, else the second."""
    on_true, on_false = (scope.region(region) for region in op.regions)
    return lambda pred: on_true() if pred else on_false()


@scoped_rule("stablehlo.case")
def case(op: ir.Operation, scope: Scope) -> Kernel:
    """The branch that the index names; the last one for an index outside."""
    branches = [scope.region(region) for region in op.regions]

    def kernel(index: Array) -> list[Value]:
        chosen = int(index)
        return branches[chosen if 0 <= chosen < len(branches) else -1]()

    return kernel


@scoped_rule("func.call")
def call(op: ir.Operation, scope: Scope) -> Kernel:
    """Another function of the module."""
    return scope.function(attribute(op, "callee"), op)


@scoped_rule("stablehlo.composite")
def composite(op: ir.Operation, scope: Scope) -> Kernel:
    """An op known by name to some back end; its meaning is its decomposition."""
    return scope.function(attribute(op, "decomposition"), op)


@scoped_rule("stablehlo.map")
def map_(op: ir.Operation, scope: Scope) -> Kernel:
    """A scalar function applied to corresponding elements."""
    body = scope.region(op.regions[0])
    if body.lanewise:
        return lambda *xs: np.broadcast_to(body(*xs)[0], xs[0].shape)
    dtype = ir.type_of(op.results[0])[1]

    def kernel(*xs: Array) -> Array:
        result = np.empty(xs[0].shape, dtype)
        for lane in np.ndindex(result.shape):
            result[lane] = body(*(np.asarray(x[lane]) for x in xs))[0]
        return result

    return kernel


@scoped_rule("chlo.scan")
def scan(op: ir.Operation, scope: Scope) -> Kernel:
    """Run a body over slices of the inputs, handing carries on and stacking its outputs.

    The body takes a slice of each input, then the carries; it returns outputs, then carries.
    """
    axis, backwards = attribute(op, "dimension"), attribute(op, "is_reverse", False)
    inputs, carried = attribute(op, "operandSegmentSizes")
    body = scope.region(op.regions[0])
    stacked = len(op.results) - carried
    types = [ir.type_of(result) for result in list(op.results)[:stacked]]
    dtypes = argument_dtypes(op.regions[0].blocks[0])
    length = attribute(op, "scan_dim_size")

    def kernel(*operands: Array) -> list[Array]:
        xs, state = operands[:inputs], list(operands[inputs:])
        steps = xs[0].shape[axis] if xs else length
        outputs: list[list[Array]] = [[] for _ in range(stacked)]
        for step in reversed(range(steps)) if backwards else range(steps):
            slices = [np.take(x, step, axis).astype(d) for x, d in zip(xs, dtypes, strict=False)]
            returned = body(*slices, *state)
            for stack, value in zip(outputs, returned, strict=False):
                stack.append(value)
            state = returned[stacked:]
        order = -1 if backwards else 1
        joined = [
            np.stack(stack[::order], axis) if stack else np.empty(shape, dtype)
            for stack, (shape, dtype) in zip(outputs, types, strict=True)
        ]
        return joined + state

    return kernel


@rule("stablehlo.optimization_barrier")
def optimization_barrier(op: ir.Operation) -> Kernel:
    """The operands, unchanged."""
    return lambda *xs: list(xs)


@rule("stablehlo.tuple")
def tuple_(op: ir.Operation) -> Kernel:
    """Several values as one."""
    return lambda *xs: xs


@rule("stablehlo.get_tuple_element")
def get_tuple_element(op: ir.Operation) -> Kernel:
    """One of the values of a tuple."""
    index = attribute(op, "index")
    return lambda xs: xs[index]


def _token(*_: Any) -> Value:
    return [TOKEN]


@rule("stablehlo.create_token", "stablehlo.after_all")
def token(op: ir.Operation) -> Kernel:
    """A token: ops run in order anyway."""
    return _token


@rule("stablehlo.return", "func.return")
def returns(op: ir.Operation) -> Kernel:
    """What ends a block hands its operands on."""
    return unchanged if len(op.operands) == 1 else lambda *xs: list(xs)
