"""`load` turns an artifact into a `Program`: entries to call, state on the device, no compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from iree.runtime import VmModule
from iree.runtime.version import VERSION

from .arrays import Array
from .artifact import Artifact, Bytes, read
from .context import FAILURES, Context
from .devices import HOST_DRIVERS, choose, instance, open_device, plain_text
from .entry import Entry
from .errors import Error, MissingEntryError, did_you_mean
from .hostcpu import check_host

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from .manifest import Manifest
    from .state import State
    from .traffic import Traffic


class Program:
    """A loaded artifact.

    Call it directly if it has one entry, else name the entry: ``program.predict(image=x)`` or
    ``program["predict"](x)``. `entries` maps names to entries, `state` maps state slots to arrays,
    `manifest` tells everything the compiler recorded.

    Threads: a program runs one call at a time, whatever the entry; calls from several threads
    wait for each other, though other Python code runs meanwhile. For calls side by side give each
    worker its own `clone()`.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.manifest: Manifest = context.artifact.manifest
        self.state: State = context.state
        self.entries: Mapping[str, Entry] = {
            name: Entry(name, facts, context) for name, facts in self.manifest.entries.items()
        }

    @property
    def device(self) -> str:
        """The device it runs on, by the name IREE gives it ("local-sync", "cuda", …)."""
        return self._context.device.name

    @property
    def stats(self) -> Traffic:
        """Calls made and bytes moved between host and device so far, initial state included.

        Subtract an earlier reading to see the traffic of a step.
        """
        return self._context.meter.read()

    def put(self, value: ArrayLike) -> Array:
        """`value` as an array on the program's device, to pass to several calls.

        It goes there on first use. The dtype is NumPy's for `value`. Raises Error S0512 if no
        device has it.
        """
        return Array.of(self._context.device, np.asarray(value), self._context.meter)

    def clone(self) -> Program:
        """Another program of the same module with a copy of the state as it is now.

        The compiled code is shared, the state is not; both may run at the same time.
        """
        context = Context(self._context.artifact, self._context.device, self._context.module)
        context.state.copy_from(self.state)
        return Program(context)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the only entry; raises Error S0509 if there are several."""
        if len(self.entries) != 1:
            raise Error(
                "S0509",
                f"'{self.manifest.name}' has {len(self.entries)} entries; name the one to call",
                notes=[entry.signature for entry in self.entries.values()],
            )
        (entry,) = self.entries.values()
        return entry(*args, **kwargs)

    def __getitem__(self, name: str) -> Entry:
        entry = self.entries.get(name)
        if entry is None:
            raise MissingEntryError(
                "S0509",
                f"'{self.manifest.name}' has no entry '{name}'",
                notes=[f"entries: {', '.join(self.entries) or 'none'}"],
                hint=did_you_mean(name, self.entries),
            )
        return entry

    def __getattr__(self, name: str) -> Entry:
        # Only called for what is no attribute; private names are asked for by copy and pickle.
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.entries]

    def __repr__(self) -> str:
        lines = [f"Program '{self.manifest.name}' on {self.device}"]
        lines += [f"  {entry.signature}" for entry in self.entries.values()]
        if self.manifest.state:
            lines.append(f"  state: {len(self.manifest.state)} slots")
        return "\n".join(lines)


def load(
    source: str | os.PathLike[str] | Bytes, device: str | None = None, *, verify: bool = True
) -> Program:
    """Load an artifact, from a file or from bytes, onto a device.

    `device` is "cpu", "cuda", "cuda:1", "metal" or an IREE driver or device URI; by default the
    artifact's own target decides, and small CPU programs run in the calling thread because
    handing them to a thread pool costs more than it gains. `verify` compares every byte of the
    artifact with its checksum.

    Raises Error S0501 to S0508 for files, manifests, versions, processors and devices that do not
    fit, and S0516 if IREE refuses the module.
    """
    artifact = read(source, verify=verify)
    _check_version(artifact)
    target = artifact.manifest.target
    name = choose(device, target, artifact.manifest.cost, artifact.origin)
    if name in HOST_DRIVERS:
        check_host(target, artifact.origin)
    opened = open_device(name)
    context = Context(artifact, opened, _module(artifact))
    for slot, facts in artifact.manifest.state.items():
        content = artifact.state(slot) if facts.initial else None
        if content is not None:
            context.state.load(slot, content)
    return Program(context)


def _check_version(artifact: Artifact) -> None:
    """IREE's modules are compatible within one minor version only."""
    made = artifact.manifest.producer.iree
    if made.split(".")[:2] != VERSION.split(".")[:2]:
        raise Error(
            "S0505",
            f"{artifact.origin} was compiled with IREE {made}; the installed runtime is {VERSION}",
            hint="compile it again, or install the matching iree-base-runtime",
        )


def _module(artifact: Artifact) -> VmModule:
    # A memory map is page aligned and can be used in place; other bytes may lie anywhere.
    wrap = VmModule.wrap_buffer if artifact.is_mapped else VmModule.copy_buffer
    try:
        return wrap(instance(), artifact.module)
    except FAILURES as problem:
        raise Error(
            "S0516", f"IREE cannot read {artifact.origin}", notes=[plain_text(problem)]
        ) from None
