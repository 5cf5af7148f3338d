"""Ops of one name, one by one, for passes that change ops where they stand."""

from collections.abc import Iterator, Sequence

from slopec import hlo, ir, tracing
from slopec.passes.op import Op, tensor_of
from slopec.tensor import Tensor
from slopec.tracing import Trace


def each(module: ir.Module, *names: str) -> Iterator[Op]:
    """The ops `names` of known shapes, one by one, with the trace writing just before each."""
    for function in ir.functions(module):
        if not ir.has_body(function):
            continue
        found = _called(frozenset(names), function)
        where = Trace(module, ir.body_of(function), None, function=function)
        for op in found:
            where.location, where.point = op.location, ir.InsertionPoint(op)
            with tracing.writing(where):
                yield Op(op, where)


def at(module: ir.Module, operation: ir.Operation) -> Op:
    """An op with a trace that writes just before it."""
    where = Trace(module, operation.block, None, function=operation)
    where.location, where.point = operation.location, ir.InsertionPoint(operation)
    return Op(operation, where)


def put(op: Op, place: int, tensor: Tensor) -> None:
    """Make `tensor` the operand at `place`, in place."""
    op.operation.operands[place] = op.trace.value_of(tensor)


def put_results(op: Op, results: Sequence[Tensor]) -> None:
    """Let `results` take the place of those of an op, which goes."""
    for old, new in zip(op.operation.results, results, strict=True):
        old.replace_all_uses_with(op.trace.value_of(new))
    op.operation.erase()


def part(op: Op) -> None:
    """Let whatever uses the results of an op read them behind a barrier."""
    op.trace.point = ir.InsertionPoint.after(op.operation)
    results = list(op.operation.results)
    uses = [[(use.owner.operation, use.operand_number) for use in r.uses] for r in results]
    apart = hlo.optimization_barrier([tensor_of(r, op.trace) for r in results])
    for tensor, users in zip(apart, uses, strict=True):
        for user, place in users:
            user.operands[place] = op.trace.value_of(tensor)


def is_in_loop(op: Op) -> bool:
    """Whether a loop of the function may run the op many times."""
    parent = op.operation.parent
    while parent.name != "func.func":
        if parent.name == "stablehlo.while":
            return True
        parent = parent.parent
    return False


def _called(names: frozenset[str], function: ir.Operation) -> list[ir.Operation]:
    return [op for op in ir.ops_in(function, *names) if all(map(ir.is_static, op.operands))]
