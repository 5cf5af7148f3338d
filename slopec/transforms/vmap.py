"""`vmap`: a function of one thing as a function of a batch of them, without a loop.

It runs the user's function once, on tensors without the batch dimension, declares the batched
function and calls it; the `derive` pass writes that function (`transforms/batching.py`).
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from slopec import hlo, ir, tracing, tree
from slopec.diagnostics import TransformError
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.transforms.axes import binding
from slopec.transforms.function import (
    Arguments,
    Traced,
    call,
    check_callable,
    declare_vmap,
    name_of,
    trace_function,
)
from slopec.transforms.spread import Scope, through
from slopec.tree import TreeDef

Function = Callable[..., Any]
Axis = int | None


def vmap(
    function: Function,
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_name: str | None = None,
    axis_size: int | None = None,
) -> Function:
    """The function that applies `function` to every member of a batch at once.

    `in_axes` says along which axis of each positional argument the members lie: one int for all, or
    a tuple with an entry per argument, each an int, None (the same for the whole batch) or a pytree
    of them that the argument's structure begins with. Arguments passed by name lie along axis 0,
    outer tensors are the same for all. `out_axes` says where the batch goes in the results; None
    there asks for a result that is the same for the whole batch. `axis_size` is the batch's size,
    needed where no argument is mapped. `axis_name` names the axis for `sp.psum` and its kin, with
    which members of the batch speak to one another.

    Raises TransformError (S0214) when the sizes differ or nothing is mapped, and S0213 for an
    operation that cannot be batched.

    >>> import slopec as sp
    >>> dots = sp.vmap(lambda x, y: (x * y).sum(), in_axes=(0, None))
    >>> print(dots(sp.eye(2), sp.tensor([3.0, 4.0])))
    tensor([3. 4.], float32[2], cpu)
    """
    check_callable("vmap", function)
    _check_name(axis_name)

    @outlined
    @functools.wraps(function)
    def batched(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments.of(args, kwargs)
        axes = _axes_of(function, arguments, args, kwargs, in_axes)
        size = _size(function, arguments, axes, axis_size)
        given = [
            x if axis is None else _moved(x, axis, 0)
            for x, axis in zip(arguments.tensors, axes, strict=True)
        ]
        here = tracing.current()
        stand_ins = [
            x if axis is None else Tensor._of_value(None, here, x.shape[1:], x.dtype)
            for x, axis in zip(given, axes, strict=True)
        ]
        one = replace(arguments, tensors=tuple(stand_ins))
        with binding(axis_name, size):
            traced = trace_function(function, one, here, here.module)
        flags = [*(axis is not None for axis in axes), *(False for _ in traced.captures)]
        symbol, outputs = declare_vmap(here.module, traced, flags, size, axis_name)
        results = call(symbol, [*given, *traced.captures], outputs)
        return _placed(function, traced, flags, axis_name, results, out_axes)

    return batched


def _check_name(axis_name: object) -> None:
    if not isinstance(axis_name, str | None):
        raise TransformError(
            "S0214",
            f"vmap: axis_name={axis_name!r} is {type(axis_name).__name__}, expected a string",
            span=tracing.here(),
        )


def _axes_of(
    function: Function, arguments: Arguments, args: Sequence[Any], kwargs: Any, in_axes: Any
) -> list[Axis]:
    """The axis of every data leaf, counted from the front; None for what is shared."""
    prefix = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    count = tree.structure(tuple(args)).size
    positional = _per_leaf("in_axes", prefix, tree.structure(tuple(args)))
    axes = [*positional, *[0] * (arguments.treedef.size - count)]
    found: list[Axis] = []
    names = arguments.names(function)
    for place, name, x in zip(arguments.places, names, arguments.tensors, strict=True):
        axis = axes[place]
        if axis is not None and not -x.ndim <= axis < x.ndim:
            raise TransformError(
                "S0214",
                f"vmap: in_axes={axis} for argument `{name}` of {name_of(function)}, whose shape "
                f"is {x.shape}",
                span=tracing.here(),
                hint=f"give `{name}` the entry None in in_axes if it is the same for the batch",
            )
        found.append(None if axis is None else axis % x.ndim)
    return found


def _size(
    function: Function, arguments: Arguments, axes: Sequence[Axis], wanted: int | None
) -> int:
    """The size of the batch, on which all mapped arguments agree."""
    names = arguments.names(function)
    mapped = [
        (name, axis, x.shape[axis])
        for name, axis, x in zip(names, axes, arguments.tensors, strict=True)
        if axis is not None
    ]
    if wanted is not None:
        mapped.insert(0, ("axis_size", 0, wanted))
    if not mapped:
        raise TransformError(
            "S0214",
            f"vmap: no argument of {name_of(function)} is mapped",
            span=tracing.here(),
            hint="give at least one argument an axis in in_axes, or the batch an `axis_size`",
        )
    first = mapped[0]
    other = next((row for row in mapped if row[2] != first[2]), None)
    if other is not None:
        raise TransformError(
            "S0214",
            f"vmap: the arguments of {name_of(function)} have batches of different sizes",
            span=tracing.here(),
            notes=tuple(
                f"`{name}` is {size}"
                if name == "axis_size"
                else f"`{name}` has {size} along axis {axis}"
                for name, axis, size in (first, other)
            ),
            hint="pass batches of one size, or None in in_axes for what is the same for all",
        )
    return first[2]


def _placed(
    function: Function,
    traced: Traced,
    flags: Sequence[bool],
    axis_name: str | None,
    results: list[Tensor],
    out_axes: Any,
) -> Any:
    """The results with the batch where `out_axes` wants it."""
    axes = _per_leaf("out_axes", out_axes, traced.result)
    differs = _differing(traced, flags, axis_name) if None in axes else []
    placed = []
    for i, (x, axis) in enumerate(zip(results, axes, strict=True)):
        if axis is None and not differs[i]:
            first = hlo.slice_(x, [0] * x.ndim, [1, *x.shape[1:]])
            placed.append(hlo.reshape(first, x.shape[1:]))
            continue
        if axis is None or not -x.ndim <= axis < x.ndim:
            raise TransformError(
                "S0214",
                f"vmap: out_axes={axis} for a result of {name_of(function)} that differs along the "
                f"batch, whose shape with the batch has {x.ndim} dimensions",
                span=tracing.here(),
                hint="out_axes=0 puts the batch first",
            )
        placed.append(_moved(x, 0, axis % x.ndim))
    return traced.result.unflatten(placed)


def _differing(traced: Traced, flags: Sequence[bool], axis_name: str | None) -> list[bool]:
    """Which results of a function differ along the batch."""
    module = tracing.current().module
    body = ir.body_of(ir.function(module, traced.symbol))
    scope = Scope(lambda name: ir.function(module, name), axis_name)
    return through(scope, body, flags, set())


def _moved(x: Tensor, source: int, target: int) -> Tensor:
    """`x` with dimension `source` at `target`, the others in order."""
    order = [d for d in range(x.ndim) if d != source]
    order.insert(target, source)
    return hlo.transpose(x, order)


def _per_leaf(what: str, prefix: Any, whole: TreeDef) -> list[Axis]:
    """The entry of `prefix`, a pytree that `whole` begins with, for every leaf of `whole`."""
    entries, treedef = tree.flatten(prefix, is_leaf=lambda leaf: leaf is None)
    wrong = next((e for e in entries if not isinstance(e, int | None) or e is True), None)
    if wrong is not None:
        raise TransformError(
            "S0214",
            f"vmap: {what} holds {wrong!r}, expected ints and None",
            span=tracing.here(),
        )
    found = _spread(treedef, iter(entries), whole)
    if found is None:
        raise TransformError(
            "S0214",
            f"vmap: {what} has the structure {treedef}, which does not fit {whole}",
            span=tracing.here(),
            hint="a tuple has an entry per argument; an int or None stands for a whole subtree",
        )
    return found


def _spread(prefix: TreeDef, entries: Iterator[Axis], whole: TreeDef) -> list[Axis] | None:
    """The entries spread over the leaves of `whole`; None when it does not begin with `prefix`."""
    if prefix.node is None:
        return [next(entries)] * whole.size
    if prefix.node is not whole.node or sorted(prefix.names) != sorted(whole.names):
        return None
    parts = dict(zip(whole.names, whole.children, strict=True))
    rows: dict[str, list[Axis]] = {}
    for name, child in zip(prefix.names, prefix.children, strict=True):
        row = _spread(child, entries, parts[name])
        if row is None:
            return None
        rows[name] = row
    return [axis for name in whole.names for axis in rows[name]]
