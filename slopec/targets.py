"""What slopec compiles for: a table of back ends, the flags that follow, and what to try first.

A `Target` is a row of facts. `configurations` picks, from a target and the kind of work in a
program, the compiler settings to try in order; it is a pure function, so the choice can be read,
tested and recorded.
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


# --- configurations --------------------------------------------------------------------------


@dataclass(frozen=True)
class Workload:
    """What a program spends its time on, as far as the choice of a configuration goes."""

    convolutions: bool = False
    products: bool = False
    bfloat16_products: bool = False


@dataclass(frozen=True)
class Configuration:
    """A named set of compiler flags; `reason` is what they are good for.

    `passes` are slopec's, which change the program for it first. The `last_resort` is for what
    others do not compile, and never the fastest.
    """

    name: str
    flags: tuple[str, ...]
    reason: str
    passes: str = ""
    last_resort: bool = False


CONFIGURATIONS = {
    row.name: row
    for row in (
        Configuration(
            "im2col",
            ("--iree-global-opt-use-im2col-for-convs",),
            "convolutions become matrix products",
        ),
        Configuration(
            "tiled",
            ("--iree-global-opt-data-tiling",),
            "matrices are packed into tiles that fit the registers",
        ),
        Configuration("fused", ("--iree-opt-level=O2",), "reductions fuse with what follows"),
        Configuration("default", (), "IREE's defaults, which compile most programs"),
        Configuration(
            "apart",
            (),
            "reductions and products have dispatches of their own",
            passes="separate-reductions",
            last_resort=True,
        ),
        Configuration(
            "widened",
            (),
            "what widens numbers has dispatches of its own",
            passes="separate-widened{everywhere=true}",
            last_resort=True,
        ),
        # What IREE fails to vectorise, such as the gradient of a cumulative maximum, it compiles
        # for registers of one number.
        Configuration(
            "scalar",
            ("--iree-llvmcpu-target-vector-width-in-bytes=4",),
            "slow code that compiles where vectorising fails",
            last_resort=True,
        ),
    )
}

# Seconds of one core in ms, float32, code for AVX-512 / AVX2:  im2col      tiled      default
#   CNN Adam step, 2 convolutions, batch 64                     27.2/39     20.3/175   20.7
#   ResNet-20 inference, 32 images of 32×32                     41.6/67     14.7/88    14.5
#   ResNet-20 Adam step, 32 images of 32×32                                 87         93
# Medians in ms on 4 cores:
#   MLP 784-512-512-10 Adam step, batch 128                               0.8/1.5     1.4/2.4
#   matmul 1024³                                                          3.2/5.7     8.0/17
#   GPT 4×128 Adam step, 8×128 tokens                                     53/43       46/40
# Without products (AVX-512, `fused` against `default`): layer norm of 4096×1024 0.43 and 1.14,
# softmax of it 0.90 and 1.70, gradient of a batch norm 3.0 and 2.3.
# On programs with products O2 and O3 lose 10 to 30 % or need more stack than a worker thread has,
# O1 makes the same code as the default, and `--iree-opt-data-tiling`, the newer way to tile, failed
# on every training step tried.


def configurations(target: Target, work: Workload) -> tuple[Configuration, ...]:
    """What to try for a program, best first and safest last.

    The optimisation levels of the back ends for GPUs fail on training steps that the defaults
    compile ("failed to bufferize op"); what the defaults fail on are fused reductions and products.

    >>> target = Target("llvm-cpu", "x86_64", "x86-64-v3", features=("avx2", "fma"))
    >>> [c.name for c in configurations(target, Workload(products=True))]
    ['tiled', 'default', 'widened', 'scalar']
    """
    if target.name != "llvm-cpu":
        return (CONFIGURATIONS["default"], CONFIGURATIONS["apart"])
    names = (*_preferred(target, work), "default", "widened", "scalar")
    return tuple(CONFIGURATIONS[name] for name in names)


# What C's mathematical library has beyond the functions that IREE brings along; Python has always
# loaded it.
_LIBM = frozenset(
    "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt exp exp2 expm1 log log2"
    " log10 log1p pow fmod remainder erf erfc tgamma lgamma".split()
)

_SYSTEM_LIBRARY = "--iree-llvmcpu-link-embedded=false"


def with_system_library(
    target: Target, configuration: Configuration, symbols: Sequence[str]
) -> Configuration | None:
    """A configuration that finds missing functions in the system's library, if that can help.

    Only for this machine's architecture and on Linux, where the kernels become a shared library.
    """
    in_library = all(s in _LIBM or s.removesuffix("f") in _LIBM for s in symbols)
    native = target.name == "llvm-cpu" and target.arch == architecture()
    linked = _SYSTEM_LIBRARY in configuration.flags
    if not symbols or not in_library or not native or linked or platform.system() != "Linux":
        return None
    return Configuration(
        f"{configuration.name}+system-library",
        (*configuration.flags, _SYSTEM_LIBRARY),
        "functions that only the system's mathematical library has",
    )


def _preferred(target: Target, work: Workload) -> tuple[str, ...]:
    has = set(target.features)
    if work.convolutions and "avx512f" not in has:
        # Grouped convolutions and those that widen their elements fail with it, within 20 ms.
        return ("im2col",)
    if not work.products:
        return ("fused",)
    # Tiled, a 1024³ product takes 120 instead of 27 ms without AVX2, and on AArch64 the packing
    # is not vectorised (iree-org/iree#24888). In bfloat16 a 512³ product takes 46 instead of 1 ms
    # where the processor has no arithmetic for it, and 0.4 instead of 0.7 ms where it has.
    pays = {"avx2", "fma"} <= has and (not work.bfloat16_products or "avx512bf16" in has)
    return ("tiled",) if pays else ()
