"""The compiler's own processes: a new one for every module, so that a crash costs one compile.

`main` is the *nursery*: it loads IREE's compiler library once, and for every connection handed to
it forks a *guard*, which takes the request, forks the *compiler* proper and watches over it. A fork
of the warm nursery costs milliseconds, the import a tenth of a second. The guard reports how the
compiler ended, cleans up behind it, and kills it when the other side hangs up, be it for a timeout,
an interrupt or its own death.

Frames go both ways over a connection: two lengths, a JSON object, and bytes. Only the standard
library, IREE and what drives it are imported here; no user code and no thread ever runs in the
nursery.
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from slopec.emit_library import (
    BUFFER_NAME,
    Header,
    diagnostic_handler,
    linker,
    load,
    output,
    strings,
)
from slopec.emit_linking import link_in_parts

PHASES = (
    *("input", "abi", "preprocessing", "global-optimization", "dispatch-creation", "flow"),
    *("stream", "executable-sources", "executable-configurations", "executable-targets"),
    *("hal", "vm", "end"),
)
"""IREE's compilation phases in order. Run one by one they make the same module in the same time,
and the last one announced is where a crash happened."""

VERIFIED = PHASES[: PHASES.index("flow")]
"""Phases after which the module is verified. They are IREE's rewrites of the program, which are
known to make invalid ops of some. Verification after every pass, IREE's default, takes a third of
the time."""

# Options of mallopt and their values, in bytes.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = (-1, 1 << 30), (-2, 64 << 20), (-3, 32 << 20)

_LENGTHS = struct.Struct(">QQ")
_LOG_LIMIT = 65536


# --- frames ----------------------------------------------------------------------------------


def frame(header: Header, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    encoded = json.dumps(header).encode()
    return _LENGTHS.pack(len(encoded), len(payload)) + encoded + payload


class Frames:
    """Puts frames together from bytes as they arrive."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Header, bytes]]:
        """The frames that are complete once `data` has arrived."""
        self._pending += data
        while len(self._pending) >= _LENGTHS.size:
            header_size, payload_size = _LENGTHS.unpack_from(self._pending)
            start = _LENGTHS.size + header_size
            end = start + payload_size
            if len(self._pending) < end:
                return
            header = json.loads(self._pending[_LENGTHS.size : start])
            payload = bytes(self._pending[start:end])
            del self._pending[:end]
            yield header, payload


def _read_frame(connection: socket.socket) -> tuple[Header, bytes] | None:
    """The next frame, or None when the other side hung up."""
    frames = Frames()
    while data := connection.recv(1 << 20):
        for complete in frames.feed(data):
            return complete
    return None


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


def _guard(connection: socket.socket, library: Any) -> None:
    """Compile one request in a child and report its end; kill it when the other side hangs up."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = _read_frame(connection)
    if request is None:
        return
    if isinstance(library, str):
        connection.sendall(frame({"kind": "missing", "text": library}))
        return
    scratch = tempfile.mkdtemp(prefix="slopec-")
    try:
        _watch(connection, library, request, Path(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _watch(
    connection: socket.socket, library: Any, request: tuple[Header, bytes], scratch: Path
) -> None:
    log = scratch / "log"
    outcome, write_end = os.pipe()
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(outcome)
        connection.close()
        _in_child(_compiler, library, request, write_end, scratch, log, guard)
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
    library: Any,
    request: tuple[Header, bytes],
    outcome: int,
    scratch: Path,
    log: Path,
    guard: int,
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
    lock = threading.Lock()

    def send(header: Header, payload: bytes = b"") -> None:
        data = memoryview(frame(header, payload))
        with lock:  # diagnostics come from any of MLIR's threads
            while data:
                data = data[os.write(outcome, data) :]

    header, module = request
    _compile(library, header, module, send)


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


def _compile(library: Any, header: Header, module: bytes, send: Callable[..., None]) -> None:
    _set_process_flags(library, header)
    session = library.ireeCompilerSessionCreate()
    flags = [*header["flags"], *linker(header["flags"])]
    error = library.ireeCompilerSessionSetFlags(session, len(flags), strings(flags))
    if error:
        send({"kind": "refused", "text": library.ireeCompilerErrorGetMessage(error).decode()})
        return
    invocation = library.ireeCompilerInvocationCreate(session)
    context = library.ireeCompilerSessionBorrowContext(session)
    handler = diagnostic_handler(library, send)
    library.mlirContextAttachDiagnosticHandler(context, handler, None, None)
    source = ctypes.c_void_p()
    library.ireeCompilerSourceWrapBuffer(
        session, BUFFER_NAME.encode(), module, len(module), False, ctypes.byref(source)
    )
    send({"kind": "stage", "name": "parse"})
    if library.ireeCompilerInvocationParseSource(invocation, source) and _run_phases(
        library, invocation, header, send
    ):
        text = header["until"] != PHASES[-1]
        write = "OutputIR" if text else "OutputVMBytecode"
        send({"kind": "result"}, output(library, invocation, f"ireeCompilerInvocation{write}"))


def _set_process_flags(library: Any, header: Header) -> None:
    if not header["process_flags"]:
        return
    # Once there are such flags, IREE no longer heeds a session's optimisation level.
    levels = [flag for flag in header["flags"] if flag.startswith("--iree-opt-level=")]
    arguments = ("slopec", *header["process_flags"], *levels)
    library.ireeCompilerSetupGlobalCL(len(arguments), strings(arguments), b"slopec", False)


def _run_phases(
    library: Any, invocation: int, header: Header, send: Callable[[Header], None]
) -> bool:
    library.ireeCompilerInvocationSetVerifyIR(invocation, False)
    previous = None
    for phase in PHASES[: PHASES.index(header["until"]) + 1]:
        send({"kind": "stage", "name": phase})
        if phase == "hal" and header["link"] and not link_in_parts(library, invocation):
            return False
        if previous is not None:
            library.ireeCompilerInvocationSetCompileFromPhase(invocation, previous.encode())
        library.ireeCompilerInvocationSetCompileToPhase(invocation, phase.encode())
        if not library.ireeCompilerInvocationPipeline(invocation, 0):
            return False
        if phase in VERIFIED and not _verified(library, invocation):
            return False
        previous = phase
    return True


def _verified(library: Any, invocation: int) -> bool:
    """Whether the module is valid; if it is not, a diagnostic says why."""
    module = library.ireeCompilerInvocationExportStealModule(invocation)
    valid: bool = library.mlirOperationVerify(module)
    return library.ireeCompilerInvocationImportStealModule(invocation, module) and valid
