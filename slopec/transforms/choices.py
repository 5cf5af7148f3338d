"""Reverse mode past choices: a branch that was not taken has no say, whatever its slopes are.

The cotangent of `select(p, f(x), y)` is f's where p holds. Were it made 0 elsewhere *before* it
runs back through f, an infinite slope of f there would make 0 · ∞ = NaN of it. So f receives it as
it is, and it is made 0 behind f, where it leaves what is computed for this branch alone.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np

from slopec import hlo, ir
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.body import binary_kind, block_of, defining, origin
from slopec.transforms.flow import carries, inputs_of
from slopec.transforms.rule import Slopes, Tangent, rules

CHOICE = "stablehlo.select"
_MOVES = {"stablehlo.broadcast_in_dim", "stablehlo.reshape", "stablehlo.transpose"}


@dataclass(frozen=True)
class Condition:
    """That a predicate `holds`, or does not, at the place of an element.

    The dimensions of the predicate, but those of size 1, are the dimensions `axes` of the value.
    It is the first operand of `reader`, even when a rule has put another value there.
    """

    pred: ir.Value
    holds: bool
    axes: tuple[int, ...]
    reader: ir.Operation = field(compare=False)

    def mask(self, ct: Tensor, where: Trace) -> Tensor:
        """A cotangent where the condition is met, 0 elsewhere."""
        value = self.reader.operands[0]
        pred = Tensor._of_value(value, where, *ir.type_of(value))
        everywhere = not pred.ndim and self.reader.name == CHOICE
        if not everywhere and (pred.shape, self.axes) != (ct.shape, _wide(ct.shape)):
            pred = hlo.reshape(pred, [n for n in pred.shape if n != 1])
            pred = hlo.broadcast_in_dim(pred, ct.shape, self.axes)
        zeros = hlo.zeros_like(ct)
        return hlo.select(pred, ct, zeros) if self.holds else hlo.select(pred, zeros, ct)


Conditions = tuple[Condition, ...]
Pairs = set[tuple[ir.Value, Condition]]


class Choices:
    """Under which conditions the values of a block matter, in which cotangents run back.

    under: the conditions that all uses of a value have in common.
    wild: of these, where they are not met the value may be infinite or NaN.
    beyond: of these, the mask comes behind the op that made the value or further on, since a slope
    on the way there may be infinite or NaN.
    due: of those of its uses, the value's cotangent has not got the mask yet.

    What is differentiated counts as finite, unless a branch alone computes it. Of other data only
    the `sure` does: programs choose something else where data is missing.
    """

    def __init__(
        self, ops: Sequence[ir.Operation], active: Set[ir.Value], results: Sequence[ir.Value]
    ) -> None:
        """`results` are the values whose cotangents are given, `active` those that pass them on."""
        self.active = active
        self.under: dict[ir.Value, Conditions] = dict.fromkeys(results, ())
        self.due: dict[ir.Value, Conditions] = {}
        self.wild: Pairs = set()
        self.beyond: Pairs = set()
        self.sure: set[ir.Value] = set()
        if any(op.name == CHOICE and op.results[0] in active for op in ops):
            self._look_back(ops)
            self._look_ahead(ops)

    def _look_back(self, ops: Sequence[ir.Operation]) -> None:
        """Find the conditions of all values from those of their users."""
        for op in reversed(ops):
            if not any(value in self.under for value in op.results):
                continue
            held = self._passing(op)
            for index, value in self._inputs(op):
                found = (*_before(op, index, held), *_chosen(op, index))
                known = self.under.get(value, found)
                self.under[value] = tuple(c for c in known if c in found)

    def _look_ahead(self, ops: Sequence[ir.Operation]) -> None:
        """Find what may be infinite, and whose cotangents have infinite slopes ahead of them."""
        for op in ops:
            slopes = _slopes(op)
            if slopes is None:
                continue
            steep, made = slopes == "steep", op.results[0]
            wild = steep or any(self._is_doubtful(value) for value in op.operands)
            if made not in self.active and not wild:
                self.sure.add(made)
            for condition in self._passing(op):
                before = {(x, c) for i, x in self._inputs(op) for c in _before(op, i, (condition,))}
                here = wild or not self.wild.isdisjoint(before)
                if here:
                    self.wild.add((made, condition))
                if steep or (here and slopes == "tame") or not self.beyond.isdisjoint(before):
                    self.beyond.add((made, condition))

    def _is_doubtful(self, value: ir.Value) -> bool:
        return value not in self.active and value not in self.sure and carries(value)

    def _passing(self, op: ir.Operation) -> Conditions:
        """The conditions of an op's result that all its operands have as well."""
        held = self.under.get(op.results[0], ()) if len(op.results) == 1 else ()
        if not held:
            return ()
        places = [index for index, _ in self._inputs(op)]
        return tuple(c for c in held if all(_before(op, index, (c,)) for index in places))

    def _inputs(self, op: ir.Operation) -> Iterator[tuple[int, ir.Value]]:
        """The operands to which cotangents run."""
        return ((i, value) for i, value in enumerate(inputs_of(op)) if value in self.active)

    def arriving(self, op: ir.Operation, index: int, ct: Tensor, where: Trace) -> Tensor:
        """What an op adds to the cotangent of its input `index`: masked, or to be masked later."""
        made = op.results[0]
        held = tuple(c for c in self.under.get(made, ()) if (made, c) in self.beyond)
        if op.name != CHOICE and not held:
            return ct
        value = op.operands[index]
        for condition in (*_before(op, index, held), *_chosen(op, index)):
            if condition not in self.under[value]:
                ct = condition.mask(ct, where)
            elif condition not in (due := self.due.get(value, ())):
                self.due[value] = (*due, condition)
        return ct

    def complete(self, value: ir.Value, ct: Tangent, where: Trace) -> Tangent:
        """The cotangent of a value, to which all its uses have added: masked if that is due now."""
        for condition in self.due.get(value, ()):
            if ct is not None and (value, condition) not in self.beyond:
                ct = condition.mask(ct, where)
        return ct


def _chosen(op: ir.Operation, index: int) -> Conditions:
    """The condition under which an op takes its operand `index`."""
    if op.name != CHOICE or index == 0:
        return ()
    pred, reader = op.operands[0], op
    axes = _wide(ir.type_of(pred)[0])
    while (made := defining(pred)) is not None and made.name == "stablehlo.broadcast_in_dim":
        place = dict(zip(_wide(ir.type_of(pred)[0]), axes, strict=True))
        dims = list(made.attributes["broadcast_dimensions"])
        pred, reader = made.operands[0], made
        axes = tuple(place[dims[d]] for d in _wide(ir.type_of(pred)[0]))
    return (Condition(pred, index == 1, axes, reader),)


def _wide(shape: Sequence[int]) -> tuple[int, ...]:
    """The dimensions that are not of size 1."""
    return tuple(d for d, n in enumerate(shape) if n != 1)


def _before(op: ir.Operation, index: int, conditions: Conditions) -> Conditions:
    """What the conditions on an op's result are on its operand, for those that it passes on."""
    if not conditions or (place := _places(op, index)) is None:
        return ()
    return tuple(
        replace(c, axes=tuple(place[axis] for axis in c.axes))
        for c in conditions
        if all(axis in place for axis in c.axes)
    )


def _places(op: ir.Operation, index: int) -> dict[int, int] | None:
    """Which dimension of an operand each of the result's is, if it is one; None for other ops.

    These are ops by which elements along such dimensions do not mix.
    """
    if index >= len(op.operands):
        return None
    operand, result = (ir.type_of(x)[0] for x in (op.operands[index], op.results[0]))
    if op.name == "stablehlo.transpose":
        return dict(enumerate(op.attributes["permutation"]))
    if op.name == "stablehlo.broadcast_in_dim":
        dims = enumerate(op.attributes["broadcast_dimensions"])
        return {to: d for d, to in dims if operand[d] == result[to]}
    if op.name == "stablehlo.reshape":
        before, after = _wide(operand), _wide(result)
        same = [operand[d] for d in before] == [result[d] for d in after]
        return dict(zip(after, before, strict=True)) if same else {}
    if op.name == "stablehlo.reduce" and len(op.operands) == 2 and index == 0:
        folded = set(op.attributes["dimensions"])
        return dict(enumerate(d for d in range(len(operand)) if d not in folded))
    elementwise = (rule := rules().get(ir.kind_of(op))) is not None and rule.slopes is not None
    return {d: d for d in range(len(result))} if elementwise and operand == result else None


def _slopes(op: ir.Operation) -> Slopes | None:
    """How steep an op is that passes conditions on, or gives a constant."""
    if op.name in _MOVES or (op.name == "stablehlo.constant" and _is_finite(op.results[0])):
        return "finite"
    if op.name == "stablehlo.reduce":
        return "finite" if binary_kind(block_of(op)) == "add" else "steep"
    if op.name == "stablehlo.divide" and _is_finite(op.operands[1], nonzero=True):
        return "finite"
    rule = rules().get(ir.kind_of(op))
    return None if rule is None else rule.slopes


def _is_finite(value: ir.Value, *, nonzero: bool = False) -> bool:
    """Whether a value is one finite constant all around."""
    op = defining(origin(value, {"broadcast_in_dim"}))
    if op is None or op.name != "stablehlo.constant" or not ir.is_uniform(op):
        return False
    element = ir.constant_array(op).flat[:1]
    return bool(np.isfinite(element).all() and (element.all() or not nonzero))
