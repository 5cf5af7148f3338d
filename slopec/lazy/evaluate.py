"""Evaluation: wanted values, and what else somebody still refers to, are computed and kept.

Each recorded op runs once: an intermediate result that a tensor or an unevaluated node outside the
graph refers to is an output too. The others are never held, and the nodes are let go.
"""

import math
import threading
import weakref
from collections.abc import Collection, Sequence
from typing import Any

from slopec import tree
from slopec.lazy.device import REFERENCE
from slopec.lazy.extract import Graph, nodes_behind
from slopec.lazy.graph import Value
from slopec.lazy.liveness import still_referred_to
from slopec.lazy.plan import run
from slopec.tensor import Tensor

# One evaluation at a time: two threads may want the same values, and programs are not reentrant.
_lock = threading.RLock()

_SMALL = 1 << 20
"""Elements up to which NumPy draws random numbers sooner than a program for them is compiled."""

_kept_state: weakref.WeakSet[Value] = weakref.WeakSet()


def keep_state(old: Any, new: Value) -> None:
    """Note that `new` takes the place of the value `old` as the state of something.

    It is evaluated with the next step of an optimiser, or when it is replaced in turn: running
    statistics that nobody looks at would otherwise be recorded for ever, with all they came from.
    """
    if isinstance(old, Value):
        evaluate([old])
    with _lock:
        _kept_state.add(new)


def evaluate(
    values: Sequence[Value], without: Collection[Value] = (), *, alongside: bool = False
) -> None:
    """Make the data of `values` known; `without` names values not worth keeping on the way.

    State that waits to be evaluated is taken along with `alongside`.
    """
    with _lock:
        if alongside:
            # In the order they were recorded, so that every step is the same program.
            waiting = [(v.node.serial, v.index, v) for v in _kept_state if v.node is not None]
            values = [*values, *(value for *_, value in sorted(waiting, key=lambda row: row[:2]))]
            _kept_state.clear()
        groups: dict[str | None, list[Value]] = {}
        for value in dict.fromkeys(values):
            if value.data is None:
                groups.setdefault(value.device, []).append(value)
        for device, wanted in groups.items():
            _evaluate_on(device, wanted, without)


def evaluate_alike(value: Value) -> None:
    """Make the data of a value known by a means that its size alone decides.

    The last bit of a float depends on who computes it. By default the time that it took before and
    what was compiled before decide, which another process would not repeat.
    """
    with _lock:
        if value.data is not None or value.device is not None:
            evaluate([value])
        else:
            small = math.prod(value.type[0]) <= _SMALL
            _evaluate_on(REFERENCE if small else "cpu", [value], ())


def eval(*trees: Any) -> Any:
    """Evaluate all tensors in some pytrees at once; return the pytree, or the tuple of them.

    Values in the same module, such as a model's new parameters and a loss, share what they are
    computed from, and are computed by one program.

    Raises TraceError inside a traced function, where no value is known.

    >>> import slopec as sp
    >>> x = sp.ones(3)
    >>> total, parts = sp.eval(x.sum(), {"twice": 2 * x})
    """
    tensors = [leaf for leaf in tree.leaves(trees) if isinstance(leaf, Tensor)]
    for tensor in tensors:
        if tensor._trace is not None:
            tensor.eval()
    evaluate([tensor._value for tensor in tensors])
    return trees[0] if len(trees) == 1 else trees


def _evaluate_on(device: str | None, wanted: list[Value], without: Collection[Value]) -> None:
    """Evaluate values that belong on one device, once what belongs on others is known."""
    wanted = [value for value in wanted if value.data is None]
    nodes = nodes_behind(wanted)
    elsewhere = [
        value
        for node in nodes
        for value in node.operands
        if value.data is None and value.device not in (None, device)
    ]
    if elsewhere:
        evaluate(elsewhere)
        wanted = [value for value in wanted if value.data is None]
        nodes = nodes_behind(wanted)
    if not wanted:
        return
    outputs = [*wanted, *still_referred_to(nodes, {*wanted, *without})]
    arrays = run(Graph.of(outputs, nodes), device)
    for value, array in zip(outputs, arrays, strict=True):
        node = value.node
        value.data = array
        if node is not None and (node.active is None or node.freed):
            value.node = None
