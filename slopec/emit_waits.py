"""No branch hands one point in time on twice.

IREE 3.13 keeps such points in registers, and moves a value from its register where it is handed on
for the last time. If a block takes it in two places, and one of them has the very register in which
it is, that one is left empty, and who waits there waits for nothing: a loop of which two carries
are ready at the same time fails, or reads what is not there yet. So of two arguments for which some
branch has the same point, one becomes the later of both. Only the standard library is imported
here.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_library import Handle, Invocation

_POINT = b"!stream.timepoint"
_NOW = b"%now = stream.timepoint.immediate => !stream.timepoint"
_LATER = b"stream.timepoint.join"

Edge = tuple[Handle, int]
"""A branch to a block, and the place of the first value it hands on."""


def hand_on_once(invocation: Invocation) -> bool:
    """Join arguments that are the same point; the module is to have timepoints."""
    library = invocation.library
    module = invocation.take()
    for function in tree.named(library, module, b"util.func"):
        edges = tree.edges(library, function)
        for block in tree.blocks(library, function)[1:]:
            here = [(end, first) for end, to, first in edges if library.mlirBlockEqual(to, block)]
            _join(library, block, here)
    return invocation.give(module)


def _join(library: Any, block: Handle, edges: Sequence[Edge]) -> None:
    """Let no two arguments of a block be the same point."""
    left = tree.arguments(library, block, _POINT)
    for kept, other in combinations(left, 2):
        if {kept, other} <= {*left} and any(
            _is_twice(library, edge, kept, other) for edge in edges
        ):
            left.remove(other)
            library.mlirValueReplaceAllUsesOfWith(
                library.mlirBlockGetArgument(block, other),
                library.mlirBlockGetArgument(block, kept),
            )
            for end, first in edges:
                _hand_on_later(library, end, first + kept, first + other)


def _is_twice(library: Any, edge: Edge, one: int, other: int) -> bool:
    values, first = tree.operands(library, edge[0]), edge[1]
    same: bool = library.mlirValueEqual(values[first + one], values[first + other])
    return same


def _hand_on_later(library: Any, end: Handle, one: int, other: int) -> None:
    """Let a branch hand on the later of two points in one place, and none in the other."""
    values = tree.operands(library, end)
    if not library.mlirValueEqual(values[one], values[other]):
        later = tree.made_of(library, end, _LATER, [values[one], values[other]])
        library.mlirOperationSetOperand(end, one, later)
    library.mlirOperationSetOperand(end, other, tree.made_before(library, end, _NOW))
