"""Positions that data are compared with, as a constant.

IREE's Metal back end cannot compile a reduction of what a comparison with positions chose, as the
cross entropy of labels is one: it keeps the positions of a whole dimension in memory that it cannot
allocate. A constant of one dimension costs nothing on any target.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import Op, producer
from slopec.tensor import Tensor

LARGEST = 1 << 16
"""Positions, at most, that become a constant."""


@dataclass(frozen=True)
class ConstantPositions:
    """compare(iota, x) → compare(broadcast(constant 0 … n − 1), x)."""

    name: ClassVar[str] = "constant-positions"

    def run(self, module: ir.Module) -> None:
        """Rewrite the comparisons of positions with what is not positions too."""
        for op in each(module, "stablehlo.compare"):
            found = [producer(operand, "iota") for operand in op.operands]
            for place, iota in enumerate(found):
                if iota is not None and not all(found):
                    _replace(op, place, iota)


def _replace(op: Op, place: int, iota: Op) -> None:
    axis = iota.integer("iota_dimension")
    size = iota.shape[axis]
    if size <= LARGEST:
        put(op, place, _positions(iota, axis, size))


def _positions(iota: Op, axis: int, size: int) -> Tensor:
    line = hlo.constant(np.arange(size).astype(iota.dtype))
    return hlo.broadcast_in_dim(line, iota.shape, (axis,))
