"""`make coverage-ops`: each StableHLO and CHLO op with what transforms and the evaluator know."""

from collections import Counter
from typing import NamedTuple

from slopec import reference
from slopec.dialects import chlo, stablehlo
from slopec.transforms.batch_rule import batch_rules
from slopec.transforms.rule import rewrites, verdicts

_SHARED = ("chlo.constant", "stablehlo.constant", "stablehlo.iota")
"""Ops without operands, which are the same for a whole batch."""


class Row(NamedTuple):
    """What is known about one op."""

    verdict: str
    """Of differentiation: derivative, constant, rewritten, unsupported, or none."""
    jvp: str
    vjp: str
    vmap: str
    evaluated: str


def table() -> dict[str, Row]:
    """The row of every op of both dialects."""
    known = verdicts()
    batched = {*batch_rules(), *rewrites(), *_SHARED}
    rows = {}
    for name in (*stablehlo.OPERANDS, *chlo.OPERANDS):
        verdict = known.get(name, "none")
        derived = {"derivative": "yes", "rewritten": "yes", "constant": "zero"}.get(verdict, "no")
        evaluated = "yes" if name in reference.SUPPORTED else "no"
        rows[name] = Row(verdict, derived, derived, "yes" if name in batched else "no", evaluated)
    return rows


def main() -> None:
    """Print the table in Markdown, then the totals."""
    rows = table()
    heads = ("op", *Row._fields)
    widths = [max(map(len, column)) for column in zip(heads, *_cells(rows), strict=True)]

    def line(cells: tuple[str, ...]) -> str:
        padded = (f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    print(line(heads))
    print(line(tuple("-" * width for width in widths)))
    for cells in _cells(rows):
        print(line(cells))
    verdicts_found = Counter(row.verdict for row in rows.values())
    shown = ", ".join(f"{verdict} {count}" for verdict, count in sorted(verdicts_found.items()))
    totals = ", ".join(
        f"{name} {sum(getattr(row, name) != 'no' for row in rows.values())}"
        for name in Row._fields[1:]
    )
    print(f"\n{len(rows)} ops: {shown}; {totals}")


def _cells(rows: dict[str, Row]) -> list[tuple[str, ...]]:
    return [(name, *row) for name, row in rows.items()]


if __name__ == "__main__":
    main()
