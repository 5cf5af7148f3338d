"""Keep a reduction apart from transposes of its results, or of what is computed of them.

IREE 3.13 moves a transpose into the reduction before it, and of a reduction with several results,
such as the place of a maximum, it then makes one with too few. Where rows are transposed of which
each has a number taken off, such as their mean, its compiler for Metal makes vectors that are too
long.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, part
from slopec.passes.op import full_name
from slopec.passes.simplify.shapes import ELEMENTWISE

_SPREADING = frozenset(map(full_name, (*ELEMENTWISE, "broadcast_in_dim", "reshape")))


@dataclass(frozen=True)
class SeparateFolds:
    """transpose(reduce(x, y)) → transpose(barrier(reduce(x, y)))."""

    name: ClassVar[str] = "separate-folds"

    spread: bool = False
    """Whether to do so, too, where a single result is spread again before the transpose."""

    def run(self, module: ir.Module) -> None:
        """Part every such reduction from what transposes one of its results."""
        for op in each(module, "stablehlo.reduce"):
            results = list(op.operation.results)
            several = len(results) > 1 and any(map(_is_transposed, results))
            if several or (self.spread and any(map(_is_transposed_spread, results))):
                part(op)


def _is_transposed(value: ir.Value) -> bool:
    """Whether a transpose follows, behind ops on each element perhaps."""
    return _meets_transpose(value, lambda _, x: _count(x) == _count(value))


def _is_transposed_spread(value: ir.Value) -> bool:
    """Whether a transpose follows, behind ops that IREE computes together with the value."""
    return _meets_transpose(value, lambda user, _: user.name in _SPREADING)


def _meets_transpose(value: ir.Value, goes_on: Callable[[ir.Operation, ir.Value], bool]) -> bool:
    """Whether a transpose follows behind ops whose results it is looked for through."""
    waiting, seen = [value], {value}
    while waiting:
        for use in waiting.pop().uses:
            user = use.owner.operation
            if user.name == "stablehlo.transpose":
                return True
            onward = [x for x in user.results if x not in seen and goes_on(user, x)]
            waiting += onward
            seen.update(onward)
    return False


def _count(value: ir.Value) -> int:
    return math.prod(ir.type_of(value)[0])
