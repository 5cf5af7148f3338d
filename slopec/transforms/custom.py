"""Functions that say themselves what their derivative is.

Such a function stays a call until derivation is done, and its attribute names the rule:
`slope.rule` is "zero" (`stop_gradient`), "checkpoint" or "name" (see `checkpoint.py`), "jvp" or
"vjp", the last two with the symbol of the function that computes the derivative.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, hlo, ir, tracing, tree
from slopec.diagnostics import TransformError
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.transforms.function import (
    Arguments,
    Traced,
    as_tensor,
    call,
    is_array,
    trace_function,
)

Function = Callable[..., Any]


def kept(
    function: Function, arguments: Arguments, rule: str, facts: ir.Attributes | None = None
) -> Traced:
    """Trace a function that stays a call while derivatives are taken; `facts` go with its rule."""
    here = tracing.current()
    traced = trace_function(function, arguments, here, here.module)
    op = ir.function(here.module, traced.symbol)
    op.attributes["slope.keep"] = ir.unit()
    op.attributes["slope.rule"] = ir.string(rule)
    for name, fact in (facts or {}).items():
        op.attributes[name] = fact
    return traced


def stop_gradient(x: Any) -> Any:
    """`x`, a pytree, as a constant for every derivative.

    >>> import slopec as sp
    >>> print(sp.grad(lambda x: x * sp.stop_gradient(x))(3.0))
    tensor(3., float32[], cpu)
    """
    leaves, treedef = tree.flatten(x)
    stopped = [_stopped(as_tensor(leaf)) if is_array(leaf) else leaf for leaf in leaves]
    return treedef.unflatten(stopped)


def _stopped(x: Tensor) -> Tensor:
    if not dtypes.is_differentiable(x.dtype):
        return x
    if not tracing.is_tracing():
        detached: Tensor = x.detach()
        return detached

    def stop_gradient(x: Tensor) -> Tensor:
        return x

    traced = kept(stop_gradient, Arguments.of((x,), {}), "zero")
    return call(traced.symbol, [x], traced.outputs)[0]


class custom_jvp:
    """A function whose forward derivative is given by `defjvp`; reverse mode transposes it.

    The rule takes (primals, tangents), two tuples, and returns (value, tangent), which must be
    linear in the tangents.

    >>> import slopec as sp
    >>> @sp.custom_jvp
    ... def f(x):
    ...     return sp.sin(x)
    >>> @f.defjvp
    ... def _(primals, tangents):
    ...     return f(primals[0]), 10.0 * tangents[0]
    >>> print(sp.grad(f)(1.0))
    tensor(10., float32[], cpu)
    """

    def __init__(self, function: Function) -> None:
        """Wrap `function`; its rule is defined next."""
        functools.update_wrapper(self, function)
        self.function = function
        self.rule: Function | None = None
        self._open: dict[Any, Traced] = {}

    def defjvp(self, rule: Function) -> Function:
        """Define the rule; usable as a decorator."""
        self.rule = rule
        return rule

    @outlined
    def __call__(self, *args: Any) -> Any:
        """Call the function, as one that knows its derivative."""
        if self.rule is None:
            raise _no_rule(self.function, "defjvp")
        arguments = Arguments.of(args, {})
        key = _types_of(arguments)
        traced = self._open.get(key)
        if traced is None:
            traced = kept(self.function, arguments, "jvp")
            # The rule may call the function: that call is of the function being made.
            self._open[key] = traced
            try:
                self._trace_rule(arguments, traced)
            finally:
                del self._open[key]
        flat = call(traced.symbol, list(arguments.tensors), traced.outputs)
        return traced.result.unflatten(flat)

    def _trace_rule(self, arguments: Arguments, traced: Traced) -> None:
        rule = self.rule
        assert rule is not None

        def derivative(*tensors: Tensor) -> tuple[Any, Any]:
            count = len(arguments.tensors)
            primals, _ = arguments.rebuild(tensors[:count])
            tangents, _ = arguments.rebuild(tensors[count:])
            value, tangent = rule(primals, tangents)
            return value, tangent

        both = Arguments.of((*arguments.tensors, *arguments.tensors), {})
        _attach(self.function, traced, derivative, both)


class custom_vjp:
    """A function whose reverse derivative is given by `defvjp(forward, backward)`.

    `forward` takes the arguments and returns (value, residuals); `backward` takes (residuals,
    cotangent) and returns a tuple with the cotangent of every argument, None for zero.

    >>> import slopec as sp
    >>> @sp.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (sp.clip(ct, -1.0, 1.0),))
    >>> print(sp.grad(lambda x: clipped(x) * 5.0)(2.0))
    tensor(1., float32[], cpu)
    """

    def __init__(self, function: Function) -> None:
        """Wrap `function`; its rules are defined next."""
        functools.update_wrapper(self, function)
        self.function = function
        self.forward: Function | None = None
        self.backward: Function | None = None
        self._open: dict[Any, Traced] = {}

    def defvjp(self, forward: Function, backward: Function) -> None:
        """Define the two halves of the derivative."""
        self.forward, self.backward = forward, backward

    @outlined
    def __call__(self, *args: Any) -> Any:
        """Call the function, as one that knows its derivative."""
        if self.forward is None or self.backward is None:
            raise _no_rule(self.function, "defvjp")
        arguments = Arguments.of(args, {})
        forward, backward = self.forward, self.backward

        def derivative(*tensors: Tensor) -> list[Tensor]:
            count = len(arguments.tensors)
            primals, _ = arguments.rebuild(tensors[:count])
            value, residuals = forward(*primals)
            cotangent = tree.structure(value).unflatten(tensors[count:])
            found = backward(residuals, cotangent)
            return _cotangents(self.function, arguments, found)

        key = _types_of(arguments)
        traced = self._open.get(key)
        if traced is None:
            traced = kept(self.function, arguments, "vjp")
            seeds = [hlo.full(shape, 0, dtype) for shape, dtype in traced.outputs]
            both = Arguments.of((*arguments.tensors, *seeds), {})
            self._open[key] = traced
            try:
                _attach(self.function, traced, derivative, both)
            finally:
                del self._open[key]
        flat = call(traced.symbol, list(arguments.tensors), traced.outputs)
        return traced.result.unflatten(flat)


def _types_of(arguments: Arguments) -> Any:
    """What tells two ways of calling a function apart while its rule is being traced."""
    return arguments.treedef, tuple((t.shape, t.dtype) for t in arguments.tensors)


def _attach(function: Function, traced: Traced, derivative: Function, arguments: Arguments) -> None:
    """Trace the derivative of a kept function and name it in the function's attributes."""
    here = tracing.current()
    given = trace_function(derivative, arguments, here, here.module)
    op = ir.function(here.module, traced.symbol)
    op.attributes["slope.derivative"] = ir.symbol(given.symbol)
    _refuse_captures(function, [*traced.captures, *given.captures])


def _cotangents(function: Function, arguments: Arguments, found: Any) -> list[Tensor]:
    """One tensor per data leaf of the arguments, zeros for None."""
    primals, _ = arguments.rebuild(arguments.tensors)
    if not isinstance(found, tuple | list) or len(found) != len(primals):
        raise TransformError(
            "S0211",
            f"the backward rule of {getattr(function, '__name__', 'the function')} returned "
            f"{tree.structure(found)}, expected one cotangent for each of {len(primals)} arguments",
            span=tracing.here(),
        )
    result: list[Tensor] = []
    for primal, cotangent in zip(primals, found, strict=True):
        leaves = [leaf for leaf in tree.leaves(primal) if is_array(leaf)]
        given: Sequence[Any] = (
            [None] * len(leaves)
            if cotangent is None
            else tree.leaves(cotangent, is_leaf=lambda leaf: leaf is None)
        )
        result += [
            hlo.zeros_like(as_tensor(leaf)) if ct is None else as_tensor(ct)
            for leaf, ct in zip(leaves, given, strict=True)
        ]
    return result


def _no_rule(function: Function, method: str) -> TransformError:
    name = getattr(function, "__name__", "the function")
    return TransformError(
        "S0211", f"{name} has no rule yet", span=tracing.here(), hint=f"define it with `{method}`"
    )


def _refuse_captures(function: Function, captures: Sequence[Tensor]) -> None:
    if captures:
        raise TransformError(
            "S0212",
            f"{getattr(function, '__name__', 'the function')} or its rule uses a tensor of the "
            f"enclosing function (shape {captures[0].shape}), for which no derivative is given",
            span=tracing.here(),
            hint="make it an argument",
        )
