"""An index read once: what NumPy's `x[key]` means, as a plan of plain steps.

A key becomes a *view* (one strided, maybe reversed range per dimension, some dropped, some new) and
then, where arrays or tensors are used as indices, a *pick* from that view's dimensions. Reading
(`indexing.py`) and updating (`updating.py`) carry out the same plan.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, RangeError, ShapeError
from slopec.ops.common import Shape, broadcast_shapes, expand
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Range:
    """The elements start, start + step, … (`count` of them) of a dimension; `step` may be < 0."""

    start: int
    step: int
    count: int

    @property
    def lowest(self) -> int:
        """The smallest index in the range."""
        return self.start if self.step > 0 else self.start + (self.count - 1) * self.step


@dataclass(frozen=True)
class Key:
    """An index for a tensor of `shape`.

    `ranges` holds one range per dimension; `dropped` are the dimensions that plain ints removed;
    `new` are the places of new dimensions in the view. `picked` are the dimensions of the view
    that `indices` (tensors of one shape, counted from the front) select from; their dimensions
    come at place `where` of the result.
    """

    shape: Shape
    ranges: tuple[Range, ...]
    dropped: tuple[int, ...]
    new: tuple[int, ...]
    picked: tuple[int, ...]
    indices: tuple[Tensor, ...]
    where: int

    @property
    def view_shape(self) -> Shape:
        """The shape after ranges, dropped and new dimensions."""
        sizes = [r.count for d, r in enumerate(self.ranges) if d not in self.dropped]
        for place in self.new:
            sizes.insert(place, 1)
        return tuple(sizes)

    @property
    def result_shape(self) -> Shape:
        """The shape of `x[key]`."""
        view = self.view_shape
        if not self.picked:
            return view
        rest = [n for d, n in enumerate(view) if d not in self.picked]
        rest[self.where : self.where] = self.indices[0].shape
        return tuple(rest)

    @property
    def is_whole(self) -> bool:
        """Whether the view has every element of every dimension, in order."""
        return all(r == Range(0, 1, n) for r, n in zip(self.ranges, self.shape, strict=True))


def read_key(name: str, key: Any, shape: Shape) -> Key:
    """The plan for `x[key]` with `x` of `shape`; `name` is the function that asks.

    Raises ShapeError for indices outside the shape, too many of them or masks that do not fit, and
    DTypeError for objects that are no indices.
    """
    items = _expanded(name, _masks_as_indices(name, _items(key), shape), shape)
    ranges: list[Range] = []
    dropped: list[int] = []
    new: list[int] = []
    arrays: list[tuple[int, Tensor]] = []
    advanced: list[int] = []
    has_array = any(_is_array(item) or isinstance(item, bool) for item in items)
    place = 0
    for position, item in enumerate(items):
        if item is None or isinstance(item, bool):
            new.append(place)
            if item is not None:  # a mask without dimensions picks all or nothing of a new one
                arrays.append((place, hlo.full((int(item),), 0, dtypes.int32)))
                advanced.append(position)
            place += 1
            continue
        size, dim = shape[len(ranges)], len(ranges)
        if isinstance(item, int):
            ranges.append(Range(_inside(name, item, size, dim, shape), 1, 1))
            dropped.append(dim)
            advanced += [position] * has_array
            continue
        if isinstance(item, slice):
            ranges.append(_range(name, item, size))
        else:
            ranges.append(Range(0, 1, size))
            arrays.append((place, _index(name, item, size, dim, shape)))
            advanced.append(position)
        place += 1
    indices = _common_shape(name, [tensor for _, tensor in arrays])
    where = _result_place(items, advanced)
    picked = tuple(p for p, _ in arrays)
    return Key(shape, tuple(ranges), tuple(dropped), tuple(new), picked, tuple(indices), where)


def _items(key: Any) -> list[Any]:
    """The parts of a key, ints and arrays in one form each."""
    return [_item(part) for part in (key if isinstance(key, tuple) else (key,))]


def _item(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice | bool | Tensor):
        return part
    if isinstance(part, np.bool_):
        return bool(part)
    if isinstance(part, list | np.ndarray) or hasattr(part, "__array__"):
        if isinstance(part, list) and not part:
            return np.zeros(0, np.int32)
        array = _listed(part) if isinstance(part, list) else np.asarray(part)
        plain = not isinstance(array, Tensor) and not array.ndim and array.dtype.kind in "iu"
        return int(array) if plain else array
    try:
        return operator.index(part)
    except TypeError:
        raise _no_index(part) from None


def _listed(part: list[Any]) -> Any:
    if any(isinstance(item, Tensor) for item in part):
        from slopec.ops.creation import asarray

        return asarray(part)
    return np.asarray(part)


def _no_index(part: Any) -> DTypeError:
    kind = f"a {part.dtype} array" if hasattr(part, "dtype") else f"a {type(part).__name__}"
    return DTypeError(
        "S0108",
        f"{kind} is no index",
        span=tracing.here(),
        hint="indices are ints, slices, None, `...`, and arrays or tensors of ints or booleans",
    )


def _is_array(item: Any) -> bool:
    return isinstance(item, np.ndarray | Tensor)


def _fits(mask: Shape, covered: Shape) -> bool:
    """Whether a mask has a truth for each element, or none at all."""
    return len(mask) == len(covered) and all(
        m in (size, 0) for m, size in zip(mask, covered, strict=True)
    )


def _is_mask(item: Any) -> bool:
    return isinstance(item, bool) or (_is_array(item) and item.dtype == dtypes.bool_)


def _masks_as_indices(name: str, items: list[Any], shape: Shape) -> list[Any]:
    """The items with every boolean mask replaced by the indices of its true elements."""
    result: list[Any] = []
    dim = 0
    for at, item in enumerate(items):
        if item is Ellipsis:
            dim = len(shape) - sum(_consumes(later) for later in items[at + 1 :])
        if not _is_mask(item):
            result.append(item)
            dim += _consumes(item) if item is not Ellipsis else 0
            continue
        mask = known_mask(name, item)
        if mask.ndim == 0:
            result.append(bool(mask))
            continue
        covered = shape[dim : dim + mask.ndim]
        if not _fits(mask.shape, covered):
            raise RangeError(
                "S0108",
                f"{name}: a mask of shape {mask.shape} for dimensions of shape {covered}",
                span=tracing.here(),
            )
        result += mask.nonzero()
        dim += mask.ndim
    return result


def _consumes(item: Any) -> int:
    """How many dimensions of the tensor an item stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if _is_mask(item) else 1


def known_mask(name: str, mask: Any) -> np.ndarray:
    """The values of a boolean mask; ShapeError when they are not known while tracing."""
    if isinstance(mask, Tensor) and mask.device == "traced":
        raise ShapeError(
            "S0108",
            f"{name}: the shape of the result depends on the values of a traced mask",
            span=tracing.here(),
            hint="use `sp.where(mask, x, other)`, which keeps the shape",
        )
    return np.asarray(mask)


def _expanded(name: str, items: list[Any], shape: Shape) -> list[Any]:
    """The items with `...` spelled out and missing slices added at the end."""
    for item in items:
        if _is_array(item) and not dtypes.is_integer(item.dtype):
            raise _no_index(item)
    count = sum(_consumes(item) for item in items)
    if count > len(shape):
        raise RangeError(
            "S0108",
            f"{name}: {count} indices for a tensor of shape {shape}",
            span=tracing.here(),
        )
    dots = [at for at, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise RangeError("S0108", f"{name}: `...` stands twice in an index", span=tracing.here())
    at = dots[0] if dots else len(items)
    return items[:at] + [slice(None)] * (len(shape) - count) + items[at + 1 :]


def _inside(name: str, index: int, size: int, dim: int, shape: Shape) -> int:
    if not -size <= index < size:
        raise RangeError(
            "S0108",
            f"{name}: index {index} is outside dimension {dim} of shape {shape}",
            span=tracing.here(),
        )
    return index % size


def _range(name: str, part: slice, size: int) -> Range:
    try:
        start, stop, step = part.indices(size)
    except (TypeError, ValueError) as error:
        raise DTypeError(
            "S0108",
            f"{name}: {error}",
            span=tracing.here(),
            hint="for a start that is computed, use `sp.dynamic_slice`",
        ) from None
    return Range(start, step, len(range(start, stop, step)))


def _index(name: str, item: Any, size: int, dim: int, shape: Shape) -> Tensor:
    """The indices of one dimension, counted from the front; known ones are checked."""
    if not size and item.size:
        _inside(name, 0, size, dim, shape)
    if isinstance(item, Tensor):
        return wrapped(item, size)
    if item.size and not (-size <= item.min() and item.max() < size):
        wrong = item.min() if item.min() < -size else item.max()
        _inside(name, int(wrong), size, dim, shape)
    return hlo.constant(np.where(item < 0, item + size, item).astype(np.int32))


def wrapped(index: Tensor, size: int) -> Tensor:
    """Indices with the negative ones counted from the end of a dimension of `size`."""
    if dtypes.is_unsigned(index.dtype):
        return hlo.convert(index, dtypes.int32)
    wide = index if index.dtype == dtypes.int64 else hlo.convert(index, dtypes.int32)
    below = hlo.compare(wide, hlo.zeros_like(wide), "LT")
    return hlo.select(below, hlo.add(wide, hlo.full_like(wide, size)), wide)


def _common_shape(name: str, indices: Sequence[Tensor]) -> list[Tensor]:
    if not indices:
        return []
    shape = broadcast_shapes(name, [i.shape for i in indices])
    dtype = dtypes.promote(i.dtype for i in indices)
    return [expand(hlo.convert(i, dtype), shape) for i in indices]


def _result_place(items: list[Any], advanced: list[int]) -> int:
    """Where the dimensions of index arrays go: in place if they stand together, else first."""
    if not advanced or advanced != list(range(advanced[0], advanced[-1] + 1)):
        return 0
    return sum(item is None or isinstance(item, slice) for item in items[: advanced[0]])
