"""Modules as other programs write them become text that our MLIR reads.

Bytecode is read by IREE's tools in a process of their own: MLIR's reader trusts its input, and what
was damaged makes it hang or crash. A portable artifact (VHLO, StableHLO's serialization that keeps
across versions) is upgraded there too. Of JAX's text, annotations for partitioning are taken out.
"""

import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from slopec.diagnostics import UsageError

MAGIC = b"ML\xefR"
"""How MLIR bytecode begins."""

SECONDS = 60
"""How long a tool may take to read a module."""

_PORTABLE = b"StableHLO_v"
_UPGRADED = "vhlo-legalize-to-stablehlo"


def text_of(data: bytes, path: Path) -> str:
    """The module in `data`, which came from `path`, as text of StableHLO.

    Raises UsageError (S0433) for bytecode that is damaged or of dialects that are not known.
    """
    if data[:4] != MAGIC:
        text = data.decode("utf-8", errors="replace")
        if "vhlo." not in text:
            return _without_partitioning(text) if "sdy." in text else text
    with tempfile.TemporaryDirectory(prefix="slopec-") as folder:
        given = Path(folder) / "given.mlir"
        given.write_bytes(data)
        if _PORTABLE in data[:64] or data[:4] != MAGIC:
            return _upgraded(given, path)
        return _run("iree-opt", [str(given), "--mlir-print-debuginfo"], path)


def _upgraded(given: Path, path: Path) -> str:
    """A portable artifact as StableHLO: what IREE's importer has after the first of its steps."""
    steps = given.parent / "steps"
    options = (
        "--iree-input-type=vhlo",
        "--compile-to=input",
        "--mlir-disable-threading",
        "--mlir-print-ir-after-all",
        "--mlir-print-debuginfo",
        f"--mlir-print-ir-tree-dir={steps}",
    )
    problem = None
    try:
        _run("iree-compile", [str(given), *options, "-o", str(given.with_suffix(".out"))], path)
    except UsageError as error:
        # What IREE cannot compile may still be StableHLO that it upgraded.
        problem = error
    found = list(steps.rglob(f"*{_UPGRADED}.mlir"))
    if found:
        return found[0].read_text(encoding="utf-8")
    raise problem or _damaged("it is no portable artifact", path)


def _run(tool: str, arguments: list[str], path: Path) -> str:
    package = find_spec("iree.compiler")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0]) / "_mlir_libs"
    command = [str(folder / tool), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _damaged(f"it could not be read in {SECONDS} s", path) from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8", errors="replace")
    complaint = done.stderr.decode("utf-8", errors="replace")
    first = re.search(r"error: (.*)", complaint)
    raise _damaged(first[1] if first else f"{tool} crashed on it", path)


def _damaged(why: str, path: Path) -> UsageError:
    hint = "export it again"
    if "'sdy'" in why:
        hint = "pass the text, `exported.mlir_module()`, or export it without shardings"
    return UsageError("S0433", f"{path} is not a valid module: {why}", hint=hint)


# --- shardings -------------------------------------------------------------------------------

_MESH = re.compile(r"^\s*sdy\.mesh .*$", re.MULTILINE)
_CONSTRAINT = re.compile(
    r"= sdy\.sharding_constraint (%[\w#]+) <.*?> : (tensor<[^\n]*?>)(?= loc|$)", re.MULTILINE
)
_ATTRIBUTE = re.compile(r"sdy\.\w+ = #sdy\.\w+")


def _without_partitioning(text: str) -> str:
    """Text of JAX without Shardy's meshes, shardings and constraints, which are advice alone.

    >>> _without_partitioning("%1 = sdy.sharding_constraint %0 <@m, [{}]> : tensor<2xf32>")
    '%1 = stablehlo.reshape %0 : (tensor<2xf32>) -> tensor<2xf32>'
    >>> _without_partitioning('{sdy.sharding = #sdy.sharding<@m, [{"a"}, {}]>, jax.x = 1 : i32}')
    '{jax.x = 1 : i32}'
    >>> _without_partitioning("{sdy.sharding_rule = #sdy.op_sharding_rule<([i])->([j]), custom>}")
    '{}'
    """
    text = _MESH.sub("", text)
    text = _CONSTRAINT.sub(r"= stablehlo.reshape \1 : (\2) -> \2", text)
    found = _ATTRIBUTE.search(text)
    while found:
        end = _closing(text, found.end())
        before, after = text[: found.start()].rstrip(" "), text[end:]
        if after.startswith(", "):
            after = after[2:]
        elif before.endswith(","):
            before = before[:-1]
        separator = " " if before.endswith(",") else ""
        text = before + separator + after
        found = _ATTRIBUTE.search(text, len(before))
    return text


def _closing(text: str, start: int) -> int:
    """Where the `<…>` that begins at `start` ends; the arrow of a sharding rule closes nothing."""
    depth = 0
    for place in range(start, len(text)):
        is_arrow = text[place - 1 : place + 1] == "->"
        depth += 0 if is_arrow else {"<": 1, ">": -1}.get(text[place], 0)
        if depth == 0:
            return place + (text[place] == ">")
    return len(text)
