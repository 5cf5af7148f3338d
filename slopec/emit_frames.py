"""Frames are what the compiler's processes say to each other: a JSON object, and bytes.

Two lengths come first. Modules, which may hold all of a model's weights, are not sent but shared,
as files without names. Only the standard library is imported here.
"""

import json
import mmap
import os
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

Header = dict[str, Any]
Send = Callable[..., None]
"""Sends a frame: a header, and bytes if there are any."""

_LENGTHS = struct.Struct(">QQ")


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


def received(connection: socket.socket) -> Iterator[tuple[Header, bytes]]:
    """The frames that arrive until the other side hangs up."""
    frames = Frames()
    while data := connection.recv(1 << 20):
        yield from frames.feed(data)


def received_file(connection: int) -> int | None:
    """The file that arrives on a connection, given by number; None if the other side hangs up."""
    with socket.socket(fileno=connection) as end:
        _, files, _, _ = socket.recv_fds(end, 1, 1)
        return files[0] if files else None


def file_of(content: bytes = b"") -> IO[bytes]:
    """A file without a name that holds some bytes: in memory, where the system has such files."""
    if hasattr(os, "memfd_create"):  # Linux has it
        file: IO[bytes] = os.fdopen(os.memfd_create(""), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 — closed by who asked for it
    file.write(content)
    file.flush()
    return file


def content_of(file: IO[bytes]) -> memoryview:
    """All that is in a file, of which it is a map that outlives it."""
    if os.fstat(file.fileno()).st_size == 0:  # and cannot be mapped
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
