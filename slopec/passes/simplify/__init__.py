"""Simplify: hundreds of small `lhs → rhs` rewrites of StableHLO, applied until none fits.

Each file here is a family of patterns. What a pattern may change beside the form is stated where it
is defined; by default only patterns run that keep every bit or use a freedom that StableHLO gives.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import ClassVar

from slopec import ir
from slopec.passes.pattern import Pattern, apply, patterns_of
from slopec.passes.simplify.folding import folding

FAMILIES = tuple(
    """folding algebra powers logic conversions reshapes broadcasts iotas slices pads motion
    reductions negations dots convolutions indexing scatters sums control""".split()
)
"""The files with patterns, in the order in which they are tried."""

LAYOUT_PATTERNS = (
    "convolution_of_transposed",
    "convolution_with_transposed",
    "transpose_convolution",
)


@dataclass(frozen=True)
class Simplify:
    """Apply algebra, shape, motion, reduction, contraction and indexing rewrites until none fits.

    `signed-zeros=false` allows patterns that may turn -0 into +0 or back, `fast-math` those that
    may change NaN, infinities, overflow and rounding. `fold-bytes` bounds the constants that
    folding makes. `keep-layouts` leaves the dimension order of convolutions alone. `without` names
    patterns to leave out.
    """

    name: ClassVar[str] = "simplify"
    max_iterations: int = 10
    signed_zeros: bool = True
    fast_math: bool = False
    fold_bytes: int = 65536
    keep_layouts: bool = False
    without: str = ""

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        apply(module, self.patterns(), max_iterations=self.max_iterations)

    def patterns(self) -> Iterable[Pattern]:
        """The patterns that the options allow."""
        refused = set(self.without.split())
        for pattern in all_patterns():
            if pattern.name not in refused and self._allows(pattern):
                yield folding(self.fold_bytes) if pattern.name == "fold" else pattern

    def _allows(self, pattern: Pattern) -> bool:
        if pattern.changes == "zero sign":
            return not self.signed_zeros or self.fast_math
        if self.keep_layouts and pattern.name in LAYOUT_PATTERNS:
            return False
        return pattern.changes != "special values" or self.fast_math


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """Every pattern, family by family."""
    modules = [import_module(f"slopec.passes.simplify.{family}") for family in FAMILIES]
    return tuple(pattern for module in modules for pattern in patterns_of(module))
