"""MLIR's own passes, written in C++ and registered with the bindings, as passes like any other."""

from dataclasses import dataclass
from typing import ClassVar

from slopec import ir
from slopec.passes.base import spell
from slopec.rewrite import run_passes


@dataclass(frozen=True)
class Canonicalize:
    """Fold ops and apply the dialects' own canonicalisation patterns; dead ops go."""

    name: ClassVar[str] = "canonicalize"
    max_iterations: int = 10

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))


@dataclass(frozen=True)
class ChloLegalizeToStablehlo:
    """Rewrite the client ops of CHLO, such as `erf` and `acos`, to StableHLO."""

    name: ClassVar[str] = "chlo-legalize-to-stablehlo"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, f"func.func({spell(self)})")


@dataclass(frozen=True)
class Cse:
    """Compute once what is computed several times; dead ops go."""

    name: ClassVar[str] = "cse"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))


@dataclass(frozen=True)
class Inline:
    """Replace calls by the bodies of the functions they call."""

    name: ClassVar[str] = "inline"
    max_iterations: int = 4

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))


@dataclass(frozen=True)
class LoopInvariantCodeMotion:
    """Move ops out of loops whose operands the loop does not change."""

    name: ClassVar[str] = "loop-invariant-code-motion"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))


@dataclass(frozen=True)
class StripDebuginfo:
    """Forget the source locations of all ops."""

    name: ClassVar[str] = "strip-debuginfo"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))


@dataclass(frozen=True)
class SymbolDce:
    """Delete private functions that nothing refers to."""

    name: ClassVar[str] = "symbol-dce"

    def run(self, module: ir.Module) -> None:
        """Rewrite `module` in place."""
        run_passes(module, spell(self))
