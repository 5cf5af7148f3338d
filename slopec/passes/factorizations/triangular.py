"""Triangular systems by blocks: one is solved, then what it contributes to others taken away."""

from slopec import hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    TOGETHER,
    as_stack,
    extended_by_identity,
    has_kernels,
    inverse,
    width_of,
)
from slopec.passes.routines import routine
from slopec.tensor import Tensor


def triangular_solve(
    a: Tensor, b: Tensor, *, left_side: bool, lower: bool, unit_diagonal: bool, transpose_a: str
) -> Tensor:
    """x with op(a) x = b, or x op(a) = b, where op is as `transpose_a` says.

    Only one triangle of `a` is read, and not its diagonal if that is said to be ones.
    """
    if not a.size or not b.size:
        return b
    if transpose_a == "ADJOINT":
        a = m.conj(a)
    transposed = transpose_a != "NO_TRANSPOSE"
    if not left_side:  # x op(a) = b where op(a)ᵀ xᵀ = bᵀ
        b, transposed = m.transposed(b), not transposed
    x = hlo.reshape(
        solved(as_stack(a), as_stack(b), lower=lower, transposed=transposed, unit=unit_diagonal),
        b.shape,
    )
    return x if left_side else m.transposed(x)


def solved(a: Tensor, b: Tensor, *, lower: bool, transposed: bool, unit: bool) -> Tensor:
    """x with a x = b, or aᵀ x = b, for (k, n, n) and (k, n, columns)."""
    if not has_kernels(a):
        return _by_inverses(a, b, lower=lower, transposed=transposed, unit=unit)

    def compute(a: Tensor, b: Tensor) -> list[Tensor]:
        return [_by_inverses(a, b, lower=lower, transposed=transposed, unit=unit)]

    facts = {"lower": lower, "transposed": transposed, "unit": unit}
    forwards = lower != transposed
    n, columns = b.shape[1:]
    starts = range(0, n, TOGETHER)
    known: Tensor | None = None
    for start in starts if forwards else reversed(starts):
        stop = min(start + TOGETHER, n)
        right = m.part(b, start, stop, 0, columns)
        if known is not None:
            low, high = (0, start) if forwards else (stop, n)
            beside = (low, high, start, stop) if transposed else (start, stop, low, high)
            factor = m.part(a, *beside)
            factor = m.transposed(factor) if transposed else factor
            right = hlo.subtract(right, m.matmul(factor, known))
        diagonal = m.part(a, start, stop, start, stop)
        (x,) = routine("triangular_solve", compute, diagonal, right, **facts)
        found = [x] if known is None else [known, x] if forwards else [x, known]
        known = found[0] if len(found) == 1 else hlo.concatenate(found, 1)
    assert known is not None
    return known


def _by_inverses(a: Tensor, b: Tensor, *, lower: bool, transposed: bool, unit: bool) -> Tensor:
    """The solution with the diagonal's blocks inverted, all together; the rest is products."""
    if transposed:
        return _by_inverses(m.transposed(a), b, lower=not lower, transposed=False, unit=unit)
    if lower:
        return _forward(a, b, unit)
    rows, both = [a.ndim - 2], [a.ndim - 2, a.ndim - 1]
    return hlo.reverse(_forward(hlo.reverse(a, both), hlo.reverse(b, rows), unit), rows)


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
