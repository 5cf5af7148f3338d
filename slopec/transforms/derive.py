"""The `derive` pass: it writes the bodies of functions that are declared as derived from others.

A derived function begins as a copy of the function it is derived from. Reverse mode then walks the
copy backwards and appends, for every op that matters, the transposes of its linear maps; forward
mode walks it forwards and appends their applications. What the results do not need is removed
afterwards by `symbol-dce` and `cse`, as any other dead code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slopec import dtypes, hlo, ir, trace
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.trace import Trace
from slopec.transforms.inline import inline_calls
from slopec.transforms.rule import Point, Tangent, accumulate, rule_of


@dataclass(frozen=True)
class Derive:
    """Write the body of every function that is declared as derived from another."""

    name = "derive"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place; raises TransformError for what has no derivative."""
        derive(module)


def derive(module: ir.Module) -> None:
    """Write the body of every declared function of `module`, each after what it is made of."""
    table = {ir.symbol_name(op): op for op in ir.functions(module)}
    for symbol in list(table):
        _ensure(module, table, symbol, ())


def pending(op: ir.Operation) -> bool:
    """Whether a function is declared as derived and has no body yet."""
    return "slope.derive" in op.attributes and not ir.has_body(op)


def _ensure(
    module: ir.Module, table: dict[str, ir.Operation], symbol: str, waiting: tuple[str, ...]
) -> None:
    """Make the function `symbol`, and everything that it calls, have a body."""
    op = table.get(symbol)
    if op is None:
        raise TransformError("S0203", f"no function @{symbol} to call or derive from")
    if symbol in waiting:
        raise TransformError(
            "S0203",
            f"@{symbol} is made of itself",
            span=ir.span_of(op),
            notes=("a cycle: " + " → ".join(f"@{s}" for s in (*waiting, symbol)),),
        )
    if pending(op):
        of = str(ir.mlir.FlatSymbolRefAttr(op.attributes["slope.of"]).value)
        _ensure(module, table, of, (*waiting, symbol))
        inline_calls(table, table[of])
        table[symbol] = _fill(op, table[of])
    for callee in callees(table[symbol]):
        _ensure(module, table, callee, (*waiting, symbol))


def callees(op: ir.Operation) -> list[str]:
    """The functions that a function calls, in regions too."""
    found: list[str] = []

    def visit(inner: ir.Operation) -> ir.WalkResult:
        if inner.name == "func.call":
            found.append(str(ir.mlir.FlatSymbolRefAttr(inner.attributes["callee"]).value))
        return ir.WalkResult.ADVANCE

    op.walk(visit)
    return found


def _fill(declaration: ir.Operation, of: ir.Operation) -> ir.Operation:
    """Replace a declaration by the function that it declares."""
    kind = str(ir.mlir.StringAttr(declaration.attributes["slope.derive"]).value)
    writer = {"vjp": _write_vjp, "jvp": _write_jvp}.get(kind)
    if writer is None:
        raise TransformError(
            "S0203", f"unknown transform {kind!r} in slope.derive", span=ir.span_of(declaration)
        )
    copy = of.clone(ip=ir.InsertionPoint(declaration))
    for name in list(copy.attributes):
        if name.startswith("slope."):
            del copy.attributes[name]
    for name in ("sym_name", "sym_visibility", "function_type"):
        copy.attributes[name] = declaration.attributes[name]
    if "slope.public" in declaration.attributes:
        copy.attributes["sym_visibility"] = ir.string("public")
    inputs, _ = ir.function_type(declaration)
    wrt = tuple(declaration.attributes["slope.wrt"])
    out = tuple(declaration.attributes["slope.out"])
    declaration.erase()
    block = ir.body_of(copy)
    end = list(block.operations)[-1].operation
    where = Trace(ir.Module.create(ir.unknown()), block, None, function=copy)
    where.point = ir.InsertionPoint(end)
    given = len(block.arguments)
    seeds = [
        Tensor._of_value(block.add_argument(type_, ir.unknown()), where, *ir.shape_and_dtype(type_))
        for type_ in inputs[given:]
    ]
    with trace.writing(where):
        extra = writer(where, block, end, wrt, out, seeds)
    values = [*end.operands, *(where.value_of(t) for t in extra)]
    ir.create("func.return", [], values, None, end.location, ir.InsertionPoint(end))
    end.erase()
    return copy


def _body(block: ir.Block) -> list[ir.Operation]:
    """The ops of a block but its last, the return."""
    return [op.operation for op in block.operations][:-1]


def _carries(value: ir.Value) -> bool:
    return dtypes.is_differentiable(ir.type_of(value)[1])


def varying(ops: Sequence[ir.Operation], sources: Sequence[ir.Value]) -> set[ir.Value]:
    """The values of a block that depend, differentiably, on `sources`."""
    found = set(sources)
    for op in ops:
        if any(value in found for value in inputs_of(op)):
            found.update(value for value in op.results if _carries(value))
    return found


def inputs_of(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of an op, and the outer values that its regions use."""
    yield from op.operands
    if len(op.regions):
        yield from captured(op)


def captured(op: ir.Operation) -> list[ir.Value]:
    """The values from outside `op` that its regions use, each once."""
    inside: set[ir.Value] = set()
    used: dict[ir.Value, None] = {}

    def visit(inner: ir.Operation) -> ir.WalkResult:
        if inner != op:
            used.update(dict.fromkeys(inner.operands))
            inside.update(inner.results)
        for region in inner.regions:
            for block in region.blocks:
                inside.update(block.arguments)
        return ir.WalkResult.ADVANCE

    op.walk(visit)
    return [value for value in used if value not in inside]


def _write_vjp(
    where: Trace,
    block: ir.Block,
    end: ir.Operation,
    wrt: Sequence[int],
    out: Sequence[int],
    seeds: Sequence[Tensor],
) -> list[Tensor]:
    """Append the adjoint of every op that leads from `wrt` to `out`, last op first."""
    ops = _body(block)
    active = varying(ops, [block.arguments[i] for i in wrt])
    adjoint: dict[ir.Value, Tangent] = {}
    for place, seed in zip(out, seeds, strict=True):
        value = end.operands[place]
        if value in active:
            adjoint[value] = accumulate(adjoint.get(value), seed)
    for op in reversed(ops):
        cotangents = [adjoint.pop(value, None) for value in op.results]
        if all(ct is None for ct in cotangents):
            continue
        where.location = op.location
        flags = [value in active for value in op.operands]
        back = rule_of(op).vjp(Point(op, where, flags), cotangents)
        for value, flag, ct in zip(op.operands, flags, back, strict=True):
            if flag and ct is not None:
                adjoint[value] = accumulate(adjoint.get(value), ct)
    where.location = end.location
    return [_or_zeros(adjoint.get(block.arguments[i]), block.arguments[i]) for i in wrt]


def _write_jvp(
    where: Trace,
    block: ir.Block,
    end: ir.Operation,
    wrt: Sequence[int],
    out: Sequence[int],
    seeds: Sequence[Tensor],
) -> list[Tensor]:
    """Append the tangent of every op that depends on `wrt`."""
    tangents: dict[ir.Value, Tangent] = {
        block.arguments[i]: seed for i, seed in zip(wrt, seeds, strict=True)
    }
    for op in _body(block):
        given = [tangents.get(value) for value in op.operands]
        if all(t is None for t in given):
            continue
        where.location = op.location
        flags = [t is not None for t in given]
        moved = rule_of(op).jvp(Point(op, where, flags), given)
        tangents.update(
            (value, t) for value, t in zip(op.results, moved, strict=True) if t is not None
        )
    where.location = end.location
    return [_or_zeros(tangents.get(end.operands[i]), end.operands[i]) for i in out]


def _or_zeros(tangent: Tangent, like: ir.Value) -> Tensor:
    return hlo.full(ir.type_of(like)[0], 0, ir.type_of(like)[1]) if tangent is None else tangent
