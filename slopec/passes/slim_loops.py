"""Make loops do in place what they do to one row, and carry no more than they need.

The gradient of a loop over rows adds to one row of a sum in every iteration, and clears the row of
a cotangent that it has read. Written on whole tensors, either makes the time of a loop grow as the
square of its length.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import hlo, ir
from slopec.passes.each import each
from slopec.passes.last_rows import carry_last_rows
from slopec.passes.op import Op, splat, tensor_of
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, defining, returned
from slopec.transforms.counted import Count, along, count_of
from slopec.transforms.slim import slim_loops

_HOLDS = {"LT": operator.lt, "LE": operator.le, "GT": operator.gt, "GE": operator.ge}


@dataclass(frozen=True)
class SlimLoops:
    """while(s = 0, s + row i) → while(s = 0, row i of s added to), carrying only what is read."""

    name: ClassVar[str] = "slim-loops"

    def run(self, module: ir.Module) -> None:
        """Rewrite every loop of `module`."""
        _slim(module)  # one counter is left of several, and stands in all indices
        for op in each(module, "stablehlo.while"):
            _decide_comparisons(op)
            for place, value in enumerate(returned(block_of(op.operation, 1))):
                if not _add_in_place(op, place, value):
                    _keep_what_was_read(op, place, value)
            carry_last_rows(op)
        _slim(module)


def _slim(module: ir.Module) -> None:
    for function in ir.functions(module):
        if ir.has_body(function):
            slim_loops(ir.body_of(function))


def _decide_comparisons(op: Op) -> None:
    """select(i < 0, x, y) → y

    And so for other comparisons of what follows the counter with a number, where they hold always
    or never.
    """
    count = count_of(op.operation)
    if count is None or count.trips == 0:
        return
    body = block_of(op.operation, 1)
    for compare in [view.operation for view in body.operations]:
        if compare.name != "stablehlo.compare":
            continue
        holds = _HOLDS.get(str(compare.attributes["comparison_direction"]).split()[-1].strip(">"))
        ends = _ends(op, count, compare.operands[0])
        limit = splat(tensor_of(compare.operands[1], op.trace))
        if holds is None or limit is None or ends is None:
            continue
        if holds(ends[0], limit) == holds(ends[1], limit):
            for select in [use.owner.operation for use in compare.results[0].uses]:
                if select.name == "stablehlo.select":
                    chosen = select.operands[1 if holds(ends[0], limit) else 2]
                    select.results[0].replace_all_uses_with(chosen)


def _ends(op: Op, count: Count, value: ir.Value) -> tuple[int, int] | None:
    """What a value that follows the counter is in the first and in the last iteration."""
    found = along(value, block_of(op.operation, 1).arguments[count.place])
    if found is None or found[1] not in (1, -1):
        return None
    first, last = count.start, count.start + count.step * (count.trips - 1)
    return found[0] + found[1] * first, found[0] + found[1] * last


def _add_in_place(op: Op, place: int, following: ir.Value) -> bool:
    """s + dynamic_update_slice(0, y, i) → dynamic_update_slice(s, dynamic_slice(s, i) + y, i)

    Where s is a sum that begins with +0, and therefore is never -0. Returns whether it is one.
    """
    body = block_of(op.operation, 1)
    total = body.arguments[place]
    sum_ = _made_by(following, "add")
    if sum_ is None or total not in list(sum_.operands) or not _is_zero(op.operands[place]):
        return False
    (other,) = [value for value in sum_.operands if value != total] or [total]
    placed = _made_by(other, "dynamic_update_slice")
    if placed is None or not _is_zero(tensor_of(placed.operands[0], op.trace)):
        return False
    op.trace.point, op.trace.location = ir.InsertionPoint(sum_), sum_.location
    whole = tensor_of(total, op.trace)
    row, *starts = [tensor_of(value, op.trace) for value in list(placed.operands)[1:]]
    longer = hlo.add(hlo.dynamic_slice(whole, starts, row.shape), row)
    after = hlo.dynamic_update_slice(whole, longer, starts)
    sum_.results[0].replace_all_uses_with(op.trace.value_of(after))
    sum_.erase()
    return True


def _keep_what_was_read(op: Op, place: int, following: ir.Value) -> None:
    """dynamic_update_slice(x, y, i) → x

    Where each iteration reads row i of x before it is overwritten, no other does, and nothing reads
    x after the loop.
    """
    cond, body = block_of(op.operation, 0), block_of(op.operation, 1)
    value = body.arguments[place]
    update = _made_by(following, "dynamic_update_slice")
    if update is None or update.operands[0] != value:
        return
    if list(cond.arguments[place].uses) or list(op.operation.results[place].uses):
        return
    readers = [use.owner.operation for use in value.uses if use.owner.operation != update]
    alike = all(_reads_what_is_written(reader, update) for reader in readers)
    if alike and _only_returned(update, body) and _never_twice(op, update):
        update.results[0].replace_all_uses_with(value)
        update.erase()


def _reads_what_is_written(reader: ir.Operation, update: ir.Operation) -> bool:
    """Whether an op is a slice of the elements that an update overwrites."""
    if reader.name != "stablehlo.dynamic_slice":
        return False
    sizes = [ir.type_of(value)[0] for value in (reader.results[0], update.operands[1])]
    return sizes[0] == sizes[1] and list(reader.operands)[1:] == list(update.operands)[2:]


def _made_by(value: ir.Value, name: str) -> ir.Operation | None:
    made = defining(value)
    return made if made is not None and made.name == f"stablehlo.{name}" else None


def _is_zero(x: Tensor) -> bool:
    """Whether a tensor is +0 everywhere."""
    value = splat(x)
    return value is not None and value == 0 and not np.signbit(np.real(value)).any()


def _only_returned(op: ir.Operation, body: ir.Block) -> bool:
    """Whether the result of an op goes nowhere but to the next iteration, at one place."""
    users = [use.owner.operation for use in op.results[0].uses]
    return len(users) == 1 and users[0] == list(body.operations)[-1].operation


def _never_twice(op: Op, update: ir.Operation) -> bool:
    """Whether every iteration overwrites other rows: those at c ± the counter."""
    count = count_of(op.operation)
    first, *others = list(update.operands)[2:] or [None]
    if count is None or first is None or not all(map(_number_in(op), others)):
        return False
    ends = _ends(op, count, first)
    rows, size = (ir.type_of(value)[0][0] for value in list(update.operands)[:2])
    return (
        ends is not None and size <= abs(count.step) and 0 <= min(ends) <= max(ends) <= rows - size
    )


def _number_in(op: Op) -> Callable[[ir.Value], bool]:
    return lambda value: splat(tensor_of(value, op.trace)) is not None
