"""Compute all branches of what is decided, and choose among their values, where they cost little.

IREE decides on the host which branch is taken, and waits for the device to know: 0.1 ms on a CPU. A
loop that decides in its trips cannot be a kernel, nor can what it does be one with what follows.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.cost import Cost, cost_of_block
from slopec.passes.each import each, put_results
from slopec.passes.op import Op
from slopec.passes.small_loops import ELEMENTWISE, MOVES
from slopec.transforms.body import replay

_PURE = frozenset(
    f"stablehlo.{name}"
    for name in "reduce dot_general gather scatter dynamic_update_slice pad concatenate return"
    " sine cosine tan power atan2 cbrt reduce_window convolution".split()
)
"""Ops, besides elementwise ones and moves, that end and do no harm with any operands."""


@dataclass(frozen=True)
class FlattenBranches:
    """case(i, f, g) → select(i = 0, f(), g()) where both are cheap."""

    name: ClassVar[str] = "flatten-branches"
    flops: int = 2_000_000
    """Operations of all branches that take about as long as the host takes to decide."""
    bytes: int = 2_000_000
    """Bytes that their ops read and write in that time."""

    def run(self, module: ir.Module) -> None:
        """Rewrite the cheap decisions of `module`, inner ones first."""
        for op in each(module, "stablehlo.case", "stablehlo.if"):
            if self._gains(op.operation):
                _flatten(op)

    def _gains(self, op: ir.Operation) -> bool:
        blocks = [region.blocks[0] for region in op.regions]
        inside = (other for other in ir.ops_in(op) if other != op)
        if not all(map(_is_pure, inside)) or not all(map(ir.is_static, op.results)):
            return False
        cost = sum(map(cost_of_block, blocks), Cost())
        moved = sum(len(blocks) * ir.size_in_bytes(result) for result in op.results)
        return cost.flops <= self.flops and cost.bytes + moved <= self.bytes


def _is_pure(op: ir.Operation) -> bool:
    return op.name in ELEMENTWISE | MOVES | _PURE


def _flatten(op: Op) -> None:
    """Write all branches where the decision is."""
    blocks = [region.blocks[0] for region in op.operation.regions]
    chosen = [replay(block, []) for block in blocks]
    (at,) = op.operands
    results = chosen[-1]
    for number in reversed(range(len(blocks) - 1)):
        here = at if at.dtype == dtypes.bool_ else hlo.compare(at, hlo.full_like(at, number), "EQ")
        pairs = zip(chosen[number], results, strict=True)
        results = [hlo.select(here, one, other) for one, other in pairs]
    put_results(op, results)
