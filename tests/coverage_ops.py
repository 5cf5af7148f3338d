"""`make coverage-ops`: each StableHLO and CHLO op with what transforms and the evaluator know."""

from collections import Counter

from slopec import reference
from slopec.dialects import chlo, stablehlo
from slopec.transforms.rule import verdicts


def table() -> dict[str, tuple[str, str]]:
    """For each op: the verdict of differentiation, and whether the reference evaluates it."""
    known = verdicts()
    return {
        name: (known.get(name, "none"), "yes" if name in reference.SUPPORTED else "no")
        for name in (*stablehlo.OPERANDS, *chlo.OPERANDS)
    }


def main() -> None:
    """Print the table in Markdown, then the totals."""
    rows = table()
    width = max(map(len, rows))
    print(f"| {'op':{width}} | derivative  | evaluated |")
    print(f"|{'-' * (width + 2)}|-------------|-----------|")
    for name, (verdict, evaluated) in rows.items():
        print(f"| {name:{width}} | {verdict:11} | {evaluated:9} |")
    verdict_totals = Counter(verdict for verdict, _ in rows.values())
    evaluated_total = sum(evaluated == "yes" for _, evaluated in rows.values())
    shown = ", ".join(f"{verdict} {count}" for verdict, count in sorted(verdict_totals.items()))
    print(f"\n{len(rows)} ops: {shown}; evaluated {evaluated_total}")


if __name__ == "__main__":
    main()
