"""What is known about an op for transforms: one rule, from which every derived form follows.

A rule answers three questions at a `Point`, which is an op inside the function being derived:
`jvp` (tangents of the results), `vjp` (cotangents of the operands) and `batch` (the op on operands
with a leading batch dimension). Most rules are a `linear` function, which gives the first two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from slopec import ir, trace
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.trace import Trace
from slopec.transforms.linear import LinearMap

Tangent = Tensor | None
Maps = Sequence[LinearMap | None]
Linear = Callable[["Point"], Maps]
Derivative = Callable[["Point", Sequence[Tangent]], Sequence[Tangent]]


class Point:
    """An op of the function being derived, its operands and results as tensors there."""

    def __init__(self, op: ir.Operation, where: Trace, active: Sequence[bool]) -> None:
        """`active` tells which operands a derivative is wanted for."""
        self.op = op
        self.trace = where
        self.active = active

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

    @property
    def name(self) -> str:
        """The op's name."""
        return str(self.op.name)

    def attribute(self, name: str) -> Any:
        """An attribute of the op, or None."""
        return self.op.attributes[name] if name in self.op.attributes else None

    def ints(self, name: str) -> tuple[int, ...]:
        """The integers of an `array<i64>` attribute; empty when it is absent."""
        value = self.attribute(name)
        return () if value is None else tuple(value)

    def pairs(self, name: str) -> tuple[tuple[int, int], ...]:
        """The rows of a `dense<[[a, b], …]>` attribute; empty when it is absent."""
        value = self.attribute(name)
        return () if value is None else tuple((int(a), int(b)) for a, b in np.array(value))

    def again(self, index: int, operand: Tensor) -> Tensor:
        """The op itself with another operand `index`: a linear op applied to its tangent."""
        operands = list(self.operands)
        operands[index] = operand
        attributes = {name: self.op.attributes[name] for name in self.op.attributes}
        shape, dtype = ir.type_of(self.op.results[0])
        return trace.emit(self.name, operands, shape, dtype, attributes)

    def refuse(self, why: str, hint: str) -> TransformError:
        """An error at the user's line that made this op."""
        return TransformError(
            "S0201", f"{self.name} {why}", span=ir.span_of(self.op), hint=hint
        )


@dataclass(frozen=True)
class Rule:
    """Everything transforms know about one op."""

    jvp: Derivative
    vjp: Derivative
    differentiable: bool = True


_rules: dict[str, Rule] = {}


def rule_of(op: ir.Operation) -> Rule:
    """The rule of an op; raises TransformError when there is none."""
    load_rules()
    found = _rules.get(op.name)
    if found is None:
        raise TransformError(
            "S0202",
            f"{op.name} has no derivative rule",
            span=ir.span_of(op),
            hint="rewrite it with differentiable operations, or wrap it in `sp.custom_vjp`",
        )
    return found


def rules() -> dict[str, Rule]:
    """The rule of every op that has one."""
    load_rules()
    return _rules


_FAMILIES = ("elementwise", "shape", "reduce", "contract")


def load_rules() -> None:
    """Import every family of rules once."""
    if not _rules:
        for family in _FAMILIES:
            import_module(f"slopec.transforms.rules.{family}")


def accumulate(a: Tangent, b: Tangent) -> Tangent:
    """The sum of two tangents, either of which may be absent, that is zero."""
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _jvp_of(linear: Linear) -> Derivative:
    def jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
        total: Tangent = None
        for linear_map, tangent in zip(linear(point), tangents, strict=True):
            if linear_map is not None and tangent is not None:
                total = accumulate(total, linear_map.apply(tangent))
        return [total]

    return jvp


def _vjp_of(linear: Linear) -> Derivative:
    def vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
        (cotangent,) = cotangents
        assert cotangent is not None
        return [
            linear_map.transpose(cotangent) if linear_map is not None and active else None
            for linear_map, active in zip(linear(point), point.active, strict=True)
        ]

    return vjp


def linear(*names: str) -> Callable[[Linear], Linear]:
    """Register a function from a point to one linear map (or None) per operand."""

    def register(function: Linear) -> Linear:
        for name in names:
            _add(name, Rule(_jvp_of(function), _vjp_of(function)))
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
        return [None] * len(point.op.operands)

    for name in names:
        _add(name, Rule(none, nothing, differentiable=False))


def _add(name: str, rule: Rule) -> None:
    assert name not in _rules, f"{name} has two rules"
    _rules[name] = rule
