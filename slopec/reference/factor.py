"""Factorizations by LAPACK through NumPy, and by columns where NumPy has none."""

from collections.abc import Callable
from math import prod

import numpy as np

from slopec import ir
from slopec.dialects import calls
from slopec.reference.linalg import adjoint
from slopec.reference.rounding import widened
from slopec.reference.table import Array, Kernel, result_dtype, result_shape, rule


def _typed(op: ir.Operation, compute: Callable[..., tuple[Array, ...]]) -> Kernel:
    """A kernel whose results have the types of the op's; NaN where LAPACK does not converge."""
    types = [(result_shape(op, i), result_dtype(op, i)) for i in range(len(op.results))]

    def kernel(*operands: Array) -> Array | list[Array]:
        try:
            found = compute(*map(widened, operands))
        except np.linalg.LinAlgError:
            found = tuple(np.full(shape, np.nan) for shape, _ in types)
        typed = [a.astype(dtype, copy=False) for a, (_, dtype) in zip(found, types, strict=True)]
        return typed if len(typed) > 1 else typed[0]

    return kernel


def lu(a: Array) -> tuple[Array, Array, Array]:
    """The packed factors, pivots and permutation, column by column, whole batches at once."""
    *batch, m, n = a.shape
    count, k = prod(batch), min(m, n)
    packed = np.array(a).reshape(count, m, n)
    pivots = np.zeros((count, k), np.int32)
    order = np.tile(np.arange(m, dtype=np.int32), (count, 1))
    each = np.arange(count)
    for j in range(k):
        sizes = np.abs(packed[:, j:, j])
        chosen = j + np.argmax(np.where(np.isnan(sizes), np.inf, sizes), axis=1)
        pivots[:, j] = chosen
        for array in (packed, order):
            array[each, chosen], array[:, j] = array[:, j].copy(), array[each, chosen].copy()
        pivot = packed[:, j, j][:, None]
        with np.errstate(all="ignore"):
            scaled = packed[:, j + 1 :, j] / pivot
            packed[:, j + 1 :, j] = np.where(pivot == 0, packed[:, j + 1 :, j], scaled)
            packed[:, j + 1 :, j + 1 :] -= packed[:, j + 1 :, j, None] * packed[:, j, None, j + 1 :]
    return packed.reshape(a.shape), pivots.reshape(*batch, k), order.reshape(*batch, m)


def householder(a: Array) -> tuple[Array, Array]:
    """LAPACK's geqrf."""
    if not a.size:
        return a, np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
    packed, taus = np.linalg.qr(a, mode="raw")
    return np.swapaxes(packed, -1, -2), taus


def householder_product(packed: Array, taus: Array) -> tuple[Array]:
    """The reflections applied to columns of the identity, the last first."""
    m, n = packed.shape[-2:]
    q = np.zeros_like(packed)
    q[...] = np.eye(m, n, dtype=packed.dtype)
    for j in reversed(range(taus.shape[-1])):
        v = np.array(packed[..., j : j + 1])
        v[..., :j, :] = 0
        v[..., j, :] = 1
        q = q - taus[..., j, None, None] * (v @ (adjoint(v) @ q))
    return (q,)


def _qr(full: bool) -> Callable[[Array], tuple[Array, Array]]:
    def qr(a: Array) -> tuple[Array, Array]:
        found = np.linalg.qr(a, mode="complete" if full else "reduced")
        return found.Q, found.R

    return qr


def _svd(full: bool) -> Callable[[Array], tuple[Array, Array, Array]]:
    def svd(a: Array) -> tuple[Array, Array, Array]:
        found = np.linalg.svd(a, full_matrices=full)
        return found.U, found.S, found.Vh

    return svd


def _eigh(a: Array) -> tuple[Array, Array]:
    found = np.linalg.eigh(a)
    return found.eigenvalues, found.eigenvectors


def _eig(a: Array) -> tuple[Array, Array]:
    found = np.linalg.eig(a)
    return found.eigenvalues, found.eigenvectors


@rule(*calls.FACTORIZATIONS)
def factorization(op: ir.Operation) -> Kernel:
    """The factorization that a call of slopec's names."""
    first, last = (result_shape(op, i) for i in (0, len(op.results) - 1))
    by_target: dict[str, Callable[..., tuple[Array, ...]]] = {
        "slopec.lu": lu,
        "slopec.householder": householder,
        "slopec.householder_product": householder_product,
        "slopec.qr": _qr(first[-2:-1] == first[-1:]),
        "slopec.eig": _eig,
        "slopec.eigh": _eigh,
        "slopec.svd": _svd(first[-2:-1] == first[-1:] and last[-2:-1] == last[-1:]),
    }
    return _typed(op, by_target[ir.kind_of(op)])
