"""Workers that stay awake between the calls of a short function, where that pays.

To wake workers takes some 50 µs, as long as they may have to compute. So there is a second pool,
with a worker for each core but the caller's, whose workers look for more work for a while before
they fall asleep. It is not always the quicker one: it lacks a worker, and who looks for work all
the time has no precedence over other processes any more. So both pools are tried now and then.
"""

from __future__ import annotations

import atexit
import os
import statistics
import time
from functools import cache
from typing import TYPE_CHECKING

from .devices import HOST_DRIVERS, WORKERS, open_awake
from .patience import cores_of_workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from iree.runtime import VmFunction, VmVariantList

    from .devices import Device
    from .timeline import Timeline

_FEWEST = 4  # workers of the first pool; with less, one is too many to go without
_LONG = 500_000  # nanoseconds; of calls that take longer, waking up is a tenth at most
_TURNS, _TURN, _WARM = 4, 40, 16  # calls of a turn, and of those that do not count
_GAIN = 0.9
_LOSS, _CREDIT = 32, 64  # usual calls that the second way may lose, and of its gains that count
_FIRST, _STAY, _LONGEST_STAY = 200, 500, 4_000  # calls until both ways are tried


class Trial:
    """Which of two ways of doing the same, 0 or 1, is the quicker one: `way` is the next one to go.

    They are tried in turns. Each time that the second one has lost, they are tried again after
    twice as many calls.

    >>> trial = Trial()
    >>> for _ in range(1000):
    ...     trial.took([100_000, 60_000][trial.way])
    >>> trial.way
    1
    """

    def __init__(self) -> None:
        self.way = 0
        self._left, self._next_stay = _FIRST, _STAY
        self._is_trying, self._usual, self._lost = False, 0.0, 0.0
        self._times: tuple[list[int], list[int]] = ([], [])

    def took(self, nanoseconds: int) -> None:
        """Tell how long it took to go the `way`."""
        self._left -= 1
        done = _TURNS * _TURN - self._left
        if self._is_trying and (done - 1) % _TURN >= _WARM:
            self._times[self.way].append(nanoseconds)
        if self.way and self._loses(nanoseconds):
            self._stay(0)
        elif self._is_trying and not done % _TURN:
            self._turn()
        elif not self._left:
            self._try()

    def _turn(self) -> None:
        """Go on after a turn of a trial."""
        usual = statistics.median(self._times[0])
        if usual > _LONG:
            self._stay(0)
        elif not self._left:
            self._stay(int(statistics.median(self._times[1]) < _GAIN * usual))
        else:
            self._usual, self.way = usual, 1 - self.way

    def _try(self) -> None:
        self.way, self._left, self._is_trying = 0, _TURNS * _TURN, True
        self._times, self._lost = ([], []), 0.0

    def _stay(self, way: int) -> None:
        self.way, self._is_trying = way, False
        self._left = _LONGEST_STAY if way else self._next_stay
        self._next_stay = _STAY if way else min(2 * self._next_stay, _LONGEST_STAY)

    def _loses(self, nanoseconds: int) -> bool:
        """Whether the second way has lost too much time lately: others may want the cores."""
        self._lost = max(self._lost + nanoseconds - self._usual, -_CREDIT * self._usual)
        return self._lost > _LOSS * self._usual


class Awake:
    """Runs a function on the one timeline, or on the other if that is quicker."""

    def __init__(self, asleep: Timeline, awake: Callable[[], Timeline | None]) -> None:
        self._asleep, self._awake, self._trial = asleep, awake, Trial()

    def run(self, function: VmFunction, arguments: VmVariantList, results: VmVariantList) -> None:
        """Run the function to its end, as `Timeline.run` does."""
        timeline = (self._trial.way and self._awake()) or self._asleep
        started = time.perf_counter_ns()
        timeline.run(function, arguments, results)
        self._trial.took(time.perf_counter_ns() - started)


@cache
def pool_beside(device: Device) -> Device | None:
    """The pool whose workers stay awake, beside that of a device whose workers have run.

    None where it would not be of use, or not as it should be: the environment says how many
    workers there are, or the system does not keep each on a core of its own.
    """
    if any(os.environ.get(variable) for variable in WORKERS):
        return None
    cores = cores_of_workers()
    single = {core for (core, *others) in cores if not others}
    if device.name != HOST_DRIVERS[0] or len(cores) < _FEWEST or len(single) < len(cores):
        return None
    try:
        return open_awake([core for (core,) in cores[1:]])
    except (RuntimeError, ValueError):  # as where the system allows no more threads
        return None


atexit.register(pool_beside.cache_clear)  # as `devices` lets go of its own
