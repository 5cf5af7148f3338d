"""Cholesky factors by blocks: of one on the diagonal, of what is beside it, of what is left."""

from collections.abc import Sequence

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    TOGETHER,
    as_stack,
    column,
    counted,
    has_kernels,
    inverse,
    numbers,
    row,
    spread,
    starts,
    width_of,
)
from slopec.passes.factorizations.triangular import solved
from slopec.passes.routines import routine
from slopec.tensor import Tensor


def cholesky(a: Tensor, *, lower: bool) -> Tensor:
    """The lower L with a = L Lᴴ, or the upper Lᴴ; only that triangle of `a` is read.

    NaN, from the root of a negative number, where `a` is not positive definite.
    """
    if not a.size:
        return a
    if has_kernels(a):
        found = _upper(m.transposed(a) if lower else a)
        return m.transposed(found) if lower else found
    return _lower(a) if lower else m.adjoint(_lower(m.adjoint(a)))


def _upper(a: Tensor) -> Tensor:
    """The upper factor of a real matrix: of each block by a routine, row of blocks by row."""
    n = a.shape[-1]
    rows: list[Tensor] = []
    rest = as_stack(a)
    for start in range(0, n, TOGETHER):
        width, size = min(TOGETHER, n - start), n - start
        (factor,) = routine("cholesky", _upper_of_block, m.part(rest, 0, width, 0, width))
        row = factor
        if width < size:
            right = m.part(rest, 0, width, width, size)
            across = solved(factor, right, lower=False, transposed=True, unit=False)
            trailing = m.part(rest, width, size, width, size)
            rest = hlo.subtract(trailing, m.matmul(m.transposed(across), across))
            row = hlo.concatenate([factor, across], 2)
        rows.append(hlo.pad(row, hlo.full((), 0, a.dtype), [0, 0, start], [0, 0, 0]))
    whole = rows[0] if len(rows) == 1 else hlo.concatenate(rows, 1)
    return hlo.reshape(whole, a.shape)


def _upper_of_block(a: Tensor) -> list[Tensor]:
    return [m.transposed(_lower(m.transposed(a)))]


def _lower(a: Tensor) -> Tensor:
    """The lower factor, in loops over the columns of narrow blocks."""
    n = a.shape[-1]
    panels: list[Tensor] = []
    rest = a
    for start in starts(n):
        width = min(width_of(n), n - start)
        factor = _factor(m.part(rest, 0, width, 0, width))
        panel = factor
        if start + width < n:
            size = n - start
            below = m.part(rest, width, size, 0, width)
            under = m.matmul(below, m.adjoint(inverse(factor, unit=False)))
            trailing = m.part(rest, width, size, width, size)
            rest = hlo.subtract(trailing, m.matmul(under, m.adjoint(under)))
            panel = hlo.concatenate([factor, under], a.ndim - 2)
        panels.append(m.extended(panel, start, 0, above=start))
    return panels[0] if len(panels) == 1 else hlo.concatenate(panels, a.ndim - 1)


def _factor(a: Tensor) -> Tensor:
    """The Cholesky factor of a block; what is above the diagonal becomes 0."""
    rows, columns = numbers(a.shape, -2), numbers(a.shape, -1)
    heights = numbers((*a.shape[:-1], 1), -2)

    def step(j: Tensor, left: Tensor) -> Sequence[Tensor]:
        tall = column(left, j)
        pivot = _real_part(row(tall, j))
        root = spread(hlo.sqrt(pivot), tall.shape)
        here = spread(j, tall.shape)
        divided = hlo.divide(tall, root)
        below = hlo.select(hlo.compare(heights, here, "GT"), divided, hlo.zeros_like(tall))
        made = hlo.select(hlo.compare(heights, here, "EQ"), root, below)
        across = spread(m.adjoint(below), left.shape)
        trailing = hlo.subtract(left, hlo.multiply(spread(below, left.shape), across))
        at = hlo.compare(columns, spread(j, left.shape), "EQ")
        return [hlo.select(at, spread(made, left.shape), trailing)]

    (found,) = counted(a.shape[-1], step, a)
    return hlo.select(hlo.compare(rows, columns, "GE"), found, hlo.zeros_like(found))


def _real_part(a: Tensor) -> Tensor:
    """`a` without its imaginary part, of the same type."""
    if not dtypes.is_complex(a.dtype):
        return a
    return hlo.complex_(hlo.real(a), hlo.zeros_like(hlo.real(a)))
