"""Loops and branches of PyTorch's higher-order operations, whose bodies are graphs."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import transforms
from slopec.interop.graph import Graph, run
from slopec.tensor import Tensor


def _body(graph: Graph, further: Sequence[Any] = ()) -> Callable[..., Any]:
    """A graph as a function; `further` are arguments that it gets every time."""
    from slopec.interop.aten import TABLE  # which holds what is here

    return lambda *args: run(graph, TABLE, [*args, *further])


def cond(predicate: Tensor, yes: Graph, no: Graph, operands: Sequence[Tensor] = ()) -> Any:
    """One of two graphs, of which the predicate chooses."""
    return transforms.cond(predicate, _body(yes), _body(no), *operands)


def while_loop(
    condition: Graph, body: Graph, carried: Sequence[Tensor], further: Sequence[Any] = ()
) -> Any:
    """The body again and again, as long as the condition holds."""
    go_on, step = _body(condition, further), _body(body, further)

    def wanted(values: Sequence[Tensor]) -> Tensor:
        found = go_on(*values)
        verdict: Tensor = found[0] if isinstance(found, tuple | list) else found
        return verdict

    return transforms.while_loop(wanted, lambda values: tuple(step(*values)), tuple(carried))


def scan(
    body: Graph, init: Sequence[Tensor], xs: Sequence[Tensor], further: Sequence[Any] = ()
) -> tuple[Tensor, ...]:
    """The body over slices, carrying values: the last ones, then the stacked results."""
    step, count = _body(body, further), len(init)

    def following(carry: Any, slices: Any) -> tuple[Any, Any]:
        found = tuple(step(*carry, *slices))
        return found[:count], found[count:]

    last, stacked = transforms.scan(following, tuple(init), tuple(xs))
    return (*last, *stacked)


def map_(body: Graph, xs: Sequence[Tensor], further: Sequence[Any] = ()) -> Any:
    """The body on every slice."""
    step = _body(body, further)
    return transforms.map(lambda slices: tuple(step(*slices)), tuple(xs))


TABLE: dict[str, Callable[..., Any]] = {
    "cond": cond,
    "while_loop": while_loop,
    "scan": scan,
    "map_impl": map_,
}
