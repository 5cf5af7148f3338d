"""L-BFGS for the imperative style: a step computes the loss as often as it takes to go downhill."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slopec import dtypes, ops, tracing, tree
from slopec.diagnostics import UsageError
from slopec.lazy.evaluate import evaluate
from slopec.lazy.leaves import owned
from slopec.lazy.mode import enable_grad, no_grad
from slopec.lazy.record import operation
from slopec.optim import optimizers
from slopec.optim.line_search import Point, strong_wolfe
from slopec.optim.quasi_newton import Memory, grown, inner, no_memory, preconditioned, remember
from slopec.optim.stateful import StatefulOptimizer, gradient_of, refuse_trace
from slopec.optim.transformation import Optimizer, wide, widened
from slopec.tensor import Tensor

_ROOM = 8
"""Pairs that there is room for to begin with; it doubles up to `history_size` when it is full."""

_LEAST_CURVATURE = 1e-10


def _searching(
    lr: float = 1.0,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
) -> Optimizer:
    """The pure optimiser whose rate stands in the group; the others say how far `step` goes."""
    return optimizers.lbfgs(lr, history_size)


@dataclass
class Search:
    """What a step leaves to the next: the curvature so far, and the way that was gone last."""

    memory: Memory
    direction: list[Tensor]
    rate: float
    gradients: list[Tensor]


class LBFGS(StatefulOptimizer):
    """Quasi-Newton steps along −H g, with H from the last `history_size` of them, as PyTorch's.

    `step(closure)` takes up to `max_iter` of them, each `lr` long, or as long as the strong Wolfe
    conditions want with `line_search_fn="strong_wolfe"`. It ends when no element of the gradient
    exceeds `tolerance_grad`, when neither parameters nor loss change by more than
    `tolerance_change`, or after `max_eval` (1.25 · `max_iter`) evaluations of `closure`, which
    forgets the gradients, computes the loss, calls `backward` and returns the loss.

    There is one group of parameters. `sp.optim.lbfgs` is the pure form. Raises UsageError (S0123)
    for another line search, S0146 without a closure.

    >>> import slopec as sp
    >>> p = sp.tensor([-1.0, 2.0], requires_grad=True)
    >>> opt = sp.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     x, y = p
    ...     loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(3):
    ...     loss = opt.step(closure)
    >>> print(p.round(decimals=3))
    tensor([1. 1.], float32[2], cpu)
    """

    make = staticmethod(_searching)

    def __init__(self, params: Any, *args: Any, **options: Any) -> None:
        """See the class for the options."""
        super().__init__(params, *args, **options)
        self.iterations = self.evaluations = 0
        self.search: Search | None = None

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add the parameters; there is one group, as the steps of all depend on all."""
        if self.param_groups:
            raise _refused("the parameters are one group")
        if {**self.defaults, **group}.get("maximize"):
            raise _refused("it goes downhill only: return the negative loss")
        super().add_param_group(group)
        kind = self.param_groups[0]["line_search_fn"]
        if kind not in (None, "strong_wolfe"):
            raise _refused(f'`line_search_fn` is None or "strong_wolfe", got {kind!r}')

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise the loss that `closure` computes; returns what it returned first."""
        refuse_trace()
        if closure is None:
            raise UsageError(
                "S0146",
                "LBFGS: step() without a closure",
                span=tracing.here(),
                hint="pass a function that calls `zero_grad` and `backward`, and returns the loss",
            )
        group, calls = self.param_groups[0], self.evaluations
        most = group["max_eval"] or group["max_iter"] * 5 // 4
        given, here = self._look(closure)
        for taken in range(1, group["max_iter"] + 1):
            if _largest(here.gradient) <= group["tolerance_grad"]:
                break
            self.iterations += 1
            ahead = self._ahead(here)
            slope = _number(inner, here.gradient, ahead.direction)
            start = replace(here, at=0.0, slope=slope)
            if start.slope > -group["tolerance_change"]:
                break
            there = self._move(closure, start, ahead, final=taken == group["max_iter"])
            if there is None or self.evaluations - calls >= most:
                break
            least = group["tolerance_change"]
            if ahead.rate * _largest(ahead.direction) <= least:
                break
            if abs(there.value - here.value) < least:
                break
            here = there
        return given

    def _ahead(self, here: Point) -> Search:
        """The direction to go from here, kept for the next, and how far to try."""
        group, last = self.param_groups[0], self.search
        rate = float(group["lr"])
        if last is None:
            memory = no_memory(here.gradient, min(_ROOM, group["history_size"]))
            rate *= min(1.0, 1.0 / _number(_sum_of_sizes, here.gradient))
            direction = [-g for g in here.gradient]
        else:
            memory, direction = _turned(
                last.memory,
                last.direction,
                Tensor(np.float64(last.rate)),
                last.gradients,
                here.gradient,
            )
            room = memory["weights"].shape[0]
            evaluate([leaf._value for leaf in tree.leaves((memory, direction))])
            if memory["count"].item() == room < group["history_size"]:
                memory = grown(memory, min(2 * room, group["history_size"]))
        self.search = Search(memory, direction, rate, here.gradient)
        return self.search

    def _move(
        self, closure: Callable[[], Any], start: Point, ahead: Search, final: bool
    ) -> Point | None:
        """Go along a direction; gives the point there, but nothing if no other step follows."""
        origin = [p.detach() for p in self._params]

        def at(rate: float) -> None:
            with no_grad():
                for p, x, d in zip(self._params, origin, ahead.direction, strict=True):
                    p._value = owned(_moved(x, d, Tensor(np.float64(rate)))._value, p)

        def tried(rate: float) -> Point:
            at(rate)
            _, point = self._look(closure)
            return replace(point, at=rate, slope=_number(inner, point.gradient, ahead.direction))

        group = self.param_groups[0]
        if group["line_search_fn"] is None:
            if not final:
                return tried(ahead.rate)
            at(ahead.rate)
            evaluate([p._value for p in self._params])
            return None
        size = _largest(ahead.direction)
        found = strong_wolfe(tried, start, ahead.rate, size, group["tolerance_change"])
        at(found.at)
        evaluate([p._value for p in self._params])
        ahead.rate = found.at
        return found

    def _look(self, closure: Callable[[], Any]) -> tuple[Any, Point]:
        """What `closure` returns, and as a point."""
        self.evaluations += 1
        with enable_grad():
            loss = closure()
        with no_grad():
            slopes = [_downhill(p) for p in self._params]
            kept = [loss._value] if isinstance(loss, Tensor) else []
            evaluate([*(p._value for p in (*self._params, *slopes)), *kept], alongside=True)
        return loss, Point(0.0, float(loss), 0.0, slopes)

    @property
    def _params(self) -> Sequence[Tensor]:
        params: Sequence[Tensor] = self.param_groups[0].params
        return params

    def state_dict(self) -> dict[str, Any]:
        """The rate, and what the steps so far tell of the loss."""
        search = None if self.search is None else vars(self.search)
        counts = {"iterations": self.iterations, "evaluations": self.evaluations}
        return {**super().state_dict(), **counts, "search": search}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, of an optimiser of such parameters."""
        super().load_state_dict(state)
        search = state["search"]
        if search is not None:
            shapes = [tuple(np.shape(d)) for d in search["direction"]]
            if shapes != [p.shape for p in self._params]:
                raise UsageError(
                    "S0146",
                    f"the state does not fit the optimiser: it is of parameters {shapes}",
                    span=tracing.here(),
                )
        self.iterations, self.evaluations = state["iterations"], state["evaluations"]
        self.search = None if search is None else Search(**search)


@operation
def _turned(
    memory: Memory, way: list[Tensor], rate: Tensor, before: list[Tensor], now: list[Tensor]
) -> tuple[Memory, list[Tensor]]:
    """The memory with the step that was taken, and the direction to go from here."""
    step = [d * ops.astype(rate, dtypes.real_of(d.dtype)) for d in way]
    change = [b - a for a, b in zip(before, now, strict=True)]
    memory = remember(memory, step, change, _LEAST_CURVATURE)
    return memory, [-d for d in preconditioned(memory, now)]


@operation
def _moved(x: Tensor, direction: Tensor, rate: Tensor) -> Tensor:
    return ops.astype(x + direction * ops.astype(rate, dtypes.real_of(direction.dtype)), x.dtype)


def _downhill(param: Tensor) -> Tensor:
    """The gradient, zero where the loss does not depend on the parameter."""
    if param.grad is None:
        return ops.zeros(param.shape, dtype=wide(param.dtype))
    slope: Tensor = widened(gradient_of(param)).detach()
    return slope


def _number(function: Callable[..., Tensor], *values: Any) -> float:
    with no_grad():
        return float(function(*values))


def _largest(tensors: Sequence[Tensor]) -> float:
    return max(_number(lambda t: ops.max(_sizes(t)), t) for t in tensors if t.size)


def _sum_of_sizes(tensors: Sequence[Tensor]) -> Tensor:
    total = ops.zeros(())
    for tensor in tensors:
        total = total + ops.sum(_sizes(tensor))
    return total


def _sizes(tensor: Tensor) -> Tensor:
    """The sizes of elements, of real and imaginary parts apart."""
    if dtypes.is_complex(tensor.dtype):
        return ops.abs(ops.stack([ops.real(tensor), ops.imag(tensor)]))
    return ops.abs(tensor)


def _refused(what: str) -> UsageError:
    return UsageError("S0123", f"LBFGS: {what}", span=tracing.here())
