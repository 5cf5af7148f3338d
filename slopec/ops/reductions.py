"""Functions that fold axes away: `axis` is an int, several, or None for all; `keepdims` keeps 1s.

float16 and bfloat16 are summed in float32 and rounded once. Whole numbers narrower than 32 bits
are summed in 32 bits, as the Array API asks.
"""

import builtins
import math
from typing import Any

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axes_of,
    bad_argument,
    floating,
    refuse,
)
from slopec.ops.data_types import astype
from slopec.tensor import Axis, Scalar, Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "mean",
    "prod",
    "std",
    "sum",
    "var",
]

_NARROW = (dtypes.float16, dtypes.bfloat16, dtypes.float8_e4m3fn, dtypes.float8_e5m2)


def fold(
    x: Tensor, body: str, start: Scalar, axes: tuple[int, ...], keepdims: bool = False
) -> Tensor:
    """`x` reduced over `axes` with the binary op `body`, beginning at `start`."""
    if not axes:
        return x
    result = hlo.reduce(x, hlo.full((), start, x.dtype), body, sorted(axes))
    assert isinstance(result, Tensor)
    return hlo.reshape(result, kept_shape(x, axes)) if keepdims else result


def kept_shape(x: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of `x` with 1 at `axes`."""
    return tuple(1 if d in axes else n for d, n in enumerate(x.shape))


def summed_type(dtype: DType) -> DType:
    """The type in which values of `dtype` are summed."""
    if dtype == dtypes.bool_:
        return dtypes.int32
    if dtypes.is_integer(dtype) and dtype.itemsize < 4:
        return dtypes.uint32 if dtypes.is_unsigned(dtype) else dtypes.int32
    return dtypes.float32 if dtype in _NARROW else dtype


def _accumulated(
    name: str, x: ArrayLike, body: str, start: Scalar, axis: Axis, keepdims: bool, dtype: Any
) -> Tensor:
    x = as_tensor(name, x)
    axes = axes_of(name, axis, x.ndim)
    if dtype is not None:
        x = astype(x, dtype)
    wide = hlo.convert(x, summed_type(x.dtype))
    result = fold(wide, body, start, axes, keepdims)
    return hlo.convert(result, x.dtype) if dtype is not None or x.dtype in _NARROW else result


def sum(x: ArrayLike, /, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis`; an empty sum is 0.

    Floating and complex types are kept; bool and narrow integers become 32-bit ones, unless
    `dtype` says otherwise. Raises ShapeError for an axis that does not exist.

    >>> import slopec as sp
    >>> print(sp.sum(sp.tensor([[1, 2], [3, 4]]), axis=0))
    tensor([4 6], int32[2], cpu)
    """
    return _accumulated("sum", x, "add", 0, axis, keepdims, dtype)


def prod(
    x: ArrayLike, /, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False
) -> Tensor:
    """The product over `axis`; an empty product is 1. Types as for `sum`.

    >>> import slopec as sp
    >>> print(sp.prod(sp.tensor([1.0, 2.0, 3.0])))
    tensor(6., float32[], cpu)
    """
    return _accumulated("prod", x, "multiply", 1, axis, keepdims, dtype)


def _moments(name: str, x: ArrayLike, axis: Axis) -> tuple[Tensor, tuple[int, ...], int, DType]:
    """`x` in the type it is summed in, the axes, the elements along them, the type of a mean."""
    x = floating(name, x)
    axes = axes_of(name, axis, x.ndim)
    count = math.prod(x.shape[d] for d in axes)
    return hlo.convert(x, summed_type(x.dtype)), axes, count, x.dtype


def _quotient(total: Tensor, count: float) -> Tensor:
    return hlo.divide(total, hlo.full_like(total, count))


def mean(
    x: ArrayLike, /, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False
) -> Tensor:
    """The arithmetic mean over `axis`; NaN when there is nothing; integers become float32.

    With `dtype` the elements are converted to it first; raises DTypeError for integers.

    >>> import slopec as sp
    >>> print(sp.mean(sp.tensor([[1.0, 2.0], [3.0, 6.0]]), axis=-1))
    tensor([1.5 4.5], float32[2], cpu)
    """
    given = as_tensor("mean", x) if dtype is None else astype(x, dtype)
    if dtype is not None:
        refuse("mean", given, lambda d: not dtypes.is_differentiable(d), "a floating dtype")
    wide, axes, count, kept = _moments("mean", given, axis)
    return hlo.convert(_quotient(fold(wide, "add", 0, axes, keepdims), count), kept)


def var(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The variance over `axis`: Σ|x - mean|² / (n - correction); integers become float32.

    `correction=1` is the unbiased estimate, PyTorch's default; 0 is NumPy's and JAX's. The sum of
    squared differences is taken around the mean, so large means lose nothing.

    >>> import slopec as sp
    >>> print(sp.var(sp.tensor([1.0, 2.0, 3.0]), correction=1))
    tensor(1., float32[], cpu)
    """
    if not isinstance(correction, int | float):
        raise bad_argument(f"var: `correction` is a number, got {correction!r}")
    wide, axes, count, dtype = _moments("var", x, axis)
    center = _quotient(fold(wide, "add", 0, axes, keepdims=True), count)
    gap = hlo.subtract(wide, hlo.broadcast_in_dim(center, wide.shape, range(wide.ndim)))
    complex_ = dtypes.is_complex(dtype)
    squares = hlo.real(hlo.multiply(gap, hlo.conj(gap))) if complex_ else hlo.multiply(gap, gap)
    total = fold(squares, "add", 0, axes, keepdims)
    degrees = builtins.max(count - correction, 0)
    return hlo.convert(_quotient(total, degrees), dtypes.real_of(dtype))


def std(
    x: ArrayLike, /, axis: Axis = None, *, correction: float = 0, keepdims: bool = False
) -> Tensor:
    """The standard deviation over `axis`, √`var`.

    >>> import slopec as sp
    >>> print(sp.std(sp.tensor([1.0, 3.0])))
    tensor(1., float32[], cpu)
    """
    return hlo.sqrt(var(x, axis, correction=correction, keepdims=keepdims))


def any(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether an element over `axis` is true (not zero); False for none; bool.

    >>> import slopec as sp
    >>> print(sp.any(sp.tensor([[0, 1], [0, 0]]), axis=1))
    tensor([ True False], bool[2], cpu)
    """
    truth = astype(as_tensor("any", x), dtypes.bool_)
    return fold(truth, "or", False, axes_of("any", axis, truth.ndim), keepdims)


def all(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether every element over `axis` is true (not zero); True for none; bool.

    >>> import slopec as sp
    >>> print(sp.all(sp.tensor([[2, 1], [1, 0]]), axis=1))
    tensor([ True False], bool[2], cpu)
    """
    truth = astype(as_tensor("all", x), dtypes.bool_)
    return fold(truth, "and", True, axes_of("all", axis, truth.ndim), keepdims)


def count_nonzero(x: ArrayLike, /, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """How many elements over `axis` are not zero, as int32.

    >>> import slopec as sp
    >>> print(sp.count_nonzero(sp.tensor([0.0, 2.0, 3.0])))
    tensor(2, int32[], cpu)
    """
    return sum(astype(as_tensor("count_nonzero", x), dtypes.bool_), axis, keepdims=keepdims)
