"""What PyTorch spells otherwise: shapes as separate arguments, other orders, its own names.

These are methods only (`slopec.ops.methods` puts them together); functions have the Array API's
spelling.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo
from slopec.ops import (
    arithmetic,
    counting,
    creation,
    joining,
    logic,
    manipulation,
    repetition,
    selecting,
    signs,
    summaries,
    taking,
    windows,
)
from slopec.ops.common import ArrayLike, aligned, as_tensor, axes_of, axis_of, bad_argument
from slopec.ops.data_types import astype, bitcast
from slopec.tensor import Tensor


def _spelled(values: tuple[Any, ...]) -> tuple[int, ...]:
    """Ints given one by one or as one sequence."""
    if len(values) == 1 and isinstance(values[0], Sequence):
        return tuple(values[0])
    return values


# --- shapes, spelled as PyTorch spells them --------------------------------------------------


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """`x.reshape(2, -1)` or `x.reshape((2, -1))`; see `slopec.reshape`."""
    return manipulation.reshape(x, _spelled(shape))


def view(x: Tensor, *shape: Any) -> Tensor:
    """`reshape` for sizes; for a dtype the same bits read as it, see `slopec.bitcast`."""
    first = shape[0]
    sizes = isinstance(first, int | Sequence) and not isinstance(first, str)
    return reshape(x, *shape) if sizes else bitcast(x, first)


def permute(x: Tensor, *axes: Any, axis: Any = ()) -> Tensor:
    """`x.permute(2, 0, 1)`; see `slopec.permute_dims`."""
    return manipulation.permute_dims(x, _spelled(axes) or axis)


def transpose(x: Tensor, *axes: Any) -> Tensor:
    """Two dimensions exchanged for two axes, all in reverse order for none, else a permutation."""
    order = _spelled(axes)
    if len(axes) == 2:
        return manipulation.swapaxes(x, *order)
    return manipulation.permute_dims(x, order or range(x.ndim)[::-1])


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """`x` broadcast to `sizes`, where -1 keeps a size."""
    wanted = _spelled(sizes)
    kept = (1,) * (len(wanted) - x.ndim) + x.shape
    shape = [k if n == -1 else n for n, k in zip(wanted, kept, strict=False)]
    return manipulation.broadcast_to(x, shape)


def repeat(x: Tensor, *repetitions: Any) -> Tensor:
    """`x` as a whole, repeated along each dimension; see `slopec.tile`."""
    return repetition.tile(x, _spelled(repetitions))


def repeat_interleave(
    x: Tensor, repeats: Any, axis: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element repeated along an axis; see `slopec.repeat`, which finds the size itself."""
    return repetition.repeat(x, repeats, axis=axis)


def split(x: Tensor, size: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into parts of `size` (the last maybe smaller), or of the sizes given."""
    length = x.shape[axis]
    if isinstance(size, int):
        return joining.split(x, list(range(size, length, size)), axis=axis)
    if sum(size) != length:
        raise bad_argument(f"split: sizes {tuple(size)} do not add up to {length}")
    places = [sum(size[: i + 1]) for i in range(len(size) - 1)]
    return joining.split(x, places, axis=axis)


def flip(x: Tensor, *axes: Any, axis: Any = None) -> Tensor:
    """`x` in reverse order along the axes, along all for none; see `slopec.flip`."""
    return repetition.flip(x, _spelled(axes) if axes else axis)


def unsqueeze(x: Tensor, axis: int) -> Tensor:
    """`x` with a new dimension of size 1; see `slopec.expand_dims`."""
    return manipulation.expand_dims(x, axis)


def squeeze(x: Tensor, *axes: Any, axis: Any = None) -> Tensor:
    """`x` without dimensions of size 1, all or those named, which may be larger and then stay."""
    named = _spelled(axes) if axes else axis
    if named is not None:
        ones = axes_of("squeeze", named, max(x.ndim, 1)) if x.ndim or named else ()
        named = [d for d in ones if d < x.ndim and x.shape[d] == 1]
    return manipulation.squeeze(x, named)


def chunk(x: Tensor, chunks: int, axis: int = 0) -> list[Tensor]:
    """At most `chunks` parts of one size; see `slopec.chunk`."""
    return joining.chunk(x, chunks, axis=axis)


def unbind(x: Tensor, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis; see `slopec.unstack`."""
    return joining.unstack(x, axis=axis)


# --- places along an axis, in PyTorch's order of arguments -----------------------------------


def index_select(x: Tensor, axis: int, index: ArrayLike) -> Tensor:
    """The slices at `index` along `axis`; see `slopec.take`."""
    return taking.take(x, index, axis=axis)


def take_along_dim(x: Tensor, indices: ArrayLike, axis: int | None = None) -> Tensor:
    """The elements at `indices` along an axis, of the flattened tensor for None."""
    if axis is not None:
        return taking.take_along_axis(x, indices, axis)
    places = as_tensor("take_along_dim", indices)
    return taking.take(x, manipulation.reshape(places, (places.size,)))


def where(x: Tensor, condition: ArrayLike, other: ArrayLike) -> Tensor:
    """`x` where the condition holds, else `other`; see `slopec.where`."""
    return logic.where(condition, x, other)


def numel(x: Tensor) -> int:
    """The number of elements, PyTorch's name."""
    return x.size


def view_as(x: Tensor, other: Tensor) -> Tensor:
    """`x` in the shape of another tensor of as many elements."""
    return manipulation.reshape(x, other.shape)


def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """`x` broadcast to the shape of another tensor."""
    return manipulation.broadcast_to(x, other.shape)


def unfold(x: Tensor, axis: int, size: int, step: int) -> Tensor:
    """The windows of `size` along an axis, `step` apart, whose elements are a new last axis."""
    given = x if x.ndim else manipulation.reshape(x, (1,))
    found = windows.windows_along(given, axis_of("unfold", axis, given.ndim), size, step)
    return found if x.ndim else manipulation.reshape(found, (size,))


def unique(
    x: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> Any:
    """The different values, or slices along an axis, ascending; places and counts if asked for."""
    if axis is None:
        found = counting.unique_all(x)
        return _asked(found.values, return_inverse, found.inverse_indices, return_counts, found[3])
    array = counting.known("unique", x)
    values, inverse, counts = np.unique(array, False, True, True, axis=axis)
    return _asked(
        creation.asarray(values),
        return_inverse,
        creation.asarray(inverse.reshape(-1).astype(np.int32)),
        return_counts,
        creation.asarray(counts.astype(np.int32)),
    )


def unique_consecutive(
    x: Tensor, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> Any:
    """Runs of equal elements, or slices along an axis, as one each; places and lengths if asked."""
    if axis is None:
        values, inverse, counts = summaries.unique_consecutive(x)
    else:
        place = axis_of("unique_consecutive", axis, x.ndim)
        rows = np.moveaxis(counting.known("unique_consecutive", x), place, 0)
        flat = rows.reshape(rows.shape[0], math.prod(rows.shape[1:]))
        run = np.concatenate([[0], np.cumsum((flat[1:] != flat[:-1]).any(1))])[: rows.shape[0]]
        _, first, lengths = np.unique(run, return_index=True, return_counts=True)
        values = creation.asarray(np.moveaxis(rows[first], 0, place))
        inverse, counts = (creation.asarray(v.astype(np.int32)) for v in (run, lengths))
    return _asked(values, return_inverse, inverse, return_counts, counts)


def _asked(values: Tensor, inverse: bool, places: Tensor, count: bool, counts: Tensor) -> Any:
    parts = [values, *([places] if inverse else []), *([counts] if count else [])]
    return parts[0] if len(parts) == 1 else tuple(parts)


def nonzero(x: Tensor, *, as_tuple: bool = False) -> Any:
    """The index vectors of what is not zero, (count, ndim), or with `as_tuple` one tensor a
    dimension, as `slopec.nonzero` gives them.
    """
    return counting.nonzero(x) if as_tuple else selecting.argwhere(x)


def bincount(
    x: Tensor, weights: ArrayLike | None = None, minlength: int = 0, *, length: int | None = None
) -> Tensor:
    """How often each number occurs; see `slopec.bincount`."""
    return counting.bincount(x, weights, minlength, length=length)


# --- arithmetic with options -----------------------------------------------------------------


def add(x: Tensor, other: ArrayLike, *, alpha: Any = 1) -> Tensor:
    """x + alpha · other; see `slopec.add`."""
    return arithmetic.add(x, other if alpha == 1 else arithmetic.multiply(other, alpha))


def sub(x: Tensor, other: ArrayLike, *, alpha: Any = 1) -> Tensor:
    """x - alpha · other; see `slopec.subtract`."""
    return arithmetic.subtract(x, other if alpha == 1 else arithmetic.multiply(other, alpha))


def div(x: Tensor, other: ArrayLike, *, rounding_mode: str | None = None) -> Tensor:
    """x / other, rounded down for "floor" and to zero for "trunc"; see `slopec.divide`."""
    if rounding_mode is None:
        return arithmetic.divide(x, other)
    if rounding_mode == "floor":
        return arithmetic.floor_divide(x, other)
    if rounding_mode != "trunc":
        raise bad_argument(f"div: rounding_mode is None, 'floor' or 'trunc', got {rounding_mode!r}")
    a, b = aligned("div", (x, other))
    if dtypes.is_integer(a.dtype):
        return hlo.divide(a, b)
    return astype(signs.trunc(arithmetic.divide(a, b)), a.dtype)


def type_(x: Tensor, dtype: Any = None) -> Any:
    """`x` converted to a dtype; without one the dtype's name."""
    return x.dtype.name if dtype is None else astype(x, dtype)


# --- new tensors of the same dtype -----------------------------------------------------------


def new_full(x: Tensor, size: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value everywhere, in the dtype of `x` unless another is given."""
    return creation.full(size, fill_value, dtype=dtype or x.dtype)


def new_zeros(x: Tensor, *size: Any, dtype: Any = None) -> Tensor:
    """Zeros in the dtype of `x` unless another is given."""
    return creation.zeros(_spelled(size), dtype=dtype or x.dtype)


def new_ones(x: Tensor, *size: Any, dtype: Any = None) -> Tensor:
    """Ones in the dtype of `x` unless another is given."""
    return creation.ones(_spelled(size), dtype=dtype or x.dtype)


def new_tensor(x: Tensor, data: Any, dtype: Any = None) -> Tensor:
    """A tensor of `data` in the dtype of `x` unless another is given."""
    return creation.asarray(data, dtype=dtype or x.dtype)


# --- questions -------------------------------------------------------------------------------


def dim(x: Tensor) -> int:
    """The number of dimensions."""
    return x.ndim


def element_size(x: Tensor) -> int:
    """The bytes of one element."""
    return x.dtype.itemsize


def is_floating_point(x: Tensor) -> bool:
    """Whether the elements are real floating numbers."""
    return dtypes.is_floating(x.dtype)


def is_complex(x: Tensor) -> bool:
    """Whether the elements are complex."""
    return dtypes.is_complex(x.dtype)


def is_signed(x: Tensor) -> bool:
    """Whether the elements may be negative."""
    return not (dtypes.is_unsigned(x.dtype) or x.dtype == dtypes.bool_)


def is_contiguous(x: Tensor) -> bool:
    """True: tensors are values, whose layout nobody sees."""
    return True
