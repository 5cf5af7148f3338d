"""Which leaves of a pytree are trained: all floating ones, but those that a node says are fixed.

Auxiliary data of a node may have an attribute `fixed`, the names of the children that are state or
frozen, as that of modules has. Transforms do not look at it; optimisers and `nn.partition` do.
"""

from collections.abc import Iterator
from typing import Any

from slopec import dtypes, tree
from slopec.tree import TreeDef


def is_none(leaf: Any) -> bool:
    """Whether a leaf is missing; flattening with this keeps missing leaves in their places."""
    return leaf is None


def of_leaves(treedef: TreeDef) -> Iterator[bool]:
    """For every leaf of a tree, whether no node says that it is fixed."""
    if treedef.node is None:
        yield True
        return
    fixed = getattr(treedef.aux, "fixed", ())
    for name, child in zip(treedef.names, treedef.children, strict=True):
        yield from [False] * child.size if name in fixed else of_leaves(child)


def flags(of: Any) -> list[bool]:
    """For every leaf of `of`, missing ones included, whether it is trained.

    >>> import numpy as np
    >>> flags({"weight": np.ones(3, np.float32), "steps": np.array(0), "bias": None})
    [True, False, False]
    """
    leaves, treedef = tree.flatten(of, is_leaf=is_none)
    return [
        flag and dtypes.is_differentiable(getattr(leaf, "dtype", dtypes.bool_))
        for leaf, flag in zip(leaves, of_leaves(treedef), strict=True)
    ]


def trained(of: Any) -> Any:
    """`of` with None in place of the leaves that are not trained.

    >>> trained({"weight": 1, "bias": None})
    {'weight': None, 'bias': None}
    """
    leaves, treedef = tree.flatten(of, is_leaf=is_none)
    kept = [leaf if flag else None for leaf, flag in zip(leaves, flags(of), strict=True)]
    return treedef.unflatten(kept)
