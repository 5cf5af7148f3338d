"""Slices chosen, replaced and added at places along one axis; masks; places as numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo
from slopec.ops.arithmetic import clip
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axis_of,
    bad_argument,
    broadcast_shapes,
    expand,
    refuse,
)
from slopec.ops.counting import known
from slopec.ops.creation import asarray, zeros, zeros_like
from slopec.ops.cumulative import cumsum
from slopec.ops.data_types import astype
from slopec.ops.key import known_mask
from slopec.ops.logic import where
from slopec.ops.manipulation import broadcast_to, part
from slopec.ops.ranges import arange
from slopec.ops.sorting import searchsorted
from slopec.ops.taking import take
from slopec.ops.updating import update
from slopec.tensor import Tensor

__all__ = [
    "argwhere",
    "bucketize",
    "diag_indices",
    "diagonal_scatter",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "masked_scatter",
    "masked_select",
    "narrow",
    "ravel_multi_index",
    "select",
    "select_scatter",
    "slice_scatter",
    "tril_indices",
    "triu_indices",
    "unravel_index",
]


def along(axis: int, ndim: int, key: Any) -> tuple[Any, ...]:
    """The index `key` along one axis, all of the others."""
    whole: list[Any] = [slice(None)] * ndim
    whole[axis] = key
    return tuple(whole)


def narrow(x: ArrayLike, axis: int, start: int, length: int, /) -> Tensor:
    """`length` slices along `axis` from `start`.

    >>> import slopec as sp
    >>> print(sp.narrow(sp.arange(5), 0, 1, 3))
    tensor([1 2 3], int32[3], cpu)
    """
    x = as_tensor("narrow", x)
    axis = axis_of("narrow", axis, x.ndim)
    start = start + x.shape[axis] if start < 0 else start
    if not 0 <= start <= start + length <= x.shape[axis]:
        raise bad_argument(
            f"narrow: {length} slices from {start} of dimension {axis}, which has {x.shape[axis]}"
        )
    return part(x, axis, start, start + length)


def select(x: ArrayLike, axis: int, index: int, /) -> Tensor:
    """The slice at `index` along `axis`, without the axis.

    >>> import slopec as sp
    >>> print(sp.select(sp.eye(2), 0, 1))
    tensor([0. 1.], float32[2], cpu)
    """
    x = as_tensor("select", x)
    chosen: Tensor = x[along(axis_of("select", axis, x.ndim), x.ndim, index)]
    return chosen


def select_scatter(x: ArrayLike, values: ArrayLike, axis: int, index: int, /) -> Tensor:
    """`x` with the slice at `index` along `axis` replaced.

    >>> import slopec as sp
    >>> print(sp.select_scatter(sp.zeros((2, 2)), sp.ones(2), 0, 1))
    tensor([[0. 0.]
            [1. 1.]], float32[2, 2], cpu)
    """
    x = as_tensor("select_scatter", x)
    return update(x, along(axis_of("select_scatter", axis, x.ndim), x.ndim, index), values, "set")


def slice_scatter(
    x: ArrayLike,
    values: ArrayLike,
    /,
    axis: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """`x` with the slices from `start` to before `end` along `axis` replaced.

    >>> import slopec as sp
    >>> print(sp.slice_scatter(sp.zeros(4), sp.ones(2), 0, 0, 4, 2))
    tensor([1. 0. 1. 0.], float32[4], cpu)
    """
    x = as_tensor("slice_scatter", x)
    axis = axis_of("slice_scatter", axis, x.ndim)
    bounds = slice(*slice(start, end, step).indices(x.shape[axis]))
    return update(x, along(axis, x.ndim, bounds), values, "set")


def diagonal_scatter(
    x: ArrayLike, values: ArrayLike, /, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Tensor:
    """`x` with the diagonal of two axes replaced; the diagonal is the last axis of `values`.

    >>> import slopec as sp
    >>> print(sp.diagonal_scatter(sp.zeros((2, 2)), sp.tensor([1.0, 2.0])))
    tensor([[1. 0.]
            [0. 2.]], float32[2, 2], cpu)
    """
    from slopec.ops.manipulation import moveaxis

    x = as_tensor("diagonal_scatter", x)
    front = moveaxis(x, (axis1, axis2), (-2, -1))
    top, left = max(-offset, 0), max(offset, 0)
    count = max(min(front.shape[-2] - top, front.shape[-1] - left), 0)
    places = np.arange(count, dtype=np.int32)
    filled = update(front, (..., places + top, places + left), values, "set")
    return moveaxis(filled, (-2, -1), (axis1, axis2))


def _place(name: str, x: Tensor, axis: int, index: ArrayLike) -> tuple[Any, ...]:
    return along(axis_of(name, axis, x.ndim), x.ndim, as_tensor(name, index))


def index_add(
    x: ArrayLike, axis: int, index: ArrayLike, values: ArrayLike, /, *, alpha: Any = 1
) -> Tensor:
    """`x` with alpha · values added to the slices at `index` along `axis`, each time they come.

    >>> import slopec as sp
    >>> print(sp.index_add(sp.zeros(3), 0, sp.tensor([0, 0]), sp.ones(2)))
    tensor([2. 0. 0.], float32[3], cpu)
    """
    x, given = as_tensor("index_add", x), as_tensor("index_add", values)
    scaled = given if alpha == 1 else given * alpha
    return update(x, _place("index_add", x, axis, index), scaled, "add")


def index_copy(x: ArrayLike, axis: int, index: ArrayLike, values: ArrayLike, /) -> Tensor:
    """`x` with the slices at `index` along `axis` replaced.

    >>> import slopec as sp
    >>> print(sp.index_copy(sp.zeros(3), 0, sp.tensor([2, 0]), sp.tensor([5.0, 6.0])))
    tensor([6. 0. 5.], float32[3], cpu)
    """
    x = as_tensor("index_copy", x)
    return update(x, _place("index_copy", x, axis, index), values, "set")


def index_fill(x: ArrayLike, axis: int, index: ArrayLike, value: ArrayLike, /) -> Tensor:
    """`x` with one value in the slices at `index` along `axis`.

    >>> import slopec as sp
    >>> print(sp.index_fill(sp.zeros(3), 0, sp.tensor([1]), 7.0))
    tensor([0. 7. 0.], float32[3], cpu)
    """
    x = as_tensor("index_fill", x)
    return update(x, _place("index_fill", x, axis, index), value, "set")


def index_put(
    x: ArrayLike,
    indices: Sequence[ArrayLike | None],
    values: ArrayLike,
    /,
    accumulate: bool = False,
) -> Tensor:
    """`x` with values set, or added, where index tensors point, one for each dimension or None.

    A mask may stand for the index, of values that need not be known.

    >>> import slopec as sp
    >>> print(sp.index_put(sp.zeros(3), (sp.tensor([0, 2]),), sp.tensor([1.0, 2.0])))
    tensor([1. 0. 2.], float32[3], cpu)
    """
    x = as_tensor("index_put", x)
    mask = _only_mask(indices)
    if mask is None:
        key = tuple(slice(None) if index is None else index for index in indices)
        return update(x, key, values, "add" if accumulate else "set")
    spread = broadcast_to(hlo.reshape(mask, (*mask.shape, *[1] * (x.ndim - mask.ndim))), x.shape)
    rest = x.shape[mask.ndim :]
    given = astype(asarray(values), x.dtype)
    if given.ndim > len(rest) and given.shape[0] != 1:
        # A row for each place where the mask holds.
        rows = broadcast_to(given, (given.shape[0], *rest))
        new = masked_scatter(zeros_like(x), spread, rows)
    else:
        new = broadcast_to(hlo.reshape(given, given.shape[given.ndim > len(rest) :]), x.shape)
    return where(spread, x + new if accumulate else new, x)


def _only_mask(indices: Sequence[ArrayLike | None]) -> Tensor | None:
    """The mask that is the only index, if that is what is given."""
    if len(indices) != 1 or indices[0] is None:
        return None
    index = as_tensor("index_put", indices[0])
    return index if index.dtype == dtypes.bool_ else None


def masked_select(x: ArrayLike, mask: ArrayLike, /) -> Tensor:
    """The elements where the mask holds, as a vector; the mask must be known, `x` need not.

    >>> import slopec as sp
    >>> print(sp.masked_select(sp.arange(4), sp.tensor([True, False, False, True])))
    tensor([0 3], int32[2], cpu)
    """
    x, held = as_tensor("masked_select", x), known_mask("masked_select", mask)
    shape = broadcast_shapes("masked_select", [x.shape, held.shape])
    x, chosen = expand(x, shape), np.flatnonzero(np.broadcast_to(held, shape))
    return take(hlo.reshape(x, (x.size,)), asarray(chosen.astype(np.int32)))


def masked_scatter(x: ArrayLike, mask: ArrayLike, source: ArrayLike, /) -> Tensor:
    """`x` with the places where the mask holds filled, in order, from `source`.

    >>> import slopec as sp
    >>> mask = sp.tensor([True, False, True])
    >>> print(sp.masked_scatter(sp.zeros(3), mask, sp.tensor([1.0, 2.0])))
    tensor([1. 0. 2.], float32[3], cpu)
    """
    x, held = as_tensor("masked_scatter", x), as_tensor("masked_scatter", mask)
    refuse("masked_scatter", held, lambda d: d != dtypes.bool_, "a mask of booleans")
    shape = broadcast_shapes("masked_scatter", [x.shape, held.shape])
    x, held = expand(x, shape), expand(held, shape)
    serial = cumsum(astype(hlo.reshape(held, (x.size,)), dtypes.int32)) - 1
    given = as_tensor("masked_scatter", source)
    places = hlo.maximum(serial, hlo.zeros_like(serial))
    taken = take(hlo.reshape(given, (given.size,)), places)
    return where(held, hlo.reshape(taken, x.shape), x)


def bucketize(x: ArrayLike, boundaries: ArrayLike, /, *, right: bool = False) -> Tensor:
    """Between which rising boundaries each element lies, int32; PyTorch's order of arguments.

    An element equal to a boundary lies before it, with `right` behind it.

    >>> import slopec as sp
    >>> print(sp.bucketize(sp.tensor([1.0, 4.0]), sp.tensor([1.0, 3.0])))
    tensor([0 2], int32[2], cpu)
    """
    return searchsorted(boundaries, x, side="right" if right else "left")


def argwhere(x: ArrayLike, /) -> Tensor:
    """The index vectors, int32, of the elements that are not zero: (count, ndim).

    Raises ShapeError for a traced tensor, whose values would decide the shape.

    >>> import slopec as sp
    >>> print(sp.argwhere(sp.tensor([0, 5])))
    tensor([[1]], int32[1, 1], cpu)
    """
    return asarray(np.argwhere(known("argwhere", x)).astype(np.int32))


def tril_indices(rows: int, columns: int | None = None, offset: int = 0) -> Tensor:
    """The places (2, count) of the lower triangle of a matrix, int32.

    >>> import slopec as sp
    >>> print(sp.tril_indices(2))
    tensor([[0 1 1]
            [0 0 1]], int32[2, 3], cpu)
    """
    found = np.tril_indices(rows, offset, columns)
    return asarray(np.stack(found).astype(np.int32))


def triu_indices(rows: int, columns: int | None = None, offset: int = 0) -> Tensor:
    """The places (2, count) of the upper triangle of a matrix, int32.

    >>> import slopec as sp
    >>> print(sp.triu_indices(2))
    tensor([[0 0 1]
            [0 1 1]], int32[2, 3], cpu)
    """
    found = np.triu_indices(rows, offset, columns)
    return asarray(np.stack(found).astype(np.int32))


def unravel_index(index: ArrayLike, shape: Sequence[int], /) -> tuple[Tensor, ...]:
    """The coordinates of places counted in row-major order.

    >>> import slopec as sp
    >>> row, column = sp.unravel_index(sp.tensor([5]), (2, 3))
    >>> print(row, column)
    tensor([1], int32[1], cpu) tensor([2], int32[1], cpu)
    """
    rest, found = as_tensor("unravel_index", index), []
    for size in reversed(tuple(shape)):
        found.append(rest % size)
        rest = rest // size
    return tuple(reversed(found))


def ravel_multi_index(
    multi_index: Sequence[ArrayLike], shape: Sequence[int], /, mode: str = "clip"
) -> Tensor:
    """The places, counted in row-major order, of coordinates: `unravel_index` undone.

    Coordinates outside are the nearest there are, or with `mode="wrap"` counted around.

    >>> import slopec as sp
    >>> print(sp.ravel_multi_index((sp.tensor([1, 1]), sp.tensor([2, 9])), (2, 3)))
    tensor([5 5], int32[2], cpu)
    """
    if mode not in ("clip", "wrap"):
        raise bad_argument(f'ravel_multi_index: `mode` is "clip" or "wrap", got {mode!r}')
    if len(multi_index) != len(shape):
        raise bad_argument(f"ravel_multi_index: {len(multi_index)} coordinates for {tuple(shape)}")
    total: Tensor | None = None
    for index, size in zip(multi_index, shape, strict=True):
        at = as_tensor("ravel_multi_index", index)
        at = at % size if mode == "wrap" else clip(at, 0, size - 1)
        total = at if total is None else total * size + at
    return zeros((), dtype="int32") if total is None else total


def diag_indices(n: int, ndim: int = 2) -> tuple[Tensor, ...]:
    """The coordinates, int32, of the diagonal of a tensor of `ndim` dimensions of size `n`.

    >>> import slopec as sp
    >>> x = sp.tensor([[1, 2], [3, 4]])
    >>> print(x[sp.diag_indices(2)])
    tensor([1 4], int32[2], cpu)
    """
    return (arange(n),) * ndim
