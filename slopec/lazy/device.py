"""Where recorded work is done: "cpu", "cuda", "cuda:1" … are compiled for, "reference" is NumPy.

A tensor made or computed in a `with device(name):` block belongs there. Elsewhere an op runs where
its operands are, and without any such choice on the host, by whichever means is quicker.
"""

from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

import numpy as np

from slopec import tracing
from slopec.diagnostics import UsageError, did_you_mean

if TYPE_CHECKING:
    from slopec.lazy.graph import Value

REFERENCE = "reference"
GPUS = ("cuda", "metal")

_chosen: ContextVar[str | None] = ContextVar("slopec_device", default=None)
_default: list[str | None] = [None]


class device(ContextDecorator):  # noqa: N801, used as a function is
    """Make and compute tensors on `name` in a `with` block or a decorated function.

    "cpu" compiles for the host whatever the size, "reference" evaluates with NumPy, "cuda" and
    other names of the runtime's devices compile for them.

    Raises UsageError (S0140) for a name that is no device, or one that cannot be used here.

    >>> import slopec as sp
    >>> with sp.device("reference"):
    ...     x = sp.ones(2) * 3.0
    >>> print(x + 1.0)
    tensor([4. 4.], float32[2], reference)
    """

    def __init__(self, name: str) -> None:
        """Check that the device can be used."""
        self.name = checked(name)
        self._tokens: list[Token[str | None]] = []

    def _recreate_cm(self) -> "device":
        made = object.__new__(device)
        made.name, made._tokens = self.name, []
        return made

    def __enter__(self) -> "device":
        """Choose the device."""
        self._tokens.append(_chosen.set(self.name))
        return self

    def __exit__(self, *raised: object) -> None:
        """Choose again what was chosen before."""
        _chosen.reset(self._tokens.pop())


def set_default_device(name: str | None) -> None:
    """Make and compute tensors on `name` wherever nothing else is said; None undoes that.

    Raises UsageError (S0140) for a name that is no device, or one that cannot be used here.

    >>> import slopec as sp
    >>> sp.set_default_device("reference")
    >>> sp.ones(2).device
    'reference'
    >>> sp.set_default_device(None)
    """
    _default[0] = None if name is None else checked(name)


def chosen() -> str | None:
    """The device of the innermost block, else the default one."""
    return _chosen.get() or _default[0]


def checked(name: Any) -> str:
    """`name`, if it is a device that can be used here."""
    from slopec_runtime.errors import Error

    if name in ("cpu", REFERENCE):
        return str(name)
    known = ["cpu", *GPUS, REFERENCE]
    if not isinstance(name, str) or name.partition(":")[0] not in known:
        raise UsageError(
            "S0140",
            f"there is no device {name!r}",
            span=tracing.here(),
            notes=(f"the devices are {', '.join(known)}, with a number as in `cuda:1`",),
            hint=did_you_mean(str(name), known),
        )
    try:
        opened(name)
    except Error as error:
        raise UsageError(
            "S0140", error.message, span=tracing.here(), notes=error.notes, hint=error.hint
        ) from None
    return name


def usable(name: str) -> bool:
    """Whether a device can be used here."""
    try:
        checked(name)
    except UsageError:
        return False
    return True


def opened(name: str) -> Any:
    """The runtime's device of that name."""
    from slopec_runtime.devices import open_device

    return open_device(name)


def joined(values: Sequence["Value"]) -> str | None:
    """The device on which an op on these operands runs; None where nobody chose one.

    Raises UsageError (S0140) for operands on two devices, outside of a block that chooses one.
    """
    inside = _chosen.get()
    if inside is not None:
        return inside
    found = _default[0]
    placed = False
    for value in values:
        if value.device is not None:
            if placed and value.device != found:
                raise UsageError(
                    "S0140",
                    f"the operands are on two devices, {found} and {value.device}",
                    span=tracing.here(),
                    hint="move one of them with `.to(device)`, or choose in a `with sp.device(…):`",
                )
            found, placed = value.device, True
    return found


def place(data: Any, name: str) -> Any:
    """The elements of an array on a device; host arrays stay as they are for host devices."""
    from slopec_runtime.arrays import Array

    if name in ("cpu", REFERENCE):
        return np.asarray(data) if name == REFERENCE or not _is_host(data) else data
    target = opened(name)
    if isinstance(data, Array) and data.device is target:
        return data
    moved = Array.of(target, np.asarray(data))
    moved.handle()
    return moved


def put(value: "Value", name: str) -> None:
    """Move the known data of a value to a device, where ops on it will run from now on."""
    value.data = place(value.data, name)
    value.device = name


def of_data(data: Any) -> str:
    """What the device of a value that nobody placed is called."""
    if data is None or _is_host(data):
        return "cpu"
    return str(data.device.name).replace("://", ":")


def _is_host(data: Any) -> bool:
    return isinstance(data, np.ndarray) or bool(data.device.is_host)
