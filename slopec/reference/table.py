"""The table of evaluators: one entry per op, from an op to the NumPy function that computes it.

A *rule* reads an op's attributes once and returns a *kernel*, a function of the operands' values.
So an op inside a loop is decoded once however often it runs. A kernel with one result returns the
value; one with none or several returns a list.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from slopec import ir
from slopec.diagnostics import SlopecError

Array = np.ndarray[Any, np.dtype[Any]]
Value = Any
"""An array; a tuple for `tuple<…>`; `TOKEN` for a token."""
Kernel = Callable[..., Any]

TOKEN = None
"""The value of every token: on one device program order is order enough."""


class Body(Protocol):
    """A region or a function made ready to run: call it with the block's arguments."""

    lanewise: bool
    """Whether its scalar ops may run on whole arrays, one lane per element."""

    def __call__(self, *arguments: Value) -> list[Value]:
        """The values that the block returns."""


class Scope(Protocol):
    """What a rule may ask of its surroundings: the regions of its op and other functions."""

    def region(self, region: Any, outputs: Sequence[ir.Value] | None = None) -> Body:
        """Make a region of the op ready to run, to return `outputs` instead of what it returns."""

    def function(self, name: str, caller: ir.Operation) -> Body:
        """Make the function `name` ready to run."""


Rule = Callable[[ir.Operation, Scope], Kernel]
Decoder = Callable[[ir.Operation], Kernel]

SUPPORTED: dict[str, Rule] = {}
LANEWISE: set[str] = set()
"""The ops that treat every element alike, so that a body made of them runs on whole arrays."""

UNSUPPORTED: dict[str, str] = {
    "stablehlo.async_done": "asynchronous execution has no meaning in a sequential evaluator",
    "stablehlo.async_start": "asynchronous execution has no meaning in a sequential evaluator",
    "stablehlo.infeed": "there is no host that feeds data in",
    "stablehlo.outfeed": "there is no host that takes data out",
    "stablehlo.recv": "there is no other device to receive from",
    "stablehlo.send": "there is no other device to send to",
}
"""The ops that are not evaluated, and why."""


def elementwise(*names: str) -> Callable[[Kernel], Kernel]:
    """Enter a kernel that needs no attributes and treats every element alike."""

    def enter(kernel: Kernel) -> Kernel:
        def checked(op: ir.Operation, scope: Scope) -> Kernel:
            check_element_type(op)
            return kernel

        for name in names:
            SUPPORTED[name] = checked
            LANEWISE.add(name)
        return kernel

    return enter


def rule(*names: str, lanewise: bool = False) -> Callable[[Decoder], Decoder]:
    """Enter a function from an op to its kernel."""

    def enter(decoder: Decoder) -> Decoder:
        for name in names:
            SUPPORTED[name] = lambda op, scope: decoder(op)
            if lanewise:
                LANEWISE.add(name)
        return decoder

    return enter


def scoped_rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function from an op and its scope to its kernel."""

    def enter(function: Rule) -> Rule:
        for name in names:
            SUPPORTED[name] = function
        return function

    return enter


# --- reading ops -----------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def decoded(attribute: Any) -> Any:
    """An attribute as a Python value: number, bool, text, tuple or array; enums by their name.

    Structured attributes of a dialect stay as they are.
    """
    if hasattr(attribute, "is_splat"):
        return np.array(attribute)
    if hasattr(attribute, "value"):
        return attribute.value
    if hasattr(attribute, "__iter__"):
        return tuple(
            decoded(item) if isinstance(item, ir.Attribute) else item for item in attribute
        )
    text = str(attribute)
    if text.startswith("#") and text.endswith(">") and "=" not in text:
        return text[text.rfind(" ") + 1 : -1]
    return attribute


def attribute(op: ir.Operation, name: str, default: Any = None) -> Any:
    """The decoded attribute `name` of an op, or `default` where it has none."""
    found = op.attributes.get(name)
    return default if found is None else decoded(found)


def result_shape(op: ir.Operation, index: int = 0) -> ir.Shape:
    """The shape of a result."""
    return ir.type_of(op.results[index])[0]


def result_dtype(op: ir.Operation, index: int = 0) -> np.dtype[Any]:
    """The element type of a result."""
    return ir.type_of(op.results[index])[1]


def operand_shape(op: ir.Operation, index: int = 0) -> ir.Shape:
    """The shape of an operand."""
    return ir.type_of(op.operands[index])[0]


def check_element_type(op: ir.Operation) -> None:
    """Raise TypeError unless the operands are of a type that NumPy computes with.

    A quantised tensor is kept as its integers, on which arithmetic would mean something else.
    """
    for operand in op.operands:
        ir.type_of(operand)


def argument_dtypes(block: ir.Block) -> list[np.dtype[Any]]:
    """The element types of a block's arguments."""
    return [ir.type_of(argument)[1] for argument in block.arguments]


class EvaluationError(SlopecError, NotImplementedError):
    """An op or a program that the reference evaluator cannot evaluate."""


def cannot(op: ir.Operation, why: str, hint: str | None = None) -> EvaluationError:
    """The error for an op that is not evaluated, at the line that made it."""
    return EvaluationError(
        "S0380", f"cannot evaluate `{op.name}`: {why}", span=ir.span_of(op), hint=hint
    )
