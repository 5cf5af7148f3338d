"""The largest of rows, in order: a row is read once, and few of its numbers are looked at twice.

The best so far are kept sorted. Whatever is not above the last of them is passed over, a vector at
a time; of n numbers in any order about k log(n / k) are not. Floats are compared as integers of
their total order (IEEE 754, 5.10), so that -0 is below 0, and NaN above all.
"""

from dataclasses import dataclass

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel

MOST = 256
"""Of as many the sorted ones are moved in about the time that the row is read."""
TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def largest(count: int, n: int, k: int, dtype: DType, vectors: Vectors) -> Kernel:
    """The kernel of the k largest of each row (count, n), and of their places in it, int32."""
    lanes = vectors.lanes(dtype)

    def write(body: Body, x: Memory, values: Memory, places: Memory) -> None:
        _Search(body, x, values, places, lanes).write()

    results = ((count, k), dtype), ((count, k), dtypes.int32)
    name = f"slopec_largest_{count}x{n}x{k}_{dtypes.MLIR_NAMES[dtype]}"
    return Kernel(name, (((count, n), dtype),), results, (count, 1, 1), write)


@dataclass(frozen=True)
class _Search:
    body: Body
    x: Memory
    values: Memory
    places: Memory
    lanes: int

    def write(self) -> None:
        """Sort the first k numbers of a row, and then those among them that are larger."""
        k, row, (_, kept) = self.body, self.body.workgroup(), self.values.shape
        best = k.stack((kept,), self._integer)
        n = self.x.shape[1]
        whole = kept + (n - kept) // self.lanes * self.lanes
        with k.loop(0, kept) as trip:
            self._insert(best, self._key(trip.index, 0), trip.index, trip.index)
        with k.loop(kept, whole, self.lanes) as trip:
            least = k.splat(best.load(kept - 1), self.lanes)
            above = self._is_above(self._key(trip.index, self.lanes), least)
            kind = ir.attr("#vector.kind<or>")
            stop = trip.index + self.lanes
            are_any = k.op("vector.reduction", above, type="i1", kind=kind)
            with k.when(are_any), k.loop(trip.index, stop) as lane:
                self._offer(best, lane.index)
        with k.loop(whole, n) as trip:
            self._offer(best, trip.index)
        with k.loop(0, kept) as trip:
            self.values.store(self._number(best.load(trip.index)), row, trip.index)

    @property
    def _integer(self) -> DType:
        return np.dtype(f"int{8 * self.x.dtype.itemsize}")

    def _is_above(self, a: Term, b: Term) -> Term:
        lanes = self.body.lanes(a)
        type_ = f"vector<{lanes}xi1>" if lanes else "i1"
        return self.body.op("arith.cmpi", a, b, type=type_, predicate=ir.i64(4))

    def _key(self, place: Term, lanes: int) -> Term:
        """Numbers of a row as integers in their order."""
        found = self.x.load(self.body.workgroup(), place, lanes=lanes)
        if dtypes.is_integer(self.x.dtype):
            return found
        bits = dtypes.MLIR_NAMES[self._integer]
        type_ = f"vector<{lanes}x{bits}>" if lanes else bits
        return self._turned(self.body.op("arith.bitcast", found, type=type_))

    def _number(self, key: Term) -> Term:
        """The number of a key."""
        if dtypes.is_integer(self.x.dtype):
            return key
        number = dtypes.MLIR_NAMES[self.x.dtype]
        return self.body.op("arith.bitcast", self._turned(key), type=number)

    def _turned(self, bits: Term) -> Term:
        """Integers below 0 with all bits turned but the first: done twice, it is undone."""
        k, info = self.body, np.iinfo(self._integer)
        shift, rest = (
            k.number(value, self._integer, k.lanes(bits)) for value in (info.bits - 1, info.max)
        )
        return k.op("arith.xori", bits, k.op("arith.andi", k.op("arith.shrsi", bits, shift), rest))

    def _offer(self, best: Memory, place: Term) -> None:
        """Keep a number if it is larger than the last of the best, which then goes."""
        last = self.body.index(self.values.shape[1] - 1)
        key = self._key(place, 0)
        with self.body.when(self._is_above(key, best.load(last))):
            self._insert(best, key, place, last)

    def _insert(self, best: Memory, key: Term, place: Term, end: Term) -> None:
        """Put a number where it belongs, behind its equals; those from there to `end` move on."""
        k, row = self.body, self.body.workgroup()
        one, zero = k.index(1), k.index(0)

        def before(at: Term) -> Term:
            return k.op("arith.maxsi", at - one, zero)

        def goes_on(state: list[Term]) -> Term:
            lower = self._is_above(key, best.load(before(state[0])))
            return k.op("arith.andi", k.compare(state[0], ">", zero), lower)

        def step(state: list[Term]) -> list[Term]:
            source = before(state[0])
            best.store(best.load(source), state[0])
            self.places.store(self.places.load(row, source), row, state[0])
            return [source]

        (at,) = k.repeat([end], goes_on, step)
        best.store(key, at)
        self.places.store(k.op("arith.index_cast", place, type="i32"), row, at)
