"""Transformations that many optimisers share: rates, weight decay, momentum, kinds of clipping."""

from typing import Any

from slopec import dtypes, ops
from slopec.optim.transformation import (
    Hyper,
    Number,
    Transformation,
    filled_like,
    kept_leaves,
    stateless,
    tmap,
    tmap_many,
)
from slopec.tensor import Tensor


def scale(factor: float) -> Transformation:
    """updates · factor."""
    return stateless(lambda updates, _: tmap(lambda u: u * factor, updates))


def scale_by_learning_rate(lr: Number) -> Transformation:
    """−lr · updates: the last link of a chain, which turns downhill.

    `lr` is a number, held in the state, or a schedule: a function of how many steps are past.
    """
    hyper = Hyper({"lr": lr})

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (rate,) = hyper.now(state["hyper"])
        scaled = tmap(lambda u: u * -times(rate, u), updates)
        return scaled, {"hyper": hyper.after(state["hyper"])}

    return Transformation(lambda params: {"hyper": hyper.init()}, update)


def times(value: Any, like: Tensor) -> Tensor:
    """A hyper-parameter as a factor for `like`, without widening it."""
    return ops.astype(value, like.dtype)


def add_decayed_weights(weight_decay: Number) -> Transformation:
    """updates + weight_decay · params.

    Before an adaptive scaling this is L2 regularisation, behind it the decoupled weight decay of
    Loshchilov & Hutter (*Decoupled weight decay regularization*, 2019).
    """
    hyper = Hyper({"weight_decay": weight_decay})

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (decay,) = hyper.now(state["hyper"])
        added = tmap(lambda u, p: u + times(decay, u) * ops.astype(p, u.dtype), updates, params)
        return added, {"hyper": hyper.after(state["hyper"])}

    return Transformation(lambda params: {"hyper": hyper.init()}, update)


def decayed(weight_decay: Number) -> list[Transformation]:
    """`add_decayed_weights`, or nothing for a weight decay of zero."""
    return [] if weight_decay == 0 else [add_decayed_weights(weight_decay)]


def trace(momentum: Number, dampening: float = 0.0, nesterov: bool = False) -> Transformation:
    """Momentum: b ← momentum · b + (1 − dampening) · g, beginning with b = g.

    The update is b, or g + momentum · b with `nesterov` (Sutskever et al., 2013).
    """
    hyper = Hyper({"momentum": momentum})

    def init(params: Any) -> Any:
        state = {"hyper": hyper.init(), "buffer": filled_like(params)}
        # Without dampening a buffer of zeros begins right by itself.
        return {**state, "first": Tensor(True)} if dampening else state

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (rate,) = hyper.now(state["hyper"])
        share = ops.where(state["first"], 1.0, 1.0 - dampening) if dampening else None

        def moved(g: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            new = times(rate, g) * b + (g if share is None else times(share, g) * g)
            return (g + times(rate, g) * new if nesterov else new), new

        stepped, buffer = tmap_many(moved, 2, updates, state["buffer"])
        after = {"hyper": hyper.after(state["hyper"]), "buffer": buffer}
        return stepped, {**after, "first": Tensor(False)} if dampening else after

    return Transformation(init, update)


# --- clipping --------------------------------------------------------------------------------


def global_norm(updates: Any) -> Tensor:
    """√Σ|u|² over all elements of all leaves, float32.

    >>> import slopec as sp
    >>> print(sp.optim.global_norm({"a": sp.tensor([3.0]), "b": sp.tensor([4.0])}))
    tensor(5., float32[], cpu)
    """
    squares = [
        ops.sum(ops.square(ops.astype(ops.abs(u), dtypes.float32))) for u in kept_leaves(updates)
    ]
    total = squares[0] if squares else ops.zeros(())
    for square in squares[1:]:
        total = total + square
    return ops.sqrt(total)


def clip_by_global_norm(max_norm: Number, eps: float = 1e-6) -> Transformation:
    """Scale all updates by min(1, max_norm / (global norm + eps)), as `clip_grad_norm_`.

    (Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013.)
    """
    hyper = Hyper({"max_norm": max_norm})

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (limit,) = hyper.now(state["hyper"])
        factor = ops.minimum(limit / (global_norm(updates) + eps), 1.0)
        clipped = tmap(lambda u: u * times(factor, u), updates)
        return clipped, {"hyper": hyper.after(state["hyper"])}

    return Transformation(lambda params: {"hyper": hyper.init()}, update)


def clip_by_value(limit: float) -> Transformation:
    """Move every element into [−limit, limit], as `clip_grad_value_`."""
    return stateless(lambda updates, _: tmap(lambda u: ops.clip(u, -limit, limit), updates))


def adaptive_grad_clip(clipping: float, eps: float = 1e-3) -> Transformation:
    """Shorten what of a gradient is longer than `clipping` times the weights that it is for.

    That is compared for what makes one output: along all dimensions of a parameter but the first,
    and all together for vectors. Weights count as no shorter than `eps` (Brock et al.,
    *High-performance large-scale image recognition without normalization*, 2021).

    >>> import slopec as sp
    >>> clip = sp.optim.adaptive_grad_clip(0.1)
    >>> weight, slope = sp.tensor([[3.0, 4.0], [3.0, 4.0]]), sp.tensor([[6.0, 8.0], [0.1, 0.0]])
    >>> print(clip.update(slope, (), weight)[0].round(decimals=4))
    tensor([[0.3 0.4]
            [0.1 0. ]], float32[2, 2], cpu)
    """

    def clipped(u: Tensor, p: Tensor) -> Tensor:
        length, weight = _lengths(u), _lengths(ops.astype(p, u.dtype))
        most = clipping * ops.maximum(weight, eps)
        return u * ops.where(length > most, most / ops.maximum(length, 1e-6), 1.0)

    return stateless(lambda updates, params: tmap(clipped, updates, params))


def _lengths(x: Tensor) -> Tensor:
    """The norms of what makes one output, with sizes of 1 for what they are taken along."""
    dims = tuple(range(1, x.ndim)) if x.ndim > 1 else None
    return ops.sqrt(ops.sum(ops.square(ops.abs(x)), axis=dims, keepdims=True))


def zero_nans() -> Transformation:
    """0 in place of every element that is NaN.

    >>> import slopec as sp
    >>> print(sp.optim.zero_nans().update(sp.tensor([1.0, float("nan")]), (), None)[0])
    tensor([1. 0.], float32[2], cpu)
    """
    return stateless(lambda updates, _: tmap(lambda u: ops.where(ops.isnan(u), 0.0, u), updates))


def centralize() -> Transformation:
    """Updates less their means over what makes one output; vectors stay as they are.

    Means are along all dimensions but the first (Yong et al., *Gradient centralization: a new
    optimization technique for deep neural networks*, 2020).

    >>> import slopec as sp
    >>> print(sp.optim.centralize().update(sp.tensor([[1.0, 2.0, 6.0]]), (), None)[0])
    tensor([[-2. -1.  3.]], float32[1, 3], cpu)
    """

    def centred(u: Tensor) -> Tensor:
        return u - ops.mean(u, axis=tuple(range(1, u.ndim)), keepdims=True) if u.ndim > 1 else u

    return stateless(lambda updates, _: tmap(centred, updates))


def scale_by_trust_ratio(coefficient: float = 1.0, eps: float = 0.0) -> Transformation:
    """Scale every leaf by coefficient · ‖param‖ / (‖update‖ + eps); by 1 where either is zero.

    (You et al., *Large batch training of convolutional networks*, 2017.)
    """

    def scaled(u: Tensor, p: Tensor) -> Tensor:
        weight, length = ops.norm(ops.astype(p, u.dtype)), ops.norm(u)
        ratio = coefficient * weight / ops.where(length > 0, length + eps, 1.0)
        return u * ops.where(ops.logical_and(weight > 0, length > 0), ratio, 1.0)

    return stateless(lambda updates, params: tmap(scaled, updates, params))
