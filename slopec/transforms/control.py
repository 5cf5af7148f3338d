"""Control flow within the program: `cond`, `switch`, `while_loop`, `fori_loop`, `scan`, `map`.

Each runs its Python functions once, into functions of the module, and builds one StableHLO `while`
or `case` that calls them. All take and return pytrees, may use outer tensors, and differentiate.
"""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, hlo, trace, tree
from slopec.diagnostics import DTypeError, ShapeError, TraceError
from slopec.tensor import Tensor
from slopec.trace import TensorType
from slopec.transforms.function import Arguments, Traced, as_tensor, call, trace_function
from slopec.tree import TreeDef

Function = Callable[..., Any]


def _stand_ins(treedef: TreeDef, types: Sequence[TensorType]) -> Any:
    """A pytree of tensors that have types and no values, to trace a function with."""
    here = trace.current()
    return treedef.unflatten(Tensor._of_value(None, here, *type_) for type_ in types)


def _trace(function: Function, *arguments: Any) -> Traced:
    here = trace.current()
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
    got = f"{_spell(traced_types)} as {result}"
    raise ShapeError(
        "S0130",
        f"{verb}: the body returns {got}, but carries {_spell(types)} as {treedef}",
        span=trace.here(),
        hint="return values of the same structure, shapes and dtypes; cast with `.astype`",
    )


def _predicate(verb: str, value: Tensor) -> Tensor:
    if value.shape != () or value.dtype != dtypes.bool_:
        raise DTypeError(
            "S0131",
            f"{verb}: the condition is {value.dtype}{list(value.shape)}, expected one bool",
            span=trace.here(),
            hint="compare, and reduce with `.any()` or `.all()`",
        )
    return value


def switch(index: Any, branches: Sequence[Function], *operands: Any) -> Any:
    """The result of `branches[index](*operands)`; `index` is an integer scalar, clamped.

    All branches return the same structure, shapes and dtypes.

    Raises ShapeError when they do not.

    >>> import slopec as sp
    >>> print(sp.switch(1, [lambda x: x, lambda x: x * 10.0], 2.0))
    tensor(20., float32[], cpu)
    """
    functions = [_trace(branch, *operands) for branch in branches]
    first = functions[0]
    for other in functions[1:]:
        if (other.result, other.outputs) != (first.result, first.outputs):
            raise ShapeError(
                "S0132",
                f"the branches return different types: {_spell(first.outputs)} as {first.result} "
                f"and {_spell(other.outputs)} as {other.result}",
                span=trace.here(),
                hint="give both results the same structure, shapes and dtypes",
            )
    tensors = list(Arguments.of(operands, {}).tensors)
    number = hlo.convert(as_tensor(index), dtypes.int32)
    last = hlo.full((), len(branches) - 1, dtypes.int32)
    clamped = hlo.clamp(hlo.full((), 0, dtypes.int32), number, last)
    bodies = [lambda f=f: call(f.symbol, [*tensors, *f.captures], f.outputs) for f in functions]
    return first.result.unflatten(hlo.case(clamped, bodies, first.outputs))


def cond(pred: Any, true_function: Function, false_function: Function, *operands: Any) -> Any:
    """`true_function(*operands)` where `pred`, a bool scalar, holds, else `false_function(…)`.

    Only the branch taken runs. Raises ShapeError when the branches' results differ in type.

    >>> import slopec as sp
    >>> print(sp.cond(sp.tensor(3.0) > 2.0, lambda x: x, lambda x: -x, 5.0))
    tensor(5., float32[], cpu)
    """
    index = hlo.convert(_predicate("cond", as_tensor(pred)), dtypes.int32)
    return switch(index, [false_function, true_function], *operands)


def while_loop(
    cond_function: Function, body_function: Function, init: Any, *, max_steps: int | None = None
) -> Any:
    """Repeat `value = body_function(value)` while `cond_function(value)`, beginning with `init`.

    With `max_steps` the loop ends after that many iterations at the latest, and then it can be
    differentiated in reverse too; without, only forward.

    Raises ShapeError when the body changes a type, DTypeError when the condition is no bool.

    >>> import slopec as sp
    >>> print(sp.while_loop(lambda x: x < 100.0, lambda x: x * 2.0, 3.0))
    tensor(192., float32[], cpu)
    """
    leaves, treedef = _flatten(init)
    types = _types(leaves)
    test = _trace(cond_function, _stand_ins(treedef, types))
    body = _trace(body_function, _stand_ins(treedef, types))
    _check_carry("while_loop", body.outputs, body.result, types, treedef)

    def holds(*values: Tensor) -> Tensor:
        results = call(test.symbol, [*values, *test.captures], test.outputs)
        return _predicate("while_loop", results[0])

    def step(*values: Tensor) -> list[Tensor]:
        return call(body.symbol, [*values, *body.captures], body.outputs)

    if max_steps is None:
        return treedef.unflatten(hlo.while_loop(leaves, holds, step))

    def bounded(*values: Tensor) -> list[Tensor]:
        index = hlo.convert(holds(*values), dtypes.int32)
        return list(hlo.case(index, [lambda: values, lambda: step(*values)], types))

    results = _counted(max_steps, leaves, lambda _, values: bounded(*values))
    return treedef.unflatten(results)


def _counted(
    trips: int,
    leaves: Sequence[Tensor],
    step: Callable[[Tensor, Sequence[Tensor]], Sequence[Tensor]],
) -> tuple[Tensor, ...]:
    """Run `step(i, values)` for i = 0 … trips − 1."""
    limit = hlo.full((), trips, dtypes.int32)

    def more(*values: Tensor) -> Tensor:
        return hlo.compare(values[0], limit, "LT")

    def body(*values: Tensor) -> list[Tensor]:
        following = hlo.add(values[0], hlo.full((), 1, dtypes.int32))
        return [following, *step(values[0], values[1:])]

    start = hlo.full((), 0, dtypes.int32)
    return hlo.while_loop([start, *leaves], more, body)[1:]


def fori_loop(lower: Any, upper: Any, body_function: Function, init: Any) -> Any:
    """Repeat `value = body_function(i, value)` for i = lower, …, upper − 1.

    With ints as bounds the loop differentiates forward and in reverse; with tensors, forward.

    Raises ShapeError when the body changes a type.

    >>> import slopec as sp
    >>> print(sp.fori_loop(0, 5, lambda i, x: x + i, 0))
    tensor(10, int32[], cpu)
    """
    if isinstance(lower, int) and isinstance(upper, int):
        leaves, treedef = _flatten(init)
        types = _types(leaves)
        counter: TensorType = ((), dtypes.int32)
        number = _stand_ins(tree.LEAF, [counter])
        body = _trace(body_function, number, _stand_ins(treedef, types))
        _check_carry("fori_loop", body.outputs, body.result, types, treedef)

        def step(i: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
            place = hlo.add(i, hlo.full((), lower, dtypes.int32))
            return call(body.symbol, [place, *values, *body.captures], body.outputs)

        return treedef.unflatten(_counted(max(0, upper - lower), leaves, step))
    start, end = (hlo.convert(as_tensor(bound), dtypes.int32) for bound in (lower, upper))
    _, result = while_loop(
        lambda state: state[0] < end,
        lambda state: (state[0] + 1, body_function(*state)),
        (start, init),
    )
    return result


def scan(
    function: Function,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Carry a value along a sequence: `carry, y = function(carry, x)` for each x of `xs`.

    `xs` is a pytree of tensors with one leading size (or None, with `length`). Returns (the last
    carry, the ys stacked along a new first dimension). `reverse` goes from the last x to the first.

    Raises ShapeError for sequences of different lengths or a carry that changes its type.

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
    body = _trace(function, _stand_ins(treedef, types), _stand_ins(sequence_def, items))
    parts = body.result.children
    if body.result.node is not tuple or len(parts) != 2:
        raise TraceError(
            "S0133",
            f"scan: the function returns {body.result}, expected a pair (carry, y)",
            span=trace.here(),
        )
    carried = parts[0].size
    _check_carry("scan", body.outputs[:carried], parts[0], types, treedef)
    stacked = body.outputs[carried:]
    empty = [hlo.full((count, *shape), 0, dtype) for shape, dtype in stacked]

    def step(i: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
        place = hlo.subtract(hlo.full((), count - 1, dtypes.int32), i) if reverse else i
        given = [_item(x, place) for x in sequences]
        results = call(body.symbol, [*values[:carried], *given, *body.captures], body.outputs)
        ys = zip(values[carried:], results[carried:], strict=True)
        return [*results[:carried], *(_store(stack, y, place) for stack, y in ys)]

    results = _counted(count, [*leaves, *empty], step)
    return treedef.unflatten(results[:carried]), parts[1].unflatten(results[carried:])


def _length(sequences: Sequence[Tensor], length: int | None) -> int:
    if any(not x.shape for x in sequences):
        raise ShapeError("S0134", "scan: every x needs a leading dimension", span=trace.here())
    sizes = {x.shape[0] for x in sequences} | ({length} if length is not None else set())
    if len(sizes) != 1:
        raise ShapeError(
            "S0134",
            f"scan: the sequences have different lengths: {sorted(sizes)}"
            if sizes
            else "scan needs xs or a length",
            span=trace.here(),
        )
    return int(sizes.pop())


def _item(x: Tensor, place: Tensor) -> Tensor:
    zero = hlo.full((), 0, dtypes.int32)
    row = hlo.dynamic_slice(x, [place, *[zero] * (x.ndim - 1)], (1, *x.shape[1:]))
    return hlo.reshape(row, x.shape[1:])


def _store(stack: Tensor, value: Tensor, place: Tensor) -> Tensor:
    zero = hlo.full((), 0, dtypes.int32)
    row = hlo.reshape(value, (1, *value.shape))
    return hlo.dynamic_update_slice(stack, row, [place, *[zero] * value.ndim])


def map(function: Function, xs: Any) -> Any:
    """`function` of every item of `xs` along the first dimension, one after the other, stacked.

    >>> import slopec as sp
    >>> print(sp.map(lambda x: x * x, sp.tensor([1.0, 2.0, 3.0])))
    tensor([1. 4. 9.], float32[3], cpu)
    """
    return scan(lambda carry, x: (carry, function(x)), (), xs)[1]
