"""Calls of numerical libraries, which JAX makes for matrices, as the factorizations they compute.

They are LAPACK's on CPUs, cuSOLVER's and its kin on GPUs, and XLA's own on TPUs. What a call says
of its success is said to be 0: where there is none, the results hold NaN.
"""

import re
from collections.abc import Callable, Sequence

from slopec import dtypes, hlo, ir, tracing
from slopec.hlo import matrices
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.expand import expand
from slopec.transforms.rule import Point

Known = Callable[[Point], Sequence[Tensor] | None]


def recognise(module: ir.Module) -> None:
    """Rewrite the calls in `module` that are known; others stay, and are refused where they run."""
    for function in ir.functions(module):
        if ir.has_body(function):
            where = Trace(module, ir.body_of(function), None, function=function)
            with tracing.writing(where):
                expand(function, where, {"stablehlo.custom_call": _rewritten})


def _rewritten(point: Point) -> Sequence[Tensor] | None:
    target = ir.string_in(point.op, "call_target_name")
    for pattern, known in _CALLS.items():
        if re.fullmatch(pattern, target):
            return known(point)
    return None


def _letter(point: Point, name: str) -> str:
    """An option of LAPACK's: a letter for side, triangle, transpose, diagonal or what is wanted."""
    return chr(int(point.entries("mhlo.backend_config")[name]))


def _is_lower(point: Point) -> bool:
    options = point.entries("mhlo.backend_config")
    return _letter(point, "uplo") == "L" if "uplo" in options else bool(options["lower"])


def _succeeded(point: Point) -> Tensor:
    """The last result: no call has failed."""
    return hlo.zeros_like(point.results[-1])


def _potrf(point: Point) -> Sequence[Tensor]:
    """A Cholesky factor."""
    return [hlo.cholesky(point.operands[0], lower=_is_lower(point)), _succeeded(point)]


def _trsm(point: Point) -> Sequence[Tensor]:
    """The solution of a triangular system."""
    kinds = {"N": "NO_TRANSPOSE", "T": "TRANSPOSE", "C": "ADJOINT"}
    solution = hlo.triangular_solve(
        *point.operands,
        left_side=_letter(point, "side") == "L",
        lower=_letter(point, "uplo") == "L",
        unit_diagonal=_letter(point, "diag") == "U",
        transpose_a=kinds[_letter(point, "trans_x")],
    )
    return [solution]


def _getrf(point: Point) -> Sequence[Tensor]:
    """Triangular factors; LAPACK counts rows from 1."""
    packed, pivots, _ = hlo.lu(point.operands[0])
    return [packed, hlo.add(pivots, hlo.full_like(pivots, 1)), _succeeded(point)]


def _permutation(point: Point) -> Sequence[Tensor]:
    """The permutation that exchanging rows one after the other makes."""
    return [matrices.permutation(point.operands[0], point.result.shape[-1])]


def _product(point: Point) -> Sequence[Tensor]:
    return [hlo.householder_product(*point.operands)]


def _symmetric(point: Point, lower: bool) -> Tensor:
    """The Hermitian matrix of which one triangle is read."""
    a = point.operands[0]
    kept = matrices.triangle(a, lower=lower, strict=True)
    on = hlo.select(matrices.where(a.shape, "EQ"), a, hlo.zeros_like(a))
    whole = hlo.add(kept, matrices.adjoint(kept))
    return hlo.add(whole, matrices.as_dtype_of(matrices.real(on), a))


def _syevd(point: Point) -> Sequence[Tensor]:
    """Eigenvectors, then eigenvalues."""
    w, v = hlo.eigh(_symmetric(point, _is_lower(point)))
    return [v, w, _succeeded(point)]


def _geev(point: Point) -> Sequence[Tensor]:
    """Eigenvalues, of real matrices in two parts; left vectors; right ones."""
    a = point.operands[0]
    w, right = hlo.eig(a)
    values = [w] if dtypes.is_complex(a.dtype) else [hlo.real(w), hlo.imag(w)]
    left = right
    if _letter(point, "compute_left") == "V":
        left = _of_length_one(matrices.adjoint(_inverse(right)))
    return [*values, left, right, _succeeded(point)]


def _inverse(a: Tensor) -> Tensor:
    from slopec.linalg import inv

    return inv(a)


def _of_length_one(columns: Tensor) -> Tensor:
    from slopec.linalg import vector_norm

    return columns / vector_norm(columns, axis=-2, keepdims=True)


def _xla_eigh(point: Point) -> Sequence[Tensor]:
    """XLA's own, whose options are whether it reads the lower triangle, sorts, and its patience."""
    lower = ir.string_in(point.op, "backend_config").startswith("1")
    w, v = hlo.eigh(_symmetric(point, lower))
    return [v, w]


def _gesdd(point: Point) -> Sequence[Tensor] | None:
    """What the matrix was overwritten with, singular values, left vectors, right ones as rows."""
    return _singular(point, rows=True)


def _gesvdj(point: Point) -> Sequence[Tensor] | None:
    """As `_gesdd`, but the right vectors are columns."""
    return _singular(point, rows=False)


def _singular(point: Point, *, rows: bool) -> Sequence[Tensor] | None:
    options = point.entries("mhlo.backend_config")
    if "transposed" in options and bool(options["transposed"]):
        return None
    a = point.operands[0]
    left, right = point.results[2:4]
    m, n = a.shape[-2:]
    if not any(list(result.uses) for result in point.op.results[2:4]):
        s = hlo.svd(a, full=False)[1]
        return [a, s, hlo.zeros_like(left), hlo.zeros_like(right), _succeeded(point)]
    full = (left.shape[-2:], right.shape[-2:]) == ((m, m), (n, n))
    u, s, vh = hlo.svd(a, full=full)
    return [a, s, u, vh if rows else matrices.adjoint(vh), _succeeded(point)]


def _gtsv(point: Point) -> Sequence[Tensor] | None:
    """The solution of equations with three diagonals, after what LAPACK overwrites these with."""
    from slopec.linalg import tridiagonal_solve

    solution = tridiagonal_solve(*point.operands)
    if len(point.results) == 1:
        return [solution]
    if any(list(result.uses) for result in point.op.results[:3]):
        return None
    return [*point.operands[:3], solution, _succeeded(point)]


_GPU = "(cusolver_|hipsolver_|cublas_|hipblas_)"
_CALLS: dict[str, Known] = {
    rf"(lapack_[sdcz]|{_GPU})potrf(_batched)?(_ffi)?": _potrf,
    r"lapack_[sdcz]trsm_ffi": _trsm,
    rf"(lapack_[sdcz]|{_GPU})getrf(_batched)?_ffi": _getrf,
    r"lapack_[sdcz]gtsv_ffi|(cu|hip)sparse_gtsv2_ffi": _gtsv,
    "LuDecomposition": lambda point: hlo.lu(point.operands[0]),
    "(cu|hip)_lu_pivots_to_permutation": _permutation,
    rf"(lapack_[sdcz]|{_GPU})geqrf(_batched)?_ffi|Qr": lambda p: hlo.householder(p.operands[0]),
    rf"(lapack_[sdcz](or|un)|{_GPU}or)gqr_ffi|ProductOfElementaryHouseholderReflectors": _product,
    r"(lapack_[sdcz](sy|he)|cusolver_sy|hipsolver_sy)evd_ffi": _syevd,
    "Eigh": _xla_eigh,
    r"lapack_[sdcz]geev_ffi": _geev,
    r"lapack_[sdcz]ges(dd|vd)_ffi|(cusolver|hipsolver)_gesvd_ffi": _gesdd,
    r"(cusolver|hipsolver)_gesvd[jp]_ffi": _gesvdj,
}
