"""Fourier transforms: of columns, one in each lane, and of rows, whatever there is a way for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from slopec import dtypes
from slopec.dtypes import DType
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.butterflies import Pair
from slopec.kernels.fourier_rows import NARROWEST, Transform, transform_of
from slopec.kernels.fourier_ways import OfReal, Plain, ToReal, Way, Work
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import FEW, Kernel, Type, split
from slopec.kernels.rooms import buffers, flat, loaded, on_stack, rooms_of, stored
from slopec.kernels.stages import Stages, radices

_LONGEST = 1 << 16
"""Points of a row: more should be shared by several workers."""
_SHARE = 1 << 11
"""Points that are worth a workgroup."""


def of_columns(
    shape: tuple[int, int, int], dtype: DType, vectors: Vectors, *, inverse: bool
) -> Kernel | None:
    """The kernel of transforms along the middle of three dimensions, if it is for these sizes."""
    outer, n, inner = shape
    real = dtypes.real_of(dtype)
    lanes = _lanes(inner, vectors.lanes(real))
    if lanes < NARROWEST or radices(n) is None:
        return None
    stages = Stages(n, 1 if inverse else -1)
    rooms = [(n, 2, lanes)] * stages.rooms
    strips = -(-inner // lanes)
    share = _share(outer * strips, n * lanes, few=not all(on_stack(rooms, real)))
    grid = -(-outer * strips // share)

    def write(k: Body, roots: Memory, x: Memory, y: Memory, *scratch: Memory) -> None:
        made = rooms_of(k, rooms, real, scratch)
        with _units(k, outer * strips, share) as unit:
            at = k.minimum(unit % strips * lanes, inner - lanes)

            def read(place: Term) -> Pair:
                return loaded(x, lanes, at, unit // strips, place)

            def store(place: Term, pair: Pair) -> None:
                stored(y, _scaled(k, pair, 1 / n) if inverse else pair, at, unit // strips, place)

            stages.write(k, roots, made, read, store)

    name = f"slopec_{'i' * inverse}fft_{outer}x{n}x{inner}_c{16 * real.itemsize}"
    results = (shape, dtype), *buffers(rooms, real, grid)
    table = flat(stages.table() if len(stages.radices) > 1 else np.ones(1), real)
    return Kernel(name, ((shape, dtype),), results, (grid, 1, 1), write, tables=(table,))


def of_rows(kind: str, rows: int, n: int, dtype: DType, vectors: Vectors) -> Kernel | None:
    """The kernel of transforms of rows of n points, real ones in a real `kind`, if there is one."""
    real = dtypes.real_of(dtype)
    way = _way(kind, n, vectors.lanes(real))
    if way is None:
        return None
    rooms = [*way.transform.rooms, *way.own]
    share = _share(rows, n, few=not all(on_stack(rooms, real)))
    grid = -(-rows // share)

    def write(k: Body, table: Memory, x: Memory, y: Memory, *scratch: Memory) -> None:
        made = rooms_of(k, rooms, real, scratch)
        with _units(k, rows, share) as unit:
            way.write(Work(k, x, y, unit, table, made))

    types: dict[str, tuple[Type, Type]] = {
        "RFFT": (((rows, n), real), ((rows, n // 2 + 1), dtype)),
        "IRFFT": (((rows, n // 2 + 1), dtype), ((rows, n), real)),
    }
    given, made = types.get(kind, (((rows, n), dtype),) * 2)
    name = f"slopec_{kind.lower()}_{rows}x{n}_c{16 * real.itemsize}"
    results = made, *buffers(rooms, real, grid)
    table = np.concatenate([way.transform.table(real), *way.table(real)])
    return Kernel(name, (given,), results, (grid, 1, 1), write, tables=(table,))


def _way(kind: str, n: int, most: int) -> Way | None:
    """How rows of n points are transformed by vectors of `most` lanes."""
    sign, real = (1 if kind.startswith("I") else -1), "R" in kind
    points = n // 2 if real else n
    if not 0 < n <= _LONGEST or (real and n % 2):
        return None
    transform = transform_of(points, sign, 1 / points if sign > 0 else 1, most)
    if transform is None:
        return None
    ways: dict[str, Callable[[Transform], Way]] = {"RFFT": OfReal, "IRFFT": ToReal}
    return ways.get(kind, Plain)(transform)


def _share(units: int, points: int, few: bool) -> int:
    """How many of some units, of so many points, a workgroup computes; `few` have own memory."""
    most = min(units, max(1, units * points // _SHARE), FEW if few else units)
    return -(-units // split(1, most))


@contextmanager
def _units(k: Body, units: int, share: int) -> Iterator[Term]:
    """This workgroup's share."""
    start = k.workgroup() * share
    with k.loop(start, k.minimum(start + share, units)) as trip:
        yield trip.index


def _scaled(k: Body, pair: Pair, factor: float) -> Pair:
    return pair[0] * factor, pair[1] * factor


def _lanes(count: int, most: int) -> int:
    """Lanes for so many numbers beside each other."""
    return min(most, 1 << (count.bit_length() - 1))
