"""Gradients for the imperative style: `backward()` derives the recorded ops behind a tensor.

The nodes between the leaves and the tensor become a function, of which a `vjp` is declared and
called, as `sp.vjp` does; the `derive` pass writes it when it is needed. The call is itself a node,
so gradients are as lazy as everything else, and can be differentiated again.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from slopec import dtypes, hlo, ir, tracing
from slopec.diagnostics import ShapeError, TraceError, UsageError
from slopec.lazy.extract import Graph, HistoryFreedError, Links, history, nodes_behind
from slopec.lazy.graph import Known, Node, Value
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
    _refuse(self)
    seed = _seed(self, gradient)
    value = tracing.outside(self)
    if value.owner is not None:
        _accumulate(self, seed)
        return
    keeps = create_graph if retain_graph is None else retain_graph
    try:
        nodes, links = history(value)
    except HistoryFreedError:
        raise _freed() from None
    others = [] if keeps else _wanted_later(nodes, links, value)
    graph = Graph.of([value, *others], nodes, links)
    chosen = None if inputs is None else {id(x) for x in inputs}
    leaves: list[tuple[int, Tensor]] = []
    for place, given in enumerate(graph.inputs):
        leaf = None if given.owner is None else given.owner()
        if leaf is not None and (chosen is None or id(leaf) in chosen):
            leaves.append((place, leaf))
    results = _derived(graph, seed, leaves, create_graph)
    count = len(graph.outputs)
    for (_, leaf), slope in zip(leaves, results[count:], strict=True):
        _accumulate(leaf, slope)
    if not keeps:
        _free(graph, results[:count])


def _derived(
    graph: Graph, seed: Tensor, leaves: Sequence[tuple[int, Tensor]], create_graph: bool
) -> Sequence[Tensor]:
    """A graph's outputs, and the gradients of the first with respect to leaves, recorded."""
    body = Derivative(graph, tuple(place for place, _ in leaves))
    types = (
        *(value.type for value in graph.outputs),
        *(graph.inputs[place].type for place, _ in leaves),
    )
    values = [*graph.inputs, tracing.outside(seed)]
    active = [value.owner is not None for value in graph.inputs] + [seed.requires_grad]
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
    if leaf.grad is None:
        leaf.grad = slope
        return
    with _recording(slope.requires_grad):
        leaf.grad = leaf.grad + slope


def _free(graph: Graph, results: Sequence[Tensor]) -> None:
    """Let go of what only another `backward` would need; `results` are the outputs once more."""
    for node in graph.nodes:
        node.freed = True
        for value in node.operands:
            if value.data is not None:
                value.node = None
    for value, result in zip(graph.outputs, results, strict=True):
        value.node = None
        if value.data is None:
            twin = tracing.outside(result)
            assert twin.node is not None
            value.node, value.index = twin.node, twin.index
            twin.node.freed = True


def _seed(tensor: Tensor, gradient: Any) -> Tensor:
    """The cotangent that `backward` begins with."""
    if gradient is not None:
        seed = gradient if isinstance(gradient, Tensor) else Tensor(gradient, tensor.dtype)
        if (seed.shape, seed.dtype) != (tensor.shape, tensor.dtype):
            raise ShapeError(
                "S0143",
                f"backward: the gradient is {seed.dtype}{list(seed.shape)}, the tensor "
                f"{tensor.dtype}{list(tensor.shape)}",
                span=tracing.here(),
                hint="pass one number for each element of the tensor",
            )
        return seed
    if tensor.size != 1 or not dtypes.is_floating(tensor.dtype):
        raise ShapeError(
            "S0143",
            f"backward: the tensor is {tensor.dtype}{list(tensor.shape)}, not one real number",
            span=tracing.here(),
            hint="reduce it with `.sum()` or `.mean()`, or pass `gradient`, a tensor of its shape",
        )
    return hlo.full(tensor.shape, 1, tensor.dtype)


def _refuse(tensor: Tensor) -> None:
    """Raise for tensors that have no history."""
    if tensor._trace is not None:
        raise TraceError(
            "S0141",
            "backward inside a traced function",
            span=tracing.here(),
            notes=("inside jit, grad, vmap and program, ops are written, not recorded",),
            hint="use `sp.grad` or `sp.value_and_grad` of a function there",
        )
    if tensor.requires_grad:
        return
    leaves = "no tensor it was computed from has `requires_grad`"
    quiet = "it was computed under `no_grad`, or " + leaves
    raise UsageError(
        "S0142",
        "backward: the tensor does not require a gradient",
        span=tracing.here(),
        notes=(leaves if records_gradients() else quiet, "results of `sp.jit` have no history"),
        hint="make leaves with `sp.tensor(…, requires_grad=True)` or `x.requires_grad_()`",
    )


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
    """Collect gradients in `grad` of a computed tensor too.

    >>> import slopec as sp
    >>> x = sp.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (2.0 * y).backward()
    >>> print(y.grad)
    tensor(2., float32[], cpu)
    """
    _refuse(self)
    if tracing.outside(self).owner is not None:
        return
    from slopec.lazy.leaves import owned

    nothing = Tensor._of_recorded(tracing.outside(hlo.zeros_like(self)), requires_grad=True)
    owned(tracing.outside(nothing), self)
    self._value = tracing.outside(hlo.add(self, nothing))
    _: Value = self._value
