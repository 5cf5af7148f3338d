"""Linear algebra: `sp.linalg`, the part of the Array API's extension that needs no eigenvalues."""

import math
from typing import Literal

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.ops import abs as absolute
from slopec.ops import (
    conj,
    cross,
    diagonal,
    eye,
    matmul,
    matrix_transpose,
    norm,
    outer,
    permute_dims,
    tensordot,
    vecdot,
)
from slopec.ops import max as largest
from slopec.ops import min as smallest
from slopec.ops import sum as total
from slopec.ops.common import ArrayLike, floating
from slopec.tensor import Axis, Tensor

__all__ = [
    "cholesky",
    "cross",
    "diagonal",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "outer",
    "solve_triangular",
    "tensordot",
    "vecdot",
    "vector_norm",
]


def cholesky(x: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """The lower L with x = L Lᴴ for Hermitian positive definite (…, n, n), or Lᴴ if `upper`.

    The mean of `x` and its adjoint is factored, so that derivatives are symmetric. NaN where it is
    not positive definite. Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.cholesky(sp.tensor([[4.0, 2.0], [2.0, 5.0]])))
    tensor([[2. 0.]
            [1. 2.]], float32[2, 2], cpu)
    """
    a = _square("cholesky", x)
    mean = hlo.multiply(hlo.add(a, _adjoint(a)), hlo.full_like(a, 0.5))
    factor = hlo.cholesky(mean, lower=True)
    rows, columns = (hlo.iota(a.shape, a.ndim - 2 + i, dtypes.int32) for i in (0, 1))
    lower = hlo.select(hlo.compare(rows, columns, "GE"), factor, hlo.zeros_like(factor))
    return _adjoint(lower) if upper else lower


def solve_triangular(
    a: ArrayLike, b: ArrayLike, /, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """x with a x = b, or x a = b unless `left`, for triangular a (…, n, n) and b (…, n, k).

    Only one triangle of `a` is read, and its diagonal is taken as ones if `unitriangular`.

    Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> a = sp.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> print(sp.linalg.solve_triangular(a, sp.tensor([[2.0], [9.0]]), upper=False))
    tensor([[1.]
            [2.]], float32[2, 1], cpu)
    """
    matrix, right = _square("solve_triangular", a), floating("solve_triangular", b)
    dtype = dtypes.promote([matrix.dtype, right.dtype])
    size = matrix.shape[-1]
    fits = right.ndim == matrix.ndim and right.shape[:-2] == matrix.shape[:-2]
    if not fits or right.shape[-2 if left else -1] != size:
        raise ShapeError(
            "S0101",
            f"solve_triangular: a of shape {matrix.shape} and b of shape {right.shape} do not fit",
            span=tracing.here(),
            hint="b has the same batch dimensions and n rows, or n columns with left=False",
        )
    return hlo.triangular_solve(
        hlo.convert(matrix, dtype),
        hlo.convert(right, dtype),
        left_side=left,
        lower=not upper,
        unit_diagonal=unitriangular,
    )


def vector_norm(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """(Σ|x|^ord)^(1/ord) over `axis`, all by default; `ord` may be ±inf and 0; see `sp.norm`.

    >>> import slopec as sp
    >>> print(sp.linalg.vector_norm(sp.tensor([3.0, -4.0]), ord=1))
    tensor(7., float32[], cpu)
    """
    return norm(x, ord, axis, keepdims=keepdims)


def matrix_norm(
    x: ArrayLike, /, *, keepdims: bool = False, ord: Literal["fro"] | float = "fro"
) -> Tensor:
    """The norm of matrices (…, m, n): Frobenius', or the largest (-: smallest) sum of sizes.

    `ord` 1 and -1 sum columns, inf and -inf rows. Raises UsageError for others, which need singular
    values.

    >>> import slopec as sp
    >>> print(sp.linalg.matrix_norm(sp.tensor([[1.0, -2.0], [3.0, 4.0]]), ord=1))
    tensor(6., float32[], cpu)
    """
    a = floating("matrix_norm", x)
    if a.ndim < 2:
        raise ShapeError("S0101", f"matrix_norm: shape {a.shape} is no matrix", span=tracing.here())
    if ord == "fro":
        return norm(a, 2, (-2, -1), keepdims=keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise UsageError(
            "S0106",
            f"matrix_norm: ord is 'fro', 1, -1, inf or -inf, got {ord!r}",
            span=tracing.here(),
        )
    summed = -2 if abs(ord) == 1 else -1
    sums = total(absolute(a), axis=summed, keepdims=True)
    pick = largest if ord > 0 else smallest
    return pick(sums, axis=(-2, -1), keepdims=keepdims)


def matrix_power(x: ArrayLike, n: int, /) -> Tensor:
    """The square matrices (…, k, k) multiplied with themselves, `n` factors of them, n ≥ 0.

    Raises UsageError for a negative n, which would need an inverse.

    >>> import slopec as sp
    >>> print(sp.linalg.matrix_power(sp.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)[0])
    tensor([1. 5.], float32[2], cpu)
    """
    a = _square("matrix_power", x)
    if n < 0:
        raise UsageError(
            "S0106", f"matrix_power: n is {n}, but cannot be negative", span=tracing.here()
        )
    result = eye(a.shape[-1], dtype=a.dtype) + hlo.zeros_like(a) if n == 0 else None
    while n:
        if n & 1:
            result = a if result is None else matmul(result, a)
        n >>= 1
        a = matmul(a, a) if n else a
    assert result is not None
    return result


def _square(name: str, x: ArrayLike) -> Tensor:
    a = floating(name, x)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(
            "S0101", f"{name} needs square matrices (…, n, n), got {a.shape}", span=tracing.here()
        )
    return a


def _adjoint(a: Tensor) -> Tensor:
    swapped = permute_dims(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))
    return conj(swapped) if dtypes.is_complex(a.dtype) else swapped
