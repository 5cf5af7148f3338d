"""How a module may be compiled: sets of IREE's options, what each is good for, which come first.

`configurations` picks, from a target and the kind of work in a program, those to try in order; it
is a pure function, so the choice can be read, tested and recorded. What the first fails on is
compiled by the next one, and the artifact says by which.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass

from slopec.targets import Target
from slopec_runtime.hostcpu import architecture


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
