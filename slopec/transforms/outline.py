"""Outlining: a region becomes a function, the outer values that it uses become arguments."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slopec import ir
from slopec.transforms.function import Traced
from slopec.transforms.inline import copy_op
from slopec.tree import LEAF

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver


def outline(deriver: "Deriver", stem: str, block: ir.Block, captured: Sequence[ir.Value]) -> Traced:
    """Copy a region's block into a private function of (block arguments…, captured values…)."""
    values = [*block.arguments, *captured]
    *ops, end = [view.operation for view in block.operations]
    symbol = deriver.fresh(stem)
    inputs, outputs = [v.type for v in values], [v.type for v in end.operands]
    function = ir.create_function(
        deriver.module, symbol, inputs, outputs, {}, end.location, body=True
    )
    target = ir.body_of(function)
    renamed = dict(zip(values, target.arguments, strict=True))
    point = ir.InsertionPoint(target)
    for op in ops:
        copy_op(op, renamed, point)
    results = [renamed.get(v, v) for v in end.operands]
    ir.create("func.return", [], results, None, end.location, point)
    return Traced(
        symbol,
        tuple(ir.shape_and_dtype(t) for t in inputs),
        tuple(ir.shape_and_dtype(t) for t in outputs),
        LEAF,
        (),
    )
