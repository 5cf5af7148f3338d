"""Inlining: a call is replaced by a copy of the ops of the function it calls."""

from slopec import ir


def inline_calls(table: dict[str, ir.Operation], function: ir.Operation) -> None:
    """Inline, all the way down, every call in `function` to a function with a body.

    Functions marked `slope.keep` stay calls: they are units of a custom derivative or of
    recomputation.
    """
    calls: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "func.call":
            calls.append(op)
        return ir.WalkResult.ADVANCE

    function.walk(visit)
    for call in calls:
        callee = table.get(str(ir.mlir.FlatSymbolRefAttr(call.attributes["callee"]).value))
        if callee is None or not ir.has_body(callee) or "slope.keep" in callee.attributes:
            continue
        inline_calls(table, callee)
        _inline(call, callee)


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
