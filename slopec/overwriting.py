"""Whether a function may write a result into the memory of one of its arguments.

IREE takes the two for different memory, so it makes nobody wait between those who read the argument
and the one who writes. It promises no order but that of values and what they are computed from, and
of ops that it computes in one dispatch it may compute some again for others. So all that reads the
argument has to be needed for what is written, by way of a dispatch of its own or element by element
at the same place; and what is made of that may only be other results, element by element too.
What IREE updates where it is, and hands on behind a barrier, it would copy onto itself, which its
runtime refuses.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_

from slopec import ir
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.passes.op import full_name
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.transforms.body import defining
from slopec.transforms.flow import inputs_of

IN_PLACE = frozenset(map(full_name, (*ELEMENTWISE, "convert", "reshape", "optimization_barrier")))
"""Ops whose results have each element where operands of their size have what it is made of."""
UPDATES = frozenset({"stablehlo.dynamic_update_slice", "stablehlo.scatter"})
"""Ops whose results have each element of the first operand where it was."""

_BARRIER = "stablehlo.optimization_barrier"


@dataclass(frozen=True)
class _Read:
    """The argument, or a value that may be computed in one dispatch with the reading of it.

    `moved` tells whether elements are elsewhere than in the argument, `multiplied` whether it is
    made by a product of matrices or a convolution, `written` whether of what is written.
    """

    value: ir.Value
    moved: bool = False
    multiplied: bool = False
    written: bool = False


@dataclass(frozen=True)
class Overwriting:
    """A function, as what may be overwritten in it is asked for."""

    block: ir.Block
    end: ir.Operation
    arguments: tuple[ir.Value, ...]
    places: dict[ir.Operation, int]
    """The position of each op in the block."""

    @classmethod
    def of(cls, function: ir.Operation) -> "Overwriting":
        """Of a function with a body of one block."""
        (block,) = function.regions[0].blocks
        ops = [op.operation for op in block.operations]
        places = {op: place for place, op in enumerate(ops)}
        return cls(block, ops[-1], tuple(block.arguments), places)

    def allowed(self, index: int, place: int) -> bool:
        """Whether the result `place` may be written into the argument `index`."""
        written = self.end.operands[place]
        if _is_handed_on(self.arguments[index]):
            return False
        start = self._updated(self.arguments[index], written)
        if start == written:
            return True
        waiting, seen = [_Read(start)], set[_Read]()
        while waiting:
            read = waiting.pop()
            if read.value == written:
                if read.moved:
                    return False
                read = replace(read, written=True)
            if read in seen:
                continue
            seen.add(read)
            for use in read.value.uses:
                user = self._in_block(use.owner.operation)
                if not self._harmless(read, user, written):
                    return False
                waiting += _following(read, user)
        return True

    def _updated(self, value: ir.Value, written: ir.Value) -> ir.Value:
        """What an argument becomes by updates that nothing else sees, `written` at the latest.

        IREE makes each in the memory of the one before.
        """
        while value != written:
            uses = [use.owner.operation for use in value.uses]
            if len(uses) != 1 or uses[0].block != self.block:
                break
            (user,) = uses
            if user.name not in (*UPDATES, "stablehlo.reshape") or user.operands[0] != value:
                break
            if len(user.results) != 1:
                break
            value = user.results[0]
        return value

    def _harmless(self, read: _Read, user: ir.Operation, written: ir.Value) -> bool:
        """Whether a user of something read comes in time."""
        if read.written:
            return user == self.end or _in_place(read.value, user)
        return user != self.end and self._needs(written, user)

    def _needs(self, value: ir.Value, op: ir.Operation) -> bool:
        """Whether a value depends on an op of the block."""
        made = defining(value)
        return made is not None and bool(self._behind[made] >> self.places[op] & 1)

    @cached_property
    def _behind(self) -> dict[ir.Operation, int]:
        """The ops that each depends on, as bits at their positions, its own among them."""
        found: dict[ir.Operation, int] = {}
        for op, place in self.places.items():
            makers = map(defining, inputs_of(op))
            found[op] = reduce(or_, (found[m] for m in makers if m is not None), 1 << place)
        return found

    def _in_block(self, op: ir.Operation) -> ir.Operation:
        """The op of the block in which `op` is."""
        while op.block != self.block:
            op = op.parent.operation
        return op


def _is_handed_on(argument: ir.Value) -> bool:
    """Whether an update of an argument is read behind a barrier."""
    waiting = [(argument, False)]
    while waiting:
        value, updated = waiting.pop()
        for use in value.uses:
            user, place = use.owner.operation, use.operand_number
            updates = user.name in UPDATES and place < len(user.results)
            if updated and user.name == _BARRIER:
                return True
            if updates or user.name in (_BARRIER, "stablehlo.reshape"):
                waiting.append((user.results[place], updated or updates))
    return False


def _following(read: _Read, user: ir.Operation) -> Iterator[_Read]:
    """What comes of a value in the same dispatch, or in the same memory."""
    if multiplies(user):
        if read.multiplied:
            return  # no dispatch has two: the next sums up along what this one runs along
        read = replace(read, multiplied=True)
    moved = read.moved or not (_in_place(read.value, user) or _updates(read.value, user))
    for result in user.results:
        yield replace(read, value=result, moved=moved)


def _in_place(value: ir.Value, user: ir.Operation) -> bool:
    """Whether results have each element where the value has what it is made of."""
    return user.name in IN_PLACE and all(_size(made) == _size(value) for made in user.results)


def _updates(value: ir.Value, user: ir.Operation) -> bool:
    """Whether the result is the value, but for what is put into it."""
    return user.name in UPDATES and user.operands[0] == value and [*user.operands].count(value) == 1


def multiplies(op: ir.Operation) -> bool:
    """Whether an op sums up products of several rows and several columns."""
    rows = columns = summed = 1
    if op.name == "stablehlo.dot_general":
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        left, right = (ir.type_of(value)[0] for value in op.operands)
        summed = math.prod(left[d] for d in numbers.lhs_contracting)
        batch = math.prod(left[d] for d in numbers.lhs_batching)
        rows, columns = (math.prod(side) // max(1, batch * summed) for side in (left, right))
    if op.name == "stablehlo.convolution":
        layout = ConvDimensionNumbers.parse(op.attributes["dimension_numbers"])
        kernel = ir.type_of(op.operands[1])[0]
        columns = kernel[layout.kernel_output_feature]
        summed, rows = (
            size // max(1, columns) for size in (math.prod(kernel), _size(op.results[0]))
        )
    return min(rows, columns, summed) > 1


def _size(value: ir.Value) -> int:
    return math.prod(ir.type_of(value)[0])
