"""Linear algebra: `sp.linalg`, the Array API's extension and what NumPy and SciPy have beside it.

Matrices are in the last two dimensions and whole batches are taken at once. Everything has forward
and reverse derivatives of any order.

operands   what matrices must be: square, of one type, of batches that fit
systems    triangular factors, linear equations, determinants
bands      linear equations of three diagonals
spectra    orthogonal factors, eigenvalues, singular values, and what follows from them
norms      norms and condition numbers
chains     products of many matrices, and tensors that stand for matrices
powers     powers and the exponential
methods    some of them as methods of tensors
"""

from slopec.linalg.bands import tridiagonal_solve
from slopec.linalg.chains import multi_dot, tensorinv, tensorsolve
from slopec.linalg.norms import cond, matrix_norm, norm, vector_norm
from slopec.linalg.powers import expm, matrix_power
from slopec.linalg.spectra import (
    QR,
    SVD,
    Eig,
    Eigh,
    LeastSquares,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    svd,
    svdvals,
)
from slopec.linalg.systems import (
    LU,
    LUFactor,
    SlogDet,
    cholesky,
    det,
    inv,
    lu,
    lu_factor,
    lu_solve,
    slogdet,
    solve,
    solve_triangular,
)
from slopec.ops import cross, diagonal, matmul, matrix_transpose, outer, tensordot, trace, vecdot

__all__ = [
    "LU",
    "QR",
    "SVD",
    "Eig",
    "Eigh",
    "LUFactor",
    "LeastSquares",
    "SlogDet",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "tridiagonal_solve",
    "vecdot",
    "vector_norm",
]
