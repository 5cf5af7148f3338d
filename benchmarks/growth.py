"""How time and compilation grow with depth, batch and sequence: points, tables and plots.

A program is measured at every value of a size that it lists in `grows`, the other sizes as usual.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.measure import Bench, cold
from benchmarks.programs import Program, programs
from benchmarks.tables import duration, rounded, table

COLOURS = {OURS: "#c0392b", "jax": "#2c6fbb", "torch": "#e08e0b", "torch-compile": "#7a5aa6"}


@dataclass(frozen=True)
class Curve:
    """One size of a program: values, and at each the seconds of a call and of a compilation."""

    program: str
    size: str
    values: Sequence[int]
    seconds: Mapping[str, Sequence[float | None]]
    compilation: Mapping[str, Sequence[float | None]]

    def exponent(self, name: str) -> float | None:
        """The slope between the ends on logarithmic scales: 1 is proportional growth."""
        known = [(x, y) for x, y in zip(self.values, self.seconds[name], strict=True) if y]
        if len(known) < 2:
            return None
        (x, y), (x2, y2) = known[0], known[-1]
        return math.log(y2 / y) / math.log(x2 / x)


def curves(bench: Bench, program: Program) -> Iterator[Curve]:
    """Measure a program along each of its sizes."""
    known: dict[int, Any] = {}
    for size, values in program.grows.items():
        rows = []
        for value in values:
            usual = value == program.sizes[size]
            row = known.get(value) if usual and value in known else None
            row = row or bench.measure(program.sized(**{size: value}))
            if usual:
                known[value] = row
            rows.append(row)
        names = [name for name in bench.names if any(name in row.seconds for row in rows)]
        yield Curve(
            program.name,
            size,
            values,
            {
                n: [row.seconds[n].median if n in row.seconds else None for row in rows]
                for n in names
            },
            {n: [_compilation(row.facts.get(n)) for row in rows] for n in names},
        )


def _compilation(facts: Mapping[str, float] | None) -> float | None:
    if facts is None:
        return None
    return cold(facts) if "iree" in facts else facts["compile"]


def read(path: Path) -> list[Curve]:
    """The curves kept in a file."""
    if not path.exists():
        return []
    return [Curve(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def write(found: Sequence[Curve], path: Path) -> None:
    """Keep curves in a file, beside those of other programs."""
    new = {curve.program for curve in found}
    merged = [curve for curve in read(path) if curve.program not in new] + list(found)
    merged.sort(key=lambda curve: list(programs()).index(curve.program))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([rounded(asdict(curve)) for curve in merged], indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def growth_table(found: Sequence[Curve]) -> str:
    """A line per program and size: our times, and the exponents of all."""
    names = [name for name in CONTENDERS if any(name in curve.seconds for curve in found)]
    rows = []
    for curve in found:
        times = ", ".join("–" if s is None else duration(s) for s in curve.seconds.get(OURS, []))
        exponents = [curve.exponent(name) if name in curve.seconds else None for name in names]
        cells = ["–" if value is None else f"{value:.2f}" for value in exponents]
        values = ", ".join(map(str, curve.values))
        rows.append([f"{curve.program}, {curve.size} {values}", times, *cells])
    return table(["program and size", OURS, *(CONTENDERS[n].title for n in names)], rows)


def plot(found: Sequence[Curve], folder: Path) -> list[Path]:
    """A picture per program, if matplotlib is installed."""
    if find_spec("matplotlib") is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    groups = dict.fromkeys(curve.program for curve in found)
    return [
        _picture([curve for curve in found if curve.program == name], folder / f"{name}.png")
        for name in groups
    ]


def _picture(group: Sequence[Curve], path: Path) -> Path:
    """Times above, compilation below, a column per size."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    width = 3.4 * len(group)
    figure, grid = plt.subplots(2, len(group), figsize=(width, 5), squeeze=False)
    for column, curve in enumerate(group):
        for row, lines in enumerate((curve.seconds, curve.compilation)):
            axes = grid[row][column]
            for name, line in lines.items():
                known = [(x, y) for x, y in zip(curve.values, line, strict=True) if y and y > 0]
                if known:
                    colour = COLOURS.get(name, "gray")
                    axes.plot(*zip(*known, strict=True), "o-", label=name, color=colour)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xticks(curve.values, map(str, curve.values))
            axes.minorticks_off()
            axes.grid(alpha=0.3)
        grid[1][column].set_xlabel(curve.size)
    grid[0][0].set_ylabel("seconds per call")
    grid[1][0].set_ylabel("seconds to compile")
    grid[0][0].legend(fontsize="small")
    figure.suptitle(programs()[group[0].program].title, fontsize="medium")
    figure.tight_layout()
    figure.savefig(path, dpi=72)
    plt.close(figure)
    return path
