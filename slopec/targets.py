"""What slopec compiles for: a table of back ends and the flags that follow.

A `Target` is a row of facts.
"""

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slopec.architectures import cuda_architecture
from slopec.diagnostics import UsageError, did_you_mean
from slopec_runtime import manifest as schema
from slopec_runtime.hostcpu import architecture


@dataclass(frozen=True)
class Backend:
    """One row of the table: how IREE calls a back end and which of its drivers run the result."""

    name: str
    device: str
    drivers: tuple[str, ...]
    flags: tuple[str, ...]
    summary: str
    dtypes_missing: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    """Passes that its compiler needs besides those of every target."""
    process_flags: tuple[str, ...] = ()
    """Flags that IREE takes only once per process."""
    plugin: str = ""
    """What IREE calls the part of it that compiles for the back end, if no other needs it."""


# IREE's part for CUDA fails on sums over a constant that stands in the kernel. LLVM's makes 16-bit
# numbers of places that are no larger, and fails where it divides vectors of those by a constant.
_CUDA_PROCESS = (
    "--iree-flow-inline-constants-max-byte-length=0",
    "--opt-disable=correlated-propagation",
    "--opt-bisect-verbose=false",
)

BACKENDS = {
    row.name: row
    for row in (
        Backend(
            "llvm-cpu",
            "local",
            ("local-task", "local-sync"),
            ("--iree-hal-local-target-device-backends=llvm-cpu",),
            "native code for x86-64, AArch64 and RISC-V processors",
            passes=("separate-widened",),
        ),
        Backend(
            "cuda",
            "cuda",
            ("cuda",),
            (),
            "PTX for NVIDIA GPUs, finished by their driver",
            passes=(
                "separate-complex",
                "separate-updates",
                "separate-divisors",
                "inner-first",
                "split-folds",
                "separate-factors",
            ),
            process_flags=_CUDA_PROCESS,
            plugin="hal_target_cuda",
        ),
        Backend(
            "metal",
            "metal",
            ("metal",),
            (),
            "Metal shaders for Apple GPUs, finished on the device",
            dtypes_missing=("float64", "complex128"),
            passes=("widen-bfloat16", "separate-complex", "separate-folds{spread=true}"),
            plugin="hal_target_metal_spirv",
        ),
        Backend(
            "vmvx",
            "local",
            ("local-task", "local-sync"),
            ("--iree-hal-local-target-device-backends=vmvx",),
            "portable bytecode, slow, for any processor",
            plugin="hal_target_vmvx",
        ),
    )
}
ALIASES = {"cpu": "llvm-cpu", "metal-spirv": "metal"}
METAL_PLATFORMS = ("macos", "ios", "ios-simulator")

# IREE's default turns float64 into float32 without a word, the function signatures included.
_KEEP_FLOAT64 = "--iree-input-demote-f64-to-f32=false"
# An artifact is an archive already, with a faster checksum: 400 MB of weights take IREE a second.
_NO_ARCHIVE = "--iree-vm-emit-polyglot-zip=false"
# Many of IREE's passes begin by going through all the ops there are, which are fewer without the
# parts that compile for something else. For processors it evaluates constants, and it crashes where
# it has not loaded what the part for PyTorch loads.
_SELDOM = ("hal_target_rocm", "hal_target_vulkan_spirv")
_HANDED_OVER = ("--iree-execution-model=async-external",)
# What is shipped tells nothing of the machine that it was made on, and is the same from every one.
_WITHOUT_SOURCES = (
    "--iree-hal-executable-debug-level=0",
    "--iree-llvmcpu-debug-symbols=false",
    "--iree-vm-bytecode-module-strip-source-map",
)

# Processors of the last decade: x86-64-v3 is AVX2 and FMA (2013), every Mac with an ARM processor
# has an M1 or newer, and AArch64 and RISC-V have one baseline each.
_PORTABLE_CPUS = {"x86_64": "x86-64-v3", "aarch64": "generic", "riscv64": "generic-rv64"}

# LLVM's generic RISC-V processor only adds integers; those that run Linux have floats (rv64gc).
_INSTRUCTIONS = {
    "generic-rv64": (
        "--iree-llvmcpu-target-cpu-features=+m,+a,+f,+d,+c",
        "--iree-llvmcpu-target-abi=lp64d",
    )
}

# No instructions: the mode of the processor, and a register kept free for the platform.
_NOT_INSTRUCTIONS = frozenset({"64bit", "reserve-x18"})


@dataclass(frozen=True)
class Target:
    """What to compile for: a back end and the hardware.

    `arch` is the processor architecture ("x86_64"), the GPU generation the code is made for
    ("sm_80") or the Metal platform ("macos"). `cpu` is a processor as LLVM names it, or "host".
    `processor` and `features`, its name and its instruction set extensions, are known once the
    compiler was asked. `notes` are things the user should know. `members` are the targets of a fat
    artifact. Functions that are `handed_over` return once worker threads have their work, and tell
    of its end by a fence.
    """

    name: str
    arch: str = ""
    cpu: str = ""
    processor: str = ""
    features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    members: tuple["Target", ...] = ()
    handed_over: bool = False

    @property
    def parts(self) -> tuple["Target", ...]:
        """The targets in it: itself, or the members of a fat one."""
        return self.members or (self,)

    @property
    def drivers(self) -> tuple[str, ...]:
        """The IREE drivers that can run the artifact, the preferred one first."""
        return tuple(dict.fromkeys(d for part in self.parts for d in BACKENDS[part.name].drivers))

    @property
    def dtypes_missing(self) -> frozenset[str]:
        """The element types that the hardware does not have."""
        return frozenset(d for part in self.parts for d in BACKENDS[part.name].dtypes_missing)

    @property
    def passes(self) -> tuple[str, ...]:
        """The passes that its compilers need besides those of every target."""
        return tuple(dict.fromkeys(p for part in self.parts for p in BACKENDS[part.name].passes))

    @property
    def is_host(self) -> bool:
        """Whether its programs run on the processor alone, maybe on worker threads."""
        return not self.members and BACKENDS[self.name].device == "local"

    @property
    def flags(self) -> tuple[str, ...]:
        """IREE's flags for the target, without those of a configuration."""
        devices = ",".join(BACKENDS[part.name].device for part in self.parts)
        rows = [BACKENDS[part.name].flags + part._hardware_flags for part in self.parts]
        return (
            f"--iree-hal-target-device={devices}",
            *sum(rows, ()),
            _KEEP_FLOAT64,
            _NO_ARCHIVE,
            *_HANDED_OVER * self.handed_over,
            *_WITHOUT_SOURCES,
        )

    @property
    def process_flags(self) -> tuple[str, ...]:
        """Flags that IREE takes only once per process.

        Linking the kernels of several back ends, IREE keeps those of one: the module then does not
        load on the others. Unlinked, each kernel carries all its forms.
        """
        unlinked = self.members or self.links_in_parts
        links = ("--iree-hal-link-executables=false",) if unlinked else ()
        rows = [BACKENDS[part.name].process_flags for part in self.parts]
        needed = {BACKENDS[part.name].plugin for part in self.parts}
        plugins = (*_SELDOM, *(row.plugin for row in BACKENDS.values() if row.plugin))
        spared = (f"--iree-plugin=-{plugin}" for plugin in plugins if plugin not in needed)
        return (*links, *sum(rows, ()), *spared)

    @property
    def links_in_parts(self) -> bool:
        """Whether kernels are linked by `slopec.emit_linking`, which takes less time than IREE."""
        return self.name == "llvm-cpu"

    @property
    def _hardware_flags(self) -> tuple[str, ...]:
        if self.name == "llvm-cpu":
            cross = () if self.arch == architecture() else (self.arch,)
            triple = tuple(f"--iree-llvmcpu-target-triple={arch}" for arch in cross)
            instructions = _INSTRUCTIONS.get(self.cpu, ())
            return (*triple, f"--iree-llvmcpu-target-cpu={self.cpu}", *instructions)
        if self.name == "cuda":
            # IREE asks for PTX 8.4 with sm_89, which drivers before CUDA 12.4 refuse; the kernels
            # are the same with 7.8, which every driver that knows Ada or Hopper (CUDA 11.8) takes.
            older = ("--iree-cuda-target-features=+ptx78",) if self.arch == "sm_89" else ()
            return (f"--iree-cuda-target={self.arch}", *older)
        if self.name == "metal":
            return (f"--iree-metal-target-platform={self.arch}",)
        return ()

    @property
    def host_part(self) -> "Target | None":
        """The part that LLVM compiles for a processor, if there is one."""
        return next((part for part in self.parts if part.name == "llvm-cpu"), None)

    def resolved(self, description: str) -> "Target":
        """The target with processor and features as IREE describes them in its own text.

        >>> text = '{cpu = "znver5", cpu_features = "+avx2,-sse4a,+64bit"}'
        >>> target = parse_target("llvm-cpu:host").resolved(text)
        >>> target.cpu, target.processor, target.features
        ('host', 'znver5', ('avx2',))
        """
        cpu = re.search(r'\bcpu = "([^"]*)"', description)
        listed = re.search(r'\bcpu_features = "([^"]*)"', description)
        enabled = [f[1:] for f in (listed[1] if listed else "").split(",") if f.startswith("+")]
        features = tuple(sorted(set(enabled) - _NOT_INSTRUCTIONS))
        return replace(self, processor=cpu[1] if cpu else self.cpu, features=features)

    def manifest(self, flags: Sequence[str]) -> schema.Target:
        """The target as artifacts describe it."""
        host = self.host_part
        return schema.Target(
            self.name,
            self.drivers,
            arch=host.arch if host else self.arch,
            cpu=self.processor or self.cpu,
            features=self.features,
            flags=tuple(flags),
        )


def parse_target(text: str, *, arch: str | None = None, cpu: str | None = None) -> Target:
    """The target that `text` names: a back end, or one with its hardware as in "cuda:sm_89".

    `arch` is a GPU by generation or name ("sm_80", "ampere", "a100", "h100"), a Metal platform, or
    a processor architecture; `cpu` is a processor ("x86-64-v3", "znver4"), "generic" or "host".
    Either applies where the back end has such a thing. Without `cpu`, code for x86-64 runs on
    every processor with AVX2; "host" is faster and runs on processors like this one.

    Raises UsageError S0420 for an unknown target, S0421 for unknown hardware.

    >>> parse_target("cuda:ada").arch
    'sm_89'
    >>> parse_target("llvm-cpu", arch="arm64").cpu
    'generic'
    """
    spelled, _, hardware = text.strip().partition(":")
    name = ALIASES.get(spelled, spelled)
    if name not in BACKENDS:
        raise UsageError(
            "S0420",
            f"there is no target `{spelled}`",
            notes=(f"the targets are {', '.join(BACKENDS)}",),
            hint=did_you_mean(spelled, [*BACKENDS, *ALIASES]) or "`slopec targets` lists them",
        )
    if name == "llvm-cpu":
        is_arch = architecture(hardware) in _PORTABLE_CPUS if hardware else False
        return _cpu_target(hardware if is_arch else arch, (not is_arch and hardware) or cpu)
    if name == "cuda":
        chosen, notes = cuda_architecture(hardware or arch)
        return Target("cuda", chosen, notes=notes)
    if name == "metal":
        return _metal_target(hardware or arch or METAL_PLATFORMS[0])
    return Target(name)


def parse_targets(text: str, *, arch: str | None = None, cpu: str | None = None) -> list[Target]:
    """The targets of a list such as "llvm-cpu,cuda,metal", each once; see `parse_target`.

    `arch` goes to the GPU where GPU and processor are listed.

    >>> [target.name for target in parse_targets("llvm-cpu, metal")]
    ['llvm-cpu', 'metal']
    """
    names = [part for part in (piece.strip() for piece in text.split(",")) if part]
    if not names:
        raise UsageError("S0420", "no target is named", hint="for example `llvm-cpu`")
    bare = [ALIASES.get(name, name) for name in names]
    only_for = "cuda" if "cuda" in bare else "metal" if "metal" in bare else None
    chosen = [
        parse_target(name, arch=arch if only_for in (None, plain) else None, cpu=cpu)
        for name, plain in zip(names, bare, strict=True)
    ]
    return list(dict.fromkeys(chosen))


def fat(targets: Sequence[Target]) -> Target:
    """One target of several: the artifact holds code for each and the loader picks.

    Raises UsageError S0422 where two of them share a device.

    >>> fat(parse_targets("llvm-cpu,cuda:sm_80")).drivers
    ('local-task', 'local-sync', 'cuda')
    """
    devices = [BACKENDS[target.name].device for target in targets if not target.members]
    if len(set(devices)) < len(targets):
        names = ", ".join(target.name for target in targets)
        raise UsageError(
            "S0422",
            f"one artifact cannot hold both of two targets for the same device: {names}",
            hint="name each device once, for example `llvm-cpu,cuda,metal`",
        )
    if len(targets) == 1:
        return targets[0]
    return Target(
        ",".join(target.name for target in targets),
        ",".join(target.arch for target in targets),
        "".join(target.cpu for target in targets),
        notes=tuple(note for target in targets for note in target.notes),
        members=tuple(targets),
    )


def _cpu_target(arch: str | None, cpu: str | None) -> Target:
    host = architecture()
    chosen = architecture(arch) if arch else host
    if chosen not in _PORTABLE_CPUS:
        raise UsageError(
            "S0421",
            f"llvm-cpu does not compile for the architecture `{arch or chosen}`",
            notes=(f"it knows {', '.join(_PORTABLE_CPUS)}",),
            hint=did_you_mean(chosen, list(_PORTABLE_CPUS)),
        )
    if cpu == "host" and chosen != host:
        raise UsageError(
            "S0421",
            f"cpu `host` is this machine, which is {host}, not {chosen}",
            hint=f"name a processor, or leave it out for `{_PORTABLE_CPUS[chosen]}`",
        )
    portable = _PORTABLE_CPUS[chosen]
    if chosen == host == "aarch64" and platform.system() == "Darwin":
        portable = "apple-m1"
    return Target("llvm-cpu", chosen, cpu or portable)


def _metal_target(name: str) -> Target:
    if name not in METAL_PLATFORMS:
        raise UsageError(
            "S0421",
            f"metal has no platform `{name}`",
            notes=(f"the platforms are {', '.join(METAL_PLATFORMS)}",),
            hint=did_you_mean(name, list(METAL_PLATFORMS)),
        )
    return Target("metal", name)
