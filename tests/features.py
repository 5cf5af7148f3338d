"""`make features`: what people expect of slopec, who serves it, which tests prove it.

`features.toml` holds a line per feature: `by` names what serves it, `tests` the tests that prove
it, `why` the reason where nothing does. Its tables are the headings of `docs/features.md`, which
this writes.

`by` is a public name below `slopec` (`nn.Linear`), one of `slopec_runtime`, a command with its
options (`slopec opt -p cse`), a target of make, or a file. `tests` are test ids below `tests/`; in
the brackets of a parametrised test `*` stands for anything and `|` for a choice.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "features.md"

INTRODUCTION = """\
# Features

What people expect of a framework for differentiable programs, who serves it here, and the tests
that prove it. `make features` writes this page from `tests/features.toml`; a test holds that every
name exists, that every test is collected, and that this page is up to date. Names without a prefix
are below `slopec`, tests below `tests/`.

"""


@dataclass(frozen=True)
class Feature:
    """One line of the table."""

    says: str
    by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    why: str = ""

    @property
    def status(self) -> str:
        if not self.by:
            return "missing"
        return "tested" if self.tests else "untested"


def features() -> dict[str, list[Feature]]:
    """The lines below their headings."""
    with SOURCE.open("rb") as file:
        sections = tomllib.load(file)
    return {title: [_feature(*line) for line in lines.items()] for title, lines in sections.items()}


def _feature(says: str, facts: dict[str, object]) -> Feature:
    known = {"by": (), "tests": (), "why": ""}
    unknown = set(facts) - set(known)
    if unknown:
        raise ValueError(f"{says}: unknown keys {unknown}")
    by, tests, why = (facts.get(key, default) for key, default in known.items())
    return Feature(says, tuple(by), tuple(tests), str(why))


# --- do the names exist? ---------------------------------------------------------------------


def is_there(name: str) -> bool:
    """Whether a name of a `by` list is that of something."""
    if name.startswith("make "):
        return re.search(rf"^{name[5:]}:.*##", (ROOT / "Makefile").read_text(), re.M) is not None
    if name.startswith("slopec "):
        return _is_command(name.split()[1:])
    if "/" in name:
        return (ROOT / name).exists()
    return _is_object(name if name.startswith("slopec_runtime") else f"slopec.{name}")


def _is_command(words: list[str]) -> bool:
    from slopec.cli.group import SUMMARIES
    from slopec.passes import PASSES

    command, *options = words
    if command not in SUMMARIES:
        return False
    parameters = import_module(f"slopec.cli.{command}").command.params
    spelled = {option for parameter in parameters for option in parameter.opts}
    if options[:1] == ["-p"]:
        return set(options[1].split(",")) <= set(PASSES)
    return {option for option in options if option.startswith("-")} <= spelled


def _is_object(path: str) -> bool:
    """Whether attributes, and submodules that nobody imported yet, lead to `path`."""
    head, *names = path.split(".")
    found = import_module(head)
    for name in names:
        head = f"{head}.{name}"
        try:
            found = getattr(found, name)
        except AttributeError:
            try:
                found = import_module(head)
            except ImportError:
                return False
    return True


# --- are the tests there? --------------------------------------------------------------------


@cache
def collected(files: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the tests in files below `tests/`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        + [f"tests/{file}" for file in files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    ids = tuple(line[6:] for line in done.stdout.splitlines() if line.startswith("tests/"))
    if done.returncode:
        raise RuntimeError(f"pytest cannot collect the tests:\n{done.stdout[-2000:]}{done.stderr}")
    return ids


def proofs(lines: Iterable[Feature]) -> dict[str, list[str]]:
    """The ids of collected tests behind every pattern of the lines; none where nothing fits."""
    wanted = sorted({test for line in lines for test in line.tests})
    files = tuple(sorted({test.partition("::")[0] for test in wanted}))
    by_function: dict[str, list[str]] = {}
    for test in collected(tuple(file for file in files if (ROOT / "tests" / file).exists())):
        by_function.setdefault(test.partition("[")[0], []).append(test)
    return {test: list(_fitting(test, by_function)) for test in wanted}


def _fitting(test: str, by_function: dict[str, list[str]]) -> Iterator[str]:
    function, _, choices = test.partition("[")
    found = by_function.get(function, [])
    if not choices:
        yield from found
    for choice in choices.removesuffix("]").split("|") if choices else ():
        wanted = re.compile(re.escape(choice).replace(r"\*", ".*"))
        fitting = [x for x in found if wanted.fullmatch(x[len(function) + 1 : -1])]
        if not fitting:
            return
        yield from fitting


# --- the page --------------------------------------------------------------------------------


def totals(lines: list[Feature]) -> str:
    """How many features are tested, untested and missing."""
    count = dict.fromkeys(("tested", "untested", "missing"), 0)
    for line in lines:
        count[line.status] += 1
    return (
        f"{len(lines)} features: {count['tested']} tested, {count['untested']} there but untested, "
        f"{count['missing']} missing"
    )


def document() -> str:
    """The text of the page."""
    sections = features()
    everything = [line for lines in sections.values() for line in lines]
    text, number = f"{INTRODUCTION}**{totals(everything)}.**\n", 0
    for title, lines in sections.items():
        text += f"\n## {title}\n\n| # | feature | by | proved by |\n|---|---|---|---|\n"
        for line in lines:
            number += 1
            text += f"| {number} | {line.says} | {_by(line)} | {_proved(line)} |\n"
    return text


def _by(line: Feature) -> str:
    names = ", ".join(f"`{name}`" for name in line.by) or "**missing**"
    return f"{names}: {line.why}" if line.why else names


def _proved(line: Feature) -> str:
    if not line.by:
        return ""
    return ", ".join(f"`{_escaped(test)}`" for test in line.tests) or "**untested**"


def _escaped(test: str) -> str:
    return test.replace("|", "\\|")


def main() -> None:
    """Write the page; print the totals, and how many test cases stand behind them."""
    PAGE.write_text(document(), encoding="utf-8")
    lines = [line for lines in features().values() for line in lines]
    cases = {case for found in proofs(lines).values() for case in found}
    print(f"{totals(lines)}; {len(cases)} test cases prove them")


if __name__ == "__main__":
    main()
