"""Slice single numbers in the rank in which they are used.

IREE 3.13 slices a number without dimensions where it can. Where the number is needed with more
dimensions than what it is sliced from has, it takes the slice and the reshape for one, and then
refuses a slice that adds dimensions. Where it is sliced from what is computed of narrower numbers
and reshaped, IREE takes all of that into the kernel that repeats the number, and never ends.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, is_in_loop, part, put_results
from slopec.passes.op import Op, producer
from slopec.passes.separate_widened import widens
from slopec.tensor import Tensor


@dataclass(frozen=True)
class SliceNumbers:
    """reshape(slice(x)) → slice(reshape(x)), where a number gets more dimensions than x has."""

    name: ClassVar[str] = "slice-numbers"

    def run(self, module: ir.Module) -> None:
        """Exchange the two where the result is a single number, or part it from what widens."""
        for op in each(module, "stablehlo.reshape"):
            cut = _slice_behind(op) if set(op.shape) == {1} else None
            if cut is not None and 0 < len(cut.shape) < len(op.shape):
                put_results(op, [_in_rank(cut, len(op.shape))])
        for op in each(module, "stablehlo.slice", "stablehlo.dynamic_slice"):
            if set(op.shape) == {1} and widens(op.operation.operands[0]) and not is_in_loop(op):
                part(op)


def _slice_behind(op: Op) -> Op | None:
    """The slice that a reshape is of, or a reshape of it."""
    x = op.operands[0]
    while (made := producer(x, "reshape")) is not None:
        x = made.operands[0]
    return producer(x, "slice", "dynamic_slice")


def _in_rank(cut: Op, rank: int) -> Tensor:
    """The same slice of the same elements, with dimensions of one in front."""
    x, *starts = cut.operands
    added = rank - len(x.shape)
    ones = (1,) * added
    x = hlo.reshape(x, ones + x.shape)
    if cut.name == "dynamic_slice":
        zeros = [hlo.zeros_like(starts[0])] * added
        return hlo.dynamic_slice(x, zeros + starts, ones + cut.shape)
    first, last, steps = map(cut.ints, ("start_indices", "limit_indices", "strides"))
    return hlo.slice_(x, (0,) * added + first, ones + last, ones + steps)
