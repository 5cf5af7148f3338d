"""A function of a foreign module whose sizes were left open, written for arguments of given shapes.

Calls are inlined, the arguments get their shapes, and the shapes of all that follows are computed.
"""

import math
from collections.abc import Sequence

import numpy as np

from slopec import ir, tracing
from slopec.constants import put_constant
from slopec.diagnostics import ShapeError, SlopecError, Span, UsageError
from slopec.passes import parse_pipeline, run_pipeline
from slopec.passes.refine_shapes import RefineShapes
from slopec.tracing import Trace
from slopec.transforms.body import defining, returned
from slopec.transforms.expand import expand
from slopec.transforms.inline import callee, inline_calls
from slopec.transforms.ranges import known
from slopec.transforms.rule import rewrites

CHECK = "shape_assertion"
"""The custom call by which `jax.export` says what must hold of sizes."""
_SIZE = "stablehlo.get_dimension_size"
_CALL, _PACKED = "stablehlo.custom_call", "stablehlo.composite"
_Place = tuple[int, int]
"""An argument and one of its dimensions."""
_FEW = 16
"""How many numbers a tensor of sizes has at most."""
_DIRECTION, _NAME = "comparison_direction", "jax.global_constant"
_SIZED = "dynamic_"
"""What is in the names of ops, and of the targets of calls, that take sizes as operands."""


def is_open(type_: ir.Type) -> bool:
    """Whether a size of a tensor's type is left open."""
    return "?" in str(type_)


def names_of_sizes(module: ir.Module, entry: str) -> dict[_Place, str]:
    """What the open sizes of a function's arguments are called, by argument and dimension.

    `jax.export` tells: it asks for sizes, checks which are equal, and passes them on under names.
    Others are called `arg0_1` for the second size of the first argument.
    """
    function = ir.function(module, entry)
    arguments = list(ir.body_of(function).arguments)
    asked = _asked(function, arguments)
    same: dict[_Place, _Place] = {}
    for op in ir.ops_in(function, _CALL):
        if ir.string_in(op, "call_target_name") == CHECK:
            pair = sorted(asked[value] for value in _compared(op.operands[0]) if value in asked)
            same.update([(pair[1], pair[0])] if len(pair) == 2 else [])
    told = {
        asked[value]: name
        for op in ir.ops_in(function, "func.call")
        for value, name in zip(op.operands, _constants(callee(op)), strict=False)
        if value in asked and name.isidentifier()
    }
    places = [
        (i, d)
        for i, value in enumerate(arguments)
        if is_open(value.type)
        for d, size in enumerate(ir.type_of(value)[0])
        if size == ir.DYNAMIC
    ]
    firsts = {place: same.get(place, place) for place in places}
    return {place: told.get(first, number_of_size(*first)) for place, first in firsts.items()}


def _asked(function: ir.Operation, arguments: Sequence[ir.Value]) -> dict[ir.Value, _Place]:
    """The values in a function that are sizes of its arguments, and which."""
    found: dict[ir.Value, _Place] = {}
    for op in ir.ops_in(function, _SIZE, "stablehlo.convert"):
        source = op.operands[0]
        if source in found:
            found[op.results[0]] = found[source]
        elif source in arguments and op.name != "stablehlo.convert":
            place = (arguments.index(source), int(op.attributes["dimension"]))
            found[op.results[0]] = place
    return found


def number_of_size(argument: int, dimension: int) -> str:
    """What a size is called whose name is not known."""
    return f"arg{argument}_{dimension}"


def _compared(value: ir.Value) -> list[ir.Value]:
    """The two values that are compared for being equal."""
    op = defining(value)
    if op is None or op.name != "stablehlo.compare" or "EQ" not in str(op.attributes[_DIRECTION]):
        return []
    return list(op.operands)


def _constants(function: ir.Operation | None) -> list[str]:
    """The names that JAX gives to the arguments of a function that are sizes."""
    if function is None or "arg_attrs" not in function.attributes:
        return []
    rows = function.attributes["arg_attrs"]
    return [row[_NAME].value if _NAME in row else "" for row in rows]


def sized(module: ir.Module, entry: str, shapes: Sequence[ir.Shape]) -> ir.Module:
    """A copy of `module` with nothing but `entry`, for arguments of the given shapes.

    Raises ShapeError (S0101) for shapes that the function's own checks refuse or that do not fit
    together, and UsageError (S0434) where sizes depend on values.
    """
    copy = ir.clone_module(module)
    function = ir.function(copy, entry)
    for op in ir.functions(copy):
        op.attributes["sym_visibility"] = ir.string("public" if op == function else "private")
    inline_calls({ir.symbol_name(op): op for op in ir.functions(copy)}, function)
    _rewrite(copy, function, _PACKED)
    run_pipeline(copy, parse_pipeline("symbol-dce"))
    block = ir.body_of(function)
    for value, shape in zip(block.arguments, shapes, strict=True):
        value.set_type(ir.tensor_type(shape, ir.type_of(value)[1]))
    RefineShapes().run(copy)
    _check(function, entry)
    _fold(function)
    _rewrite(copy, function, _SIZED, _CALL)
    for op in ir.ops_in(function):
        if any(is_open(result.type) for result in op.results):
            raise _open_result(op, entry, shapes)
    results = [value.type for value in returned(block)]
    ir.set_function_type(function, [x.type for x in block.arguments], results)
    try:
        ir.verify(copy)
    except ir.MLIRError as error:
        first = error.error_diagnostics[0]
        raise _misfit(entry, shapes, first.message, ir.location_span(first.location)) from None
    return copy


def _open_result(op: ir.Operation, entry: str, shapes: Sequence[ir.Shape]) -> SlopecError:
    """The error for the first op whose result has no known shape."""
    if _SIZED in op.name:
        return UsageError(
            "S0434",
            f"`{entry}`: the shape of what `{op.name}` makes depends on values",
            span=ir.span_of(op),
            hint="give results sizes that follow from those of the arguments",
        )
    given = ", ".join(str(operand.type) for operand in op.operands)
    return _misfit(entry, shapes, f"`{op.name}` would get {given}", ir.span_of(op))


def _misfit(entry: str, shapes: Sequence[ir.Shape], message: str, span: Span | None) -> ShapeError:
    given = ", ".join(map(str, shapes))
    text = f"`{entry}` cannot take arguments of the shapes {given}: {message}"
    return ShapeError("S0101", text, span=span)


def _rewrite(module: ir.Module, function: ir.Operation, *names: str) -> None:
    """Write the ops that have a part of these in their names with others."""
    table = {op: rule for op, rule in rewrites().items() if any(name in op for name in names)}
    where = Trace(module, ir.body_of(function), None, function=function)
    with tracing.writing(where):
        expand(function, where, table)


def _fold(function: ir.Operation) -> None:
    """Write down what follows from sizes: bounds of loops, say, and where slices begin."""
    for op in ir.ops_in(function):
        number = _number(op)
        if number is not None:
            put_constant(op.results[0], number)


def _number(op: ir.Operation) -> np.ndarray | None:
    """A few integers or truths that follow from a size or from constants."""
    if len(op.results) != 1 or not ir.is_static(op.results[0]):
        return None
    shape, dtype = ir.type_of(op.results[0])
    given = [made.name if made is not None else "" for made in map(defining, op.operands)]
    follows = op.name == _SIZE or (given and set(given) == {"stablehlo.constant"})
    if dtype.kind not in "iub" or math.prod(shape) > _FEW or not follows:
        return None
    return known(op.results[0])


def _check(function: ir.Operation, entry: str) -> None:
    """Raise ShapeError where one of the function's own checks fails, and drop them."""
    for op in ir.ops_in(function, _CALL):
        if ir.string_in(op, "call_target_name") != CHECK:
            continue
        holds = known(op.operands[0])
        if holds is not None and not holds:
            sizes = [known(value) for value in list(op.operands)[1:]]
            message = ir.string_in(op, "error_message")
            for i, size in enumerate(sizes):
                message = message.replace(f"{{{i}}}", str(size))
            raise ShapeError("S0101", f"{entry}: {message}", span=tracing.here())
        op.erase()
