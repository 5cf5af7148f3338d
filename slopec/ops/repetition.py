"""Elements in another order or more than once: flip, roll, rot90, tile, repeat."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import ArrayLike, as_tensor, axes_of, axis_of, per_dimension
from slopec.ops.manipulation import part, swapaxes
from slopec.ops.taking import take
from slopec.tensor import Axis, Tensor

__all__ = [
    "flip",
    "repeat",
    "roll",
    "rot90",
    "tile",
]


def flip(x: ArrayLike, /, axis: Axis = None) -> Tensor:
    """`x` in reverse order along `axis`, along all for None.

    >>> import slopec as sp
    >>> print(sp.flip(sp.tensor([1, 2, 3])))
    tensor([3 2 1], int32[3], cpu)
    """
    x = as_tensor("flip", x)
    return hlo.reverse(x, axes_of("flip", axis, x.ndim))


def roll(x: ArrayLike, /, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
    """`x` moved by `shift` places along `axis`, the end coming back at the beginning.

    For None the flattened tensor is rolled.

    >>> import slopec as sp
    >>> print(sp.roll(sp.tensor([1, 2, 3]), 1))
    tensor([3 1 2], int32[3], cpu)
    """
    x = as_tensor("roll", x)
    if axis is None:
        return hlo.reshape(roll(hlo.reshape(x, (x.size,)), shift, 0), x.shape)
    places = [axis] if isinstance(axis, int) else list(axis)
    shifts = per_dimension("roll", "shift", shift, len(places))
    for place, by in zip(places, shifts, strict=True):
        x = _rolled(x, by, axis_of("roll", place, x.ndim))
    return x


def _rolled(x: Tensor, by: int, axis: int) -> Tensor:
    size = x.shape[axis]
    cut = (size - by) % size if size else 0
    if cut == 0:
        return x
    return hlo.concatenate([part(x, axis, cut, size), part(x, axis, 0, cut)], axis)


def rot90(x: ArrayLike, /, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """`x` turned `k` times by 90° in the plane of `axes`, from the first towards the second.

    >>> import slopec as sp
    >>> print(sp.rot90(sp.tensor([[1, 2], [3, 4]])))
    tensor([[2 4]
            [1 3]], int32[2, 2], cpu)
    """
    x = as_tensor("rot90", x)
    first, second = axes_of("rot90", axes, x.ndim)
    if k % 2 == 0:
        return hlo.reverse(x, [first, second]) if k % 4 else x
    if k % 4 == 1:
        return swapaxes(hlo.reverse(x, [second]), first, second)
    return hlo.reverse(swapaxes(x, first, second), [second])


def tile(x: ArrayLike, /, repetitions: int | Sequence[int]) -> Tensor:
    """`x` as a whole, repeated along each dimension; missing dimensions are added in front.

    >>> import slopec as sp
    >>> print(sp.tile(sp.tensor([1, 2]), 2))
    tensor([1 2 1 2], int32[4], cpu)
    """
    x = as_tensor("tile", x)
    times = (repetitions,) if isinstance(repetitions, int) else tuple(repetitions)
    rank = max(len(times), x.ndim)
    times = (1,) * (rank - len(times)) + times
    sizes = (1,) * (rank - x.ndim) + x.shape
    spread = [n for pair in zip(times, sizes, strict=True) for n in pair]
    wide = hlo.broadcast_in_dim(hlo.reshape(x, sizes), spread, range(1, 2 * rank, 2))
    return hlo.reshape(wide, [t * n for t, n in zip(times, sizes, strict=True)])


def repeat(x: ArrayLike, repeats: Any, /, axis: int | None = None) -> Tensor:
    """Each element of `x` repeated along `axis`, of the flattened tensor for None.

    `repeats` is an int, or one known int per element. Raises ShapeError for another number.

    >>> import slopec as sp
    >>> print(sp.repeat(sp.tensor([1, 2]), 2), sp.repeat(sp.tensor([1, 2]), [1, 3]))
    tensor([1 1 2 2], int32[4], cpu) tensor([1 2 2 2], int32[4], cpu)
    """
    x = as_tensor("repeat", x)
    if axis is None:
        x, axis = hlo.reshape(x, (x.size,)), 0
    place = axis_of("repeat", axis, x.ndim)
    counts = np.asarray(repeats)
    if counts.size == 1:
        return _repeated(x, int(counts.item()), place)
    if counts.shape != (x.shape[place],):
        raise ShapeError(
            "S0101",
            f"repeat: {counts.size} counts for {x.shape[place]} elements along axis {place}",
            span=tracing.here(),
        )

    return take(x, np.repeat(np.arange(x.shape[place], dtype=np.int32), counts), axis=place)


def _repeated(x: Tensor, count: int, axis: int) -> Tensor:
    shape = (*x.shape[: axis + 1], count, *x.shape[axis + 1 :])
    kept = [d if d <= axis else d + 1 for d in range(x.ndim)]
    wide = hlo.broadcast_in_dim(x, shape, kept)
    return hlo.reshape(wide, (*x.shape[:axis], x.shape[axis] * count, *x.shape[axis + 1 :]))
