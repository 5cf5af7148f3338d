"""What the operations of ATen, PyTorch's tensor library, are in ours: one table, by family.

A name stands for an overload (`add.Tensor`) or, without a dot, for all of them. A function takes
what the operation takes, where PyTorch's schema puts it; a result that is a function is computed if
it is wanted. What is in the table is not decomposed, so that a layer norm stays one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from slopec.interop.aten import (
    attention,
    contractions,
    control,
    creation,
    elementwise,
    fourier,
    images,
    matrices,
    normalization,
    places,
    pooling,
    randomness,
    recurrence,
    reductions,
    shapes,
    symbols,
)

FAMILIES = (
    *(elementwise, reductions, shapes, places, contractions, matrices, normalization, pooling),
    *(images, attention, recurrence, fourier, creation, randomness, control, symbols),
)


class _Table(dict[str, Callable[..., Any]]):
    """Functions by the names of operations; a name with an overload finds the one without."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        self[name] = found
        return found

    def find(self, name: str) -> Callable[..., Any] | None:
        """The function for an operation, or None."""
        return self.get(name) or self.get(name.partition(".")[0])


def _merged(tables: list[Mapping[str, Callable[..., Any]]]) -> _Table:
    merged = _Table()
    for table in tables:
        twice = merged.keys() & table.keys()
        assert not twice, f"{twice} stand in two families"
        merged.update(table)
    return merged


TABLE = _merged([family.TABLE for family in FAMILIES])
"""Every operation that is known."""
