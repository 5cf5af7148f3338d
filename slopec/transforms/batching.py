"""What `vmap` means: a function walked op by op, and written anew for a whole batch at once.

Values that are the same for the whole batch stay as they are, and so do the ops that compute them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slopec import ir, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.axes import NAME, axis_of, uses
from slopec.transforms.batch_rule import Lane, Site, batch_rules, stretch
from slopec.transforms.expand import expand
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import copy_op
from slopec.transforms.rule import rewrites
from slopec.transforms.spread import Scope

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver

_TUPLES = ("stablehlo.get_tuple_element", "stablehlo.tuple")


class Batcher:
    """The values of a function, what stands for them in its batched form, and which are mapped."""

    def __init__(self, deriver: "Deriver", size: int, axis: str | None = None) -> None:
        """Begin with no values; `size` is the batch's, `axis` the name of its axis."""
        self.deriver = deriver
        self.size = size
        self.scope = Scope(deriver.function, axis)
        self.known: dict[ir.Value, ir.Value] = {}
        self.mapped: set[ir.Value] = set()

    def tensor(self, value: ir.Value) -> Tensor:
        """What stands for a value, as a tensor where is being written."""
        known = self.known[value]
        return Tensor._of_value(known, tracing.current(), *ir.type_of(known))

    def walk(self, block: ir.Block, given: Sequence[Lane]) -> list[Lane]:
        """Write a block's ops, its arguments being `given`; return what it returns."""
        for value, lane in zip(block.arguments, given, strict=True):
            self._bind(value, lane)
        *ops, end = [view.operation for view in block.operations]
        for op in ops:
            tracing.current().location = op.location
            self._write(op)
        return [(self.tensor(value), value in self.mapped) for value in end.operands]

    def _bind(self, value: ir.Value, lane: Lane) -> None:
        tensor, mapped = lane
        self.known[value] = tracing.current().value_of(tensor)
        (self.mapped.add if mapped else self.mapped.discard)(value)

    def _write(self, op: ir.Operation) -> None:
        inputs = list(inputs_of(op))
        touched = any(value in self.mapped for value in inputs)
        if not touched and not uses(self.scope.lookup, op, self.scope.axis):
            renamed = {value: self.known[value] for value in inputs}
            copy_op(op, renamed, tracing.current().point)
            self.known.update((value, renamed[value]) for value in op.results)
            self.mapped.difference_update(op.results)
            return
        kind = ir.kind_of(op)
        rule = batch_rules().get(kind)
        if rule is None:
            raise TransformError(
                "S0213",
                f"vmap: {kind} has no batch rule",
                span=ir.span_of(op),
                hint="rewrite it with other operations, or apply the function to one member of the "
                "batch after the other with `sp.map`",
            )
        for value, lane in zip(op.results, rule(Site(op, self)), strict=True):
            self._bind(value, lane)


def write_vmap(deriver: "Deriver", declaration: ir.Operation, of: ir.Operation) -> ir.Operation:
    """Give a declaration the body of the function `of`, batched; return it."""
    flags = [bool(flag) for flag in declaration.attributes["slope.axes"]]
    (size,) = declaration.attributes["slope.size"]
    inputs, _ = ir.function_type(declaration)
    block = declaration.regions[0].blocks.append(
        *inputs, arg_locs=[declaration.location] * len(inputs)
    )
    source = _expanded(deriver, of)
    where = Trace(deriver.module, block, None, function=declaration)
    given = [
        (Tensor._of_value(value, where, *ir.type_of(value)), flag)
        for value, flag in zip(block.arguments, flags, strict=True)
    ]
    with tracing.writing(where):
        batcher = Batcher(deriver, int(size), axis_of(declaration))
        lanes = batcher.walk(ir.body_of(source), given)
        wide = [x if mapped else stretch(x, int(size)) for x, mapped in lanes]
        values = [where.value_of(x) for x in wide]
    ir.create("func.return", [], values, None, declaration.location, where.point)
    source.erase()
    for name in ("slope.derive", "slope.of", "slope.axes", "slope.size", NAME):
        if name in declaration.attributes:
            del declaration.attributes[name]
    if "slope.public" in declaration.attributes:
        del declaration.attributes["slope.public"]
        declaration.attributes["sym_visibility"] = ir.string("public")
    return declaration


def _expanded(deriver: "Deriver", of: ir.Operation) -> ir.Operation:
    """A copy of a function in which ops without a batch rule are rewritten into others.

    Tuples that were taken apart are gone.
    """
    copy = of.clone(ip=ir.InsertionPoint(of)).operation
    where = Trace(deriver.module, ir.body_of(copy), None, function=copy)
    table = {name: rule for name, rule in rewrites().items() if name not in batch_rules()}
    with tracing.writing(where):
        expand(copy, where, table)
    for op in reversed([view.operation for view in ir.body_of(copy).operations]):
        if op.name in _TUPLES and not list(op.results[0].uses):
            op.erase()
    return copy
