"""Whether this processor has the instructions an artifact was compiled for.

IREE's modules do not check: on a processor that lacks an instruction the process dies with
SIGILL. So the loader asks the operating system first and refuses with an error.
"""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .manifest import Target

# LLVM's feature name on the left; the spellings of Linux's /proc/cpuinfo and macOS's sysctl on
# the right, after `_plain`. Features that are not here (tuning hints, privileged instructions)
# are never selected by a compiler on its own and are not checked.
_X86 = {
    "sse3": ("pni", "sse3"),
    "ssse3": ("ssse3",),
    "sse4.1": ("sse41",),
    "sse4.2": ("sse42",),
    "popcnt": ("popcnt",),
    "cx16": ("cx16",),
    "movbe": ("movbe",),
    "aes": ("aes",),
    "pclmul": ("pclmulqdq",),
    "avx": ("avx", "avx10"),
    "avx2": ("avx2",),
    "f16c": ("f16c",),
    "fma": ("fma",),
    "bmi": ("bmi1",),
    "bmi2": ("bmi2",),
    "lzcnt": ("abm", "lzcnt"),
    "gfni": ("gfni",),
    "vaes": ("vaes",),
    "vpclmulqdq": ("vpclmulqdq",),
    "avxvnni": ("avxvnni",),
    "avxvnniint8": ("avxvnniint8",),
    "avxifma": ("avxifma",),
    "avx512f": ("avx512f",),
    "avx512cd": ("avx512cd",),
    "avx512dq": ("avx512dq",),
    "avx512bw": ("avx512bw",),
    "avx512vl": ("avx512vl",),
    "avx512ifma": ("avx512ifma",),
    "avx512vbmi": ("avx512vbmi",),
    "avx512vbmi2": ("avx512vbmi2",),
    "avx512vnni": ("avx512vnni",),
    "avx512bitalg": ("avx512bitalg",),
    "avx512vpopcntdq": ("avx512vpopcntdq",),
    "avx512bf16": ("avx512bf16",),
    "avx512fp16": ("avx512fp16",),
    "amx-tile": ("amxtile",),
    "amx-int8": ("amxint8",),
    "amx-bf16": ("amxbf16",),
}
_ARM = {
    "neon": ("asimd", "advsimd", "neon"),
    "fp-armv8": ("fp", "floatingpoint"),
    "lse": ("atomics", "featlse", "armv81atomics"),
    "rdm": ("asimdrdm", "featrdm"),
    "fullfp16": ("asimdhp", "featfp16", "neonfp16"),
    "fp16fml": ("asimdfhm", "featfhm"),
    "dotprod": ("asimddp", "featdotprod"),
    "i8mm": ("i8mm", "feati8mm"),
    "bf16": ("bf16", "featbf16"),
    "sve": ("sve",),
    "sve2": ("sve2",),
    "sme": ("sme", "featsme"),
    "sme2": ("sme2", "featsme2"),
}
_TABLES = {"x86_64": _X86, "aarch64": _ARM}
_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"}


def architecture(name: str | None = None) -> str:
    """The architecture under LLVM's name ("x86_64", "aarch64"), of this machine by default.

    >>> architecture("arm64")
    'aarch64'
    """
    machine = (platform.machine() if name is None else name).lower()
    return _ALIASES.get(machine, machine)


@cache
def host_flags() -> frozenset[str] | None:
    """The processor's features as the operating system spells them, letters and digits only.

    None where the operating system does not say.
    """
    system = platform.system()
    if system == "Linux":
        return linux_flags(Path("/proc/cpuinfo"))
    if system == "Darwin":
        listing = _sysctl()
        return None if listing is None else darwin_flags(listing)
    return None


def missing_features(features: Iterable[str], flags: frozenset[str], arch: str) -> list[str]:
    """Those of `features`, by LLVM's names, that `flags` does not show.

    Disabled ones ("-avx") are not asked for.

    >>> missing_features(["+avx2", "avx512f", "-sse4a"], frozenset({"avx2"}), "x86_64")
    ['avx512f']
    """
    table = _TABLES.get(arch, {})
    wanted = [name.removeprefix("+") for name in features if not name.startswith("-")]
    return [name for name in wanted if name in table and flags.isdisjoint(table[name])]


def check_host(target: Target, origin: str) -> None:
    """Raise Error S0506 if this processor cannot run code compiled for `target`."""
    host = architecture()
    if target.arch and architecture(target.arch) != host:
        raise Error(
            "S0506",
            f"{origin} was compiled for {target.arch}, this machine is {host}",
            hint="compile it for this machine",
        )
    flags = host_flags()
    missing = [] if flags is None else missing_features(target.features, flags, host)
    if missing:
        raise Error(
            "S0506",
            f"{origin} needs processor features that this machine lacks: {', '.join(missing)}",
            notes=[f"it was compiled for the processor '{target.cpu}'"] if target.cpu else [],
            hint="compile it for this machine, or for a portable processor",
        )


def linux_flags(path: Path) -> frozenset[str] | None:
    """The features that a file like /proc/cpuinfo gives every core, None if it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    found = [line.partition(":") for line in lines if line.startswith(("flags", "Features"))]
    # Cores may differ; code may run on any of them.
    cores = [frozenset(map(_plain, value.split())) for _, _, value in found]
    return frozenset.intersection(*cores) if cores else None


def darwin_flags(listing: str) -> frozenset[str]:
    """The features in the output of macOS's `sysctl hw.optional machdep.cpu`.

    >>> sorted(darwin_flags("hw.optional.arm.FEAT_BF16: 1\\nhw.optional.arm.FEAT_SME: 0"))
    ['featbf16']
    """
    flags: set[str] = set()
    for line in listing.splitlines():
        key, _, value = line.partition(":")
        if key.startswith("hw.optional") and value.strip() == "1":
            flags.add(_plain(key.rpartition(".")[2]))
        if key.startswith("machdep.cpu") and key.endswith("features"):
            flags.update(map(_plain, value.split()))
    return frozenset(flags)


def _sysctl() -> str | None:
    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "-i", "hw.optional", "machdep.cpu"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _plain(name: str) -> str:
    """A feature name without case and punctuation: sse4_1, SSE4.1 and sse4.1 are one.

    >>> _plain("AVX512_VNNI")
    'avx512vnni'
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())
