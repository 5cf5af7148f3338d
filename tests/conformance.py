"""`make conformance SUITE=…`: the Array API's own test suite, run on slopec.

SUITE is a checkout of `data-apis/array-api-tests` with its submodule. What slopec does differently
is listed in `conformance.toml` with the reason; those tests must fail and all others must pass,
else the command fails. `docs/conformance.md` gets the figures and the list.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "conformance.md"
EXAMPLES = 50

MODULE = "exec('import slopec as xp; xp.set_default_device(\"reference\")')"
"""What the suite tests: slopec, whose ops NumPy evaluates one by one."""

HELP = """\
error: the suite is not at hand
  note: `make conformance SUITE=…` runs a checkout of `data-apis/array-api-tests`
  hint: clone it with `--recurse-submodules`; what it requires is installed beside slopec
"""


@dataclass(frozen=True)
class Deviation:
    """Tests that slopec does not pass, and why."""

    why: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What became of one test: passed, deviates, skipped or failed, and what was said about it."""

    test: str
    outcome: str
    says: str


def deviations() -> list[Deviation]:
    """The list of `conformance.toml`."""
    with SOURCE.open("rb") as file:
        return [Deviation(d["why"], tuple(d["tests"])) for d in tomllib.load(file)["deviation"]]


def run(suite: Path, jobs: str) -> list[Result]:
    """Run the suite on slopec, the deviations being expected failures."""
    with tempfile.TemporaryDirectory() as folder:
        expected, report = Path(folder, "xfails.txt"), Path(folder, "report.xml")
        tests = [test for deviation in deviations() for test in deviation.tests]
        expected.write_text("".join(f"array_api_tests/{test}\n" for test in tests))
        paths = (str(ROOT), str(ROOT / "runtime"), os.environ.get("PYTHONPATH", ""))
        environment = os.environ | {
            "ARRAY_API_TESTS_MODULE": MODULE,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        options = ["-q", "-n", jobs, "-p", "no:warnings", "-p", "no:cacheprovider", "--tb=short"]
        options += [f"--max-examples={EXAMPLES}", "--hypothesis-derandomize", "--disable-deadline"]
        options += ["-o", "xfail_strict=true", f"--xfails-file={expected}", f"--junitxml={report}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", "array_api_tests", *options],
            cwd=suite,
            env=environment,
            check=False,
        )
        # Without a report pytest did not get as far as the tests, and has said why.
        return list(_results(report)) if report.exists() else []


def _results(report: Path) -> Iterator[Result]:
    for case in ET.parse(report).iter("testcase"):
        module, *inner = case.attrib["classname"].removeprefix("array_api_tests.").split(".")
        test = "::".join([f"{module}.py", *inner, case.attrib["name"]])
        bad = next(
            (case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None
        )
        if bad is not None:
            yield Result(test, "failed", bad.attrib.get("message", ""))
            continue
        left = case.find("skipped")
        if left is None:
            yield Result(test, "passed", "")
        else:
            kind = "deviates" if left.attrib["type"] == "pytest.xfail" else "skipped"
            yield Result(test, kind, left.attrib.get("message", ""))


def _commit(suite: Path) -> str:
    done = subprocess.run(
        ["git", "log", "-1", "--format=%h of %cs"],
        cwd=suite,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "an unknown version"


def document(results: list[Result], suite: str) -> str:
    """The text of the page."""
    import slopec

    count = Counter(result.outcome for result in results)
    deviating = "\n".join(f"| {_listed(d.tests)} | {d.why} |" for d in deviations())
    skipped = Counter(result.says for result in results if result.outcome == "skipped")
    left = "".join(f"- {times} tests: {why}\n" for why, times in skipped.items())
    return f"""\
# Conformance to the Array API

`make conformance SUITE=…` runs `data-apis/array-api-tests` on slopec, whose ops NumPy evaluates, and
writes this page. Version {slopec.__array_api_version__} of the standard, the suite's commit {suite},
up to {EXAMPLES} examples a test.

**{count["passed"]:,} passed, {count["deviates"]} failed as listed below, {count["skipped"]} skipped.**

## Deviations

| tests | why |
|---|---|
{deviating}

## Skipped

{left}"""


def _listed(tests: tuple[str, ...]) -> str:
    return ", ".join(f"`{test}`".replace("|", "\\|") for test in tests)


def main(arguments: list[str]) -> int:
    """Run the suite that an argument or ARRAY_API_TESTS names; 0 if all is as it is written."""
    named = (arguments[:1] or [os.environ.get("ARRAY_API_TESTS", "")])[0]
    suite = Path(named)
    if not named or not (suite / "array_api_tests").is_dir():
        print(HELP, end="", file=sys.stderr)
        return 2
    results = run(suite, os.environ.get("JOBS", "auto"))
    unexpected = [result for result in results if result.outcome == "failed"]
    for result in unexpected:
        print(f"unexpected: {result.test}: {result.says.splitlines()[:1]}", file=sys.stderr)
    if results and not unexpected:
        PAGE.write_text(document(results, _commit(suite)), encoding="utf-8")
    print(Counter(result.outcome for result in results))
    return 1 if unexpected or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
