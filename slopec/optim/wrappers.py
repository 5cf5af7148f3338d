"""What goes around an optimiser: clipping, accumulation, guards, averages, rates from metrics."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from slopec import dtypes, ops, tracing
from slopec.diagnostics import UsageError
from slopec.optim.basic import clip_by_global_norm
from slopec.optim.transformation import (
    Number,
    Optimizer,
    Transformation,
    chain,
    filled_like,
    kept_leaves,
    tmap,
    tmap_many,
    wide,
)
from slopec.tensor import Tensor
from slopec.trainable import trained


def clipped(optimizer: Optimizer, max_norm: Number) -> Optimizer:
    """`optimizer` of gradients whose global norm is at most `max_norm`.

    >>> import slopec as sp
    >>> optimizer = sp.optim.clipped(sp.optim.sgd(1.0), 1.0)
    >>> p = sp.tensor([0.0, 0.0])
    >>> p, _ = optimizer.update(sp.tensor([30.0, 40.0]), optimizer.init(p), p)
    >>> print(p.round(decimals=4))
    tensor([-0.6 -0.8], float32[2], cpu)
    """
    return Optimizer(chain(clip_by_global_norm(max_norm), optimizer.transformation))


def accumulated(optimizer: Optimizer, every: int) -> Optimizer:
    """`optimizer` of the mean of each `every` gradients; in between, parameters stay.

    >>> import slopec as sp
    >>> optimizer = sp.optim.accumulated(sp.optim.sgd(1.0), 2)
    >>> p = sp.tensor(0.0)
    >>> state = optimizer.init(p)
    >>> for g in (1.0, 3.0):
    ...     p, state = optimizer.update(sp.tensor(g), state, p)
    ...     print(p)
    tensor(0., float32[], cpu)
    tensor(-2., float32[], cpu)
    """
    inner = optimizer.transformation

    def init(params: Any) -> Any:
        zero = Tensor(0, dtypes.int32)
        return {"inner": inner.init(params), "sum": filled_like(params), "count": zero}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        total = tmap(lambda g, s: s + g, updates, state["sum"])
        last = ops.equal(state["count"], every - 1)
        mean = tmap(lambda s: s / every, total)
        stepped, after = inner.update(mean, state["inner"], params)

        zeros = tmap(ops.zeros_like, total)
        return _chosen(last, stepped, zeros), {
            "inner": _chosen(last, after, state["inner"]),
            "sum": _chosen(last, zeros, total),
            "count": ops.where(last, 0, state["count"] + 1),
        }

    return Optimizer(Transformation(init, update))


def _chosen(condition: Tensor, new: Any, old: Any) -> Any:
    """One tree or the other: values, as both are cheap, and a branch would wait for the device."""
    return tmap(lambda a, b: ops.where(condition, a, b), new, old)


def lookahead(optimizer: Optimizer, sync_period: int = 5, slow_step_size: float = 0.5) -> Optimizer:
    """`optimizer`, whose parameters go back part of the way after every `sync_period` steps.

    Slow weights, kept in the state, then go `slow_step_size` of the way to the parameters, which go
    on from there (Zhang et al., *Lookahead optimizer: k steps forward, 1 step back*, 2019).

    >>> import slopec as sp
    >>> optimizer = sp.optim.lookahead(sp.optim.sgd(1.0), sync_period=2)
    >>> p = sp.tensor(0.0)
    >>> state = optimizer.init(p)
    >>> for _ in range(2):
    ...     p, state = optimizer.update(sp.tensor(1.0), state, p)
    ...     print(p)
    tensor(-1., float32[], cpu)
    tensor(-1., float32[], cpu)
    """
    inner = optimizer.transformation

    def init(params: Any) -> Any:
        slow = tmap(lambda p: ops.astype(p, wide(p.dtype)), params)
        return {"inner": inner.init(params), "slow": slow, "count": Tensor(0, dtypes.int32)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        stepped, after = inner.update(updates, state["inner"], params)
        last = ops.equal(state["count"], sync_period - 1)

        def moved(u: Tensor, p: Tensor, slow: Tensor) -> tuple[Tensor, Tensor]:
            here = ops.astype(p, u.dtype)
            slow = ops.where(last, slow + slow_step_size * (here + u - slow), slow)
            return ops.where(last, slow - here, u), slow

        stepped, slow = tmap_many(moved, 2, stepped, params, state["slow"])
        count = ops.where(last, 0, state["count"] + 1)
        return stepped, {"inner": after, "slow": slow, "count": count}

    return Optimizer(Transformation(init, update))


def apply_if_finite(optimizer: Optimizer, max_consecutive_errors: int) -> Optimizer:
    """`optimizer` that leaves steps out whose gradients are not finite.

    After so many of them in a row it takes whatever comes, so that training which has gone wrong
    can be seen. In the state, `skipped` counts those in a row.

    >>> import slopec as sp
    >>> optimizer = sp.optim.apply_if_finite(sp.optim.sgd(1.0), 3)
    >>> p = sp.tensor(2.0)
    >>> p, state = optimizer.update(sp.tensor(float("nan")), optimizer.init(p), p)
    >>> print(p, state["skipped"])
    tensor(2., float32[], cpu) tensor(1, int32[], cpu)
    """
    inner = optimizer.transformation

    def init(params: Any) -> Any:
        return {"inner": inner.init(params), "skipped": Tensor(0, dtypes.int32)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        finite = _all_finite(updates)
        skipped = ops.where(finite, 0, state["skipped"] + 1)
        taken = ops.logical_or(finite, skipped > max_consecutive_errors)
        stepped, after = inner.update(updates, state["inner"], params)
        return _chosen(taken, stepped, tmap(ops.zeros_like, updates)), {
            "inner": _chosen(taken, after, state["inner"]),
            "skipped": skipped,
        }

    return Optimizer(Transformation(init, update))


def loss_scaled(
    optimizer: Optimizer, initial: float = 2.0**15, *, factor: float = 2.0, interval: int = 2000
) -> Optimizer:
    """`optimizer` of gradients of a loss that was multiplied by `loss_scale(state)`, for float16.

    Gradients are divided by the scale. When one of them is not finite, nothing is updated and the
    scale falls by `factor`; after `interval` updates in a row it grows by `factor` (Micikevicius et
    al., *Mixed Precision Training*, 2018).

    >>> import slopec as sp
    >>> optimizer = sp.optim.loss_scaled(sp.optim.sgd(0.5), 1024.0)
    >>> p = sp.tensor(3.0)
    >>> state = optimizer.init(p)
    >>> slope = sp.grad(lambda p: p * p * sp.optim.loss_scale(state))(p)
    >>> p, state = optimizer.update(slope, state, p)
    >>> print(p)
    tensor(0., float32[], cpu)
    >>> p, state = optimizer.update(sp.tensor(float("inf")), state, p)
    >>> print(p, sp.optim.loss_scale(state))
    tensor(0., float32[], cpu) tensor(512., float32[], cpu)
    """
    inner = optimizer.transformation

    def init(params: Any) -> Any:
        count = Tensor(0, dtypes.int32)
        return {"inner": inner.init(params), "loss_scale": Tensor(float(initial)), "good": count}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        scale = state["loss_scale"]
        true = tmap(lambda g: g / ops.astype(scale, dtypes.real_of(g.dtype)), updates)
        finite = _all_finite(true)
        stepped, after = inner.update(true, state["inner"], params)

        good = ops.where(finite, state["good"] + 1, 0)
        grows = ops.equal(good, interval)
        larger = ops.minimum(scale * factor, 2.0**126)
        smaller = ops.maximum(scale / factor, 2.0**-126)
        return _chosen(finite, stepped, tmap(ops.zeros_like, true)), {
            "inner": _chosen(finite, after, state["inner"]),
            "loss_scale": ops.where(finite, ops.where(grows, larger, scale), smaller),
            "good": ops.where(grows, 0, good),
        }

    return Optimizer(Transformation(init, update))


def loss_scale(state: Any) -> Tensor:
    """The factor, in the state of an optimiser made by `loss_scaled`, to multiply the loss by.

    Raises UsageError (S0123) for the state of another optimiser.
    """
    if not isinstance(state, dict) or "loss_scale" not in state:
        raise UsageError(
            "S0123",
            "the optimiser's state holds no loss scale",
            span=tracing.here(),
            hint="make the optimiser with `sp.optim.loss_scaled(optimizer)`",
        )
    scale: Tensor = state["loss_scale"]
    return scale


def _all_finite(updates: Any) -> Tensor:
    finite = Tensor(True)
    for leaf in kept_leaves(updates):
        finite = ops.logical_and(finite, ops.all(ops.isfinite(leaf)))
    return finite


def ema(average: Any, params: Any, decay: float = 0.999) -> Any:
    """The running average decay · average + (1 − decay) · params; begin with the parameters.

    Leaves that are not trained are taken from `params`.

    >>> import slopec as sp
    >>> print(ema({"w": sp.tensor(1.0)}, {"w": sp.tensor(2.0)}, 0.9)["w"])
    tensor(1.1, float32[], cpu)
    """

    def averaged(p: Any, kept: Any, a: Any) -> Any:
        return p if kept is None else a + (1.0 - decay) * (p - a)

    return tmap(averaged, params, trained(params), average)


@dataclass(frozen=True)
class Plateau:
    """A rate that falls by `factor` when a metric has not got better for `patience` updates.

    Better is below the best by `threshold` of it (`mode="min"`, `threshold_mode="rel"`), above for
    "max", by `threshold` itself for "abs". After a fall `cooldown` updates do not count. Falls of
    no more than `eps` are left out.

    >>> import slopec as sp
    >>> plateau = sp.optim.Plateau(patience=1)
    >>> state = plateau.init(0.1)
    >>> for loss in (1.0, 1.0, 1.0):
    ...     state = plateau.update(loss, state)
    >>> print(f"{state['lr']:.3f}")
    0.010
    """

    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    mode: Literal["min", "max"] = "min"
    threshold_mode: Literal["rel", "abs"] = "rel"
    eps: float = 1e-8

    def init(self, lr: float) -> dict[str, Tensor]:
        """The state before the first metric; `lr` in it is the rate to use."""
        worst = math.inf if self.mode == "min" else -math.inf
        zero = Tensor(0, dtypes.int32)
        return {"lr": Tensor(lr), "best": Tensor(worst), "bad": zero, "cooling": zero}

    def update(self, metric: Any, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The state after another metric, a number or a traced scalar."""
        value = ops.astype(metric, dtypes.float32)
        better = self._better(value, state["best"])
        bad = ops.where(better, 0, state["bad"] + 1)
        cooling = ops.greater(state["cooling"], 0)
        bad = ops.where(cooling, 0, bad)
        falls = ops.greater(bad, self.patience)
        rate = ops.maximum(state["lr"] * self.factor, self.min_lr)
        rate = ops.where(state["lr"] - rate > self.eps, rate, state["lr"])
        left = ops.maximum(state["cooling"] - 1, 0)
        return {
            "lr": ops.where(falls, rate, state["lr"]),
            "best": ops.where(better, value, state["best"]),
            "bad": ops.where(falls, 0, bad),
            "cooling": ops.where(falls, self.cooldown, left),
        }

    def _better(self, value: Tensor, best: Tensor) -> Tensor:
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "abs":
            bar = best + sign * self.threshold
        else:
            bar = best * (1.0 + sign * self.threshold)
        return ops.less(value, bar) if self.mode == "min" else ops.greater(value, bar)
