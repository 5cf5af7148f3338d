"""State: the arrays a program keeps on the device between calls, by the name of their slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from . import buffers
from .arrays import Array
from .dtypes import numpy_dtype
from .errors import Error, MissingSlotError, did_you_mean
from .operands import Expected, operand

if TYPE_CHECKING:
    from iree.runtime import HalBufferView

    from .devices import Device
    from .manifest import Manifest, Slot
    from .traffic import Meter


class State(MutableMapping[str, Array]):
    """A mapping from slot names to arrays: reading one gives its value now, assigning replaces it.

    It holds the slots that have a value. Values are snapshots: a later call does not change an
    array that was read before. Assign NumPy arrays, device arrays, numbers or lists; they are
    checked like inputs (Error S0511, S0512), unknown names raise Error S0514.

    `views` are IREE's handles and `lost` the entry in whose failed call a slot was lost; both
    belong to whoever holds `lock`.
    """

    def __init__(self, manifest: Manifest, device: Device, meter: Meter) -> None:
        self._slots: Mapping[str, Slot] = manifest.state
        self._manifest = manifest
        self._device = device
        self._meter = meter
        self.lock = Lock()
        self.views: dict[str, HalBufferView] = {}
        self.lost: dict[str, str] = {}
        self.donated = frozenset(
            array.slot
            for entry in manifest.entries.values()
            for array in entry.inputs
            if array.slot is not None and array.donated
        )

    def load(self, name: str, content: memoryview) -> None:
        """Give a slot the value of raw little-endian bytes."""
        slot = self._slots[name]
        view = buffers.upload_bytes(self._device, content, slot.shape, numpy_dtype(slot.dtype))
        self._meter.add(uploaded=content.nbytes)
        with self.lock:
            self.views[name] = view

    def copy_from(self, other: State) -> None:
        """Take over the values of another state of the same program."""
        with other.lock, self.lock:
            self.views = {name: self.own(name, view) for name, view in other.views.items()}

    def own(self, name: str, view: HalBufferView) -> HalBufferView:
        """A handle whose content stays: later calls write to the memory of a donated slot."""
        return buffers.duplicate(self._device, view) if name in self.donated else view

    def missing(self, name: str) -> MissingSlotError:
        """The error for a slot that has no value; the caller holds `lock`."""
        if name not in self._slots:
            return MissingSlotError(
                "S0514",
                f"there is no state slot '{name}'",
                notes=[f"slots: {', '.join(self._slots) or 'none'}"],
                hint=did_you_mean(name, self._slots),
            )
        if name in self.lost:
            return MissingSlotError(
                "S0514",
                f"the state slot '{name}' was lost when {self.lost[name]}() failed",
                hint=f"assign it again: program.state['{name}'] = …",
            )
        setters = [
            entry
            for entry, facts in self._manifest.entries.items()
            if any(output.slot == name for output in facts.outputs)
            and not any(array.slot == name for array in facts.inputs)
        ]
        return MissingSlotError(
            "S0514",
            f"the state slot '{name}' has no value yet",
            hint=" or ".join(
                [f"call {entry}()" for entry in setters] + [f"assign program.state['{name}']"]
            ),
        )

    def __getitem__(self, name: str) -> Array:
        with self.lock:
            view = self.views.get(name)
            if view is None:
                raise self.missing(name)
            view = self.own(name, view)
        slot = self._slots[name]
        return Array(
            self._device,
            slot.shape,
            numpy_dtype(slot.dtype),
            view=view,
            meter=self._meter,
            shared=True,
        )

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._slots:
            raise self.missing(name)
        slot = self._slots[name]
        found = operand(value, Expected(f"state slot '{name}'", name, slot.shape, slot.dtype))
        if isinstance(found, Array) and found.device is self._device:
            view = self.own(name, found.view() if name in self.donated else found.share())
        else:
            host = found.numpy() if isinstance(found, Array) else found
            view = buffers.upload(self._device, host)
            self._meter.add(uploaded=host.nbytes)
        with self.lock:
            self.views[name] = view
            self.lost.pop(name, None)

    def __delitem__(self, name: str) -> None:
        raise Error("S0514", "state slots cannot be deleted, only assigned")

    def __contains__(self, name: object) -> bool:
        return name in self.views

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._slots if name in self.views])

    def __len__(self) -> int:
        return len(self.views)

    def __repr__(self) -> str:
        lines = [
            f"  {name}: {slot.dtype}{list(slot.shape)}{'' if name in self.views else ' (no value)'}"
            for name, slot in self._slots.items()
        ]
        return "\n".join(["State:", *lines]) if lines else "State: none"
