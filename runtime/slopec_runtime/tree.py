"""How arguments and results nest: a template whose leaves index a flat list of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .errors import Error, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True)
class Branch:
    """An inner node of a tree: a tuple, list or dictionary of trees, or None.

    `keys` are the keys of a dictionary, in the order of `items`; empty for the other kinds.
    """

    kind: Literal["tuple", "list", "dict", "none"]
    items: tuple[Tree, ...] = ()
    keys: tuple[str, ...] = ()


Tree: TypeAlias = int | Branch
"""A leaf, which is an index, or a branch."""


def leaves(tree: Tree) -> Iterator[int]:
    """The leaf indices of a tree, in order.

    >>> list(leaves(Branch("dict", (1, Branch("tuple", (0, 2))), ("x", "y"))))
    [1, 0, 2]
    """
    if isinstance(tree, int):
        yield tree
        return
    for item in tree.items:
        yield from leaves(item)


def unflatten(tree: Tree, values: Sequence[Any]) -> Any:
    """Build the nested value that a tree describes from its flat leaf values.

    >>> unflatten(Branch("dict", (1, Branch("list", (0,))), ("x", "y")), "ab")
    {'x': 'b', 'y': ['a']}
    """
    if isinstance(tree, int):
        return values[tree]
    items = [unflatten(item, values) for item in tree.items]
    if tree.kind == "tuple":
        return tuple(items)
    if tree.kind == "list":
        return items
    if tree.kind == "dict":
        return dict(zip(tree.keys, items, strict=True))
    return None


def flatten(tree: Tree, value: Any, name: str, leaf: Callable[[int, Any], None]) -> None:
    """Walk `value` along `tree` and call `leaf(index, part)` for each leaf.

    Tuples and lists are interchangeable; dictionaries need exactly the keys of the template.
    `name` is how messages call the value. Raises Error S0510 where the nesting differs.

    >>> flatten(Branch("tuple", (0, 1)), (10, 20), "pair", print)
    0 10
    1 20
    """
    if isinstance(tree, int):
        return leaf(tree, value)
    if tree.kind == "none":
        if value is not None:
            raise _mismatch(name, "None", value)
        return None
    if tree.kind == "dict":
        return _flatten_dict(tree, value, name, leaf)
    if not isinstance(value, tuple | list):
        raise _mismatch(name, f"a {tree.kind} of {len(tree.items)}", value)
    if len(value) != len(tree.items):
        raise Error(
            "S0510", f"'{name}' needs a {tree.kind} of {len(tree.items)} items, got {len(value)}"
        )
    for position, (item, part) in enumerate(zip(tree.items, value, strict=True)):
        flatten(item, part, f"{name}[{position}]", leaf)
    return None


def _flatten_dict(tree: Branch, value: Any, name: str, leaf: Callable[[int, Any], None]) -> None:
    if not isinstance(value, dict):
        raise _mismatch(name, f"a dict with keys {_listed(tree.keys)}", value)
    for key in value:
        if key not in tree.keys:
            raise Error(
                "S0510",
                f"'{name}' has an unknown key {key!r}",
                notes=[f"expected keys: {_listed(tree.keys)}"],
                hint=did_you_mean(str(key), tree.keys),
            )
    missing = [key for key in tree.keys if key not in value]
    if missing:
        raise Error("S0510", f"'{name}' lacks the key {_listed(missing)}")
    for key, item in zip(tree.keys, tree.items, strict=True):
        flatten(item, value[key], f"{name}[{key!r}]", leaf)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(repr(key) for key in keys)


def _mismatch(name: str, expected: str, value: Any) -> Error:
    return Error("S0510", f"'{name}' must be {expected}, got {type(value).__name__}")
