"""Keep apart what puts zeros between elements and what puts elements into larger memory.

IREE 3.13 writes both as elements inserted into a filled buffer. Of two insertions, one into the
result of the other, it makes one that forgets the distance between the elements.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, part, put
from slopec.passes.op import Op, producer
from slopec.tensor import Tensor

_INSERTIONS = ("pad", "dynamic_update_slice", "concatenate", "scatter")
_MOVES = ("reshape", "transpose", "slice")


@dataclass(frozen=True)
class SeparateGaps:
    """pad(pad(x), gaps) → pad(barrier(pad(x)), gaps); likewise what pads or inserts the result."""

    name: ClassVar[str] = "separate-gaps"

    def run(self, module: ir.Module) -> None:
        """Part every op that makes gaps from the insertions before and behind it."""
        for op in each(module, "stablehlo.pad", "stablehlo.convolution"):
            if not _makes_gaps(op):
                continue
            if _is_inserted(op.operands[0]):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])
            if op.name == "pad" and any(map(_inserts, _uses(op.operation.results[0]))):
                part(op)


def _makes_gaps(op: Op) -> bool:
    if op.name == "pad":
        return any(op.ints("interior_padding"))
    return op.attribute("lhs_dilation") is not None and max(op.ints("lhs_dilation"), default=1) > 1


def _is_inserted(x: Tensor) -> bool:
    while (made := producer(x, *_MOVES)) is not None:
        x = made.operands[0]
    return producer(x, *_INSERTIONS) is not None


def _uses(value: ir.Value) -> Iterator[ir.Operation]:
    """The ops that use a value, moved perhaps."""
    for use in value.uses:
        user = use.owner.operation
        if _short(user) in _MOVES:
            yield from _uses(user.results[0])
        else:
            yield user


def _inserts(user: ir.Operation) -> bool:
    return _short(user) in _INSERTIONS


def _short(op: ir.Operation) -> str:
    return str(op.name).removeprefix("stablehlo.")
