"""Tensors made of numbers rather than of other tensors.

`device` is not an argument: where values live is decided when they are computed.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from slopec import dtypes, hlo, trace
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    Shape,
    aligned_floating,
    as_tensor,
    axis_of,
    bad_argument,
    expand,
    is_scalar,
    splat,
)
from slopec.ops.data_types import astype, wanted_dtype
from slopec.tensor import Scalar, Tensor

__all__ = [
    "arange",
    "asarray",
    "diag",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "indices",
    "linspace",
    "logspace",
    "meshgrid",
    "one_hot",
    "ones",
    "ones_like",
    "tri",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]


def _dtype(dtype: Any, default: DType) -> DType:
    return default if dtype is None else wanted_dtype(dtype)


def shape_of(name: str, shape: int | Sequence[int]) -> Shape:
    """`shape` as a tuple of natural numbers; raises ShapeError for a negative size."""
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    try:
        result = tuple(size.__index__() for size in sizes)
    except AttributeError:
        raise DTypeError(
            "S0106", f"{name}: a shape is made of ints, got {shape!r}", span=trace.here()
        ) from None
    if any(size < 0 for size in result):
        raise ShapeError("S0101", f"{name}: negative size in shape {result}", span=trace.here())
    return result


def asarray(obj: Any, /, dtype: Any = None, *, copy: bool | None = None) -> Tensor:
    """`obj` (nested lists, a scalar, an array, a tensor) as a tensor, of `dtype` if given.

    Python floats become float32 and ints int32; arrays and tensors keep their dtype. `copy` is
    accepted for the Array API's sake: tensors are values.

    Raises ShapeError for ragged lists and DTypeError for data that is not numeric.

    >>> import slopec as sp
    >>> sp.asarray([[1, 2], [3, 4]], dtype="float32").dtype.name
    'float32'
    """
    if not isinstance(obj, Tensor) and not _has_traced(obj):
        held = Tensor(obj, dtype)
        return hlo.constant(held.numpy()) if trace.is_tracing() else held
    if not isinstance(obj, Tensor):
        obj = _stacked([asarray(item) for item in obj])
    return obj if dtype is None else astype(obj, dtype)


def _has_traced(obj: Any) -> bool:
    """Whether nested lists hold tensors whose values are not known."""
    if isinstance(obj, Tensor):
        return obj.device == "traced"
    return isinstance(obj, list | tuple) and any(_has_traced(item) for item in obj)


def _stacked(rows: list[Tensor]) -> Tensor:
    from slopec.ops.joining import stack

    return stack(rows)


def from_dlpack(x: Any, /) -> Tensor:
    """A tensor of anything that speaks DLPack on the host, without copying where possible.

    >>> import numpy as np, slopec as sp
    >>> print(sp.from_dlpack(np.array([1, 2])))
    tensor([1 2], int64[2], cpu)
    """
    return asarray(np.from_dlpack(x))


def full(shape: int | Sequence[int], fill_value: ArrayLike, *, dtype: Any = None) -> Tensor:
    """A tensor of `shape` that holds the scalar `fill_value` everywhere.

    Without `dtype`: bool, int32, float32 or complex64, as the scalar is. A tensor is broadcast.

    >>> import slopec as sp
    >>> print(sp.full((2, 2), 7))
    tensor([[7 7]
            [7 7]], int32[2, 2], cpu)
    """
    sizes = shape_of("full", shape)
    if not is_scalar(fill_value):
        filled = as_tensor("full", fill_value)
        return expand(filled if dtype is None else astype(filled, dtype), sizes)
    wanted = Tensor(fill_value).dtype if dtype is None else wanted_dtype(dtype)
    return splat("full", fill_value, sizes, wanted)


def zeros(shape: int | Sequence[int], *, dtype: Any = dtypes.float32) -> Tensor:
    """Zeros of `shape`, float32 unless `dtype` says otherwise.

    >>> import slopec as sp
    >>> print(sp.zeros(3, dtype="int32"))
    tensor([0 0 0], int32[3], cpu)
    """
    return hlo.full(shape_of("zeros", shape), 0, _dtype(dtype, dtypes.float32))


def ones(shape: int | Sequence[int], *, dtype: Any = dtypes.float32) -> Tensor:
    """Ones of `shape`, float32 unless `dtype` says otherwise.

    >>> import slopec as sp
    >>> print(sp.ones((1, 2)))
    tensor([[1. 1.]], float32[1, 2], cpu)
    """
    return hlo.full(shape_of("ones", shape), 1, _dtype(dtype, dtypes.float32))


def empty(shape: int | Sequence[int], *, dtype: Any = dtypes.float32) -> Tensor:
    """A tensor of `shape` whose values are nobody's concern; they are zeros.

    >>> import slopec as sp
    >>> sp.empty((2, 3)).shape
    (2, 3)
    """
    return hlo.full(shape_of("empty", shape), 0, _dtype(dtype, dtypes.float32))


def full_like(x: ArrayLike, /, fill_value: Scalar, *, dtype: Any = None) -> Tensor:
    """`fill_value` everywhere, in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.full_like(sp.tensor([1.0, 2.0]), 5))
    tensor([5. 5.], float32[2], cpu)
    """
    like = as_tensor("full_like", x)
    return full(like.shape, fill_value, dtype=_dtype(dtype, like.dtype))


def zeros_like(x: ArrayLike, /, *, dtype: Any = None) -> Tensor:
    """Zeros in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.zeros_like(sp.tensor([1, 2])))
    tensor([0 0], int32[2], cpu)
    """
    return full_like(x, 0, dtype=dtype)


def ones_like(x: ArrayLike, /, *, dtype: Any = None) -> Tensor:
    """Ones in the shape and dtype of `x`.

    >>> import slopec as sp
    >>> print(sp.ones_like(sp.tensor([3, 4])))
    tensor([1 1], int32[2], cpu)
    """
    return full_like(x, 1, dtype=dtype)


def empty_like(x: ArrayLike, /, *, dtype: Any = None) -> Tensor:
    """A tensor in the shape and dtype of `x` whose values are nobody's concern.

    >>> import slopec as sp
    >>> sp.empty_like(sp.tensor([1, 2])).shape
    (2,)
    """
    return full_like(x, 0, dtype=dtype)


# --- ranges ----------------------------------------------------------------------------------


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None
) -> Tensor:
    """start, start + step, … below `stop`; one argument is the stop, counted from 0.

    int32 for ints, float32 as soon as one argument is a float. Raises UsageError for step 0.

    >>> import slopec as sp
    >>> print(sp.arange(5), sp.arange(1, 2, 0.25))
    tensor([0 1 2 3 4], int32[5], cpu) tensor([1.   1.25 1.5  1.75], float32[4], cpu)
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise bad_argument("arange: the step is 0")
    whole = all(isinstance(v, int | np.integer) for v in (start, stop, step))
    wanted = _dtype(dtype, dtypes.int32 if whole else dtypes.float32)
    size = max(0, math.ceil((stop - start) / step))
    places = hlo.iota((size,), 0, wanted if dtypes.is_integer(wanted) and whole else _ramp(wanted))
    if step != 1:
        places = hlo.multiply(places, splat("arange", step, (size,), places.dtype))
    if start != 0:
        places = hlo.add(places, splat("arange", start, (size,), places.dtype))
    return hlo.convert(places, wanted)


def _ramp(dtype: DType) -> DType:
    """A type that counts without rounding on the way to `dtype`."""
    return (
        dtype if dtype in (dtypes.float64, dtypes.complex64, dtypes.complex128) else dtypes.float32
    )


def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    /,
    num: int,
    *,
    dtype: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` numbers evenly spaced from `start` to `stop`, which is the last one if `endpoint`.

    float32 by default; tensors as ends add their dimensions behind the first.

    >>> import slopec as sp
    >>> print(sp.linspace(0, 1, 5))
    tensor([0.   0.25 0.5  0.75 1.  ], float32[5], cpu)
    """
    if num < 0:
        raise bad_argument(f"linspace: num is {num}, but cannot be negative")
    first, last = aligned_floating("linspace", (start, stop))
    shape = (num, *first.shape)
    low, high = expand(first, shape), expand(last, shape)
    steps = max(num - 1 if endpoint else num, 1)
    part = hlo.convert(hlo.iota(shape, 0, dtypes.real_of(low.dtype)), low.dtype)
    part = hlo.divide(part, hlo.full_like(part, steps))
    # (1 - t) start + t stop meets both ends exactly.
    rest = hlo.subtract(hlo.full_like(part, 1), part)
    result = hlo.add(hlo.multiply(rest, low), hlo.multiply(part, high))
    return result if dtype is None else astype(result, dtype)


def logspace(
    start: ArrayLike, stop: ArrayLike, /, num: int, *, base: float = 10.0, endpoint: bool = True
) -> Tensor:
    """`num` numbers from base^start to base^stop, evenly spaced on a logarithmic scale.

    >>> import slopec as sp
    >>> print(sp.logspace(0, 2, 3))
    tensor([  1.  10. 100.], float32[3], cpu)
    """
    exponents = linspace(start, stop, num, endpoint=endpoint)
    return hlo.power(hlo.full_like(exponents, base), exponents)


def geomspace(start: float, stop: float, /, num: int, *, endpoint: bool = True) -> Tensor:
    """`num` numbers from `start` to `stop` with a constant ratio; both of one sign.

    >>> import slopec as sp
    >>> print(sp.geomspace(1.0, 8.0, 4).numpy().round(4))
    [1. 2. 4. 8.]
    """
    if start * stop <= 0:
        raise bad_argument(f"geomspace: {start} and {stop} have no constant ratio between them")
    sign = math.copysign(1.0, start)
    exponents = linspace(math.log2(abs(start)), math.log2(abs(stop)), num, endpoint=endpoint)
    values = hlo.power(hlo.full_like(exponents, 2), exponents)
    return values if sign > 0 else hlo.negate(values)


# --- matrices --------------------------------------------------------------------------------


def _diagonal_mask(shape: Shape, k: int, direction: str) -> Tensor:
    """Where column - row compares with `k`, in the last two dimensions of `shape`."""
    rank = len(shape)
    rows = hlo.iota(shape, rank - 2, dtypes.int32)
    columns = hlo.iota(shape, rank - 1, dtypes.int32)
    return hlo.compare(columns, hlo.add(rows, hlo.full_like(rows, k)), direction)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = dtypes.float32
) -> Tensor:
    """A matrix with ones on diagonal `k` (above the main one if positive) and zeros elsewhere.

    >>> import slopec as sp
    >>> print(sp.eye(2))
    tensor([[1. 0.]
            [0. 1.]], float32[2, 2], cpu)
    """
    shape = shape_of("eye", (n_rows, n_rows if n_cols is None else n_cols))
    return hlo.convert(_diagonal_mask(shape, k, "EQ"), _dtype(dtype, dtypes.float32))


def identity(n: int, /, *, dtype: Any = dtypes.float32) -> Tensor:
    """The n × n identity matrix.

    >>> import slopec as sp
    >>> sp.identity(3).shape
    (3, 3)
    """
    return eye(n, dtype=dtype)


def tri(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = dtypes.float32
) -> Tensor:
    """A matrix with ones on and below diagonal `k` and zeros above.

    >>> import slopec as sp
    >>> print(sp.tri(2))
    tensor([[1. 0.]
            [1. 1.]], float32[2, 2], cpu)
    """
    shape = shape_of("tri", (n_rows, n_rows if n_cols is None else n_cols))
    return hlo.convert(_diagonal_mask(shape, k, "LE"), _dtype(dtype, dtypes.float32))


def _triangle(name: str, x: ArrayLike, k: int, direction: str) -> Tensor:
    x = as_tensor(name, x)
    if x.ndim < 2:
        raise ShapeError(
            "S0101", f"{name}: expected matrices, got shape {x.shape}", span=trace.here()
        )
    return hlo.select(_diagonal_mask(x.shape, k, direction), x, hlo.zeros_like(x))


def tril(x: ArrayLike, /, *, k: int = 0) -> Tensor:
    """The matrices `x` (…, n, m) with zeros above diagonal `k`.

    >>> import slopec as sp
    >>> print(sp.tril(sp.ones((2, 2))))
    tensor([[1. 0.]
            [1. 1.]], float32[2, 2], cpu)
    """
    return _triangle("tril", x, k, "LE")


def triu(x: ArrayLike, /, *, k: int = 0) -> Tensor:
    """The matrices `x` (…, n, m) with zeros below diagonal `k`.

    >>> import slopec as sp
    >>> print(sp.triu(sp.ones((2, 2))))
    tensor([[1. 1.]
            [0. 1.]], float32[2, 2], cpu)
    """
    return _triangle("triu", x, k, "GE")


def diag(x: ArrayLike, /, k: int = 0) -> Tensor:
    """A square matrix with the vector `x` on diagonal `k`, or diagonal `k` of the matrix `x`.

    Raises ShapeError for other numbers of dimensions.

    >>> import slopec as sp
    >>> print(sp.diag(sp.tensor([1, 2])))
    tensor([[1 0]
            [0 2]], int32[2, 2], cpu)
    """
    from slopec.ops.linear import diagonal

    x = as_tensor("diag", x)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        raise ShapeError(
            "S0101", f"diag: expected a vector or a matrix, got shape {x.shape}", span=trace.here()
        )
    size = x.shape[0] + abs(k)
    row = hlo.pad(x, hlo.full((), 0, x.dtype), [max(k, 0)], [max(-k, 0)])
    columns = hlo.broadcast_in_dim(row, (size, size), [1])
    return hlo.select(_diagonal_mask((size, size), k, "EQ"), columns, hlo.zeros_like(columns))


def one_hot(
    x: ArrayLike, num_classes: int, /, *, dtype: Any = dtypes.float32, axis: int = -1
) -> Tensor:
    """For each index in `x` a vector of `num_classes` with 1 there; zeros for an index outside.

    The vectors lie along `axis` of the result. Raises DTypeError unless `x` holds integers.

    >>> import slopec as sp
    >>> print(sp.one_hot(sp.tensor([0, 2]), 3, dtype="int32"))
    tensor([[1 0 0]
            [0 0 1]], int32[2, 3], cpu)
    """
    x = as_tensor("one_hot", x)
    if not dtypes.is_integer(x.dtype):
        raise DTypeError("S0102", f"one_hot: expected integers, got {x.dtype}", span=trace.here())
    place = axis_of("one_hot", axis, x.ndim + 1)
    shape = (*x.shape[:place], num_classes, *x.shape[place:])
    spread = [d if d < place else d + 1 for d in range(x.ndim)]
    given = hlo.broadcast_in_dim(hlo.convert(x, dtypes.int32), shape, spread)
    hot = hlo.compare(given, hlo.iota(shape, place, dtypes.int32), "EQ")
    return hlo.convert(hot, _dtype(dtype, dtypes.float32))


def meshgrid(*arrays: ArrayLike, indexing: Literal["xy", "ij"] = "xy") -> list[Tensor]:
    """Vectors as coordinates of a grid: each is repeated along the dimensions of the others.

    With "xy", the first two dimensions of the results are exchanged, as for pictures.

    >>> import slopec as sp
    >>> x, y = sp.meshgrid(sp.arange(2), sp.arange(3), indexing="ij")
    >>> x.shape, y.tolist()
    ((2, 3), [[0, 1, 2], [0, 1, 2]])
    """
    if indexing not in ("xy", "ij"):
        raise bad_argument(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    vectors = [as_tensor("meshgrid", a) for a in arrays]
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = [1, 0]
    shape = [0] * len(vectors)
    for vector, place in zip(vectors, places, strict=True):
        shape[place] = vector.size
    flat = [hlo.reshape(v, (v.size,)) for v in vectors]
    return [hlo.broadcast_in_dim(v, shape, [p]) for v, p in zip(flat, places, strict=True)]


def indices(dimensions: Sequence[int], /, *, dtype: Any = dtypes.int32) -> Tensor:
    """The coordinates of every place of a grid: shape (number of dimensions, *dimensions).

    >>> import slopec as sp
    >>> print(sp.indices((2, 2))[1])
    tensor([[0 1]
            [0 1]], int32[2, 2], cpu)
    """
    shape = shape_of("indices", dimensions)
    wanted = _dtype(dtype, dtypes.int32)
    rows = [hlo.iota((1, *shape), d + 1, wanted) for d in range(len(shape))]
    return hlo.concatenate(rows, 0) if rows else hlo.full((0,), 0, wanted)
