"""The optimisers by name, each a chain of transformations, with PyTorch's arguments and defaults.

`lr` and `weight_decay` are numbers or schedules. Weight decay is L2 regularisation of the gradient
where PyTorch's is, and decoupled in adamw, lion, lamb, adafactor, muon, adabelief, yogi and adan.
"""

from collections.abc import Callable
from typing import Any

from slopec import tracing
from slopec.diagnostics import UsageError, did_you_mean
from slopec.optim import adaptive, basic, matrices, quasi_newton, second_moments
from slopec.optim.transformation import Number, Optimizer, Transformation, chain

Betas = tuple[float, float]


def _optimizer(*parts: Transformation | list[Transformation]) -> Optimizer:
    flat = [p for part in parts for p in (part if isinstance(part, list) else [part])]
    return Optimizer(chain(*flat))


def _decayed(
    direction: Transformation, lr: Number, weight_decay: Number, decoupled: bool
) -> Optimizer:
    """Steps along a direction; weight decay is a part of the gradient, or of the step."""
    decay = basic.decayed(weight_decay)
    parts = [direction, *decay] if decoupled else [*decay, direction]
    return _optimizer(parts, basic.scale_by_learning_rate(lr))


def sgd(
    lr: Number = 1e-3,
    momentum: Number = 0.0,
    dampening: float = 0.0,
    weight_decay: Number = 0.0,
    nesterov: bool = False,
) -> Optimizer:
    """p ← p − lr · b with b ← momentum · b + g: gradient descent with momentum.

    >>> import slopec as sp
    >>> optimizer = sp.optim.sgd(0.5, momentum=0.9)
    >>> p, g = sp.tensor(1.0), sp.tensor(1.0)
    >>> state = optimizer.init(p)
    >>> for _ in range(2):
    ...     p, state = optimizer.update(g, state, p)
    >>> print(p)
    tensor(-0.45, float32[], cpu)
    """
    moving = [] if momentum == 0 else [basic.trace(momentum, dampening, nesterov)]
    return _optimizer(basic.decayed(weight_decay), moving, basic.scale_by_learning_rate(lr))


def adam(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
    amsgrad: bool = False,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """p ← p − lr · m̂ / (√v̂ + eps) (Kingma & Ba, *Adam*, 2015).

    With `decoupled_weight_decay` it is `adamw`, here as in `nadam` and `radam`.
    """
    direction = adaptive.scale_by_adam(betas, eps, amsgrad)
    return _decayed(direction, lr, weight_decay, decoupled_weight_decay)


def adamw(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: Number = 1e-2,
    amsgrad: bool = False,
) -> Optimizer:
    """Adam with decoupled weight decay: p ← p − lr (m̂ / (√v̂ + eps) + weight_decay · p).

    (Loshchilov & Hutter, *Decoupled weight decay regularization*, 2019.)

    >>> import slopec as sp
    >>> optimizer = sp.optim.adamw(0.1, weight_decay=0.0)
    >>> p = sp.tensor(1.0)
    >>> p, state = optimizer.update(sp.tensor(3.0), optimizer.init(p), p)
    >>> print(p)
    tensor(0.9, float32[], cpu)
    """
    return _decayed(adaptive.scale_by_adam(betas, eps, amsgrad), lr, weight_decay, decoupled=True)


def nadam(
    lr: Number = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Adam with Nesterov's momentum (Dozat, 2016)."""
    direction = adaptive.scale_by_nadam(betas, eps, momentum_decay)
    return _decayed(direction, lr, weight_decay, decoupled_weight_decay)


def radam(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Adam with a rectified step in the beginning (Liu et al., 2020)."""
    direction = adaptive.scale_by_radam(betas, eps)
    return _decayed(direction, lr, weight_decay, decoupled_weight_decay)


def adamax(
    lr: Number = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adam with the maximum norm (Kingma & Ba, 2015)."""
    return _optimizer(
        basic.decayed(weight_decay),
        adaptive.scale_by_adamax(betas, eps),
        basic.scale_by_learning_rate(lr),
    )


def adagrad(
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: Number = 0.0,
    initial_accumulator_value: float = 0.0,
    eps: float = 1e-10,
) -> Optimizer:
    """p ← p − lr / (1 + t · lr_decay) · g / (√Σg² + eps) (Duchi et al., 2011)."""
    rate: Number = lr
    if lr_decay:

        def rate(past: Any) -> Any:
            return lr / (1.0 + past * lr_decay)

    return _optimizer(
        basic.decayed(weight_decay),
        adaptive.scale_by_rss(initial_accumulator_value, eps),
        basic.scale_by_learning_rate(rate),
    )


def rmsprop(
    lr: Number = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
    momentum: Number = 0.0,
    centered: bool = False,
) -> Optimizer:
    """p ← p − lr · g / (√v + eps) (Tieleman & Hinton, 2012)."""
    return _optimizer(
        basic.decayed(weight_decay),
        adaptive.scale_by_rms(alpha, eps, centered),
        [] if momentum == 0 else [basic.trace(momentum)],
        basic.scale_by_learning_rate(lr),
    )


def adadelta(
    lr: Number = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: Number = 0.0
) -> Optimizer:
    """p ← p − lr · g · √(d + eps) / √(v + eps) (Zeiler, 2012)."""
    return _optimizer(
        basic.decayed(weight_decay),
        adaptive.scale_by_adadelta(rho, eps),
        basic.scale_by_learning_rate(lr),
    )


def rprop(
    lr: float = 1e-2, etas: Betas = (0.5, 1.2), step_sizes: tuple[float, float] = (1e-6, 50.0)
) -> Optimizer:
    """p ← p − s · sign(g), where s adapts to how often the sign changes (Riedmiller & Braun, 1993).

    For gradients of the whole data set, whose signs do not vary from batch to batch. `lr` is what
    every s begins with.
    """
    return _optimizer(adaptive.rprop_step(lr, etas, step_sizes))


def asgd(
    lr: Number = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """p ← p − ηₜ (g + lambd · p), whose mean from step t0 on the state keeps as `average`.

    (Polyak & Juditsky, 1992; ηₜ as in Bottou, *Stochastic gradient descent tricks*, 2012.)
    """
    return _optimizer(basic.decayed(weight_decay), adaptive.asgd_step(lr, lambd, alpha, t0))


def lion(lr: Number = 1e-4, betas: Betas = (0.9, 0.99), weight_decay: Number = 0.0) -> Optimizer:
    """p ← p − lr (sign(β₁m + (1 − β₁)g) + weight_decay · p) (Chen et al., 2023)."""
    return _optimizer(
        adaptive.scale_by_lion(betas),
        basic.decayed(weight_decay),
        basic.scale_by_learning_rate(lr),
    )


def lamb(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """AdamW whose step of each parameter has the parameter's norm times lr (You et al., 2020)."""
    return _optimizer(
        adaptive.scale_by_adam(betas, eps),
        basic.decayed(weight_decay),
        basic.scale_by_trust_ratio(),
        basic.scale_by_learning_rate(lr),
    )


def lars(
    lr: Number = 1.0,
    momentum: Number = 0.9,
    weight_decay: Number = 0.0,
    trust_coefficient: float = 1e-3,
    nesterov: bool = False,
) -> Optimizer:
    """Momentum over steps of norm lr · trust_coefficient · ‖p‖ (You et al., 2017)."""
    return _optimizer(
        basic.decayed(weight_decay),
        basic.scale_by_trust_ratio(trust_coefficient),
        basic.scale_by_learning_rate(lr),
        [] if momentum == 0 else [basic.trace(momentum, nesterov=nesterov)],
    )


def adafactor(
    lr: Number = 1e-2,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adaptive steps with second moments of one row and one column (Shazeer & Stern, 2018)."""
    return _optimizer(matrices.adafactor_step(lr, beta2_decay, eps, d, weight_decay))


def muon(
    lr: Number = 1e-3,
    weight_decay: Number = 0.1,
    momentum: Number = 0.95,
    nesterov: bool = True,
    ns_steps: int = 5,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-7,
    ns_coefficients: matrices.Coefficients = matrices.MUON,
    adjust_lr_fn: str | None = None,
) -> Optimizer:
    """Orthogonalised momentum for matrices, AdamW's direction for all other parameters.

    (Jordan et al., *Muon*, 2024.) `betas` are AdamW's, `eps` the least norm that matrices are
    divided by, `ns_coefficients` the polynomial's whose `ns_steps` iterations orthogonalise.
    `adjust_lr_fn` is "original", √max(1, rows / columns) times lr, or "match_rms_adamw",
    0.2 √max(rows, columns) times lr, with which AdamW's learning rates fit.
    """
    return _optimizer(
        matrices.partitioned(
            lambda p: p.ndim == 2,
            matrices.scale_by_muon(
                momentum, nesterov, ns_coefficients, ns_steps, eps, adjust_lr_fn
            ),
            adaptive.scale_by_adam(betas),
        ),
        basic.decayed(weight_decay),
        basic.scale_by_learning_rate(lr),
    )


def adabelief(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-16,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adam by the variance of gradients instead of their size (Zhuang et al., 2020)."""
    direction = second_moments.scale_by_belief(betas, eps)
    return _decayed(direction, lr, weight_decay, decoupled=True)


def yogi(
    lr: Number = 1e-2,
    betas: Betas = (0.9, 0.999),
    eps: float = 1e-3,
    weight_decay: Number = 0.0,
    initial_accumulator_value: float = 1e-6,
) -> Optimizer:
    """Adam whose rates grow in steps of their own size, not at once (Zaheer et al., 2018)."""
    direction = second_moments.scale_by_yogi(betas, eps, initial_accumulator_value)
    return _decayed(direction, lr, weight_decay, decoupled=True)


def adan(
    lr: Number = 1e-3,
    betas: tuple[float, float, float] = (0.98, 0.92, 0.99),
    eps: float = 1e-8,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Adam that looks ahead along the change of the gradient (Xie et al., 2022)."""
    return _decayed(second_moments.scale_by_adan(betas, eps), lr, weight_decay, decoupled=True)


def novograd(
    lr: Number = 1e-3,
    betas: Betas = (0.9, 0.25),
    eps: float = 1e-6,
    weight_decay: Number = 0.0,
) -> Optimizer:
    """Momentum over gradients that are divided by their running norms (Ginsburg et al., 2019)."""
    return _optimizer(
        second_moments.scale_by_norms(betas[1], eps),
        basic.decayed(weight_decay),
        basic.trace(betas[0]),
        basic.scale_by_learning_rate(lr),
    )


def lbfgs(lr: Number = 1.0, memory_size: int = 10, scale_init_precond: bool = True) -> Optimizer:
    """p ← p − lr · H g, with H from the last `memory_size` steps (Liu & Nocedal, 1989).

    Steps are as long as `lr` says, which suits losses that are nearly quadratic and gradients
    without noise; `LBFGS` searches along each. See `scale_by_lbfgs` for how H begins.

    >>> import slopec as sp
    >>> optimizer = sp.optim.lbfgs()
    >>> scales, p = sp.tensor([1.0, 30.0]), sp.tensor([1.0, 1.0])
    >>> state = optimizer.init(p)
    >>> for _ in range(12):
    ...     p, state = optimizer.update(scales * p, state, p)
    >>> print(abs(p).max() < 1e-3)
    tensor(True, bool[], cpu)
    """
    direction = quasi_newton.scale_by_lbfgs(memory_size, scale_init_precond)
    return _optimizer(direction, basic.scale_by_learning_rate(lr))


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    function.__name__: function
    for function in (
        sgd,
        adam,
        adamw,
        nadam,
        radam,
        adamax,
        adagrad,
        rmsprop,
        adadelta,
        rprop,
        asgd,
        lion,
        lamb,
        lars,
        adafactor,
        muon,
        adabelief,
        yogi,
        adan,
        novograd,
        lbfgs,
    )
}


def by_name(name: str, lr: Number, **options: Any) -> Optimizer:
    """The optimiser called `name`; options of value 0 that it does not have are left out.

    Raises UsageError for an unknown name or option.

    >>> import slopec as sp
    >>> type(sp.optim.by_name("adamw", 1e-3, weight_decay=0.1, momentum=0.0)).__name__
    'Optimizer'
    """
    import inspect

    function = OPTIMIZERS.get(name)
    if function is None:
        raise UsageError(
            "S0123",
            f"there is no optimiser called `{name}`",
            span=tracing.here(),
            hint=did_you_mean(name, list(OPTIMIZERS)) or f"known are {', '.join(OPTIMIZERS)}",
        )
    known = list(inspect.signature(function).parameters)
    for option, value in options.items():
        if option not in known and value != 0:
            raise UsageError(
                "S0123",
                f"the optimiser {name} has no option `{option}`",
                span=tracing.here(),
                hint=did_you_mean(option, known) or f"it has {', '.join(known)}",
            )
    return function(lr, **{k: v for k, v in options.items() if k in known})
