"""Factorizations for back ends without LAPACK, by blocks: loops over columns, and products.

What grows with the cube of the size is matrix products of blocks; loops run over the columns of one
block. So all of it compiles wherever products do.

blocks       how wide blocks are, loops over them, triangular blocks inverted
cholesky     Hermitian positive definite matrices
triangular   triangular systems
lu           partial pivoting
reflections  Householder's reflections, QR
jacobi       singular values and eigenvalues of Hermitian matrices by rotations
schur        eigenvalues of any matrices by QR steps
"""

from slopec.passes.factorizations.cholesky import cholesky
from slopec.passes.factorizations.jacobi import eigh, svd
from slopec.passes.factorizations.lu import lu
from slopec.passes.factorizations.reflections import householder, householder_product, qr
from slopec.passes.factorizations.schur import eig
from slopec.passes.factorizations.triangular import triangular_solve

__all__ = [
    "cholesky",
    "eig",
    "eigh",
    "householder",
    "householder_product",
    "lu",
    "qr",
    "svd",
    "triangular_solve",
]
