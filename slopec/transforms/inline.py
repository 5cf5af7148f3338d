"""Copying ops elsewhere, and inlining: a call becomes a copy of the ops of the function it calls.

A composite is a call of its decomposition, unless it is a CHLO op that was packed for transport.
"""

from collections.abc import Callable

from slopec import ir
from slopec.dialects import chlo

MARKS = ("slope.keep", "slope.rule", "slope.policy", "slope.name")
"""What marks a function that stays a call while derivatives are taken, and says by which rule."""

_CALLEES = {"func.call": "callee", "stablehlo.composite": "decomposition"}


def called(op: ir.Operation) -> str | None:
    """The function that an op calls, if it calls one."""
    attribute = _CALLEES.get(op.name)
    if attribute is None:
        return None
    return ir.symbol_in(op, attribute)


def callees(op: ir.Operation) -> list[str]:
    """The functions that a function calls, in regions too."""
    calls = ir.ops_in(op, *_CALLEES)
    return [ir.symbol_in(call, _CALLEES[call.name]) for call in calls]


def callee(call: ir.Operation) -> ir.Operation | None:
    """The function that an op calls, if the module has its body."""
    module, name = call.parent, called(call)
    while module.name != "builtin.module":
        module = module.operation.parent
    for view in module.regions[0].blocks[0].operations:
        op = view.operation
        if op.name == "func.func" and ir.symbol_name(op) == name:
            return op if ir.has_body(op) else None
    return None


def mark_like(function: ir.Operation, other: ir.Operation) -> None:
    """Let a function stay a call by the same rule as another."""
    for name in MARKS:
        if name in other.attributes:
            function.attributes[name] = other.attributes[name]


def inline_calls(table: dict[str, ir.Operation], function: ir.Operation) -> None:
    """Inline, all the way down, every call in `function` to a function with a body.

    Functions marked `slope.keep` stay calls: they are units of a custom derivative or of
    recomputation.
    """
    for call in ir.ops_in(function, *_CALLEES):
        if _is_packed(call):
            continue
        callee = table.get(called(call) or "")
        if callee is None or not ir.has_body(callee) or "slope.keep" in callee.attributes:
            continue
        inline_calls(table, callee)
        _inline(call, callee)


def _is_packed(op: ir.Operation) -> bool:
    return op.name == "stablehlo.composite" and ir.string_in(op, "name") in chlo.OPERANDS


def _inline(call: ir.Operation, callee: ir.Operation) -> None:
    """Put a copy of the callee's ops in the place of a call."""
    copy = callee.clone(ip=ir.InsertionPoint(callee))
    block = ir.body_of(copy)
    for parameter, argument in zip(block.arguments, call.operands, strict=True):
        parameter.replace_all_uses_with(argument)
    *ops, end = [op.operation for op in block.operations]
    for op in ops:
        op.move_before(call)
    for result, value in zip(call.results, end.operands, strict=True):
        result.replace_all_uses_with(value)
    call.erase()
    copy.erase()


def copy_op(
    op: ir.Operation, renamed: dict[ir.Value, ir.Value], point: ir.InsertionPoint
) -> ir.Operation:
    """Copy an op to `point`, its operands and what its regions use renamed; record its results."""
    copy = op.clone(ip=point).operation
    for i, operand in enumerate(op.operands):
        copy.operands[i] = renamed.get(operand, operand)
    if len(op.regions):
        _rename_inside(copy, renamed)
    renamed.update(zip(op.results, copy.results, strict=True))
    return copy


def _rename_inside(op: ir.Operation, renamed: dict[ir.Value, ir.Value]) -> None:
    for inner in ir.ops_in(op):
        if inner != op:
            for i, operand in enumerate(inner.operands):
                if operand in renamed:
                    inner.operands[i] = renamed[operand]


def copy_as(declaration: ir.Operation, of: ir.Operation) -> ir.Operation:
    """A copy of the function `of` under the name and type of a declaration."""
    copy = of.clone(ip=ir.InsertionPoint(declaration))
    for name in list(copy.attributes):
        if name.startswith("slope.") or name in ("arg_attrs", "res_attrs"):
            del copy.attributes[name]
    for name in ("sym_name", "sym_visibility", "function_type"):
        copy.attributes[name] = declaration.attributes[name]
    if "slope.public" in declaration.attributes:
        copy.attributes["sym_visibility"] = ir.string("public")
    return copy


# --- functions copied to another module --------------------------------------------------------


def copy_functions(
    source: ir.Module, entry: str, target: ir.Module, fresh: Callable[[str], str]
) -> dict[str, str]:
    """Copy a function, and all that it calls or names, to `target`; return the names it has there.

    `fresh` makes names that the target does not have. The copies are private.
    """
    table = {ir.symbol_name(op): op for op in ir.functions(source)}
    point = ir.InsertionPoint(target.body)
    names: dict[str, str] = {}
    copies = []
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in names:
            continue
        # Without dots, because `f.vjp.0.0` is what a derivative of a traced `f` is called.
        names[name] = fresh(name.replace(".", "_"))
        copy = table[name].clone(ip=point)
        copy.attributes["sym_name"] = ir.string(names[name])
        copy.attributes["sym_visibility"] = ir.string("private")
        copies.append(copy)
        waiting += _symbols(copy)
    for copy in copies:
        _rename(copy, names)
    return names


def _symbols(op: ir.Operation) -> list[str]:
    """The functions that a function calls, is derived from, or names as its rule or a call's."""
    return [*ir.symbols_in(op), *callees(op), *named_by_calls(op)]


def named_by_calls(root: ir.Module | ir.Operation) -> list[str]:
    """The functions that custom calls in a module or function take."""
    return [symbol.value for call in _naming(root) for symbol in call.attributes[_NAMED]]


_NAMED = "called_computations"
"""The attribute of a custom call with functions that it takes, such as an order to sort by."""


def _naming(root: ir.Module | ir.Operation) -> list[ir.Operation]:
    return [op for op in ir.ops_in(root, "stablehlo.custom_call") if _NAMED in op.attributes]


def _rename(function: ir.Operation, names: dict[str, str]) -> None:
    for name in list(function.attributes):
        if name.startswith("slope.") and ir.is_symbol(function.attributes[name]):
            function.attributes[name] = ir.symbol(names[ir.symbol_in(function, name)])
    for call in ir.ops_in(function, *_CALLEES):
        attribute = _CALLEES[call.name]
        call.attributes[attribute] = ir.symbol(names[ir.symbol_in(call, attribute)])
    for call in _naming(function):
        named = [str(ir.symbol(names[symbol.value])) for symbol in call.attributes[_NAMED]]
        call.attributes[_NAMED] = ir.attr(f"[{', '.join(named)}]")
