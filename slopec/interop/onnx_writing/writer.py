"""A graph of ONNX being written: nodes, constants, and the names of StableHLO's values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from slopec import ir
from slopec.diagnostics import UsageError
from slopec.interop.onnx.types import number_of

Rule = Callable[["Writer", ir.Operation], str]
"""Writes what an op does and returns the name of its result."""


class Writer:
    """Nodes and initializers in order; names are given once."""

    def __init__(self) -> None:
        """An empty graph."""
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._names: dict[Any, str] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self._taken: set[str] = set()

    def fresh(self, stem: str) -> str:
        """A name that nothing has yet."""
        name, number = stem, 0
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

    def bind(self, value: ir.Value, name: str) -> None:
        """Let `name` stand for a value of StableHLO."""
        self._names[value] = name

    def name(self, value: ir.Value) -> str:
        """What stands for a value."""
        return self._names[value]

    def operands(self, op: ir.Operation) -> list[str]:
        """The names of an op's operands."""
        return [self._names[value] for value in op.operands]

    def add(self, kind: str, inputs: Iterable[str], **attributes: Any) -> str:
        """A node with one output, whose name is returned."""
        from onnx import helper

        name = self.fresh(kind.lower())
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def initializer(self, array: np.ndarray, name: str) -> str:
        """An initializer of this name, or one like it."""
        from onnx import helper

        chosen = self.fresh(name)
        whole = np.ascontiguousarray(array)
        tensor = helper.make_tensor(
            chosen, number_of(whole.dtype), array.shape, whole.tobytes(), raw=True
        )
        self.initializers.append(tensor)
        return chosen

    def constant(self, array: np.ndarray) -> str:
        """An initializer for an array, one for all that are equal."""
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.initializer(array, "constant")
        return self._constants[key]

    def number(self, value: float, like: ir.Value) -> str:
        """A scalar of the dtype of a value."""
        return self.constant(np.array(value, dtype=ir.type_of(like)[1]))

    def ints(self, values: Sequence[int]) -> str:
        """A vector of int64, which shapes and axes are."""
        return self.constant(np.array(values, dtype=np.int64))

    def reshaped(self, name: str, shape: Sequence[int]) -> str:
        """A value in another shape, in which 0 is a size."""
        options = {"allowzero": 1} if 0 in shape else {}
        return self.add("Reshape", [name, self.ints(shape)], **options)

    def transposed(self, name: str, order: Sequence[int]) -> str:
        """A value with its dimensions in another order."""
        if list(order) == sorted(order):
            return name
        return self.add("Transpose", [name], perm=list(order))


def refused(op: ir.Operation, what: str = "") -> UsageError:
    """The error for an op that ONNX has no counterpart of, at the user's line."""
    return UsageError(
        "S0166",
        f"`{op.name}`{' ' + what if what else ''} has no counterpart in ONNX",
        span=ir.span_of(op),
        hint="write this line with other operations, or save the program as StableHLO",
    )
