"""Statistics in pairs, by order; whether all is equal; areas below samples."""

import numpy as np

from slopec import dtypes, hlo
from slopec.ops.arithmetic import multiply
from slopec.ops.common import ArrayLike, as_tensor, axis_of, bad_argument, floating
from slopec.ops.counting import histogram, known
from slopec.ops.creation import asarray
from slopec.ops.cumulative import cumsum
from slopec.ops.extremes import max, min
from slopec.ops.logic import isclose, isnan
from slopec.ops.manipulation import expand_dims, part
from slopec.ops.manipulation import squeeze as squeeze_
from slopec.ops.reductions import all, mean, std, var
from slopec.ops.reductions import sum as sum_
from slopec.ops.sorting import argsort, sort
from slopec.ops.taking import take_along_axis
from slopec.tensor import Axis, Tensor

__all__ = [
    "allclose",
    "aminmax",
    "array_equal",
    "cumulative_trapezoid",
    "histc",
    "kthvalue",
    "msort",
    "std_mean",
    "trapezoid",
    "unique_consecutive",
    "var_mean",
]


def allclose(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    *,
    equal_nan: bool = False,
) -> Tensor:
    """Whether |x1 − x2| ≤ atol + rtol |x2| everywhere, as one bool.

    >>> import slopec as sp
    >>> bool(sp.allclose(sp.tensor([1.0]), 1.0 + 1e-7))
    True
    """
    return all(isclose(x1, x2, rtol=rtol, atol=atol, equal_nan=equal_nan))


def aminmax(
    x: ArrayLike, /, *, axis: int | None = None, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """The smallest and the largest elements.

    >>> import slopec as sp
    >>> low, high = sp.aminmax(sp.tensor([3, 1, 2]))
    >>> print(low, high)
    tensor(1, int32[], cpu) tensor(3, int32[], cpu)
    """
    return min(x, axis, keepdims=keepdims), max(x, axis, keepdims=keepdims)


def std_mean(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 1, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """The standard deviation, by n − correction, and the mean.

    >>> import slopec as sp
    >>> print(sp.std_mean(sp.tensor([1.0, 3.0]), correction=0)[0])
    tensor(1., float32[], cpu)
    """
    found = std(x, axis, correction=correction, keepdims=keepdims)
    return found, mean(x, axis, keepdims=keepdims)


def var_mean(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 1, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """The variance, by n − correction, and the mean.

    >>> import slopec as sp
    >>> print(sp.var_mean(sp.tensor([1.0, 3.0]))[0])
    tensor(2., float32[], cpu)
    """
    found = var(x, axis, correction=correction, keepdims=keepdims)
    return found, mean(x, axis, keepdims=keepdims)


def array_equal(x1: ArrayLike, x2: ArrayLike, /, equal_nan: bool = False) -> Tensor:
    """Whether both have one shape and the same elements, as one bool.

    >>> import slopec as sp
    >>> bool(sp.array_equal(sp.tensor([1.0]), 1.0)), bool(sp.array_equal(sp.ones(2), sp.ones(2)))
    (False, True)
    """
    x, y = as_tensor("array_equal", x1), as_tensor("array_equal", x2)
    if x.shape != y.shape:
        return hlo.full((), False, dtypes.bool_)
    same = x == y
    return all(same | (isnan(x) & isnan(y)) if equal_nan else same)


def kthvalue(
    x: ArrayLike, k: int, /, axis: int = -1, *, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """The k-th smallest element along `axis`, counted from 1, and its index (int32).

    >>> import slopec as sp
    >>> print(sp.kthvalue(sp.tensor([5, 1, 3]), 2))
    (tensor(3, int32[], cpu), tensor(2, int32[], cpu))
    """
    x = as_tensor("kthvalue", x)
    axis = axis_of("kthvalue", axis, x.ndim)
    if not 1 <= k <= x.shape[axis]:
        raise bad_argument(f"kthvalue: k = {k} of {x.shape[axis]} elements")
    index = part(argsort(x, axis), axis, k - 1, k)
    values = take_along_axis(x, index, axis)
    return (values, index) if keepdims else (squeeze_(values, axis), squeeze_(index, axis))


def msort(x: ArrayLike, /) -> Tensor:
    """The elements in ascending order along the first axis.

    >>> import slopec as sp
    >>> print(sp.msort(sp.tensor([3, 1])))
    tensor([1 3], int32[2], cpu)
    """
    return sort(x, 0)


def histc(x: ArrayLike, /, bins: int = 100, min: float = 0.0, max: float = 0.0) -> Tensor:
    """How many elements fall in each of `bins` equal bins, in their dtype; others do not count.

    Bins lie between `min` and `max`, between the extremes of `x` if these are equal.

    >>> import slopec as sp
    >>> print(sp.histc(sp.tensor([1.0, 2.0, 1.0]), 4, 0, 3))
    tensor([0. 2. 1. 0.], float32[4], cpu)
    """
    x = floating("histc", x)
    extent = None if min == max == 0 else (min, max)
    return hlo.convert(histogram(x, bins, range=extent)[0], x.dtype)


def unique_consecutive(x: ArrayLike, /) -> tuple[Tensor, Tensor, Tensor]:
    """Runs of equal elements as one each, which run each element is of, and how long runs are.

    Raises ShapeError for a traced tensor, whose values would decide the shape.

    >>> import slopec as sp
    >>> values, inverse, counts = sp.unique_consecutive(sp.tensor([4, 4, 1, 4]))
    >>> values.tolist(), inverse.tolist(), counts.tolist()
    ([4, 1, 4], [0, 0, 1, 2], [2, 1, 1])
    """
    array = known("unique_consecutive", x)
    flat = array.ravel()
    first = np.concatenate([[True] * (flat.size > 0), flat[1:] != flat[:-1]]).astype(bool)
    run = np.cumsum(first, dtype=np.int32) - 1
    counts = np.bincount(run, minlength=int(first.sum())).astype(np.int32)
    return asarray(flat[first]), asarray(run.reshape(array.shape)), asarray(counts)


Places = ArrayLike | None


def _areas(name: str, y: ArrayLike, x: Places, dx: float, axis: int) -> tuple[Tensor, int]:
    """The trapezoids between samples."""
    y = floating(name, y)
    axis = axis_of(name, axis, y.ndim)
    size = y.shape[axis]
    middle = (part(y, axis, 1, size) + part(y, axis, 0, size - 1)) * 0.5
    if x is None:
        return multiply(middle, dx), axis
    places = floating(name, x)
    if places.ndim == 1:
        places = expand_dims(places, tuple(range(1, y.ndim - axis)))
    along = places.ndim - (y.ndim - axis)
    return multiply(middle, part(places, along, 1, size) - part(places, along, 0, size - 1)), axis


def trapezoid(y: ArrayLike, x: Places = None, /, *, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The area below samples `y` at places `x`, or `dx` apart, by trapezoids.

    >>> import slopec as sp
    >>> print(sp.trapezoid(sp.tensor([0.0, 1.0, 2.0])))
    tensor(2., float32[], cpu)
    """
    areas, axis = _areas("trapezoid", y, x, dx, axis)
    return sum_(areas, axis)


def cumulative_trapezoid(
    y: ArrayLike, x: Places = None, /, *, dx: float = 1.0, axis: int = -1
) -> Tensor:
    """The running areas of `trapezoid`, one fewer than samples.

    >>> import slopec as sp
    >>> print(sp.cumulative_trapezoid(sp.tensor([0.0, 1.0, 2.0])))
    tensor([0.5 2. ], float32[2], cpu)
    """
    areas, axis = _areas("cumulative_trapezoid", y, x, dx, axis)
    return cumsum(areas, axis)
