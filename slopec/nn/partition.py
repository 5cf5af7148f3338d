"""Splitting a pytree into what is differentiated and the rest, and putting it together again."""

from collections.abc import Callable
from typing import Any

from slopec import tree
from slopec.trainable import flags, is_none


def partition(model: Any, predicate: Callable[[str, Any], bool] | None = None) -> tuple[Any, Any]:
    """(chosen, rest), both of the structure of `model`, with None for what the other one has.

    `predicate` of a leaf's dotted name and value chooses; the default takes what is trained: all
    that is floating, neither buffer nor frozen.

    >>> import slopec as sp
    >>> from slopec import nn
    >>> model = nn.Linear(2, 1)
    >>> chosen, rest = nn.partition(model, lambda name, leaf: name == "weight")
    >>> def loss(chosen, x):
    ...     return nn.combine(chosen, rest)(x).sum()
    >>> slope = sp.grad(loss)(chosen, sp.ones((3, 2)))
    >>> print(slope.weight, slope.bias)
    tensor([[3. 3.]], float32[1, 2], cpu) None
    """
    leaves, treedef = tree.flatten(model, is_leaf=is_none)
    if predicate is None:
        taken = flags(model)
    else:
        paths = treedef.paths()
        taken = [
            leaf is not None and predicate(path, leaf)
            for path, leaf in zip(paths, leaves, strict=True)
        ]
    pairs = list(zip(leaves, taken, strict=True))
    chosen = treedef.unflatten(leaf if yes else None for leaf, yes in pairs)
    rest = treedef.unflatten(None if yes else leaf for leaf, yes in pairs)
    return chosen, rest


def combine(chosen: Any, rest: Any) -> Any:
    """The pytree that `partition` split: where one has None, the other's leaf.

    >>> from slopec import nn
    >>> print(nn.combine({"a": 1, "b": None}, {"a": None, "b": 2}))
    {'a': 1, 'b': 2}
    """
    first, treedef = tree.flatten(chosen, is_leaf=is_none)
    second = tree.flatten(rest, is_leaf=is_none)[0]
    return treedef.unflatten(b if a is None else a for a, b in zip(first, second, strict=True))
