"""The calls of a context that return before their work is done, one behind the other.

Who waits for the end looks for it again and again, and falls asleep only after a while: to be woken
takes 30 to 40 µs, a quarter of a call of 150. Between looks the core belongs to others, first of
all to the worker thread that is on it.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import TYPE_CHECKING

from iree.runtime import HalFence

from .patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from iree.runtime import VmContext, VmFunction, VmVariantList

    from .devices import Device

_LOOKING = 2_000_000  # nanoseconds; of calls that take longer, waking up is a fiftieth


class Timeline:
    """Runs functions that take two more arguments, the fences before and behind their work."""

    def __init__(self, device: Device, context: VmContext) -> None:
        self._device, self._context = device, context
        self._begin()

    def _begin(self) -> None:
        self._semaphore = self._device.handle.create_semaphore(0)
        self._count = 0
        self._last = HalFence.create_at(self._semaphore, 0)

    def run(self, function: VmFunction, arguments: VmVariantList, results: VmVariantList) -> None:
        """Run a function to its end; one at a time. Raises what IREE's bindings raise."""
        behind = HalFence.create_at(self._semaphore, self._count + 1)
        arguments.push_ref(self._last)
        arguments.push_ref(behind)
        if not self._device.has_workers:
            self._invoke(function, arguments, results)
        else:
            with Patience(awake=True):
                self._invoke(function, arguments, results)
        self._last = behind
        self._count += 1

    def _invoke(
        self, function: VmFunction, arguments: VmVariantList, results: VmVariantList
    ) -> None:
        try:
            self._context.invoke(function, arguments, results)
        except BaseException:
            self._begin()  # the fence behind may never be reached
            raise
        try:
            self._wait(self._count + 1)
        except BaseException:
            self._settle()
            raise

    def _wait(self, count: int) -> None:
        reached = self._semaphore.query
        if reached() >= count:
            return
        tired = time.perf_counter_ns() + _LOOKING
        while time.perf_counter_ns() < tired:
            _give_way()
            if reached() >= count:
                return
        self._semaphore.wait(count)

    def _settle(self) -> None:
        """Let the work end that an interrupt came into, and begin anew."""
        try:
            self._semaphore.wait(self._count + 1)
        finally:
            self._begin()


def _yielding() -> Callable[[], object]:
    """What lets other threads have the core and Python's lock."""
    if os.name == "posix":
        function: Callable[[], object] = ctypes.CDLL(None).sched_yield
        return function
    return lambda: time.sleep(0)


_give_way = _yielding()
