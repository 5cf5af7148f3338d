"""Optimisers and schedules as pure functions: `init(params)`, `update(gradients, state, params)`.

>>> import slopec as sp
>>> model = sp.nn.Linear(2, 1)
>>> optimizer = sp.optim.adamw(1e-3)
>>> state = optimizer.init(model)
>>> @sp.jit
... def step(model, state, x):
...     value, slope = sp.value_and_grad(lambda model: (model(x) ** 2).sum())(model)
...     return *optimizer.update(slope, state, model), value
>>> model, state, loss = step(model, state, sp.ones((4, 2)))

Hyper-parameters such as `lr` are part of the state, so `with_hyperparameters(state, lr=…)` changes
them without compiling anything; a schedule in their place is a function of the step. `SGD`, `Adam`
and their kin keep the state themselves, for `loss.backward()` and `opt.step()`.
"""

from slopec.optim import schedules
from slopec.optim.adaptive import (
    scale_by_adadelta,
    scale_by_adam,
    scale_by_adamax,
    scale_by_lion,
    scale_by_nadam,
    scale_by_radam,
    scale_by_rms,
    scale_by_rss,
)
from slopec.optim.basic import (
    add_decayed_weights,
    clip_by_global_norm,
    clip_by_value,
    global_norm,
    scale,
    scale_by_learning_rate,
    scale_by_trust_ratio,
    trace,
)
from slopec.optim.cycles import CyclicLR, OneCycleLR
from slopec.optim.lr_scheduler import (
    SCHEDULERS,
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from slopec.optim.matrices import adafactor_step, orthogonalized, partitioned, scale_by_muon
from slopec.optim.optimizers import (
    OPTIMIZERS,
    adadelta,
    adafactor,
    adagrad,
    adam,
    adamax,
    adamw,
    by_name,
    lamb,
    lars,
    lion,
    muon,
    nadam,
    radam,
    rmsprop,
    sgd,
)
from slopec.optim.schedules import schedule
from slopec.optim.scheduling import Scheduler
from slopec.optim.stateful import (
    LAMB,
    LARS,
    SGD,
    STATEFUL,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    StatefulOptimizer,
)
from slopec.optim.transformation import (
    Optimizer,
    Schedule,
    Transformation,
    apply_updates,
    chain,
    hyperparameters,
    stateless,
    with_hyperparameters,
)
from slopec.optim.wrappers import Plateau, accumulated, clipped, ema, loss_scale, loss_scaled

__all__ = [
    "LAMB",
    "LARS",
    "OPTIMIZERS",
    "SCHEDULERS",
    "SGD",
    "STATEFUL",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "Lion",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "Plateau",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "Scheduler",
    "SequentialLR",
    "StatefulOptimizer",
    "StepLR",
    "Transformation",
    "accumulated",
    "adadelta",
    "adafactor",
    "adafactor_step",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "add_decayed_weights",
    "apply_updates",
    "by_name",
    "chain",
    "clip_by_global_norm",
    "clip_by_value",
    "clipped",
    "ema",
    "global_norm",
    "hyperparameters",
    "lamb",
    "lars",
    "lion",
    "loss_scale",
    "loss_scaled",
    "muon",
    "nadam",
    "orthogonalized",
    "partitioned",
    "radam",
    "rmsprop",
    "scale",
    "scale_by_adadelta",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_learning_rate",
    "scale_by_lion",
    "scale_by_muon",
    "scale_by_nadam",
    "scale_by_radam",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_trust_ratio",
    "schedule",
    "schedules",
    "sgd",
    "stateless",
    "trace",
    "with_hyperparameters",
]
