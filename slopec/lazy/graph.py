"""What is recorded outside every trace: values, and the nodes that will give them.

Both are plain linked objects. A node holds its operands, a value holds the node that makes it until
its data are known; so what nobody refers to any more is freed, and threads record independently.
"""

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from slopec import ir
from slopec.dtypes import DType

if TYPE_CHECKING:
    import weakref

TensorType = tuple[ir.Shape, DType]
_serials = itertools.count()


class Body(Protocol):
    """What a node calls that is no single op; equal signatures compute the same."""

    @property
    def signature(self) -> Hashable:
        """What the function does."""
        ...

    def declare(self, module: ir.Module, fresh: Any, known: "Known") -> str:
        """Put the function into `module`, under a name that `fresh(stem)` gives; return that.

        The arguments that are `known` are constants of the caller's.
        """
        ...


Known = tuple[tuple[int, ir.Attribute], ...]
"""Places of arguments, and the values of the constants given there."""


class Value:
    """One result of a node, or data that came from outside.

    `data` is a NumPy array, a device array of the runtime, or None while it is only recorded.
    `owner` refers to the tensor that collects gradients of the value, when that is a leaf;
    `junction`, with a place in it, sees them on their way.
    """

    __slots__ = ("__weakref__", "data", "device", "index", "junction", "node", "owner", "type")

    def __init__(
        self, type_: TensorType, data: Any, node: "Node | None" = None, index: int = 0
    ) -> None:
        """A value that is known (`data`) or will be the result `index` of `node`."""
        self.type = type_
        self.data = data
        self.node = node
        self.index = index
        self.device: str | None = None if node is None else node.device
        self.owner: weakref.ref[Any] | None = None
        self.junction: tuple[Any, int] | None = None


class Node:
    """One recorded op: a StableHLO op, or a call of a `body`.

    `active` says which operands derivatives flow through; None for a node without a history that
    `backward` needs. `tells` is whether anything that requires gradients is behind the node, even
    if no derivative flows there. `depth` bounds how long a chain of unevaluated nodes gets.
    """

    __slots__ = (
        "active",
        "attributes",
        "body",
        "depth",
        "device",
        "freed",
        "location",
        "name",
        "operands",
        "serial",
        "tells",
        "types",
    )

    def __init__(
        self,
        name: str,
        operands: Sequence[Value],
        types: tuple[TensorType, ...],
        attributes: ir.Attributes | None,
        body: Body | tuple[Any, ...] | None,
        location: ir.Location,
    ) -> None:
        """Record an op after all that were recorded before."""
        self.serial = next(_serials)
        self.name = name
        self.operands = operands
        self.types = types
        self.attributes = attributes
        self.body = body
        self.location = location
        self.active: tuple[bool, ...] | None = None
        self.freed = False
        self.tells = False
        self.device: str | None = None
        self.depth = 1


# --- what tells nodes apart ------------------------------------------------------------------

_kinds: dict[Hashable, int] = {}
_numbers = itertools.count()
_MAX_KINDS = 200_000


def kind_of(node: Node) -> int:
    """A small number, the same for nodes that do the same; values of constants do not count."""
    body = node.body if isinstance(node.body, tuple | None) else node.body.signature
    facts = node.attributes
    spelled = tuple(facts.items()) if facts and node.name != CONSTANT else None
    return number_of((node.name, node.types, spelled, body))


def number_of(key: Hashable) -> int:
    """A small number that stands for `key` in this process."""
    known = _kinds.get(key)
    if known is None:
        if len(_kinds) > _MAX_KINDS:
            _kinds.clear()  # numbers are not given twice, so what was known is only made anew
        known = _kinds.setdefault(key, next(_numbers))
    return known


CONSTANT = "stablehlo.constant"
ALIAS = "alias"
"""The name of a node that gives what it takes, without its history."""


def alias(value: Value) -> Value:
    """The same elements without a history."""
    if value.data is not None:
        made = Value(value.type, value.data)
        made.device = value.device
        return made
    assert value.node is not None
    node = Node(ALIAS, (value,), (value.type,), None, None, value.node.location)
    node.depth, node.device = value.node.depth, value.node.device
    node.tells = value.node.tells
    return Value(value.type, None, node)


def constant_of(node: Node) -> ir.Attribute:
    """The value of a node that is a constant."""
    facts: Mapping[str, ir.Attribute] = node.attributes or {}
    return facts["value"]
