"""Matrices made by comparing row and column: identities, triangles, diagonals, one-hot rows."""

from typing import Any

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.ops.common import ArrayLike, Shape, as_tensor, axis_of
from slopec.ops.creation import dtype_or, placed, shape_of
from slopec.ops.linear import diagonal
from slopec.tensor import Tensor

__all__ = [
    "diag",
    "eye",
    "identity",
    "one_hot",
    "tri",
    "tril",
    "triu",
]


def _diagonal_mask(shape: Shape, k: int, direction: str) -> Tensor:
    """Where column - row compares with `k`, in the last two dimensions of `shape`."""
    rank = len(shape)
    k = max(-shape[-2], min(k, shape[-1]))  # beyond the corners all diagonals are alike
    rows = hlo.iota(shape, rank - 2, dtypes.int32)
    columns = hlo.iota(shape, rank - 1, dtypes.int32)
    return hlo.compare(columns, hlo.add(rows, hlo.full_like(rows, k)), direction)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    k: int = 0,
    *,
    dtype: Any = dtypes.float32,
    device: str | None = None,
) -> Tensor:
    """A matrix with ones on diagonal `k` (above the main one if positive) and zeros elsewhere.

    >>> import slopec as sp
    >>> print(sp.eye(2))
    tensor([[1. 0.]
            [0. 1.]], float32[2, 2], cpu)
    """
    shape = shape_of("eye", (n_rows, n_rows if n_cols is None else n_cols))
    made = hlo.convert(_diagonal_mask(shape, k, "EQ"), dtype_or(dtype, dtypes.float32))
    return placed(made, device)


def identity(n: int, /, *, dtype: Any = dtypes.float32) -> Tensor:
    """The n × n identity matrix.

    >>> import slopec as sp
    >>> sp.identity(3).shape
    (3, 3)
    """
    return eye(n, dtype=dtype)


def tri(
    n_rows: int, n_cols: int | None = None, /, k: int = 0, *, dtype: Any = dtypes.float32
) -> Tensor:
    """A matrix with ones on and below diagonal `k` and zeros above.

    >>> import slopec as sp
    >>> print(sp.tri(2))
    tensor([[1. 0.]
            [1. 1.]], float32[2, 2], cpu)
    """
    shape = shape_of("tri", (n_rows, n_rows if n_cols is None else n_cols))
    return hlo.convert(_diagonal_mask(shape, k, "LE"), dtype_or(dtype, dtypes.float32))


def _triangle(name: str, x: ArrayLike, k: int, direction: str) -> Tensor:
    x = as_tensor(name, x)
    if x.ndim < 2:
        raise ShapeError(
            "S0101", f"{name}: expected matrices, got shape {x.shape}", span=tracing.here()
        )
    return hlo.select(_diagonal_mask(x.shape, k, direction), x, hlo.zeros_like(x))


def tril(x: ArrayLike, /, k: int = 0) -> Tensor:
    """The matrices `x` (…, n, m) with zeros above diagonal `k`.

    >>> import slopec as sp
    >>> print(sp.tril(sp.ones((2, 2))))
    tensor([[1. 0.]
            [1. 1.]], float32[2, 2], cpu)
    """
    return _triangle("tril", x, k, "LE")


def triu(x: ArrayLike, /, k: int = 0) -> Tensor:
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

    x = as_tensor("diag", x)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        raise ShapeError(
            "S0101",
            f"diag: expected a vector or a matrix, got shape {x.shape}",
            span=tracing.here(),
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
        raise DTypeError("S0102", f"one_hot: expected integers, got {x.dtype}", span=tracing.here())
    place = axis_of("one_hot", axis, x.ndim + 1)
    shape = (*x.shape[:place], num_classes, *x.shape[place:])
    spread = [d if d < place else d + 1 for d in range(x.ndim)]
    given = hlo.broadcast_in_dim(hlo.convert(x, dtypes.int32), shape, spread)
    hot = hlo.compare(given, hlo.iota(shape, place, dtypes.int32), "EQ")
    return hlo.convert(hot, dtype_or(dtype, dtypes.float32))
