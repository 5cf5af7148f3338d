"""Learning rates as functions of the number of past steps, PyTorch's schedulers in closed form.

A schedule takes an int, or an integer tensor while a step is traced, and returns a float32 tensor.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import dtypes, ops, tracing
from slopec.diagnostics import UsageError, did_you_mean
from slopec.ops.common import at_least
from slopec.optim.transformation import Schedule
from slopec.tensor import Tensor


def _time(past: Any) -> Tensor:
    return ops.astype(past, dtypes.float32)


def constant(lr: float) -> Schedule:
    """`lr` at all times."""
    return lambda past: ops.full((), lr, dtype=dtypes.float32)


def step(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """lr · gamma^⌊t / step_size⌋.

    >>> rate = step(1.0, 10)
    >>> print(rate(9), rate(10))
    tensor(1., float32[], cpu) tensor(0.1, float32[], cpu)
    """
    at_least("step", "step_size", [step_size], 1)
    return lambda past: lr * ops.pow(gamma, _time(ops.floor_divide(past, step_size)))


def multistep(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    """lr · gamma^(how many of the milestones are reached)."""
    return lambda past: lr * ops.pow(gamma, _time(_reached(past, milestones)))


def _reached(past: Any, milestones: Sequence[int]) -> Tensor:
    """How many of the milestones are ≤ `past`, int32."""
    return ops.sum(ops.asarray(np.asarray(milestones, np.int32)) <= past)


def exponential(lr: float, gamma: float) -> Schedule:
    """lr · gamma^t."""
    return lambda past: lr * ops.pow(gamma, _time(past))


def linear(start: float, end: float, steps: int) -> Schedule:
    """From `start` to `end` in `steps` steps on a straight line, then `end`."""
    return lambda past: _between(start, end, _share(past, steps))


def polynomial(lr: float, steps: int, power: float = 1.0) -> Schedule:
    """lr · (1 − t / steps)^power, then 0."""
    return lambda past: lr * ops.pow(1.0 - _share(past, steps), power)


def cosine(lr: float, steps: int, eta_min: float = 0.0) -> Schedule:
    """From lr to eta_min in `steps` steps on half a cosine, then eta_min.

    eta_min + ½(lr − eta_min)(1 + cos(πt / steps)) (Loshchilov & Hutter, *SGDR*, 2017).

    >>> rate = cosine(1.0, 100)
    >>> print(*(f"{rate(t):.2f}" for t in (0, 50, 200)))
    1.00 0.50 0.00
    """
    return lambda past: _eased(lr, eta_min, _share(past, steps))


def cosine_restarts(lr: float, t_0: int, t_mult: int = 1, eta_min: float = 0.0) -> Schedule:
    """`cosine` over t_0 steps, again over t_0 · t_mult steps, and so on (SGDR).

    >>> rate = cosine_restarts(1.0, 10, t_mult=2)
    >>> print(*(f"{rate(t):.2f}" for t in (10, 20, 30)))
    1.00 0.50 1.00
    """
    at_least("cosine_restarts", "t_0", [t_0], 1)
    at_least("cosine_restarts", "t_mult", [t_mult], 1)
    if t_mult == 1:
        return lambda past: _eased(lr, eta_min, _time(ops.remainder(past, t_0)) / t_0)
    lengths = [t_0]
    while sum(lengths) + lengths[-1] * t_mult < 2**31:
        lengths.append(lengths[-1] * t_mult)
    starts = np.concatenate([[0], np.cumsum(lengths[:-1])]).astype(np.int32)

    def rate(past: Any) -> Tensor:
        period = _reached(past, starts.tolist()) - 1
        start = ops.take(starts, period)
        length = ops.take(np.asarray(lengths, np.int32), period)
        return _eased(lr, eta_min, _time(past - start) / _time(length))

    return rate


def one_cycle(
    max_lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> Schedule:
    """Up from max_lr / div_factor to max_lr, then down to that over final_div_factor.

    (Smith & Topin, *Super-convergence*, 2018.) The rise takes `pct_start` of the steps; with
    `three_phase` an equal fall to the beginning follows before the last one.
    """
    first, last = max_lr / div_factor, max_lr / div_factor / final_div_factor
    rates = [first, max_lr, first, last] if three_phase else [first, max_lr, last]
    return _phases(rates, total_steps, pct_start, anneal_strategy)


def one_cycle_momentum(
    base: float,
    maximum: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    three_phase: bool = False,
) -> Schedule:
    """The momentum beside `one_cycle`: down to `base` where the rate is highest, and up again."""
    values = [maximum, base, maximum] + [maximum] * three_phase
    return _phases(values, total_steps, pct_start, anneal_strategy)


def _phases(
    rates: Sequence[float], total_steps: int, pct_start: float, anneal_strategy: str
) -> Schedule:
    """From each value to the next: the first phase takes `pct_start`, a second of three as long."""
    at_least("one_cycle", "total_steps", [total_steps], 1)
    if anneal_strategy not in ("cos", "linear"):
        raise UsageError(
            "S0123",
            f"one_cycle: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}",
            span=tracing.here(),
        )
    top, stop = pct_start * total_steps - 1.0, total_steps - 1.0
    ends = [0.0, top, stop] if len(rates) == 3 else [0.0, top, 2.0 * top, stop]
    ease = _eased if anneal_strategy == "cos" else _between

    def rate(past: Any) -> Tensor:
        t = _time(past)
        parts = []
        for i in range(len(ends) - 1):
            share = (t - ends[i]) / max(ends[i + 1] - ends[i], 1e-6)
            parts.append(ease(rates[i], rates[i + 1], ops.clip(share, 0.0, 1.0)))
        result = parts[-1]
        for end, part in zip(ends[-2:0:-1], parts[-2::-1], strict=True):
            result = ops.where(t <= end, part, result)
        return result

    return rate


def warmup(schedule: Schedule, steps: int) -> Schedule:
    """Up to schedule(0) on a straight line in `steps` steps, then `schedule` from its beginning.

    The first rate is schedule(0) / (steps + 1), so that no step is lost.
    """

    def rate(past: Any) -> Tensor:
        share = ops.minimum((_time(past) + 1.0) / (steps + 1.0), 1.0)
        return ops.multiply(share, schedule(ops.maximum(past - steps, 0)))

    return rate


def sequential(schedules: Sequence[Schedule], milestones: Sequence[int]) -> Schedule:
    """One schedule after the other: each begins anew at its milestone.

    >>> rate = sequential([constant(0.5), exponential(1.0, 0.5)], [3])
    >>> print(rate(2), rate(3), rate(4))
    tensor(0.5, float32[], cpu) tensor(1., float32[], cpu) tensor(0.5, float32[], cpu)
    """
    if len(milestones) != len(schedules) - 1:
        raise UsageError(
            "S0123",
            f"sequential: {len(schedules)} schedules need {len(schedules) - 1} milestones, "
            f"got {len(milestones)}",
            span=tracing.here(),
        )

    def rate(past: Any) -> Tensor:
        result: Tensor = schedules[0](past)
        for start, following in zip(milestones, schedules[1:], strict=True):
            later = following(ops.maximum(past - start, 0))
            result = ops.where(ops.greater_equal(past, start), later, result)
        return result

    return rate


def product(lr: float, schedules: Sequence[Schedule]) -> Schedule:
    """lr times what each schedule, which begins at `lr` itself, makes of it."""

    def rate(past: Any) -> Tensor:
        result: Any = lr
        for one in schedules:
            result = result * (one(past) / lr)
        return ops.astype(result, dtypes.float32)

    return rate


def cyclic(
    base_lr: float,
    max_lr: float,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[Any], Any] | None = None,
    scale_mode: str = "cycle",
) -> Schedule:
    """Up from base_lr to max_lr and down again, cycle after cycle (Smith, 2017).

    The height is halved with each cycle for "triangular2", times gamma^t for "exp_range"; instead,
    `scale_fn` gives it a factor by the number of the cycle, from 1 on, or with "iterations" by t.

    >>> rate = cyclic(0.0, 1.0, 4)
    >>> print(*(f"{rate(t):.2f}" for t in (0, 2, 4, 6, 8)))
    0.00 0.50 1.00 0.50 0.00
    """
    if mode not in ("triangular", "triangular2", "exp_range"):
        raise UsageError("S0123", f"cyclic: unknown mode {mode!r}", span=tracing.here())
    down = step_size_up if step_size_down is None else step_size_down
    at_least("cyclic", "steps up and down", [step_size_up, down], 1)
    whole = step_size_up + down

    def rate(past: Any) -> Tensor:
        place, cycle = _time(ops.remainder(past, whole)), _time(ops.floor_divide(past, whole))
        height = ops.where(place <= step_size_up, place / step_size_up, (whole - place) / down)
        if scale_fn is not None:
            counted = cycle + 1 if scale_mode == "cycle" else _time(past)
            height = height * scale_fn(counted)
        elif mode == "triangular2":
            height = height * ops.pow(0.5, cycle)
        elif mode == "exp_range":
            height = height * ops.pow(gamma, _time(past))
        return base_lr + (max_lr - base_lr) * height

    return rate


def _share(past: Any, steps: int) -> Tensor:
    """t / steps, at most 1."""
    return ops.minimum(_time(past) / max(steps, 1), 1.0)


def _between(start: float, end: float, share: Tensor) -> Tensor:
    return start + (end - start) * share


def _eased(start: float, end: float, share: Tensor) -> Tensor:
    return end + (start - end) * 0.5 * (1.0 + ops.cos(math.pi * share))


SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {
    "constant": lambda lr, steps: constant(lr),
    "linear": lambda lr, steps: linear(lr, 0.0, steps),
    "cosine": cosine,
    "one_cycle": one_cycle,
}
"""The schedules that a whole run of so many steps decides."""


def schedule(name: str, lr: float, steps: int, *, warmup: int = 0) -> Schedule:
    """The schedule called `name` for a run of `steps` steps, `warmup` of them rising.

    `one_cycle` rises by itself and takes `warmup` as the length of that. Raises UsageError for an
    unknown name.

    >>> rate = schedule("cosine", 1.0, 110, warmup=10)
    >>> print(f"{rate(10):.2f} {rate(60):.2f}")
    1.00 0.50
    """
    if name not in SCHEDULES:
        raise UsageError(
            "S0123",
            f"there is no schedule called `{name}`",
            span=tracing.here(),
            hint=did_you_mean(name, list(SCHEDULES)) or f"known are {', '.join(SCHEDULES)}",
        )
    if not warmup:
        return SCHEDULES[name](lr, steps)
    if name == "one_cycle":
        return one_cycle(lr, steps, (warmup + 1) / steps)
    return _warmed(SCHEDULES[name](lr, max(steps - warmup, 1)), warmup)


_warmed = warmup
