"""An entry of a program: binds Python arguments, picks the function for their sizes, calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Array
from .call import Call
from .errors import Error, did_you_mean
from .operands import Expected, Operand, check_formulas, describe, measure, operand
from .sizes import is_name
from .split import Piece, join, pieces, take
from .tree import Tree, flatten, unflatten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .context import Context
    from .manifest import EntryPoint, Shape


class Entry:
    """One callable of a program; call it with positional or named arguments.

    Arguments and results nest as they did when the entry was compiled; leaves are NumPy arrays,
    device arrays, numbers or lists going in and `Array` coming out. Raises Error S0510 (arguments),
    S0511 (shape), S0512 (dtype), S0513 (size), S0514 (state), S0515 (donated), S0516 (device).
    """

    def __init__(self, name: str, facts: EntryPoint, context: Context) -> None:
        self.name = name
        self.facts = facts
        self.__doc__ = facts.doc or None
        self._context = context
        self._dims = tuple(sorted(facts.variants[0].dims))
        self._calls = {
            tuple(variant.dims[dim] for dim in self._dims): Call(name, facts, variant, context)
            for variant in facts.variants
        }
        self._only = self._calls.get(())
        self._fed = [i for i, array in enumerate(facts.inputs) if array.slot is None]
        self._expected = [
            Expected(f"input '{array.name}' of {name}()", array.name, array.shape, array.dtype)
            for array in facts.inputs
            if array.slot is None
        ]
        self._symbolic = [
            (position, expected)
            for position, expected in enumerate(self._expected)
            if any(isinstance(size, str) for size in expected.shape)
        ]
        self._formulas = [
            (position, expected)
            for position, expected in self._symbolic
            if any(isinstance(size, str) and not is_name(size) for size in expected.shape)
        ]
        self._names = [argument for argument, _ in facts.arguments]
        # How many arguments there are, if they are the inputs, one by one.
        is_flat = [tree for _, tree in facts.arguments] == self._fed
        self._arity = len(self._fed) if is_flat else None
        self._tree = facts.result
        self._is_pure = not any(out.slot for out in facts.outputs) and not any(
            array.donated for array in facts.inputs
        )

    @property
    def signature(self) -> str:
        """The entry as a line of Python with types: `predict(image: float32[batch, 784]) -> …`."""
        return signature(self.name, self.facts)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the entry; the result nests as it did when the entry was compiled."""
        if kwargs or len(args) != self._arity:
            values = self._bind(args, kwargs)
            args = tuple(values[i] for i in self._fed)
        tree = self._tree
        if self._only is not None:
            results = self._only.run(args)
            return results[tree] if type(tree) is int else unflatten(tree, results)
        operands = list(map(operand, args, self._expected))
        sizes: dict[str, int] = {}
        for position, expected in self._symbolic:
            measure(sizes, operands[position].shape, expected)
        for position, expected in self._formulas:
            check_formulas(sizes, operands[position].shape, expected)
        return unflatten(tree, self._run(operands, sizes))

    def __repr__(self) -> str:
        return f"<entry {self.signature}>"

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, Any]:
        """Input indices to the values passed for them."""
        if len(args) > len(self._names):
            raise self._wrong_arguments(f"takes {len(self._names)} arguments, got {len(args)}")
        given = dict(zip(self._names, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise self._wrong_arguments(f"got '{name}' twice")
            if name not in self._names:
                raise self._wrong_arguments(
                    f"has no argument '{name}'", did_you_mean(name, self._names)
                )
            given[name] = value
        values: dict[int, Any] = {}
        for name, tree in self.facts.arguments:
            if name not in given:
                raise self._wrong_arguments(f"needs the argument '{name}'")
            if isinstance(tree, int):
                values[tree] = given[name]
            else:
                flatten(tree, given[name], name, values.__setitem__)
        return values

    def _wrong_arguments(self, problem: str, hint: str | None = None) -> Error:
        return Error("S0510", f"{self.name}() {problem}", notes=[self.signature], hint=hint)

    def _run(self, operands: Sequence[Operand], sizes: Mapping[str, int]) -> list[Array | None]:
        """Call the function for these sizes, or several where the batch must be split."""
        call = self._calls.get(tuple(sizes[dim] for dim in self._dims))
        if call is not None:
            return call.run(operands)
        dim = self._dimension_to_split(sizes)
        plan = pieces(sizes[dim], self._compiled(dim))
        axes = [_axis(expected.shape, dim) for expected in self._expected]
        runs = []
        for piece in plan:
            part = [
                value if axis is None else take(np.asarray(value), axis, piece)
                for value, axis in zip(operands, axes, strict=True)
            ]
            runs.append(self._run(part, {**sizes, dim: piece.size}))
        return [
            self._join(_axis(output.shape, dim), plan, [run[i] for run in runs])
            for i, output in enumerate(self.facts.outputs)
        ]

    def _join(
        self, axis: int | None, plan: Sequence[Piece], parts: Sequence[Array | None]
    ) -> Array | None:
        """One output of several calls; what does not grow with the batch is the same in all."""
        if axis is None or parts[0] is None:
            return parts[0]
        host = join([np.asarray(part) for part in parts], axis, plan)
        host.setflags(write=False)
        context = self._context
        return Array(context.device, host.shape, host.dtype, host=host, meter=context.meter)

    def _compiled(self, dim: str) -> tuple[int, ...]:
        return tuple(sorted({variant.dims[dim] for variant in self.facts.variants}))

    def _dimension_to_split(self, sizes: Mapping[str, int]) -> str:
        """A dimension whose size was not compiled but can be made of those that were."""
        other = [dim for dim in self._dims if sizes[dim] not in self._compiled(dim)]
        dims = self._context.artifact.manifest.dims
        stuck = [dim for dim in other if not dims[dim].independent or not self._is_pure]
        if other and not stuck:
            return other[0]
        wanted = ", ".join(f"{dim} = {sizes[dim]}" for dim in stuck or self._dims)
        compiled = " or ".join(
            ", ".join(f"{dim} = {variant.dims[dim]}" for dim in self._dims)
            for variant in self.facts.variants
        )
        notes = [f"it was compiled for {compiled}"]
        if stuck and not self._is_pure:
            notes.append("it changes state or donates its inputs, so a batch cannot be split")
        elif stuck:
            notes.append(f"rows along '{stuck[0]}' depend on each other and cannot be split")
        raise Error(
            "S0513",
            f"{self.name}() cannot run with {wanted}",
            notes=notes,
            hint="pass one of these sizes, or compile the program for this one too",
        )


def signature(name: str, facts: EntryPoint) -> str:
    """An entry as a line of Python with types, from its manifest alone."""
    inputs = [describe(array.dtype, array.shape) for array in facts.inputs]
    outputs = [describe(array.dtype, array.shape) for array in facts.outputs]
    arguments = [f"{argument}: {_render(tree, inputs)}" for argument, tree in facts.arguments]
    return f"{name}({', '.join(arguments)}) -> {_render(facts.result, outputs)}"


def _axis(shape: Shape, dim: str) -> int | None:
    return shape.index(dim) if dim in shape else None


def _render(tree: Tree, types: Sequence[str]) -> str:
    """A tree of types as Python writes it."""
    if isinstance(tree, int):
        return types[tree]
    items = [_render(item, types) for item in tree.items]
    if tree.kind == "dict":
        named = zip(tree.keys, items, strict=True)
        return "{" + ", ".join(f"{key!r}: {item}" for key, item in named) + "}"
    if tree.kind == "none":
        return "None"
    inside = ", ".join(items)
    return f"[{inside}]" if tree.kind == "list" else f"({inside})"
