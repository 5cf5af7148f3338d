"""Kernels written by hand are compiled beside the program that calls them, by other processes.

The program keeps them without their bodies, which its passes, the work of one thread, would walk
again and again; what they were compiled to takes the place of what that makes of them. Only the
standard library is imported here.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_frames import Header, Send, received, received_file
from slopec.emit_library import PHASES, Handle, Invocation

_PHASES = PHASES[PHASES.index("executable-sources") : PHASES.index("hal") + 1]
"""The phases of IREE that concern executables."""

_BESIDE = b"slope.beside"
"""The attribute of executables of the program that stand for kernels."""

_SOURCE, _BINARY, _DATA = b"hal.executable.source", b"hal.executable.binary", b"data"


def compile_kernels(library: Any, header: Header, feed: int, send: Send) -> None:
    """Compile the kernels that arrive on a connection, if any; sends what library they became."""
    invocation = Invocation.open(library, header, send)
    kernels = None if invocation is None else received_file(feed)
    if invocation is None or kernels is None or not invocation.parse(kernels):
        return
    if not all(invocation.run(phase, alone=True) for phase in _PHASES):
        return
    for executable in tree.named(library, invocation.take(), tree.EXECUTABLE):
        made = tree.data(library, _binary(library, executable), _DATA)
        send({"kind": "library", "name": tree.symbol(library, executable)}, made)


class Kernels:
    """The kernels of a program that other processes compile, for the process of the program."""

    def __init__(self, processes: Mapping[int, socket.socket], send: Send) -> None:
        """Connections bring what `compile_kernels` sends; diagnostics go on through `send`."""
        self._processes = processes
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

        False if some lack, which diagnostics explain. Dies as one of the other processes died.
        """
        libraries = dict(self._libraries())
        if libraries.keys() != self.names:
            self._die()
            return False
        library, program = invocation.library, invocation.take()
        for executable in tree.named(library, program, tree.EXECUTABLE):
            made = libraries.get(tree.symbol(library, executable))
            if made is not None:
                tree.set_data(library, _binary(library, executable), _DATA, made)
        return invocation.give(program)

    def _libraries(self) -> Iterator[tuple[str, bytes]]:
        for connection in self._processes.values():
            for header, payload in received(connection):
                if header["kind"] == "library":
                    yield header["name"], payload
                else:
                    self._send(header, payload)

    def _die(self) -> None:
        """End as the first of the other processes ended that did not end well, if one did."""
        self._send({"kind": "stage", "name": "kernels"})
        for number, process in enumerate(self._processes, 1):
            _, status = os.waitpid(process, 0)
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                self._send({"kind": "stage", "name": "kernels", "part": number})
            if code < 0:
                os.kill(os.getpid(), -code)
            if code > 0:
                os._exit(code)


def _binary(library: Any, executable: Handle) -> Handle:
    """What an executable was compiled to."""
    (binary,) = tree.named(library, executable, _BINARY)
    return binary
