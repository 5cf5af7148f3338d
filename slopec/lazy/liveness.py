"""Which intermediate results somebody still wants: those that more refers to than their own graph.

Reference counts tell. Counting one too many only computes a value that nobody looks at; counting
one too few, only computes it again.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from slopec.lazy.graph import Node, Value

if TYPE_CHECKING:
    from slopec.lazy.extract import Graph


def still_referred_to(nodes: Sequence[Node], known: Collection[Value]) -> list[Value]:
    """The results of `nodes`, but those `known`, that something besides the nodes refers to."""
    uses = _uses(nodes, known)
    return [v for v in uses if sys.getrefcount(v) > uses[v] + _OWN_REFERENCES]


def _uses(nodes: Sequence[Node], known: Collection[Value]) -> dict[Value, int]:
    """How often nodes, and those of the functions they call, refer to results of `nodes`."""
    uses: dict[Value, int] = {}
    for values in _references(nodes):
        for value in values:
            if value.data is None:
                uses[value] = uses.get(value, 0) + 1
    within = {node.serial for node in nodes}
    return {
        value: count
        for value, count in uses.items()
        if value not in known and value.node is not None and value.node.serial in within
    }


def _references(nodes: Sequence[Node]) -> Iterator[Sequence[Value]]:
    """Where the nodes of a graph refer to values, within the functions they call too."""
    waiting = list(nodes)
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node.serial in seen:
            continue
        seen.add(node.serial)
        yield node.operands
        inner: Graph | None = getattr(node.body, "graph", None)
        if inner is not None:
            yield inner.inputs
            yield inner.outputs
            waiting.extend(inner.nodes)


def _own_references() -> int:
    """How often the list above refers to a value that nothing else refers to."""
    uses = {Value(((), np.dtype("float32")), None): 0}
    (count,) = [sys.getrefcount(v) for v in uses]
    return count


_OWN_REFERENCES = _own_references()
