"""What all schedulers are: they let an optimiser's rates follow pure schedules, step by step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from slopec import tracing
from slopec.diagnostics import UsageError
from slopec.lazy.mode import no_grad
from slopec.optim.stateful import StatefulOptimizer
from slopec.optim.transformation import Schedule
from slopec.tensor import Tensor

T = TypeVar("T")
Make = Callable[[float], Schedule]
"""From the learning rate that a group begins with to its schedule."""


def checked(optimizer: object) -> StatefulOptimizer:
    """The optimiser; raises UsageError (S0146) for what is none with a state of its own."""
    if isinstance(optimizer, StatefulOptimizer):
        return optimizer
    raise UsageError(
        "S0146",
        f"a scheduler needs an optimiser with a state of its own, got {type(optimizer).__name__}",
        span=tracing.here(),
        hint="pass one such as `sp.optim.Adam(model.parameters())`; to a pure optimiser give the "
        "schedule as its `lr`",
    )


def per_group(value: T | Sequence[T], optimizer: StatefulOptimizer) -> list[T]:
    """One value for all groups, or one for each; raises UsageError (S0123) for another number."""
    count = len(checked(optimizer).param_groups)
    if not isinstance(value, Sequence):
        return [value] * count
    if len(value) != count:
        raise UsageError(
            "S0123", f"{len(value)} values for {count} groups of parameters", span=tracing.here()
        )
    return list(value)


def fixed(schedule: Schedule) -> Make:
    """What makes this schedule, whatever the rate is that a group begins with."""
    return lambda lr: schedule


class Scheduler:
    """Lets the learning rates of an optimiser follow a schedule, from a step count to a rate.

    `make` gets the learning rate that a group begins with and returns its schedule; there may be
    one for each group.

    >>> import slopec as sp
    >>> p = sp.tensor([1.0], requires_grad=True)
    >>> opt = sp.optim.SGD([p], lr=0.5)
    >>> scheduler = sp.optim.Scheduler(opt, lambda lr: sp.optim.schedules.exponential(lr, 0.5))
    >>> scheduler.step()
    >>> opt.lr
    0.25
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        make: Make | Sequence[Make],
        last_epoch: int = -1,
    ) -> None:
        """Set the rates of step 0, or of that after `last_epoch`.

        Raises UsageError: S0146 for what is no such optimiser, S0123 for another number of `make`
        than of groups.
        """
        self.optimizer = checked(optimizer)
        for group in optimizer.param_groups:
            group.initial_lr = group["lr"] if group.initial_lr is None else group.initial_lr
        self.base_lrs: list[Any] = [group.initial_lr for group in optimizer.param_groups]
        makes = per_group(make, optimizer)
        self.rates = [of(lr) for of, lr in zip(makes, self.base_lrs, strict=True)]
        self.last_epoch = last_epoch + 1
        self._set()

    def _set(self) -> None:
        now = Tensor(np.int32(self.last_epoch))
        with no_grad():
            for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate(now)
            self._moved(now)

    def _moved(self, now: Tensor) -> None:
        """Set what else follows the schedule at step `now`."""

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next rate, or to that of `epoch`."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set()

    def get_last_lr(self) -> list[float]:
        """The rates now, per group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Where the scheduler is."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""
        self.step(int(state["last_epoch"]))
