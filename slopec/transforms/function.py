"""Functions of a module: tracing one from Python, calling one, declaring one derived from another.

A derived function is a body-less `func.func` that says what it is: `slope.derive` names the
transform and `slope.of` the function; for derivatives, `slope.wrt` are the differentiated arguments
and `slope.out` the results, for batching, `slope.axes` marks the arguments that have a batch
dimension of `slope.size`, and `slope.axis` names it. Its type is known at once, so it can be called
before it exists; the `derive` pass writes the body.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slopec import dtypes, hlo, ir, tracing, trainable, tree
from slopec.diagnostics import DTypeError, TransformError
from slopec.tensor import Scalar, Tensor
from slopec.tracing import TensorType, Trace
from slopec.transforms.axes import NAME
from slopec.transforms.inline import copy_functions
from slopec.tree import LEAF, TreeDef


def is_array(leaf: Any) -> bool:
    """Whether a leaf of a pytree is data: a tensor, an array or a number."""
    return isinstance(leaf, Tensor | np.ndarray | np.generic | int | float | complex) or (
        hasattr(leaf, "__array__") and not isinstance(leaf, type)
    )


def name_of(function: Callable[..., Any]) -> str:
    """What errors call a function."""
    return str(getattr(function, "__name__", type(function).__name__))


def check_callable(verb: str, function: Any, *, runs: bool = False) -> None:
    """Refuse what is no function, most often the value of one, to a transform or what runs it."""
    if not callable(function):
        right, wrong = ("(f, …)", "(f(x), …)") if runs else ("(f)(x)", "(f(x))")
        raise TransformError(
            "S0207",
            f"{verb} takes a function, got {type(function).__name__}",
            span=tracing.here(),
            hint=f"write `{verb}{right}`, not `{verb}{wrong}`",
        )


def as_tensor(leaf: Any) -> Tensor:
    """A leaf as a tensor; a concrete one unless it is one already."""
    return leaf if isinstance(leaf, Tensor) else Tensor(leaf)


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, taken apart: data leaves, and everything else as it stands."""

    tensors: tuple[Tensor, ...]
    places: tuple[int, ...]
    treedef: TreeDef
    static: tuple[Any, ...]

    @staticmethod
    def of(
        args: Sequence[Any],
        kwargs: dict[str, Any],
        is_static: Callable[[str], bool] = lambda path: False,
    ) -> "Arguments":
        """Split `args` and `kwargs` into tensors and static leaves.

        `is_static` sees the path of a leaf: `0.` and its place, or `1.` and its keyword.
        """
        leaves, treedef = tree.flatten((tuple(args), dict(sorted(kwargs.items()))))
        places = tuple(
            i
            for i, (leaf, path) in enumerate(zip(leaves, treedef.paths(), strict=True))
            if is_array(leaf) and not is_static(path)
        )
        chosen = set(places)
        static = tuple(None if i in chosen else leaf for i, leaf in enumerate(leaves))
        return Arguments(tuple(as_tensor(leaves[i]) for i in places), places, treedef, static)

    def rebuild(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments with other data leaves."""
        leaves = list(self.static)
        for place, leaf in zip(self.places, tensors, strict=True):
            leaves[place] = leaf
        args, kwargs = self.treedef.unflatten(leaves)
        return args, kwargs

    def fixed(self) -> set[int]:
        """The positions of the data leaves that a node says are not trained, such as buffers."""
        flags = list(trainable.of_leaves(self.treedef))
        return {i for i, place in enumerate(self.places) if not flags[place]}

    def names(self, function: Callable[..., Any]) -> list[str]:
        """A dotted name for every data leaf, beginning with the parameter's name."""
        import inspect

        try:
            parameters = list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            parameters = []
        paths = list(self.treedef.paths())
        names = []
        for place in self.places:
            _, first, *rest = paths[place].split(".")
            if first.isdigit() and int(first) < len(parameters):
                first = parameters[int(first)]
            names.append(".".join([first, *rest]))
        return names


@dataclass(frozen=True)
class Traced:
    """A function of the module: its symbol, its type, and how to call it from Python."""

    symbol: str
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    result: TreeDef
    captures: tuple[Tensor, ...]
    module: ir.Module | None = None

    def within(self, where: Trace) -> "Traced":
        """The function as one of the module being written: copied there if it is of another."""
        if self.module is None or self.module is where.module:
            return self
        names = copy_functions(self.module, self.symbol, where.module, where.fresh_symbol)
        return replace(self, symbol=names[self.symbol], module=where.module)

    @staticmethod
    def of(op: ir.Operation) -> "Traced":
        """A function that is in the module already; its results are taken as one leaf."""
        inputs, outputs = ir.function_type(op)
        return Traced(
            ir.symbol_name(op),
            tuple(ir.shape_and_dtype(t) for t in inputs),
            tuple(ir.shape_and_dtype(t) for t in outputs),
            LEAF,
            (),
        )


def trace_function(
    function: Callable[..., Any], arguments: Arguments, parent: Trace | None, module: ir.Module
) -> Traced:
    """Write `function` as a `func.func` of `module` by running it on stand-ins for its arguments.

    Outer tensors that it uses become further arguments, listed as `captures`.
    """
    types = [(t.shape, t.dtype) for t in arguments.tensors]
    mlir_types = [ir.tensor_type(*t) for t in types]
    symbols = parent.symbols if parent is not None and parent.module is module else {}
    symbol = tracing.fresh_symbol(symbols, getattr(function, "__name__", "function"))
    where = tracing.location()
    op = ir.create_function(module, symbol, mlir_types, [], {}, where, body=True)
    block = ir.body_of(op)
    inner = Trace(module, block, parent, function=op)
    inner.symbols = symbols
    stand_ins = [
        Tensor._of_value(value, inner, *type_)
        for value, type_ in zip(block.arguments, types, strict=True)
    ]
    with tracing.writing(inner):
        args, kwargs = arguments.rebuild(stand_ins)
        leaves, result = tree.flatten(function(*args, **kwargs))
        outputs = [_as_output(leaf, function) for leaf in leaves]
        values = [inner.value_of(output) for output in outputs]
    ir.create("func.return", [], values, None, where, inner.point)
    ir.set_function_type(op, [a.type for a in block.arguments], [v.type for v in values])
    inner.closed = True
    captures = tuple(inner.captured())
    return Traced(
        symbol,
        (*types, *((t.shape, t.dtype) for t in captures)),
        tuple((t.shape, t.dtype) for t in outputs),
        result,
        captures,
        module,
    )


def _as_output(leaf: Any, function: Callable[..., Any]) -> Tensor:
    if isinstance(leaf, Tensor):
        return leaf
    if is_array(leaf):
        return hlo.constant(Tensor(leaf).numpy())
    name = getattr(function, "__name__", "the function")
    raise DTypeError(
        "S0109",
        f"{name} returned {type(leaf).__name__} data, which is no tensor",
        span=tracing.here(),
        hint="return tensors, numbers, or tuples, lists, dicts and modules of them",
    )


def call(symbol: str, operands: Sequence[Tensor], outputs: Sequence[TensorType]) -> list[Tensor]:
    """Call a function of the current module."""
    callee = {"callee": ir.symbol(symbol)}
    return list(tracing.emit_many("func.call", operands, outputs, callee)[1])


def declare(
    module: ir.Module,
    kind: str,
    of: str,
    inputs: Sequence[TensorType],
    outputs: Sequence[TensorType],
    axis: str | None = None,
    **facts: Sequence[int],
) -> str:
    """Declare the function that transform `kind` makes of function `of`; return its symbol.

    The symbol spells out the facts, so the same declaration made twice is one function.
    """
    words = ["_".join(map(str, fact)) or "none" for fact in facts.values()]
    symbol = ".".join([of, kind, *words, *([] if axis is None else [axis])])
    if any(ir.symbol_name(op) == symbol for op in ir.functions(module)):
        return symbol
    attributes = {
        "slope.derive": ir.string(kind),
        "slope.of": ir.symbol(of),
        **{f"slope.{name}": ir.i64s(*fact) for name, fact in facts.items()},
        **({} if axis is None else {NAME: ir.string(axis)}),
    }
    ir.create_function(
        module,
        symbol,
        [ir.tensor_type(*t) for t in inputs],
        [ir.tensor_type(*t) for t in outputs],
        attributes,
        tracing.location(),
        body=False,
    )
    return symbol


def declare_vjp(
    module: ir.Module, of: Traced, wrt: Sequence[int], out: Sequence[int]
) -> tuple[str, tuple[TensorType, ...]]:
    """Declare (x…, cotangents of results `out`) ↦ (results…, cotangents of arguments `wrt`)."""
    inputs = [*of.inputs, *(of.outputs[i] for i in out)]
    outputs = (*of.outputs, *(of.inputs[i] for i in wrt))
    symbol = declare(module, "vjp", of.symbol, inputs, outputs, wrt=wrt, out=out)
    return symbol, outputs


def declare_jvp(
    module: ir.Module, of: Traced, wrt: Sequence[int], out: Sequence[int]
) -> tuple[str, tuple[TensorType, ...]]:
    """Declare (x…, tangents of arguments `wrt`) ↦ (results…, tangents of results `out`)."""
    inputs = [*of.inputs, *(of.inputs[i] for i in wrt)]
    outputs = (*of.outputs, *(of.outputs[i] for i in out))
    symbol = declare(module, "jvp", of.symbol, inputs, outputs, wrt=wrt, out=out)
    return symbol, outputs


def declare_vmap(
    module: ir.Module, of: Traced, mapped: Sequence[bool], size: int, axis: str | None = None
) -> tuple[str, tuple[TensorType, ...]]:
    """Declare the function on a batch: the arguments `mapped` and all results lead with `size`.

    Collectives over `axis` are among its members.
    """
    inputs = [
        ((size, *shape), dtype) if flag else (shape, dtype)
        for (shape, dtype), flag in zip(of.inputs, mapped, strict=True)
    ]
    outputs = tuple(((size, *shape), dtype) for shape, dtype in of.outputs)
    flags = [int(flag) for flag in mapped]
    facts = {"axes": flags, "size": [size]}
    symbol = declare(module, "vmap", of.symbol, inputs, outputs, axis, **facts)
    return symbol, outputs


def declare_amp(module: ir.Module, of: Traced, narrow: dtypes.DType) -> str:
    """Declare the function whose contractions take operands of type `narrow`."""
    return declare(module, f"amp_{narrow.name}", of.symbol, of.inputs, of.outputs)


def differentiable(types: Sequence[TensorType]) -> list[int]:
    """The positions of the types that carry derivatives."""
    return [i for i, (_, dtype) in enumerate(types) if dtypes.is_differentiable(dtype)]


def scalar(value: Scalar, like: TensorType) -> Tensor:
    """A concrete constant of a tensor type."""
    return hlo.full(like[0], value, like[1])
