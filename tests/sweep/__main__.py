"""`make sweep`: run every case of every family, or of those that are named, and print the table."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.sweep.families import FAMILIES, cases_of
from tests.sweep.harness import VERDICTS, Verdict, sweep

README = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- table -->\n", "<!-- end -->\n"


def table(found: Mapping[str, Sequence[Verdict]]) -> str:
    """Verdicts counted by family, as Markdown."""
    lines = [f"| family | cases | {' | '.join(VERDICTS)} | as they should be |"]
    lines.append("|---|" + "--:|" * (len(VERDICTS) + 2))
    rows = dict(found)
    rows["**all**"] = [verdict for verdicts in found.values() for verdict in verdicts]
    for family, verdicts in rows.items():
        counts = Counter(verdict.kind for verdict in verdicts)
        good = sum(verdict.good for verdict in verdicts)
        cells = " | ".join(str(counts[kind]) for kind in VERDICTS)
        lines.append(f"| {family} | {len(verdicts)} | {cells} | {good} |")
    return "\n".join(lines) + "\n"


MEASURED = ("unary", "powers", "functions", "complexes")
"""The families whose functions are rounded, and not exact."""
_TYPES = ("bfloat16", "float16", "float32", "float64", "complex64", "complex128")


def accuracy(found: Mapping[str, Sequence[Verdict]]) -> str:
    """The largest error of each function by element type, in ulps, as Markdown."""
    worst: dict[str, dict[str, float]] = {}
    for family in MEASURED:
        for verdict in found.get(family, ()):
            row = worst.setdefault(verdict.case.op, {})
            name = verdict.case.arguments[0].dtype.name
            row[name] = max(row.get(name, 0.0), verdict.ulps)
    lines = [f"| function | {' | '.join(_TYPES)} |", "|---|" + "--:|" * len(_TYPES)]
    for op, row in worst.items():
        cells = [f"{row[name]:.2f}" if name in row else "" for name in _TYPES]
        lines.append(f"| {op} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" if worst else ""


def write(text: str) -> None:
    """Put the table where the README has it."""
    page = README.read_text(encoding="utf-8")
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    README.write_text(f"{head}{_BEGIN}{text}{_END}{tail}", encoding="utf-8")


def main() -> int:
    """Run, print, and, when all families ran, write the table into the README."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="; ".join(FAMILIES))
    parser.add_argument("--ops", default="", help="only these ops, separated by commas")
    parser.add_argument("--target", default="llvm-cpu")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument(
        "--all", action="store_true", help="list right cases and errors in ulps too"
    )
    given = parser.parse_args()
    ops = set(filter(None, given.ops.split(",")))
    found = {}
    for family in given.families or FAMILIES:
        cases = [case for case in cases_of(family) if not ops or case.op in ops]
        found[family] = sweep(cases, target=given.target, jobs=given.jobs)
        for verdict in found[family]:
            if given.all or not verdict.good:
                ulps = f"{verdict.ulps:8.2f}" if verdict.kind in ("right", "wrong") else " " * 8
                print(f"{verdict.kind:8}{ulps}  {verdict.case.name}: {verdict.detail}", flush=True)
    text = "\n".join(filter(None, (table(found), accuracy(found))))
    print(text)
    if not given.families and not ops and given.target == "llvm-cpu":
        write(text)
    return not all(verdict.good for verdicts in found.values() for verdict in verdicts)


if __name__ == "__main__":
    sys.exit(main())
