"""Long sums in two steps, so that there are many of them to compute at a time, and all are short.

Means and variances of channels, and gradients of what is added to every row, are sums of many short
rows. A back end that makes one loop of each has as many independent results as a row has elements,
and leaves most of a processor idle.

A loss may be one sum of a million numbers. One after the other, with 24 bits to a number, they add
up to what may be off by a hundredth; a thousand sums of a thousand are off by less than 1e-4.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.op import Op
from slopec.passes.pattern import Pattern, apply, pattern
from slopec.passes.simplify.reductions import Reduction
from slopec.tensor import Tensor

# On one core, in ms: 32768 rows of 16 take 0.33 at once and 0.05 in 32 parts, 8192 of 32 take 0.085
# and 0.023, 25088 of 64 take 0.39 and 0.16; 1024 rows of 384 gain nothing, 128 of 512 lose.
_WIDEST_ROW = 128
_FEWEST_ROWS = 1024
_PARTS = 32
_EVEN = 16  # numbers, of which parts of rows are made
_LONGEST = 1 << 12  # numbers that are added up one after the other
_ABREAST = 32  # such sums, at most: as many as divide a row


@dataclass(frozen=True)
class SplitSums:
    """Σ x → Σ Σ x, for many rows of few elements, and for many elements."""

    name: ClassVar[str] = "split-sums"

    def run(self, module: ir.Module) -> None:
        """Rewrite such reductions in `module`."""
        apply(module, PATTERNS)


@pattern("reduce", changes="rounding")
def sum_of_rows(op: Op) -> Tensor | None:
    """Σ x → Σ Σ x

    Over leading dimensions: first within each of some 32 parts of the first dimension, or within
    its elements where there are enough of them.
    """
    r = Reduction.of(op)
    if r is None or not r.starts_neutral or r.dims != tuple(range(len(r.dims))):
        return None
    rows, row = (math.prod(part) for part in (r.x.shape[: len(r.dims)], op.shape))
    if rows < _FEWEST_ROWS or not 0 < row <= _WIDEST_ROW:
        return None
    first, *others = r.x.shape
    if len(r.dims) > 1 and first >= 8:
        return r.over(r.over(r.x, r.dims[1:]), (0,))
    parts = math.gcd(first, _PARTS)
    if parts < 8:
        return None
    split = hlo.reshape(r.x, (parts, first // parts, *others))
    return r.over(r.over(split, tuple(range(1, len(r.dims) + 1))), (0,))


@pattern("reduce", changes="rounding")
def sum_of_many(op: Op) -> Tensor | None:
    """Σ x → Σ Σ x

    For thousands of numbers, among them those of rows: about as many sums as there are numbers in
    each. Dimensions are added up apart, or cut; those that nothing divides are padded before.
    """
    r = Reduction.of(op)
    if r is None or r.kind != "add" or not r.starts_neutral or not dtypes.is_floating(op.dtype):
        return None
    sizes = [r.x.shape[d] for d in r.dims]
    if not r.dims or r.dims[-1] != r.x.ndim - 1 or math.prod(sizes) <= _most(sizes[-1]):
        return None
    if len(sizes) == 1:
        return _cut(r)
    first = min(range(1, len(sizes)), key=lambda i: max(math.prod(sizes[:i]), math.prod(sizes[i:])))
    return r.over(r.over(r.x, r.dims[first:]), r.dims[:first])


def _most(row: int) -> int:
    """How many numbers of such rows one sum may have."""
    return _LONGEST * math.gcd(row, _ABREAST)


def _cut(r: Reduction) -> Tensor:
    """The sums of rows, which are cut in parts."""
    *outer, n = r.x.shape
    root = math.isqrt(n)
    parts = [b for b in range(_EVEN, _LONGEST, _EVEN) if n % b == 0 and n // b <= _LONGEST]
    part = min(parts, key=lambda b: abs(b - root), default=-(-root // _EVEN) * _EVEN)
    count = -(-n // part)
    none = [0] * r.x.ndim
    x = hlo.pad(r.x, r.init, none, [*none[1:], count * part - n]) if n % part else r.x
    cut = hlo.reshape(x, (*outer, count, part))
    return r.over(r.over(cut, (cut.ndim - 1,)), (cut.ndim - 2,))


PATTERNS: tuple[Pattern, ...] = (sum_of_many, sum_of_rows)
