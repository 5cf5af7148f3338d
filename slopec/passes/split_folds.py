"""Folds of 64-bit numbers that are made of narrower ones, in two, of which no warp shares a row.

IREE 3.13 lets the 32 threads of a warp share a row of as many numbers, or a multiple, where what it
reads has no more than 32 bits: then it cannot exchange what has 64. It fails on Σ convert(x) of 64
integers, not of 63, nor where the 64-bit numbers come from memory, as those of the second fold do.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put_results
from slopec.passes.separate_widened import widens
from slopec.passes.simplify.reductions import Reduction
from slopec.tensor import Tensor

_WARP = 32
_STEP = 16
"""Numbers that are folded first, of rows that warps would share."""


@dataclass(frozen=True)
class SplitFolds:
    """reduce(x) → reduce(reduce(reshape(x))), where x has 64 bits and comes from fewer."""

    name: ClassVar[str] = "split-folds"

    def run(self, module: ir.Module) -> None:
        """Rewrite such reductions of `module`."""
        for op in each(module, "stablehlo.reduce"):
            r = Reduction.of(op)
            if r is None or not r.starts_neutral or not _is_shared(r):
                continue
            if widens(op.operation.operands[0]):
                put_results(op, [_in_two(r)])


def _is_shared(r: Reduction) -> bool:
    """Whether threads would share what is folded into one 64-bit number."""
    count = math.prod(r.x.shape[d] for d in r.dims)
    return r.x.dtype.itemsize == dtypes.int64.itemsize and count > 0 and count % _WARP == 0


def _in_two(r: Reduction) -> Tensor:
    """The fold over one dimension, or a part of it, then over the rest."""
    wide = max(r.dims, key=lambda d: (r.x.shape[d] > 1, d))
    size = r.x.shape[wide]
    step = _STEP if size % _WARP == 0 else size
    parts = hlo.reshape(r.x, (*r.x.shape[:wide], step, size // step, *r.x.shape[wide + 1 :]))
    return r.over(r.over(parts, (wide,)), r.dims)
