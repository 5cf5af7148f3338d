"""Barriers where IREE would let two ops share what one of them overwrites, or misreads a view.

IREE sorts in place. Sorts that carry the same constant or `iota` along, as two `argsort`s of one
length do, then overwrite each other's. And its CPU back end cannot compile a gather from a single
column of a tensor, a slice of size 1 in the last dimension.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import producer
from slopec.tensor import Tensor

_CONSTANTS = ("constant", "iota")
_MOVES = ("broadcast_in_dim", "reshape", "transpose")


@dataclass(frozen=True)
class SeparateBuffers:
    """sort(x, iota) → sort(x, barrier(iota)), and gather(column(x), i) → gather(barrier(…), i)."""

    name: ClassVar[str] = "separate-buffers"

    def run(self, module: ir.Module) -> None:
        """Put a barrier before every operand that IREE must not share or look through."""
        for op in each(module, "stablehlo.sort"):
            for place, operand in enumerate(op.operands):
                if _is_constant(operand):
                    put(op, place, hlo.optimization_barrier([operand])[0])
        for op in each(module, "stablehlo.gather"):
            if _is_column(op.operands[0]):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])


def _is_constant(x: Tensor) -> bool:
    """Whether `x` does not depend on anything, so that equal ones are made once."""
    moved = producer(x, *_MOVES)
    while moved is not None:
        x = moved.operands[0]
        moved = producer(x, *_MOVES)
    return producer(x, *_CONSTANTS) is not None


def _is_column(x: Tensor) -> bool:
    """Whether `x` is a reshaped slice that keeps one element of a last dimension of several."""
    reshaped = producer(x, "reshape")
    cut = None if reshaped is None else producer(reshaped.operands[0], "slice")
    if cut is None or not cut.shape:
        return False
    return cut.shape[-1] == 1 and cut.operands[0].shape[-1] > 1
