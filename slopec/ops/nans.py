"""Folds that leave NaN out, under NumPy's names; where there is nothing else, the result is NaN."""

import math
from typing import Any

from slopec import hlo
from slopec.ops import cumulative, extremes, reductions, sorting
from slopec.ops.arithmetic import divide, maximum, multiply, subtract
from slopec.ops.common import ArrayLike, as_tensor, axes_of, floating
from slopec.ops.logic import isnan, logical_not, where
from slopec.ops.manipulation import moveaxis, reshape
from slopec.ops.reductions import count_nonzero, kept_shape
from slopec.ops.taking import take_along_axis
from slopec.tensor import Axis, Tensor

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
]


def _replaced(name: str, x: ArrayLike, by: float) -> Tensor:
    """`x` with `by` in place of NaN; integers have none."""
    given = as_tensor(name, x)
    return where(isnan(given), by, given)


def _counted(x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """How many elements are not NaN."""
    there = logical_not(isnan(x))
    return hlo.convert(count_nonzero(there, axis, keepdims=keepdims), x.dtype)


def nansum(
    x: ArrayLike, /, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False
) -> Tensor:
    """The sum of what is not NaN.

    >>> import slopec as sp
    >>> print(sp.nansum(sp.tensor([1.0, float("nan")])))
    tensor(1., float32[], cpu)
    """
    return reductions.sum(_replaced("nansum", x, 0), axis, dtype=dtype, keepdims=keepdims)


def nanprod(
    x: ArrayLike, /, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False
) -> Tensor:
    """The product of what is not NaN.

    >>> import slopec as sp
    >>> print(sp.nanprod(sp.tensor([3.0, float("nan")])))
    tensor(3., float32[], cpu)
    """
    return reductions.prod(_replaced("nanprod", x, 1), axis, dtype=dtype, keepdims=keepdims)


def nanmean(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean of what is not NaN.

    >>> import slopec as sp
    >>> print(sp.nanmean(sp.tensor([1.0, float("nan"), 2.0])))
    tensor(1.5, float32[], cpu)
    """
    x = floating("nanmean", x)
    return divide(nansum(x, axis, keepdims=keepdims), _counted(x, axis, keepdims))


def nanvar(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The variance of what is not NaN; see `var`.

    >>> import slopec as sp
    >>> print(sp.nanvar(sp.tensor([1.0, float("nan"), 3.0])))
    tensor(1., float32[], cpu)
    """
    x = floating("nanvar", x)
    # NaN goes before anything is computed of it, so that derivatives do not meet it either.
    center = nanmean(x, axis, keepdims=True)
    gap = where(isnan(x), 0, subtract(_replaced("nanvar", x, 0), center))
    degrees = subtract(_counted(x, axis, keepdims), correction)
    degrees = where(degrees > 0, degrees, math.nan)
    return divide(reductions.sum(multiply(gap, gap), axis, keepdims=keepdims), degrees)


def nanstd(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The standard deviation of what is not NaN; see `std`.

    >>> import slopec as sp
    >>> print(sp.nanstd(sp.tensor([1.0, float("nan"), 3.0])))
    tensor(1., float32[], cpu)
    """
    return hlo.sqrt(nanvar(x, axis, correction=correction, keepdims=keepdims))


def nanmax(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest element that is not NaN.

    >>> import slopec as sp
    >>> print(sp.nanmax(sp.tensor([1.0, float("nan"), 3.0])))
    tensor(3., float32[], cpu)
    """
    return _extreme("nanmax", x, axis, keepdims)


def nanmin(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element that is not NaN.

    >>> import slopec as sp
    >>> print(sp.nanmin(sp.tensor([1.0, float("nan"), 3.0])))
    tensor(1., float32[], cpu)
    """
    return _extreme("nanmin", x, axis, keepdims)


def _extreme(name: str, x: ArrayLike, axis: Axis, keepdims: bool) -> Tensor:
    fold, worst = (extremes.max, -math.inf) if name == "nanmax" else (extremes.min, math.inf)
    given = floating(name, x)
    found = fold(_replaced(name, given, worst), axis, keepdims=keepdims)
    nothing = reductions.all(isnan(given), axis, keepdims=keepdims)
    return hlo.convert(where(nothing, math.nan, found), as_tensor(name, x).dtype)


def nanargmax(x: ArrayLike, /, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the largest element that is not NaN; 0 where nothing is.

    >>> import slopec as sp
    >>> print(sp.nanargmax(sp.tensor([float("nan"), 1.0, 3.0])))
    tensor(2, int32[], cpu)
    """
    return extremes.argmax(_replaced("nanargmax", x, -math.inf), axis, keepdims=keepdims)


def nanargmin(x: ArrayLike, /, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the smallest element that is not NaN; 0 where nothing is.

    >>> import slopec as sp
    >>> print(sp.nanargmin(sp.tensor([float("nan"), 1.0, 3.0])))
    tensor(1, int32[], cpu)
    """
    return extremes.argmin(_replaced("nanargmin", x, math.inf), axis, keepdims=keepdims)


def nancumsum(x: ArrayLike, /, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """The running sums of what is not NaN.

    >>> import slopec as sp
    >>> print(sp.nancumsum(sp.tensor([1.0, float("nan"), 3.0])))
    tensor([1. 1. 4.], float32[3], cpu)
    """
    return cumulative.cumsum(_replaced("nancumsum", x, 0), axis, dtype=dtype)


def nancumprod(x: ArrayLike, /, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """The running products of what is not NaN.

    >>> import slopec as sp
    >>> print(sp.nancumprod(sp.tensor([2.0, float("nan"), 3.0])))
    tensor([2. 2. 6.], float32[3], cpu)
    """
    return cumulative.cumprod(_replaced("nancumprod", x, 1), axis, dtype=dtype)


def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    /,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The quantile of what is not NaN; see `quantile`.

    >>> import slopec as sp
    >>> print(sp.nanquantile(sp.tensor([1.0, float("nan"), 3.0]), 0.5))
    tensor(2., float32[], cpu)
    """
    x = floating("nanquantile", x)
    axes = axes_of("nanquantile", axis, x.ndim)
    rest = [n for d, n in enumerate(x.shape) if d not in axes]
    rows = reshape(moveaxis(x, axes, range(-len(axes), 0)), (*rest, -1))
    ordered, known = sorting.sort(rows), _counted(rows, -1, keepdims=True)
    part_of = hlo.convert(as_tensor("nanquantile", q), x.dtype)
    # NaN are sorted behind; a row of nothing else has its first element at every place.
    position = multiply(reshape(part_of, (-1,)), maximum(subtract(known, 1), 0))
    low, high, weight = sorting.neighbours(
        lambda place: take_along_axis(ordered, place, -1), position, method
    )
    result = sorting.interpolated(low, high, weight)
    result = reshape(moveaxis(result, -1, 0), (*part_of.shape, *rest))
    return reshape(result, (*part_of.shape, *kept_shape(x, axes))) if keepdims else result


def nanmedian(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The median of what is not NaN; see `median`.

    >>> import slopec as sp
    >>> print(sp.nanmedian(sp.tensor([1.0, float("nan"), 3.0])))
    tensor(2., float32[], cpu)
    """
    return nanquantile(x, 0.5, axis, keepdims=keepdims)
