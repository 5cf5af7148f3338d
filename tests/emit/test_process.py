"""The compiler's processes: they come back when they die, and never stay when they should not."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from slopec.emit_frames import Frames, frame
from slopec.emit_process import Cancellation, Request
from slopec.targets import parse_target
from tests.emit import programs
from tests.emit.processes import alive, descendants, eventually

FLAGS = parse_target("llvm-cpu:host").flags
SMALL = Request(programs.scaled(2.0), FLAGS)
SLOW = Request(programs.slow(), FLAGS)

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def in_background(compiler, request, **options):
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(compiler.compile(request, **options)), daemon=True
    )
    thread.start()
    return thread, answers


def test_frames_come_whole_however_they_are_cut():
    sent = [({"kind": "a"}, b""), ({"kind": "b", "x": [1]}, b"\0payload"), ({"kind": "c"}, b"z")]
    data = b"".join(frame(header, payload) for header, payload in sent)
    for size in (1, 7, 16, len(data)):
        frames = Frames()
        got = [f for i in range(0, len(data), size) for f in frames.feed(data[i : i + size])]
        assert got == sent


def test_a_request_is_answered(compiler):
    answer = compiler.compile(SMALL)
    assert answer.ending == "done"
    assert answer.output
    assert answer.stage == "end"


def test_text_of_an_earlier_phase(compiler):
    answer = compiler.compile(Request(SMALL.module, FLAGS, until="input"))
    assert b"linalg" in bytes(answer.output or b"")


def test_a_crash_is_an_answer(compiler):
    answer = compiler.compile(Request(programs.CRASHES, FLAGS))
    assert (answer.ending, answer.status, answer.output) == ("crashed", -signal.SIGFPE, None)
    assert compiler.compile(SMALL).ending == "done"


def test_a_killed_compiler_is_started_again(compiler):
    assert compiler.compile(SMALL).ending == "done"
    first = compiler.pid
    os.kill(first, signal.SIGKILL)
    assert compiler.compile(SMALL).ending == "done"
    assert compiler.pid not in (None, first)
    assert not alive(first)


def test_a_compiler_that_dies_between_start_and_request(compiler):
    compiler.warm()
    os.kill(compiler.pid, signal.SIGSTOP)
    thread, answers = in_background(compiler, SMALL)
    time.sleep(0.05)
    os.kill(compiler.pid, signal.SIGKILL)
    thread.join(30)
    assert answers[0].ending == "done"


def test_a_deadline_kills_what_works_for_it(compiler):
    assert compiler.compile(SMALL).ending == "done"  # it is loaded now
    answer = compiler.compile(SLOW, deadline=time.monotonic() + 0.3)
    assert answer.ending == "timeout"
    assert answer.stages
    assert eventually(lambda: not descendants(compiler.pid))


def test_cancelling_stops_what_runs_and_what_would_start(compiler):
    stop = Cancellation()
    thread, answers = in_background(compiler, SLOW, cancellation=stop)
    time.sleep(0.2)
    stop.cancel()
    thread.join(10)
    assert answers[0].ending == "cancelled"
    assert compiler.compile(SMALL, cancellation=stop).ending == "cancelled"
    assert compiler.compile(SMALL).ending == "done"


def test_requests_run_beside_each_other(compiler):
    slow, _ = in_background(compiler, SLOW, deadline=time.monotonic() + 60)
    answers = [in_background(compiler, SMALL) for _ in range(6)]
    for thread, answer in answers:
        thread.join(60)
        assert answer[0].ending == "done"
    assert compiler.compile(SMALL).ending == "done"
    assert slow.is_alive()
    compiler.close()


@needs_proc
def test_closing_leaves_no_process(compiler):
    in_background(compiler, SLOW)
    assert eventually(lambda: len(descendants(compiler.pid)) >= 2)
    family = [compiler.pid, *descendants(compiler.pid)]
    compiler.close()
    assert compiler.pid is None
    assert not alive(family[0])


PARENT = """
    import sys, threading
    from slopec.emit_process import COMPILER, Request
    from tests.emit.test_process import FLAGS, SLOW, SMALL
    assert COMPILER.compile(SMALL).ending == "done"
    print("ready", flush=True)
    try:
        COMPILER.compile(SLOW)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        COMPILER.compile(SMALL)
        print("usable", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def parent():
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


@needs_proc
def test_nothing_outlives_a_parent_that_is_killed(parent):
    assert parent.stdout.readline() == "ready\n"
    assert eventually(lambda: len(descendants(parent.pid)) >= 3)
    family = descendants(parent.pid)
    parent.kill()
    assert eventually(lambda: not any(map(alive, family)))


@needs_proc
def test_an_interrupt_kills_the_compilation_only(parent):
    assert parent.stdout.readline() == "ready\n"
    assert eventually(lambda: len(descendants(parent.pid)) >= 3)
    nursery, *working = sorted(descendants(parent.pid))
    parent.send_signal(signal.SIGINT)
    assert parent.stdout.readline() == "interrupted\n"
    assert eventually(lambda: not any(map(alive, working)))
    assert parent.stdout.readline() == "usable\n"
    assert alive(nursery)
    parent.communicate("", timeout=10)  # its end of input, upon which it ends
    assert parent.returncode == 0
    assert eventually(lambda: not alive(nursery))


@needs_proc
def test_a_compilation_does_not_outlive_its_guard(compiler, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # a killed guard cleans nothing up
    stop = Cancellation()
    thread, _ = in_background(compiler, SLOW, cancellation=stop)
    assert eventually(lambda: len(descendants(compiler.pid)) >= 2)
    family = descendants(compiler.pid)
    (guard,) = [p for p in family if len(descendants(p)) >= 1][:1]
    os.kill(guard, signal.SIGKILL)
    assert eventually(lambda: not any(map(alive, family)))
    stop.cancel()  # it is tried a second time
    thread.join(10)


def compile_in_fork(compiler, results):
    results.put((compiler.compile(SMALL).ending, compiler.pid))
    compiler.close()


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_fork_of_a_threaded_process_starts_its_own(monkeypatch):
    from slopec.emit_process import COMPILER

    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert COMPILER.compile(SMALL).ending == "done"
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=compile_in_fork, args=(COMPILER, results))
        child.start()
        child.join(60)
        ending, pid = results.get()
        assert (child.exitcode, ending) == (0, "done")
        assert pid != COMPILER.pid
        assert COMPILER.compile(SMALL).ending == "done"
    finally:
        stop.set()
        thread.join()


def test_a_missing_compiler_is_told(compiler, monkeypatch, tmp_path):
    (tmp_path / "iree").mkdir()
    (tmp_path / "iree" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    answer = compiler.compile(SMALL)
    assert answer.ending == "missing"
    assert "not installed" in answer.text


def test_an_interpreter_that_does_not_start_is_told(compiler, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert compiler.compile(SMALL).ending == "lost"


def test_user_modules_beside_the_worker_do_not_shadow_the_library(compiler, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert compiler.compile(SMALL).ending == "done"
