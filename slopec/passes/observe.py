"""Observers see every pass of a pipeline: what times, counts, dumps and verifies is one of them."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slopec import ir
from slopec.passes.base import Pass, spell


class Observer(Protocol):
    """What `run_pipeline` tells about each pass, numbered from 0."""

    def before(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """The pass is about to run."""

    def after(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """The pass has run."""


@dataclass(frozen=True)
class Together:
    """Several observers as one, told in order."""

    observers: tuple[Observer, ...]

    def before(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.before(index, pass_, module)

    def after(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Tell all."""
        for observer in self.observers:
            observer.after(index, pass_, module)


class Verify:
    """Check after each pass that the module is valid; raises MLIRError."""

    def before(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Nothing to do."""

    def after(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Run the verifiers of all ops."""
        ir.verify(module)


@dataclass(frozen=True)
class Measurement:
    """What a pass took and what it left."""

    spelling: str
    seconds: float
    ops_before: int
    ops_after: int


@dataclass
class Measure:
    """Time each pass and count the ops around it; comes first of several, to time only the pass."""

    results: list[Measurement] = field(default_factory=list)
    _started: float = 0.0
    _ops: int = 0

    def before(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Count, then start the clock."""
        self._ops = sum(op_counts(module).values())
        self._started = time.perf_counter()

    def after(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Stop the clock, then count."""
        seconds = time.perf_counter() - self._started
        left = sum(op_counts(module).values())
        self.results.append(Measurement(spell(pass_), seconds, self._ops, left))


@dataclass(frozen=True)
class Dump:
    """Write the module into `folder` before the first pass and after each, op counts on top."""

    folder: Path

    def before(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Write the module that the pipeline is given as `00-input.mlir`."""
        if index == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write("00-input", module)

    def after(self, index: int, pass_: Pass, module: ir.Module) -> None:
        """Write what the pass left as `NN-name.mlir`."""
        self._write(f"{index + 1:02}-{pass_.name}", module, spell(pass_))

    def _write(self, stem: str, module: ir.Module, title: str = "input") -> None:
        counts = op_counts(module)
        lines = [f"// {title}: {sum(counts.values())} ops"]
        lines += [f"//   {count:6} {name}" for name, count in counts.most_common()]
        text = "\n".join([*lines, str(module)])
        (self.folder / f"{stem}.mlir").write_text(text, encoding="utf-8")


def op_counts(module: ir.Module) -> Counter[str]:
    """How many ops of each name the module holds, itself and its functions left out."""
    counts = Counter(str(op.name) for op in ir.ops_in(module))
    del counts["builtin.module"]
    counts.pop("func.func", None)
    return counts
