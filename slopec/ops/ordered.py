"""Order and spread as PyTorch's methods tell them: values with their indices, unbiased variances.

`x.max(dim)`, `x.sort()` and their like give `values` and `indices`; `x.var()` divides by n - 1.
NumPy's words, `axis` and `keepdims`, get NumPy's answer: `x.max(axis=0)` is `slopec.max(x, 0)`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from slopec import dtypes, hlo
from slopec.ops import arithmetic, cumulative, extremes, nans, reductions, sorting, summaries
from slopec.ops.common import ArrayLike, as_tensor, axis_of
from slopec.ops.logic import isnan, logical_not, where
from slopec.ops.manipulation import part, reshape, squeeze
from slopec.ops.taking import take_along_axis
from slopec.tensor import Axis, Tensor

Method = Callable[..., Any]


class Found(NamedTuple):
    """Elements, and where they stand along the dimension (int32)."""

    values: Tensor
    indices: Tensor


class Extent(NamedTuple):
    """The smallest and the largest element."""

    min: Tensor
    max: Tensor


def _numpys(function: Method) -> Callable[[Method], Method]:
    """Make a method answer as `function` does where it is asked in NumPy's words."""

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def either(x: Tensor, *args: Any, **options: Any) -> Any:
            asked = function if options.keys() & {"axis", "keepdims"} else method
            return asked(x, *args, **options)

        return either

    return decorate


def _along(name: str, x: Tensor, dim: int) -> tuple[Tensor, int]:
    """`x` and the axis counted from the front; a number is a vector of one, as in PyTorch."""
    x = reshape(x, (1,)) if not x.ndim else x
    return x, axis_of(name, dim, x.ndim)


def _found(like: Tensor, x: Tensor, index: Tensor, axis: int, keepdim: bool) -> Found:
    """The elements of `x` at an index along `axis`, which is kept or not."""
    found = Found(take_along_axis(x, index, axis), index)
    if like.ndim and keepdim:
        return found
    return Found(squeeze(found.values, axis), squeeze(found.indices, axis))


def _extreme(name: str, x: Tensor, dim: Any, keepdim: bool) -> Any:
    if dim is None:
        return getattr(extremes, name)(x)
    if not isinstance(dim, int | np.integer):
        return getattr(arithmetic, f"{name}imum")(x, dim)
    given, axis = _along(name, x, int(dim))
    index = getattr(extremes, f"arg{name}")(given, axis, keepdims=True)
    return _found(x, given, index, axis, keepdim)


@_numpys(extremes.max)
def max(x: Tensor, dim: int | ArrayLike | None = None, keepdim: bool = False) -> Any:
    """The largest element; along a `dim` the largest elements and their indices, as a pair.

    With a tensor in place of `dim` it is `slopec.maximum`, with NumPy's `axis=` `slopec.max`.

    >>> import slopec as sp
    >>> x = sp.tensor([[1, 5], [7, 2]])
    >>> x.max(1).indices.tolist(), x.max(axis=1).tolist(), x.max().item()
    ([1, 0], [5, 7], 7)
    """
    return _extreme("max", x, dim, keepdim)


@_numpys(extremes.min)
def min(x: Tensor, dim: int | ArrayLike | None = None, keepdim: bool = False) -> Any:
    """The smallest element; along a `dim` the smallest elements and their indices; see `max`."""
    return _extreme("min", x, dim, keepdim)


@_numpys(sorting.median)
def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the middle elements; along a `dim` with its index. NaN where one is NaN.

    With NumPy's `axis=` it is `slopec.median`, the mean of the middle two.
    """
    if dim is None:
        return median(reshape(x, (x.size,)), 0).values
    given, axis = _along("median", x, dim)
    order = sorting.argsort(given, axis)
    size = given.shape[axis]
    middle = part(order, axis, (size - 1) // 2, (size - 1) // 2 + 1)
    if dtypes.is_floating(x.dtype):
        largest = extremes.argmax(given, axis, keepdims=True)  # the first NaN, if there is one
        middle = where(isnan(take_along_axis(given, largest, axis)), largest, middle)
    return _found(x, given, middle, axis, keepdim)


@_numpys(nans.nanmedian)
def nanmedian(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the middle elements that are not NaN; see `median`. NaN where all are.

    With NumPy's `axis=` it is `slopec.nanmedian`, the mean of the middle two.
    """
    if dim is None:
        return nanmedian(reshape(x, (x.size,)), 0).values
    given, axis = _along("nanmedian", x, dim)
    count = reductions.count_nonzero(logical_not(isnan(given)), axis, keepdims=True)
    place = arithmetic.maximum(count - 1, 0) // 2  # NaN come last in order
    middle = take_along_axis(sorting.argsort(given, axis), place, axis)
    return _found(x, given, middle, axis, keepdim)


def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Found:
    """The k-th smallest element along `dim` and its index; see `slopec.kthvalue`."""
    return Found(*summaries.kthvalue(x, k, dim, keepdims=keepdim))


def _sorted(
    x: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, **options: Any
) -> Found:
    """The elements in order along `dim`, and where they stood; equal ones keep their order.

    With NumPy's `axis=` it is `slopec.sort`, the elements alone.
    """
    given, axis = _along("sort", x, dim)
    order = sorting.argsort(given, axis, descending=descending)
    values = sorting.sort(given, axis, descending=descending)
    return Found(reshape(values, x.shape), reshape(order, x.shape))


sort = _numpys(sorting.sort)(_sorted)


def topk(
    x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, **options: Any
) -> Found:
    """The `k` largest (or smallest) elements along `dim`, in order, and their indices."""
    return Found(*sorting.topk(x, k, axis=options.get("axis", dim), largest=largest))


def _running(name: str, x: Tensor, dim: int) -> Found:
    given, axis = _along(name, x, dim)
    hit = given == getattr(cumulative, name)(given, axis)
    if dtypes.is_floating(x.dtype):
        hit = hit | isnan(given)
    places = hlo.iota(given.shape, axis, dtypes.int32)
    indices = cumulative.cummax(where(hit, places, 0), axis)
    values = take_along_axis(given, indices, axis)
    return Found(reshape(values, x.shape), reshape(indices, x.shape))


@_numpys(cumulative.cummax)
def cummax(x: Tensor, dim: int) -> Found:
    """The largest element up to each one along `dim`, and where it stands, the last of equals."""
    return _running("cummax", x, dim)


@_numpys(cumulative.cummin)
def cummin(x: Tensor, dim: int) -> Found:
    """The smallest element up to each one along `dim`, and where it stands, the last of equals."""
    return _running("cummin", x, dim)


@_numpys(summaries.aminmax)
def aminmax(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Extent:
    """The smallest and the largest element, as `min` and `max` of a pair."""
    return Extent(*summaries.aminmax(x, axis=dim, keepdims=keepdim))


def _spread(
    function: Method, x: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: Any
) -> Tensor:
    if isinstance(dim, bool):  # PyTorch's x.var(unbiased)
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    less = 1 if correction is None else correction
    result: Tensor = function(x, dim, correction=less, keepdims=keepdim)
    return result


@_numpys(reductions.var)
def var(
    x: Tensor,
    dim: Axis | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """The variance, divided by n - correction; with NumPy's `axis=` `slopec.var`, divided by n.

    >>> import slopec as sp
    >>> x = sp.tensor([1.0, 2.0, 3.0])
    >>> x.var().item(), round(x.var(axis=0).item(), 4)
    (1.0, 0.6667)
    """
    return _spread(reductions.var, x, dim, unbiased, keepdim, correction)


@_numpys(reductions.std)
def std(
    x: Tensor,
    dim: Axis | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """The standard deviation, √`var`; with NumPy's `axis=` `slopec.std`."""
    return _spread(reductions.std, x, dim, unbiased, keepdim, correction)


def equal(x: Tensor, other: ArrayLike) -> bool:
    """Whether both tensors have one shape and the same elements; `x == y` compares each."""
    other = as_tensor("equal", other)
    return x.shape == other.shape and bool(reductions.all(x == other))


METHODS: dict[str, Method] = {
    function.__name__.strip("_"): function
    for function in (
        max,
        min,
        median,
        nanmedian,
        kthvalue,
        topk,
        cummax,
        cummin,
        aminmax,
        var,
        std,
        equal,
    )
} | {"sort": sort}
