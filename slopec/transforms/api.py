"""Transforms as users call them: functions on functions.

Each runs the user's function once, into a function of the current module, declares the derived
function and calls it. Nothing is differentiated here; the `derive` pass does that.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, hlo, tracing, tree
from slopec.diagnostics import DTypeError, TransformError
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.transforms.function import (
    Arguments,
    Traced,
    call,
    check_callable,
    declare_jvp,
    declare_vjp,
    differentiable,
    is_array,
    name_of,
    scalar,
    trace_function,
)

Function = Callable[..., Any]


def _traced(function: Function, arguments: Arguments) -> tuple[Traced, list[Tensor]]:
    """Trace into the current module; return the function and the operands of a call to it."""
    here = tracing.current()
    traced = trace_function(function, arguments, here, here.module)
    return traced, [*arguments.tensors, *traced.captures]


def _selected(
    function: Function, arguments: Arguments, argnums: Sequence[int], argnames: Sequence[str]
) -> list[list[int]]:
    """For every selected argument the positions of its data leaves."""
    args, kwargs = arguments.rebuild(range(len(arguments.tensors)))
    groups = []
    for number in argnums:
        if not -len(args) <= number < len(args):
            raise TransformError(
                "S0204",
                f"argnums={number}, but {name_of(function)} was called with {len(args)} "
                "positional arguments",
                span=tracing.here(),
                hint="use argnames for arguments passed by name",
            )
        groups.append([i for i in tree.leaves(args[number]) if isinstance(i, int)])
    for name in argnames:
        if name not in kwargs:
            raise TransformError(
                "S0204",
                f"argnames={name!r}, but {name_of(function)} was not called with it by name",
                span=tracing.here(),
                hint=f"pass it as `{name}=…`",
            )
        groups.append([i for i in tree.leaves(kwargs[name]) if isinstance(i, int)])
    return groups


def _check_inputs(
    verb: str, function: Function, arguments: Arguments, wrt: Sequence[int], allow_int: bool
) -> None:
    if allow_int:
        return
    fixed = arguments.fixed()
    for place in wrt:
        dtype = arguments.tensors[place].dtype
        if not dtypes.is_differentiable(dtype) and place not in fixed:
            name = arguments.names(function)[place]
            raise DTypeError(
                "S0205",
                f"{verb}: argument `{name}` of {name_of(function)} is {dtype}, "
                "which has no derivative",
                span=tracing.here(),
                hint=f"pass `{name}` as float32, or leave it out of argnums",
            )


def _check_scalar(
    verb: str, function: Function, types: Sequence[Any], result: tree.TreeDef
) -> None:
    if len(types) == 1 and types[0][0] == () and dtypes.is_floating(types[0][1]):
        return
    shown = ", ".join(f"{dtype}{list(shape)}" for shape, dtype in types)
    raise TransformError(
        "S0206",
        f"{verb} needs a function with one real scalar result; "
        f"{name_of(function)} returned {shown or 'nothing'}",
        span=tracing.here(),
        notes=(f"the result's structure is {result}",) if len(types) != 1 else (),
        hint="reduce it with `.sum()` or `.mean()`, return extra values with `has_aux=True`, "
        "or use `vjp` or `jacrev`",
    )


def value_and_grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    argnames: str | Sequence[str] = (),
    *,
    has_aux: bool = False,
    allow_int: bool = False,
) -> Function:
    """The function that returns (value, gradient) of a scalar `function`.

    The gradient has the structure of the arguments chosen by `argnums` and `argnames` (a tuple of
    gradients when several are chosen). With `has_aux`, `function` returns (value, aux) and the
    result is ((value, aux), gradient). Integer leaves of a chosen argument are refused unless
    `allow_int`, and then get zeros, as integer buffers of modules always do. For real f, the
    gradient of a complex argument z is ∂f/∂x − i ∂f/∂y, as in JAX.

    Raises TransformError when the value is no real scalar and DTypeError for integer arguments.

    >>> import slopec as sp
    >>> value, slope = sp.value_and_grad(lambda x: (x * x).sum())(sp.tensor([1.0, 2.0]))
    >>> print(value, slope)
    tensor(5., float32[], cpu) tensor([2. 4.], float32[2], cpu)
    """
    return _gradient("value_and_grad", function, argnums, argnames, has_aux, allow_int)


def grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    argnames: str | Sequence[str] = (),
    *,
    has_aux: bool = False,
    allow_int: bool = False,
) -> Function:
    """The function that returns the gradient of a scalar `function`; see `value_and_grad`.

    With `has_aux` the result is (gradient, aux).

    >>> import slopec as sp
    >>> print(sp.grad(sp.grad(lambda x: x**3))(2.0))
    tensor(12., float32[], cpu)
    """
    both = _gradient("grad", function, argnums, argnames, has_aux, allow_int)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def _gradient(
    verb: str,
    function: Function,
    argnums: int | Sequence[int],
    argnames: str | Sequence[str],
    has_aux: bool,
    allow_int: bool,
) -> Function:
    check_callable(verb, function)
    names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
    several = not isinstance(argnums, int) or bool(names)
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if names and argnums == 0:
        numbers, several = (), not isinstance(argnames, str)

    @outlined
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments.of(args, kwargs)
        groups = _selected(function, arguments, numbers, names)
        chosen = sorted({place for group in groups for place in group})
        _check_inputs(verb, function, arguments, chosen, allow_int)
        wrt = [i for i in chosen if dtypes.is_differentiable(arguments.tensors[i].dtype)]
        traced, operands = _traced(function, arguments)
        aux = _check_result(verb, function, traced, has_aux)
        symbol, outputs = declare_vjp(tracing.current().module, traced, wrt, [0])
        seed = scalar(1, traced.outputs[0])
        flat = call(symbol, [*operands, seed], outputs)
        count = len(traced.outputs)
        slopes = dict(zip(wrt, flat[count:], strict=True))
        gradients = [
            slopes[i] if i in slopes else hlo.zeros_like(arguments.tensors[i]) for i in chosen
        ]
        full = dict(zip(chosen, gradients, strict=True))
        positional, keyword = arguments.rebuild(
            [full.get(i) for i in range(len(arguments.tensors))]
        )
        picked = [*(positional[n] for n in numbers), *(keyword[n] for n in names)]
        value = traced.result.unflatten(flat[:count]) if aux else flat[0]
        return value, tuple(picked) if several else picked[0]

    return wrapped


def _check_result(verb: str, function: Function, traced: Traced, has_aux: bool) -> bool:
    """Refuse results that have no gradient; return whether there is an auxiliary result."""
    if not has_aux:
        _check_scalar(verb, function, traced.outputs, traced.result)
        return False
    _check_pair(verb, function, traced.result, "scalar")
    first = traced.result.children[0]
    _check_scalar(verb, function, traced.outputs[: first.size], first)
    return True


def _check_pair(verb: str, function: Function, result: tree.TreeDef, first: str) -> None:
    """Refuse a result that is not a value with something auxiliary."""
    if result.node is tuple and len(result.children) == 2:
        return
    got = "one tensor" if result == tree.LEAF else str(result)
    raise TransformError(
        "S0206",
        f"{verb} with has_aux=True needs a function that returns ({first}, aux); "
        f"{name_of(function)} returned {got}",
        span=tracing.here(),
        hint="return the pair, or leave `has_aux` out",
    )


@outlined
def vjp(function: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(value, pullback): `pullback(cotangent)` returns the tuple of the primals' cotangents.

    The cotangent has the structure and types of the value. With `has_aux`, `function` returns
    (value, aux) and the result is (value, pullback, aux).

    >>> import slopec as sp
    >>> y, pullback = sp.vjp(lambda x: x * x, sp.tensor([1.0, 3.0]))
    >>> print(pullback(sp.tensor([1.0, 10.0]))[0])
    tensor([ 2. 60.], float32[2], cpu)
    """
    check_callable("vjp", function)
    arguments = Arguments.of(primals, {})
    traced, operands = _traced(function, arguments)
    flat = call(traced.symbol, operands, traced.outputs)
    value = traced.result.unflatten(flat)
    seeded, result = list(range(len(flat))), traced.result
    if has_aux:
        _check_pair("vjp", function, traced.result, "value")
        result = traced.result.children[0]
        seeded = seeded[: result.size]
    wrt = [i for i in differentiable(traced.inputs) if i < len(arguments.tensors)]
    out = [i for i in seeded if dtypes.is_differentiable(traced.outputs[i][1])]

    @outlined
    def pullback(cotangent: Any) -> tuple[Any, ...]:
        types = [traced.outputs[i] for i in seeded]
        seeds = _matching("vjp", "cotangent", cotangent, result, types)
        where = tracing.current()
        symbol, outputs = declare_vjp(where.module, traced.within(where), wrt, out)
        given = [*operands, *(seeds[i] for i in out)]
        back = dict(zip(wrt, call(symbol, given, outputs)[len(flat) :], strict=True))
        args, _ = arguments.rebuild([back.get(i) for i in range(len(arguments.tensors))])
        return args

    return (value[0], pullback, value[1]) if has_aux else (value, pullback)


@outlined
def jvp(
    function: Function,
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """(value, tangent of the value) for the given tangents of the primals.

    `tangents` has the structure of `primals`; integer primals take None or zeros. With `has_aux`,
    `function` returns (value, aux) and the result is (value, tangent, aux).

    >>> import slopec as sp
    >>> y, dy = sp.jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> print(y, dy)
    tensor(9., float32[], cpu) tensor(6., float32[], cpu)
    """
    check_callable("jvp", function)
    arguments = Arguments.of(tuple(primals), {})
    treedef = tree.structure(tuple(primals))
    types = [(t.shape, t.dtype) for t in arguments.tensors]
    given = _matching("jvp", "tangent", tuple(tangents), treedef, types)
    traced, operands = _traced(function, arguments)
    wrt = differentiable(types)
    out = differentiable(traced.outputs)
    symbol, outputs = declare_jvp(tracing.current().module, traced, wrt, out)
    flat = call(symbol, [*operands, *(given[i] for i in wrt)], outputs)
    count = len(traced.outputs)
    moved = dict(zip(out, flat[count:], strict=True))
    tangent = [moved[i] if i in moved else scalar(0, traced.outputs[i]) for i in range(count)]
    value, slope = (traced.result.unflatten(leaves) for leaves in (flat[:count], tangent))
    if not has_aux:
        return value, slope
    _check_pair("jvp", function, traced.result, "value")
    return value[0], slope[0], value[1]


@outlined
def linearize(function: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(value, f_jvp): `f_jvp(*tangents)` is the derivative of `function` at `primals`.

    With `has_aux`, `function` returns (value, aux) and the result is (value, f_jvp, aux).

    >>> import slopec as sp
    >>> y, push = sp.linearize(lambda x: x * x * x, 2.0)
    >>> print(y, push(1.0))
    tensor(8., float32[], cpu) tensor(12., float32[], cpu)
    """
    check_callable("linearize", function)
    traced, operands = _traced(function, Arguments.of(primals, {}))
    value = traced.result.unflatten(call(traced.symbol, operands, traced.outputs))
    if has_aux:
        _check_pair("linearize", function, traced.result, "value")

    def push(*tangents: Any) -> Any:
        return jvp(function, primals, tangents, has_aux=has_aux)[1]

    return (value[0], push, value[1]) if has_aux else (value, push)


def _matching(
    verb: str, role: str, given: Any, treedef: tree.TreeDef, types: Sequence[Any]
) -> list[Tensor]:
    """The leaves of `given` as tensors, checked against the structure and types expected."""
    leaves, shape = tree.flatten(given, is_leaf=lambda leaf: leaf is None)
    if len(leaves) != treedef.size:
        raise TransformError(
            "S0208",
            f"{verb}: the {role} has the structure {shape}, expected {treedef}",
            span=tracing.here(),
            hint=f"a {role} has the structure of its value: a `*` stands for a tensor",
        )
    result = []
    for leaf, type_ in zip(leaves, types, strict=True):
        if leaf is None or not dtypes.is_differentiable(type_[1]):
            result.append(scalar(0, type_))
            continue
        if not is_array(leaf):
            raise TransformError(
                "S0208", f"{verb}: the {role} holds {type(leaf).__name__} data", span=tracing.here()
            )
        moved = leaf if isinstance(leaf, Tensor) else Tensor(leaf, type_[1])
        if (moved.shape, moved.dtype) != tuple(type_):
            raise TransformError(
                "S0208",
                f"{verb}: the {role} is {moved.dtype}{list(moved.shape)}, "
                f"expected {type_[1]}{list(type_[0])}",
                span=tracing.here(),
                hint="a tangent or cotangent has the shape and dtype of its value",
            )
        result.append(moved)
    return result
