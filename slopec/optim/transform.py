"""Gradient transformations: small pure functions that optimisers are chains of.

A transformation is a pair: `init(params)` makes its state, `update(updates, state, params)` returns
new updates and state. Everything is a pytree; leaves that are not trained are None throughout.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slopec import dtypes, ops, tree
from slopec.tensor import Tensor
from slopec.trainable import is_none, trained

Schedule = Callable[[Tensor], Tensor]
Rate = float | Tensor | Schedule


@dataclass(frozen=True)
class Transformation:
    """One step of what an optimiser does to gradients."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Optimizer:
    """`init(params)` makes the state; `update(gradients, state, params)` takes a step.

    `update` returns (new params, new state). Leaves that are not trained (buffers, frozen
    parameters, integers) stay as they are.

    >>> import slopec as sp
    >>> optimizer = sp.optim.sgd(0.1)
    >>> params = {"w": sp.tensor([1.0, 2.0])}
    >>> slope, state = {"w": sp.tensor([1.0, 1.0])}, optimizer.init(params)
    >>> params, state = optimizer.update(slope, state, params)
    >>> print(params["w"])
    [0.9 1.9]
    """

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


def leafwise(function: Callable[..., Any], first: Any, *rest: Any) -> Any:
    """Apply `function` where `first` has a leaf; None stays None."""
    flat, treedef = tree.flatten(first, is_leaf=is_none)
    columns = [tree.flatten(other, is_leaf=is_none)[0] for other in rest]
    made = [None if row[0] is None else function(*row) for row in zip(flat, *columns, strict=True)]
    return treedef.unflatten(made)


def optimizer(*steps: Transformation) -> Optimizer:
    """The optimiser that subtracts what a chain of transformations makes of the gradients."""

    def init(params: Any) -> Any:
        return tuple(step.init(trained(params)) for step in steps)

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        kept = trained(params)
        flags = [leaf is not None for leaf in tree.flatten(kept, is_leaf=is_none)[0]]
        leaves, treedef = tree.flatten(gradients, is_leaf=is_none)
        updates = treedef.unflatten(
            leaf if flag else None for leaf, flag in zip(leaves, flags, strict=True)
        )
        following = []
        for step, own in zip(steps, state, strict=True):
            updates, new = step.update(updates, own, kept)
            following.append(new)
        moves = tree.flatten(updates, is_leaf=is_none)[0]
        old, shape = tree.flatten(params, is_leaf=is_none)
        stepped = [
            p if u is None else p - ops.astype(u, p.dtype) for p, u in zip(old, moves, strict=True)
        ]
        return shape.unflatten(stepped), tuple(following)

    return Optimizer(init, update)


def _zeros(params: Any) -> Any:
    return leafwise(lambda p: ops.zeros_like(p).eval(), params)


def add_decayed_weights(decay: float) -> Transformation:
    """u + decay·p."""
    if decay == 0.0:
        return Transformation(lambda params: (), lambda u, s, p: (u, s))

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        return leafwise(lambda u, p: u + decay * p, updates, params), state

    return Transformation(lambda params: (), update)


def trace(momentum: float, nesterov: bool = False) -> Transformation:
    """b ← momentum·b + u, giving b, or u + momentum·b with `nesterov`."""

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        moved = leafwise(lambda u, b: momentum * b + u, updates, state)
        if nesterov:
            return leafwise(lambda u, b: u + momentum * b, updates, moved), moved
        return moved, moved

    if momentum == 0.0:
        return Transformation(lambda params: (), lambda u, s, p: (u, s))
    return Transformation(_zeros, update)


def scale_by_adam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Transformation:
    """m̂ / (√v̂ + eps), with bias-corrected moments of the gradient (Kingma & Ba, 2015)."""

    def init(params: Any) -> Any:
        step = ops.zeros((), dtype=dtypes.int32).eval()
        return {"step": step, "m": _zeros(params), "v": _zeros(params)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step = state["step"] + 1
        count = ops.astype(step, dtypes.float32)
        m = leafwise(lambda u, m: b1 * m + (1.0 - b1) * u, updates, state["m"])
        v = leafwise(lambda u, v: b2 * v + (1.0 - b2) * (u * u), updates, state["v"])
        first = 1.0 / (1.0 - ops.exp(count * math.log(b1)))
        second = ops.rsqrt(1.0 - ops.exp(count * math.log(b2)))

        def scaled(m: Tensor, v: Tensor) -> Tensor:
            return (m * ops.astype(first, m.dtype)) / (
                ops.sqrt(v) * ops.astype(second, v.dtype) + eps
            )

        return leafwise(scaled, m, v), {"step": step, "m": m, "v": v}

    return Transformation(init, update)


def scale_by_rate(rate: Rate) -> Transformation:
    """rate·u; a schedule is called with the number of steps taken so far."""
    if not callable(rate):
        return Transformation(
            lambda params: (),
            lambda updates, state, params: (leafwise(lambda u: u * rate, updates), state),
        )
    schedule: Schedule = rate

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        value = schedule(state)
        moved = leafwise(lambda u: u * ops.astype(value, u.dtype), updates)
        return moved, state + 1

    return Transformation(lambda params: ops.zeros((), dtype=dtypes.int32).eval(), update)


def clip_by_global_norm(limit: float) -> Transformation:
    """u·min(1, limit / ‖u‖), with the norm over all leaves."""

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        squares = [ops.sum(u * u) for u in tree.leaves(updates)]
        norm = ops.sqrt(sum(squares[1:], squares[0]))
        factor = ops.minimum(1.0, limit / (norm + 1e-6))
        return leafwise(lambda u: u * ops.astype(factor, u.dtype), updates), state

    return Transformation(lambda params: (), update)
