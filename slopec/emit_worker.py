"""The compiler's own processes: a new one for every module, so that a crash costs one compile.

`main` is the *nursery*: it loads IREE's compiler library once, and for every connection handed to
it forks a *guard*, which takes the request, forks the *compiler* proper and watches over it. A fork
of the warm nursery costs milliseconds, the import a tenth of a second. The guard reports how the
compiler ended, cleans up behind it, and kills it when the other side hangs up, be it for a timeout,
an interrupt or its own death.

Only the standard library, IREE and what drives it are imported here; no user code and no thread
ever runs in the nursery.
"""

import ctypes
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slopec.emit_frames import Frames, Header, Send, frame, received_file
from slopec.emit_kernels import Kernels, compile_kernels
from slopec.emit_library import PHASES, Invocation, load
from slopec.emit_lifetimes import keep_handed_on
from slopec.emit_linking import link
from slopec.emit_waits import hand_on_once

VERIFIED = PHASES[: PHASES.index("flow")]
"""Phases after which the module is verified. They are IREE's rewrites of the program, which are
known to make invalid ops of some. Verification after every pass, IREE's default, takes a third of
the time."""

# Options of mallopt and their values, in bytes.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = (-1, 1 << 30), (-2, 64 << 20), (-3, 32 << 20)

_LOG_LIMIT = 65536
_FEEDS = 16  # descriptors that come with a request, at most


# --- the nursery -----------------------------------------------------------------------------


def main() -> None:
    """Serve the control socket that is this process's standard input until it closes."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the guards
    try:
        library = load()
    except Exception as error:  # told to whoever asks; the nursery itself has nobody to tell
        library = f"{type(error).__name__}: {error}"
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            os._exit(0)
        for descriptor in descriptors:
            if os.fork() == 0:
                control.close()
                _in_child(_guard, socket.socket(fileno=descriptor), library)
            os.close(descriptor)


def _in_child(work: Callable[..., None], *arguments: Any) -> None:
    """Do the work of a forked process and end it without the exit handlers of its parent."""
    try:
        work(*arguments)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the other side hung up
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(70)
    os._exit(0)


# --- the guard -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """What to compile: how, the file to write, and over which connections parts are sent.

    The first brings the program, the others its kernels, if there are any.
    """

    header: Header
    output: int
    feeds: Sequence[int]


def _guard(connection: socket.socket, library: Any) -> None:
    """Compile one request in a child and report its end; kill it when the other side hangs up."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    task = _requested(connection)
    if task is None:
        return
    if isinstance(library, str):
        connection.sendall(frame({"kind": "missing", "text": library}))
        return
    scratch = tempfile.mkdtemp(prefix="slopec-")
    try:
        _watch(connection, library, task, Path(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _requested(connection: socket.socket) -> _Task | None:
    """The request, or None when the other side hung up."""
    frames, files = Frames(), list[int]()
    while True:
        data, given, _, _ = socket.recv_fds(connection, 1 << 20, _FEEDS)
        files += given
        if not data:
            return None
        for header, _ in frames.feed(data):
            return _Task(header, files[0], files[1:])


def _watch(connection: socket.socket, library: Any, task: _Task, scratch: Path) -> None:
    log = scratch / "log"
    outcome, write_end = os.pipe()
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(outcome)
        connection.close()
        _in_child(_compiler, library, task, write_end, scratch, log, guard)
    os.close(write_end)
    try:
        hung_up = _forward(outcome, connection)
    except OSError:
        hung_up = True
    if hung_up:
        _kill_group(child)
    _, status = os.waitpid(child, 0)
    _kill_group(child)  # a linker that outlived it
    if not hung_up:
        tail = log.read_bytes()[-_LOG_LIMIT:] if log.exists() else b""
        end = {"kind": "exit", "status": os.waitstatus_to_exitcode(status)}
        connection.sendall(frame({**end, "log": tail.decode(errors="replace")}))


def _forward(outcome: int, connection: socket.socket) -> bool:
    """Pass on complete frames until the compiler ends; True if the other side hung up first."""
    frames = Frames()
    poll = select.poll()
    poll.register(outcome, select.POLLIN)
    poll.register(connection, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if connection.fileno() in ready:
            return True  # nothing more is ever sent to the guard, so this is the end of it
        data = os.read(outcome, 1 << 20)
        if not data:
            return False
        for header, payload in frames.feed(data):
            connection.sendall(frame(header, payload))


def _kill_group(leader: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


# --- the compiler ----------------------------------------------------------------------------


def _compiler(
    library: Any, task: _Task, outcome: int, scratch: Path, log: Path, guard: int
) -> None:
    """Compile in this process, which nothing else depends on, and write frames to `outcome`."""
    os.setpgid(0, 0)
    _die_with(guard)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["TMPDIR"] = str(scratch)  # where LLVM leaves objects when it is killed
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    _keep_memory()
    send = _sender(outcome)
    program, *beside = task.feeds
    kernels = _beside(library, task.header, beside, send) if beside else None
    _compile(library, task, program, kernels, send)


def _sender(descriptor: int) -> Send:
    """Writes frames; any of MLIR's threads may do so with diagnostics."""
    lock = threading.Lock()

    def send(header: Header, payload: bytes = b"") -> None:
        data = memoryview(frame(header, payload))
        with lock:
            while data:
                data = data[os.write(descriptor, data) :]

    return send


def _beside(library: Any, header: Header, feeds: Sequence[int], send: Send) -> Kernels:
    """Have forks of this process, which IREE has not begun to work in, compile kernels they get.

    They give way to this process, which takes longer and begins with the work of one thread.
    """
    processes: dict[int, socket.socket] = {}
    parent = os.getpid()
    for feed in feeds:
        ours, theirs = socket.socketpair()
        process = os.fork()
        if process == 0:
            ours.close()
            _die_with(parent)
            os.nice(4)
            answer = _sender(theirs.fileno())
            _in_child(compile_kernels, library, header, feed, answer)
        theirs.close()
        processes[process] = ours
    return Kernels(processes, send)


def _keep_memory() -> None:
    """Have C's library keep what is freed, instead of asking for the same pages again and again."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    if mallopt is not None:
        for option in (_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD):
            mallopt(*option)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(0)


def _compile(library: Any, task: _Task, program: int, kernels: Kernels | None, send: Send) -> None:
    invocation = Invocation.open(library, task.header, send)
    module = None if invocation is None else received_file(program)
    if invocation is None or module is None:
        return
    send({"kind": "stage", "name": "parse"})
    if invocation.parse(module) and _run_phases(invocation, task.header, kernels, send):
        text = task.header["until"] != PHASES[-1]
        invocation.output("OutputIR" if text else "OutputVMBytecode", task.output)
        send({"kind": "result"})


def _run_phases(
    invocation: Invocation, header: Header, kernels: Kernels | None, send: Send
) -> bool:
    if kernels is not None:
        kernels.find(invocation)
    for phase in PHASES[: PHASES.index(header["until"]) + 1]:
        send({"kind": "stage", "name": phase})
        if phase == "hal" and header["link"] and not _linked(invocation, kernels):
            return False
        if not invocation.run(phase):
            return False
        if phase in VERIFIED and not _verified(invocation):
            return False
        if phase == "stream" and not (keep_handed_on(invocation) and hand_on_once(invocation)):
            return False
        if phase == "hal" and kernels is not None and not kernels.put(invocation):
            return False
    return True


def _linked(invocation: Invocation, kernels: Kernels | None) -> bool:
    return link(invocation, complete=frozenset() if kernels is None else kernels.names)


def _verified(invocation: Invocation) -> bool:
    """Whether the module is valid; if it is not, a diagnostic says why."""
    module = invocation.take()
    valid: bool = invocation.library.mlirOperationVerify(module)
    return invocation.give(module) and valid
