"""Values as nodes: what kernels that are written from a module's ops compute, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

NEUTRAL = {
    "arith.addf": 0.0,
    "arith.maximumf": float("-inf"),
    "arith.minimumf": float("inf"),
    "arith.mulf": 1.0,
}
"""The ops that rows and columns are folded by, and what changes nothing in them."""

FOLDS = {"add": "arith.addf", "maximum": "arith.maximumf", "minimum": "arith.minimumf"}
"""Reductions, as kernels spell them."""

DEAR = frozenset(f"math.{name}" for name in "exp log tanh erf log1p expm1 sin cos powf".split()) | {
    "logistic"
}
"""Ops that are not computed again in another pass."""


@dataclass(frozen=True)
class Node:
    """A value: an "input", a "number", a "fold" by `op`, or `op` of other values.

    `rows` and `lanes` say along what it varies. `operands` are places of other nodes. Of an input
    that is still to be folded, "parts", there are `count` many.
    """

    kind: str
    op: str = ""
    operands: tuple[int, ...] = ()
    number: float = 0.0
    rows: bool = False
    lanes: bool = False
    count: int = 0


def levels_of(nodes: Sequence[Node]) -> tuple[int, ...]:
    """For each node how many folds, one after the other, it is made of."""
    found: list[int] = []
    for node in nodes:
        below = max((found[i] for i in node.operands), default=0)
        found.append(below + (node.kind == "fold"))
    return tuple(found)
