"""Kernels written by hand are compiled beside the program that calls them, by another process.

The program keeps them without their bodies, which its passes, the work of one thread, would walk
again and again; what they were compiled to takes the place of what that makes of them. Only the
standard library is imported here.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any

from slopec import emit_tree as tree
from slopec.emit_frames import Header, Send, received
from slopec.emit_library import PHASES, Handle, Invocation
from slopec.emit_linking import divided, link

_PHASES = PHASES[PHASES.index("executable-sources") : PHASES.index("hal") + 1]
"""The phases of IREE that concern executables; the last one compiles those that are linked."""

_SOURCE, _EXPORT, _ORDINAL = b"hal.executable.source", b"hal.executable.export", b"ordinal"
_EVALUATED = b"slope.evaluated"
_VARIANT, _BINARY, _DATA = b"hal.executable.variant", b"hal.executable.binary", b"data"
_BODY = b"builtin.module"
_EMPTY = """builtin.module {{
  func.func private @slopec_without_body_{0}()
  func.func @{0}() {{
    call @slopec_without_body_{0}() : () -> ()
    return
  }}
}}"""
"""A kernel without its body: what it calls instead is nowhere, so that running it is an error. It
also keeps IREE from taking one for the other."""


def compile_kernels(library: Any, header: Header, module: bytes, send: Send) -> None:
    """Compile the kernels of a program and nothing else of it.

    Sends the parts that they are linked in, each as the ordinals of its entry points, and then the
    library that each part became.
    """
    invocation = Invocation.open(library, header, send)
    if invocation is None or not invocation.parse(module):
        return
    _keep_kernels(invocation)
    for phase in _PHASES:
        if phase == "hal":
            if not link(invocation, lambda executables: divided(executables, "kernels")):
                return
            send({"kind": "parts", "parts": _parts(invocation)})
        if not invocation.run(phase):
            return
    for executable in tree.named(library, invocation.take(), tree.EXECUTABLE):
        send({"kind": "library"}, tree.data(library, _binary(library, executable), _DATA))


def _keep_kernels(invocation: Invocation) -> None:
    """Remove all but the kernels from the module, and have IREE keep what nothing there calls."""
    library, program = invocation.library, invocation.take()
    kernels = tree.named(library, program, _SOURCE)
    kept = {kernel.pointer for kernel in kernels}
    for operation in tree.inner(library, program):
        if operation.pointer not in kept:
            library.mlirOperationDestroy(operation)
    for kernel in kernels:
        tree.set_text(library, kernel, b"sym_visibility", "public")
    invocation.give(program)


def _parts(invocation: Invocation) -> list[dict[str, int]]:
    """Of each executable of the module, the ordinals of its entry points by their names."""
    library, program = invocation.library, invocation.take()
    parts = [
        {tree.symbol(library, e): tree.index(library, e, _ORDINAL) for e in _exports(library, one)}
        for one in tree.named(library, program, tree.EXECUTABLE)
    ]
    invocation.give(program)
    return parts


class Kernels:
    """The kernels of a program that another process compiles, for the process of the program."""

    def __init__(self, process: int, connection: socket.socket, send: Send) -> None:
        """`connection` brings what `compile_kernels` sends; diagnostics go on through `send`."""
        self._process = process
        self._frames = received(connection)
        self._send = send
        self._parts: list[dict[str, int]] = []
        self._stand_ins: dict[str, int] = {}
        """By name the executables whose libraries are to come, and from which part."""

    def empty(self, invocation: Invocation) -> None:
        """Take away the bodies of the kernels, but for those that may run while IREE compiles."""
        library, program = invocation.library, invocation.take()
        for kernel in tree.named(library, program, _SOURCE):
            if tree.attribute(library, kernel, _EVALUATED).pointer is not None:
                continue
            (body,) = tree.named(library, kernel, _BODY)
            library.mlirOperationDestroy(body)
            text = _EMPTY.format(tree.symbol(library, kernel))
            tree.insert(library, kernel, [tree.parsed(library, program, text)])
        invocation.give(program)

    def link(self, invocation: Invocation) -> bool:
        """Link the program's executables, its kernels in the parts that they are compiled in.

        False if IREE cannot, which diagnostics explain; so for `put`.
        """
        received = self._receive("parts")
        if received is None:
            return False
        self._parts = received[0]["parts"]
        library = invocation.library
        if not link(invocation, lambda executables: self._divided(library, executables)):
            return False
        program = invocation.take()
        for executable in tree.named(library, program, tree.EXECUTABLE):
            for export in _exports(library, executable):
                name = tree.symbol(library, export)
                for number, ordinals in enumerate(self._parts):
                    if name in ordinals:
                        tree.set_index(library, export, _ORDINAL, ordinals[name])
                        self._stand_ins[tree.symbol(library, executable)] = number
        return invocation.give(program)

    def put(self, invocation: Invocation) -> bool:
        """Put the libraries that the kernels became in the place of what IREE made."""
        libraries = []
        for _ in self._parts:
            received = self._receive("library")
            if received is None:
                return False
            libraries.append(received[1])
        library, program = invocation.library, invocation.take()
        for executable in tree.named(library, program, tree.EXECUTABLE):
            part = self._stand_ins.get(tree.symbol(library, executable))
            if part is not None:
                tree.set_data(library, _binary(library, executable), _DATA, libraries[part])
        return invocation.give(program)

    def _divided(self, library: Any, executables: Sequence[Handle]) -> dict[str, list[Handle]]:
        """The parts of the kernels, and those of what is left."""
        named = {tree.symbol(library, executable): executable for executable in executables}
        parts = {
            f"kernels_{number}": [named.pop(name) for name in ordinals if name in named]
            for number, ordinals in enumerate(self._parts)
        }
        return {**parts, **divided(list(named.values()))}

    def _receive(self, kind: str) -> tuple[Header, bytes] | None:
        """The next frame of a kind; None if the other process failed. Dies as that one did."""
        for header, payload in self._frames:
            if header["kind"] == kind:
                return header, payload
            self._send(header, payload)
        self._send({"kind": "stage", "name": "kernels"})
        _, status = os.waitpid(self._process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            os.kill(os.getpid(), -code)
        if code > 0:
            os._exit(code)
        return None


def _exports(library: Any, executable: Handle) -> list[Handle]:
    """The entry points of an executable that is not compiled yet."""
    (variant,) = tree.named(library, executable, _VARIANT)
    return tree.named(library, variant, _EXPORT)


def _binary(library: Any, executable: Handle) -> Handle:
    """What an executable was compiled to."""
    (binary,) = tree.named(library, executable, _BINARY)
    return binary
