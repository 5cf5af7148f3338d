"""A program as the compiler gets it: alone, or in parts, of which those with kernels come first."""

import threading
from dataclasses import dataclass, field

import numpy as np

from slopec import garbage, ir
from slopec.convention import give_back_scratch, hopeful
from slopec.emit_constants import take_out
from slopec.emit_process import SendPart
from slopec.kernels import place_kernels
from slopec.kernels.parts import apart
from slopec.passes.inline_routines import InlineRoutines, routines_of
from slopec.targets import Target

reading = threading.Lock()
"""One module at a time is read and measured: passes over one MLIR context share its diagnostics."""


@dataclass(eq=False)
class Program:
    """A module for a target, which changes when kernels are placed, and where it is from."""

    module: ir.Module = field(repr=False)
    source: bytes | ir.Module = field(repr=False)
    target: Target
    has_kernels: bool = False
    """Whether there is a place for kernels, once that is known."""
    parts: dict[int, bytes] = field(default_factory=dict, repr=False)
    """What was sent: the program, number 0, and the code of its kernels."""
    constants: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    """What the program that was sent asks for by name."""
    _differs: bool = False
    _alone: bytes | None = None

    def __post_init__(self) -> None:
        """See whether the back end takes the module as it is."""
        with reading:
            self._differs = bool(routines_of(self.module) or hopeful(self.module))

    @property
    def bytecode(self) -> bytes:
        """The program as it was before."""
        return self.source if isinstance(self.source, bytes) else ir.bytecode(self.source)

    def alone(self) -> bytes:
        """The program without kernels, its routines inlined."""
        if self._alone is None:
            with reading:
                self._alone = self._inlined() if self._differs else self.bytecode
        return self._alone

    @garbage.later()
    def send(self, send: SendPart) -> None:
        """Send the code of kernels, each part as soon as it is complete, and then the program."""
        if self.parts:
            for number, part in self.parts.items():
                send(number, part)
            return

        def keep(number: int, part: bytes) -> None:
            self.parts[number] = part
            send(number, part)

        def ready() -> None:
            for code in apart(self.module):
                keep(len(self.parts) + 1, ir.bytecode(code))

        with reading:
            self.has_kernels = place_kernels(self.module, self.target, ready)
            if self.has_kernels:
                self.constants = take_out(self.module)
            placed = ir.bytecode(self.module) if self.has_kernels else None
        keep(0, self.alone() if placed is None else placed)

    def _inlined(self) -> bytes:
        module = ir.parse(self.bytecode)
        give_back_scratch(module)
        InlineRoutines().run(module)
        return ir.bytecode(module)
