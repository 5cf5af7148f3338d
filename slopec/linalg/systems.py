"""Triangular factors of matrices, and what they solve: linear equations and determinants."""

from typing import NamedTuple

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.hlo import matrices
from slopec.linalg.operands import beside, hermitian, matrix, square
from slopec.ops import abs as absolute
from slopec.ops import log, prod, sign
from slopec.ops import max as maximum
from slopec.ops import sum as total
from slopec.ops.common import ArrayLike, as_tensor, expand, floating
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp


class LU(NamedTuple):
    """What `lu` returns: x = P @ L @ U."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    """What `lu_factor` returns: both factors in one matrix, and the rows that were exchanged."""

    LU: Tensor
    pivots: Tensor


class SlogDet(NamedTuple):
    """What `slogdet` returns: the determinant is sign · exp(logabsdet)."""

    sign: Tensor
    logabsdet: Tensor


def cholesky(x: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """The lower L with x = L Lᴴ for Hermitian positive definite (…, n, n), or Lᴴ if `upper`.

    The mean of `x` and its adjoint is factored, so that derivatives are symmetric. NaN where it is
    not positive definite. Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.cholesky(sp.tensor([[4.0, 2.0], [2.0, 5.0]])))
    tensor([[2. 0.]
            [1. 2.]], float32[2, 2], cpu)
    """
    factor = hlo.cholesky(hermitian("cholesky", x), lower=True)
    lower = matrices.triangle(factor, lower=True)
    return matrices.adjoint(lower) if upper else lower


def solve_triangular(
    a: ArrayLike, b: ArrayLike, /, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """x with a x = b, or x a = b unless `left`, for triangular a (…, n, n) and b (…, n, k).

    Only one triangle of `a` is read, and its diagonal is taken as ones if `unitriangular`. Batches
    broadcast.

    Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> a = sp.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> print(sp.linalg.solve_triangular(a, sp.tensor([[2.0], [9.0]]), upper=False))
    tensor([[1.]
            [2.]], float32[2, 1], cpu)
    """
    coefficients = square("solve_triangular", a)
    right = matrix("solve_triangular", b)
    if right.shape[-2 if left else -1] != coefficients.shape[-1]:
        raise ShapeError(
            "S0101",
            f"solve_triangular: a of shape {coefficients.shape} and b of shape {right.shape} do "
            "not fit",
            span=tracing.here(),
            hint="b has n rows, or n columns with left=False",
        )
    coefficients, right = beside("solve_triangular", coefficients, right)
    return hlo.triangular_solve(
        coefficients, right, left_side=left, lower=not upper, unit_diagonal=unitriangular
    )


def lu(x: ArrayLike, /) -> LU:
    """(P, L, U) with x = P @ L @ U, by partial pivoting, for x (…, m, n) and k = min(m, n).

    P (…, m, m) is a permutation, L (…, m, k) lower triangular with ones on its diagonal, U
    (…, k, n) upper triangular. Raises ShapeError for what is no matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.lu(sp.tensor([[1.0, 2.0], [2.0, 2.0]])).U)
    tensor([[2. 2.]
            [0. 1.]], float32[2, 2], cpu)
    """
    a = matrix("lu", x)
    packed, _, permutation = hlo.lu(a)
    m, n = a.shape[-2:]
    k = min(m, n)
    rows = hlo.iota((*a.shape[:-2], m, m), a.ndim - 2, dtypes.int32)
    chosen = hlo.compare(rows, matrices.columns_of(permutation, m), "EQ")
    left = matrices.triangle(matrices.part(packed, 0, m, 0, k), lower=True, strict=True)
    upper = matrices.triangle(matrices.part(packed, 0, k, 0, n), lower=False)
    unit = hlo.add(left, matrices.identity(a, m, k))
    return LU(hlo.convert(chosen, a.dtype), unit, upper)


def lu_factor(x: ArrayLike, /) -> LUFactor:
    """The factors of `lu` in one matrix, L's ones left out, and pivots (…, min(m, n)), int32.

    Row i was exchanged with row pivots[i], counted from 0 as SciPy does. `lu_solve` takes both.

    >>> import slopec as sp
    >>> print(sp.linalg.lu_factor(sp.tensor([[1.0, 2.0], [2.0, 2.0]])).pivots)
    tensor([1 1], int32[2], cpu)
    """
    packed, pivots, _ = hlo.lu(matrix("lu_factor", x))
    return LUFactor(packed, pivots)


def lu_solve(factors: tuple[ArrayLike, ArrayLike], b: ArrayLike, /) -> Tensor:
    """x with a x = b from the `lu_factor` of square a (…, n, n), and b (…, n, k) or (n,).

    Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> factors = sp.linalg.lu_factor(sp.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> print(sp.linalg.lu_solve(factors, sp.tensor([3.0, 4.0])))
    tensor([1. 1.], float32[2], cpu)
    """
    packed, pivots = square("lu_solve", factors[0]), as_tensor("lu_solve", factors[1])
    permutation = matrices.permutation(pivots, packed.shape[-1])
    numbered = hlo.reshape(permutation, (*permutation.shape, 1))
    right, is_vector = _right_side("lu_solve", packed, b)
    packed, right = beside("lu_solve", packed, right)
    order = expand(numbered, (*right.shape[:-1], 1))
    return _columns(_substituted(packed, hlo.reshape(order, order.shape[:-1]), right), is_vector)


def solve(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """x with x1 @ x = x2, for square x1 (…, n, n) and x2 (…, n, k) or (n,); batches broadcast.

    By LU factors with partial pivoting; where x1 is singular, infinite or NaN.

    Raises ShapeError when x1 is not square or x2 does not fit.

    >>> import slopec as sp
    >>> print(sp.linalg.solve(sp.tensor([[1.0, 2.0], [3.0, 4.0]]), sp.tensor([5.0, 11.0])))
    tensor([1. 2.], float32[2], cpu)
    """
    a = square("solve", x1)
    right, is_vector = _right_side("solve", a, x2)
    return _columns(_solve(*beside("solve", a, right)), is_vector)


def inv(x: ArrayLike, /) -> Tensor:
    """The inverses of square matrices (…, n, n); infinite or NaN where one is singular.

    Raises ShapeError for what is no square matrix. `solve` is quicker, and more accurate, than a
    product with an inverse.

    >>> import slopec as sp
    >>> print(sp.linalg.inv(sp.tensor([[2.0, 0.0], [0.0, 4.0]])))
    tensor([[0.5  0.  ]
            [0.   0.25]], float32[2, 2], cpu)
    """
    a = square("inv", x)
    result: Tensor = _solve(a, matrices.identity(a, a.shape[-1], a.shape[-1]))
    return result


def det(x: ArrayLike, /) -> Tensor:
    """The determinants (…) of square matrices (…, n, n), from LU factors.

    The derivative, tr(adj(x) dx), is also right for singular matrices. Raises ShapeError for what
    is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.det(sp.tensor([[1.0, 2.0], [4.0, 4.0]])))
    tensor(-4., float32[], cpu)
    """
    result: Tensor = _det(square("det", x))
    return result


def slogdet(x: ArrayLike, /) -> SlogDet:
    """The sign (or unit phase) of determinants and the logarithm of their modulus.

    0 and -inf for singular matrices. Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> sign, logabsdet = sp.linalg.slogdet(1e-30 * sp.eye(2))
    >>> print(sign, logabsdet.round())
    tensor(1., float32[], cpu) tensor(-138., float32[], cpu)
    """
    a = square("slogdet", x)
    packed, pivots, _ = hlo.lu(a)
    pivot = matrices.diagonal(packed)
    size = absolute(pivot)
    signs = hlo.multiply(_parity(pivots, a), prod(_phase(pivot, size), axis=-1))
    return SlogDet(signs, total(log(size), axis=-1))


def _phase(x: Tensor, size: Tensor) -> Tensor:
    """x / |x|, and 0 for 0; unlike a sign it turns with a complex x."""
    if not dtypes.is_complex(x.dtype):
        return sign(x)
    zero = hlo.compare(size, hlo.zeros_like(size), "EQ")
    return hlo.divide(x, matrices.as_dtype_of(hlo.select(zero, hlo.full_like(size, 1), size), x))


# --- derivatives that need no derivative of the factors ---------------------------------------


@custom_jvp
def _solve(a: Tensor, b: Tensor) -> Tensor:
    packed, _, permutation = hlo.lu(a)
    return _substituted(packed, permutation, b)


@_solve.defjvp
def _solve_moves(
    primals: tuple[Tensor, Tensor], tangents: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """A dX = dB - dA X."""
    (a, b), (da, db) = primals, tangents
    packed, _, permutation = hlo.lu(a)
    x = _substituted(packed, permutation, b)
    return x, _substituted(packed, permutation, hlo.subtract(db, matrices.matmul(da, x)))


@custom_jvp
def _det(a: Tensor) -> Tensor:
    packed, pivots, _ = hlo.lu(a)
    return hlo.multiply(_parity(pivots, a), prod(matrices.diagonal(packed), axis=-1))


@_det.defjvp
def _det_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    """tr(adj(A) dA), where adj(A) = U₁⁻¹ diag(d, …, d, p) L⁻¹ P with the determinant d, the product
    p of all pivots but the last, and U with a last row of the identity as U₁: nothing is divided
    by the last pivot. Of the others, those that are 0 are taken for the least that is not lost
    beside the largest element: adj(A) is a polynomial, and moves as little.
    """
    (a,), (da,) = primals, tangents
    packed, pivots, permutation = hlo.lu(a)
    n = a.shape[-1]
    sign_, pivot = _parity(pivots, a), matrices.diagonal(packed)
    value = hlo.multiply(sign_, prod(pivot, axis=-1))
    if not n:
        return value, hlo.zeros_like(value)
    is_last = hlo.iota(pivot.shape, pivot.ndim - 1, dtypes.int32) == n - 1
    is_lost = hlo.and_(pivot == 0, hlo.not_(is_last))
    pivot = hlo.select(is_lost, matrices.rows_of(_least(a), n), pivot)
    most = hlo.multiply(sign_, prod(pivot[..., : n - 1], axis=-1))
    whole = hlo.multiply(most, pivot[..., n - 1])
    scale = hlo.select(is_last, matrices.rows_of(most, n), matrices.rows_of(whole, n))
    diagonal = matrices.where(a.shape, "EQ")
    upper = hlo.select(diagonal, matrices.rows_of(pivot, n), packed)
    last = hlo.broadcast_in_dim(is_last, a.shape, [*range(a.ndim - 2), a.ndim - 2])
    upper = hlo.select(last, matrices.identity(a, n, n), upper)
    moved = hlo.triangular_solve(
        packed, matrices.take_rows(da, permutation), left_side=True, lower=True, unit_diagonal=True
    )
    moved = hlo.multiply(moved, matrices.rows_of(scale, n))
    moved = hlo.triangular_solve(upper, moved, left_side=True, lower=False)
    return value, total(matrices.diagonal(moved), axis=-1)


def _least(a: Tensor) -> Tensor:
    """What is just not lost when it is added to the largest element of matrices, which is not 0."""
    eps = float(np.finfo(dtypes.real_of(a.dtype)).eps)
    largest = maximum(absolute(a), axis=(-2, -1))
    largest = hlo.select(largest == 0, hlo.full_like(largest, 1), largest)
    return matrices.as_dtype_of(hlo.multiply(largest, hlo.full_like(largest, eps)), a)


def _substituted(packed: Tensor, permutation: Tensor, b: Tensor) -> Tensor:
    """The solution for the right side `b` from packed factors."""
    y = matrices.take_rows(b, permutation)
    y = hlo.triangular_solve(packed, y, left_side=True, lower=True, unit_diagonal=True)
    return hlo.triangular_solve(packed, y, left_side=True, lower=False)


def _parity(pivots: Tensor, like: Tensor) -> Tensor:
    """1 or -1 (…), as the number of rows that were exchanged is even or odd."""
    places = hlo.iota(pivots.shape, pivots.ndim - 1, dtypes.int32)
    moved = hlo.compare(pivots, places, "NE")
    signs = hlo.select(
        moved, hlo.full(moved.shape, -1, like.dtype), hlo.full(moved.shape, 1, like.dtype)
    )
    return prod(signs, axis=-1)


def _right_side(name: str, a: Tensor, b: ArrayLike) -> tuple[Tensor, bool]:
    """`b` as matrices with as many rows as `a` has, and whether it is one vector."""
    right = floating(name, b)
    is_vector = right.ndim == 1
    if right.ndim and right.shape[0 if is_vector else -2] == a.shape[-1]:
        return (hlo.reshape(right, (*right.shape, 1)) if is_vector else right), is_vector
    raise ShapeError(
        "S0101",
        f"{name}: matrices of shape {a.shape} and a right side of shape {right.shape} do not fit",
        span=tracing.here(),
        hint="the right side has n rows (…, n, k), or is one vector (n,)",
    )


def _columns(x: Tensor, is_vector: bool) -> Tensor:
    return hlo.reshape(x, x.shape[:-1]) if is_vector else x
