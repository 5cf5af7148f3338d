"""A program's measurement: all contenders side by side, in rounds, ours and theirs in turn.

Ratios are taken round by round, between neighbours in time, so that what else the machine does
hits both; what is told of them is the median and the quartiles, never the best.
"""

import compileall
import json
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.programs import Program
from benchmarks.worker import Worker, WorkerError, runner

SLOT = 0.05
"""Seconds, at least, that a contender runs in a round."""
TOLERANCE = 2e-3
"""How far results may be apart, as the norm of the difference over the norm. The third loss of a
deep network in float32 is 0.5e-3 to either side of the one in float64."""

XLA = "jax"
PARTS = ("trace", "derive", "passes", "iree", "again")
"""Facts of ours that are seconds of a compilation; the cold one is the first, third and fourth."""


@dataclass(frozen=True)
class Spread:
    """The median of some numbers and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        """Of at least two numbers."""
        low, median, high = statistics.quantiles(numbers, n=4)
        return cls(median, low, high)


@dataclass
class Measurement:
    """What was found of a program; by contender: seconds, times ours, facts, or what failed."""

    program: str
    sizes: dict[str, int]
    seconds: dict[str, Spread] = field(default_factory=dict)
    ratios: dict[str, Spread] = field(default_factory=dict)
    facts: dict[str, dict[str, float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    bound: Spread | None = None
    compilation: Spread | None = None
    """JAX's time to compile over ours."""

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "Measurement":
        """Of what `plain` gave."""
        made = cls(**plain)
        made.seconds = {k: Spread(**v) for k, v in made.seconds.items()}
        made.ratios = {k: Spread(**v) for k, v in made.ratios.items()}
        for one in ("bound", "compilation"):
            if plain.get(one) is not None:
                setattr(made, one, Spread(**plain[one]))
        return made


class Bench:
    """The workplace: device, contenders, number of rounds, where artifacts lie."""

    def __init__(
        self,
        names: Sequence[str],
        device: str,
        rounds: int,
        folder: Path,
        reuse: bool = False,
        compilations: int = 1,
    ) -> None:
        """`names` are those measured besides slopec; `reuse` takes artifacts that are there.

        So many `compilations` of ours and of JAX's are timed in turns.
        """
        lacking = {name: CONTENDERS[name].missing for name in names}
        self.missing = {name: lack for name, lack in lacking.items() if lack}
        self.names = [OURS, *(name for name in names if name not in self.missing)]
        self.device = device
        self.rounds = rounds
        self.folder = folder
        self.reuse = reuse
        self.compilations = 1 if reuse else compilations
        self.peaks = Worker(machine.peaks, device)

    @property
    def target(self) -> str:
        """The back end for the device."""
        return "llvm-cpu" if self.device == "cpu" else self.device

    def artifact(self, program: Program) -> Path:
        """Where the artifact of a program lies."""
        return artifact_path(self.folder, self.target, program)

    def compile(self, program: Program) -> dict[str, float]:
        """Compile the program, or find it compiled; raises WorkerError."""
        path = self.artifact(program)
        facts = path.with_suffix(".json")
        if self.reuse and path.exists() and facts.exists():
            return dict(json.loads(facts.read_text(encoding="utf-8")))
        return compile_into(path, program, self.target)

    def measure(self, program: Program) -> Measurement:
        """Compile, check that all agree, and time them in turn."""
        found = Measurement(program.name, dict(program.sizes))
        with ExitStack() as stack:
            workers = self._start(program, found, stack)
            self._compile_in_turns(program, found)
            _check(workers, found)
            repeats = {name: _repeat(worker) for name, worker in workers.items()}
            times: dict[str, list[float]] = {name: [] for name in workers}
            bounds = []
            for _ in range(self.rounds):
                for name, worker in workers.items():
                    times[name].append(worker.ask("seconds", repeats[name]))
                if OURS in workers:
                    cost = found.facts[OURS]
                    flops, rate = self.peaks.ask("rates", cost["moved"])
                    bounds.append(max(cost["flops"] / flops, cost["moved"] / rate))
        found.seconds = {name: Spread.of(column) for name, column in times.items()}
        ours = times.get(OURS)
        if ours is None:
            return found
        for name, column in times.items():
            if name != OURS:
                ratios = [theirs / mine for theirs, mine in zip(column, ours, strict=True)]
                found.ratios[name] = Spread.of(ratios)
        found.bound = Spread.of([least / mine for least, mine in zip(bounds, ours, strict=True)])
        return found

    def _compile_in_turns(self, program: Program, found: Measurement) -> None:
        """Compile again, and let facts be medians."""
        ours, theirs = found.facts.get(OURS), found.facts.get(XLA)
        if ours is None or theirs is None or self.compilations == 1:
            return
        rows = [(ours, theirs)]
        for _ in range(self.compilations - 1):
            again = self.compile(program)
            with Worker(runner, XLA, program.name, program.sizes, self.device, None) as worker:
                rows.append((again, worker.ask("facts")))
        found.compilation = Spread.of([other["compile"] / cold(mine) for mine, other in rows])
        for part in PARTS:
            ours[part] = statistics.median(mine[part] for mine, _ in rows)
        theirs["compile"] = statistics.median(other["compile"] for _, other in rows)

    def _start(self, program: Program, found: Measurement, stack: ExitStack) -> dict[str, Worker]:
        """The processes, each ready; what fails is told in `found`."""
        workers: dict[str, Worker] = {}
        for name in self.names:
            row = CONTENDERS[name]
            if program.kind not in row.kinds:
                continue
            try:
                facts = self.compile(program) if name == OURS else {}
                path = self.artifact(program) if name == OURS else None
                worker = stack.enter_context(
                    Worker(runner, name, program.name, program.sizes, self.device, path)
                )
                found.facts[name] = {**worker.ask("facts"), **facts}
                workers[name] = worker
            except WorkerError as error:
                found.failures[name] = str(error)
        return workers


def cold(facts: Mapping[str, float]) -> float:
    """Seconds of a compilation of ours without the cache."""
    return facts["trace"] + facts["passes"] + facts["iree"]


def _repeat(worker: Worker) -> int:
    """How many calls fill a slot."""
    return max(1, int(SLOT / max(worker.ask("seconds", 1), 1e-6)))


def _check(workers: dict[str, Worker], found: Measurement) -> None:
    """Drop who does not agree with the first of the others on the first three results."""
    results = {name: worker.ask("results") for name, worker in workers.items()}
    others = [name for name in results if name != OURS]
    if not others:
        return
    expected = results[others[0]]
    for name, found_here in results.items():
        apart = max(map(distance, found_here, expected))
        if not apart <= TOLERANCE:
            found.failures[name] = f"results differ from {others[0]}'s by {apart:.1e}"
            del workers[name]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The norm of the difference over the norm."""
    if a.shape != b.shape:
        return float("inf")
    return float(np.linalg.norm(a.astype("float64") - b) / max(np.linalg.norm(b), 1e-30))


def artifact_path(folder: Path, target: str, program: Program) -> Path:
    """Where the artifact of a program for a target lies in a folder."""
    sizes = [f"{name}{size}" for name, size in sorted(program.sizes.items())]
    return folder / target.replace(":", "-") / f"{'-'.join([program.name, *sizes])}.vmfb"


def compile_into(path: Path, program: Program, target: str) -> dict[str, float]:
    """Compile in a process of its own, the facts beside the artifact; raises WorkerError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Worker(compiler) as worker:
        facts: dict[str, float] = worker.ask("compile", program.name, program.sizes, target, path)
    path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    return facts


def compiler() -> Mapping[str, Any]:
    """For a worker: compile a program by its name.

    Python has compiled slopec itself before, as it does when a package is installed.
    """
    package = find_spec("slopec")
    for folder in (package and package.submodule_search_locations) or ():
        compileall.compile_dir(folder, quiet=2)
    from benchmarks import artifacts
    from benchmarks.programs import find

    def compile_(name: str, sizes: Mapping[str, int], target: str, path: Path) -> dict[str, float]:
        return asdict(artifacts.compiled(find(name, sizes), target, path))

    return {"compile": compile_}
