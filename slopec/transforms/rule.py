"""What is known about an op for transforms: one rule, from which every derived form follows.

A rule answers two questions at a `Point`, which is an op inside the function being derived: `jvp`
(tangents of the results) and `vjp` (cotangents of the operands). Most rules are a `linear`
function, which gives both. An op may instead be `rewritten` into others before it is derived, or
be `unsupported` with advice. How ops are batched is said in `batch_rule.py`.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from slopec import ir, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.linear import LinearMap

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver

Tangent = Tensor | None
Maps = Sequence[LinearMap | None]
Linear = Callable[["Point"], Maps]
Jacobian = Callable[["Point"], Mapping[tuple[int, int], LinearMap]]
Derivative = Callable[["Point", Sequence[Tangent]], Sequence[Tangent]]
Rewrite = Callable[["Point"], Sequence[Tensor] | None]
Slopes = Literal["finite", "tame", "steep"]
"""Finite whatever the operands are, finite for finite operands, or infinite for some of these."""


class Point:
    """An op of the function being derived, its operands and results as tensors there."""

    def __init__(
        self,
        op: ir.Operation,
        where: Trace,
        active: Sequence[bool],
        deriver: "Deriver | None" = None,
    ) -> None:
        """`active` tells which inputs a derivative is wanted for.

        The inputs are the operands and then the outer values that the op's regions use.
        """
        self.op = op
        self.trace = where
        self.active = active
        self.deriver = deriver
        self.outcomes: list[ir.Value] = list(op.results)
        self.replaced = False

    def tensor(self, value: ir.Value) -> Tensor:
        """A value of the function as a tensor."""
        return Tensor._of_value(value, self.trace, *ir.type_of(value))

    @cached_property
    def operands(self) -> list[Tensor]:
        """The operands."""
        return [self.tensor(value) for value in self.op.operands]

    @cached_property
    def results(self) -> list[Tensor]:
        """The results."""
        return [self.tensor(value) for value in self.op.results]

    @property
    def result(self) -> Tensor:
        """The only result."""
        return self.results[0]

    def replace(self, values: Sequence[Tensor]) -> None:
        """Let `values` take the place of the op's results; the op itself becomes dead."""
        self.replaced = True
        self.outcomes = [self.trace.value_of(value) for value in values]
        for old, new in zip(self.op.results, self.outcomes, strict=True):
            old.replace_all_uses_with(new)

    @property
    def name(self) -> str:
        """The op's name, or the target of a call of slopec's own."""
        return ir.kind_of(self.op)

    def attribute(self, name: str) -> Any:
        """An attribute of the op, or None."""
        return self.op.attributes.get(name)

    def ints(self, name: str) -> tuple[int, ...]:
        """The integers of an `array<i64>` attribute; empty when it is absent."""
        value = self.attribute(name)
        return () if value is None else tuple(value)

    def pairs(self, name: str) -> tuple[tuple[int, int], ...]:
        """The rows of a `dense<[[a, b], …]>` attribute; empty when it is absent."""
        value = self.attribute(name)
        return () if value is None else tuple((int(a), int(b)) for a, b in np.array(value))

    def flag(self, name: str) -> bool:
        """A boolean attribute; false when it is absent."""
        value = self.attribute(name)
        return value is not None and bool(value)

    def entries(self, name: str) -> dict[str, Any]:
        """The entries of a dictionary attribute; none when it is absent."""
        value = self.attribute(name)
        return {} if value is None else {entry.name: entry.attr for entry in value}

    def again(self, index: int, operand: Tensor) -> Tensor:
        """The op itself with another operand `index`: a linear op applied to its tangent."""
        return self.repeat({index: operand})[0]

    def repeat(self, replaced: Mapping[int, Tensor]) -> list[Tensor]:
        """The results of the op itself, regions included, with some operands replaced."""
        where = tracing.current()
        copy = self.op.clone(ip=where.point).operation
        for index, operand in replaced.items():
            copy.operands[index] = where.value_of(operand)
        return [Tensor._of_value(value, where, *ir.type_of(value)) for value in copy.results]

    def refuse(self, why: str, hint: str) -> TransformError:
        """An error at the user's line that made this op."""
        return TransformError("S0201", f"{self.name} {why}", span=ir.span_of(self.op), hint=hint)


@dataclass(frozen=True)
class Rule:
    """Everything transforms know about one op.

    `slopes` are those of ops that make each element of elements at its place.
    """

    jvp: Derivative
    vjp: Derivative
    differentiable: bool = True
    slopes: Slopes | None = None


_rules: dict[str, Rule] = {}
_rewrites: dict[str, Rewrite] = {}
_unsupported: dict[str, tuple[str, str]] = {}
_NO_RULE = (
    "has no derivative rule",
    "rewrite it with differentiable operations, or wrap it in `sp.custom_vjp`",
)


def rule_of(op: ir.Operation) -> Rule:
    """The rule of an op; raises TransformError, with advice, when there is none."""
    load_rules()
    kind = ir.kind_of(op)
    found = _rules.get(kind)
    if found is None:
        why, hint = _unsupported.get(kind, _NO_RULE)
        raise TransformError("S0202", f"{kind} {why}", span=ir.span_of(op), hint=hint)
    return found


def rules() -> dict[str, Rule]:
    """The rule of every op that has one."""
    load_rules()
    return _rules


def rewrites() -> dict[str, Rewrite]:
    """The function that rewrites an op into others, for every op that has one."""
    load_rules()
    return _rewrites


def verdicts() -> dict[str, str]:
    """What is known about each op: derivative, constant, rewritten or unsupported."""
    load_rules()
    kinds = {name: "derivative" if r.differentiable else "constant" for name, r in _rules.items()}
    refused = dict.fromkeys(_unsupported, "unsupported")
    return refused | dict.fromkeys(_rewrites, "rewritten") | kinds


@cache
def load_rules() -> None:
    """Import every family of rules, whichever of them are imported already."""
    from slopec.transforms import rules as families

    for family in pkgutil.iter_modules(families.__path__):
        import_module(f"{families.__name__}.{family.name}")


def accumulate(a: Tangent, b: Tangent) -> Tangent:
    """The sum of two tangents, either of which may be absent, that is zero."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _check_captures(point: Point) -> None:
    """Refuse an op whose region uses a varying value from outside: linear maps are of operands."""
    if any(point.active[len(point.op.operands) :]):
        raise point.refuse(
            "uses a value from outside its body that is differentiated",
            "pass the value in as an operand, or apply it before or after the op",
        )


def _jvp_of(jacobian: Jacobian) -> Derivative:
    def jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
        _check_captures(point)
        moved: list[Tangent] = [None] * len(point.op.results)
        for (result, operand), linear_map in jacobian(point).items():
            tangent = tangents[operand]
            if tangent is not None:
                moved[result] = accumulate(moved[result], linear_map.apply(tangent))
        return moved

    return jvp


def _vjp_of(jacobian: Jacobian) -> Derivative:
    def vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
        _check_captures(point)
        back: list[Tangent] = [None] * len(point.active)
        for (result, operand), linear_map in jacobian(point).items():
            cotangent = cotangents[result]
            if cotangent is not None and point.active[operand]:
                back[operand] = accumulate(back[operand], linear_map.transpose(cotangent))
        return back

    return vjp


def jacobian(*names: str) -> Callable[[Jacobian], Jacobian]:
    """Register a function from a point to the linear maps that are not zero, by (result, operand).

    It may leave out maps from operands that are not active.
    """

    def register(function: Jacobian) -> Jacobian:
        for name in names:
            _add(name, Rule(_jvp_of(function), _vjp_of(function)))
        return function

    return register


def linear(*names: str) -> Callable[[Linear], Linear]:
    """Register a function from a point to one linear map (or None) per operand."""

    def register(function: Linear) -> Linear:
        def row(point: Point) -> dict[tuple[int, int], LinearMap]:
            return {(0, i): m for i, m in enumerate(function(point)) if m is not None}

        jacobian(*names)(row)
        return function

    return register


def elementwise(*names: str, slopes: Slopes = "steep") -> Callable[[Linear], Linear]:
    """Register as `linear` does, for ops that make each element of elements at its place."""

    def register(function: Linear) -> Linear:
        linear(*names)(function)
        for name in names:
            _rules[name] = replace(_rules[name], slopes=slopes)
        return function

    return register


def derivatives(name: str, *, jvp: Derivative, vjp: Derivative) -> None:
    """Register an op that implements both modes itself."""
    _add(name, Rule(jvp, vjp))


def not_differentiable(*names: str) -> None:
    """Declare that the results of these ops do not vary with their operands."""

    def none(point: Point, values: Sequence[Tangent]) -> Sequence[Tangent]:
        return [None] * len(point.op.results)

    def nothing(point: Point, values: Sequence[Tangent]) -> Sequence[Tangent]:
        return [None] * len(point.active)

    for name in names:
        _add(name, Rule(none, nothing, differentiable=False))


def rewritten(*names: str, why: str = "", hint: str = "") -> Callable[[Rewrite], Rewrite]:
    """Register a function that writes an op's results with other ops, before anything is derived.

    It may return None when the op at hand is none that it can rewrite. The error for such an op,
    unless it has a rule of its own, says `why` and gives `hint`.
    """

    def register(function: Rewrite) -> Rewrite:
        for name in names:
            assert name not in _rewrites, f"{name} is rewritten twice"
            _rewrites[name] = function
            if why:
                unsupported(name, why=why, hint=hint)
        return function

    return register


def unsupported(*names: str, why: str, hint: str) -> None:
    """Refuse ops, saying why and what to do instead."""
    for name in names:
        assert name not in _rules, f"{name} has a rule"
        _unsupported[name] = (why, hint)


def _add(name: str, rule: Rule) -> None:
    assert name not in _rules, f"{name} has two rules"
    assert name not in _unsupported, f"{name} is refused"
    _rules[name] = rule
