"""One IREE VM context: where compiled functions run, one call at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iree.runtime import VmContext, VmFunction, VmModule, VmVariantList

from . import buffers
from .awake import Awake, pool_beside
from .constants import providing
from .devices import Device, instance, plain_text
from .errors import Error, did_you_mean
from .patience import Patience
from .state import State
from .timeline import Timeline
from .traffic import Meter

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from iree.runtime import HalBuffer

    from .artifact import Artifact

    Runner: TypeAlias = Callable[[VmFunction, VmVariantList, VmVariantList], None]

FAILURES = (RuntimeError, ValueError, SystemError, IndexError)
"""What IREE's bindings raise where a function fails."""


class Context:
    """A module loaded on a device, with the state its functions share.

    What `runner` gives releases the interpreter while the device works. IREE's contexts must not
    run two calls at once; callers hold `state.lock` around it, and tell of its `FAILURES` by
    `failure`.
    """

    def __init__(self, artifact: Artifact, device: Device, module: VmModule) -> None:
        self.artifact = artifact
        self.device = device
        self.module = module
        self.meter = Meter()
        self.state = State(artifact.manifest, device, self.meter)
        self._scratch: HalBuffer | None = None
        device.check()
        try:
            self._vm = self._on(device)
        except FAILURES as problem:
            text = plain_text(problem)
            raise Error(
                "S0508" if "INCOMPATIBLE" in text else "S0516",
                f"{artifact.origin} cannot be loaded on '{device.name}'",
                notes=[text],
            ) from None
        self._timeline: Timeline | None = None
        self._awake: Timeline | None = None

    def function(self, symbol: str) -> VmFunction:
        """The exported function of that name; raises Error S0504 if the module has none."""
        found = self.module.lookup_function(symbol)
        if found is None:
            exported = [name for name in self.module.function_names if name != "__init"]
            raise Error(
                "S0504",
                f"the manifest names the function '{symbol}', which the module does not export",
                notes=[f"exported: {', '.join(exported)}"],
                hint=did_you_mean(symbol, exported),
            )
        return found

    def runner(self, function: VmFunction) -> Runner:
        """What runs a function to its end, given lists of its arguments and for its results."""
        if function.reflection.get("iree.abi.model") == "coarse-fences":
            if self._timeline is None:
                self._timeline = Timeline(self.device, self._vm)
            if self.device.has_workers:
                return Awake(self._timeline, self._timeline_awake).run
            return self._timeline.run
        return self._patiently if self.device.has_workers else self._vm.invoke

    def _timeline_awake(self) -> Timeline | None:
        """That of the module on workers that stay awake, if there are any; made on first use."""
        pool = pool_beside(self.device)
        if self._awake is None and pool is not None:
            self._awake = Timeline(pool, self._on(pool))
        return self._awake

    def _on(self, device: Device) -> VmContext:
        """What runs the module's functions on a device."""
        constants = providing(self.artifact.constants)
        return VmContext(instance(), modules=[device.hal, *constants, self.module])

    def scratch(self, size: int) -> HalBuffer:
        """At least `size` bytes for intermediate values, the same from call to call.

        Its content is worth nothing between calls; hold `state.lock`.
        """
        if self._scratch is None or self._scratch.byte_length() < size:
            self._scratch = None
            self._scratch = buffers.allocate(self.device, size)
        return self._scratch

    def _patiently(
        self, function: VmFunction, arguments: VmVariantList, results: VmVariantList
    ) -> None:
        with Patience():
            self._vm.invoke(function, arguments, results)


def failure(function: VmFunction, problem: Exception) -> Error:
    """The error for what IREE raised while a function ran, one of `FAILURES`."""
    return Error("S0516", f"'{function.name}' failed on the device", notes=[plain_text(problem)])
