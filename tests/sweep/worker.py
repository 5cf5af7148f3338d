"""The sweep's child process: compiles cases together, runs them one by one, tells what became of each.

Programs that cannot be compiled are found by halving. The one whose run kills this process is the
one that was announced and not reported.
"""

import pickle
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slopec import ir
from slopec.build import build
from slopec.diagnostics import SlopecError
from slopec.emit import EmitOptions
from slopec.foreign import parse_module
from slopec.imported import lower_file
from slopec.lower import Lowered
from slopec.sizing import is_open, sized
from slopec.targets import parse_target
from slopec_runtime.errors import Error

PATIENCE = 60.0
"""Seconds that a compilation may take, and a tenth of them more for each case in it."""

Report = tuple[Any, ...]


@dataclass(frozen=True)
class Job:
    """One program: its number, its text, the arguments of its function `main`."""

    number: int
    text: str
    arguments: tuple[np.ndarray, ...]


Runner = Callable[[Job], Sequence[np.ndarray]]
"""Runs one of the programs that were compiled together."""


def run(
    jobs: Sequence[Job], compiled: Callable[[Sequence[Job]], Runner], tell: Callable[[Report], None]
) -> None:
    """Compile and run programs; `tell` takes reports, each with the number of its program.

    The reports: ("started", n), then ("done", n, results); or ("refused", n, code, message), where
    slopec raises an error, or ("fault", n, text), where it raises anything else.
    """
    try:
        results_of = compiled(jobs)
    except Exception as error:
        if len(jobs) == 1:
            tell(_failure(jobs[0].number, error))
            return
        half = len(jobs) // 2
        run(jobs[:half], compiled, tell)
        run(jobs[half:], compiled, tell)
        return
    for job in jobs:
        tell(("started", job.number))
        try:
            tell(("done", job.number, list(results_of(job))))
        except Exception as error:
            tell(_failure(job.number, error))


def compile_together(jobs: Sequence[Job], target: str) -> Runner:
    """One artifact in which every program is an entry, built as `slopec compile` builds a file.

    What is compiled for a GPU is not run: it has no results.
    """
    options = EmitOptions(timeout=PATIENCE * (1 + len(jobs) / 10))
    (artifact,) = build(
        lowered(jobs), [parse_target(target)], options=options, carry_stablehlo=False
    )
    if "local-sync" not in artifact.target.drivers:
        return lambda job: ()
    program = artifact.load("local-sync")

    def results_of(job: Job) -> list[np.ndarray]:
        result = program[entry_name(job)](*job.arguments)
        return [array.numpy() for array in (result if isinstance(result, tuple) else (result,))]

    return results_of


def entry_name(job: Job) -> str:
    """What the function `main` of a program is called among others."""
    return f"case{job.number}"


def lowered(jobs: Sequence[Job]) -> Lowered:
    """A module in which every program is an entry."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        path = Path(folder) / "sweep.mlir"
        path.write_text("\n".join(map(_functions, jobs)), encoding="utf-8")
        return lower_file(path, None)


def _functions(job: Job) -> str:
    """The functions of a program under names of its own, `main` as the entry."""
    text = job.text
    for name in set(re.findall(r"func\.func (?:public |private )?@([\w.$-]+)", text)):
        own = entry_name(job) if name == "main" else f"{entry_name(job)}.{name}"
        text = re.sub(rf"@{re.escape(name)}(?![\w.$-])", f"@{own}", text)
    module = parse_module(text.encode(), Path(f"{entry_name(job)}.mlir"))
    if any(map(is_open, ir.function_type(ir.function(module, entry_name(job)))[0])):
        module = sized(module, entry_name(job), [np.shape(x) for x in job.arguments])
    return "\n".join(str(op) for op in module.body.operations)


def _failure(number: int, error: Exception) -> Report:
    if isinstance(error, SlopecError | Error):
        return ("refused", number, error.code, error.message)
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = (str(error).splitlines() or [""])[0]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return ("fault", number, f"{type(error).__name__}: {said} ({place})")


def serve(compiled: Callable[[Sequence[Job], Any], Runner]) -> None:
    """Read jobs and how to compile them from a file, write reports to standard output."""
    jobs, how = pickle.loads(Path(sys.argv[1]).read_bytes())
    ir.context()

    def tell(report: Report) -> None:
        pickle.dump(report, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    run(jobs, lambda some: compiled(some, how), tell)


if __name__ == "__main__":
    serve(compile_together)
