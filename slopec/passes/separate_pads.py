"""Keep apart pads of different values, one around the other.

IREE 3.13 computes what is padded where it is written into the filled memory. If that is padded
again, with another value, it makes one dispatch of both, cannot share its work out, and gives up;
a pooling that pads is padded in this sense. Pads of the same value it makes one of.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import Op, is_same_number, producer
from slopec.tensor import Tensor
from slopec.transforms.windows import Windows

_MOVES = ("reshape", "slice")


@dataclass(frozen=True)
class SeparatePads:
    """pad(pad(x, v), w) → pad(barrier(pad(x, v)), w); likewise reduce_window(pad(x, v), w)."""

    name: ClassVar[str] = "separate-pads"

    def run(self, module: ir.Module) -> None:
        """Part the pads of `module`."""
        for op in each(module, "stablehlo.pad"):
            _part(op, 0, op.operands[1])
        for op in each(module, "stablehlo.reduce_window"):
            windows = Windows.of(op.operation, op.shape)
            if windows.wide != windows.shape:
                half = len(op.operands) // 2
                for place in range(half):
                    _part(op, place, op.operands[half + place])


def _part(op: Op, place: int, value: Tensor) -> None:
    """Let an op that pads an operand with a value read it behind a barrier."""
    x = op.operands[place]
    while (made := producer(x, *_MOVES)) is not None:
        x = made.operands[0]
    pad = producer(x, "pad")
    if pad is not None and not is_same_number(pad.operands[1], value):
        put(op, place, hlo.optimization_barrier([op.operands[place]])[0])
