"""Devices by name: one IREE instance for the process, one handle per device, errors that say why.

Names are "cpu", "cuda", "cuda:1", "metal", any IREE driver ("local-sync", "vulkan") and IREE
device URIs ("cuda://0"). "cpu" means IREE's `local-task` (a pool of threads) or `local-sync` (the
calling thread); which of them pays depends on the program.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import sys
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .errors import Error, did_you_mean
from .manifest import Cost, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iree.runtime import HalDevice, HalDriver, VmInstance, VmModule

HOST_DRIVERS = ("local-task", "local-sync")

# Handing work to the thread pool costs some 30 to 150 µs a call; a single thread does this much
# work in that time, so smaller programs finish sooner without the pool (measured: a 192³ matmul
# and a 10⁶-element addition break even on 4 cores).
SMALL = Cost(flops=1.5e7, bytes=1e7)

POOL = 256 << 20
"""Bytes of freed buffers that are kept for the next call, on each of the host's devices."""

_open_lock = threading.Lock()
_open_devices: dict[str, Device] = {}


@dataclass(eq=False)
class Device:
    """An open device: `name` as IREE addresses it, IREE's handle and its HAL module.

    `is_host` tells that it computes on the processor, in host memory; `dlpack` is the type and
    number by which DLPack names its memory; `is_orphaned` that its threads stayed behind in the
    process that opened it.
    """

    name: str
    handle: HalDevice
    hal: VmModule
    is_host: bool
    dlpack: tuple[int, int]
    is_orphaned: bool = False

    @property
    def has_workers(self) -> bool:
        """Whether threads of this process compute for the one that calls."""
        return self.is_host and self.name != "local-sync"

    def check(self) -> None:
        """Raise Error S0507 in a forked process, where waiting for the device would never end."""
        if self.is_orphaned:
            raise Error(
                "S0507",
                f"the device '{self.name}' was opened before this process was forked",
                notes=["its threads and connections do not live on in the child"],
                hint="load programs in the child only, start processes by 'spawn', or use "
                "'local-sync', which has no threads",
            )


@cache
def instance() -> VmInstance:
    """The process's one VmInstance; several would race on IREE's type registry."""
    from iree.runtime import VmInstance

    return VmInstance()


def open_device(name: str) -> Device:
    """The device of that name, opened on first use and shared from then on.

    Raises Error S0507 for an unknown name, a driver that is not installed or a missing device.
    """
    address = _address(name)
    with _open_lock:
        if address not in _open_devices:
            _open_devices[address] = _open(address)
        device = _open_devices[address]
    device.check()
    return device


def _orphan() -> None:
    """In a child after a fork: no opened device works there but the one without threads.

    Closing any of them would wait for threads that stayed behind, so that the child would never
    exit: they are never freed, of which IREE's bindings tell at the child's exit.
    """
    for device in _open_devices.values():
        device.is_orphaned = device.name != "local-sync"
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(device.handle))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_orphan)


def _hand_over() -> None:
    """Before the interpreter ends, give the devices to `sys`, which Python empties behind all else.

    They have to outlive what lies on them, and yet to be freed, or IREE's bindings print a page
    about leaks; but a module that something keeps alive (`torch.export` does so to all) is not
    emptied at all.
    """
    if not _open_devices:
        return
    vars(sys)["_devices_of_slopec"] = (instance(), *_open_devices.values())
    _open_devices.clear()
    instance.cache_clear()


atexit.register(_hand_over)


def choose(requested: str | None, target: Target, cost: Cost | None, origin: str) -> str:
    """The device name to load an artifact on: what was asked for, or what fits it best.

    Raises Error S0508 if the artifact was not compiled for the device that was asked for.
    """
    drivers = target.drivers
    if requested is None or requested == "cpu":
        hosts = [driver for driver in HOST_DRIVERS if driver in drivers]
        if hosts:
            return "local-sync" if "local-sync" in hosts and is_small(cost) else hosts[0]
        if requested is None:
            return drivers[0]
    driver = "cpu" if requested == "cpu" else _driver(_address(str(requested)))
    if driver not in drivers:
        raise Error(
            "S0508",
            f"{origin} was compiled for {target.name}, it cannot run on '{requested}'",
            notes=[f"it runs on the drivers {', '.join(drivers)}"],
            hint="load it without naming a device, or compile it for the one that you have",
        )
    return str(requested)


def is_small(cost: Cost | None) -> bool:
    """Whether a program is computed sooner by the calling thread alone."""
    return cost is not None and cost.flops <= SMALL.flops and cost.bytes <= SMALL.bytes


def _address(name: str) -> str:
    """The one spelling under which a device is opened: "driver" or "driver://path"."""
    if name == "cpu":
        return HOST_DRIVERS[0]
    numbered = re.fullmatch(r"([a-z-]+)(?::|://)(\d+)", name)
    if numbered is None:
        return name
    driver, number = numbered[1], int(numbered[2])
    return driver if number == 0 else f"{driver}://{number}"


def _driver(address: str) -> str:
    return address.partition("://")[0]


def _open(address: str) -> Device:
    from iree.runtime import HalDriver, create_hal_module, get_driver

    driver_name = _driver(address)
    known = HalDriver.query()
    if driver_name not in known:
        raise _unknown(driver_name, list(known))
    if driver_name == "local-task":
        _set_workers()
    try:
        driver = get_driver(driver_name)
        handle = _create(driver, driver_name, address)
        hal = create_hal_module(instance(), handle)
    except (RuntimeError, ValueError) as problem:
        raise Error(
            "S0507",
            f"the device '{address}' cannot be opened",
            notes=[plain_text(problem)],
            hint=_ADVICE.get(driver_name),
        ) from None
    number = re.search(r"://(\d+)$", address)
    dlpack = (_DLPACK.get(driver_name, 1), int(number[1]) if number else 0)
    return Device(address, handle, hal, driver_name in HOST_DRIVERS, dlpack)


_DLPACK = {"cuda": 2, "vulkan": 7, "metal": 8, "hip": 10}

_ADVICE = {
    "cuda": "install NVIDIA's driver (libcuda), or run on the device 'cpu'",
    "hip": "install AMD's ROCm runtime, or run on the device 'cpu'",
    "vulkan": "install a Vulkan loader and driver, or run on the device 'cpu'",
}


def _create(driver: HalDriver, name: str, address: str) -> HalDevice:
    _, _, path = address.partition("://")
    if name in HOST_DRIVERS:
        return driver.create_device_by_uri(address, [_host_allocator()])
    if path and not path.isdigit():
        return driver.create_device_by_uri(address)
    number, found = int(path or 0), driver.query_available_devices()
    if number >= len(found):
        raise Error(
            "S0507",
            f"there is no device '{name}:{number}'; the driver found {len(found)}",
            notes=[f"{name}:{position} is {info['name']}" for position, info in enumerate(found)],
        )
    return driver.create_device(found[number])


def _set_workers() -> None:
    """Size the pool of threads as the environment says, before the first device is made.

    `SLOPEC_THREADS` is their number, `SLOPEC_CPUS` the processors that get one each ("0,2,4"); by
    default every core has one. Raises Error S0507 for anything else.
    """
    from iree.runtime import flags

    for variable, flag in WORKERS.items():
        text = os.environ.get(variable, "").replace(" ", "")
        if not text:
            continue
        several = variable == "SLOPEC_CPUS"
        if not re.fullmatch(r"\d+(,\d+)*" if several else r"[1-9]\d*", text):
            raise Error(
                "S0507",
                f"{variable} is `{text}`, which is no {'list' if several else 'number'} of "
                f"{'processors' if several else 'threads'}",
                hint=f"for example {variable}={'0,2' if several else '4'}",
            )
        flags.parse_flags(f"{flag}={text}")


WORKERS = {
    "SLOPEC_THREADS": "--task_topology_group_count",
    "SLOPEC_CPUS": "--task_topology_cpu_ids",
}
"""What the environment can say of the pool of threads, and IREE's flags for it."""


def open_awake(cores: Sequence[int]) -> Device:
    """A second pool of threads, one on each of some cores, which look for work before they sleep.

    It shares memory with the first one: what either makes, both may read and write.
    """
    from iree.runtime import create_hal_module, flags
    from iree.runtime._binding import create_hal_driver

    with _open_lock:
        if _AWAKE not in _open_devices:
            places = ",".join(map(str, cores))
            # Read when a driver is made, which for the first pool has been.
            flags.parse_flags(f"--task_topology_cpu_ids={places}", f"--task_worker_spin_us={_SPIN}")
            try:
                driver = create_hal_driver(HOST_DRIVERS[0])
                handle = _create(driver, HOST_DRIVERS[0], HOST_DRIVERS[0])
            finally:
                flags.parse_flags("--task_worker_spin_us=0")
            hal = create_hal_module(instance(), handle)
            _open_devices[_AWAKE] = Device(HOST_DRIVERS[0], handle, hal, True, (1, 0))
        return _open_devices[_AWAKE]


_AWAKE = "local-task, awake"  # which is no address
_SPIN = 60  # microseconds, in which a caller begins with its next call, if not always within 25


def _host_allocator() -> str:
    """IREE's pool of freed buffers: 64 at most, and no more bytes than `POOL`.

    The system takes large blocks back when they are freed, and clears them page by page when they
    are asked for again.
    """
    return f"caching:*=*;{POOL};64"


def _unknown(name: str, known: list[str]) -> Error:
    if name == "metal":
        return Error(
            "S0507",
            "the installed IREE runtime has no Metal driver",
            hint="Metal is available on macOS; elsewhere compile for llvm-cpu and load on 'cpu'",
        )
    names = ["cpu", *known]
    return Error(
        "S0507",
        f"there is no device '{name}'",
        notes=[f"known here: {', '.join(sorted(names))}"],
        hint=did_you_mean(name, names),
    )


def plain_text(problem: Exception) -> str:
    """IREE's message without the C source positions that precede each part of it.

    >>> plain_text(RuntimeError("Error: c/runtime/src/iree/x.c:66: UNAVAILABLE; no libcuda"))
    'Error: UNAVAILABLE; no libcuda'
    """
    text = re.sub(r"\S+\.(?:c|cc|h):\d+: ", "", str(problem))
    return re.sub(r"\s+", " ", text).strip()
