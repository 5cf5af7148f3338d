"""ATen's linear algebra: factors and solutions, with what PyTorch hands on beside them.

Parts that stand for PyTorch's own backward, and reports of failure, are made if they are wanted.
"""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, linalg, ops, tracing
from slopec.diagnostics import UsageError
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient


def _fine(x: Tensor) -> Callable[[], Tensor]:
    """The report that nothing failed: a compiled program cannot tell."""
    return lambda: ops.zeros(x.shape[:-2], dtype=dtypes.int32)


def _pivots(x: Tensor) -> Callable[[], Tensor]:
    """Rows exchanged, which ATen counts from 1."""
    return lambda: linalg.lu_factor(x).pivots + 1


def _refused(what: str) -> UsageError:
    return UsageError("S0161", f"{what} cannot be taken over from PyTorch", span=tracing.here())


def _packed(x: Tensor) -> Callable[[], Tensor]:
    return lambda: linalg.lu_factor(x).LU


def _hermitian(x: Tensor, upper: bool) -> Tensor:
    """The Hermitian matrix of which one triangle is read, with derivatives by both."""
    half, rest = (ops.triu(x), ops.triu(x, k=1)) if upper else (ops.tril(x), ops.tril(x, k=-1))
    whole = half + ops.conj(ops.matrix_transpose(rest))
    mean = (x + ops.conj(ops.matrix_transpose(x))) * 0.5
    result: Tensor = mean + stop_gradient(whole - mean)
    return result


def det(x: Tensor) -> tuple[Any, ...]:
    """The determinant, and the factors that it is made of."""
    return linalg.det(x), _packed(x), _pivots(x)


def slogdet(x: Tensor) -> tuple[Any, ...]:
    """The determinant's sign and logarithm, and the factors."""
    return *linalg.slogdet(x), _packed(x), _pivots(x)


def inverse(x: Tensor, *, check_errors: bool = False) -> tuple[Any, ...]:
    """The inverse."""
    return linalg.inv(x), _fine(x)


def solve(x: Tensor, b: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """The solution of x y = b, or of y x = b, for one right side or a matrix of them."""
    one = b.ndim == 1 or (b.ndim == x.ndim - 1 and b.shape == x.shape[:-1])
    right = ops.expand_dims(b, -1) if one else b
    if left:
        found = linalg.solve(x, right)
    else:
        found = ops.matrix_transpose(
            linalg.solve(ops.matrix_transpose(x), right if one else ops.matrix_transpose(right))
        )
    return (ops.reshape(found, b.shape) if one else found), _packed(x), _pivots(x), _fine(x)


def cholesky(x: Tensor, *, upper: bool = False, check_errors: bool = False) -> tuple[Any, ...]:
    """The triangular factor."""
    return linalg.cholesky(_hermitian(x, upper), upper=upper), _fine(x)


def cholesky_solve(b: Tensor, factor: Tensor, upper: bool = False) -> Tensor:
    """The solution of a y = b, where a is given by its triangular factor."""
    turned = ops.conj(ops.matrix_transpose(factor))
    first, second = (turned, factor) if upper else (factor, turned)
    half = linalg.solve_triangular(first, b, upper=False)
    return linalg.solve_triangular(second, half, upper=True)


def cholesky_inverse(factor: Tensor, upper: bool = False) -> Tensor:
    """The inverse of the matrix that has this triangular factor."""
    return cholesky_solve(ops.eye(factor.shape[-1], dtype=factor.dtype), factor, upper)


def eigh(x: Tensor, uplo: str = "L", compute_v: bool = True) -> tuple[Any, ...]:
    """Eigenvalues, ascending, and eigenvectors."""
    x = _hermitian(x, uplo.upper() == "U")
    return linalg.eigvalsh(x), lambda: linalg.eigh(x).eigenvectors


def svd(
    x: Tensor, full_matrices: bool = False, compute_uv: bool = True, *, driver: Any = None
) -> tuple[Any, ...]:
    """Singular values, descending, between their vectors."""
    if not compute_uv:
        return None, linalg.svdvals(x), None
    return tuple(linalg.svd(x, full_matrices=full_matrices))


def qr(x: Tensor, mode: str = "reduced") -> tuple[Any, ...]:
    """An orthonormal and a triangular factor."""
    found = linalg.qr(x, mode="complete" if mode == "complete" else "reduced")
    return (ops.zeros((0,), dtype=x.dtype) if mode == "r" else found.Q), found.R


def lu(x: Tensor, *, pivot: bool = True) -> Any:
    """The permutation and the two factors."""
    return tuple(linalg.lu(x))


def lu_factor(x: Tensor, *, pivot: bool = True, check_errors: bool = False) -> tuple[Any, ...]:
    """Both factors in one matrix, and the rows exchanged."""
    packed, pivots = linalg.lu_factor(x)
    return packed, pivots + 1, _fine(x)


def lu_solve(
    packed: Tensor, pivots: Tensor, b: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """The solution of a y = b, where a is given by its factors."""
    if adjoint or not left:
        raise _refused("linalg.lu_solve with `adjoint` or without `left`")
    return linalg.lu_solve((packed, pivots - 1), b)


def pinv(
    x: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """The pseudo-inverse, by singular values."""
    if atol is not None:
        raise _refused("linalg.pinv with `atol`")
    return linalg.pinv(
        _hermitian(x, upper=False) if hermitian else x, rtol=rtol if rcond is None else rcond
    )


def triangular_solve(
    b: Tensor, a: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> tuple[Tensor, Tensor]:
    """The solution of a y = b for triangular a, and a."""
    used, above = (ops.matrix_transpose(a), not upper) if transpose else (a, upper)
    return linalg.solve_triangular(used, b, upper=above, unitriangular=unitriangular), a


TABLE: dict[str, Callable[..., Any]] = {
    "_linalg_det": det,
    "_linalg_slogdet": slogdet,
    "linalg_inv": linalg.inv,
    "linalg_inv_ex": inverse,
    "linalg_solve": lambda x, b, *, left=True: solve(x, b, left=left)[0],
    "_linalg_solve_ex": solve,
    "linalg_cholesky": lambda x, *, upper=False: cholesky(x, upper=upper)[0],
    "linalg_cholesky_ex": cholesky,
    "cholesky": lambda x, upper=False: cholesky(x, upper=upper)[0],
    "cholesky_solve": cholesky_solve,
    "cholesky_inverse": cholesky_inverse,
    "_linalg_eigh": eigh,
    "_linalg_svd": svd,
    "linalg_qr": qr,
    "linalg_lu": lu,
    "linalg_lu_factor": lambda x, *, pivot=True: lu_factor(x)[:2],
    "linalg_lu_factor_ex": lu_factor,
    "linalg_lu_solve": lu_solve,
    "linalg_pinv": pinv,
    "linalg_matrix_exp": linalg.expm,
    "linalg_tensorinv": linalg.tensorinv,
    "linalg_tensorsolve": lambda a, b, dims=None: linalg.tensorsolve(a, b, axes=dims),
    "linalg_solve_triangular": linalg.solve_triangular,
    "triangular_solve": triangular_solve,
    "_linalg_check_errors": lambda *_, **__: None,
}
