"""Adaptive scalings by other second moments than Adam's.

Of how far the gradient is from what was expected of it (AdaBelief), of where it is going (Adan), by
steps whose size does not depend on the moment (Yogi), and of whole parameters (NovoGrad).
"""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops
from slopec.optim.adaptive import Betas, correction, counter, lerp, square
from slopec.optim.basic import times
from slopec.optim.transformation import (
    Transformation,
    filled_like,
    filled_state,
    tmap,
    tmap_many,
    wide,
)
from slopec.tensor import Tensor


def scale_by_belief(betas: Betas = (0.9, 0.999), eps: float = 1e-16) -> Transformation:
    """m̂ / (√ŝ + eps) with running means m of g and s of (g − m)², to which eps is added.

    Steps are long where gradients are as expected (Zhuang et al., *AdaBelief optimizer*, 2020).
    """

    def belief(g: Tensor, m: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        m = lerp(m, g, betas[0])
        return m, lerp(s, square(g - m), betas[1]) + eps

    return _by_two_moments(betas, eps, belief)


def scale_by_yogi(
    betas: Betas = (0.9, 0.999), eps: float = 1e-3, initial_accumulator_value: float = 1e-6
) -> Transformation:
    """m̂ / (√v̂ + eps) with v ← v − (1 − β₂) sign(v − g²) g², which forgets large gradients slowly.

    (Zaheer et al., *Adaptive methods for nonconvex optimization*, 2018.)
    """

    def controlled(g: Tensor, m: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        new = square(g)
        return lerp(m, g, betas[0]), v - (1.0 - betas[1]) * ops.sign(v - new) * new

    return _by_two_moments(betas, eps, controlled, initial_accumulator_value)


def _by_two_moments(
    betas: Betas,
    eps: float,
    moments: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    initial: float = 0.0,
) -> Transformation:
    """m̂ / (√v̂ + eps) with m and v from `moments(g, m, v)`; v begins with `initial`."""

    def init(params: Any) -> Any:
        square = filled_like(params, initial, real=True)
        return {"step": counter(), "mean": filled_like(params), "square": square}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step = state["step"] + 1
        first, second = (correction(beta, step) for beta in betas)

        def scaled(g: Tensor, m: Tensor, v: Tensor) -> tuple[Tensor, ...]:
            m, v = moments(g, m, v)
            return m / times(first, m) / (ops.sqrt(v / times(second, v)) + eps), m, v

        stepped, mean, square = tmap_many(scaled, 3, updates, state["mean"], state["square"])
        return stepped, {"step": step, "mean": mean, "square": square}

    return Transformation(init, update)


def scale_by_adan(
    betas: tuple[float, float, float] = (0.98, 0.92, 0.99), eps: float = 1e-8
) -> Transformation:
    """(m̂ + β₂ d̂) / (√n̂ + eps), with running means of g, of its change Δ and of (g + β₂Δ)².

    Nesterov's momentum without a gradient elsewhere (Xie et al., *Adan: adaptive Nesterov momentum
    algorithm*, 2022; its βs are one less these).
    """

    def init(params: Any) -> Any:
        trees = {name: filled_like(params) for name in ("before", "mean", "change")}
        return {"step": counter(), **trees, "square": filled_like(params, real=True)}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        step = state["step"] + 1
        first, second, third = (correction(beta, step) for beta in betas)
        known = ops.greater(state["step"], 0)

        def scaled(
            g: Tensor, before: Tensor, m: Tensor, d: Tensor, n: Tensor
        ) -> tuple[Tensor, ...]:
            change = ops.where(known, g - before, 0.0)
            m, d = lerp(m, g, betas[0]), lerp(d, change, betas[1])
            n = lerp(n, square(g + betas[1] * change), betas[2])
            ahead = m / times(first, m) + betas[1] * (d / times(second, d))
            return ahead / (ops.sqrt(n / times(third, n)) + eps), m, d, n

        names = ("mean", "change", "square")
        given = [state[name] for name in ("before", *names)]
        stepped, *means = tmap_many(scaled, 4, updates, *given)
        after = {"step": step, "before": updates}
        return stepped, after | dict(zip(names, means, strict=True))

    return Transformation(init, update)


def scale_by_norms(beta: float = 0.25, eps: float = 1e-6) -> Transformation:
    """g / (√v + eps) with one v for a parameter, the running mean of ‖g‖², which begins with it.

    (NovoGrad: Ginsburg et al., *Training deep networks with stochastic normalized gradient descent
    with layerwise adaptive moments*, 2019.)
    """

    def init(params: Any) -> Any:
        norms = tmap(lambda p: filled_state((), 0.0, dtypes.real_of(wide(p.dtype))), params)
        return {"first": Tensor(True), "square": norms}

    def update(updates: Any, state: Any, params: Any) -> tuple[Any, Any]:
        def scaled(g: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            new = ops.sum(square(g))
            v = ops.where(state["first"], new, lerp(v, new, beta))
            return g / (ops.sqrt(v) + eps), v

        stepped, norms = tmap_many(scaled, 2, updates, state["square"])
        return stepped, {"first": Tensor(False), "square": norms}

    return Transformation(init, update)
