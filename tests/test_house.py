"""The house keeps its own rules: what lies at the top, how long files are, which facts agree."""

import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from slopec.cli import explain

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"slopec", "runtime", "models", "tests", "benchmarks", "docs"}
FILES = {"pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore", ".ci"}

CODE = re.compile(r"\bS0[1-6]\d\d\b")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_the_top_level_is_small():
    top = {path.parts[0] for path in tracked()}

    assert top <= ROOMS | FILES
    assert top >= FILES


def test_files_stay_readable():
    lengths = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n")
        for path in modules("slopec", "runtime/slopec_runtime")
    }

    too_long = {str(path): length for path, length in lengths.items() if length > 500}
    assert not too_long
    assert statistics.median(lengths.values()) <= 200


def test_every_kernel_is_in_the_table():
    folder = ROOT / "slopec" / "kernels"
    told = re.findall(r"`(\w+\.py)`", (folder / "README.md").read_text(encoding="utf-8"))
    there = {path.name for path in modules("slopec/kernels")} - {"__init__.py"}

    assert sorted(there - set(told)) == []


def test_versions_agree():
    slopec = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = tomllib.loads((ROOT / "runtime" / "pyproject.toml").read_text())["project"]

    assert slopec["version"] == runtime["version"]
    assert f"slopec-runtime=={runtime['version']}" in slopec["dependencies"]
    assert slopec["requires-python"] == runtime["requires-python"]
    assert slopec["version"] in (ROOT / "CHANGELOG.md").read_text()
    pins = [line for line in slopec["dependencies"] if line.startswith("iree-base-runtime")]
    assert pins == [line for line in runtime["dependencies"] if line.startswith("iree")]


def test_every_make_target_is_explained():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    documented = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert phony == documented


def test_every_error_code_is_explained_and_every_explanation_used():
    used = set()
    for path in modules("slopec", "runtime/slopec_runtime"):
        used |= set(CODE.findall(path.read_text(encoding="utf-8")))

    assert used == set(explain.titles())


def test_exit_codes_are_documented():
    from slopec.cli import EPILOG, errors

    values = {errors.OK, errors.PROGRAM, errors.USAGE, errors.BACK_END, errors.FILE}
    values |= {errors.INTERNAL, errors.INTERRUPTED, errors.TERMINATED}
    assert values == {int(number) for number in re.findall(r"^  (\d+) ", EPILOG, re.MULTILINE)}


def test_help_imports_no_command():
    program = (
        "import sys; from slopec.cli import main; main(['--help']);"
        "heavy = {'rich', 'iree.runtime', 'slopec.emit', 'slopec.train'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_quotes_the_table_of_ops() -> None:
    from tests.coverage_ops import table, totals

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"> {totals(table())}\n" in readme, "quote the last line of `make coverage-ops`"
