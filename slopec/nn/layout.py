"""How an object's attributes come apart into children and constants, and together again.

A child is a tensor or a module, directly or inside lists, tuples and dicts; what stands beside it
there is constant, as are all other attributes. What was a child once stays one, so that a copy may
hold None, a flag or a shape in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType, NoneType
from typing import Any

import numpy as np

from slopec import tree
from slopec.tree import TreeDef


def same(a: Any, b: Any) -> bool:
    """Equality that looks into lists and dicts and compares arrays as constants."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype) and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attribute with children: its nest, which of the leaves are children, the other leaves."""

    name: str
    nest: TreeDef
    places: tuple[int, ...]
    constants: tuple[Any, ...]

    @property
    def paths(self) -> list[str]:
        """The children's dotted names."""
        if self.nest is tree.LEAF:
            return [self.name]
        paths = list(self.nest.paths(self.name))
        return [paths[place] for place in self.places]

    def around(self, children: Iterable[Any]) -> Any:
        """The attribute's value with these children."""
        if self.nest is tree.LEAF:
            return next(iter(children))
        given, constants, chosen = iter(children), iter(self.constants), set(self.places)
        return self.nest.unflatten(
            next(given) if place in chosen else next(constants) for place in range(self.nest.size)
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attribute) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((self.name, self.nest, self.places))


_PLAIN = (int, float, str, NoneType, FunctionType, np.ndarray)
"""Types of attributes without children, which need no closer look."""


@cache
def _single(name: str) -> Attribute:
    """An attribute that is a child itself; one object for all of a name, which compares fast."""
    return Attribute(name, tree.LEAF, (0,), ())


def take_apart(
    name: str, value: Any, known: Attribute | None, child: type | tuple[type, ...]
) -> tuple[Attribute, list[Any]] | None:
    """An attribute and its children, or None for one that is constant.

    `known` is how the attribute came apart before; `child` is what children are instances of.
    """

    if isinstance(value, child):
        return _single(name), [value]
    if known is None and isinstance(value, _PLAIN):
        return None

    def stays(part: Any) -> bool:
        return part is None or isinstance(part, child)

    leaves, nest = tree.flatten(value, is_leaf=stays)
    if known is not None and known.nest == nest:
        places = known.places
    else:
        places = tuple(i for i, leaf in enumerate(leaves) if isinstance(leaf, child))
    if not places:
        return None
    constants = tuple(leaf for i, leaf in enumerate(leaves) if i not in places)
    return Attribute(name, nest, places, constants), [leaves[place] for place in places]


@dataclass(frozen=True, eq=False)
class Layout:
    """What a module is besides its tensors: class, attributes, constants, what is not trained."""

    cls: type[Any]
    attributes: tuple[Attribute, ...]
    buffers: frozenset[str]
    frozen: frozenset[str]
    static: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """The children's dotted names, in order."""
        return [path for attribute in self.attributes for path in attribute.paths]

    @property
    def fixed(self) -> frozenset[str]:
        """The names of the children that are not trained."""
        names = self.buffers | self.frozen
        return frozenset(
            path for part in self.attributes if part.name in names for path in part.paths
        )

    def values(self, children: Sequence[Any]) -> dict[str, Any]:
        """All attributes by name, with these children."""
        given = iter(children)
        moving = {
            part.name: part.around([next(given) for _ in part.places]) for part in self.attributes
        }
        return {**moving, **self.static}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and same(vars(self), vars(other))

    def __hash__(self) -> int:
        return hash((self.cls, self.attributes, self.buffers, self.frozen))
