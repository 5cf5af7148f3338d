"""Stacks of which only the row that is written last is looked at are not stacked at all."""

from collections.abc import Sequence

from slopec import hlo, ir
from slopec.passes.op import Op
from slopec.passes.stacks import stack_of
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, replay, returned
from slopec.transforms.counted import count_of


def carry_last_rows(op: Op) -> None:
    """while(s with row i)[last] → while(row i), where nothing else of the stack s is read."""
    rows = {i: row for i in range(len(op.operands)) if (row := _last_row(op, i)) is not None}
    if not rows:
        return
    old, body = op.operation, block_of(op.operation, 1)
    after, initial = returned(body), op.operands
    wanted = [x.owner.operands[1] if i in rows else x for i, x in enumerate(after)]
    end = list(body.operations)[-1].operation
    for i in rows:  # what is replayed must not have the stacks
        end.operands[i] = body.arguments[i]
        after[i].owner.erase()

    def full(values: Sequence[Tensor]) -> list[Tensor]:
        return [initial[i] if i in rows else x for i, x in enumerate(values)]

    def again(*values: Tensor) -> Tensor:
        return replay(block_of(old, 0), full(values))[0]

    def step(*values: Tensor) -> list[Tensor]:
        return replay(body, full(values), wanted)

    first = [_row_of(x, rows[i]) if i in rows else x for i, x in enumerate(initial)]
    made = hlo.while_loop(first, again, step)
    for i, x in enumerate(made):
        value = op.trace.value_of(x)
        if i not in rows:
            old.results[i].replace_all_uses_with(value)
            continue
        for use in list(old.results[i].uses):
            cut = use.owner.operation
            shape, starts = ir.type_of(cut.results[0])[0], list(cut.attributes["start_indices"])
            limits = [start + n for start, n in zip(starts[1:], shape[1:], strict=True)]
            part = hlo.slice_(x, (0, *starts[1:]), (1, *limits))
            cut.results[0].replace_all_uses_with(op.trace.value_of(part))
            cut.erase()
    old.erase()


def _last_row(op: Op, place: int) -> int | None:
    """The row of a stack that the last iteration writes, if what is read of it is of that row."""
    count = count_of(op.operation)
    if count is None or count.trips == 0 or (count.start, count.step) != (0, 1):
        return None
    body = block_of(op.operation, 1)
    stack = stack_of(op, place, returned(body)[place], count)
    if stack is None or len(list(body.arguments[place].uses)) != 1:
        return None
    last = stack.offset + stack.sign * (count.trips - 1)
    users = [use.owner.operation for use in op.operation.results[place].uses]
    return last if users and all(_cuts(user, last) for user in users) else None


def _cuts(op: ir.Operation, row: int) -> bool:
    """Whether an op is a slice of one row, all numbers of a part of it."""
    if op.name != "stablehlo.slice" or set(op.attributes["strides"]) != {1}:
        return False
    return (op.attributes["start_indices"][0], op.attributes["limit_indices"][0]) == (row, row + 1)


def _row_of(stack: Tensor, row: int) -> Tensor:
    none = (0,) * (stack.ndim - 1)
    return hlo.slice_(stack, (row, *none), (row + 1, *stack.shape[1:]))
