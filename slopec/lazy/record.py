"""Recording: the op that `tracing.emit` would append to a trace becomes a node instead.

What needs a module of its own, because it has functions or regions, is written into one by the
ordinary machinery and recorded as a single call: `outlined` does that for a function of slopec,
once per call, and `operation` once per types of arguments, for functions without side effects.
"""

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from slopec import dtypes, ir, tracing, tree
from slopec.lazy.device import joined
from slopec.lazy.graph import Body, Known, Node, TensorType, Value
from slopec.lazy.mode import records_gradients
from slopec.tensor import Tensor
from slopec.tracing import Trace

MAX_DEPTH = 4096
"""The longest chain of unevaluated nodes; a longer one is evaluated while it is recorded."""


def record(
    name: str,
    operands: Sequence[Tensor],
    types: tuple[TensorType, ...],
    attributes: ir.Attributes | None = None,
    body: Body | tuple[Any, ...] | None = None,
) -> tuple[Tensor, ...]:
    """Record an op on tensors from outside every trace; return tensors for its results."""
    values = tuple([tracing.outside(operand) for operand in operands])
    active = tuple([operand._requires_grad for operand in operands])
    return record_values(name, values, active, types, attributes, body)


def record_values(
    name: str,
    values: Sequence[Value],
    active: Sequence[bool],
    types: tuple[TensorType, ...],
    attributes: ir.Attributes | None = None,
    body: Body | tuple[Any, ...] | None = None,
) -> tuple[Tensor, ...]:
    """Record an op on values, of which `active` says whether derivatives flow through them."""
    node = Node(name, values, types, attributes, body, tracing.location())
    depth = 0
    tells = True in active
    for value in values:
        if value.data is None:
            assert value.node is not None
            depth = max(depth, value.node.depth)
            tells = tells or value.node.tells
    node.depth, node.tells = depth + 1, tells
    node.device = joined(values)
    follows = True in active and records_gradients()
    if follows:
        node.active = tuple(active)
    elif depth >= MAX_DEPTH:
        from slopec.lazy.evaluate import evaluate

        evaluate([value for value in values if value.data is None])
        node.depth = 1
    return tuple(
        [
            Tensor._of_recorded(
                Value(type_, None, node, index),
                requires_grad=follows and dtypes.is_differentiable(type_[1]),
            )
            for index, type_ in enumerate(types)
        ]
    )


@dataclass(frozen=True)
class Outlined:
    """A function of a module that is complete; `signature` is a digest of what it says."""

    module: ir.Module
    symbol: str
    signature: Hashable

    def declare(self, module: ir.Module, fresh: Callable[[str], str], known: Known) -> str:
        """Copy the function, and all that it calls, to `module`."""
        from slopec.transforms.inline import copy_functions

        return copy_functions(self.module, self.symbol, module, fresh)[self.symbol]


@dataclass(frozen=True)
class Written:
    """What running a function in a trace of its own gave: a body, and results with holes in.

    The leaves at `places` are the body's results; those of `through` are arguments, unchanged.
    """

    body: Outlined
    captures: tuple[Tensor, ...]
    types: tuple[TensorType, ...]
    leaves: tuple[Any, ...]
    places: tuple[int, ...]
    through: tuple[tuple[int, int], ...]
    treedef: tree.TreeDef

    def results(self, arguments: Sequence[Tensor]) -> Any:
        """Record a call of the body, and put its results where they belong."""
        leaves = list(self.leaves)
        for place, argument in self.through:
            leaves[place] = arguments[argument]
        if self.places:
            operands = (*arguments, *self.captures)
            outs = record("func.call", operands, self.types, None, self.body)
            for place, out in zip(self.places, outs, strict=True):
                leaves[place] = out
        return self.treedef.unflatten(leaves)


def write(function: Callable[..., Any], name: str, arguments: Sequence[Tensor] = ()) -> Written:
    """Run `function` in a trace of its own, on stand-ins for `arguments`."""
    module = ir.new_module()
    where = tracing.location()
    types = [ir.tensor_type(t.shape, t.dtype) for t in arguments]
    op = ir.create_function(module, name, types, [], {}, where, body=True)
    block = ir.body_of(op)
    inner = Trace(module, block, None, function=op)
    tracing.fresh_symbol(inner.symbols, name)
    stand_ins = [
        Tensor._of_value(value, inner, t.shape, t.dtype)
        for value, t in zip(block.arguments, arguments, strict=True)
    ]
    with tracing.writing(inner):
        leaves, treedef = tree.flatten(function(*stand_ins))
        given = {id(stand_in): i for i, stand_in in enumerate(stand_ins)}
        through = [(i, given[id(leaf)]) for i, leaf in enumerate(leaves) if id(leaf) in given]
        made = [i for i, leaf in enumerate(leaves) if _is_made(leaf, inner, given)]
        values = [inner.value_of(leaves[i]) for i in made]
    ir.create("func.return", [], values, None, where, inner.point)
    ir.set_function_type(op, [a.type for a in block.arguments], [v.type for v in values])
    inner.closed = True
    digest = hashlib.sha256(ir.bytecode(module)).digest()
    return Written(
        Outlined(module, ir.symbol_name(op), digest),
        tuple(inner.captured()),
        tuple((leaves[i].shape, leaves[i].dtype) for i in made),
        tuple(None if i in made or id(x) in given else x for i, x in enumerate(leaves)),
        tuple(made),
        tuple(through),
        treedef,
    )


def _is_made(leaf: Any, inner: Trace, given: Container[int]) -> bool:
    return isinstance(leaf, Tensor) and leaf._trace is inner and id(leaf) not in given


F = TypeVar("F", bound=Callable[..., Any])


def outlined(function: F) -> F:
    """`function`, recorded as one op when it is called outside every trace."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if tracing.is_tracing():
            return function(*args, **kwargs)
        return write(lambda: function(*args, **kwargs), _name(function)).results(())

    return cast("F", wrapper)


_operations: OrderedDict[Hashable, Written] = OrderedDict()
_MAX_OPERATIONS = 4096


def operation(function: F) -> F:
    """`function`, a pure one, recorded as one op and traced once per types of its tensors.

    Arguments that are no tensors tell calls apart; where one is not hashable, each call is traced.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if tracing.is_tracing():
            return function(*args, **kwargs)
        tensors: list[Tensor] = []
        key: list[Hashable] = [function, *kwargs]
        for arg in args if not kwargs else (*args, *kwargs.values()):
            if type(arg) is Tensor:
                tensors.append(arg)
                key.append((arg.shape, arg.dtype))
            elif arg is None or type(arg) in _PLAIN:
                key.append((type(arg), arg))
            else:
                return _nested(function, args, kwargs)
        known = tuple(key)
        written = _operations.get(known)
        if written is None:
            written = _remember(
                known, write(_around(function, args, kwargs), _name(function), tensors)
            )
        return written.results(tensors)

    return cast("F", wrapper)


_PLAIN = frozenset((int, float, bool, str))


def _nested(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`operation` for arguments that are pytrees."""
    leaves, treedef = tree.flatten((args, kwargs), is_leaf=_is_none)
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    key = (function, treedef, tuple([_told_apart(leaf) for leaf in leaves]))
    try:
        written = _operations.get(key)
    except TypeError:
        return outlined(function)(*args, **kwargs)
    if written is None:
        written = _remember(key, write(_around(function, args, kwargs), _name(function), tensors))
    return written.results(tensors)


def _remember(key: Hashable, written: Written) -> Written:
    _operations[key] = written
    if len(_operations) > _MAX_OPERATIONS:
        _operations.popitem(last=False)
    return written


def _around(function: Callable[..., Any], args: Any, kwargs: Any) -> Callable[..., Any]:
    """`function` of the tensors among its arguments."""
    leaves, treedef = tree.flatten((args, kwargs), is_leaf=_is_none)

    def run(*stand_ins: Tensor) -> Any:
        given = iter(stand_ins)
        filled = [next(given) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        positional, named = treedef.unflatten(filled)
        return function(*positional, **named)

    return run


def _is_none(leaf: Any) -> bool:
    return leaf is None


def _told_apart(leaf: Any) -> Hashable:
    """What of a leaf decides what a function does with it; 1, 1.0 and True are not the same."""
    if isinstance(leaf, Tensor):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", "function"))
