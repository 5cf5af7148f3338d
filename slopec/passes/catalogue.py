"""The documentation of passes and patterns, made from their docstrings: `README.md` beside this.

`python -m slopec.passes.catalogue` writes it anew; a test fails when it is out of date.
"""

import inspect
from dataclasses import MISSING
from itertools import groupby
from pathlib import Path
from sys import modules

from slopec.passes.absorb_scales import AbsorbScales
from slopec.passes.base import PASSES, find, options
from slopec.passes.channels_last import ChannelsLast
from slopec.passes.contract_convolutions import ContractConvolutions
from slopec.passes.pattern import Pattern
from slopec.passes.simplify import all_patterns
from slopec.passes.split_sums import SplitSums

README = Path(__file__).with_name("README.md")
MARKS = {"nothing": "", "rounding": "rounding", "zero sign": "±0", "special values": "fast-math"}

INTRODUCTION = """\
# Passes

`slopec opt FILE.mlir -p 'derive,simplify{max-iterations=4},cse'` runs a pipeline of them.

A pass is a frozen dataclass in a file of its own name, with a line in `base.py`; its fields are its
options. `pipeline.py` reads and runs pipelines, observers (`observe.py`) see every pass. `make
patterns` writes this page from the docstrings.

| pass | options | what it does |
|---|---|---|
"""

PATTERNS = """
## The patterns of `simplify`

A pattern is a function in a file of its family, written in StableHLO on tensors (`pattern.py` says
how); `tests/passes/examples/` has what each makes of what. The third column says what a pattern may
change beside the form: nothing, not a bit, unless

- **rounding**: StableHLO leaves it open (the order in which sums and products combine elements, how
  exactly `power` and `rsqrt` round), and the pattern uses that;
- **±0**: a zero may change its sign; these run with `signed-zeros=false`;
- **fast-math**: NaN, infinities, overflow and any rounding may change; these run with
  `fast-math=true`.
"""

OTHERS = """
## The patterns of other passes

`first` and `last` are transposes that put the features first, after the samples, and last.
"""
LATER = (AbsorbScales, ChannelsLast, ContractConvolutions, SplitSums)


def document() -> str:
    """The text of the page."""
    rows = "".join(_pass_row(name) for name in PASSES)
    families = "".join(
        _family(name, list(patterns))
        for name, patterns in groupby(all_patterns(), key=lambda pattern: pattern.family)
    )
    later = "".join(_family(p.name, list(modules[p.__module__].PATTERNS)) for p in LATER)
    return INTRODUCTION + rows + PATTERNS + families + OTHERS + later


def _pass_row(name: str) -> str:
    known = options(find(name)).values()
    taken = ", ".join(
        f"`{o.spelling}={_shown(o.default)}`" if o.default else f"`{o.spelling}`" for o in known
    )
    return f"| `{name}` | {taken} | {_summary(find(name))} |\n"


def _shown(default: object) -> str:
    if default is MISSING:
        return "…"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _summary(thing: object) -> str:
    """The first line of a docstring, safe in a table."""
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("|", "\\|")


def _family(name: str, patterns: list[Pattern]) -> str:
    title = _summary(modules[patterns[0].rewrite.__module__])
    head = "| pattern | rewrite | may change | where |\n|---|---|---|---|\n"
    rows = "".join(_pattern_row(pattern) for pattern in patterns)
    return f"\n### {name}\n\n{title}\n\n{head}{rows}"


def _pattern_row(pattern: Pattern) -> str:
    doc = inspect.getdoc(pattern.rewrite) or ""
    where = " ".join(doc.partition("\n")[2].split()).rstrip(".")
    header = pattern.header.replace("|", "\\|")
    cells = (f"`{pattern.name}`", header, MARKS[pattern.changes], where.replace("|", "\\|"))
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    README.write_text(document(), encoding="utf-8")
