"""Measurements as Markdown: what `make bench` prints and what stands in `benchmarks/README.md`.

    python -m benchmarks.report     # write the tables again from the results kept

Tables stand between comments that name them; everything else in the file is left as it is.
"""

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.measure import Measurement, Spread
from benchmarks.programs import programs

HERE = Path(__file__).parent
README = HERE / "README.md"
RESULTS = HERE / "results"
THEIRS = [name for name in CONTENDERS if name != OURS]
_UNITS = ((1.0, "s", 1), (1e-3, "ms", 1), (1e-6, "µs", 0))


@dataclass(frozen=True)
class Report:
    """What is known of a device: the machine in a line, whose peaks, who lacks what, the rest."""

    machine: str
    peak: str
    rounds: int
    missing: Mapping[str, str]
    measurements: Mapping[str, Measurement]

    @classmethod
    def read(cls, path: Path) -> "Report":
        """From a file of results."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        found = {name: Measurement.read(row) for name, row in plain.pop("measurements").items()}
        return cls(**plain, measurements=found)

    def write(self, path: Path) -> None:
        """To a file, in the order of the programs' table; other programs' results stay there."""
        kept = Report.read(path).measurements if path.exists() else {}
        merged = {**kept, **self.measurements}
        rows = {name: rounded(merged[name].plain()) for name in programs() if name in merged}
        plain = {key: value for key, value in vars(self).items() if key != "measurements"}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**plain, "measurements": rows}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")

    def tables(self) -> dict[str, str]:
        """The tables by name."""
        rows = list(self.measurements.values())
        return {"speed": speed(rows, self.missing), "compilation": compilation(rows)}


def rounded(value: Any) -> Any:
    """Numbers to four digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    line = ["|---|" + "--:|" * (len(heads) - 1)]
    return (
        "\n".join(f"| {' | '.join(cells)} |" for cells in [heads])
        + "\n"
        + "\n".join([*line, *(f"| {' | '.join(cells)} |" for cells in rows)])
    )


def duration(value: float) -> str:
    """Seconds in a readable unit.

    >>> duration(0.0123), duration(4.5e-6)
    ('12.3 ms', '4 µs')
    """
    for size, unit, digits in _UNITS:
        if value >= size:
            return f"{value / size:.{digits}f} {unit}"
    return f"{value * 1e6:.1f} µs"


def amount(value: float, unit: str) -> str:
    """A number with a prefix.

    >>> amount(2.5e9, "FLOP"), amount(800.0, "B")
    ('2.5 GFLOP', '800 B')
    """
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def spread(value: Spread) -> str:
    """`1.20 (1.10–1.30)`: the median and the quartiles."""
    return f"{value.median:.2f} ({value.low:.2f}–{value.high:.2f})"


def speed(rows: Sequence[Measurement], missing: Mapping[str, str]) -> str:
    """Times theirs over ours by program, with the fraction of the roofline; failures below."""
    titles = {name: program.title for name, program in programs().items()}
    present = [
        name for name in THEIRS if any(name in row.ratios or name in row.failures for row in rows)
    ]
    notes: list[str] = []
    lines = []
    for row in rows:
        cost = row.facts.get(OURS, {})
        cells = [titles[row.program], _time(row, notes)]
        cells += [_ratio(row, name, notes) for name in present]
        cells += [amount(cost.get("flops", 0.0), "FLOP"), amount(cost.get("moved", 0.0), "B")]
        cells.append("" if row.bound is None else f"{row.bound.median:.0%}")
        lines.append(cells)
    means = [
        _mean(row.ratios[name].median for row in rows if name in row.ratios) for name in present
    ]
    lines.append(["**geometric mean**", "", *means, "", "", ""])
    heads = ["program", "slopec", *(f"{CONTENDERS[name].title} ÷" for name in present)]
    text = table([*heads, "work", "data", "of the bound"], lines)
    notes += [f"{CONTENDERS[name].title}: not measured, {why}" for name, why in missing.items()]
    return "\n".join([text, "", *(f"- {note}" for note in notes)]).rstrip()


def _time(row: Measurement, notes: list[str]) -> str:
    if OURS in row.seconds:
        return duration(row.seconds[OURS].median)
    return _failed(row, OURS, notes)


def _ratio(row: Measurement, name: str, notes: list[str]) -> str:
    if name in row.ratios:
        return spread(row.ratios[name])
    if name in row.seconds:
        return duration(row.seconds[name].median)
    return _failed(row, name, notes) if name in row.failures else "–"


def _failed(row: Measurement, name: str, notes: list[str]) -> str:
    notes.append(f"{CONTENDERS[name].title}, {row.program}: {row.failures.get(name, 'not run')}")
    return "failed"


def _mean(ratios: Iterable[float]) -> str:
    found = list(ratios)
    return f"**{statistics.geometric_mean(found):.2f}**" if found else ""


def compilation(rows: Sequence[Measurement]) -> str:
    """What it takes to get a program and to hold it."""
    present = [name for name in THEIRS if any(name in row.facts for row in rows)]
    lines = []
    for row in rows:
        ours = row.facts.get(OURS)
        if ours is None:
            continue
        cells = [row.program, f"{ours['ops']:.0f}"]
        cells += [duration(ours[part]) for part in ("trace", "derive", "passes", "iree")]
        cold = ours["trace"] + ours["passes"] + ours["iree"]
        cells += [duration(cold), duration(ours["again"])]
        for name in ("jax", "torch-compile"):
            theirs = row.facts.get(name)
            cells.append("–" if theirs is None else duration(theirs["compile"]))
        cells += [amount(ours["size"], "B"), duration(ours["load"]), amount(ours["memory"], "B")]
        cells += [_memory(row, name) for name in present if name in ("jax", "torch")]
        lines.append(cells)
    heads = ["program", "ops", "trace", "(derive)", "passes", "IREE", "in all", "again"]
    heads += ["JAX", "torch.compile", "artifact", "load", "memory"]
    heads += [f"{CONTENDERS[name].title}'s" for name in present if name in ("jax", "torch")]
    return table(heads, lines)


def _memory(row: Measurement, name: str) -> str:
    facts = row.facts.get(name)
    return "–" if facts is None else amount(facts["memory"], "B")


def written(text: str, tables: Mapping[str, str]) -> str:
    """The text with the tables between their comments replaced."""
    for name, content in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda match, new=content: f"{match[1]}\n{new}\n\n{match[2]}", text)
    return text


def renewed(text: str) -> str:
    """The README's text with the tables of all results kept."""
    for path in sorted(RESULTS.glob("*.json")):
        report = Report.read(path)
        tables = {f"{path.stem} {name}": body for name, body in report.tables().items()}
        machine = f"{report.machine}; the peak by {report.peak}; {report.rounds} rounds."
        text = written(text, {**tables, f"{path.stem} machine": machine})
    return text


def main() -> None:
    """Write the tables into the README."""
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
