"""What no kernel computes is computed where it is called, so that no function stays between ops."""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.routines import KERNEL
from slopec.transforms.inline import inline_calls


@dataclass(frozen=True)
class InlineRoutines:
    """call @routine(x) → what the routine does, where no kernel took its place."""

    name: ClassVar[str] = "inline-routines"

    def run(self, module: ir.Module) -> None:
        """Inline the calls of all routines of `module`, which go."""
        routines = {
            ir.symbol_name(op): op for op in ir.functions(module) if KERNEL in op.attributes
        }
        for function in list(ir.functions(module)):
            if routines and ir.symbol_name(function) not in routines:
                inline_calls(routines, function)
        for function in routines.values():
            function.erase()


def routines_of(module: ir.Module) -> dict[str, ir.Operation]:
    """The routines of a module by their symbols."""
    return {ir.symbol_name(op): op for op in ir.functions(module) if KERNEL in op.attributes}
