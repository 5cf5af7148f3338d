"""Running cases: some dozens in a module, each module in a process of its own, a verdict for each.

A case that is refused, cannot be compiled or kills the process takes no other with it.
"""

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.sweep.case import Case, Judgement, judge
from tests.sweep.worker import Job, Report

ROOT = Path(__file__).resolve().parents[2]
TOGETHER = 48
"""Cases in one module: IREE takes half a second for a module, some hundredths for a function."""

VERDICTS = ("right", "compiled", "refused", "failed", "wrong", "crash")
"""`compiled`: for a target that is not run here. `refused`: by an error of ours that the case expects, or that is no fault of the back end.
`failed`: the back end could not compile it. `crash`: of compiler, program or slopec itself."""

LACKING = "S0308"
"""The refusal of a type that the target's hardware does not have, as it should be."""

_BACK_END = ("S0302", "S0303", "S0304", "S0306")
_CRASHED = ("S0305", "S0307")


@dataclass(frozen=True)
class Verdict:
    """What became of a case: one of `VERDICTS`, why, and how far off the results are in ulps."""

    case: Case
    kind: str
    detail: str = ""
    ulps: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the case is right, or refused where it must be and nowhere else."""
        lacking = self.kind == "refused" and self.detail.startswith(LACKING)
        return lacking or self.kind in (
            ("refused",) if self.case.refusal else ("right", "compiled")
        )


def sweep(
    cases: Sequence[Case], *, target: str = "llvm-cpu", jobs: int = 2, together: int = TOGETHER
) -> list[Verdict]:
    """The verdicts on cases, in order; `jobs` processes run at once."""
    numbered = list(enumerate(cases))
    # Neighbours are alike: dealt out, every module has some of each.
    count = -(-len(numbered) // together)
    batches = [numbered[i::count] for i in range(count)]
    with ThreadPoolExecutor(jobs) as pool:
        found = dict(
            pair for part in pool.map(lambda b: list(_judged(b, target)), batches) for pair in part
        )
    return [found[number] for number, _ in numbered]


def _judged(batch: Sequence[tuple[int, Case]], target: str) -> Iterator[tuple[int, Verdict]]:
    cases = dict(batch)
    jobs = [Job(number, case.text, case.arguments) for number, case in batch]
    for number, kind, rest in outcomes(jobs, target, "tests.sweep.worker"):
        yield number, _verdict(cases[number], kind, rest)


def outcomes(jobs: Sequence[Job], how: Any, worker: str) -> Iterator[tuple[int, str, list[Any]]]:
    """What a worker reports of each program: its number, "done" or what else, and details.

    Where the process dies, which is reported as "crash", the others go on in a new one.
    """
    left = {job.number: job for job in jobs}
    while left:
        started = None
        for kind, number, *rest in _child(list(left.values()), how, worker):
            if kind == "started":
                started = number
                continue
            started = None
            del left[number]
            yield number, kind, rest
        if not left:
            return
        # Without a run in progress it is the compilation that died, of the next that was due.
        number = next(iter(left)) if started is None else started
        del left[number]
        yield number, "crash", ["the process died"]


def _child(jobs: list[Job], how: Any, worker: str) -> list[Report]:
    """What a child process reports of programs before it ends."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        given = Path(folder) / "jobs"
        given.write_bytes(pickle.dumps((jobs, how)))
        command = [sys.executable, "-m", worker, str(given)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode and not done.stdout:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return list(_reports(done.stdout))


def _reports(data: bytes) -> Iterator[Report]:
    import io

    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        try:
            yield pickle.load(stream)
        except (EOFError, pickle.UnpicklingError):  # cut off in the middle of a report
            return


def _verdict(case: Case, kind: str, rest: list) -> Verdict:
    if kind == "crash":
        return Verdict(case, "crash", rest[0], np.inf)
    if kind == "fault":
        return Verdict(case, "crash", f"slopec raised {rest[0]}", np.inf)
    if kind == "refused":
        code, message = rest
        if code == case.refusal or code not in (*_BACK_END, *_CRASHED):
            return Verdict(case, "refused", f"{code}: {message}")
        return Verdict(
            case, "crash" if code in _CRASHED else "failed", f"{code}: {message}", np.inf
        )
    if case.refusal is not None:
        return Verdict(case, "wrong", f"was not refused with {case.refusal}", np.inf)
    if not rest[0] and case.expected:
        return Verdict(case, "compiled")
    judgement: Judgement = judge(case, rest[0])
    kind = "right" if judgement.problem is None else "wrong"
    return Verdict(case, kind, judgement.problem or "", judgement.ulps)
