"""Factorizations of the matrices in the last two dimensions, as calls that slopec defines."""

from collections.abc import Sequence

from slopec import dtypes, ir, tracing
from slopec.tensor import Tensor
from slopec.tracing import TensorType


def _call(target: str, operands: Sequence[Tensor], results: Sequence[TensorType]) -> list[Tensor]:
    name = {"call_target_name": ir.string(f"slopec.{target}")}
    return list(tracing.emit_with("stablehlo.custom_call", operands, results, name))


def lu(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(packed, pivots, permutation) with a[permutation] = L U, by partial pivoting.

    `packed` (…, m, n) holds U in its upper triangle and L, whose diagonal is ones, below it. Row i
    was exchanged with row pivots[i] ≥ i; there are min(m, n) pivots, int32 from 0.
    """
    *batch, m, n = a.shape
    pivots, rows = (((*batch, count), dtypes.int32) for count in (min(m, n), m))
    packed, exchanged, permutation = _call("lu", [a], [(a.shape, a.dtype), pivots, rows])
    return packed, exchanged, permutation


def householder(a: Tensor) -> tuple[Tensor, Tensor]:
    """(packed, taus) with a = H₁ H₂ … R for reflections H = I - τ v vᴴ, as LAPACK's geqrf.

    `packed` holds R in its upper triangle and each v, whose first element is 1, below the diagonal.
    """
    *batch, m, n = a.shape
    taus = ((*batch, min(m, n)), a.dtype)
    packed, scales = _call("householder", [a], [(a.shape, a.dtype), taus])
    return packed, scales


def householder_product(packed: Tensor, taus: Tensor) -> Tensor:
    """The first n columns of H₁ H₂ … for reflections held as by `householder`; LAPACK's orgqr."""
    return _call("householder_product", [packed, taus], [(packed.shape, packed.dtype)])[0]


def qr(a: Tensor, *, full: bool) -> tuple[Tensor, Tensor]:
    """(Q, R) with a = Q R; Q is square if `full`, else it has min(m, n) columns."""
    *batch, m, n = a.shape
    k = m if full else min(m, n)
    results = [((*batch, m, k), a.dtype), ((*batch, k, n), a.dtype)]
    q, r = _call("qr", [a], results)
    return q, r


def eig(a: Tensor) -> tuple[Tensor, Tensor]:
    """(w, v) with a v = v diag(w) for any square a, complex; each vector has length 1."""
    dtype = a.dtype if dtypes.is_complex(a.dtype) else dtypes.complex_of(a.dtype)
    w, v = _call("eig", [a], [(a.shape[:-1], dtype), (a.shape, dtype)])
    return w, v


def eigh(a: Tensor) -> tuple[Tensor, Tensor]:
    """(w, v) with a v = v diag(w) for Hermitian a; eigenvalues in ascending order."""
    w, v = _call("eigh", [a], [(a.shape[:-1], dtypes.real_of(a.dtype)), (a.shape, a.dtype)])
    return w, v


def svd(a: Tensor, *, full: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(u, s, vh) with a = u diag(s) vh; singular values in descending order.

    u and vh are square if `full`, else they have min(m, n) columns and rows.
    """
    *batch, m, n = a.shape
    k = min(m, n)
    left, right = ((*batch, m, m if full else k), (*batch, n if full else k, n))
    values = ((*batch, k), dtypes.real_of(a.dtype))
    u, s, vh = _call("svd", [a], [(left, a.dtype), values, (right, a.dtype)])
    return u, s, vh
