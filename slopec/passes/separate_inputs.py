"""What is computed of more tensors than a kernel may read is computed in parts.

IREE 3.13 makes one dispatch of what is computed element by element, such as the sum of forty
tensors, but binds no more than 32 buffers to it: the artifact then does not run.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, put
from slopec.passes.facts import MOVES
from slopec.passes.op import Op
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.transforms.body import defining

_MOST = 24
"""Tensors that are read together; what is made of them is written, in several forms perhaps."""


@dataclass(frozen=True)
class SeparateInputs:
    """f(g(x, …), h(y, …)) → f(barrier(g(x, …)), h(y, …)), of too many x and y."""

    name: ClassVar[str] = "separate-inputs"

    def run(self, module: ir.Module) -> None:
        """Part what is computed in `module`."""
        read: dict[ir.Value, frozenset[ir.Value]] = {}
        fused = [f"stablehlo.{name}" for name in (*ELEMENTWISE, *MOVES)]
        for op in each(module, *fused):
            _part(op, read)
            inputs = frozenset().union(*(_inputs(v, read) for v in op.operation.operands))
            read.update(dict.fromkeys(op.operation.results, inputs))


def _part(op: Op, read: dict[ir.Value, frozenset[ir.Value]]) -> None:
    """Put barriers before operands until those that are read together are few."""
    while True:
        parts = [_inputs(value, read) for value in op.operation.operands]
        if len(frozenset().union(*parts)) <= _MOST:
            return
        place = max(range(len(parts)), key=lambda i: len(parts[i]))
        put(op, place, hlo.optimization_barrier([op.operands[place]])[0])


def _inputs(value: ir.Value, read: dict[ir.Value, frozenset[ir.Value]]) -> frozenset[ir.Value]:
    """What a value is computed of together with what reads it."""
    made = defining(value)
    if made is not None and made.name == "stablehlo.constant" and ir.is_uniform(made):
        return frozenset()
    return read.get(value, frozenset([value]))
