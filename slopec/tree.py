"""Pytrees: nested tuples, lists, dicts, None and registered classes, with anything else as leaves.

Transforms and programs take and return pytrees; inside, only the flat list of leaves counts. A
`TreeDef` is the shape of the nest: hashable, comparable, and able to rebuild it around new leaves.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Children = Sequence[Any]
Flatten = Callable[[Any], tuple[Children, Sequence[str], Any]]
Unflatten = Callable[[Any, Children], Any]


@dataclass(frozen=True)
class _Node:
    """How a registered class comes apart and together again."""

    flatten: Flatten
    unflatten: Unflatten


_registry: dict[type, _Node] = {}


def register_node(cls: type, flatten: Flatten, unflatten: Unflatten) -> None:
    """Make instances of `cls` (and of its subclasses) inner nodes of pytrees.

    `flatten(node)` returns (children, their names, auxiliary data); `unflatten(aux, children)`
    rebuilds the node. Auxiliary data must be comparable with `==` and hashable.

    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    >>> register_node(Pair, lambda p: ((p.a, p.b), ("a", "b"), None), lambda _, c: Pair(*c))
    >>> leaves(Pair(1, [2, 3]))
    [1, 2, 3]
    """
    _registry[cls] = _Node(flatten, unflatten)


@dataclass(frozen=True)
class TreeDef:
    """The nesting of a pytree. `node` is the type of the inner node, or None for a leaf."""

    node: type | None
    aux: Any = None
    names: tuple[str, ...] = ()
    children: tuple["TreeDef", ...] = ()

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return 1 if self.node is None else sum(child.size for child in self.children)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The pytree of this shape around `leaves`."""
        return _build(self, iter(leaves))

    def paths(self, prefix: str = "") -> Iterator[str]:
        """A dotted name for every leaf, in order."""
        if self.node is None:
            yield prefix
            return
        for name, child in zip(self.names, self.children, strict=True):
            yield from child.paths(f"{prefix}.{name}" if prefix else name)

    def __str__(self) -> str:
        """The nest with `*` for leaves.

        >>> str(structure({"w": [1, 2], "b": 3}))
        '{w: [*, *], b: *}'
        """
        if self.node is None:
            return "*"
        inner = [str(child) for child in self.children]
        if self.node is type(None):
            return "None"
        if self.node is list:
            return f"[{', '.join(inner)}]"
        if self.node is tuple:
            return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
        named = ", ".join(f"{n}: {c}" for n, c in zip(self.names, inner, strict=True))
        return f"{{{named}}}" if self.node is dict else f"{self.node.__name__}({named})"


LEAF = TreeDef(None)


def _registered(cls: type) -> tuple[type, _Node] | None:
    for base in cls.__mro__:
        if base in _registry:
            return base, _registry[base]
    return None


def _take_apart(tree: Any) -> tuple[type, Any, Sequence[str], Children] | None:
    """(node type, auxiliary data, names, children) of an inner node, or None for a leaf."""
    cls = type(tree)
    if cls is tuple or cls is list:
        return cls, None, [str(i) for i in range(len(tree))], tree
    if cls is dict:
        return dict, tuple(tree), [str(key) for key in tree], list(tree.values())
    if tree is None:
        return type(None), None, (), ()
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return cls, None, tree._fields, tree
    found = _registered(cls)
    if found is None:
        return None
    children, names, aux = found[1].flatten(tree)
    return cls, aux, names, children


def _flatten(tree: Any, out: list[Any], is_leaf: Callable[[Any], bool] | None) -> TreeDef:
    parts = None if is_leaf is not None and is_leaf(tree) else _take_apart(tree)
    if parts is None:
        out.append(tree)
        return LEAF
    node, aux, names, children = parts
    return TreeDef(node, aux, tuple(names), tuple(_flatten(c, out, is_leaf) for c in children))


def _build(treedef: TreeDef, leaves: Iterator[Any]) -> Any:
    node = treedef.node
    if node is None:
        return next(leaves)
    children = [_build(child, leaves) for child in treedef.children]
    if node is tuple:
        return tuple(children)
    if node is list:
        return children
    if node is dict:
        return dict(zip(treedef.aux, children, strict=True))
    if node is type(None):
        return None
    found = _registered(node)
    if found is not None:
        return found[1].unflatten(treedef.aux, children)
    return node(*children)


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeDef]:
    """The leaves of `tree`, in order, and its shape.

    >>> flatten((1, {"a": 2}))[0]
    [1, 2]
    """
    out: list[Any] = []
    treedef = _flatten(tree, out, is_leaf)
    return out, treedef


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of `tree`, in order."""
    return flatten(tree, is_leaf)[0]


def structure(tree: Any) -> TreeDef:
    """The shape of `tree`."""
    return flatten(tree)[1]


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """The pytree of shape `treedef` around `leaves`."""
    return treedef.unflatten(leaves)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply `function` leaf by leaf to pytrees of one shape.

    Raises ValueError when the shapes differ.

    >>> map(lambda a, b: a + b, {"x": 1, "y": [2]}, {"x": 10, "y": [20]})
    {'x': 11, 'y': [22]}
    """
    flat, treedef = flatten(tree)
    columns = [flat]
    for other in rest:
        other_leaves, other_def = flatten(other)
        if other_def != treedef:
            raise ValueError(f"pytrees of different shapes: {treedef} and {other_def}")
        columns.append(other_leaves)
    return treedef.unflatten(function(*row) for row in zip(*columns, strict=True))


def paths(tree: Any, prefix: str = "") -> list[str]:
    """A dotted name for every leaf.

    >>> paths({"fc": [1, 2]}, "model")
    ['model.fc.0', 'model.fc.1']
    """
    return list(structure(tree).paths(prefix))


def transpose(outer: TreeDef, inner: TreeDef, tree: Any) -> Any:
    """Turn a tree of shape `outer` whose leaves have shape `inner` inside out.

    >>> transpose(structure([0, 0]), structure({"a": 0}), [{"a": 1}, {"a": 2}])
    {'a': [1, 2]}
    """
    flat = leaves(tree)
    width = inner.size
    columns = [flat[i::width] for i in range(width)]
    return inner.unflatten(outer.unflatten(column) for column in columns)
