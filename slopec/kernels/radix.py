"""Where the elements of rows go when they are sorted: digit by digit, the last digit first.

Each pass counts how often every digit occurs, which says where the first element of a digit goes,
and moves the elements in order, so that those of one digit stay as they were. Passes over a digit
that all elements share, such as the first ones of small integers, are left out.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from slopec import dtypes
from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, split

TYPES = (dtypes.int32, dtypes.int64)
_DIGITS = 256
_SHARE = 1 << 12  # elements, about, for a workgroup of several rows
_FEW = 64
"""Elements of a row of which all pairs are compared in less time than digits are counted."""


def order(count: int, n: int, dtype: DType, vectors: Vectors) -> Kernel | None:
    """The kernel of the places, int32, where in its row (count, n) each of the sorted elements was,
    the least first, and equal ones as they were; None for short rows.
    """
    if n <= _FEW:
        return None
    share = -(-count // split(1, min(count, max(1, count * n // _SHARE))))
    groups = -(-count // share)
    lanes = vectors.lanes(dtypes.int32)

    def write(k: Body, x: Memory, made: Memory, keys: Memory, places: Memory) -> None:
        first = k.workgroup() * share
        counts = k.stack((dtype.itemsize * _DIGITS,), dtypes.int32)
        with k.loop(first, k.minimum(first + share, count)) as trip:
            _ByDigits(k, x, made, keys, places, counts, trip.index, lanes).write()

    room = tuple(((groups, 2, n), of) for of in (dtype, dtypes.int32))
    name = f"slopec_order_{count}x{n}_{dtypes.MLIR_NAMES[dtype]}"
    results = (((count, n), dtypes.int32), *room)
    return Kernel(name, (((count, n), dtype),), results, (groups, 1, 1), write)


@dataclass(frozen=True)
class _ByDigits:
    """The sort of a row: keys and places are in one `half` of the room, and move to the other."""

    body: Body
    x: Memory
    made: Memory
    keys: Memory
    places: Memory
    counts: Memory
    row: Term
    lanes: int

    def write(self) -> None:
        """Count all digits while the row is read, and move by each that there are two of."""
        k, n = self.body, self.x.shape[1]
        self._count()
        with k.loop(0, self.x.dtype.itemsize, carried=[k.index(0)]) as digit:
            (half,) = digit.values
            place = digit.index * _DIGITS
            shared = self._digit(self.keys.load(k.workgroup(), half, 0), digit.index)
            whole = k.compare(k.as_index(self.counts.load(place + shared)), "==", n)
            with k.loop(0, k.select(whole, k.index(0), 1), carried=[half]) as once:
                self._move(half, digit.index, place)
                once.carry([k.index(1) - half])
            digit.carry(once.results)
        (half,) = digit.results
        self._copy(half)

    def _count(self) -> None:
        k, n, info = self.body, self.x.shape[1], np.iinfo(self.x.dtype)
        one, zeros = k.number(1, dtypes.int32), k.number(0, dtypes.int32, self.lanes)
        least = k.number(info.min, self.x.dtype)
        with k.loop(0, self.counts.shape[0], self.lanes) as trip:
            self.counts.store(zeros, trip.index)
        with k.loop(0, n) as trip:
            key = k.op("arith.xori", self.x.load(self.row, trip.index), least)
            self.keys.store(key, k.workgroup(), 0, trip.index)
            self.places.store(_number(k, trip.index), k.workgroup(), 0, trip.index)
            for digit in range(info.dtype.itemsize):
                at = self._digit(key, digit) + digit * _DIGITS
                self.counts.store(k.op("arith.addi", self.counts.load(at), one), at)

    def _move(self, half: Term, digit: Term, start: Term) -> None:
        """Move all elements to the other half, in the order of a digit."""
        k, n, other = self.body, self.x.shape[1], self.body.index(1) - half
        group, one = k.workgroup(), k.number(1, dtypes.int32)
        with k.loop(start, start + _DIGITS, carried=[k.number(0, dtypes.int32)]) as trip:
            before = trip.values[0]
            after = k.op("arith.addi", before, self.counts.load(trip.index))
            self.counts.store(before, trip.index)
            trip.carry([after])
        with k.loop(0, n) as trip:
            key = self.keys.load(group, half, trip.index)
            counter = start + self._digit(key, digit)
            found = self.counts.load(counter)
            self.counts.store(k.op("arith.addi", found, one), counter)
            target = k.as_index(found)
            self.keys.store(key, group, other, target)
            self.places.store(self.places.load(group, half, trip.index), group, other, target)

    def _copy(self, half: Term) -> None:
        """Copy the places to the result."""
        k, n = self.body, self.x.shape[1]
        whole = n // self.lanes * self.lanes
        for lanes, (start, stop) in zip((self.lanes, 0), pairwise((0, whole, n)), strict=True):
            with k.loop(start, stop, lanes or 1) as trip:
                found = self.places.load(k.workgroup(), half, trip.index, lanes=lanes)
                self.made.store(found, self.row, trip.index)

    def _digit(self, key: Term, digit: Index) -> Term:
        k, type_ = self.body, dtypes.MLIR_NAMES[self.x.dtype]
        shift = k.op("arith.index_cast", k.index(digit) * 8, type=type_)
        last = k.number(_DIGITS - 1, self.x.dtype)
        return k.as_index(k.op("arith.andi", k.op("arith.shrui", key, shift), last))


def _number(k: Body, index: Term) -> Term:
    return k.op("arith.index_cast", index, type="i32")
