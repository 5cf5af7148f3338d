"""The ends between which indices must lie, and what is known of whether they do."""

from collections.abc import Sequence

import numpy as np

from slopec import dtypes, hlo
from slopec.passes.facts import known
from slopec.tensor import Tensor
from slopec.transforms.ranges import between


class Bounds:
    """The least and the greatest index of each component of index vectors."""

    def __init__(
        self, indices: Tensor, vector_dim: int, low: Sequence[int], high: Sequence[int]
    ) -> None:
        """`vector_dim` is the dimension of index vectors; one beyond the last if there is none."""
        self.indices, self.vector_dim = indices, vector_dim
        self.low, self.high = self.spread(low), self.spread(high)

    def spread(self, components: Sequence[int]) -> np.ndarray:
        """One number for each component, in the shape of the indices and what they can hold."""
        numbers = np.iinfo(self.indices.dtype)
        values = np.array([min(max(n, numbers.min), numbers.max) for n in components])
        shape = [len(components) if d == self.vector_dim else 1 for d in range(self.indices.ndim)]
        return np.broadcast_to(values.astype(self.indices.dtype).reshape(shape), self.indices.shape)

    def hold(self) -> bool:
        """Whether all indices are known to lie inside, by value or by how they were computed."""
        if not self.indices.size:
            return True
        values = known(self.indices)
        if values is not None:
            return bool(((values >= self.low) & (values <= self.high)).all())
        where = self.indices._trace
        assert where is not None
        axis = None if self.vector_dim == self.indices.ndim else self.vector_dim
        ends = [self._components(bound) for bound in (self.low, self.high)]
        return between(where.value_of(self.indices), axis, *ends)

    def _components(self, bound: np.ndarray) -> np.ndarray:
        """One number for each component."""
        others = [d for d in range(bound.ndim) if d != self.vector_dim]
        found: np.ndarray = bound.max(axis=tuple(others))
        return found

    def clamped(self) -> Tensor:
        """The indices moved inside."""
        return hlo.clamp(_smallest(self.low), self.indices, _smallest(self.high))

    def inside(self) -> Tensor:
        """Whether each index vector lies inside in all its components; without their dimension."""
        low = hlo.compare(self.indices, hlo.constant(np.array(self.low)), "GE")
        high = hlo.compare(self.indices, hlo.constant(np.array(self.high)), "LE")
        both = hlo.and_(low, high)
        if self.vector_dim == self.indices.ndim:
            return both
        result = hlo.reduce(both, hlo.full((), True, dtypes.bool_), "and", [self.vector_dim])
        assert isinstance(result, Tensor)
        return result


def _smallest(values: np.ndarray) -> Tensor:
    """A bound of `clamp`: of rank 0 where all are one number."""
    same = values.size and (values == values.flat[0]).all()
    return hlo.constant(np.array(values.flat[0] if same else values))
