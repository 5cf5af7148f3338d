"""The largest and the smallest over axes, where they stand, and what is computed around them."""

import math

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.dtypes import DType
from slopec.ops import logic, powers, signs
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axes_of,
    axis_of,
    bad_argument,
    floating,
    refuse,
    refuse_complex,
)
from slopec.ops.reductions import count_nonzero, fold, sum, summed_type
from slopec.tensor import Axis, Scalar, Tensor

__all__ = [
    "argmax",
    "argmin",
    "logmeanexp",
    "logsumexp",
    "max",
    "min",
    "norm",
    "ptp",
]


def _extreme(name: str, x: ArrayLike, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(name, x)
    refuse_complex(name, x)
    axes = axes_of(name, axis, x.ndim)
    _refuse_empty(name, x, axes)
    low, high = limits(x.dtype)
    body, start = ("maximum", low) if name == "max" else ("minimum", high)
    return fold(x, body, start, axes, keepdims)


def limits(dtype: DType) -> tuple[Scalar, Scalar]:
    """The least and the greatest value of a real type."""
    if dtype == dtypes.bool_:
        return False, True
    if dtypes.is_integer(dtype):
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return -math.inf, math.inf


def _refuse_empty(name: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if 0 in [x.shape[d] for d in axes]:
        raise ShapeError(
            "S0101", f"{name}: shape {x.shape} has no elements along the axis", span=tracing.here()
        )


def max(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest element over `axis`, NaN if one is; the dtype of `x`.

    Raises ShapeError for an empty axis and DTypeError for complex elements.

    >>> import slopec as sp
    >>> print(sp.max(sp.tensor([[1, 5], [7, 2]]), axis=1))
    tensor([5 7], int32[2], cpu)
    """
    return _extreme("max", x, axis, keepdims)


def min(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis`, NaN if one is; the dtype of `x`.

    Raises ShapeError for an empty axis and DTypeError for complex elements.

    >>> import slopec as sp
    >>> print(sp.min(sp.tensor([[1, 5], [7, 2]]), axis=1))
    tensor([1 2], int32[2], cpu)
    """
    return _extreme("min", x, axis, keepdims)


def ptp(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest minus the smallest element over `axis`.

    >>> import slopec as sp
    >>> print(sp.ptp(sp.tensor([3, 9, 5])))
    tensor(6, int32[], cpu)
    """
    x = as_tensor("ptp", x)
    refuse("ptp", x, lambda d: d == dtypes.bool_, "numbers")
    return hlo.subtract(max(x, axis, keepdims=keepdims), min(x, axis, keepdims=keepdims))


def _arg_extreme(name: str, x: ArrayLike, axis: int | None, keepdims: bool) -> Tensor:
    """The first place where the extreme stands: the least index among the elements equal to it."""
    x = as_tensor(name, x)
    refuse_complex(name, x)
    rank = x.ndim
    if axis is None:
        x, place = hlo.reshape(x, (x.size,)), 0
    else:
        place = axis_of(name, axis, rank)
    _refuse_empty(name, x, (place,))
    extreme = _extreme(name.removeprefix("arg"), x, place, keepdims=True)
    found = hlo.compare(x, hlo.broadcast_in_dim(extreme, x.shape, range(x.ndim)), "EQ")
    if dtypes.is_floating(x.dtype):
        found = hlo.or_(found, logic.isnan(x))  # the extreme is then NaN, equal to nothing
    indices = hlo.iota(x.shape, place, dtypes.int32)
    candidates = hlo.select(found, indices, hlo.full_like(indices, x.shape[place]))
    result = fold(candidates, "minimum", x.shape[place], (place,), keepdims)
    return hlo.reshape(result, (1,) * rank) if axis is None and keepdims else result


def argmax(x: ArrayLike, /, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the first largest element along `axis`, of the flattened tensor for None.

    int32; a NaN counts as largest. Raises ShapeError for an empty axis.

    >>> import slopec as sp
    >>> print(sp.argmax(sp.tensor([[1, 9, 9], [7, 2, 3]]), axis=1))
    tensor([1 0], int32[2], cpu)
    """
    return _arg_extreme("argmax", x, axis, keepdims)


def argmin(x: ArrayLike, /, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the first smallest element along `axis`, of the flattened tensor for None.

    int32; a NaN counts as smallest. Raises ShapeError for an empty axis.

    >>> import slopec as sp
    >>> print(sp.argmin(sp.tensor([[1, 9, 9], [7, 2, 3]]), axis=1))
    tensor([0 1], int32[2], cpu)
    """
    return _arg_extreme("argmin", x, axis, keepdims)


def logsumexp(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """log Σ eˣ over `axis` without overflow: the maximum, on which nothing depends, is taken out.

    -inf when there is nothing to sum. Raises DTypeError for complex elements.

    >>> import slopec as sp
    >>> print(sp.logsumexp(sp.tensor([1000.0, 1000.0])).numpy().round(2))
    1000.69
    """
    x = floating("logsumexp", x)
    refuse_complex("logsumexp", x)
    axes = axes_of("logsumexp", axis, x.ndim)
    top = fold(x, "maximum", -math.inf, axes, keepdims=True)
    top = _without_derivative(hlo.select(hlo.is_finite(top), top, hlo.zeros_like(top)))
    shifted = hlo.subtract(x, hlo.broadcast_in_dim(top, x.shape, range(x.ndim)))
    total = sum(hlo.exponential(shifted), axes, keepdims=True)
    result = hlo.add(hlo.log(total), top)
    if keepdims:
        return result
    return hlo.reshape(result, [n for d, n in enumerate(x.shape) if d not in axes])


def logmeanexp(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """log of the mean of eˣ over `axis`, without overflow; see `logsumexp`.

    >>> import slopec as sp
    >>> print(sp.logmeanexp(sp.tensor([1000.0, 1000.0])))
    tensor(1000., float32[], cpu)
    """
    x = floating("logmeanexp", x)
    count = math.prod(x.shape[d] for d in axes_of("logmeanexp", axis, x.ndim))
    total = logsumexp(x, axis, keepdims=keepdims)
    return hlo.subtract(total, hlo.full_like(total, math.log(count) if count else -math.inf))


def _without_derivative(x: Tensor) -> Tensor:
    """`x` by way of its bits, through which no derivative passes."""
    bits = hlo.bitcast_convert(x, np.dtype(f"int{8 * x.dtype.itemsize}"))
    return hlo.bitcast_convert(bits, x.dtype)


def norm(x: ArrayLike, /, ord: float = 2, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The vector norm (Σ|x|^ord)^(1/ord) over `axis`; integers become float32.

    `ord` may be inf (largest modulus), -inf (smallest) and 0 (number of elements that are not 0).
    The derivative at zero is taken as 0.

    >>> import slopec as sp
    >>> print(sp.norm(sp.tensor([3.0, 4.0])), sp.norm(sp.tensor([3.0, 4.0]), ord=1))
    tensor(5., float32[], cpu) tensor(7., float32[], cpu)
    """
    x = floating("norm", x)
    axes = axes_of("norm", axis, x.ndim)
    if not isinstance(ord, int | float):
        raise bad_argument(f"norm: ord is a number, got {ord!r}")
    size = signs.abs(x)
    if ord != 2:
        nothing = hlo.compare(size, hlo.zeros_like(size), "EQ")
        size = hlo.select(nothing, hlo.zeros_like(size), size)
    if ord == math.inf:
        return max(size, axes, keepdims=keepdims)
    if ord == -math.inf:
        return min(size, axes, keepdims=keepdims)
    if ord == 0:
        return hlo.convert(count_nonzero(x, axes, keepdims=keepdims), size.dtype)
    if ord == 1:
        return sum(size, axes, keepdims=keepdims)
    wide = hlo.convert(size, summed_type(size.dtype))
    if ord == 2:
        raised = hlo.multiply(wide, wide)
    else:
        there = hlo.select(nothing, hlo.full_like(wide, 1), wide)
        raised = hlo.select(
            nothing, hlo.full_like(wide, 0.0**ord if ord > 0 else math.inf), powers.pow(there, ord)
        )
    total = fold(raised, "add", 0, axes, keepdims)
    zero = hlo.compare(total, hlo.zeros_like(total), "EQ")
    safe = hlo.select(zero, hlo.full_like(total, 1), total)
    root = hlo.sqrt(safe) if ord == 2 else powers.pow(safe, 1 / ord)
    return hlo.convert(hlo.select(zero, total, root), size.dtype)
