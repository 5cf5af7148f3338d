"""Folds over several dimensions begin with the last, where a GPU would fold all at once.

IREE 3.13 gives each result of a fold to one group of threads. Over all dimensions that is one group
of a whole GPU, and the compiler for CUDA fails where something that is the same along a row is part
of what is folded, as in Σ exp(x - y) of 64 rows of 100 numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.each import each, put_results
from slopec.passes.simplify.reductions import Reduction


@dataclass(frozen=True)
class InnerFirst:
    """reduce(x, dims) → reduce(reduce(x, last), others), for the last of several dimensions."""

    name: ClassVar[str] = "inner-first"

    def run(self, module: ir.Module) -> None:
        """Rewrite such reductions of `module`."""
        for op in each(module, "stablehlo.reduce"):
            r = Reduction.of(op)
            if r is None or not r.starts_neutral:
                continue
            wide = [d for d in r.dims if r.x.shape[d] > 1]
            last = len(r.x.shape) - 1
            if last in wide and len(wide) > 1:
                others = tuple(d for d in r.dims if d != last)
                put_results(op, [r.over(r.over(r.x, (last,)), others)])
