"""Stacks: what a loop carries and goes along row by row, a row in each iteration."""

from dataclasses import dataclass

from slopec import dtypes, hlo, ir
from slopec.passes.op import Op, splat, tensor_of
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, defining
from slopec.transforms.counted import Count, along

READS, WRITES = "stablehlo.dynamic_slice", "stablehlo.dynamic_update_slice"


@dataclass(frozen=True)
class Stack:
    """A carried tensor of which iteration i reads and writes row `offset` + `sign`·i alone."""

    offset: int
    sign: int

    def first(self, base: Tensor, size: int) -> Tensor:
        """The first row of the block of `size` iterations that begins with iteration `base`."""
        if self.sign == 1:
            return hlo.add(base, _int(self.offset))
        return hlo.subtract(_int(self.offset - size + 1), base)

    def place(self, j: Tensor, size: int) -> Tensor:
        """The row that the j-th of `size` iterations writes within the block."""
        return j if self.sign == 1 else hlo.subtract(_int(size - 1), j)


def stack_of(op: Op, place: int, following: ir.Value, count: Count) -> Stack | None:
    """How a loop goes along the rows of what it carries at `place`, if it does just that."""
    cond, body = block_of(op.operation, 0), block_of(op.operation, 1)
    value, update = body.arguments[place], defining(following)
    if update is None or update.name != WRITES or update.operands[0] != value:
        return None
    if list(cond.arguments[place].uses) or len(list(update.results[0].uses)) > 1:
        return None
    users = [use.owner.operation for use in value.uses]
    if not all(user == update or _is_read(user, update) for user in users):
        return None
    row, first, *others = list(update.operands)[1:]
    if ir.type_of(row)[0][0] != 1 or any(_number(op, x) != 0 for x in others):
        return None
    return rows_of(first, body.arguments[count.place], count, ir.type_of(value)[0][0])


def _is_read(reader: ir.Operation, update: ir.Operation) -> bool:
    """Whether an op of the same body reads the row that an update overwrites."""
    if reader.name != READS or reader.parent != update.parent:
        return False
    same_row = list(reader.operands)[1:] == list(update.operands)[2:]
    return same_row and ir.type_of(reader.results[0])[0] == ir.type_of(update.operands[1])[0]


def rows_of(row: ir.Value, counter: ir.Value, count: Count, rows: int) -> Stack | None:
    """How `row` goes with the counter, if forwards or backwards and never beyond `rows` rows."""
    found = along(row, counter)
    if found is None or found[1] not in (1, -1):
        return None
    offset, sign = found
    ends = (offset, offset + sign * (count.trips - 1))
    return Stack(offset, sign) if 0 <= min(ends) <= max(ends) < rows else None


def _number(op: Op, value: ir.Value) -> int | None:
    found = splat(tensor_of(value, op.trace))
    return None if found is None else int(found)


def _int(value: int) -> Tensor:
    return hlo.full((), value, dtypes.int32)
