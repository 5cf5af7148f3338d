"""Memory of its own for what IREE misreads as a view, or shares and then copies wrongly.

Its CPU back end cannot compile a gather from a single column of a tensor, a slice of size 1 in the
last dimension. And loops whose values change places, as in a queue, fail when they run where they
begin as an argument or as the same.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each, put
from slopec.passes.op import Op, producer
from slopec.tensor import Tensor


@dataclass(frozen=True)
class SeparateBuffers:
    """gather(column(x), i) → gather(barrier(…), i), and while(x, y …) → while(copy(x), …)."""

    name: ClassVar[str] = "separate-buffers"

    def run(self, module: ir.Module) -> None:
        """Part every operand that IREE must not share or look through."""
        for op in each(module, "stablehlo.gather"):
            if _is_column(op.operands[0]):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])
        for op in each(module, "stablehlo.while"):
            _copy_queue(op)


def _copy_queue(op: Op) -> None:
    """Let values that change places in a loop begin as copies, made by computing them."""
    block = op.operation.regions[1].blocks[0]
    returned = list(block.operations)[-1].operation.operands
    arguments = list(block.arguments)
    moved = {
        i
        for place, value in enumerate(returned)
        if value in arguments and value != arguments[place]
        for i in (place, arguments.index(value))
    }
    for place in sorted(moved):
        if op.operands[place].size:
            put(op, place, _copied(op.operands[place]))


def _copied(x: Tensor) -> Tensor:
    """`x` and a zero that only running the program tells to be one."""
    if dtypes.is_complex(x.dtype):
        return hlo.complex_(_copied(hlo.real(x)), _copied(hlo.imag(x)))
    # x + -0 is x, of every sign; x + 0 is not.
    zero = hlo.full((), -0.0 if dtypes.is_floating(x.dtype) else 0, x.dtype)
    (unknown,) = hlo.optimization_barrier([zero])
    spread = hlo.broadcast_in_dim(unknown, x.shape, ())
    return hlo.or_(x, spread) if x.dtype == dtypes.bool_ else hlo.add(x, spread)


def _is_column(x: Tensor) -> bool:
    """Whether `x` is a reshaped slice that keeps one element of a last dimension of several."""
    reshaped = producer(x, "reshape")
    cut = None if reshaped is None else producer(reshaped.operands[0], "slice")
    if cut is None or not cut.shape:
        return False
    return cut.shape[-1] == 1 and cut.operands[0].shape[-1] > 1
