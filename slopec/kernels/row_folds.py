"""Folding the vectors of a row into one number, in several registers that do not wait for others.

The largest number is not a number if one of a row is not. Processors have no such maximum: to make
sure at each step takes three instructions more, for which the next step has to wait. So the folded
ones are plain comparisons, which pass over what is not a number, and whether there was any is told
of two vectors at once, beside. Which of two zeros is the larger, 0 or -0, is not looked at.
"""

from collections.abc import Iterator, Sequence

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Term
from slopec.kernels.nodes import NEUTRAL

AT_ONCE = 4  # registers, which hide what an addition takes

_BEYOND = {"arith.maximumf": ir.i64(2), "arith.minimumf": ir.i64(4)}  # the ordered > and <
_UNORDERED = ir.i64(14)


class RowFold:
    """A fold by an op of `NEUTRAL`; what it carries through a loop are its `terms`."""

    def __init__(self, body: Body, op: str, dtype: DType, lanes: int) -> None:
        self._body, self._op, self._dtype, self._lanes = body, op, dtype, lanes
        self.neutral = body.number(NEUTRAL[op], dtype, lanes)
        self.terms = [self.neutral] * AT_ONCE
        if op in _BEYOND:
            self.terms.append(body.mask(0, lanes))

    def take(self, terms: Iterator[Term]) -> None:
        """Go on with what a trip of a loop was given, or what the last one left."""
        self.terms = [next(terms) for _ in self.terms]

    def add(self, values: Sequence[Term]) -> None:
        """Fold vectors, at most `AT_ONCE`, one into each register."""
        k, known = self._body, self.terms
        beyond = _BEYOND.get(self._op)
        if beyond is None:
            for v, value in enumerate(values):
                known[v] = k.op(self._op, known[v], value)
            return
        for v, value in enumerate(values):
            is_beyond = self._compared(value, known[v], beyond)
            known[v] = k.select(is_beyond, value, known[v])
        for v in range(0, len(values), 2):
            odd = self._compared(values[v], values[min(v + 1, len(values) - 1)], _UNORDERED)
            known[-1] = k.op("arith.ori", known[-1], odd)

    def _compared(self, a: Term, b: Term, predicate: ir.Attribute) -> Term:
        type_ = f"vector<{self._lanes}xi1>"
        return self._body.op("arith.cmpf", a, b, type=type_, predicate=predicate)

    def number(self) -> Term:
        """The one number: halves are combined until there is one lane."""
        k, total = self._body, self.terms[0]
        for other in self.terms[1:AT_ONCE]:
            total = self._both(total, other)
        found = k.folded(total, self._both)
        if self._op not in _BEYOND:
            return found
        kind = ir.attr("#vector.kind<or>")
        is_odd = k.op("vector.reduction", self.terms[-1], type="i1", kind=kind)
        return k.select(is_odd, k.number(float("nan"), self._dtype), found)

    def _both(self, a: Term, b: Term) -> Term:
        """Two vectors as one, among numbers."""
        k, beyond = self._body, _BEYOND.get(self._op)
        if beyond is None:
            return k.op(self._op, a, b)
        lanes = k.lanes(a)
        is_beyond = k.op("arith.cmpf", a, b, type=f"vector<{lanes}xi1>", predicate=beyond)
        return k.select(is_beyond, a, b)
