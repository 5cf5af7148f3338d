"""Mini-batches as a function of (seed, step): an interrupted run resumes on the very same batches.

The order comes from the raw stream of PCG64, which NumPy promises never to change; `Generator`'s
own `permutation` carries no such promise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from slopec.diagnostics import UsageError

Arrays = Mapping[str, NDArray[np.generic]]


def permutation(count: int, *seed: int) -> NDArray[np.intp]:
    """A shuffled `arange(count)`, the same for the same seed on every platform and NumPy version.

    >>> permutation(5, 0).tolist()
    [3, 2, 1, 0, 4]
    """
    keys = np.random.PCG64(seed).random_raw(count)
    return np.argsort(keys, kind="stable")


@lru_cache(maxsize=4)
def _epoch_order(rows: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The permutation of one epoch, kept while its batches are taken."""
    return permutation(rows, seed, epoch)


@dataclass(frozen=True)
class Batches:
    """Rows of equally long arrays in batches of `size`, reshuffled every epoch.

    `data` maps names to arrays that share their first dimension. With `drop_last` (the default,
    so that every batch has the shape that was compiled) the rows left over at the end of an epoch
    wait for another one's order. Raises `UsageError` (S0603) if the arrays differ in length or
    hold less than one batch.

    >>> rows = Batches({"x": np.arange(10)}, size=4, seed=1)
    >>> len(rows), [batch["x"].tolist() for batch in rows.epoch(0)]
    (2, [[9, 2, 4, 7], [5, 0, 8, 6]])
    """

    data: Arrays
    size: int
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = True

    def __post_init__(self) -> None:
        lengths = {name: len(array) for name, array in self.data.items()}
        if len(set(lengths.values())) != 1:
            found = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
            raise UsageError(
                "S0603",
                "the arrays of a data set must have equally many rows",
                notes=(f"rows: {found or 'no arrays at all'}",),
            )
        if self.size < 1:
            raise UsageError("S0603", f"a batch needs at least one row, not {self.size}")
        if len(self) == 0:
            raise UsageError(
                "S0603",
                f"a batch of {self.size} rows cannot be taken from {self.rows}",
                hint="use a smaller batch size" if self.rows else "the data set is empty",
            )

    @property
    def rows(self) -> int:
        """Rows in the data set."""
        return len(next(iter(self.data.values())))

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.rows // self.size if self.drop_last else -(-self.rows // self.size)

    def epoch(self, number: int) -> Iterator[dict[str, NDArray[np.generic]]]:
        """The batches of one epoch, counted from 0."""
        for index in range(len(self)):
            yield self.batch(number * len(self) + index)

    def batch(self, step: int) -> dict[str, NDArray[np.generic]]:
        """The batch of a step, counted from 0 over all epochs."""
        epoch, index = divmod(step, len(self))
        rows = self._order(epoch)[index * self.size : (index + 1) * self.size]
        return {name: array[rows] for name, array in self.data.items()}

    def steps(self, start: int = 0) -> Iterator[dict[str, NDArray[np.generic]]]:
        """An endless stream of batches from step `start` on."""
        step = start
        while True:
            yield self.batch(step)
            step += 1

    def _order(self, epoch: int) -> NDArray[np.intp]:
        if not self.shuffle:
            return np.arange(self.rows)
        return _epoch_order(self.rows, self.seed, epoch)
