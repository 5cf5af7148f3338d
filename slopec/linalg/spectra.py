"""Orthogonal factors, eigenvalues and singular values, and what is computed from them."""

from typing import Literal, NamedTuple

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.hlo import matrices
from slopec.linalg.operands import beside, choice, hermitian, matrix, square
from slopec.ops import finfo
from slopec.ops import max as largest
from slopec.ops import sum as total
from slopec.ops.common import ArrayLike, floating
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp


class QR(NamedTuple):
    """What `qr` returns: x = Q @ R."""

    Q: Tensor
    R: Tensor


class Eigh(NamedTuple):
    """What `eigh` returns: x @ eigenvectors = eigenvectors · eigenvalues, column by column."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class Eig(NamedTuple):
    """What `eig` returns: x @ eigenvectors = eigenvectors · eigenvalues, column by column."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """What `svd` returns: x = U @ diag(S) @ Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class LeastSquares(NamedTuple):
    """What `lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def qr(x: ArrayLike, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QR:
    """(Q, R) with x = Q @ R for x (…, m, n): orthonormal columns and an upper triangle.

    Q has min(m, n) columns, or m if `mode` is "complete". By Householder's reflections with
    LAPACK's signs. Of a complete Q that has more columns than x there is no derivative.

    Raises ShapeError for what is no matrix, UsageError for another mode.

    >>> import slopec as sp
    >>> q, r = sp.linalg.qr(sp.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> print(r)
    tensor([[-5.  -2.2]
            [ 0.   0.4]], float32[2, 2], cpu)
    """
    if mode not in ("reduced", "complete"):
        raise choice("qr", "mode", mode, ("reduced", "complete"))
    return QR(*hlo.qr(matrix("qr", x), full=mode == "complete"))


def eig(x: ArrayLike, /) -> Eig:
    """Eigenvalues (…, n), in any order, and eigenvectors of any x (…, n, n); both are complex.

    The vectors have length 1, and the largest element of each is real. Derivatives keep the length
    and leave the phase alone, as PyTorch's: what is computed from the vectors must not depend on
    it. Where eigenvalues are equal, or nearly so, their vectors have no derivative, and it is
    infinite or NaN.

    Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> turn = sp.tensor([[0.0, -1.0], [1.0, 0.0]])
    >>> w, v = sp.linalg.eig(turn)
    >>> print(abs(turn.astype("complex64") @ v - v * w).max() < 1e-6)
    tensor(True, bool[], cpu)
    """
    return Eig(*hlo.eig(square("eig", x)))


def eigvals(x: ArrayLike, /) -> Tensor:
    """The complex eigenvalues (…, n), in any order, of square matrices (…, n, n); see `eig`.

    >>> import slopec as sp
    >>> w = sp.linalg.eigvals(sp.tensor([[2.0, 1.0], [0.0, 3.0]]))
    >>> print(sp.sort(w.real).round(decimals=4))
    tensor([2. 3.], float32[2], cpu)
    """
    return hlo.eig(square("eigvals", x))[0]


def eigh(x: ArrayLike, /) -> Eigh:
    """Eigenvalues (…, n), ascending, and orthonormal eigenvectors of Hermitian x (…, n, n).

    The mean of `x` and its adjoint is taken. Where eigenvalues are equal, or nearly so, their
    vectors have no derivative, and it is infinite or NaN; the eigenvalues have one everywhere.

    Raises ShapeError for what is no square matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.eigh(sp.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues.round())
    tensor([1. 3.], float32[2], cpu)
    """
    return Eigh(*hlo.eigh(hermitian("eigh", x)))


def eigvalsh(x: ArrayLike, /) -> Tensor:
    """The eigenvalues (…, n), ascending, of Hermitian matrices (…, n, n); see `eigh`.

    >>> import slopec as sp
    >>> print(sp.linalg.eigvalsh(sp.tensor([[2.0, 1.0], [1.0, 2.0]])).round())
    tensor([1. 3.], float32[2], cpu)
    """
    return hlo.eigh(hermitian("eigvalsh", x))[0]


def svd(x: ArrayLike, /, *, full_matrices: bool = True) -> SVD:
    """(U, S, Vh) with x = U @ diag(S) @ Vh for x (…, m, n); S (…, min(m, n)) descends.

    U (…, m, m) and Vh (…, n, n) are square, or have min(m, n) columns and rows unless
    `full_matrices`; only then they have derivatives, where no two singular values are equal.

    Raises ShapeError for what is no matrix.

    >>> import slopec as sp
    >>> print(sp.linalg.svd(sp.tensor([[0.0, 2.0], [1.0, 0.0]])).S)
    tensor([2. 1.], float32[2], cpu)
    """
    return SVD(*hlo.svd(matrix("svd", x), full=full_matrices))


def svdvals(x: ArrayLike, /) -> Tensor:
    """The singular values (…, min(m, n)), descending, of matrices (…, m, n); see `svd`.

    >>> import slopec as sp
    >>> print(sp.linalg.svdvals(sp.tensor([[0.0, 2.0], [1.0, 0.0]])))
    tensor([2. 1.], float32[2], cpu)
    """
    return hlo.svd(matrix("svdvals", x), full=False)[1]


def pinv(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Tensor:
    """The pseudo-inverses (…, n, m) of matrices (…, m, n), by singular values.

    Those up to `rtol` times the largest count as zero, by default max(m, n) times the distance of
    1 to the next number. Derivatives hold where the rank does not change.

    >>> import slopec as sp
    >>> print(sp.linalg.pinv(sp.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 4.0]])).round(decimals=3))
    tensor([[0.5  0.   0.  ]
            [0.   0.   0.25]], float32[2, 3], cpu)
    """
    a = matrix("pinv", x)
    result: Tensor = _pinv(a, _relative("pinv", a, rtol))
    return result


@custom_jvp
def _pinv(a: Tensor, rtol: Tensor) -> Tensor:
    u, s, vh = hlo.svd(a, full=False)
    kept = _above(s, rtol)
    inverse = hlo.select(
        kept, hlo.divide(hlo.full_like(s, 1), _one_unless(kept, s)), hlo.zeros_like(s)
    )
    scaled = hlo.multiply(
        matrices.adjoint(vh), matrices.as_dtype_of(matrices.columns_of(inverse, vh.shape[-1]), a)
    )
    return matrices.matmul(scaled, matrices.adjoint(u))


@_pinv.defjvp
def _pinv_moves(
    primals: tuple[Tensor, Tensor], tangents: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """dP = -P dA P + P Pᴴ dAᴴ (1 - A P) + (1 - P A) dAᴴ Pᴴ P (Golub and Pereyra 1973)."""
    (a, rtol), (da, _) = primals, tangents
    product, adjoint = matrices.matmul, matrices.adjoint
    p = _pinv(a, rtol)
    ph, dah = adjoint(p), adjoint(da)
    first = product(product(p, da), p)
    row = product(product(p, ph), dah)
    row = hlo.subtract(row, product(product(row, a), p))
    column = product(dah, product(ph, p))
    column = hlo.subtract(column, product(p, product(a, column)))
    return p, hlo.subtract(hlo.add(row, column), first)


def matrix_rank(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Tensor:
    """How many singular values of matrices (…, m, n) exceed `rtol` times the largest; int32.

    The default is as for `pinv`.

    >>> import slopec as sp
    >>> print(sp.linalg.matrix_rank(sp.ones((3, 2))))
    tensor(1, int32[], cpu)
    """
    a = matrix("matrix_rank", x)
    kept = _above(svdvals(a), _relative("matrix_rank", a, rtol))
    return total(hlo.convert(kept, dtypes.int32), axis=-1)


def lstsq(a: ArrayLike, b: ArrayLike, /, *, rtol: ArrayLike | None = None) -> LeastSquares:
    """The shortest x that makes |a x - b| least, for a (…, m, n) and b (…, m, k) or (m,).

    With it come the sums of squares that are left (…, k), empty where a does not have full column
    rank by its shape, the rank, and the singular values of a. `rtol` is as for `pinv`.

    Raises ShapeError when the shapes do not fit.

    >>> import slopec as sp
    >>> a = sp.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> print(sp.linalg.lstsq(a, sp.tensor([1.0, 3.0, 5.0])).solution.round(decimals=3))
    tensor([1. 2.], float32[2], cpu)
    """
    matrix_, right = matrix("lstsq", a), floating("lstsq", b)
    is_vector = right.ndim == 1
    columns = hlo.reshape(right, (*right.shape, 1)) if is_vector else right
    if columns.ndim < 2 or columns.shape[-2] != matrix_.shape[-2]:
        raise ShapeError(
            "S0101",
            f"lstsq: a of shape {matrix_.shape} and b of shape {right.shape} do not fit",
            span=tracing.here(),
            hint="b has as many rows as a",
        )
    left, columns = beside("lstsq", matrix_, columns)
    x = matrices.matmul(pinv(left, rtol=rtol), columns)
    m, n = left.shape[-2:]
    rest = matrices.real(hlo.subtract(matrices.matmul(left, x), columns))
    residuals = total(hlo.multiply(rest, rest), axis=-2)
    if m <= n:
        residuals = residuals[..., :0]
    solution = hlo.reshape(x, x.shape[:-1]) if is_vector else x
    return LeastSquares(solution, residuals, matrix_rank(matrix_, rtol=rtol), svdvals(matrix_))


def _relative(name: str, a: Tensor, rtol: ArrayLike | None) -> Tensor:
    """The threshold beside the largest singular value, of the values' dtype."""
    real = dtypes.real_of(a.dtype)
    if rtol is None:
        step = max(a.shape[-2:]) * float(finfo(real).eps)
        return hlo.full(a.shape[:-2], step, real)
    given = hlo.convert(floating(name, rtol), real)
    batch = a.shape[:-2]
    return hlo.broadcast_in_dim(given, batch, range(len(batch) - given.ndim, len(batch)))


def _above(s: Tensor, rtol: Tensor) -> Tensor:
    """Which singular values (…, k) count."""
    if not s.shape[-1]:
        return hlo.full(s.shape, False, dtypes.bool_)
    limit = hlo.multiply(largest(s, axis=-1), rtol)
    return hlo.compare(s, matrices.rows_of(limit, s.shape[-1]), "GT")


def _one_unless(kept: Tensor, s: Tensor) -> Tensor:
    return hlo.select(kept, s, hlo.full_like(s, 1))
