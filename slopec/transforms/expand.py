"""Expansion: before a function is derived, ops that are derived through others become those.

The rewritten form takes the op's place in the copy that is being derived; the function itself
stays as it was.
"""

from collections.abc import Mapping, Sequence

from slopec import ir
from slopec.tracing import Trace
from slopec.transforms.flow import inputs_of, varying
from slopec.transforms.rule import Point, Rewrite


def expand(
    function: ir.Operation,
    where: Trace,
    table: Mapping[str, Rewrite],
    sources: Sequence[ir.Value] | None = None,
) -> None:
    """Rewrite the ops of `function`, in regions too, until no rewriting of `table` applies.

    With `sources` only ops that depend on them, differentiably, are rewritten. `where` is the trace
    being written; its insertion point is moved.
    """
    changed = True
    while changed:
        changed = False
        for op in _dependent(_named(function, table), function, sources):
            where.point = ir.InsertionPoint(op)
            where.location = op.location
            changed |= _rewrite(op, where, table[ir.kind_of(op)])


def _named(function: ir.Operation, table: Mapping[str, Rewrite]) -> list[ir.Operation]:
    """The ops that `table` has an entry for, those inside regions before their owner."""
    return [op for op in ir.ops_in(function) if ir.kind_of(op) in table]


def _dependent(
    ops: list[ir.Operation], function: ir.Operation, sources: Sequence[ir.Value] | None
) -> list[ir.Operation]:
    """The ops that depend on `sources`, those that tuples may hide it of, all inside regions."""
    if sources is None or not ops:
        return ops
    body = [view.operation for view in ir.body_of(function).operations]
    moving = varying(body, sources)
    return [
        op
        for op in ops
        if op.parent != function
        or any(value in moving or str(value.type).startswith("tuple") for value in inputs_of(op))
    ]


def _rewrite(op: ir.Operation, where: Trace, rewrite: Rewrite) -> bool:
    """Put what `rewrite` makes of an op in its place; whether it made anything.

    An empty answer removes an op that nothing uses.
    """
    tensors = rewrite(Point(op, where, [True] * len(op.operands)))
    if tensors is None:
        return False
    for result, tensor in zip(op.results, tensors, strict=bool(tensors)):
        result.replace_all_uses_with(where.value_of(tensor))
    op.erase()
    return True
