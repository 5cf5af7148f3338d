"""Linear algebra: Cholesky factors by LAPACK through NumPy, triangular systems by substitution."""

import numpy as np

from slopec import ir
from slopec.reference.rounding import in_float32
from slopec.reference.table import Array, Kernel, attribute, rule


def adjoint(x: Array) -> Array:
    """The conjugate transpose of the last two dimensions."""
    return np.conj(np.swapaxes(x, -1, -2))


@rule("stablehlo.cholesky")
def cholesky(op: ir.Operation) -> Kernel:
    """`L` with `L Lᴴ = A`, or `U` with `Uᴴ U = A`; the other triangle is zero.

    Only the named triangle of `A` is read. A matrix that is not positive definite gives
    not-a-number in its factor's triangle.
    """
    return in_float32(_lower if attribute(op, "lower", False) else _upper)


def _upper(a: Array) -> Array:
    return adjoint(_lower(adjoint(a)))


def _lower(a: Array) -> Array:
    try:
        return np.linalg.cholesky(a).astype(a.dtype, copy=False)
    except np.linalg.LinAlgError:
        if a.ndim == 2:
            return np.tril(np.full_like(a, np.nan))
        return np.stack([_lower(matrix) for matrix in a])


@rule("stablehlo.triangular_solve")
def triangular_solve(op: ir.Operation) -> Kernel:
    """`x` with `op(a) x = b`, or `x op(a) = b`, for a triangular `a`.

    Only the named triangle of `a` is read, and not its diagonal when `unit_diagonal` is set.
    """
    left, lower = attribute(op, "left_side"), attribute(op, "lower")
    unit, transpose = attribute(op, "unit_diagonal"), attribute(op, "transpose_a")

    @in_float32
    def kernel(a: Array, b: Array) -> Array:
        matrix, is_lower = a, lower
        if transpose in ("TRANSPOSE", "ADJOINT"):
            matrix = adjoint(a) if transpose == "ADJOINT" else np.swapaxes(a, -1, -2)
            is_lower = not lower
        if left:
            return _substitute(matrix, b, is_lower, unit)
        flipped = _substitute(
            np.swapaxes(matrix, -1, -2), np.swapaxes(b, -1, -2), not is_lower, unit
        )
        return np.swapaxes(flipped, -1, -2)

    return kernel


def _substitute(a: Array, b: Array, lower: bool, unit: bool) -> Array:
    """Solve row by row, from the row with one unknown to the row with all."""
    x = np.zeros(b.shape, b.dtype)
    size = a.shape[-1]
    rows = range(size) if lower else reversed(range(size))
    for row in rows:
        known = slice(0, row) if lower else slice(row + 1, size)
        rest = b[..., row, :] - np.matmul(a[..., row : row + 1, known], x[..., known, :])[..., 0, :]
        x[..., row, :] = rest if unit else rest / a[..., row, row, None]
    return x
