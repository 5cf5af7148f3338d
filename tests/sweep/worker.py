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
from slopec.foreign import lower_file, parse_module
from slopec.targets import parse_target
from slopec_runtime.errors import Error
from slopec_runtime.program import Program

PATIENCE = 60.0
"""Seconds that a compilation may take, and a tenth of them more for each case in it."""

Report = tuple[Any, ...]


@dataclass(frozen=True)
class Job:
    """One program: its number, its text, the arguments of its function `main`."""

    number: int
    text: str
    arguments: tuple[np.ndarray, ...]


def run(jobs: Sequence[Job], target: str, tell: Callable[[Report], None]) -> None:
    """Compile and run programs; `tell` takes reports, each with the number of its program.

    The reports: ("started", n), then ("done", n, results); or ("refused", n, code, message), where
    slopec raises an error, or ("fault", n, text), where it raises anything else.
    """
    try:
        program = compile_together(jobs, target)
    except Exception as error:
        if len(jobs) == 1:
            tell(_failure(jobs[0].number, error))
            return
        half = len(jobs) // 2
        run(jobs[:half], target, tell)
        run(jobs[half:], target, tell)
        return
    for job in jobs:
        tell(("started", job.number))
        try:
            result = program[f"case{job.number}"](*job.arguments)
            results = result if isinstance(result, tuple) else (result,)
            tell(("done", job.number, [array.numpy() for array in results]))
        except Exception as error:
            tell(_failure(job.number, error))


def compile_together(jobs: Sequence[Job], target: str) -> Program:
    """One artifact in which every program is an entry, built as `slopec compile` builds a file."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        path = Path(folder) / "sweep.mlir"
        path.write_text("\n".join(map(_functions, jobs)), encoding="utf-8")
        lowered = lower_file(path, None)
    options = EmitOptions(timeout=PATIENCE * (1 + len(jobs) / 10))
    (artifact,) = build(lowered, [parse_target(target)], options=options, carry_stablehlo=False)
    return artifact.load("local-sync")


def _functions(job: Job) -> str:
    """The functions of a program under names of its own, `main` as the entry."""
    text = job.text
    for name in set(re.findall(r"func\.func (?:public |private )?@([\w.$-]+)", text)):
        own = f"case{job.number}" if name == "main" else f"case{job.number}.{name}"
        text = re.sub(rf"@{re.escape(name)}(?![\w.$-])", f"@{own}", text)
    module = parse_module(text.encode(), Path(f"case{job.number}.mlir"))
    return "\n".join(str(op) for op in module.body.operations)


def _failure(number: int, error: Exception) -> Report:
    if isinstance(error, SlopecError | Error):
        return ("refused", number, error.code, error.message)
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = (str(error).splitlines() or [""])[0]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return ("fault", number, f"{type(error).__name__}: {said} ({place})")


def main() -> None:
    """Read jobs and target from a file, write reports to standard output."""
    jobs, target = pickle.loads(Path(sys.argv[1]).read_bytes())
    ir.context()

    def tell(report: Report) -> None:
        pickle.dump(report, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    run(jobs, target, tell)


if __name__ == "__main__":
    main()
