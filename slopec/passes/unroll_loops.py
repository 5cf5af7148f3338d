"""Run several iterations of loops at once where each is a trip to the host and little besides.

IREE decides on the host whether a loop goes on, and waits for the device to do so: 0.1 to 0.2 ms on
a CPU, in which a time step of a recurrent network is done. What iterations have in common, such as
packing a weight for a product, is then done once for all of them as well.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.cost import cost_of_block
from slopec.passes.each import each
from slopec.passes.op import Op
from slopec.passes.routines import KERNEL
from slopec.transforms.body import block_of, replay, returned
from slopec.transforms.counted import Count, count_of
from slopec.transforms.inline import copy_op

TOGETHER = 8
"""Iterations, at most, that become one."""
OPS = 1024
"""Ops, at most, of what they become."""


@dataclass(frozen=True)
class UnrollLoops:
    """while(i < n, f) → f(f(…)) for few iterations, or while(i < n, f(f(…))) if that divides n."""

    name: ClassVar[str] = "unroll-loops"
    least: int = 1_000_000
    """Operations of an iteration below which it is made of dispatches that are quicker to start one
    by one: the Cholesky factor of 512² numbers takes twice the time."""
    most: int = 100_000_000
    """Operations above which the trip to the host does not matter."""

    def run(self, module: ir.Module) -> None:
        """Rewrite every counted loop of `module` whose body is quick, inner loops first."""
        for op in each(module, "stablehlo.while"):
            count = count_of(op.operation)
            if count is None or count.trips < 1 or KERNEL in op.operation.attributes:
                continue
            times = _together(count.trips, _ops(block_of(op.operation, 1)))
            if (times < 2 and count.trips > 1) or not self._gains(op):
                continue
            if times == count.trips:
                _replace(op, count)
            else:
                _repeat(op, times)

    def _gains(self, op: Op) -> bool:
        if ir.ops_in(op.operation, "stablehlo.case", "stablehlo.if"):
            return False  # each of which is a trip to the host as well
        flops = cost_of_block(block_of(op.operation, 1)).flops
        return self.least <= flops <= self.most


def _together(trips: int, ops: int) -> int:
    """The most iterations that divide all and make no more than `OPS`."""
    most = min(TOGETHER, trips, OPS // max(ops, 1))
    return next((k for k in range(most, 1, -1) if trips % k == 0), 1)


def _ops(block: ir.Block) -> int:
    """The ops of a block, those in regions included."""
    inner = [view.operation for view in block.operations]
    return len(inner) + sum(_ops(b) for op in inner for region in op.regions for b in region.blocks)


def _replace(op: Op, count: Count) -> None:
    """Write all iterations where the loop is, the counter being a constant in each."""
    values = list(op.operands)
    for i in range(count.trips):
        values[count.place] = hlo.full_like(values[count.place], count.start + i * count.step)
        values = replay(block_of(op.operation, 1), values)
    for result, value in zip(op.operation.results, values, strict=True):
        result.replace_all_uses_with(op.trace.value_of(value))
    op.operation.erase()


def _repeat(op: Op, times: int) -> None:
    """Write the body `times` times into itself."""
    body = block_of(op.operation, 1)
    *ops, end = [view.operation for view in body.operations]
    point = ir.InsertionPoint(end)
    first = returned(body)
    values = first
    for _ in range(times - 1):
        known = dict(zip(body.arguments, values, strict=True))
        for inner in ops:
            copy_op(inner, known, point)
        values = [known.get(value, value) for value in first]
    for i, value in enumerate(values):
        end.operands[i] = value
