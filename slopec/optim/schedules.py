"""Learning rates as functions of the number of steps taken; they trace, so they never recompile."""

import math

from slopec import dtypes, ops
from slopec.diagnostics import UsageError, did_you_mean
from slopec.optim.transform import Schedule
from slopec.tensor import Tensor


def constant(rate: float) -> Schedule:
    """Always `rate`."""
    return lambda step: ops.full((), rate, dtype=dtypes.float32)


def cosine(rate: float, steps: int, final: float = 0.0) -> Schedule:
    """From `rate` to `final`·rate along half a cosine (Loshchilov & Hutter, 2017).

    >>> import slopec as sp
    >>> print(cosine(1.0, 10)(sp.tensor(5)).round(decimals=3))
    0.5
    """

    def at(step: Tensor) -> Tensor:
        share = ops.minimum(ops.astype(step, dtypes.float32) / max(1, steps), 1.0)
        return rate * (final + (1.0 - final) * 0.5 * (1.0 + ops.cos(math.pi * share)))

    return at


def warmed(schedule: Schedule, warmup: int) -> Schedule:
    """`schedule`, reached in a straight line over the first `warmup` steps."""
    if warmup <= 0:
        return schedule

    def at(step: Tensor) -> Tensor:
        ramp = ops.minimum((ops.astype(step, dtypes.float32) + 1.0) / warmup, 1.0)
        return schedule(ops.maximum(step - warmup, 0)) * ramp

    return at


def schedule(name: str, rate: float, steps: int, *, warmup: int = 0) -> Schedule:
    """A schedule by name (`constant`, `cosine`), with a linear warm-up.

    Raises UsageError (S0610) for an unknown name.
    """
    made = {"constant": lambda: constant(rate), "cosine": lambda: cosine(rate, steps - warmup)}
    if name not in made:
        raise UsageError(
            "S0610", f"there is no schedule `{name}`", hint=did_you_mean(name, list(made))
        )
    return warmed(made[name](), warmup)
