"""Gradients for the imperative style: `backward()` derives the recorded ops behind a tensor.

The nodes between the leaves and the tensor become a function, of which a `vjp` is declared and
called, as `sp.vjp` does; the `derive` pass writes it when it is needed. The call is itself a node,
so gradients are as lazy as everything else, and can be differentiated again.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from slopec import dtypes, hlo, ir, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.lazy.errors import gradient_of, traced, without_gradient
from slopec.lazy.extract import Graph, HistoryFreedError, Links, history, nodes_behind
from slopec.lazy.graph import Known, Node, Value
from slopec.lazy.junctions import Junction, LeafHooks, through
from slopec.lazy.liveness import still_referred_to
from slopec.lazy.mode import enable_grad, no_grad, records_gradients
from slopec.lazy.record import record_values
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Derivative:
    """The function (inputs…, cotangent) ↦ (outputs…, gradients of the inputs `wrt`…).

    The cotangent is that of the first output.
    """

    graph: Graph
    wrt: tuple[int, ...]

    @property
    def signature(self) -> Hashable:
        """What the function does, whichever nodes it was made of."""
        return "vjp", self.graph.key, self.graph.constants, self.wrt

    def declare(self, module: ir.Module, fresh: Callable[[str], str], known: Known) -> str:
        """Write the primal function into `module`, and declare its derivative.

        Known constants are written into it, as the derivatives of some ops look at them.
        """
        from slopec.transforms.function import Traced, declare_vjp

        fixed = tuple(row for row in known if row[0] not in self.wrt)
        op = self.graph.write(module, fresh("recorded"), fresh, known=fixed)
        symbol, _ = declare_vjp(module, Traced.of(op), self.wrt, [0])
        return symbol


def backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add the gradient of this tensor to `grad` of every leaf that it was computed from.

    `gradient` is the cotangent, needed unless the tensor has one element. The history is freed
    unless `retain_graph`; `create_graph` makes the gradients differentiable in turn. `inputs`
    limits the leaves.

    Raises TraceError (S0141) inside a traced function, UsageError (S0142) for a tensor without
    history or one that was freed, ShapeError (S0143) for a missing or misshapen `gradient`.

    >>> import slopec as sp
    >>> w = sp.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> print(w.grad)
    tensor([2. 4.], float32[2], cpu)
    """
    _refuse(self, "backward")
    keeps = create_graph if retain_graph is None else retain_graph
    front = Front(create_graph, None if inputs is None else {id(x) for x in inputs})
    front.arrive(tracing.outside(self), _seed(self, gradient))
    gone: list[tuple[Graph, Sequence[Tensor]]] = []
    while (here := front.next()) is not None:
        # What a hook returned may depend on what is behind the junction, which so stays as it is.
        twice = keeps or bool(gone) or here[0].junction is not None
        gone.append(_followed(*here, twice, front))
    for leaf, slope in front.leaves.values():
        _accumulate(leaf, slope)
    if not keeps:
        for graph, results in gone:
            _free(graph, results)


class Front:
    """How far `backward` has come: gradients at leaves, at junctions, and to go on from."""

    def __init__(self, create_graph: bool, chosen: set[int] | None) -> None:
        """Nowhere yet; `chosen` are the leaves to go to, by identity, if not all."""
        self.create_graph = create_graph
        self.chosen = chosen
        self.leaves: dict[int, tuple[Tensor, Tensor]] = {}
        self.junctions: dict[Junction, dict[int, tuple[Value, Tensor]]] = {}
        self.ready: list[tuple[Value, Tensor]] = []

    def ends_among(self, inputs: Sequence[Value]) -> list[int]:
        """The places of the leaves and junctions that gradients are wanted at."""
        return [
            place
            for place, value in enumerate(inputs)
            if value.junction is not None
            or (value.owner is not None and self._wants(value.owner()))
        ]

    def _wants(self, leaf: Tensor | None) -> bool:
        return leaf is not None and (self.chosen is None or id(leaf) in self.chosen)

    def arrive(self, value: Value, slope: Tensor) -> None:
        """Add a gradient where it has come to."""
        if value.junction is not None:
            junction, place = value.junction
            waiting = self.junctions.setdefault(junction, {})
            _, before = waiting.get(place, (value, None))
            waiting[place] = value, self._sum(before, slope)
        elif value.owner is None:
            self.ready.append((value, slope))
        elif (leaf := value.owner()) is not None:
            known = self.leaves.get(id(leaf))
            total = slope if known is None else self._sum(known[1], slope)
            self.leaves[id(leaf)] = leaf, total

    def next(self) -> tuple[Value, Tensor] | None:
        """What to go on from: beyond the junction recorded last, as none is left behind that."""
        while not self.ready and self.junctions:
            junction = max(self.junctions, key=lambda j: max(map(_serial, self._values(j))))
            waiting = self.junctions.pop(junction)
            slopes = [waiting[i][1] if i in waiting else None for i in range(junction.count)]
            with _recording(self.create_graph):
                slopes = junction.passed(slopes)
            for place, (value, _) in waiting.items():
                changed = slopes[place]
                if changed is not None:
                    self.ready.append((value, changed))
        return self.ready.pop() if self.ready else None

    def _values(self, junction: Junction) -> list[Value]:
        return [value for value, _ in self.junctions[junction].values()]

    def _sum(self, before: Tensor | None, slope: Tensor) -> Tensor:
        if before is None:
            return slope
        with _recording(self.create_graph):
            return before + slope


def _serial(value: Value) -> int:
    """When a value was recorded; its history may be freed."""
    return -1 if value.node is None else value.node.serial


def _followed(
    value: Value, seed: Tensor, twice: bool, front: Front
) -> tuple[Graph, Sequence[Tensor]]:
    """Take a gradient to the nearest leaves and junctions; gives what to free then.

    That is the graph, and its outputs once more unless they are computed `twice` if wanted.
    """
    try:
        nodes, links = history(value)
    except HistoryFreedError:
        raise _freed() from None
    others = [] if twice else _wanted_later(nodes, links, value)
    graph = Graph.of([value, *others], nodes, links)
    ends = front.ends_among(graph.inputs)
    results = _derived(graph, seed, ends, front.create_graph)
    count = len(graph.outputs)
    for place, slope in zip(ends, results[count:], strict=True):
        front.arrive(graph.inputs[place], slope)
    return graph, [] if twice else results[:count]


def _derived(
    graph: Graph, seed: Tensor, wrt: Sequence[int], create_graph: bool
) -> Sequence[Tensor]:
    """A graph's outputs, and the gradients of the first with respect to inputs, recorded."""
    body = Derivative(graph, tuple(wrt))
    types = (
        *(value.type for value in graph.outputs),
        *(graph.inputs[place].type for place in wrt),
    )
    values = [*graph.inputs, tracing.outside(seed)]
    active = [v.owner is not None or v.junction is not None for v in graph.inputs]
    active.append(seed.requires_grad)
    with _recording(create_graph):
        return record_values("func.call", values, active, types, None, body)


def _wanted_later(nodes: Sequence[Node], links: Links, value: Value) -> list[Value]:
    """Values that a derivative computes on its way and that somebody refers to.

    They become its results, as their nodes are freed. What its operands are made of stays apart.
    """
    given = [
        operand
        for node in nodes
        for inside, operand in zip(links(node), node.operands, strict=True)
        if not inside and operand.data is None
    ]
    before = {node.serial for node in nodes_behind(given)}
    return [
        other
        for other in still_referred_to(nodes, {value})
        if other.node is not None and other.node.serial not in before
    ]


def _recording(create_graph: bool) -> Any:
    return enable_grad() if create_graph else no_grad()


def _accumulate(leaf: Tensor, slope: Tensor) -> None:
    """Add to a leaf's gradient, between its hooks."""
    hooks: LeafHooks | None = getattr(leaf, "_hooks", None)
    if hooks is None and leaf.grad is None:
        leaf.grad = slope
        return
    with _recording(slope.requires_grad):
        if hooks is not None:
            slope = through(hooks.before, slope)
        leaf.grad = slope if leaf.grad is None else leaf.grad + slope
        if hooks is not None:
            for hook in tuple(hooks.after.values()):
                hook(leaf)


def _free(graph: Graph, results: Sequence[Tensor]) -> None:
    """Let go of what only another `backward` would need; `results` may be the outputs once more."""
    for node in graph.nodes:
        node.freed = True
        for value in node.operands:
            if value.data is not None:
                value.node = None
    for value, result in zip(graph.outputs if results else (), results, strict=True):
        value.node = None
        if value.data is None:
            twin = tracing.outside(result)
            assert twin.node is not None
            value.node, value.index = twin.node, twin.index
            twin.node.freed = True


def _seed(tensor: Tensor, gradient: Any) -> Tensor:
    """The cotangent that `backward` begins with."""
    if gradient is not None:
        hint = "pass one number for each element of the tensor"
        return gradient_of(tensor, gradient, "backward: the gradient", hint)
    if tensor.size != 1 or not dtypes.is_floating(tensor.dtype):
        raise ShapeError(
            "S0143",
            f"backward: the tensor is {tensor.dtype}{list(tensor.shape)}, not one real number",
            span=tracing.here(),
            hint="reduce it with `.sum()` or `.mean()`, or pass `gradient`, a tensor of its shape",
        )
    return hlo.full(tensor.shape, 1, tensor.dtype)


def _refuse(tensor: Tensor, name: str) -> None:
    """Raise for tensors that have no history."""
    if tensor._trace is not None:
        hint = "use `sp.grad` or `sp.value_and_grad` of a function there"
        raise traced(f"{name} inside a traced function", hint)
    if tensor.requires_grad:
        return
    leaves = "no tensor it was computed from has `requires_grad`"
    quiet = "it was computed under `no_grad`, or " + leaves
    notes = (leaves if records_gradients() else quiet, "results of `sp.jit` have no history")
    raise without_gradient(name, notes)


def _freed() -> UsageError:
    return UsageError(
        "S0142",
        "backward: the history of the tensor, or of a part of it, was freed",
        span=tracing.here(),
        notes=("the first `backward` through it did that",),
        hint="call the first one with `retain_graph=True`, or add the losses and call it once",
    )


# --- leaves and handles ----------------------------------------------------------------------


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Collect gradients in `grad` from now on, or no longer; return the tensor, which is a leaf.

    Raises DTypeError (S0205) for integers and booleans, UsageError (S0144) for a computed tensor.

    >>> import slopec as sp
    >>> sp.ones(3).requires_grad_().is_leaf
    True
    """
    from slopec.lazy.leaves import own

    own(self, requires_grad)
    return self


def retain_grad(self: Tensor) -> None:
    """Collect gradients in `grad` of a computed tensor too; a leaf does so anyway.

    Raises TraceError (S0141) inside a traced function, UsageError (S0142) for a tensor without
    history.

    >>> import slopec as sp
    >>> x = sp.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (2.0 * y).backward()
    >>> print(y.grad)
    tensor(2., float32[], cpu)
    """
    _refuse(self, "retain_grad")
    if tracing.outside(self).owner is not None:
        return
    from slopec.lazy.leaves import owned

    nothing = Tensor._of_recorded(tracing.outside(hlo.zeros_like(self)), requires_grad=True)
    owned(tracing.outside(nothing), self)
    self._value = tracing.outside(hlo.add(self, nothing))
