"""A graph of ONNX as data, and how it runs: what is known is folded, the rest goes by the table."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from slopec import tracing
from slopec.diagnostics import SlopecError, UsageError
from slopec.interop.graph import ByDigest
from slopec.interop.onnx import KNOWN, TABLE
from slopec.ops import asarray
from slopec.tensor import Tensor

Value = Tensor | np.ndarray | None
"""A tensor, an array that is known, or nothing for an input left out."""


@dataclass(frozen=True)
class Node:
    """One operation. `proto` is what ONNX says of it, which folding and expanding want."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any = field(compare=False, repr=False)
    version: int

    def says(self) -> str:
        """How an error calls it."""
        return f"`{self.name}` ({self.op})" if self.name else f"{self.op} of `{self.outputs[0]}`"


@dataclass(frozen=True, eq=False)
class Graph(ByDigest):
    """Nodes in order, with names for what comes in, is constant and goes out."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, np.ndarray]
    nodes: tuple[Node, ...]
    digest: str = ""

    @cached_property
    def frees(self) -> frozenset[str]:
        """Names that its nodes read and that it does not define."""
        made = {*self.inputs, *self.constants, *(o for node in self.nodes for o in node.outputs)}
        read = {name for node in self.nodes for name in node.inputs if name}
        for node in self.nodes:
            for part in node.attributes.values():
                if isinstance(part, Graph):
                    read |= part.frees
        return frozenset(read - made | set(self.outputs) - made)


def run(graph: Graph, values: Mapping[str, Value]) -> list[Value]:
    """The outputs of a graph, given its inputs and what it reads from around it.

    One that nothing computes, as in the bodies of some functions, is None.
    """
    known = {**values, **graph.constants}
    for node in graph.nodes:
        try:
            results = _results(node, _inputs(node, known), known)
        except SlopecError as error:
            _tell_of(node, error)
            raise
        known.update(zip(node.outputs, results, strict=False))
    return [known.get(name) for name in graph.outputs]


def _inputs(node: Node, known: Mapping[str, Value]) -> list[Value]:
    for name in node.inputs:
        if name and name not in known:
            raise UsageError("S0165", f"its input `{name}` is made by no node before it")
    return [known[name] if name else None for name in node.inputs]


def _results(node: Node, inputs: list[Value], around: Mapping[str, Value]) -> tuple[Value, ...]:
    if node.op in _CONTROL:
        return _CONTROL[node.op](node, inputs, around)
    if node.op == "Shape":
        return (_shape(node, inputs[0]),)
    if node.op == "Size":
        assert inputs[0] is not None
        return (np.array(inputs[0].size, dtype=np.int64),)
    if node.op in _SHAPED_BY_VALUES:
        inputs = [array_of(value, f"input {place}") for place, value in enumerate(inputs)]
    if all(value is None or isinstance(value, np.ndarray) for value in inputs):
        return _folded(node, inputs)
    function = TABLE.get(node.op)
    if function is None:
        return _expanded(node, inputs)
    places = KNOWN.get(node.op, ())
    operands = [
        array_of(value, f"input {place}") if place in places else _tensor(value)
        for place, value in enumerate(inputs)
    ]
    options = _options(node, function)
    _check_inputs(function, operands, options)
    found = function(*operands, **options)
    return found if isinstance(found, tuple) else (found,)


def _check_inputs(function: Any, operands: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise UsageError (S0165) unless the function takes as many inputs, and has its attributes."""
    try:
        _signature(function).bind(*operands, **options)
    except TypeError as error:
        raise UsageError(
            "S0165", f"the operator does not take these inputs and attributes: {error}"
        ) from None


def _tensor(value: Value) -> Tensor | None:
    return value if value is None or isinstance(value, Tensor) else asarray(value)


def array_of(value: Value, what: str) -> np.ndarray | None:
    """A value that has to be known, as an array."""
    if value is None or isinstance(value, np.ndarray):
        return value
    if value._trace is not None:
        raise UsageError(
            "S0164",
            f"{what} decides about shapes or the course of the program, so it must be known",
            hint="make it a constant of the model, or call the model outside of `jit` and `grad`",
        )
    return np.asarray(value)


def _shape(node: Node, x: Value) -> np.ndarray:
    assert x is not None
    part = slice(node.attributes.get("start", 0), node.attributes.get("end"))
    return np.array(x.shape[part], dtype=np.int64)


@cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _options(node: Node, function: Any) -> dict[str, Any]:
    """The attributes as keywords, and what else the function wants to be told."""
    named = _signature(function).parameters
    options = {_keyword(name): value for name, value in node.attributes.items()}
    unknown = sorted(options.keys() - named.keys())
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in named.values()):
        raise UsageError("S0164", f"the attribute `{unknown[0]}` has no counterpart here")
    told = {"version": node.version, "outputs": len(node.outputs)}
    return options | {name: value for name, value in told.items() if name in named}


def _keyword(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def _folded(node: Node, inputs: list[Value]) -> tuple[Value, ...]:
    """What ONNX's own reference makes of inputs that are known."""
    from slopec.interop.onnx.library import fold

    return fold(node, inputs)


def _expanded(node: Node, inputs: list[Value]) -> tuple[Value, ...]:
    """What the operators compute by which ONNX defines another."""
    from slopec.interop.onnx.library import body_of

    body = body_of(node, inputs)
    if body is None:
        raise UsageError(
            "S0164",
            f"ONNX's operator `{node.op}` has no counterpart here",
            hint="export the model with other operators, or with another opset version",
        )
    given = dict.fromkeys(body.inputs) | dict(zip(body.inputs, inputs, strict=False))
    return tuple(run(body, given))


def _branch(node: Node, inputs: list[Value], around: Mapping[str, Value]) -> tuple[Value, ...]:
    condition = array_of(inputs[0], "the condition")
    assert condition is not None
    return tuple(run(node.attributes["then_branch" if condition.all() else "else_branch"], around))


def _loop(node: Node, inputs: list[Value], around: Mapping[str, Value]) -> tuple[Value, ...]:
    """A loop whose number of turns is known, unrolled."""
    from slopec.ops import stack

    body = node.attributes["body"]
    limit, condition = (array_of(value, "the number of turns") for value in inputs[:2])
    carried = list(inputs[2:])
    rows: list[list[Value]] = []
    turn = 0
    while (limit is None or turn < int(limit.item())) and (condition is None or condition.all()):
        given = [np.array(turn, dtype=np.int64), np.array(True), *carried]
        again, *results = run(body, {**around, **dict(zip(body.inputs, given, strict=True))})
        condition = array_of(again, "the condition")
        carried, row = results[: len(carried)], results[len(carried) :]
        rows.append(row)
        turn += 1
    if not rows and len(node.outputs) > len(carried):
        raise UsageError("S0164", "a loop that never runs has no rows to return")
    scanned = [
        stack([asarray(part) for part in column if part is not None])
        for column in zip(*rows, strict=True)
    ]
    return (*carried, *scanned)


_SHAPED_BY_VALUES = frozenset(("ConstantOfShape", "Range", "NonZero", "Unique"))
_CONTROL = {"If": _branch, "Loop": _loop}


def _tell_of(node: Node, error: SlopecError) -> None:
    """Say of what went wrong in which node it did."""
    if not any(note.startswith("in the node") for note in error.notes):
        error.notes = (*error.notes, f"in the node {node.says()} of the ONNX model")
    if error.span is None:
        error.span = tracing.here()
