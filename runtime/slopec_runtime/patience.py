"""A caller that waits for worker threads is near the first of them and not in its way.

Near: a sleeping core takes 25 µs or so to wake up. The first worker wakes the others, and if the
caller is on its core, that one is awake.

Not in its way: the scheduler lets a thread that wakes up run at once, maybe on the core of the
thread that woke it. That worker is still within the call that tells of its result, and until it has
returned IREE's waiting side spins: for as long as the scheduler leaves the worker alone, which can
be milliseconds. Threads of Linux's class for batches do not drive others away when they wake up
(sched(7)).
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_WORKER = "iree-worker-"

_core: list[set[int]] = []
"""The first worker's core, once it has run; an empty set where that cannot be told."""

if sys.platform == "linux":
    _PRIORITY = os.sched_param(0)  # these classes know no other
    _REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR)
    _processor = ctypes.CDLL(None).sched_getcpu


class Patience:
    """Within, the calling thread is of that class and on that core, unless it has chosen others.

    If it is `awake` all the time it is brought to that core, where it stays by itself: to bind it
    and set it free takes 6 µs a call. Of two real-time threads on a core Linux moves one elsewhere.

    >>> with Patience():
    ...     pass
    """

    __slots__ = ("_awake", "_cores", "_is_ours")

    def __init__(self, *, awake: bool = False) -> None:
        self._awake = awake

    def __enter__(self) -> None:
        """Become patient."""
        if sys.platform == "linux":
            policy = os.sched_getscheduler(0)
            stays = self._awake and policy not in _REAL_TIME
            self._cores = _came_near(stays) if _core else None
            self._is_ours = policy == os.SCHED_OTHER and _became(os.SCHED_BATCH)

    def __exit__(self, *failure: object) -> None:
        """Be as before."""
        if sys.platform == "linux":
            if self._is_ours:
                _became(os.SCHED_OTHER)
            if self._cores is not None:
                _moved(self._cores)
            if not _core:
                _core.append(_core_of_first_worker())


def _came_near(stays: bool) -> set[int] | None:
    """The cores that the calling thread may run on, if it is bound to the worker's now.

    A thread that `stays` where it is brought is not bound.
    """
    if sys.platform == "linux":
        if stays and _processor() in _core[0]:
            return None
        cores = os.sched_getaffinity(0)
        if _core[0] and _core[0] < cores and _moved(_core[0]):
            if not stays:
                return cores
            _moved(cores)
    return None


def _core_of_first_worker() -> set[int]:
    cores = cores_of_workers()
    return set(cores[0]) if cores and len(cores[0]) == 1 else set()


def cores_of_workers() -> list[list[int]]:
    """The cores that each of IREE's workers of this process may run on, in the workers' order.

    Empty where that cannot be told.
    """
    found: dict[int, list[int]] = {}
    if sys.platform == "linux":
        try:
            for thread in Path("/proc/self/task").iterdir():
                name = (thread / "comm").read_text("utf-8").strip()
                if name.startswith(_WORKER):
                    number = int(name.removeprefix(_WORKER))
                    found[number] = sorted(os.sched_getaffinity(int(thread.name)))
        except (OSError, ValueError):
            return []
    return [found[number] for number in sorted(found)]


def _moved(cores: set[int]) -> bool:
    """Whether the calling thread could be confined to some cores; sandboxes may forbid it."""
    if sys.platform == "linux":
        try:
            os.sched_setaffinity(0, cores)
        except OSError:
            return False
    return True


def _became(policy: int) -> bool:
    """Whether the calling thread could be moved to a class; sandboxes may forbid it."""
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, policy, _PRIORITY)
        except OSError:
            return False
    return True
