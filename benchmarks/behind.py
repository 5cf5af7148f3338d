"""Why slopec is behind where it is: the dearest dispatches of those programs, as `slopec profile`
has them, each with its fraction of the machine's peak.

    python -m benchmarks.behind    # after `python -m benchmarks --save`, whose artifacts it reads
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks import machine, report
from benchmarks.measure import Measurement, artifact_path
from benchmarks.programs import find
from benchmarks.worker import Worker
from slopec.profile import Profile, profile

SHOWN = 3
"""Dispatches of each program."""
PEAKS = 9
"""How often the machine's peak is measured for one program."""


@dataclass(frozen=True)
class Row:
    """A dispatch of a program: its share of the call, cores at work, fraction of the peak."""

    program: str
    dispatch: str
    runs: float
    share: float
    cores: float
    peak: float


def is_behind(row: Measurement) -> bool:
    """Whether anybody is faster than slopec at a program."""
    return any(ratio.median < 1 for ratio in row.ratios.values())


def rows_of(name: str, found: Profile, flops: float) -> list[Row]:
    """The dearest dispatches of a profile, beside a peak of `flops` per second."""
    inside = sum(d.seconds for d in found.dispatches)
    return [
        Row(
            name,
            d.name,
            d.runs,
            d.seconds / inside,
            d.core_seconds / max(d.seconds, 1e-12),
            d.rate / flops,
        )
        for d in found.dispatches[:SHOWN]
    ]


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default="build/bench")
def main(folder: Path) -> None:
    """Profile what is behind, keep it, and write the README's table."""
    known = report.Report.read(report.RESULTS / "cpu.json").measurements
    rows: list[Row] = []
    with Worker(machine.peaks, "cpu") as peaks:
        for name in filter(lambda name: is_behind(known[name]), known):
            program = find(name, known[name].sizes)
            found = profile(artifact_path(folder, "llvm-cpu", program), "main", calls=20)
            rates = sorted(peaks.ask("rates", 1e6)[0] for _ in range(PEAKS))
            rows += rows_of(name, found, rates[PEAKS // 2])
    keep(rows)
    report.main()


def keep(rows: Sequence[Row]) -> None:
    """Write the rows beside the results."""
    text = json.dumps([report.rounded(asdict(row)) for row in rows], indent=1)
    report.PROFILES.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
