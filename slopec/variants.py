"""Variants: other ways to compile the same program, among which only measuring can choose.

A variant leaves out optimisation passes, names a configuration of the back end, or gives it more
flags. `neighbours` lists those that differ from one in a single point, so that a search which keeps
what is faster needs to try only a few.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from slopec.configurations import CONFIGURATIONS
from slopec.emit import EmitOptions
from slopec.passes import parse_pipeline
from slopec.passes.base import spell
from slopec.targets import Target

PASSES = ("channels-last", "contract-convolutions")
"""Optimisation passes that make some programs slower."""

KERNELS = "kernels"
"""What leaves out kernels written by hand."""

FLAGS = {
    "llvm-cpu": (
        "--iree-opt-level=O2",
        "--iree-opt-level=O3",
        "--iree-opt-data-tiling",
        "--iree-llvmcpu-enable-ukernels=all",
        "--iree-llvmcpu-reassociate-fp-reductions",
        "--iree-opt-aggressively-propagate-transposes",
        "--iree-dispatch-creation-split-reduction-low-parallelism",
        "--iree-llvmcpu-target-vector-width-in-bytes=32",
    ),
    "cuda": ("--iree-opt-level=O2", "--iree-opt-level=O3"),
    "metal": ("--iree-opt-level=O2", "--iree-opt-level=O3"),
}
"""Flags of IREE's that pay on some programs, by target."""


@dataclass(frozen=True)
class Variant:
    """A way to compile: passes or kernels left out, a configuration or the usual ones, and flags.

    >>> Variant(("channels-last",), "tiled").name
    'tiled -channels-last'
    >>> Variant().name
    'as usual'
    """

    without: tuple[str, ...] = ()
    configuration: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it does otherwise than usual, in a line."""
        words = [self.configuration] if self.configuration else []
        words += [f"-{name}" for name in self.without]
        words += [flag.removeprefix("--iree-").removeprefix("llvmcpu-") for flag in self.flags]
        return " ".join(words) or "as usual"

    def options(self, options: EmitOptions | None) -> EmitOptions:
        """How the back end is to compile it, given how it would otherwise."""
        options = options or EmitOptions()
        flags = (*options.flags, *self.flags)
        kernels = KERNELS not in self.without
        return replace(options, flags=flags, kernels=kernels, configuration=self.configuration)

    def pipeline(self, pipeline: str) -> str:
        """The passes that are left of a pipeline.

        >>> Variant(("cse",)).pipeline("simplify{max-iterations=4},cse,canonicalize")
        'simplify{max-iterations=4},canonicalize'
        """
        kept = [pass_ for pass_ in parse_pipeline(pipeline) if pass_.name not in self.without]
        return ",".join(map(spell, kept))


def neighbours(
    variant: Variant, target: Target, *, convolutions: bool, kernels: bool = False
) -> Iterator[Variant]:
    """What differs from `variant` in one point: its configuration, a pass, a flag more or less.

    Configurations and passes that are for convolutions only count where there are some, and so do
    kernels; last resorts do not.
    """
    if target.name == "llvm-cpu":
        for name, configuration in CONFIGURATIONS.items():
            unfit = configuration.last_resort or (name == "im2col" and not convolutions)
            if name != variant.configuration and not unfit:
                yield replace(variant, configuration=name)
    names = (*(PASSES if convolutions else ()), *((KERNELS,) if kernels else ()))
    for name in names:
        others = tuple(other for other in variant.without if other != name)
        yield replace(variant, without=others if name in variant.without else (*others, name))
    for flag in FLAGS.get(target.name, ()):
        option = flag.partition("=")[0]
        kept = tuple(other for other in variant.flags if other.partition("=")[0] != option)
        yield replace(variant, flags=kept if flag in variant.flags else (*kept, flag))
