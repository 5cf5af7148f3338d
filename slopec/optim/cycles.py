"""Schedulers that cycle: the momentum falls where the rate rises, and rises where it falls."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import tracing
from slopec.diagnostics import UsageError
from slopec.ops.common import bad_argument
from slopec.optim import schedules
from slopec.optim.scheduling import Scheduler, checked, fixed, per_group
from slopec.optim.stateful import StatefulOptimizer
from slopec.optim.transformation import Schedule

Rates = float | Sequence[float]


class _Cycling(Scheduler):
    """A scheduler that moves the momentum too, unless `momenta` is None.

    Raises UsageError (S0146) where the optimiser's state holds no momentum.
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        rates: Sequence[Schedule],
        momenta: Sequence[Schedule] | None,
        last_epoch: int,
    ) -> None:
        groups = checked(optimizer).param_groups
        if momenta is not None and any("momentum" not in group.hyper for group in groups):
            raise UsageError(
                "S0146",
                f"{type(self).__name__} moves the momentum, which the state of this "
                f"{type(optimizer).__name__} does not hold",
                span=tracing.here(),
                hint="pass `cycle_momentum=False`, which leaves momentum and betas as they are, or "
                "use SGD or RMSprop with a momentum",
            )
        self.momenta = momenta
        super().__init__(optimizer, [fixed(rate) for rate in rates], last_epoch)

    def _moved(self, now: Any) -> None:
        if self.momenta is not None:
            for group, momentum in zip(self.optimizer.param_groups, self.momenta, strict=True):
                group["momentum"] = momentum(now)


class CyclicLR(_Cycling):
    """From base_lr to max_lr and back, again and again; the momentum the other way (Smith, 2017).

    Rates and momenta are numbers, or one for each group. `scale_fn` is the factor of the height by
    the number of the cycle, from 1 on, or of the step where `scale_mode` is "iterations".

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = sp.optim.CyclicLR(opt, base_lr=0.1, max_lr=1.0, step_size_up=2)
    >>> scheduler.step()
    >>> print(f"{opt.lr:.2f} {opt.param_groups[0]['momentum']:.2f}")
    0.55 0.85
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        base_lr: Rates,
        max_lr: Rates,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[Any], Any] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.8,
        max_momentum: Rates = 0.9,
        last_epoch: int = -1,
    ) -> None:
        """Set the rate and momentum of step 0, or of that after `last_epoch`."""

        def cycles(first: Rates, second: Rates) -> list[Schedule]:
            ends = zip(per_group(first, optimizer), per_group(second, optimizer), strict=True)
            shape = (step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode)
            return [schedules.cyclic(a, b, *shape) for a, b in ends]

        momenta = cycles(max_momentum, base_momentum) if cycle_momentum else None
        super().__init__(optimizer, cycles(base_lr, max_lr), momenta, last_epoch)


class OneCycleLR(_Cycling):
    """Up to max_lr and down again, over total_steps; the momentum the other way.

    `total_steps` may be given as `epochs` and `steps_per_epoch`; see `schedules.one_cycle`. Rates
    and momenta are numbers, or one for each group.

    >>> import slopec as sp
    >>> opt = sp.optim.SGD([sp.tensor([1.0], requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = sp.optim.OneCycleLR(opt, max_lr=1.0, total_steps=100)
    >>> print(f"{opt.lr:.2f} {opt.param_groups[0]['momentum']:.2f}")
    0.04 0.95
    """

    def __init__(
        self,
        optimizer: StatefulOptimizer,
        max_lr: Rates,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.85,
        max_momentum: Rates = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        """Set the rate and momentum of step 0, or of that after `last_epoch`."""
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise bad_argument(
                    "OneCycleLR: give `total_steps`, or `epochs` and `steps_per_epoch`"
                )
            total_steps = epochs * steps_per_epoch
        self.total_steps = total_steps
        shape = (total_steps, pct_start, anneal_strategy)
        factors = (div_factor, final_div_factor, three_phase)
        rates = [schedules.one_cycle(m, *shape, *factors) for m in per_group(max_lr, optimizer)]
        momenta = None
        if cycle_momentum:
            ends = (per_group(value, optimizer) for value in (base_momentum, max_momentum))
            momenta = [
                schedules.one_cycle_momentum(a, b, *shape, three_phase)
                for a, b in zip(*ends, strict=True)
            ]
        super().__init__(optimizer, rates, momenta, last_epoch)

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next rate; raises UsageError (S0146) after the last step."""
        if epoch is None and self.last_epoch >= self.total_steps:
            raise UsageError(
                "S0146",
                f"OneCycleLR has {self.total_steps} steps, and this is one more",
                span=tracing.here(),
                hint="`total_steps` counts calls of `step`: epochs times steps of each",
            )
        super().step(epoch)
