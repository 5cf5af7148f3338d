"""Transformations that scale every element by what its gradients have been like.

Decay rates and epsilons are numbers of the program: bias corrections are computed from them in
double precision as far as possible, and 1 − βᵗ as −expm1(t log β), so that nothing cancels.
"""

import math
from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops
from slopec.optim.basic import times
from slopec.optim.transformation import (
    Hyper,
    Number,
    Transformation,
    filled_like,
    tmap,
    tmap_many,
)
from slopec.tensor import Tensor

Betas = tuple[float, float]


def counter() -> Tensor:
    """A step count of zero."""
    return Tensor(0, dtypes.int32)


def square(g: Tensor) -> Tensor:
    """|g|², real."""
    return ops.square(ops.abs(g))


def lerp(average: Tensor, new: Tensor, beta: float) -> Tensor:
    """The running average β · average + (1 − β) · new."""
    return beta * average + (1.0 - beta) * new


def correction(beta: float, step: Tensor) -> Tensor:
    """1 − βᵗ, float32."""
    t = ops.astype(step, dtypes.float32)
    return -ops.expm1(t * math.log(beta)) if beta > 0 else ops.ones(())


def _moments(
    init: Callable[[Any], Any],
    betas: Betas,
    rule: Callable[[Any, Any, Tensor], Any],
) -> Transformation:
    """A transformation with running first and second moments; `rule` makes updates of them.

    `init` gives further state; `rule(updates, state, step)` gets the new moments and gives updates
    and the rest of the new state.
    """

    def first(params: Any) -> Any:
        moments = {"mean": filled_like(params), "square": filled_like(params, real=True)}
        return {"step": counter(), **moments, **init(params)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step = state["step"] + 1
        mean = tmap(lambda g, m: lerp(m, g, betas[0]), updates, state["mean"])
        squares = tmap(lambda g, v: lerp(v, square(g), betas[1]), updates, state["square"])
        state = {**state, "step": step, "mean": mean, "square": squares}
        scaled, more = rule(updates, state, step)
        return scaled, {**state, **more}

    return Transformation(first, update)


def scale_by_adam(
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, amsgrad: bool = False
) -> Transformation:
    """m̂ / (√v̂ + eps) with bias-corrected running means m of g and v of g² (Kingma & Ba, 2015).

    `amsgrad` takes the largest v so far (Reddi et al., 2018).
    """

    def init(params: Any) -> Any:
        return {"largest": filled_like(params, real=True)} if amsgrad else {}

    def rule(updates: Any, state: Any, step: Tensor) -> Any:
        first = correction(betas[0], step)
        root = ops.sqrt(correction(betas[1], step))
        squares, more = state["square"], {}
        if amsgrad:
            squares = tmap(ops.maximum, state["largest"], squares)
            more = {"largest": squares}

        def scaled(m: Tensor, v: Tensor) -> Tensor:
            return m / times(first, m) / (ops.sqrt(v) / times(root, v) + eps)

        return tmap(scaled, state["mean"], squares), more

    return _moments(init, betas, rule)


def scale_by_nadam(
    betas: Betas = (0.9, 0.999), eps: float = 1e-8, momentum_decay: float = 4e-3
) -> Transformation:
    """Adam with Nesterov's momentum, μₜ = β₁(1 − ½·0.96^(t·momentum_decay)) (Dozat, 2016)."""

    def momentum(step: Tensor) -> Tensor:
        t = ops.astype(step, dtypes.float32)
        return betas[0] * (1.0 - 0.5 * ops.exp(t * (momentum_decay * math.log(0.96))))

    def rule(updates: Any, state: Any, step: Tensor) -> Any:
        now, following = momentum(step), momentum(step + 1)
        product = state["product"] * now
        by_gradient = (1.0 - now) / (1.0 - product)
        by_mean = following / (1.0 - product * following)
        root = ops.sqrt(correction(betas[1], step))

        def scaled(g: Tensor, m: Tensor, v: Tensor) -> Tensor:
            size = ops.sqrt(v) / times(root, v) + eps
            return (g * times(by_gradient, g) + m * times(by_mean, m)) / size

        return tmap(scaled, updates, state["mean"], state["square"]), {"product": product}

    return _moments(lambda _: {"product": Tensor(1.0)}, betas, rule)


def scale_by_radam(betas: Betas = (0.9, 0.999), eps: float = 1e-8) -> Transformation:
    """Adam whose step is rectified while v is uncertain, and m̂ before (Liu et al., 2020).

    With ρ∞ = 2/(1 − β₂) − 1 and ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ), the factor for ρₜ > 5 is
    √((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)).
    """
    limit = 2.0 / (1.0 - betas[1]) - 1.0

    def rule(updates: Any, state: Any, step: Tensor) -> Any:
        rho = _rho(betas[1], step)
        sure = rho > 5.0
        safe = ops.where(sure, rho, 6.0)
        share = limit / ((limit - 4.0) * (limit - 2.0))
        rectified = ops.sqrt((safe - 4.0) * (safe - 2.0) / safe * share)
        root = ops.sqrt(correction(betas[1], step))
        first = correction(betas[0], step)

        def scaled(m: Tensor, v: Tensor) -> Tensor:
            adaptive = times(rectified * root, v) / (ops.sqrt(v) + eps)
            return m / times(first, m) * ops.where(sure, adaptive, 1.0)

        return tmap(scaled, state["mean"], state["square"]), {}

    return _moments(lambda _: {}, betas, rule)


def _rho(beta: float, step: Tensor) -> Tensor:
    """ρₜ = coth(h) − t coth(th) + t with h = −½ log β, without the difference of large numbers.

    With Langevin's function L(y) = coth(y) − 1/y it is L(h) − t L(th) + t.
    """
    half = -0.5 * math.log(beta)
    at_one = 1.0 / math.tanh(half) - 1.0 / half
    t = ops.astype(step, dtypes.float32)
    y = t * half
    small = y < 0.5
    y2 = ops.where(small, y * y, 0.25)
    series = ops.where(small, y, 0.5) * (
        1 / 3 + y2 * (-1 / 45 + y2 * (2 / 945 + y2 * (-1 / 4725 + y2 * (2 / 93555))))
    )
    large = ops.where(small, 1.0, y)
    return at_one + t - t * ops.where(small, series, 1.0 / ops.tanh(large) - 1.0 / large)


def scale_by_adamax(betas: Betas = (0.9, 0.999), eps: float = 1e-8) -> Transformation:
    """m̂ / u with the decaying maximum u ← max(β₂u, |g| + eps) (Kingma & Ba, 2015)."""

    def init(params: Any) -> Any:
        moments = {"mean": filled_like(params), "largest": filled_like(params, real=True)}
        return {"step": counter(), **moments}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step = state["step"] + 1
        first = correction(betas[0], step)

        def scaled(g: Tensor, m: Tensor, u: Tensor) -> tuple[Tensor, ...]:
            m, u = lerp(m, g, betas[0]), ops.maximum(betas[1] * u, ops.abs(g) + eps)
            return m / times(first, m) / u, m, u

        stepped, mean, largest = tmap_many(scaled, 3, updates, state["mean"], state["largest"])
        return stepped, {"step": step, "mean": mean, "largest": largest}

    return Transformation(init, update)


def scale_by_rss(initial: float = 0.0, eps: float = 1e-10) -> Transformation:
    """g / (√Σg² + eps), the sum over all steps (Adagrad: Duchi et al., 2011)."""

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        total = tmap(lambda g, s: s + square(g), updates, state["sum"])
        scaled = tmap(lambda g, s: g / (ops.sqrt(s) + eps), updates, total)
        return scaled, {"sum": total}

    return Transformation(lambda params: {"sum": filled_like(params, initial, real=True)}, update)


def scale_by_rms(alpha: float = 0.99, eps: float = 1e-8, centered: bool = False) -> Transformation:
    """g / (√v + eps) with the running mean v of g², less that of g squared if `centered`.

    (RMSprop: Tieleman & Hinton, *Lecture 6.5*, 2012; centred: Graves, 2013.)
    """

    def init(params: Any) -> Any:
        squares = {"square": filled_like(params, real=True)}
        return {**squares, "mean": filled_like(params)} if centered else squares

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        squares = tmap(lambda g, v: lerp(v, square(g), alpha), updates, state["square"])
        if not centered:
            scaled = tmap(lambda g, v: g / (ops.sqrt(v) + eps), updates, squares)
            return scaled, {"square": squares}
        mean = tmap(lambda g, m: lerp(m, g, alpha), updates, state["mean"])

        def divided(g: Tensor, v: Tensor, m: Tensor) -> Tensor:
            return g / (ops.sqrt(v - square(m)) + eps)

        return tmap(divided, updates, squares, mean), {"square": squares, "mean": mean}

    return Transformation(init, update)


def scale_by_adadelta(rho: float = 0.9, eps: float = 1e-6) -> Transformation:
    """g · √(d + eps) / √(v + eps) with running means v of g² and d of the updates' squares.

    (Zeiler, *ADADELTA: an adaptive learning rate method*, 2012.)
    """

    def init(params: Any) -> Any:
        return {name: filled_like(params, real=True) for name in ("square", "delta")}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        def scaled(g: Tensor, v: Tensor, d: Tensor) -> tuple[Tensor, ...]:
            v = lerp(v, square(g), rho)
            step = g * (ops.sqrt(d + eps) / ops.sqrt(v + eps))
            return step, v, lerp(d, square(step), rho)

        stepped, squares, delta = tmap_many(scaled, 3, updates, state["square"], state["delta"])
        return stepped, {"square": squares, "delta": delta}

    return Transformation(init, update)


def scale_by_lion(betas: Betas = (0.9, 0.99)) -> Transformation:
    """sign(β₁m + (1 − β₁)g), then m ← β₂m + (1 − β₂)g (Chen et al., 2023)."""

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        signs = tmap(lambda g, m: ops.sign(lerp(m, g, betas[0])), updates, state["mean"])
        return signs, {"mean": tmap(lambda g, m: lerp(m, g, betas[1]), updates, state["mean"])}

    return Transformation(lambda params: {"mean": filled_like(params)}, update)


def rprop_step(
    lr: float = 1e-2, etas: Betas = (0.5, 1.2), step_sizes: tuple[float, float] = (1e-6, 50.0)
) -> Transformation:
    """−sign(g) · s, where s of each element begins with lr and grows while g keeps its sign.

    It is multiplied by etas[1] where g has the sign of the step before, and by etas[0] where it has
    the other one, from which no step is made; it stays within `step_sizes` (Riedmiller & Braun, *A
    direct adaptive method for faster backpropagation learning: the RPROP algorithm*, 1993).
    """

    def init(params: Any) -> Any:
        return {"before": filled_like(params), "size": filled_like(params, lr, real=True)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        def moved(g: Tensor, before: Tensor, size: Tensor) -> tuple[Tensor, ...]:
            turn = ops.real(g * ops.conj(before))
            factor = ops.where(turn > 0, etas[1], ops.where(turn < 0, etas[0], 1.0))
            size = ops.clip(size * times(factor, size), *step_sizes)
            g = ops.where(turn < 0, 0.0, g)
            return -ops.sign(g) * size, g, size

        stepped, before, size = tmap_many(moved, 3, updates, state["before"], state["size"])
        return stepped, {"before": before, "size": size}

    return Transformation(init, update)


def asgd_step(
    lr: Number = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6
) -> Transformation:
    """−ηₜ (g + lambd · p) with ηₜ = lr / (1 + lambd · lr · (t − 1))^alpha; the mean is kept.

    `average` in the state follows the parameters until step t0, and is their mean from then on
    (Polyak & Juditsky, *Acceleration of stochastic approximation by averaging*, 1992).
    """
    hyper = Hyper({"lr": lr})

    def init(params: Any) -> Any:
        return {"hyper": hyper.init(), "step": counter(), "average": filled_like(params)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        (rate,) = hyper.now(state["hyper"])
        past = ops.astype(state["step"], dtypes.float32)
        rate = rate / (1.0 + lambd * rate * past) ** alpha
        share = 1.0 / ops.maximum(past - t0, 1.0)

        def moved(g: Tensor, p: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
            p = ops.astype(p, g.dtype)
            step = -times(rate, g) * (g + lambd * p)
            return step, mean + times(share, g) * (p + step - mean)

        stepped, average = tmap_many(moved, 2, updates, params, state["average"])
        after = {"hyper": hyper.after(state["hyper"]), "step": state["step"] + 1}
        return stepped, {**after, "average": average}

    return Transformation(init, update)
