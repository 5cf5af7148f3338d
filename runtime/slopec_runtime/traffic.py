"""Host traffic: how many bytes crossed between NumPy and the device, and in how many calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Traffic:
    """Counts since a program was loaded; subtract two to see what happened between them.

    `uploaded` and `downloaded` are bytes that went to the device and came back, whether they were
    copied or only mapped; `calls` are invocations of compiled functions.

    >>> Traffic(3, 120, 40) - Traffic(1, 100, 0)
    Traffic(calls=2, uploaded=20, downloaded=40)
    """

    calls: int = 0
    uploaded: int = 0
    downloaded: int = 0

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(
            self.calls - earlier.calls,
            self.uploaded - earlier.uploaded,
            self.downloaded - earlier.downloaded,
        )


class Meter:
    """The running counts behind `Traffic`, bytes safe to add from several threads.

    Whoever calls adds to `calls`, holding what lets one call at a time run.
    """

    __slots__ = ("_downloaded", "_lock", "_uploaded", "calls")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = self._uploaded = self._downloaded = 0

    def add(self, uploaded: int = 0, downloaded: int = 0) -> None:
        """Add to the bytes."""
        with self._lock:
            self._uploaded += uploaded
            self._downloaded += downloaded

    def read(self) -> Traffic:
        """The counts now."""
        with self._lock:
            return Traffic(self.calls, self._uploaded, self._downloaded)
