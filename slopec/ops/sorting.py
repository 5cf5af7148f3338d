"""Order: sort, the largest k, medians and quantiles, and finding places in sorted values.

NaN counts as larger than every number, as NumPy and PyTorch have it.
"""

import math
from collections.abc import Callable, Sequence

from slopec import dtypes, hlo
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axes_of,
    axis_of,
    bad_argument,
    expand,
    floating,
    refuse_complex,
)
from slopec.ops.logic import isnan, where
from slopec.ops.manipulation import moveaxis, part
from slopec.ops.reductions import any as any_
from slopec.ops.reductions import kept_shape
from slopec.ops.taking import take, take_along_axis
from slopec.tensor import Axis, Tensor

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "isin",
    "lexsort",
    "median",
    "partition",
    "quantile",
    "searchsorted",
    "sort",
    "topk",
]


def _before(descending: bool) -> Callable[..., Tensor]:
    """Whether the first of two elements comes first; further operands are carried along."""
    direction = "GT" if descending else "LT"

    def before(a: Tensor, b: Tensor, *_: Tensor) -> Tensor:
        result = hlo.compare(a, b, direction)
        if not dtypes.is_floating(a.dtype):
            return result
        number, nan = (b, a) if descending else (a, b)
        nan_loses = hlo.and_(hlo.compare(nan, nan, "NE"), hlo.compare(number, number, "EQ"))
        return hlo.or_(result, nan_loses)

    return before


def _operand(name: str, x: ArrayLike, axis: int | None) -> tuple[Tensor, int]:
    x = as_tensor(name, x)
    refuse_complex(name, x)
    if axis is None:
        return hlo.reshape(x, (x.size,)), 0
    return x, axis_of(name, axis, x.ndim)


def sort(
    x: ArrayLike, /, axis: int | None = -1, *, descending: bool = False, stable: bool = True
) -> Tensor:
    """The elements in ascending (or `descending`) order along `axis`; flattened for None.

    Raises DTypeError for complex elements.

    >>> import slopec as sp
    >>> print(sp.sort(sp.tensor([3, 1, 2])))
    tensor([1 2 3], int32[3], cpu)
    """
    x, place = _operand("sort", x, axis)
    return hlo.sort([x], _before(descending), place, stable=stable)[0]


def argsort(
    x: ArrayLike, /, axis: int | None = -1, *, descending: bool = False, stable: bool = True
) -> Tensor:
    """The indices, int32, that put the elements in order along `axis`; equal ones keep theirs.

    >>> import slopec as sp
    >>> print(sp.argsort(sp.tensor([3, 1, 2])))
    tensor([1 2 0], int32[3], cpu)
    """
    x, place = _operand("argsort", x, axis)
    indices = hlo.iota(x.shape, place, dtypes.int32)
    return hlo.sort([x, indices], _before(descending), place, stable=stable)[1]


def partition(x: ArrayLike, kth: int | Sequence[int], /, axis: int | None = -1) -> Tensor:
    """The elements with the `kth` where `sort` puts it, no smaller before and no larger behind it.

    All of them are in order here, so any `kth` will do. Raises UsageError where there is none.

    >>> import slopec as sp
    >>> print(sp.partition(sp.tensor([3, 1, 2]), 1)[1])
    tensor(2, int32[], cpu)
    """
    _refuse_places("partition", x, kth, axis)
    return sort(x, axis)


def argpartition(x: ArrayLike, kth: int | Sequence[int], /, axis: int | None = -1) -> Tensor:
    """The indices, int32, that `partition` the elements.

    >>> import slopec as sp
    >>> print(sp.argpartition(sp.tensor([3, 1, 2]), 0)[0])
    tensor(1, int32[], cpu)
    """
    _refuse_places("argpartition", x, kth, axis)
    return argsort(x, axis)


def _refuse_places(name: str, x: ArrayLike, kth: int | Sequence[int], axis: int | None) -> None:
    given, place = _operand(name, x, axis)
    size = given.shape[place]
    for k in [kth] if isinstance(kth, int) else kth:
        if not -size <= k < size:
            raise bad_argument(f"{name}: kth={k} of {size} elements along axis {place}")


def lexsort(keys: Sequence[ArrayLike], /, axis: int = -1) -> Tensor:
    """The indices, int32, that sort by the last key, equal ones by the key before, and so on.

    Keys have one shape; a tensor's are along its first dimension. Raises UsageError for none.

    >>> import slopec as sp
    >>> print(sp.lexsort([sp.tensor([2, 1, 3]), sp.tensor([1, 1, 0])]))
    tensor([2 1 0], int32[3], cpu)
    """
    if not len(keys):
        raise bad_argument("lexsort: there is no key")
    first, *others = (as_tensor("lexsort", key) for key in keys)
    order = argsort(first, axis)
    for key in others:
        order = take_along_axis(order, argsort(take_along_axis(key, order, axis), axis), axis)
    return order


def topk(x: ArrayLike, k: int, /, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest (or smallest) elements along `axis`, in order, and their indices (int32).

    Raises UsageError when there are fewer than `k`.

    >>> import slopec as sp
    >>> values, indices = sp.topk(sp.tensor([3, 9, 7]), 2)
    >>> print(values, indices)
    tensor([9 7], int32[2], cpu) tensor([1 2], int32[2], cpu)
    """
    x, place = _operand("topk", x, axis)
    if not 0 <= k <= x.shape[place]:
        raise bad_argument(f"topk: k={k} of {x.shape[place]} elements along axis {place}")
    indices = hlo.iota(x.shape, place, dtypes.int32)
    values, indices = hlo.sort([x, indices], _before(largest), place)
    return part(values, place, 0, k), part(indices, place, 0, k)


# --- quantiles -------------------------------------------------------------------------------


_BETWEEN = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    x: ArrayLike,
    q: ArrayLike,
    /,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The value below which the part `q` (in [0, 1]) of the elements over `axis` lies.

    Between two elements it is "linear" interpolation, the "lower", the "higher", the "midpoint" of
    both or the "nearest"; NaN where one is NaN. The dimensions of `q` come first.

    >>> import slopec as sp
    >>> print(sp.quantile(sp.tensor([1.0, 2.0, 3.0, 4.0]), sp.tensor([0.25, 0.5])))
    tensor([1.75 2.5 ], float32[2], cpu)
    """
    x = floating("quantile", x)
    refuse_complex("quantile", x)
    axes = axes_of("quantile", axis, x.ndim)
    rest = [n for d, n in enumerate(x.shape) if d not in axes]
    count = math.prod(x.shape[d] for d in axes)
    if not count:
        raise bad_argument(f"quantile: shape {x.shape} has no elements along the axis")
    rows = hlo.reshape(moveaxis(x, axes, range(-len(axes), 0)), (*rest, count))
    ordered = hlo.sort([rows], _before(False), len(rest))[0]
    part_of = hlo.convert(as_tensor("quantile", q), x.dtype)
    position = hlo.multiply(part_of, hlo.full_like(part_of, count - 1))
    low, high, weight = neighbours(
        lambda place: _first(take(ordered, place, axis=-1), part_of.ndim), position, method
    )
    weight = hlo.broadcast_in_dim(weight, low.shape, range(part_of.ndim))
    result = interpolated(low, high, weight)
    spoiled = expand(any_(isnan(rows), -1), result.shape)
    result = where(spoiled, math.nan, result)
    return hlo.reshape(result, (*part_of.shape, *kept_shape(x, axes))) if keepdims else result


def neighbours(
    at: Callable[[Tensor], Tensor], position: Tensor, method: str
) -> tuple[Tensor, Tensor, Tensor]:
    """The elements around a position, which `at` picks, and how much the one above counts."""
    below = hlo.floor(position)
    low, high = (at(hlo.convert(p, dtypes.int32)) for p in (below, hlo.ceil(position)))
    return low, high, _weight(method, hlo.subtract(position, below), below)


def interpolated(low: Tensor, high: Tensor, weight: Tensor) -> Tensor:
    """low + weight (high - low)."""
    equal = hlo.compare(low, high, "EQ")  # two infinities, too, have no gap
    gap = hlo.select(equal, hlo.zeros_like(low), hlo.subtract(high, low))
    return hlo.add(low, hlo.multiply(weight, gap))


def _weight(method: str, between: Tensor, below: Tensor) -> Tensor:
    """How much of the element above counts, `between` two elements; ties go to the even place."""
    if method not in _BETWEEN:
        raise bad_argument(f"quantile: method {method!r}; known are {', '.join(_BETWEEN)}")
    if method == "linear":
        return between
    whole = hlo.ceil(between)
    if method == "midpoint":
        return hlo.multiply(whole, hlo.full_like(whole, 0.5))
    if method == "nearest":
        place = hlo.add(below, between)
        return hlo.subtract(hlo.round_nearest_even(place), below)
    return whole if method == "higher" else hlo.zeros_like(whole)


def _first(x: Tensor, count: int) -> Tensor:
    """`x` with its last `count` dimensions moved to the front."""
    return moveaxis(x, range(-count, 0), range(count))


def median(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The middle element over `axis`, or the mean of the middle two; NaN where one is NaN.

    >>> import slopec as sp
    >>> print(sp.median(sp.tensor([3.0, 1.0, 2.0, 10.0])))
    tensor(2.5, float32[], cpu)
    """
    return quantile(x, 0.5, axis=axis, keepdims=keepdims)


# --- places in sorted values -----------------------------------------------------------------


def searchsorted(
    x1: ArrayLike, x2: ArrayLike, /, *, side: str = "left", sorter: ArrayLike | None = None
) -> Tensor:
    """Where each element of x2 would go into the sorted vector x1 to keep it sorted, as int32.

    Before equal elements for side "left", behind them for "right"; `sorter` are the places that
    sort x1 when it is not sorted, as `argsort` gives them. All elements are searched
    together by halving, log₂ n times.

    >>> import slopec as sp
    >>> print(sp.searchsorted(sp.tensor([1, 3, 5]), sp.tensor([0, 3, 9])))
    tensor([0 1 3], int32[3], cpu)
    """
    ordered, wanted = as_tensor("searchsorted", x1), as_tensor("searchsorted", x2)
    if ordered.ndim != 1 or side not in ("left", "right"):
        raise bad_argument(
            f"searchsorted: a sorted vector and side 'left' or 'right', got shape {ordered.shape} "
            f"and {side!r}"
        )
    if sorter is not None:
        ordered = take(ordered, as_tensor("searchsorted", sorter))
    dtype = dtypes.promote([ordered.dtype, wanted.dtype])
    ordered, wanted = hlo.convert(ordered, dtype), hlo.convert(wanted, dtype)
    refuse_complex("searchsorted", ordered)
    before = _before(False)
    size = ordered.shape[0]
    place = hlo.full(wanted.shape, 0, dtypes.int32)
    step = 1 << size.bit_length() >> 1
    while step:
        # `place` elements are known to come before; are the next `step` of them too?
        reach = hlo.add(place, hlo.full_like(place, step))
        last = hlo.minimum(reach, hlo.full_like(reach, size))
        seen = take(ordered, hlo.subtract(last, hlo.full_like(last, 1)))
        earlier = before(seen, wanted) if side == "left" else hlo.not_(before(wanted, seen))
        inside = hlo.compare(reach, hlo.full_like(reach, size), "LE")
        place = hlo.select(hlo.and_(earlier, inside), reach, place)
        step >>= 1
    return place


def digitize(x: ArrayLike, bins: ArrayLike, /, *, right: bool = False) -> Tensor:
    """The bin of each element, int32: i with bins[i-1] ≤ x < bins[i], for rising `bins`.

    With `right` the upper edge belongs to the bin.

    >>> import slopec as sp
    >>> print(sp.digitize(sp.tensor([0.5, 1.5, 9.0]), sp.tensor([0.0, 1.0, 2.0])))
    tensor([1 2 3], int32[3], cpu)
    """
    return searchsorted(bins, x, side="left" if right else "right")


def isin(x1: ArrayLike, x2: ArrayLike, /, *, invert: bool = False) -> Tensor:
    """Whether each element of x1 is among those of x2, or is not, with `invert`.

    >>> import slopec as sp
    >>> print(sp.isin(sp.tensor([1, 2, 3]), sp.tensor([3, 1])))
    tensor([ True False  True], bool[3], cpu)
    """
    given, known = as_tensor("isin", x1), as_tensor("isin", x2)
    dtype = dtypes.promote([given.dtype, known.dtype])
    given, known = hlo.convert(given, dtype), hlo.convert(known, dtype)
    shape = (*given.shape, known.size)
    each = hlo.broadcast_in_dim(given, shape, range(given.ndim))
    other = hlo.broadcast_in_dim(hlo.reshape(known, (known.size,)), shape, [given.ndim])
    found = hlo.reduce(
        hlo.compare(each, other, "EQ"), hlo.full((), False, dtypes.bool_), "or", [given.ndim]
    )
    assert isinstance(found, Tensor)
    return hlo.not_(found) if invert else found
