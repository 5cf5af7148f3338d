"""Gather and scatter word by word after StableHLO's specification, with NumPy, for any numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Numbers:
    """Dimension numbers, for gather and scatter alike; the words are those of gather."""

    offset: Dims = ()
    collapsed: Dims = ()
    batching: Dims = ()
    indices_batching: Dims = ()
    start: Dims = ()
    vector_dim: int = 0

    def of_gather(self) -> str:
        """As `dimension_numbers`."""
        return self._spelled("gather", "offset_dims", "collapsed_slice_dims", "operand_batching_dims", "start_indices_batching_dims", "start_index_map")  # fmt: skip

    def of_scatter(self) -> str:
        """As `scatter_dimension_numbers`."""
        return self._spelled("scatter", "update_window_dims", "inserted_window_dims", "input_batching_dims", "scatter_indices_batching_dims", "scatter_dims_to_operand_dims")  # fmt: skip

    def _spelled(self, kind: str, *names: str) -> str:
        values = (self.offset, self.collapsed, self.batching, self.indices_batching, self.start)
        parts = [f"{name} = {list(v)}" for name, v in zip(names, values, strict=True) if v]
        return f"#stablehlo.{kind}<{', '.join([*parts, f'index_vector_dim = {self.vector_dim}'])}>"

    def batch(self, indices: np.ndarray) -> list[int]:
        """The shape of the indices without the dimension of index vectors."""
        return [n for d, n in enumerate(indices.shape) if d != self.vector_dim]

    def laid_out(self, indices: np.ndarray, window: Sequence[int]) -> Dims:
        """The shape of gather's result and scatter's updates."""
        batch, sizes = iter(self.batch(indices)), iter(window)
        rank = indices.ndim + len(window) - (self.vector_dim < indices.ndim)
        return tuple(next(sizes) if d in self.offset else next(batch) for d in range(rank))

    def places(
        self, rank: int, indices: np.ndarray, shape: Dims
    ) -> Iterator[tuple[Dims, list[int], list[int]]]:
        """For each place in `shape` where its window begins and where in the window it is."""
        dropped = {*self.collapsed, *self.batching}
        for place in np.ndindex(*shape):
            batch = [i for d, i in enumerate(place) if d not in self.offset]
            offsets = iter([i for d, i in enumerate(place) if d in self.offset])
            at: list[Any] = list(batch)
            at.insert(self.vector_dim, slice(None))
            vector = np.atleast_1d(indices[tuple(at[: indices.ndim])])
            begin = [0] * rank
            for component, d in zip(vector, self.start, strict=True):
                begin[d] = int(component)
            for d, where in zip(self.batching, self.indices_batching, strict=True):
                begin[d] = batch[where - (where > self.vector_dim)]
            yield place, begin, [0 if d in dropped else next(offsets) for d in range(rank)]


def gather(x: np.ndarray, indices: np.ndarray, numbers: Numbers, sizes: Dims) -> np.ndarray:
    """Windows of x, moved inside."""
    dropped = {*numbers.collapsed, *numbers.batching}
    window = [n for d, n in enumerate(sizes) if d not in dropped]
    out = np.empty(numbers.laid_out(indices, window), x.dtype)
    for place, begin, within in numbers.places(x.ndim, indices, out.shape):
        rows = zip(begin, x.shape, sizes, within, strict=True)
        out[place] = x[tuple(min(max(b, 0), n - size) + w for b, n, size, w in rows)]
    return out


def scatter(
    xs: Sequence[np.ndarray],
    indices: np.ndarray,
    updates: Sequence[np.ndarray],
    numbers: Numbers,
    fold: Callable[[Any, Any], Any],
) -> list[np.ndarray]:
    """Copies of the operands with every update that lies inside folded in, in order."""
    made = [np.array(x) for x in xs]
    for place, begin, within in numbers.places(xs[0].ndim, indices, updates[0].shape):
        target = tuple(b + w for b, w in zip(begin, within, strict=True))
        if all(0 <= t < n for t, n in zip(target, xs[0].shape, strict=True)):
            for x, y in zip(made, updates, strict=True):
                x[target] = fold(x[target], y[place])
    return made
