"""Triangular systems: blocks on the diagonal are inverted, all together; the rest is products."""

from slopec import hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import extended_by_identity, inverse, width_of
from slopec.tensor import Tensor


def triangular_solve(
    a: Tensor, b: Tensor, *, left_side: bool, lower: bool, unit_diagonal: bool, transpose_a: str
) -> Tensor:
    """x with op(a) x = b, or x op(a) = b, where op is as `transpose_a` says.

    Only one triangle of `a` is read, and not its diagonal if that is said to be ones.
    """
    if not a.size or not b.size:
        return b
    if transpose_a != "NO_TRANSPOSE":
        a = m.adjoint(a) if transpose_a == "ADJOINT" else m.transposed(a)
        lower = not lower
    if not left_side:
        solved = triangular_solve(
            m.transposed(a),
            m.transposed(b),
            left_side=True,
            lower=not lower,
            unit_diagonal=unit_diagonal,
            transpose_a="NO_TRANSPOSE",
        )
        return m.transposed(solved)
    if lower:
        return _forward(a, b, unit_diagonal)
    rows, both = [a.ndim - 2], [a.ndim - 2, a.ndim - 1]
    return hlo.reverse(_forward(hlo.reverse(a, both), hlo.reverse(b, rows), unit_diagonal), rows)


def _forward(a: Tensor, b: Tensor, unit: bool) -> Tensor:
    """x with a x = b for a lower a."""
    n, k = a.shape[-1], b.shape[-1]
    size = min(width_of(n), n)
    count = -(-n // size)
    margin = count * size - n
    a, b = extended_by_identity(a, margin), m.extended(b, margin, 0)
    batch = a.shape[:-2]
    diagonal = [
        hlo.reshape(m.part(a, low, low + size, low, low + size), (*batch, 1, size, size))
        for low in range(0, count * size, size)
    ]
    stacked = diagonal[0] if count == 1 else hlo.concatenate(diagonal, a.ndim - 2)
    inverses = inverse(stacked, unit=unit)
    solved: list[Tensor] = []
    for i in range(count):
        low, high = i * size, (i + 1) * size
        right = m.part(b, low, high, 0, k)
        if solved:
            above = solved[0] if i == 1 else hlo.concatenate(solved, b.ndim - 2)
            right = hlo.subtract(right, m.matmul(m.part(a, low, high, 0, low), above))
        chosen = hlo.slice_(inverses, [0] * len(batch) + [i, 0, 0], [*batch, i + 1, size, size])
        solved.append(m.matmul(hlo.reshape(chosen, (*batch, size, size)), right))
    whole = solved[0] if count == 1 else hlo.concatenate(solved, b.ndim - 2)
    return m.part(whole, 0, n, 0, k)
