"""Load and run slopec artifacts; nothing here knows of the compiler.

>>> import slopec_runtime
>>> callable(slopec_runtime.load)
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arrays import Array as Array
    from .entry import Entry as Entry
    from .errors import Error as Error
    from .manifest import Manifest as Manifest
    from .program import Program as Program
    from .program import load as load
    from .state import State as State
    from .traffic import Traffic as Traffic

__version__ = "0.1.0"

# Loaded on first use: importing the package costs next to nothing, `load` brings in IREE.
_HOMES = {
    "load": "program",
    "Program": "program",
    "Entry": "entry",
    "State": "state",
    "Array": "arrays",
    "Traffic": "traffic",
    "Manifest": "manifest",
    "Error": "errors",
}

__all__ = ["Array", "Entry", "Error", "Manifest", "Program", "State", "Traffic", "load"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .signals import uninterrupted

    with uninterrupted():
        found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
