"""Loops that carry no more than they need: what nothing reads goes, what never changes moves out.

Derivatives are full of such loops: the values of a loop that runs again for its residuals alone,
and the cotangents of what it does not depend on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from slopec import ir
from slopec.transforms.body import block_of, defining, facts_of, returned
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import copy_op
from slopec.transforms.residuals import SPARING, needed_ops

_EFFECTS = {
    "stablehlo.custom_call",
    "stablehlo.infeed",
    "stablehlo.outfeed",
    "stablehlo.recv",
    "stablehlo.rng",
    "stablehlo.send",
}


def slim_loops(block: ir.Block) -> bool:
    """Make every `while` of a block, and those inside them, carry what is needed alone.

    Ops that nothing needs go. Returns whether anything changed.
    """
    changed = False
    while _once(block):
        changed = True
    return changed


def _once(block: ir.Block) -> bool:
    """One way through a block: what goes in an inner loop may let go more outside it."""
    changed = _drop_dead(block)
    for op in [view.operation for view in block.operations]:
        slimmed = slim(op) if op.name == "stablehlo.while" else op
        changed |= slimmed is not op
        for region in slimmed.regions:
            for inner in region.blocks:
                changed |= _once(inner)
    return changed


def _drop_dead(block: ir.Block) -> bool:
    """Erase the ops whose results nothing uses."""
    dead = 0
    for op in reversed([view.operation for view in block.operations]):
        unused = len(op.results) and not any(list(result.uses) for result in op.results)
        if unused and op.name != "func.call" and not _has_effects(op):
            op.erase()
            dead += 1
    return dead > 0


def hoist(block: ir.Block) -> None:
    """Move out of the loops of a block what is dear and the same in every iteration.

    Within the loop its derivative would be saved, or computed, as often as the loop runs.
    """
    for op in [view.operation for view in block.operations]:
        if op.name == "stablehlo.while" and not _has_effects(op):
            _hoist_from(op)


def _hoist_from(op: ir.Operation) -> None:
    body = block_of(op, 1)
    *ops, end = [view.operation for view in body.operations]
    for i in _fixed(op):
        body.arguments[i].replace_all_uses_with(op.operands[i])
        end.operands[i] = body.arguments[i]
    varying = set(body.arguments)
    same = []
    for inner in ops:
        if any(value in varying for value in inputs_of(inner)):
            varying.update(inner.results)
        else:
            same.append(inner)
    dear = [value for inner in same if inner.name not in SPARING for value in inner.results]
    for inner in needed_ops(same, dear):
        inner.move_before(op)


def slim(op: ir.Operation) -> ir.Operation:
    """Replace a `while` by one that carries what is needed alone; return what is there then.

    Loops with effects, and those on other data than tensors, stay as they are.
    """
    if _has_effects(op):
        return op
    _merge_alike(op)
    fixed = _fixed(op)
    kept = [i for i in _live(op) if i not in fixed]
    if len(kept) == len(op.operands):
        return op
    slimmed = _Rebuilt(op, kept, fixed).write()
    for place, value in zip(kept, slimmed.results, strict=True):
        op.results[place].replace_all_uses_with(value)
    for place in fixed:
        op.results[place].replace_all_uses_with(op.operands[place])
    op.erase()
    return slimmed


def _merge_alike(op: ir.Operation) -> None:
    """Let one carried value stand for others that begin and go on as it does."""
    cond, body = block_of(op, 0), block_of(op, 1)
    following = [defining(value) for value in returned(body)]
    first: dict[tuple[object, ...], int] = {}
    for i, start in enumerate(op.operands):
        step = _step(following[i], body.arguments[i])
        j = first.setdefault((start, *step), i) if step is not None else i
        if i != j:
            for block in (cond, body):
                block.arguments[i].replace_all_uses_with(block.arguments[j])
            op.results[i].replace_all_uses_with(op.results[j])


def _step(made: ir.Operation | None, own: ir.Value) -> tuple[object, ...] | None:
    """What an op does to a carried value, in a form that is equal for equal steps."""
    if made is None or len(made.regions) or len(made.results) > 1 or own not in made.operands:
        return None
    operands = ("own" if value == own else value for value in made.operands)
    return made.name, facts_of(made), *operands


def _fixed(op: ir.Operation) -> set[int]:
    """The carried values that every iteration hands on as they are."""
    body = block_of(op, 1)
    return {i for i, value in enumerate(returned(body)) if value == body.arguments[i]}


def _live(op: ir.Operation) -> list[int]:
    """The carried values that a result in use, or the condition, depends on in some iteration."""
    cond, body = block_of(op, 0), block_of(op, 1)
    following = returned(body)
    found = {i for i, result in enumerate(op.results) if list(result.uses)}
    found |= _read(cond, returned(cond))
    while True:
        more = found | _read(body, [following[i] for i in found])
        if more == found:
            return sorted(found)
        found = more


def _read(block: ir.Block, results: Sequence[ir.Value]) -> set[int]:
    """The arguments of a block that `results` depend on."""
    ops = needed_ops([view.operation for view in block.operations], results)
    used = {value for op in ops for value in inputs_of(op)} | set(results)
    return {i for i, argument in enumerate(block.arguments) if argument in used}


def _has_effects(op: ir.Operation) -> bool:
    """Whether something in a loop happens, or hides what happens."""
    if any(not str(value.type).startswith("tensor") for value in op.operands):
        return True
    return bool(ir.ops_in(op, *_EFFECTS))


@dataclass(frozen=True)
class _Rebuilt:
    """A loop written anew with some of its carried values; `fixed` ones come from outside."""

    op: ir.Operation
    kept: Sequence[int]
    fixed: set[int]

    def write(self) -> ir.Operation:
        """Write it before the old one."""
        operands = [self.op.operands[i] for i in self.kept]
        types = [value.type for value in operands]
        point = ir.InsertionPoint(self.op)
        made = ir.create(self.op.name, types, operands, None, self.op.location, point, regions=2)
        (test,) = returned(block_of(self.op, 0))
        values = returned(block_of(self.op, 1))
        following = [values[i] for i in self.kept]
        self._region(made, 0, [test])
        self._region(made, 1, following)
        return made

    def _region(self, made: ir.Operation, number: int, results: Sequence[ir.Value]) -> None:
        old = block_of(self.op, number)
        types = [self.op.operands[i].type for i in self.kept]
        block = made.regions[number].blocks.append(*types, arg_locs=[self.op.location] * len(types))
        renamed = {old.arguments[i]: self.op.operands[i] for i in self.fixed}
        renamed |= {old.arguments[i]: x for i, x in zip(self.kept, block.arguments, strict=True)}
        point = ir.InsertionPoint(block)
        for inner in needed_ops([view.operation for view in old.operations][:-1], results):
            copy_op(inner, renamed, point)
        values = [renamed.get(value, value) for value in results]
        ir.create("stablehlo.return", [], values, None, self.op.location, point)
