"""A caller that waits for worker threads does not take the core of the one that wakes it.

The scheduler lets a thread that wakes up run at once, maybe on the core of the thread that woke it.
That worker is still within the call that tells of its result, and until it has returned IREE's
waiting side spins: for as long as the scheduler leaves the worker alone, which can be milliseconds.
Threads of Linux's class for batches do not drive others away when they wake up (sched(7)).
"""

from __future__ import annotations

import os
import sys

if sys.platform == "linux":
    _PRIORITY = os.sched_param(0)  # these classes know no other


class Patience:
    """Within, the calling thread is of that class, unless it has chosen another one.

    >>> with Patience():
    ...     pass
    """

    __slots__ = ("_is_ours",)

    def __enter__(self) -> None:
        """Become patient."""
        self._is_ours = (
            sys.platform == "linux"
            and os.sched_getscheduler(0) == os.SCHED_OTHER
            and _became(os.SCHED_BATCH)
        )

    def __exit__(self, *failure: object) -> None:
        """Be as before."""
        if sys.platform == "linux" and self._is_ours:
            _became(os.SCHED_OTHER)


def _became(policy: int) -> bool:
    """Whether the calling thread could be moved to a class; sandboxes may forbid it."""
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, policy, _PRIORITY)
        except OSError:
            return False
    return True
