"""Whether a function may write a result into the memory of one of its arguments.

IREE takes the two for different memory, so it makes nobody wait between those who read the argument
and the one who writes: it keeps to the order of the function, and runs at once what only results
depend on. So what reads the argument has to come before what is written, and be needed for it or
for something else than a result; and in the dispatch that writes, each element has to be read where
it is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slopec import ir
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.transforms.body import defining
from slopec.transforms.modes import inputs_of

_IN_PLACE = frozenset(
    name if "." in name else f"stablehlo.{name}"
    for name in (*ELEMENTWISE, "convert", "reshape", "optimization_barrier")
)
"""Ops whose results have each element where the operands have what it is made of."""
_MOVES = frozenset(
    f"stablehlo.{name}"
    for name in "broadcast_in_dim concatenate dynamic_slice pad reverse slice transpose".split()
)
"""Ops that IREE computes with others, in one dispatch; of the rest, it has one in a dispatch."""


_UPDATES = frozenset({"stablehlo.dynamic_update_slice", "stablehlo.scatter"})
"""Ops whose results have each element of the first operand where it was."""


@dataclass(frozen=True)
class _Read:
    """A value computed in the dispatch that reads the argument, or in one beside it.

    `moved` tells whether elements are elsewhere than in the argument, `rooted` whether the dispatch
    has its one op that is neither elementwise nor moves data.
    """

    value: ir.Value
    moved: bool = False
    rooted: bool = False


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
        made = defining(written)
        last = -1 if made is None else self.places[made]
        early = any(use.owner.operation != self.end for use in written.uses)
        waiting, seen = [_Read(self.arguments[index])], set[_Read]()
        while waiting:
            read = waiting.pop()
            if read in seen:
                continue
            seen.add(read)
            if read.value == written:
                if read.moved:
                    return False
                continue  # who reads this reads what was written
            for use in read.value.uses:
                user = self._in_block(use.owner.operation)
                if user == self.end:
                    if not self._before(read.value, written):
                        return False
                    continue
                if self.places[user] > last or (early and not self._needs(written, user)):
                    return False
                waiting += _following(read, user)
        return True

    def _before(self, value: ir.Value, written: ir.Value) -> bool:
        """Whether a result is there before another is written."""
        made = defining(value)
        return made is not None and self._needs(written, made)

    def _needs(self, value: ir.Value, op: ir.Operation) -> bool:
        """Whether a value depends on an op of the block."""
        since = self.places[op]
        waiting, seen = [value], set[ir.Operation]()
        while waiting:
            made = defining(waiting.pop())
            if made is None or made in seen or self.places[made] < since:
                continue
            if made == op:
                return True
            seen.add(made)
            waiting += inputs_of(made)
        return False

    def _in_block(self, op: ir.Operation) -> ir.Operation:
        """The op of the block in which `op` is."""
        while op.block != self.block:
            op = op.parent.operation
        return op


def _following(read: _Read, user: ir.Operation) -> Iterator[_Read]:
    """What comes of a value in the same dispatch."""
    updated = user.name in _UPDATES and [*user.operands].count(read.value) == 1
    in_place = user.name in _IN_PLACE or (updated and user.operands[0] == read.value)
    rooted = user.name not in _IN_PLACE and user.name not in _MOVES
    if rooted and read.rooted:
        return
    for result in user.results:
        yield _Read(result, read.moved or not in_place, read.rooted or rooted)
