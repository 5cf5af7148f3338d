"""`make coverage-ops`: each StableHLO and CHLO op with what transforms, evaluator and IREE know."""

from collections import Counter
from typing import NamedTuple

from slopec import emit, ir, reference
from slopec.build import DERIVE, LEGALIZE, OPTIMIZE
from slopec.diagnostics import SlopecError
from slopec.dialects import calls, chlo, stablehlo
from slopec.passes import parse_pipeline, run_pipeline
from slopec.targets import parse_target
from slopec.transforms.batch_rule import batch_rules
from slopec.transforms.rule import rewrites, verdicts

_SHARED = ("chlo.constant", "stablehlo.constant", "stablehlo.iota")
"""Ops without operands, which are the same for a whole batch."""

SECONDS = 30.0
"""How long IREE may take for the program of one op."""


class Row(NamedTuple):
    """What is known about one op."""

    verdict: str
    """Of differentiation: derivative, constant, rewritten, unsupported, or none."""
    jvp: str
    vjp: str
    vmap: str
    evaluated: str


def table() -> dict[str, Row]:
    """The row of every op of both dialects, and of every call that slopec defines."""
    known = verdicts()
    batched = {*batch_rules(), *rewrites(), *_SHARED}
    rows = {}
    for name in (*stablehlo.OPERANDS, *chlo.OPERANDS, *calls.OPERANDS):
        verdict = known.get(name, "none")
        derived = {"derivative": "yes", "rewritten": "yes", "constant": "zero"}.get(verdict, "no")
        evaluated = "yes" if name in reference.SUPPORTED else "no"
        rows[name] = Row(verdict, derived, derived, "yes" if name in batched else "no", evaluated)
    return rows


def totals(rows: dict[str, Row]) -> str:
    """The table in one line."""
    found = Counter(row.verdict for row in rows.values())
    kinds = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.items()))
    columns = ", ".join(
        f"{name} {sum(getattr(row, name) != 'no' for row in rows.values())}"
        for name in Row._fields[1:]
    )
    return f"{len(rows)} ops: {kinds}; {columns}"


def compiled(names: list[str]) -> dict[str, str]:
    """Whether IREE compiles a program with each op for the CPU, after slopec's passes.

    The programs are the cases of the derivative rules, the smallest that holds the op; for ops
    that none of them holds the answer is a dash.
    """
    from tests.transforms.cases import every
    from tests.transforms.harness import parsed

    smallest: dict[str, str] = {}
    for case in sorted(every().values(), key=lambda case: len(case.text)):
        for name in _ops(parsed(case.text)):
            smallest.setdefault(name, case.text)
    return {name: _compiles(smallest.get(name)) for name in names}


def _ops(module: ir.Module) -> set[str]:
    return set(map(ir.kind_of, ir.ops_in(module)))


def _compiles(text: str | None) -> str:
    if text is None:
        return "–"
    from tests.transforms.harness import parsed

    module = parsed(text)
    try:
        for passes in (DERIVE, OPTIMIZE, LEGALIZE):
            run_pipeline(module, parse_pipeline(passes))
        options = emit.EmitOptions(timeout=SECONDS)
        emit.emit(ir.bytecode(module), parse_target("llvm-cpu"), options=options)
    except SlopecError as error:
        return error.code
    return "yes"


def main() -> None:
    """Print the table in Markdown, then the totals."""
    rows = table()
    on_cpu = compiled(list(rows))
    heads = ("op", *Row._fields, "llvm-cpu")
    lines = [(name, *row, on_cpu[name]) for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    for cells in (heads, tuple("-" * width for width in widths), *lines):
        padded = (f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        print(f"| {' | '.join(padded)} |")
    answers = Counter(on_cpu.values())
    print(
        f"\n{totals(rows)}; of {len(rows) - answers['–']} ops in the tests' programs llvm-cpu "
        f"compiles {answers['yes']}"
    )


if __name__ == "__main__":
    main()
