"""Hoist negations out of sums: the one pattern of `simplify` that GPUs cannot do without, alone.

IREE's GPU back ends refuse to sum negated values, and gradients of layer norm and of cross entropy
are full of them.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.pattern import apply
from slopec.passes.simplify.negations import sum_of_negated


@dataclass(frozen=True)
class HoistNegate:
    """reduce_add(negate(x)) → negate(reduce_add(x))."""

    name: ClassVar[str] = "hoist-negate"

    def run(self, module: ir.Module) -> None:
        """Rewrite every sum of negated values in `module`."""
        apply(module, [sum_of_negated])
