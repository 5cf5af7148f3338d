"""`make scan`: many small programs of all kinds, exported by JAX, beside JAX's own time of each.

python -m benchmarks.scan                      # all, the slowest beside JAX first
python -m benchmarks.scan fft linalg-solve     # those whose names begin so

Where the tables of `make bench` show how fast whole models are, this finds what is slow: one or two
ops that nobody has looked at. JAX exports a program, slopec compiles what it is given, and both
must agree; then they run in turns, each in a process of its own.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.measure import Spread, distance
from benchmarks.tables import duration, table
from benchmarks.worker import Worker, WorkerError, seconds

SLOT = 0.02
"""Seconds, at least, that each runs in a round."""
TOLERANCES = {"float16": 1e-2, "bfloat16": 3e-2}
"""How far results of a type may be apart, as the norm of the difference over the norm."""
TOLERANCE = 1e-3
UNKNOWN = Spread(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scanned:
    """A program's times in seconds, and JAX's over ours; or what failed."""

    name: str
    ours: float = 0.0
    theirs: float = 0.0
    ratio: Spread = UNKNOWN
    failure: str = ""

    def cells(self) -> Sequence[str]:
        """The row of the table."""
        if self.failure:
            return self.name, "–", "–", self.failure
        spread = f"{self.ratio.median:.2f} ({self.ratio.low:.2f}–{self.ratio.high:.2f})"
        return self.name, duration(self.ours), duration(self.theirs), spread


def theirs() -> Mapping[str, Callable[..., Any]]:
    """JAX, for a worker: "open" a program, which exports it; "results"; "seconds" of a call."""
    import jax
    from jax import export

    from benchmarks.small import SMALL

    opened: list[Callable[[], Any]] = []

    def open_(name: str) -> bytes:
        function, inputs = SMALL[name]
        jax.config.update("jax_enable_x64", any(array.dtype == np.float64 for array in inputs))
        jitted = jax.jit(function)
        given = [jax.device_put(array) for array in inputs]
        opened[:] = [lambda: jax.block_until_ready(jitted(*given))]
        types = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in inputs]
        return export.export(jitted)(*types).mlir_module().encode()

    return {
        "names": lambda: list(SMALL),
        "inputs": lambda name: SMALL[name][1],
        "open": open_,
        "results": lambda: [np.asarray(leaf) for leaf in jax.tree.leaves(opened[0]())],
        "seconds": lambda repeat: seconds(opened[0], repeat),
    }


def compiler() -> Mapping[str, Callable[..., Any]]:
    """slopec's compiler, for a worker: "compile" a module into a file."""
    from slopec.build import build
    from slopec.imported import lower_file
    from slopec.targets import parse_target

    target = parse_target("llvm-cpu", cpu="host")

    def compile_(module: bytes, path: Path) -> None:
        source = path.with_suffix(".mlir")
        source.write_bytes(module)
        (artifact,) = build(lower_file(source, "main"), [target], carry_stablehlo=False)
        artifact.save(path)

    return {"compile": compile_}


def ours() -> Mapping[str, Callable[..., Any]]:
    """slopec's runtime, for a worker: "open" an artifact; "results"; "seconds" of a call."""
    import slopec_runtime

    opened: list[Callable[[], Any]] = []

    def open_(path: Path, inputs: Sequence[np.ndarray]) -> None:
        loaded = slopec_runtime.load(path)
        entry, given = loaded["main"], [loaded.put(array) for array in inputs]
        opened[:] = [lambda: entry(*given)]

    def results() -> list[np.ndarray]:
        made = opened[0]()
        return [leaf.numpy() for leaf in (made if isinstance(made, tuple | list) else [made])]

    return {"open": open_, "results": results, "seconds": lambda n: seconds(opened[0], n)}


class Scan:
    """The workplace: three processes that last, one anew where a program ended it."""

    def __init__(self, folder: Path, rounds: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.rounds = folder, rounds
        self.jax, self.compiler, self.slopec = Worker(theirs), Worker(compiler), Worker(ours)

    def measure(self, name: str) -> Scanned:
        """Export, compile, compare, and time a program in turns."""
        try:
            return self._measured(name)
        except WorkerError as error:
            if not self.slopec.process.is_alive():
                self.slopec = Worker(ours)
            return Scanned(name, failure=str(error))

    def _measured(self, name: str) -> Scanned:
        path = self.folder / f"{name}.vmfb"
        self.compiler.ask("compile", self.jax.ask("open", name), path)
        self.slopec.ask("open", path, self.jax.ask("inputs", name))
        pairs = zip(self.slopec.ask("results"), self.jax.ask("results"), strict=True)
        if wrong := [found for a, b in pairs if (found := disagreement(a, b))]:
            return Scanned(name, failure=wrong[0])
        turns = self.slopec, self.jax
        repeats = [max(1, int(SLOT / max(who.ask("seconds", 1), 1e-6))) for who in turns]
        times = np.array(
            [
                [who.ask("seconds", repeat) for who, repeat in zip(turns, repeats, strict=True)]
                for _ in range(self.rounds)
            ]
        )
        ours_, theirs_ = map(float, np.median(times, 0))
        return Scanned(name, ours_, theirs_, Spread.of(list(times[:, 1] / times[:, 0])))


def disagreement(found: np.ndarray, expected: np.ndarray) -> str:
    """In words, how far results are apart; empty where they agree."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype}{found.shape} for {expected.dtype}{expected.shape}"
    if expected.dtype.kind == "c":
        found, expected = (x.view(f"f{x.itemsize // 2}") for x in (found, expected))
    apart = distance(found, expected)
    within = TOLERANCES.get(expected.dtype.name, TOLERANCE)
    return "" if apart <= within else f"results differ by {apart:.1e}"


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", type=click.IntRange(min=2), default=9, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default="build/scan", show_default=True)
def main(names: Sequence[str], rounds: int, folder: Path) -> None:
    """Measure small programs beside JAX and print a table of them, the slowest first."""
    scan = Scan(folder, rounds)
    known = scan.jax.ask("names")
    chosen = [name for name in known if not names or name.startswith(tuple(names))]
    if not chosen:
        raise click.UsageError(f"no program's name begins so; there are {', '.join(known)}")
    found = []
    for name in chosen:
        found.append(scan.measure(name))
        print("  ".join(found[-1].cells()), file=sys.stderr, flush=True)
    found.sort(key=lambda row: row.ratio.median)
    print(table(["program", "slopec", "JAX", "JAX ÷ slopec"], (row.cells() for row in found)))
    good = [row.ratio.median for row in found if not row.failure]
    if good:
        mean = float(np.exp(np.mean(np.log(good))))
        print(f"\n{len(good)} of {len(found)} measured, geometric mean {mean:.2f}")


if __name__ == "__main__":
    main()
