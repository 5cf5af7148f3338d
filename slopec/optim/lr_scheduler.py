"""Schedules for the imperative style, under PyTorch's names: `scheduler.step()` after `opt.step()`.

Each sets the learning rate of every group from a pure schedule of `slopec.optim.schedules`. The
rate is a recorded scalar of the next step's program, so no step is compiled for it.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from slopec import ops
from slopec.lazy.mode import no_grad
from slopec.ops.common import at_least, bad_argument
from slopec.optim import schedules
from slopec.optim.cycles import CyclicLR, OneCycleLR
from slopec.optim.scheduling import Scheduler, fixed, per_group
from slopec.optim.stateful import StatefulOptimizer
from slopec.optim.transformation import Schedule
from slopec.optim.wrappers import Plateau
from slopec.tensor import Tensor


class _Named(Scheduler):
    """A scheduler that makes its schedule of the rate and its own arguments."""

    schedule: Callable[..., Schedule]

    def __init__(
        self, optimizer: StatefulOptimizer, *args: Any, last_epoch: int = -1, **options: Any
    ) -> None:
        """See the class; arguments follow the optimiser."""
        count = len(inspect.signature(type(self).schedule).parameters) - 1
        if len(args) > count:
            args, last_epoch = args[:-1], args[-1]
        made = type(self).schedule
        super().__init__(optimizer, lambda lr: made(lr, *args, **options), last_epoch)


def _named(name: str, schedule: Callable[..., Schedule], says: str, call: str) -> type[Scheduler]:
    """The scheduler `name` of a function that makes a schedule of a rate and other arguments."""
    doc = f"""{says}

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = sp.optim.{call}
    >>> scheduler.step()
    """
    body = {"schedule": staticmethod(schedule), "__doc__": doc, "__module__": __name__}
    return type(name, (_Named,), body)


# PyTorch's names of arguments.


def _constant(lr: float, factor: float = 1 / 3, total_iters: int = 5) -> Schedule:
    return schedules.sequential(
        [schedules.constant(lr * factor), schedules.constant(lr)], [total_iters]
    )


def _cosine(lr: float, T_max: int, eta_min: float = 0.0) -> Schedule:  # noqa: N803
    at_least("CosineAnnealingLR", "T_max", [T_max], 1)
    there = schedules.cosine(lr, T_max, eta_min)

    def rate(past: Any) -> Tensor:
        place = ops.remainder(past, 2 * T_max)
        result: Tensor = there(ops.minimum(place, 2 * T_max - place))
        return result

    return rate


def _cosine_restarts(lr: float, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> Schedule:  # noqa: N803
    return schedules.cosine_restarts(lr, T_0, T_mult, eta_min)


def _linear(
    lr: float, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
) -> Schedule:
    return schedules.linear(lr * start_factor, lr * end_factor, total_iters)


def _polynomial(lr: float, total_iters: int = 5, power: float = 1.0) -> Schedule:
    return schedules.polynomial(lr, total_iters, power)


def _milestones(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    return schedules.multistep(lr, milestones, gamma)


StepLR = _named(
    "StepLR",
    schedules.step,
    "lr · gamma^⌊t / step_size⌋.",
    "StepLR(opt, step_size=10)",
)
MultiStepLR = _named(
    "MultiStepLR",
    _milestones,
    "lr · gamma^(how many of the milestones are reached).",
    "MultiStepLR(opt, milestones=[10, 20])",
)
ExponentialLR = _named(
    "ExponentialLR", schedules.exponential, "lr · gamma^t.", "ExponentialLR(opt, gamma=0.9)"
)
CosineAnnealingLR = _named(
    "CosineAnnealingLR",
    _cosine,
    "From lr to eta_min in T_max steps on half a cosine, and back in as many, as PyTorch's.",
    "CosineAnnealingLR(opt, T_max=100)",
)
CosineAnnealingWarmRestarts = _named(
    "CosineAnnealingWarmRestarts",
    _cosine_restarts,
    "A cosine over T_0 steps, again over T_0 · T_mult steps, and so on.",
    "CosineAnnealingWarmRestarts(opt, T_0=10)",
)
LinearLR = _named(
    "LinearLR",
    _linear,
    "From lr · start_factor to lr · end_factor on a straight line.",
    "LinearLR(opt, total_iters=10)",
)
PolynomialLR = _named(
    "PolynomialLR",
    _polynomial,
    "lr · (1 − t / total_iters)^power, then 0.",
    "PolynomialLR(opt, total_iters=10)",
)
ConstantLR = _named(
    "ConstantLR",
    _constant,
    "lr · factor for total_iters steps, then lr.",
    "ConstantLR(opt, factor=0.5, total_iters=10)",
)


class LambdaLR(Scheduler):
    """lr · lr_lambda(t), a function of a scalar tensor.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = sp.optim.LambdaLR(opt, lambda t: 0.5**t)
    >>> scheduler.step()
    >>> opt.lr
    0.5
    """

    def __init__(self, optimizer: StatefulOptimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        """One function for all groups, or one for each."""
        makes = [partial(_scaled, factor) for factor in per_group(lr_lambda, optimizer)]
        super().__init__(optimizer, makes, last_epoch)


def _scaled(factor: Callable[[Any], Any], lr: float) -> Schedule:
    return lambda past: lr * factor(past)


def _by_group(schedulers: Sequence[Scheduler]) -> list[tuple[Schedule, ...]]:
    """For every group of an optimiser the schedules that several schedulers have for it."""
    if len({len(scheduler.rates) for scheduler in schedulers}) != 1:
        raise bad_argument("give schedulers of one optimiser, at least one")
    return list(zip(*(scheduler.rates for scheduler in schedulers), strict=True))


class SequentialLR(Scheduler):
    """One scheduler after the other: each begins anew at its milestone.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> first = sp.optim.ConstantLR(opt, factor=0.5, total_iters=10)
    >>> then = sp.optim.ExponentialLR(opt, gamma=0.5)
    >>> scheduler = sp.optim.SequentialLR(opt, [first, then], milestones=[2])
    >>> rates = [(opt.lr, scheduler.step())[0] for _ in range(4)]
    >>> rates
    [0.5, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        schedulers: Sequence[Scheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        """Schedulers of the same optimiser, which this one asks from now on."""
        makes = [fixed(schedules.sequential(rates, milestones)) for rates in _by_group(schedulers)]
        super().__init__(optimizer, makes, last_epoch)


class ChainedScheduler(Scheduler):
    """All schedulers at once: what each makes of the first rate, multiplied.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> parts = [sp.optim.ConstantLR(opt, 0.5, 10), sp.optim.ExponentialLR(opt, gamma=0.5)]
    >>> scheduler = sp.optim.ChainedScheduler(parts)
    >>> scheduler.step()
    >>> opt.lr
    0.25
    """

    def __init__(
        self, schedulers: Sequence[Scheduler], optimizer: StatefulOptimizer | None = None
    ) -> None:
        """Schedulers of one optimiser, which this one asks from now on."""
        makes = [partial(schedules.product, schedules=rates) for rates in _by_group(schedulers)]
        super().__init__(schedulers[0].optimizer if optimizer is None else optimizer, makes)


class MultiplicativeLR(Scheduler):
    """The last rate times lr_lambda(t), a function of the number of the step.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = sp.optim.MultiplicativeLR(opt, lambda t: 0.5)
    >>> scheduler.step()
    >>> opt.lr
    0.5
    """

    def __init__(self, optimizer: StatefulOptimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        """One function for all groups, or one for each."""
        super().__init__(optimizer, schedules.constant, last_epoch)
        self.factors = per_group(lr_lambda, optimizer)

    def step(self, epoch: int | None = None) -> None:
        """Multiply the rates."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        for group, factor in zip(self.optimizer.param_groups, self.factors, strict=True):
            group["lr"] = group["lr"] * float(factor(self.last_epoch))


class ReduceLROnPlateau:
    """The rate falls when a metric stops getting better; see `slopec.optim.Plateau`.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> scheduler = sp.optim.ReduceLROnPlateau(opt, patience=0)
    >>> for loss in (1.0, 2.0):
    ...     scheduler.step(loss)
    >>> print(f"{opt.lr:.1f}")
    0.1
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        """Arguments as `Plateau` has them."""
        self.optimizer = optimizer
        self.plateau = Plateau(
            factor, patience, threshold, cooldown, min_lr, mode, threshold_mode, eps
        )
        self.states = [self.plateau.init(group["lr"]) for group in optimizer.param_groups]

    def step(self, metric: Any) -> None:
        """Take in a metric, a number or a tensor."""
        for place, group in enumerate(self.optimizer.param_groups):
            with no_grad():
                state = self.plateau.update(metric, self.states[place])
            self.states[place] = {name: value.eval() for name, value in state.items()}
            group["lr"] = state["lr"]

    def get_last_lr(self) -> list[float]:
        """The rates now, per group."""
        return [group["lr"] for group in self.optimizer.param_groups]


SCHEDULERS = (
    StepLR,
    MultiStepLR,
    ExponentialLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    PolynomialLR,
    ConstantLR,
    LambdaLR,
    CyclicLR,
    OneCycleLR,
)
