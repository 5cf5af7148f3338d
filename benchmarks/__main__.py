"""`make bench`: slopec beside JAX, PyTorch and ONNX Runtime, in one run on one machine.

python -m benchmarks                                       # everything
python -m benchmarks --quick                               # fewer rounds, without torch.compile
python -m benchmarks --only gpt-step,lstm-step --against jax,torch --rounds 25
python -m benchmarks --growth                              # along depth, batch and sequence
"""

import os
import sys
from pathlib import Path

import click

from benchmarks import growth, machine, report
from benchmarks.measure import Bench, Measurement
from benchmarks.programs import Program, programs
from benchmarks.tables import duration
from benchmarks.worker import REALTIME

QUICK = ["jax", "torch", "onnxruntime"]
COMPILATIONS = 3
"""Of each program, ours and JAX's in turns, where there is time for it."""


class Names(click.ParamType):
    """Names with commas, each one of those known."""

    name = "names"

    def __init__(self, known: list[str]) -> None:
        self.known = known

    def convert(
        self, value: str | list[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        """The list; fails with the names that there are."""
        names = value.split(",") if isinstance(value, str) else value
        for name in names:
            if name not in self.known:
                self.fail(f"there is no `{name}`; known are {', '.join(self.known)}", param, ctx)
        return names


@click.command()
@click.option("--only", type=Names(list(programs())), help="Programs, with commas; else all.")
@click.option("--against", type=Names(report.THEIRS), help="Contenders, with commas; else all.")
@click.option("--rounds", type=click.IntRange(min=2), default=15, show_default=True)
@click.option("--quick", is_flag=True, help="5 rounds, without torch.compile.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--growth", "along", is_flag=True, help="Along depth, batch and sequence instead.")
@click.option("--realtime", is_flag=True, help="Timed at real-time priority (Linux, as root).")
@click.option("--save", is_flag=True, help="Keep the results in the README.")
@click.option("--reuse", is_flag=True, help="Compile no program that the folder has compiled.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default="build/bench",
    show_default=True,
    help="Where artifacts go.",
)
def main(
    only: list[str] | None,
    against: list[str] | None,
    rounds: int,
    quick: bool,
    device: str,
    along: bool,
    realtime: bool,
    save: bool,
    reuse: bool,
    folder: Path,
) -> None:
    """Measure programs side by side and print Markdown tables."""
    if realtime:
        os.environ[REALTIME] = "1"
    theirs = against or (QUICK if quick else report.THEIRS)
    compilations = 1 if quick or along else COMPILATIONS
    bench = Bench(theirs, device, 5 if quick else rounds, folder, reuse, compilations)
    chosen = [program for name, program in programs().items() if only is None or name in only]
    (_grow if along else _compare)(bench, chosen, save)


def _compare(bench: Bench, chosen: list[Program], save: bool) -> None:
    """The tables of the programs as they are; each is kept as soon as it is known."""
    found: dict[str, Measurement] = {}
    for program in chosen:
        found[program.name] = _told(bench.measure(program))
        if save:
            _report(bench, found).write(report.RESULTS / f"{bench.device}.json")
    for title, body in _report(bench, found).tables().items():
        print(f"\n## {title}\n\n{body}")
    if save:
        report.main()


def _report(bench: Bench, found: dict[str, Measurement]) -> report.Report:
    missing = {name: f"{', '.join(lack)} not installed" for name, lack in bench.missing.items()}
    how = ", timed at real-time priority" if REALTIME in os.environ else ""
    peak = bench.peaks.ask("name")
    return report.Report(machine.describe() + how, peak, bench.rounds, missing, found)


def _grow(bench: Bench, chosen: list[Program], save: bool) -> None:
    """The table of the programs along their sizes."""
    found = []
    for program in chosen:
        for curve in growth.curves(bench, program):
            found.append(curve)
            print(growth.growth_table([curve]), file=sys.stderr, flush=True)
            if save:
                growth.write(
                    [c for c in found if c.program == program.name], report.growth_of(bench.device)
                )
    print(f"\n{growth.growth_table(found)}")
    if save:
        report.main()


def _told(row: Measurement) -> Measurement:
    """Say on stderr what came out, while other programs are still to come."""
    times = [f"{name} {duration(value.median)}" for name, value in row.seconds.items()]
    failures = [f"{name}: {why}" for name, why in row.failures.items()]
    print(f"{row.program}: {'; '.join(times + failures)}", file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    main()
