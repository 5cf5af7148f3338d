"""Control flow within the program: `cond`, `switch`, `while_loop`, `fori_loop`, `scan`, `map`.

Each runs its Python functions once, into functions of the module, and builds one StableHLO `while`
or `case` that calls them. All take and return pytrees, may use outer tensors, and differentiate.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, hlo, tracing, tree
from slopec.diagnostics import DTypeError, ShapeError, TraceError, TransformError, UsageError
from slopec.lazy.record import outlined
from slopec.tensor import Tensor
from slopec.tracing import TensorType
from slopec.transforms.function import (
    Arguments,
    Traced,
    as_tensor,
    call,
    check_callable,
    trace_function,
)
from slopec.transforms.sweep import (
    Segments,
    Tensors,
    counted_loop,
    in_segments,
    numbers,
    segment_size,
    sweep,
)
from slopec.tree import TreeDef

Function = Callable[..., Any]


def _stand_ins(treedef: TreeDef, types: Sequence[TensorType]) -> Any:
    """A pytree of tensors that have types and no values, to trace a function with."""
    here = tracing.current()
    return treedef.unflatten(Tensor._of_value(None, here, *type_) for type_ in types)


def _trace(verb: str, function: Function, *arguments: Any) -> Traced:
    check_callable(verb, function, runs=True)
    here = tracing.current()
    return trace_function(function, Arguments.of(arguments, {}), here, here.module)


def _flatten(value: Any) -> tuple[list[Tensor], TreeDef]:
    leaves, treedef = tree.flatten(value)
    # Numbers become constants here: as arguments they would hide their values from the passes.
    return [
        leaf if isinstance(leaf, Tensor) else hlo.constant(Tensor(leaf).numpy()) for leaf in leaves
    ], treedef


def _types(tensors: Sequence[Tensor]) -> list[TensorType]:
    return [(t.shape, t.dtype) for t in tensors]


def _spell(types: Sequence[TensorType]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in types) or "nothing"


def _spelled(*results: tuple[Sequence[TensorType], TreeDef]) -> list[str]:
    """Types as messages write them, and how they nest where that differs."""
    nested = len({str(treedef) for _, treedef in results}) > 1
    return [f"{_spell(t)} as {treedef}" if nested else _spell(t) for t, treedef in results]


def _check_carry(
    verb: str,
    traced_types: Sequence[TensorType],
    result: TreeDef,
    types: Sequence[TensorType],
    treedef: TreeDef,
) -> None:
    """Refuse a body that does not return what it takes."""
    if result == treedef and list(traced_types) == list(types):
        return
    got, kept = _spelled((traced_types, result), (types, treedef))
    raise ShapeError(
        "S0130",
        f"{verb}: the body returns {got}, but carries {kept}",
        span=tracing.here(),
        hint="return values of the same structure, shapes and dtypes; cast with `.astype`",
    )


def _predicate(verb: str, value: Tensor) -> Tensor:
    if value.shape != () or value.dtype != dtypes.bool_:
        raise DTypeError(
            "S0131",
            f"{verb}: the condition is {value.dtype}{list(value.shape)}, expected one bool",
            span=tracing.here(),
            hint="compare, and reduce with `.any()` or `.all()`",
        )
    return value


@outlined
def switch(index: Any, branches: Sequence[Function], *operands: Any) -> Any:
    """The result of `branches[index](*operands)`; `index` is an integer scalar, clamped.

    All branches return the same structure, shapes and dtypes.

    Raises ShapeError when they do not.

    >>> import slopec as sp
    >>> print(sp.switch(1, [lambda x: x, lambda x: x * 10.0], 2.0))
    tensor(20., float32[], cpu)
    """
    functions = [_trace("switch", branch, *operands) for branch in branches]
    if not functions:
        raise UsageError("S0132", "switch needs at least one branch", span=tracing.here())
    first = functions[0]
    for other in functions[1:]:
        if (other.result, other.outputs) != (first.result, first.outputs):
            one, two = _spelled((first.outputs, first.result), (other.outputs, other.result))
            raise ShapeError(
                "S0132",
                f"the branches return different types: {one} and {two}",
                span=tracing.here(),
                hint="give both results the same structure, shapes and dtypes",
            )
    tensors = list(Arguments.of(operands, {}).tensors)
    number = hlo.convert(as_tensor(index), dtypes.int32)
    last = hlo.full((), len(branches) - 1, dtypes.int32)
    clamped = hlo.clamp(hlo.full((), 0, dtypes.int32), number, last)
    bodies = [lambda f=f: call(f.symbol, [*tensors, *f.captures], f.outputs) for f in functions]
    return first.result.unflatten(hlo.case(clamped, bodies, first.outputs))


@outlined
def cond(pred: Any, true_function: Function, false_function: Function, *operands: Any) -> Any:
    """`true_function(*operands)` where `pred`, a bool scalar, holds, else `false_function(…)`.

    Only the branch taken runs. Raises ShapeError when the branches' results differ in type.

    >>> import slopec as sp
    >>> print(sp.cond(sp.tensor(3.0) > 2.0, lambda x: x, lambda x: -x, 5.0))
    tensor(5., float32[], cpu)
    """
    for function in (true_function, false_function):
        check_callable("cond", function, runs=True)
    index = hlo.convert(_predicate("cond", as_tensor(pred)), dtypes.int32)
    return switch(index, [false_function, true_function], *operands)


@outlined
def while_loop(
    cond_function: Function,
    body_function: Function,
    init: Any,
    *,
    max_steps: int | None = None,
    checkpoint: Segments = None,
) -> Any:
    """Repeat `value = body_function(value)` while `cond_function(value)`, beginning with `init`.

    With `max_steps` the loop ends after that many iterations at the latest, and then it can be
    differentiated in reverse too; without, only forward. `checkpoint` cuts it into segments, as for
    `scan`.

    Raises ShapeError when the body changes a type, DTypeError when the condition is no bool,
    TransformError S0216 for `checkpoint` without `max_steps`.

    >>> import slopec as sp
    >>> print(sp.while_loop(lambda x: x < 100.0, lambda x: x * 2.0, 3.0))
    tensor(192., float32[], cpu)
    """
    leaves, treedef = _flatten(init)
    types = _types(leaves)
    test = _trace("while_loop", cond_function, _stand_ins(treedef, types))
    body = _trace("while_loop", body_function, _stand_ins(treedef, types))
    _check_carry("while_loop", body.outputs, body.result, types, treedef)

    def holds(*values: Tensor) -> Tensor:
        results = call(test.symbol, [*values, *test.captures], test.outputs)
        return _predicate("while_loop", results[0])

    def step(*values: Tensor) -> list[Tensor]:
        return call(body.symbol, [*values, *body.captures], body.outputs)

    if max_steps is None:
        if checkpoint is not None:
            raise _without_end("while_loop", checkpoint)
        return treedef.unflatten(hlo.while_loop(leaves, holds, step))

    def bounded(*values: Tensor) -> list[Tensor]:
        index = hlo.convert(holds(*values), dtypes.int32)
        return list(hlo.case(index, [lambda: values, lambda: step(*values)], types))

    size = segment_size("while_loop", checkpoint, max_steps)
    return treedef.unflatten(
        _repeat(size, 0, max_steps, leaves, lambda _, values: bounded(*values))
    )


def _without_end(verb: str, checkpoint: Segments) -> TransformError:
    return TransformError(
        "S0216",
        f"{verb}: checkpoint={checkpoint!r}, but it is not known how often the loop runs",
        span=tracing.here(),
        hint="give ints as bounds" if verb == "fori_loop" else "give `max_steps`",
    )


def _repeat(
    size: int | None,
    lower: int,
    count: int,
    init: Tensors,
    step: Callable[[Tensor, Tensors], Tensors],
) -> Tensors:
    """Run `values = step(i, values)` for i = lower, …, by segments of `size` unless it is None."""
    if size is None:
        first = hlo.full((), lower, dtypes.int32)
        return counted_loop(count, init, lambda i, values: step(hlo.add(i, first), values))
    rows = [numbers(lower, count)]
    return in_segments(size, lambda c, items: (step(items[0], c), []), init, rows, count, [])[0]


@outlined
def fori_loop(
    lower: Any, upper: Any, body_function: Function, init: Any, *, checkpoint: Segments = None
) -> Any:
    """Repeat `value = body_function(i, value)` for i = lower, …, upper − 1.

    With ints as bounds the loop differentiates forward and in reverse; with tensors, forward.
    `checkpoint` cuts it into segments, as for `scan`.

    Raises ShapeError when the body changes a type, TransformError S0216 for a `checkpoint` that
    is no length of a segment.

    >>> import slopec as sp
    >>> print(sp.fori_loop(0, 5, lambda i, x: x + i, 0))
    tensor(10, int32[], cpu)
    """
    if isinstance(lower, int) and isinstance(upper, int):
        leaves, treedef = _flatten(init)
        types = _types(leaves)
        counter: TensorType = ((), dtypes.int32)
        number = _stand_ins(tree.LEAF, [counter])
        body = _trace("fori_loop", body_function, number, _stand_ins(treedef, types))
        _check_carry("fori_loop", body.outputs, body.result, types, treedef)

        def step(i: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
            return call(body.symbol, [i, *values, *body.captures], body.outputs)

        count = max(0, upper - lower)
        size = segment_size("fori_loop", checkpoint, count)
        return treedef.unflatten(_repeat(size, lower, count, leaves, step))
    if checkpoint is not None:
        raise _without_end("fori_loop", checkpoint)
    start, end = (hlo.convert(as_tensor(bound), dtypes.int32) for bound in (lower, upper))
    _, result = while_loop(
        lambda state: state[0] < end,
        lambda state: (state[0] + 1, body_function(*state)),
        (start, init),
    )
    return result


@outlined
def scan(
    function: Function,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    checkpoint: Segments = None,
) -> tuple[Any, Any]:
    """Carry a value along a sequence: `carry, y = function(carry, x)` for each x of `xs`.

    `xs` is a pytree of tensors with one leading size (or None, with `length`). Returns (the last
    carry, the ys stacked along a new first dimension). `reverse` goes from the last x to the first.

    `checkpoint` saves memory in reverse mode, where every iteration saves what its derivative
    needs: with an int k only every k-th carry is kept, with "sqrt" every √N-th, and the iterations
    between are computed again, one segment at a time.

    Raises ShapeError for sequences of different lengths or a carry that changes its type,
    TransformError S0216 for a `checkpoint` that is no length of a segment.

    >>> import slopec as sp
    >>> total, sums = sp.scan(lambda c, x: (c + x, c + x), 0.0, sp.tensor([1.0, 2.0, 3.0]))
    >>> print(total, sums)
    tensor(6., float32[], cpu) tensor([1. 3. 6.], float32[3], cpu)
    """
    leaves, treedef = _flatten(init)
    sequences, sequence_def = _flatten(xs)
    count = _length(sequences, length)
    types = _types(leaves)
    items: list[TensorType] = [(x.shape[1:], x.dtype) for x in sequences]
    body = _trace("scan", function, _stand_ins(treedef, types), _stand_ins(sequence_def, items))
    parts = body.result.children
    if body.result.node is not tuple or len(parts) != 2:
        raise TraceError(
            "S0133",
            f"scan: the function returns "
            f"{'one tensor' if body.result == tree.LEAF else body.result}, "
            "expected a pair (carry, y)",
            span=tracing.here(),
            hint="return `carry, None` when nothing is to be stacked",
        )
    carried = parts[0].size
    _check_carry("scan", body.outputs[:carried], parts[0], types, treedef)

    stacked = body.outputs[carried:]
    if count == 0:  # StableHLO has no slice of one item of nothing
        empty = [hlo.full((0, *shape), 0, dtype) for shape, dtype in stacked]
        return treedef.unflatten(leaves), parts[1].unflatten(empty)

    def step(carry: Tensors, items: Tensors) -> tuple[Tensors, Tensors]:
        results = call(body.symbol, [*carry, *items, *body.captures], body.outputs)
        return results[:carried], results[carried:]

    size = segment_size("scan", checkpoint, count)
    loop = sweep if size is None else functools.partial(in_segments, size)
    last, ys = loop(step, leaves, sequences, count, stacked, reverse)
    return treedef.unflatten(last), parts[1].unflatten(ys)


def _length(sequences: Sequence[Tensor], length: int | None) -> int:
    if any(not x.shape for x in sequences):
        raise ShapeError("S0134", "scan: every x needs a leading dimension", span=tracing.here())
    sizes = {x.shape[0] for x in sequences} | ({length} if length is not None else set())
    if len(sizes) != 1:
        raise ShapeError(
            "S0134",
            f"scan: the sequences have different lengths: {sorted(sizes)}"
            if sizes
            else "scan needs xs or a length",
            span=tracing.here(),
            hint="pass sequences that agree in their first dimension, or `length=…` without any",
        )
    count = int(sizes.pop())
    if count < 0:
        raise ShapeError("S0134", f"scan: a length of {count}", span=tracing.here())
    return count


def map(function: Function, xs: Any) -> Any:
    """`function` of every item of `xs` along the first dimension, one after the other, stacked.

    >>> import slopec as sp
    >>> print(sp.map(lambda x: x * x, sp.tensor([1.0, 2.0, 3.0])))
    tensor([1. 4. 9.], float32[3], cpu)
    """
    check_callable("map", function, runs=True)
    return scan(lambda carry, x: (carry, function(x)), (), xs)[1]
