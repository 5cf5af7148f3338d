"""Numbers in rows: ranges, evenly spaced values, the coordinates of grids."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.ops.common import (
    ArrayLike,
    aligned_floating,
    as_tensor,
    bad_argument,
    expand,
    splat,
)
from slopec.ops.creation import dtype_or, placed, shape_of
from slopec.ops.data_types import astype
from slopec.tensor import Tensor

__all__ = [
    "arange",
    "geomspace",
    "indices",
    "linspace",
    "logspace",
    "meshgrid",
]


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: str | None = None,
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
    wanted = dtype_or(dtype, dtypes.int32 if whole else dtypes.float32)
    size = max(0, math.ceil((stop - start) / step))
    places = hlo.iota((size,), 0, wanted if dtypes.is_integer(wanted) and whole else _ramp(wanted))
    if step != 1:
        places = hlo.multiply(places, splat("arange", step, (size,), places.dtype))
    if start != 0:
        places = hlo.add(places, splat("arange", start, (size,), places.dtype))
    return placed(hlo.convert(places, wanted), device)


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
    device: str | None = None,
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
    if dtype is not None and not dtypes.is_integer(dtypes.as_dtype(dtype)):
        # In the type that is asked for from the beginning.
        ends = (start, stop)
        start, stop = (
            Tensor(n, dtype) if isinstance(n, int | float | complex) else n for n in ends
        )
    first, last = aligned_floating("linspace", (start, stop))
    shape = (num, *first.shape)
    low, high = expand(first, shape), expand(last, shape)
    steps = max(num - 1 if endpoint else num, 1)
    part = hlo.convert(hlo.iota(shape, 0, dtypes.real_of(low.dtype)), low.dtype)
    part = hlo.divide(part, hlo.full_like(part, steps))
    # (1 - t) start + t stop meets both ends exactly.
    rest = hlo.subtract(hlo.full_like(part, 1), part)
    result = hlo.add(hlo.multiply(rest, low), hlo.multiply(part, high))
    return placed(result if dtype is None else astype(result, dtype), device)


def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    /,
    num: int,
    *,
    base: float = 10.0,
    dtype: Any = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` numbers from base^start to base^stop, evenly spaced on a logarithmic scale.

    float32 by default; integers are cut off.

    >>> import slopec as sp
    >>> print(sp.logspace(0, 2, 3))
    tensor([  1.  10. 100.], float32[3], cpu)
    """
    whole = dtype is not None and not dtypes.is_differentiable(dtypes.as_dtype(dtype))
    exponents = linspace(start, stop, num, dtype=None if whole else dtype, endpoint=endpoint)
    values = hlo.power(hlo.full_like(exponents, base), exponents)
    return values if dtype is None else astype(values, dtype)


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


def meshgrid(*arrays: ArrayLike, indexing: Literal["xy", "ij"] = "xy") -> tuple[Tensor, ...]:
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
    return tuple(hlo.broadcast_in_dim(v, shape, [p]) for v, p in zip(flat, places, strict=True))


def indices(dimensions: Sequence[int], /, *, dtype: Any = dtypes.int32) -> Tensor:
    """The coordinates of every place of a grid: shape (number of dimensions, *dimensions).

    >>> import slopec as sp
    >>> print(sp.indices((2, 2))[1])
    tensor([[0 1]
            [0 1]], int32[2, 2], cpu)
    """
    shape = shape_of("indices", dimensions)
    wanted = dtype_or(dtype, dtypes.int32)
    rows = [hlo.iota((1, *shape), d + 1, wanted) for d in range(len(shape))]
    return hlo.concatenate(rows, 0) if rows else hlo.full((0,), 0, wanted)
