"""Sums of products are no contractions where they may have a factor that the sum repeats.

IREE 3.13 makes a contraction of every sum of products. Where one factor is a number, or the same
along a row that is summed, its compiler for CUDA does not know how threads share that factor, and
fails on rows that fill what its threads read at a time: on Σ 2·x of 64 numbers, not of 63.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import producer
from slopec.passes.simplify.reductions import Reduction
from slopec.passes.simplify.shapes import Broadcast, Dims
from slopec.tensor import Tensor


@dataclass(frozen=True)
class SeparateFactors:
    """Σ x·c → Σ (x·c + 0) for floats; Σ barrier(x·c) for integers.

    Zero changes no sum, but no compiler may drop it, since -0 + 0 is 0.
    """

    name: ClassVar[str] = "separate-factors"

    def run(self, module: ir.Module) -> None:
        """Rewrite such sums of `module`."""
        for op in each(module, "stablehlo.reduce"):
            r = Reduction.of(op)
            if r is not None and r.kind == "add" and _may_repeat_a_factor(r.x, r.dims):
                if dtypes.is_floating(r.x.dtype):
                    put(op, 0, hlo.add(r.x, hlo.full(r.x.shape, 0, r.x.dtype)))
                else:
                    put(op, 0, *hlo.optimization_barrier([r.x]))


def _may_repeat_a_factor(x: Tensor, dims: Dims) -> bool:
    """Whether `x` is a product, unless its factors repeat along other dimensions than `dims`.

    Other factors than broadcasts may turn out to be numbers in IREE's own simplifications, which
    also find products that were moved or converted since: of moved ones no dimension is known.
    """
    made = producer(x, "multiply", "convert", "reshape", "transpose")
    if made is None:
        return False
    if made.name == "multiply":
        return not all(_varies(f, dims) for f in made.operands)
    (given,) = made.operands
    moved = made.name != "convert"
    return _may_repeat_a_factor(given, tuple(range(given.ndim)) if moved else dims)


def _varies(factor: Tensor, dims: Dims) -> bool:
    """Whether a factor is a broadcast, but not along `dims`, as those of matrix products are."""
    convert = producer(factor, "convert")
    repeated = Broadcast.of(factor if convert is None else convert.operands[0])
    return repeated is not None and set(dims).isdisjoint(repeated.replicated(factor.shape))
