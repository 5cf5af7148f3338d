"""Kernels written by hand are compiled beside the program that calls them, by another process.

The program keeps them without their bodies, which its passes, the work of one thread, would walk
again and again; what they were compiled to takes the place of what that makes of them. Only the
standard library is imported here.
"""

import os
import socket
from collections.abc import Iterator
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_frames import Header, Send, received
from slopec.emit_library import PHASES, Handle, Invocation

_PHASES = PHASES[PHASES.index("executable-sources") : PHASES.index("hal") + 1]
"""The phases of IREE that concern executables."""

_BESIDE = b"slope.beside"
"""The attribute of executables of the program that stand for kernels."""

_SOURCE, _BINARY, _DATA = b"hal.executable.source", b"hal.executable.binary", b"data"


def compile_kernels(library: Any, header: Header, kernels: int, send: Send) -> None:
    """Compile the kernels in a file; sends what libraries they became."""
    invocation = Invocation.open(library, header, send)
    if invocation is None or not invocation.parse(kernels):
        return
    if not all(invocation.run(phase) for phase in _PHASES):
        return
    for executable in tree.named(library, invocation.take(), tree.EXECUTABLE):
        made = tree.data(library, _binary(library, executable), _DATA)
        send({"kind": "library", "name": tree.symbol(library, executable)}, made)


class Kernels:
    """The kernels of a program that another process compiles, for the process of the program."""

    def __init__(self, process: int, connection: socket.socket, send: Send) -> None:
        """`connection` brings what `compile_kernels` sends; diagnostics go on through `send`."""
        self._process = process
        self._frames = received(connection)
        self._send = send
        self.names: frozenset[str] = frozenset()
        """The executables of the program that stand for them."""

    def find(self, invocation: Invocation) -> None:
        """Find them in the program, which IREE has not changed yet."""
        library, program = invocation.library, invocation.take()
        for one in tree.named(library, program, _SOURCE):
            if tree.attribute(library, one, _BESIDE).pointer is not None:
                self.names |= {tree.symbol(library, one)}
        invocation.give(program)

    def put(self, invocation: Invocation) -> bool:
        """Put the libraries that the kernels became in the place of what IREE made.

        False if there are none, which diagnostics explain. Dies as the other process died.
        """
        libraries = dict(self._libraries())
        if libraries.keys() != self.names:
            self._send({"kind": "stage", "name": "kernels"})
            self._die()
            return False
        library, program = invocation.library, invocation.take()
        for executable in tree.named(library, program, tree.EXECUTABLE):
            made = libraries.get(tree.symbol(library, executable))
            if made is not None:
                tree.set_data(library, _binary(library, executable), _DATA, made)
        return invocation.give(program)

    def _libraries(self) -> Iterator[tuple[str, bytes]]:
        for header, payload in self._frames:
            if header["kind"] == "library":
                yield header["name"], payload
            else:
                self._send(header, payload)

    def _die(self) -> None:
        """End as the other process ended, if that did not end well."""
        _, status = os.waitpid(self._process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            os.kill(os.getpid(), -code)
        if code > 0:
            os._exit(code)


def _binary(library: Any, executable: Handle) -> Handle:
    """What an executable was compiled to."""
    (binary,) = tree.named(library, executable, _BINARY)
    return binary
