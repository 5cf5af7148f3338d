"""Compute what widens numbers before the ops that IREE would compute it in.

IREE 3.13 takes elementwise ops whose results are wider than their operands into every kernel that
reads them, to read less. In those of scatters and of slices with strides, and at times in others,
it then puts the whole result on the stack, which is larger than that of its worker threads. Where
a slice of it is repeated and put into something larger, it makes a vector of the whole, which takes
it minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.passes.each import each, is_in_loop, part, put
from slopec.passes.op import Op, full_name
from slopec.passes.simplify.shapes import ELEMENTWISE
from slopec.transforms.body import defining

_ELEMENTWISE = frozenset(map(full_name, ELEMENTWISE))
_PLACED = frozenset(f"stablehlo.{name}" for name in ("broadcast_in_dim", "reshape", "transpose"))
_INSERTIONS = frozenset(
    f"stablehlo.{name}" for name in ("concatenate", "dynamic_update_slice", "pad")
)


@dataclass(frozen=True)
class SeparateWidened:
    """scatter(x, i, convert(y)) → scatter(x, i, barrier(convert(y))); likewise strided slices."""

    name: ClassVar[str] = "separate-widened"

    least: int = 16 << 10
    """The bytes from which on it is done, about half of a worker thread's stack."""

    everywhere: bool = False
    """Whether to do so for every op that is not computed element by element."""

    def run(self, module: ir.Module) -> None:
        """Put barriers behind what widens numbers for such an op in `module`."""
        if self.everywhere:
            self._part(module)
        for op in each(module, "stablehlo.scatter", "stablehlo.slice"):
            for place in _places(op):
                value = op.operation.operands[place]
                if self._is_large(value) and widens(value):
                    put(op, place, hlo.optimization_barrier([op.operands[place]])[0])
        for op in each(module, "stablehlo.broadcast_in_dim"):
            (value,), (result,) = op.operation.operands, op.operation.results
            if _is_cut(value) and _is_inserted(result):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])

    def _part(self, module: ir.Module) -> None:
        """Part what widens numbers from all that reads it; barriers do not last in loops."""
        for op in each(module, *_ELEMENTWISE):
            (value,) = op.operation.results
            users = {use.owner.operation.name for use in value.uses}
            taken = self._is_large(value) and users - _ELEMENTWISE
            if taken and not is_in_loop(op) and widens(value):
                part(op)

    def _is_large(self, value: ir.Value) -> bool:
        return ir.is_static(value) and ir.size_in_bytes(value) >= self.least


def _places(op: Op) -> Iterator[int]:
    """The operands that are computed in the kernel of the op."""
    if op.name == "scatter":
        yield from range((len(op.operands) + 1) // 2, len(op.operands))
    elif any(stride > 1 for stride in op.ints("strides")):
        yield 0


def widens(value: ir.Value) -> bool:
    """Whether a value is computed, element by element, of narrower ones among others."""
    width = ir.type_of(value)[1].itemsize
    waiting, seen = [value], {value}
    while waiting:
        made = defining(waiting.pop())
        if made is None or made.name not in _ELEMENTWISE | _PLACED:
            continue
        operands = [x for x in made.operands if ir.is_static(x) and x not in seen]
        if any(ir.type_of(x)[1].itemsize < width for x in operands):
            return True
        waiting += operands
        seen.update(operands)
    return False


def _is_cut(value: ir.Value) -> bool:
    """Whether a value is a part of what is computed of narrower ones."""
    made = defining(value)
    while made is not None and made.name in _PLACED:
        made = defining(made.operands[0])
    return made is not None and made.name == "stablehlo.slice" and widens(made.operands[0])


def _is_inserted(value: ir.Value) -> bool:
    """Whether a value becomes a part of another, element by element perhaps."""
    waiting, seen = [value], {value}
    while waiting:
        users = {use.owner.operation for use in waiting.pop().uses}
        if any(user.name in _INSERTIONS for user in users):
            return True
        made = {r for u in users if u.name in _ELEMENTWISE | _PLACED for r in u.results} - seen
        waiting += made
        seen |= made
    return False
