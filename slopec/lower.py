"""Lowering: programs become one StableHLO module and the facts a loader must know about it.

Each program becomes a public function per choice of symbolic sizes. Weights are baked in as
constants; state parameters become arguments that the runtime keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from slopec import hlo, ir, tracing, tree
from slopec.constants import Constants, filled
from slopec.diagnostics import SlopecError, TransformError, UsageError
from slopec.formulas import formula
from slopec.programs import Program, Spec, Weights, reporting
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.function import is_array
from slopec.tree import TreeDef
from slopec_runtime.manifest import EntryPoint, Input, Output, Variant
from slopec_runtime.tree import Branch, Tree

DEFAULT_SIZES = (1, 32)
"""The sizes compiled for a symbolic dimension when the user names none."""

LARGEST = 2**31 - 1
"""The largest size of a dimension: what an index of 32 bits reaches."""

PROBE = "slope.probe"
"""Marks a function traced only to learn how shapes and numbers follow a symbolic dimension."""


@dataclass(frozen=True)
class Lowered:
    """A module whose public functions are the variants of `entries`.

    `outline` calls the large constants by the names that they have in `constants`.
    """

    name: str
    outline: ir.Module
    entries: Mapping[str, EntryPoint]
    sizes: Mapping[str, tuple[int, ...]]
    state: Mapping[str, np.ndarray]
    chosen_sizes: bool
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def module(self) -> ir.Module:
        """The module with all its constants."""
        return self.copy()

    def copy(self) -> ir.Module:
        """The module with all its constants, to be changed."""
        return filled(self.outline, self.constants)


@dataclass(frozen=True)
class _Leaf:
    """One flat argument of a compiled function."""

    name: str
    spec: Spec
    slot: str | None


def lower(
    programs: Sequence[Program],
    *,
    name: str,
    params: Mapping[str, np.ndarray] | None = None,
    dims: Mapping[str, Sequence[int]] | None = None,
    weights: Weights | None = None,
) -> Lowered:
    """Trace `programs` into one module.

    `params` replaces weights by dotted name (`model.fc1.weight`); `dims` gives the sizes to
    compile each symbolic dimension for.

    Raises UsageError for names of weights or dimensions that no program has, and whatever the
    programs themselves raise, with their lines.
    """
    weights = weights or Weights()
    sizes = _sizes(programs, dims or {})
    module = ir.new_module(_identifier(name))
    shared = {parameter for marked in programs for parameter in marked.state}
    with reporting("while the weights were made"):
        values = {marked.name: weights.of(marked) for marked in programs}
    if params is not None:
        values = {key: _with_params(value, params) for key, value in values.items()}
        _check_used(values, params)
    entries: dict[str, EntryPoint] = {}
    state: dict[str, np.ndarray] = {}
    symbols: dict[str, int] = {}
    constants = Constants()
    for marked in programs:
        entry = _Entry(marked, values[marked.name], shared, module, symbols, constants)
        entries[marked.name] = entry.trace_variants(sizes)
        state.update(entry.initial)
    return Lowered(name, module, entries, sizes, state, bool(dims), constants.arrays)


def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _sizes(
    programs: Sequence[Program], dims: Mapping[str, Sequence[int]]
) -> dict[str, tuple[int, ...]]:
    names = list(dict.fromkeys(d for marked in programs for d in marked.dims))
    for given, chosen in dims.items():
        if given not in names:
            raise UsageError(
                "S0412",
                f"no program has a dimension `{given}`",
                hint=f"the symbolic dimensions are {', '.join(names) or 'none'}",
            )
        if not chosen or any(not 1 <= size <= LARGEST for size in chosen):
            message = f"dimension `{given}` needs sizes from 1 to {LARGEST}"
            raise UsageError("S0412", message)
    return {d: tuple(sorted(set(dims.get(d, DEFAULT_SIZES)))) for d in names}


def _with_params(values: dict[str, Any], params: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The weights with every leaf that `params` names replaced."""

    def replaced(path: str, leaf: Any) -> Any:
        array = params.get(path)
        if array is None or not isinstance(leaf, Tensor):
            return leaf
        if array.shape != leaf.shape:
            raise UsageError(
                "S0413",
                f"parameter `{path}` has shape {array.shape}, the model has {leaf.shape}",
            )
        return Tensor(array, leaf.dtype)

    result = {}
    for name, value in values.items():
        leaves, treedef = tree.flatten(value)
        paths = treedef.paths(name)
        result[name] = treedef.unflatten(
            replaced(path, leaf) for path, leaf in zip(paths, leaves, strict=True)
        )
    return result


def _check_used(values: Mapping[str, dict[str, Any]], params: Mapping[str, np.ndarray]) -> None:
    known = {path for named in values.values() for path in tree.paths(named)}
    unknown = [name for name in params if name not in known]
    if unknown:
        raise UsageError(
            "S0413",
            f"the model has no parameter `{unknown[0]}`"
            + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else ""),
            notes=(f"it has {', '.join(sorted(known)[:6])} …",),
        )


class _Entry:
    """One program on its way into the module."""

    def __init__(
        self,
        marked: Program,
        values: dict[str, Any],
        shared: set[str],
        module: ir.Module,
        symbols: dict[str, int],
        constants: Constants,
    ) -> None:
        self.marked = marked
        self.constants = constants
        self.module = module
        self.symbols = symbols
        self.baked: dict[str, Any] = {}
        self.initial: dict[str, np.ndarray] = {}
        self.leaves: list[_Leaf] = []
        self.trees: dict[str, tuple[TreeDef, list[int | None], list[Any]]] = {}
        for name in marked.parameters:
            if name in marked.inputs:
                specs, treedef = marked.inputs[name]
                self._add(name, treedef, specs, kept=False)
            elif name in shared:
                leaves, treedef = tree.flatten(values[name])
                self._add(name, treedef, leaves, kept=True)
            else:
                self.baked[name] = values[name]

    def _add(self, name: str, treedef: TreeDef, leaves: Sequence[Any], *, kept: bool) -> None:
        """Make the data leaves of a parameter arguments of the compiled function."""
        places: list[int | None] = []
        for path, leaf in zip(treedef.paths(name), leaves, strict=True):
            if not isinstance(leaf, Spec) and not is_array(leaf):
                places.append(None)
                continue
            places.append(len(self.leaves))
            if isinstance(leaf, Spec):
                self.leaves.append(_Leaf(path, leaf, None))
                continue
            tensor = leaf if isinstance(leaf, Tensor) else Tensor(leaf)
            self.initial[path] = tensor.numpy()
            self.leaves.append(_Leaf(path, Spec(tensor.dtype, tensor.shape), path))
        self.trees[name] = (treedef, places, list(leaves))

    def trace_variants(self, sizes: Mapping[str, tuple[int, ...]]) -> EntryPoint:
        """Trace once per choice of sizes; the entry describes them all."""
        dims = self.marked.dims
        variants = []
        traced: list[tuple[tuple[str, ...], list[Tensor], Tree]] = []
        for choice in product(*(_at_least_two(sizes[d]) for d in dims)):
            chosen = dict(zip(dims, choice, strict=True))
            suffix = "".join(f"_{d}{n}" for d, n in chosen.items())
            symbol = self.marked.name + suffix
            traced.append(self._trace(symbol, chosen))
            variants.append(Variant(symbol, chosen))
            if any(chosen[d] not in sizes[d] for d in dims):
                ir.function(self.module, symbol).attributes[PROBE] = ir.unit()
        names, _, result = traced[0]
        shapes = [
            self._symbolic(name, [outputs[i].shape for _, outputs, _ in traced], variants)
            for i, name in enumerate(names)
        ]
        count = sum(len(self._kept(parameter)) for parameter in self.marked.state)
        outputs = tuple(
            Output(name, shape, tensor.dtype.name, name if i < count else None)
            for i, (name, shape, tensor) in enumerate(zip(names, shapes, traced[0][1], strict=True))
        )
        updated = {output.slot for output in outputs if output.slot}
        inputs = tuple(
            Input(
                leaf.name,
                leaf.spec.shape,
                leaf.spec.dtype.name,
                leaf.slot,
                donated=leaf.slot in updated,
            )
            for leaf in self.leaves
        )
        arguments = tuple(
            (name, _manifest_tree(self.trees[name][0], iter(self.trees[name][1])))
            for name in self.marked.inputs
        )
        doc = self.marked.function.__doc__ or ""
        exported = tuple(v for v in variants if all(n in sizes[d] for d, n in v.dims.items()))
        return EntryPoint(inputs, outputs, arguments, result, exported, doc.strip())

    def _symbolic(
        self, name: str, shapes: Sequence[ir.Shape], variants: Sequence[Variant]
    ) -> tuple[int | str, ...]:
        """The shape of a result as formulas of the dimensions, from its shape for each choice."""
        choices = [variant.dims for variant in variants]
        found: list[int | str] = []
        for axis, column in enumerate(zip(*shapes, strict=True)):
            size = formula(column, choices)
            if size is None:
                dims = ", ".join(self.marked.dims)
                raise UsageError(
                    "S0116",
                    f"the size of the result `{name}` along axis {axis} is no formula of {dims}",
                    span=self.marked.span,
                    notes=tuple(
                        f"{size} for " + ", ".join(f"{d} = {n}" for d, n in choice.items())
                        for size, choice in zip(column, choices, strict=True)
                    ),
                    hint="compile it for one size at a time",
                )
            found.append(size)
        return tuple(found)

    def _kept(self, parameter: str) -> list[int]:
        """The flat arguments that a state parameter consists of."""
        return [place for place in self.trees[parameter][1] if place is not None]

    def _trace(
        self, symbol: str, sizes: Mapping[str, int]
    ) -> tuple[tuple[str, ...], list[Tensor], Tree]:
        """Write the function for one choice of sizes; return its results and how they nest."""
        types = [ir.tensor_type(leaf.spec.concrete(sizes), leaf.spec.dtype) for leaf in self.leaves]
        where = ir.location(self.marked.span)
        public = {"sym_visibility": ir.string("public")}
        op = ir.create_function(self.module, symbol, types, [], public, where, body=True)
        block = ir.body_of(op)
        inner = Trace(self.module, block, None, function=op, constants=self.constants)
        inner.symbols = self.symbols
        tracing.fresh_symbol(self.symbols, symbol)
        stand_ins = [
            Tensor._of_value(value, inner, leaf.spec.concrete(sizes), leaf.spec.dtype)
            for leaf, value in zip(self.leaves, block.arguments, strict=True)
        ]
        with tracing.writing(inner):
            arguments = dict(self.baked)
            for name, (treedef, places, leaves) in self.trees.items():
                arguments[name] = treedef.unflatten(
                    leaf if place is None else stand_ins[place]
                    for place, leaf in zip(places, leaves, strict=True)
                )
            with reporting(f"while `{self.marked.name}` was traced"):
                returned = self.marked.function(**arguments)
            names, outputs, result = self._results(returned)
            values = [inner.value_of(output) for output in outputs]
        ir.create("func.return", [], values, None, where, inner.point)
        ir.set_function_type(op, types, [v.type for v in values])
        inner.closed = True
        return names, outputs, result

    def _results(self, returned: Any) -> tuple[tuple[str, ...], list[Tensor], Tree]:
        count = len(self.marked.state)
        new_state: Sequence[Any] = ()
        if count:
            new_state, returned = _split_state(self.marked, returned)
        outputs: list[Tensor] = []
        names: list[str] = []
        for parameter, value in zip(self.marked.state, new_state, strict=True):
            kept = self._same_structure(parameter, value)
            names += kept
            outputs += kept.values()
        leaves, treedef = tree.flatten(returned)
        places: list[int | None] = []
        for path, leaf in zip(treedef.paths(), leaves, strict=True):
            if not is_array(leaf):
                raise UsageError(
                    "S0109",
                    f"program `{self.marked.name}` returned {type(leaf).__name__} data",
                    span=self.marked.span,
                    hint="return tensors, numbers, or tuples, lists and dicts of them",
                )
            places.append(len(outputs))
            names.append(path or "result")
            outputs.append(_tensor(leaf))
        if not outputs:
            raise UsageError(
                "S0109",
                f"program `{self.marked.name}` returned nothing that is computed",
                span=self.marked.span,
                hint="end it with `return` and the tensors that callers get",
            )
        return tuple(names), outputs, _manifest_tree(treedef, iter(places))

    def _same_structure(self, parameter: str, value: Any) -> dict[str, Tensor]:
        """The data leaves of a new state, by slot; they must have the types of the old ones."""
        treedef, places, _ = self.trees[parameter]
        leaves, given = tree.flatten(value)
        if given.size != treedef.size:
            raise _state_error(self.marked, parameter, f"{given}, expected {treedef}")
        result = {}
        for place, leaf in zip(places, leaves, strict=True):
            if place is None:
                continue
            expected, tensor = self.leaves[place], _tensor(leaf)
            if (tensor.shape, tensor.dtype) != (expected.spec.shape, expected.spec.dtype):
                got = f"{tensor.dtype}{list(tensor.shape)} for `{expected.name}`"
                raise _state_error(self.marked, parameter, f"{got}, expected {expected.spec}")
            result[expected.name] = tensor
        return result


def _at_least_two(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes, with one more where a single one would not show what depends on it."""
    return sizes if len(sizes) > 1 else (*sizes, sizes[0] + 1)


def _tensor(leaf: Any) -> Tensor:
    return leaf if isinstance(leaf, Tensor) else hlo.constant(Tensor(leaf).numpy())


def _split_state(marked: Program, returned: Any) -> tuple[Sequence[Any], Any]:
    count = len(marked.state)
    if not isinstance(returned, tuple) or len(returned) not in (count, count + 1):
        raise _state_error(
            marked, ", ".join(marked.state), f"{type(returned).__name__}, expected a tuple"
        )
    return returned[:count], returned[count] if len(returned) > count else None


def _state_error(marked: Program, parameter: str, problem: str) -> SlopecError:
    return TransformError(
        "S0113",
        f"program `{marked.name}` returned as its new state `{parameter}`: {problem}",
        span=marked.span,
        hint="return the new values of the state parameters first: `return model, result`",
    )


def _manifest_tree(treedef: TreeDef, places: Any) -> Tree:
    """A tree of leaf indices as the manifest writes it; modules become dictionaries."""
    if treedef.node is None:
        place = next(places)
        return Branch("none") if place is None else place
    items = tuple(_manifest_tree(child, places) for child in treedef.children)
    if treedef.node is type(None):
        return Branch("none")
    if treedef.node in (tuple, list):
        return Branch("tuple" if treedef.node is tuple else "list", items)
    return Branch("dict", items, treedef.names)
