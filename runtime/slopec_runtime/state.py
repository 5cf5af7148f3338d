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
    from iree.runtime import VmRef

    from .devices import Device
    from .manifest import Manifest, Slot
    from .traffic import Meter


class State(MutableMapping[str, Array]):
    """A mapping from slot names to arrays: reading one gives its value now, assigning replaces it.

    It holds the slots that have a value. Values are snapshots: a later call does not change an
    array that was read before. Assign NumPy arrays, device arrays, numbers or lists; they are
    checked like inputs (Error S0511, S0512), unknown names raise Error S0514.

    `held` are IREE's handles, `spares` the memory where slots that take turns were a call before,
    and `lost` the entry in whose failed call a slot was lost; all belong to whoever holds `lock`.
    """

    def __init__(self, manifest: Manifest, device: Device, meter: Meter) -> None:
        self._slots: Mapping[str, Slot] = manifest.state
        self._manifest = manifest
        self._device = device
        self._meter = meter
        self.lock = Lock()
        self.held: dict[str, VmRef] = {}
        self.spares: dict[str, VmRef] = {}
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
        handle = buffers.upload_bytes(self._device, content, slot.shape, numpy_dtype(slot.dtype))
        self._meter.add(uploaded=content.nbytes)
        with self.lock:
            self.held[name] = handle

    def copy_from(self, other: State) -> None:
        """Take over the values of another state of the same program."""
        with other.lock, self.lock:
            self.held = {name: self.own(name, handle) for name, handle in other.held.items()}

    def own(self, name: str, handle: VmRef) -> VmRef:
        """A handle whose content stays: later calls write to the memory of a donated slot."""
        return buffers.duplicate(self._device, handle) if name in self.donated else handle

    def spare(self, name: str) -> VmRef:
        """Memory for the next value of a slot, which nobody else has; the caller holds `lock`."""
        spare = self.spares.pop(name, None)
        if spare is None:
            slot = self._slots[name]
            spare = buffers.empty(self._device, slot.shape, numpy_dtype(slot.dtype))
        return spare

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
            handle = self.held.get(name)
            if handle is None:
                raise self.missing(name)
            handle = self.own(name, handle)
        slot = self._slots[name]
        return Array(
            self._device,
            slot.shape,
            numpy_dtype(slot.dtype),
            handle=handle,
            meter=self._meter,
            shared=True,
        )

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._slots:
            raise self.missing(name)
        slot = self._slots[name]
        found = operand(value, Expected(f"state slot '{name}'", name, slot.shape, slot.dtype))
        if isinstance(found, Array) and found.device is self._device:
            handle = self.own(name, found.handle() if name in self.donated else found.share())
        else:
            host = found.numpy() if isinstance(found, Array) else found
            handle = buffers.upload(self._device, host)
            self._meter.add(uploaded=host.nbytes)
        with self.lock:
            self.held[name] = handle
            self.lost.pop(name, None)

    def __delitem__(self, name: str) -> None:
        raise Error("S0514", "state slots cannot be deleted, only assigned")

    def __contains__(self, name: object) -> bool:
        return name in self.held

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._slots if name in self.held])

    def __len__(self) -> int:
        return len(self.held)

    def __repr__(self) -> str:
        lines = [
            f"  {name}: {slot.dtype}{list(slot.shape)}{'' if name in self.held else ' (no value)'}"
            for name, slot in self._slots.items()
        ]
        return "\n".join(["State:", *lines]) if lines else "State: none"
