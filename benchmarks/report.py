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

from benchmarks import growth
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.measure import Measurement, Spread, cold
from benchmarks.programs import programs
from benchmarks.tables import amount, duration, rounded, table

HERE = Path(__file__).parent
README = HERE / "README.md"
RESULTS = HERE / "results"
PROFILES = RESULTS / "cpu-profiles.json"
CALL = "call"
"""The program that measures what a call costs; it counts in no mean."""
THEIRS = [name for name in CONTENDERS if name != OURS]


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
        _mean(row.ratios[name].median for row in rows if name in row.ratios and row.program != CALL)
        for name in present
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
        cells += [duration(cold(ours)), duration(ours["again"])]
        for name in ("jax", "torch-compile"):
            theirs = row.facts.get(name)
            cells.append("–" if theirs is None else duration(theirs["compile"]))
        cells.append("–" if row.compilation is None else spread(row.compilation))
        cells += [amount(ours["size"], "B"), duration(ours["load"]), amount(ours["memory"], "B")]
        cells += [_memory(row, name) for name in present if name in ("jax", "torch")]
        lines.append(cells)
    heads = ["program", "ops", "trace", "(derive)", "passes", "IREE", "in all", "again"]
    heads += ["JAX", "torch.compile", "JAX ÷", "artifact", "load", "memory"]
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


def growth_of(device: str) -> Path:
    """Where the curves of a device are kept."""
    return RESULTS / f"{device}-growth.json"


def renewed(text: str) -> str:
    """The README's text with the tables of all results kept."""
    for device in ("cpu", "cuda"):
        path = RESULTS / f"{device}.json"
        if path.exists():
            report = Report.read(path)
            tables = {f"{device} {name}": body for name, body in report.tables().items()}
            machine = f"{report.machine}; the peak by {report.peak}; {report.rounds} rounds."
            text = written(text, {**tables, f"{device} machine": machine})
        curves = growth.read(growth_of(device))
        if curves:
            pictures = dict.fromkeys(curve.program for curve in curves)
            links = " · ".join(f"[{name}](plots/{device}/{name}.png)" for name in pictures)
            body = f"{growth.growth_table(curves)}\n\nPlots: {links}"
            text = written(text, {f"{device} growth": body})
    if PROFILES.exists():
        rows = json.loads(PROFILES.read_text(encoding="utf-8"))
        text = written(text, {"cpu profiles": profiles(rows)})
    return text


def profiles(rows: Sequence[Mapping[str, Any]]) -> str:
    """The dearest dispatches of the programs at which slopec is behind."""
    lines = [
        [
            row["program"],
            f"`{row['dispatch']}`",
            f"{row['runs']:g}",
            f"{row['share']:.0%}",
            f"{row['cores']:.1f}",
            f"{row['peak']:.0%}" if row["peak"] else "",
        ]
        for row in rows
    ]
    return table(["program", "dispatch", "runs", "share", "cores", "of the peak"], lines)


def main() -> None:
    """Write tables and plots of what is kept."""
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
    for device in ("cpu", "cuda"):
        growth.plot(growth.read(growth_of(device)), HERE / "plots" / device)


if __name__ == "__main__":
    main()
