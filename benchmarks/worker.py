"""A process that makes one program ready and runs it when told: frameworks share nothing.

Each has its own threads, allocator and imports, a crash ends one of them, and the memory a process
takes can be asked of the system.
"""

import contextlib
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from benchmarks.contenders import CONTENDERS
from benchmarks.programs import find

_CODES = re.compile(r"\x1b\[[0-9;]*m")

REALTIME = "SLOPEC_BENCH_REALTIME"
"""The variable that tells the processes to be `undisturbed` while they are timed."""
PATIENCE = 600.0
"""Seconds after which a process that does not answer is given up."""


class WorkerError(Exception):
    """What went wrong in the process, in one line."""


class Worker:
    """The process, seen from outside; calls of it wait for its answers."""

    def __init__(self, serve: Callable[..., Any], *arguments: Any) -> None:
        """`serve(*arguments)` makes, in the process, a mapping of names to functions."""
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, serve, arguments), daemon=True)
        self.process.start()
        other.close()

    def __enter__(self) -> Self:
        """The worker itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call the function of that name there; raises WorkerError with what went wrong."""
        try:
            self.pipe.send((name, arguments))
            if not self.pipe.poll(PATIENCE):
                raise WorkerError(f"no answer within {PATIENCE:.0f} s")
            good, answer = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            raise WorkerError(_ended(self.process.exitcode)) from None
        if not good:
            raise WorkerError(answer)
        return answer


def _ended(code: int | None) -> str:
    """How the process ended, by its exit code."""
    if code is not None and code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"


def _serve(pipe: Connection, serve: Callable[..., Any], arguments: Any) -> None:
    """Answer questions until the other side hangs up; nothing is printed."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    functions: Mapping[str, Callable[..., Any]] | None = None
    while True:
        name, given = pipe.recv()
        try:
            if functions is None:
                functions = serve(*arguments)
            pipe.send((True, functions[name](*given)))
        except Exception as error:
            line = _CODES.sub("", next(iter(str(error).strip().splitlines()), ""))
            pipe.send((False, f"{type(error).__name__}: {line}"))


def runner(
    contender: str, program: str, sizes: Mapping[str, int], device: str, artifact: Path | None
) -> Mapping[str, Callable[..., Any]]:
    """A program of a contender, called three times; the first call compiles what is not yet.

    "facts" are what was found meanwhile: seconds and bytes, "results" the three results, "seconds"
    the time of a call.
    """
    ready = CONTENDERS[contender].prepare(find(program, sizes), device, artifact)
    results, times = [], []
    for _ in range(3):
        started = time.perf_counter()
        result = ready.run()
        times.append(time.perf_counter() - started)
        results.append(ready.fetch(result))
    _forget_peak()
    ready.run()
    facts = {"load": ready.load, "compile": times[0] - min(times[1:]), "memory": _peak()}
    return {
        "facts": lambda: facts,
        "results": lambda: results,
        "seconds": lambda repeat: seconds(ready.run, repeat),
    }


def seconds(run: Callable[[], Any], repeat: int) -> float:
    """Seconds per call of `repeat` calls, after one that wakes threads and caches."""
    with undisturbed() if os.environ.get(REALTIME) else contextlib.nullcontext():
        run()
        started = time.perf_counter()
        for _ in range(repeat):
            run()
        return (time.perf_counter() - started) / repeat


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Run all threads of the process before those of other processes meanwhile (Linux, as root).

    Raises OSError where that is not allowed.
    """
    _schedule(os.SCHED_RR, 1)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))


def _forget_peak() -> None:
    """Let the peak of memory be what is used now, where Linux allows it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> float:
    """The most memory the process used, in bytes."""
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return 1024.0 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
