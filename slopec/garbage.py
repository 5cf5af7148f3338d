"""Python looks for rings of garbage later, while passes make and drop objects by the million.

Views of ops and values are gone as soon as nothing refers to them. Looking for others goes through
all that is alive, every module of Python's among it: a twentieth of what passes take.
"""

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_waiting = 0
"""How many there are, in whatever threads, for whom it is put off."""


@contextmanager
def later() -> Iterator[None]:
    """Put the search off while the context lasts, also as a decorator, unless it is off anyway.

    >>> with later():
    ...     print(gc.isenabled())
    False
    >>> gc.isenabled()
    True
    """
    counted = _put_off()
    try:
        yield
    finally:
        if counted:
            _go_on()


def _put_off() -> bool:
    global _waiting
    with _lock:
        if not _waiting and not gc.isenabled():
            return False  # whoever switched it off may switch it on
        gc.disable()
        _waiting += 1
        return True


def _go_on() -> None:
    global _waiting
    with _lock:
        _waiting -= 1
        if not _waiting:
            gc.enable()


def _begin_anew() -> None:
    """In a fork of the process, which has none of its other threads."""
    global _lock, _waiting
    _lock = threading.Lock()
    if _waiting:
        _waiting = 0
        gc.enable()


os.register_at_fork(after_in_child=_begin_anew)
