"""The calling side of the compiler's own processes: start them, send modules, survive their ends.

Every request has a connection of its own, so any number run at once, and closing one kills what
works for it. See `slopec.emit_worker` for the other side.
"""

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from slopec.emit_frames import Frames, Header, content_of, file_of, frame

_HOME = str(Path(__file__).resolve().parents[1])
# This slopec and no other, and nothing beside the user's program in place of the standard library.
_WORK = (
    "import sys; sys.path.insert(0, sys.argv.pop()); from slopec.emit_worker import main;"
    " del sys.path[0]; main()"
)


SendPart = Callable[[int, bytes], None]
"""Sends a part of a program, by its number."""


@dataclass(frozen=True)
class Request:
    """A module, the flags to compile it with, and the last phase to run.

    `link` links the executables for processors here, IREE's own linking being switched off. A
    program in parts is sent by a function: first, from 1 to at most `beside`, modules of kernels,
    each of which a process begins to compile at once, and as the last the program, number 0, in
    which these kernels have no code.
    """

    module: bytes | Callable[[SendPart], None] = field(repr=False)
    flags: tuple[str, ...]
    process_flags: tuple[str, ...] = ()
    until: str = "end"
    link: bool = False
    beside: int = 0

    def send(self, send: SendPart) -> None:
        """Send the parts."""
        if isinstance(self.module, bytes):
            send(0, self.module)
        else:
            self.module(send)


@dataclass
class Answer:
    """What became of a request.

    `ending` is "done" (`output` is the compiled module, or MLIR text where the request stops
    early), "failed" (see the diagnostics), "refused" (a flag, see `text`), "crashed" (`status`
    is a negative signal number or an exit code, `text` what it printed), "timeout", "cancelled",
    "missing" (no compiler, see `text`) or "lost" (nobody knows). `sent` are the parts of the
    request, `part` is the number of the one that a crash was about.
    """

    ending: str = "lost"
    output: memoryview | None = field(default=None, repr=False)
    stages: list[tuple[str, float]] = field(default_factory=list)
    diagnostics: list[Header] = field(default_factory=list)
    status: int = 0
    text: str = ""
    sent: dict[int, bytes] = field(default_factory=dict, repr=False)
    part: int = 0

    @property
    def stage(self) -> str:
        """The compilation phase reached."""
        return self.stages[-1][0] if self.stages else "start"


class Cancellation:
    """Lets one thread stop the compilations that others wait for.

    >>> stop = Cancellation()
    >>> stop.cancel()
    >>> stop.requested
    True
    """

    def __init__(self) -> None:
        self.requested = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Stop what runs, and everything that would start later."""
        with self._lock:
            self.requested = True
            for connection in self._connections:
                _hang_up(connection)

    @contextlib.contextmanager
    def covering(self, connection: socket.socket) -> Iterator[None]:
        """Have `cancel` hang up on this connection while the context lasts."""
        with self._lock:
            self._connections.add(connection)
            if self.requested:
                _hang_up(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


class Compiler:
    """A handle on the compiler processes; they start when first needed, and again if they die."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that compilations are forked from, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def warm(self) -> None:
        """Start loading the compiler, without waiting for it."""
        with self._lock:
            self._start()

    def compile(
        self,
        request: Request,
        *,
        deadline: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Answer:
        """Run one request; safe to call from several threads. `deadline` is in monotonic time.

        An interrupt while waiting, such as KeyboardInterrupt, kills the compilation.
        """
        answer = Answer()
        for _ in range(2):  # a second chance where the processes died for reasons of their own
            connection = self._connect()
            with connection, (cancellation or Cancellation()).covering(connection):
                answer = _converse(connection, request, deadline)
            if cancellation is not None and cancellation.requested:
                answer.ending = "cancelled"
            if answer.ending != "lost":
                return answer
        answer.text = self._last_words()
        return answer

    def close(self) -> None:
        """End the processes; the next request starts new ones."""
        with self._lock:
            process, log = self._process, self._log
            if self._control is not None:
                self._control.close()
            self._process = self._control = self._log = None
        if process is not None:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if log is not None:
            log.close()

    def forget(self) -> None:
        """In a fork of this process: leave the parent's compiler to the parent."""
        if self._process is not None:
            self._process.returncode = 0  # or its finaliser would look for a child it is not
        if self._control is not None:
            self._control.close()
        self._lock = threading.Lock()
        self._process = self._control = self._log = None

    def _connect(self) -> socket.socket:
        """A connection to a guard that waits for a request."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            for _ in range(2):
                control = self._start()
                try:
                    socket.send_fds(control, [b"\0"], [theirs.fileno()])
                    return ours
                except (BrokenPipeError, ConnectionResetError):
                    self._bury()
        return ours  # nobody holds the other end, so reading it says that the process is lost

    def _start(self) -> socket.socket:
        if self._control is not None and self._process is not None:
            if self._process.poll() is None:
                return self._control
            self._bury()
        ours, theirs = socket.socketpair()
        log = tempfile.TemporaryFile()  # noqa: SIM115 — lives as long as the process
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _WORK, _HOME],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt from the terminal is ours to handle
            )
        self._control, self._log = ours, log
        return ours

    def _bury(self) -> None:
        """Take leave of a process that ended."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._control = None

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        with self._lock:
            self._log.seek(0)
            return self._log.read().decode(errors="replace").strip()[-2000:]


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)


def _converse(connection: socket.socket, request: Request, deadline: float | None) -> Answer:
    answer = Answer()
    header = {
        "flags": request.flags,
        "process_flags": request.process_flags,
        "until": request.until,
        "link": request.link,
    }
    frames = Frames()
    try:
        with contextlib.ExitStack() as stack:
            made = stack.enter_context(file_of())
            connection.settimeout(_remaining(deadline))
            feeds = _begin(connection, header, made, 1 + request.beside)
            for feed in feeds:
                stack.enter_context(feed)

            def send(number: int, part: bytes) -> None:
                answer.sent[number] = part
                _feed(feeds[number], part)

            request.send(send)
            for feed in feeds:
                _hang_up(feed)  # those that nothing was sent to are not to wait
            while True:
                connection.settimeout(_remaining(deadline))
                data = connection.recv(1 << 20)
                if not data:
                    return answer
                for header, _ in frames.feed(data):
                    _note(answer, header, made)
                    if header["kind"] in ("exit", "missing"):
                        return answer
    except TimeoutError:
        answer.ending = "timeout"
    except (BrokenPipeError, ConnectionResetError):
        answer.ending = "lost"
    return answer


def _begin(
    connection: socket.socket, header: Header, made: IO[bytes], count: int
) -> list[socket.socket]:
    """Make a request; the connections over which its parts follow."""
    pairs = [socket.socketpair() for _ in range(count)]
    theirs = [other for _, other in pairs]
    numbers = [made.fileno(), *(other.fileno() for other in theirs)]
    try:
        socket.send_fds(connection, [frame(header)], numbers)
    finally:
        for other in theirs:
            other.close()
    return [ours for ours, _ in pairs]


def _feed(feed: socket.socket, part: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), file_of(part) as file:
        socket.send_fds(feed, [b"\0"], [file.fileno()])


def _remaining(deadline: float | None) -> float | None:
    """Seconds to wait at most; never 0, which would mean not to wait at all."""
    if deadline is None:
        return None
    return max(deadline - time.monotonic(), 1e-6)


def _note(answer: Answer, header: Header, made: IO[bytes]) -> None:
    """Write what a frame says, and the file that it may speak of, into the answer."""
    match header["kind"]:
        case "stage":
            answer.stages.append((header["name"], time.monotonic()))
            answer.part = header.get("part", 0)
        case "diagnostic":
            answer.diagnostics.append(header)
        case "result":
            answer.output = content_of(made)
        case "refused" | "missing":
            answer.ending, answer.text = header["kind"], header["text"]
        case "exit":
            answer.status = header["status"]
            if answer.status != 0:
                answer.ending, answer.output = "crashed", None
            elif answer.ending == "lost":
                answer.ending = "failed" if answer.output is None else "done"
            answer.text = answer.text or header["log"]


COMPILER = Compiler()
"""The process's own; forks of the process start theirs."""

atexit.register(COMPILER.close)
os.register_at_fork(after_in_child=COMPILER.forget)
