"""Keep a reduction of several operands apart from transposes of its results.

IREE 3.13 moves a transpose into the reduction before it, and of a reduction with several results,
such as the place of a maximum, it then makes one with too few.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, part


@dataclass(frozen=True)
class SeparateFolds:
    """transpose(reduce(x, y)) → transpose(barrier(reduce(x, y)))."""

    name: ClassVar[str] = "separate-folds"

    def run(self, module: ir.Module) -> None:
        """Part every reduction with several results from what transposes one of them."""
        for op in each(module, "stablehlo.reduce"):
            results = list(op.operation.results)
            if len(results) > 1 and any(map(_is_transposed, results)):
                part(op)


def _is_transposed(value: ir.Value) -> bool:
    """Whether a transpose follows, behind ops on each element perhaps."""
    waiting, seen = [value], {value}
    while waiting:
        for use in waiting.pop().uses:
            user = use.owner.operation
            if user.name == "stablehlo.transpose":
                return True
            onward = [x for x in user.results if x not in seen and _count(x) == _count(value)]
            waiting += onward
            seen.update(onward)
    return False


def _count(value: ir.Value) -> int:
    return math.prod(ir.type_of(value)[0])
