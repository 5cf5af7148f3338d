"""The optimisers: each is only a chain of transformations, with PyTorch's defaults."""

from slopec.diagnostics import UsageError, did_you_mean
from slopec.optim.transform import (
    Optimizer,
    Rate,
    Transformation,
    add_decayed_weights,
    clip_by_global_norm,
    optimizer,
    scale_by_adam,
    scale_by_rate,
    trace,
)

Steps = tuple[Transformation, ...]


def _clip(limit: float | None) -> Steps:
    return () if limit is None else (clip_by_global_norm(limit),)


def sgd(
    rate: Rate,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    *,
    nesterov: bool = False,
    clip_norm: float | None = None,
) -> Optimizer:
    """p ← p − rate·b with b ← momentum·b + g + weight_decay·p."""
    return optimizer(
        *_clip(clip_norm),
        add_decayed_weights(weight_decay),
        trace(momentum, nesterov),
        scale_by_rate(rate),
    )


def adam(
    rate: Rate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    *,
    clip_norm: float | None = None,
) -> Optimizer:
    """p ← p − rate·m̂ / (√v̂ + eps) (Kingma & Ba, 2015); weight decay is added to the gradient."""
    return optimizer(
        *_clip(clip_norm),
        add_decayed_weights(weight_decay),
        scale_by_adam(b1, b2, eps),
        scale_by_rate(rate),
    )


def adamw(
    rate: Rate = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    *,
    clip_norm: float | None = None,
) -> Optimizer:
    """p ← p − rate·(m̂ / (√v̂ + eps) + weight_decay·p) (Loshchilov & Hutter, 2019)."""
    return optimizer(
        *_clip(clip_norm),
        scale_by_adam(b1, b2, eps),
        add_decayed_weights(weight_decay),
        scale_by_rate(rate),
    )


def by_name(
    name: str,
    rate: Rate,
    *,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    clip_norm: float | None = None,
) -> Optimizer:
    """An optimiser by name, as recipes give it; raises UsageError (S0610) for an unknown one."""
    made = {
        "sgd": lambda: sgd(rate, momentum, weight_decay, clip_norm=clip_norm),
        "adam": lambda: adam(rate, weight_decay=weight_decay, clip_norm=clip_norm),
        "adamw": lambda: adamw(rate, weight_decay=weight_decay, clip_norm=clip_norm),
    }
    if name not in made:
        raise UsageError(
            "S0610", f"there is no optimiser `{name}`", hint=did_you_mean(name, list(made))
        )
    return made[name]()
