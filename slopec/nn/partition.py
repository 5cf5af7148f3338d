"""A model in two parts: what is trained, and all the rest."""

from typing import Any

from slopec import tree
from slopec.trainable import flags, is_none


def partition(model: Any) -> tuple[Any, Any]:
    """(trained, rest): the model twice, with None where a leaf belongs to the other part.

    Trained are floating leaves that are neither buffers nor frozen. `combine` undoes it.

    >>> from slopec import nn
    >>> trained, rest = nn.partition(nn.Linear(2, 3).freeze("bias"))
    >>> trained.bias is None, rest.weight is None
    (True, True)
    """
    leaves, treedef = tree.flatten(model, is_leaf=is_none)
    chosen = flags(model)
    kept = treedef.unflatten(x if flag else None for x, flag in zip(leaves, chosen, strict=True))
    rest = treedef.unflatten(None if flag else x for x, flag in zip(leaves, chosen, strict=True))
    return kept, rest


def combine(trained: Any, rest: Any) -> Any:
    """The model whose parts `partition` gave.

    >>> from slopec import nn
    >>> nn.combine(*nn.partition(nn.Linear(2, 3))).weight.shape
    (3, 2)
    """
    ours, treedef = tree.flatten(trained, is_leaf=is_none)
    theirs, _ = tree.flatten(rest, is_leaf=is_none)
    return treedef.unflatten(
        b if a is None else a for a, b in zip(ours, theirs, strict=True)
    )
