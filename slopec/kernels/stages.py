"""Fourier transforms of columns, one in each lane, by stages that pass on what they made in memory.

They sort themselves (Stockham, 1966): each stage reads points far from each other and writes them
side by side, until they are in order.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np

from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.butterflies import Pair, butterfly, roots, times
from slopec.kernels.rooms import Room
from slopec.passes.fourier import SMOOTH, largest_factor, smallest_factor

Read = Callable[[Term], Pair]
Store = Callable[[Term, Pair], None]

_LARGEST = 16
"""The longest transform that is computed in registers."""


@cache
def radices(n: int) -> tuple[int, ...] | None:
    """The lengths of the stages: few, and much alike; None if there is a large prime in n.

    >>> radices(32), radices(1000), radices(17)
    ((8, 4), (10, 10, 10), None)
    """
    if n <= _LARGEST:
        return (n,) if largest_factor(n) <= SMOOTH else None
    ways = [(r, *rest) for r in range(_LARGEST, 1, -1) if n % r == 0 and (rest := radices(n // r))]
    return min(ways, key=lambda way: (len(way), max(way))) if ways else None


@cache
def effort(n: int) -> int:
    """What a point of a transform takes, in about a vector's ops."""
    stages = radices(n)
    assert stages is not None
    return sum(8 + _arithmetic(r) for r in stages)  # 8 to read, turn and write it


def _arithmetic(r: int) -> int:
    p = smallest_factor(r)
    return 0 if r == 1 else (4 if p == 2 else 3 * p) + _arithmetic(r // p)


@dataclass(frozen=True)
class Stages:
    """Transforms of a length, whose roots of unity lie in a table from a place on."""

    size: int
    sign: int
    place: int = 0

    @property
    def radices(self) -> tuple[int, ...]:
        """The lengths of the stages."""
        found = radices(self.size)
        assert found is not None
        return found

    @property
    def rooms(self) -> int:
        """How many rooms of `size` pairs of vectors are needed between stages."""
        return min(2, len(self.radices) - 1)

    def table(self) -> np.ndarray:
        """The roots of unity that stages multiply by, stage after stage."""
        made, rest = [np.zeros(0, np.complex128)], self.size
        for r in self.radices[:-1]:
            rest //= r
            turns = np.outer(np.arange(rest), np.arange(1, r))
            made.append(roots(self.sign * turns.ravel(), rest * r))
        return np.concatenate(made)

    def write(
        self, k: Body, roots: Memory, rooms: Sequence[Room], read: Read, store: Store
    ) -> None:
        """Transform the points that `read` gives, which `store` takes in order."""
        done, rest, place = 1, self.size, self.place
        for stage, r in enumerate(self.radices):
            rest //= r
            load = rooms[(stage - 1) % 2].pair if stage else read
            put = rooms[stage % 2].put_pair if rest > 1 else store
            with each(k, rest) as p, each(k, done) as q:
                made = butterfly(k, [load((p + rest * i) * done + q) for i in range(r)], self.sign)
                if rest > 1:
                    turns = p * (2 * (r - 1)) + place
                    made[1:] = [
                        _turned(pair, roots, turns + 2 * i) for i, pair in enumerate(made[1:])
                    ]
                for i, pair in enumerate(made):
                    put((p * r + i) * done + q, pair)
            done, place = done * r, place + 2 * rest * (r - 1)


def _turned(pair: Pair, roots: Memory, place: Term) -> Pair:
    """The vectors times a root of unity."""
    k = roots.body
    c, s = (k.splat(roots.load(place + part), k.lanes(pair[0])) for part in range(2))
    return times(k, pair, (c, s))


@contextmanager
def each(k: Body, count: int) -> Iterator[Term]:
    """A loop over so many indices, or just the one."""
    if count == 1:
        yield k.index(0)
        return
    with k.loop(0, count) as trip:
        yield trip.index


@contextmanager
def blocks(k: Body, size: int, lanes: int) -> Iterator[Term]:
    """A loop over the places of vectors that cover `size` numbers; the last two may overlap."""
    if size == lanes:
        yield k.index(0)
        return
    with k.loop(0, size, lanes) as trip:
        yield k.minimum(trip.index, size - lanes) if size % lanes else trip.index
