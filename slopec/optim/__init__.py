"""Optimisers as pure (init, update) pairs, and learning-rate schedules."""

from slopec.optim.optimizers import adam, adamw, by_name, sgd
from slopec.optim.schedules import constant, cosine, schedule, warmed
from slopec.optim.transform import (
    Optimizer,
    Transformation,
    add_decayed_weights,
    clip_by_global_norm,
    optimizer,
    scale_by_adam,
    scale_by_rate,
    trace,
)

__all__ = [
    "Optimizer",
    "Transformation",
    "adam",
    "adamw",
    "add_decayed_weights",
    "by_name",
    "clip_by_global_norm",
    "constant",
    "cosine",
    "optimizer",
    "scale_by_adam",
    "scale_by_rate",
    "schedule",
    "sgd",
    "trace",
    "warmed",
]
