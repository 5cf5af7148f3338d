"""Who may import which half of the compiler: finer than packages, which import-linter checks."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STANDARD = sys.stdlib_module_names

DOORS = {
    "iree.compiler.ir": {"slopec/ir.py", "slopec/dialects/"},
    "iree.compiler._mlir_libs": {"slopec/ir.py", "slopec/dialects/"},
    "iree.compiler.api": {"slopec/emit.py", "slopec/emit_library.py"},
    "iree.compiler": {
        "slopec/ir.py",
        "slopec/rewrite.py",
        "slopec/dialects/",
        "slopec/emit.py",
        "slopec/emit_library.py",
    },
}
"""For each module: the only files and folders that import it or what lies below it."""


def imported(path: Path) -> set[str]:
    """Every module a file names in an import, `from a import b` as both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("module", DOORS)
def test_a_module_is_imported_through_its_door_only(module):
    for path in sources("slopec", "runtime", "models"):
        place = path.relative_to(ROOT).as_posix()
        uses = any(name == module or name.startswith(f"{module}.") for name in imported(path))
        allowed = any(place == door or place.startswith(door) for door in DOORS[module])
        assert not uses or allowed, f"{place} imports {module}"


def test_the_runtime_imports_what_it_declares():
    allowed = ("iree.runtime.", "numpy.", "ml_dtypes.", "slopec_runtime.")
    for path in sources("runtime/slopec_runtime"):
        third_party = {n for n in imported(path) if n.partition(".")[0] not in STANDARD}
        foreign = {n for n in third_party if not f"{n}.".startswith(allowed)}
        assert not foreign - {"iree"}, f"{path.name} imports {', '.join(sorted(foreign))}"
