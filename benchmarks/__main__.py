"""`make bench`: slopec beside JAX, PyTorch and ONNX Runtime, in one run on one machine.

python -m benchmarks                                       # everything
python -m benchmarks --quick                               # fewer rounds, without torch.compile
python -m benchmarks --only gpt-step,lstm-step --against jax,torch --rounds 25
"""

import sys
from pathlib import Path

import click

from benchmarks import machine, report
from benchmarks.measure import Bench, Measurement
from benchmarks.programs import programs

QUICK = ["jax", "torch", "onnxruntime"]


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
@click.option("--save", is_flag=True, help="Keep the results in the README.")
@click.option("--folder", type=click.Path(path_type=Path), default="build/bench")
def main(
    only: list[str] | None,
    against: list[str] | None,
    rounds: int,
    quick: bool,
    device: str,
    save: bool,
    folder: Path,
) -> None:
    """Measure programs side by side and print Markdown tables."""
    theirs = against or (QUICK if quick else report.THEIRS)
    bench = Bench(theirs, device, 5 if quick else rounds, folder)
    found: dict[str, Measurement] = {}
    for name in only or programs():
        row = found[name] = bench.measure(programs()[name])
        print(_line(row), file=sys.stderr, flush=True)
    missing = {name: f"{', '.join(lack)} not installed" for name, lack in bench.missing.items()}
    peak = bench.peaks.ask("name")
    made = report.Report(machine.describe(), peak, bench.rounds, missing, found)
    for title, body in made.tables().items():
        print(f"\n## {title}\n\n{body}")
    if save:
        made.write(report.RESULTS / f"{device}.json")
        report.main()


def _line(row: Measurement) -> str:
    """A program's result while the others are still to come."""
    times = [f"{name} {report.duration(value.median)}" for name, value in row.seconds.items()]
    failures = [f"{name}: {why}" for name, why in row.failures.items()]
    return f"{row.program}: {'; '.join(times + failures)}"


if __name__ == "__main__":
    main()
