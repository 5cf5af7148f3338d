"""Words for matrices in the last two dimensions, in which rules and factorizations are written."""

import numpy as np

from slopec import dtypes, hlo
from slopec.dialects.attributes import DotDimensionNumbers, GatherDimensionNumbers
from slopec.tensor import Tensor


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """The products of matrices."""
    batch = tuple(range(a.ndim - 2))
    return hlo.dot_general(a, b, DotDimensionNumbers(batch, batch, (a.ndim - 1,), (b.ndim - 2,)))


def transposed(a: Tensor) -> Tensor:
    """The matrices with rows and columns exchanged."""
    return hlo.transpose(a, [*range(a.ndim - 2), a.ndim - 1, a.ndim - 2])


def conj(a: Tensor) -> Tensor:
    """The conjugate of each element, spelled with ops that IREE has."""
    if not dtypes.is_complex(a.dtype):
        return a
    return hlo.complex_(hlo.real(a), hlo.negate(hlo.imag(a)))


def adjoint(a: Tensor) -> Tensor:
    """The conjugate transpose."""
    return conj(transposed(a))


def real(a: Tensor) -> Tensor:
    """The real part, of real type."""
    return hlo.real(a) if dtypes.is_complex(a.dtype) else a


def as_dtype_of(a: Tensor, like: Tensor) -> Tensor:
    """A real tensor as one of the dtype of `like`, which is as precise or complex."""
    if not dtypes.is_complex(like.dtype) or dtypes.is_complex(a.dtype):
        return a
    return hlo.complex_(a, hlo.zeros_like(a))


def as_complex(a: Tensor) -> Tensor:
    """A tensor as a complex one of its precision."""
    return a if dtypes.is_complex(a.dtype) else hlo.complex_(a, hlo.zeros_like(a))


def where(shape: tuple[int, ...], direction: str, offset: int = 0) -> Tensor:
    """Where the row's number, plus `offset`, stands in relation `direction` to the column's."""
    rows, columns = (hlo.iota(shape[-2:], d, dtypes.int32) for d in (0, 1))
    if offset:
        rows = hlo.add(rows, hlo.full_like(rows, offset))
    met = hlo.compare(rows, columns, direction)
    return hlo.broadcast_in_dim(met, shape, (len(shape) - 2, len(shape) - 1))


def triangle(a: Tensor, *, lower: bool, strict: bool = False) -> Tensor:
    """The lower (or upper) triangle, without the diagonal if `strict`; zeros elsewhere."""
    direction = ("GT" if strict else "GE") if lower else ("LT" if strict else "LE")
    return hlo.select(where(a.shape, direction), a, hlo.zeros_like(a))


def identity(like: Tensor, m: int, n: int) -> Tensor:
    """m × n matrices with ones on the diagonal, in the batch and of the dtype of `like`."""
    ones = hlo.constant(np.eye(m, n).astype(like.dtype))
    return hlo.broadcast_in_dim(ones, (*like.shape[:-2], m, n), (like.ndim - 2, like.ndim - 1))


def diagonal(a: Tensor) -> Tensor:
    """The diagonals (…, min(m, n)) of matrices, taken by a sum so that IREE gathers nothing."""
    m, n = a.shape[-2:]
    kept = hlo.select(where(a.shape, "EQ"), a, hlo.zeros_like(a))
    summed = a.ndim - 2 if n <= m else a.ndim - 1
    return _sum(kept, summed)


def _sum(a: Tensor, axis: int) -> Tensor:
    total = hlo.reduce(a, hlo.full((), 0, a.dtype), "add", [axis])
    assert isinstance(total, Tensor)
    return total


def columns_of(values: Tensor, rows: int) -> Tensor:
    """Numbers (…, n) for the columns of matrices (…, rows, n)."""
    *batch, n = values.shape
    kept = [*range(values.ndim - 1), values.ndim]
    return hlo.broadcast_in_dim(values, (*batch, rows, n), kept)


def rows_of(values: Tensor, columns: int) -> Tensor:
    """Numbers (…, m) for the rows of matrices (…, m, columns)."""
    return hlo.broadcast_in_dim(values, (*values.shape, columns), range(values.ndim))


def part(a: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """The rows from `top` to `bottom` and the columns from `left` to `right`."""
    if (top, bottom, left, right) == (0, a.shape[-2], 0, a.shape[-1]):
        return a
    zeros = [0] * (a.ndim - 2)
    return hlo.slice_(a, [*zeros, top, left], [*a.shape[:-2], bottom, right])


def extended(a: Tensor, rows: int, columns: int, above: int = 0) -> Tensor:
    """`a` with more rows and columns of zeros, the rows below, or some of them `above`."""
    low = [0] * (a.ndim - 2) + [above, 0]
    high = [0] * (a.ndim - 2) + [rows - above, columns]
    return hlo.pad(a, hlo.full((), 0, a.dtype), low, high) if rows or columns else a


def take_rows(a: Tensor, places: Tensor) -> Tensor:
    """Row places[i] of each matrix as row i; `places` (…, k) are int32 and within bounds."""
    batch = tuple(range(a.ndim - 2))
    numbers = GatherDimensionNumbers(
        offset_dims=(a.ndim - 1,),
        collapsed_slice_dims=(a.ndim - 2,),
        operand_batching_dims=batch,
        start_indices_batching_dims=batch,
        start_index_map=(a.ndim - 2,),
        index_vector_dim=places.ndim,
    )
    return hlo.gather(a, places, numbers, [*[1] * (a.ndim - 2), 1, a.shape[-1]])


def permutation(pivots: Tensor, rows: int) -> Tensor:
    """The order (…, rows) that exchanging row i with row pivots[i], one after the other, makes."""
    shape = (*pivots.shape[:-1], rows)
    last = len(shape) - 1
    places = hlo.iota(shape, last, dtypes.int32)
    limit, zero = (hlo.full((), n, dtypes.int32) for n in (pivots.shape[-1], 0))

    def step(i: Tensor, order: Tensor) -> list[Tensor]:
        one = [*shape[:-1], 1]
        start = [zero] * last + [i]
        chosen = hlo.broadcast_in_dim(
            hlo.dynamic_slice(pivots, start, one), shape, range(len(shape))
        )
        here = hlo.broadcast_in_dim(hlo.dynamic_slice(order, start, one), shape, range(len(shape)))
        is_there = hlo.compare(places, chosen, "EQ")
        found = hlo.select(is_there, order, hlo.zeros_like(order))
        there = hlo.broadcast_in_dim(_sum(found, last), shape, range(last))
        is_here = hlo.compare(places, hlo.broadcast_in_dim(i, shape, ()), "EQ")
        exchanged = hlo.select(is_here, there, hlo.select(is_there, here, order))
        return [hlo.add(i, hlo.full((), 1, dtypes.int32)), exchanged]

    if not pivots.size:
        return places
    return hlo.while_loop([zero, places], lambda i, _: hlo.compare(i, limit, "LT"), step)[1]
