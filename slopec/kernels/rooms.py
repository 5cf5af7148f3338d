"""A workgroup's own memory, and complex numbers: vectors of their parts, apart or in turns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.butterflies import Pair
from slopec.kernels.kernel import Type

_STACK = 24 << 10
"""Bytes of rooms that a workgroup has on its stack."""


@dataclass(frozen=True)
class Room:
    """Memory of a workgroup, on its stack or as a part of a buffer."""

    memory: Memory
    before: tuple[Index, ...] = ()

    def load(self, *place: Index) -> Term:
        """A number."""
        return self.memory.load(*self.before, *place)

    def vector(self, lanes: int, *place: Index) -> Term:
        """A vector."""
        return self.memory.load(*self.before, *place, lanes=lanes)

    def store(self, value: Term, *place: Index) -> None:
        """Write a number or a vector."""
        self.memory.store(value, *self.before, *place)

    def pair(self, place: Index) -> Pair:
        """The vectors of a point of each of some transforms."""
        re, im = (self.vector(self.memory.shape[-1], place, part, 0) for part in range(2))
        return re, im

    def put_pair(self, place: Index, pair: Pair) -> None:
        """Write the vectors of a point of each of some transforms."""
        for part, vector in enumerate(pair):
            self.store(vector, place, part, 0)

    def parts(self, lanes: int, place: Term) -> Pair:
        """Complex numbers of a row, whose imaginary parts are another row."""
        return self.vector(lanes, 0, place), self.vector(lanes, 1, place)

    def put_parts(self, place: Term, pair: Pair) -> None:
        """Write complex numbers of a row."""
        for part, vector in enumerate(pair):
            self.store(vector, part, place)


def loaded(memory: Memory, lanes: int, at: Term, *row: Index) -> Pair:
    """The parts of complex numbers, which alternate in memory."""
    k = memory.body
    low, high = (memory.load(*row, at * 2 + half * lanes, lanes=lanes) for half in range(2))
    re, im = (k.shuffle(low, high, range(part, 2 * lanes, 2)) for part in range(2))
    return re, im


def stored(memory: Memory, pair: Pair, at: Term, *row: Index) -> None:
    """Write the parts of complex numbers, which alternate in memory."""
    k, lanes = memory.body, memory.body.lanes(pair[0])
    for half in range(2):
        places = range(half * lanes // 2, (half + 1) * lanes // 2)
        mixed = k.shuffle(*pair, [i for lane in places for i in (lane, lane + lanes)])
        memory.store(mixed, *row, at * 2 + half * lanes)


def parts(memory: Memory, lanes: int, at: Term, apart: int) -> Pair:
    """Complex numbers of a table, whose imaginary parts lie behind all real ones."""
    return memory.load(at, lanes=lanes), memory.load(at + apart, lanes=lanes)


def flat(values: np.ndarray, real: DType) -> np.ndarray:
    """Complex numbers as pairs of real ones."""
    return values.astype(dtypes.complex_of(real)).view(real)


def apart(values: np.ndarray, real: DType) -> np.ndarray:
    """The real parts of complex numbers, then the imaginary ones."""
    return np.concatenate([values.real, values.imag]).astype(real)


def on_stack(rooms: Sequence[ir.Shape], real: DType) -> list[bool]:
    """Which rooms have a place on the stack: the first ones that have it all."""
    sizes = np.cumsum([math.prod(room) * real.itemsize for room in rooms])
    return [bool(size <= _STACK) for size in sizes]


def buffers(rooms: Sequence[ir.Shape], real: DType, grid: int) -> list[Type]:
    """Scratch memory for the rooms that have no place on the stack."""
    pairs = zip(rooms, on_stack(rooms, real), strict=True)
    return [((grid, *room), real) for room, here in pairs if not here]


def rooms_of(
    k: Body, rooms: Sequence[ir.Shape], real: DType, scratch: Sequence[Memory]
) -> list[Room]:
    """The rooms of a workgroup."""
    buffers = iter(scratch)
    pairs = zip(rooms, on_stack(rooms, real), strict=True)
    return [
        Room(k.stack(room, real)) if here else Room(next(buffers), (k.workgroup(),))
        for room, here in pairs
    ]
