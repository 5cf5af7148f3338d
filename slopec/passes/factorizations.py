"""Cholesky factors and triangular systems by blocks, for back ends without LAPACK.

What grows with the cube of the size is matrix products of blocks; loops run over the columns of one
block, or of all the blocks on the diagonal at once.
"""

from collections.abc import Sequence

import numpy as np

from slopec import dtypes, hlo
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.tensor import Tensor

BLOCK = 32
"""Columns of a block up to 16 blocks; larger matrices have larger ones, of a quarter as many."""


def cholesky(a: Tensor, *, lower: bool) -> Tensor:
    """The lower L with a = L Lᴴ, or the upper Lᴴ; only that triangle of `a` is read.

    NaN, from the root of a negative number, where `a` is not positive definite.
    """
    if not a.size:
        return a
    given = a if lower else _adjoint(a)
    n, size = a.shape[-1], _block(a.shape[-1])
    panels: list[Tensor] = []
    rest = given
    for start in range(0, n, size):
        stop = min(start + size, n)
        width = stop - start
        factor = _factor(_block_of(rest, 0, width, 0, width))
        column = factor
        if stop < n:
            below = _block_of(rest, width, n - start, 0, width)
            under = _matmul(below, _adjoint(_inverse(factor, unit=False)))
            trailing = _block_of(rest, width, n - start, width, n - start)
            rest = hlo.subtract(trailing, _matmul(under, _adjoint(under)))
            column = hlo.concatenate([factor, under], a.ndim - 2)
        panels.append(_padded_rows(column, start))
    result = panels[0] if len(panels) == 1 else hlo.concatenate(panels, a.ndim - 1)
    return result if lower else _adjoint(result)


def triangular_solve(
    a: Tensor, b: Tensor, *, left_side: bool, lower: bool, unit_diagonal: bool, transpose_a: str
) -> Tensor:
    """x with op(a) x = b, or x op(a) = b, where op is as `transpose_a` says.

    Only one triangle of `a` is read, and not its diagonal if that is said to be ones.
    """
    if not a.size or not b.size:
        return b
    if transpose_a != "NO_TRANSPOSE":
        a, lower = (_adjoint(a) if transpose_a == "ADJOINT" else _swapped(a)), not lower
    if not left_side:
        solved = triangular_solve(
            _swapped(a),
            _swapped(b),
            left_side=True,
            lower=not lower,
            unit_diagonal=unit_diagonal,
            transpose_a="NO_TRANSPOSE",
        )
        return _swapped(solved)
    if lower:
        return _forward(a, b, unit_diagonal)
    rows, both = [a.ndim - 2], [a.ndim - 2, a.ndim - 1]
    return hlo.reverse(_forward(hlo.reverse(a, both), hlo.reverse(b, rows), unit_diagonal), rows)


def _block(n: int) -> int:
    return BLOCK if n <= 16 * BLOCK else 4 * BLOCK


def _forward(a: Tensor, b: Tensor, unit: bool) -> Tensor:
    """x with a x = b for a lower a: blocks on the diagonal are inverted, all of them together."""
    n = a.shape[-1]
    size = min(_block(n), n)
    count = -(-n // size)
    margin = count * size - n
    a, b = _extended(a, margin), _padded_below(b, margin)
    diagonal = [
        hlo.reshape(
            _block_of(a, k * size, (k + 1) * size, k * size, (k + 1) * size),
            (*a.shape[:-2], 1, size, size),
        )
        for k in range(count)
    ]
    stacked = diagonal[0] if count == 1 else hlo.concatenate(diagonal, a.ndim - 2)
    inverses = _inverse(stacked, unit=unit)
    solved: list[Tensor] = []
    for k in range(count):
        low, high = k * size, (k + 1) * size
        right = _block_of(b, low, high, 0, b.shape[-1])
        if solved:
            above = solved[0] if k == 1 else hlo.concatenate(solved, b.ndim - 2)
            right = hlo.subtract(right, _matmul(_block_of(a, low, high, 0, low), above))
        chosen = hlo.slice_(
            inverses,
            [*[0] * (a.ndim - 2), k, 0, 0],
            [*a.shape[:-2], k + 1, size, size],
        )
        solved.append(_matmul(hlo.reshape(chosen, (*a.shape[:-2], size, size)), right))
    whole = solved[0] if count == 1 else hlo.concatenate(solved, b.ndim - 2)
    return _block_of(whole, 0, n, 0, b.shape[-1])


def _factor(a: Tensor) -> Tensor:
    """The Cholesky factor of a block, column by column; what is above the diagonal becomes 0."""
    n, last = a.shape[-1], a.ndim - 1
    rows, columns = (hlo.iota(a.shape, d, dtypes.int32) for d in (last - 1, last))
    tall = (*a.shape[:-1], 1)
    heights = hlo.iota(tall, last - 1, dtypes.int32)

    def step(j: Tensor, left: Tensor) -> Sequence[Tensor]:
        zero = hlo.full((), 0, dtypes.int32)
        batch = [zero] * (a.ndim - 2)
        column = hlo.dynamic_slice(left, [*batch, zero, j], tall)
        pivot = hlo.dynamic_slice(column, [*batch, j, zero], (*a.shape[:-2], 1, 1))
        root = hlo.broadcast_in_dim(hlo.sqrt(_real_part(pivot)), tall, range(a.ndim))
        here = hlo.broadcast_in_dim(j, tall, ())
        under = hlo.compare(heights, here, "GT")
        below = hlo.select(under, hlo.divide(column, root), hlo.zeros_like(column))
        made = hlo.select(hlo.compare(heights, here, "EQ"), root, below)
        trailing = hlo.subtract(left, _matmul(below, _adjoint(below)))
        at = hlo.compare(columns, hlo.broadcast_in_dim(j, a.shape, ()), "EQ")
        spread = hlo.broadcast_in_dim(made, a.shape, range(a.ndim))
        return [_next(j), hlo.select(at, spread, trailing)]

    found = _counted(n, step, a)
    return hlo.select(hlo.compare(rows, columns, "GE"), found, hlo.zeros_like(found))


def _inverse(a: Tensor, *, unit: bool) -> Tensor:
    """The inverses of lower triangular blocks: row after row, each from those above it."""
    n, last = a.shape[-1], a.ndim - 1
    rows, columns = (hlo.iota(a.shape, d, dtypes.int32) for d in (last - 1, last))
    strict = hlo.select(hlo.compare(rows, columns, "GT"), a, hlo.zeros_like(a))
    wide = (*a.shape[:-2], 1, n)
    across = hlo.iota(wide, last, dtypes.int32)
    one = hlo.full(wide, 1, a.dtype)

    def step(j: Tensor, above: Tensor) -> Sequence[Tensor]:
        zero = hlo.full((), 0, dtypes.int32)
        batch = [zero] * (a.ndim - 2)
        weights = hlo.dynamic_slice(strict, [*batch, j, zero], wide)
        here = hlo.compare(across, hlo.broadcast_in_dim(j, wide, ()), "EQ")
        identity = hlo.select(here, one, hlo.zeros_like(one))
        row = hlo.subtract(identity, _matmul(weights, above))
        if not unit:
            corner = hlo.dynamic_slice(a, [*batch, j, j], (*a.shape[:-2], 1, 1))
            row = hlo.divide(row, hlo.broadcast_in_dim(corner, wide, range(a.ndim)))
        at = hlo.compare(rows, hlo.broadcast_in_dim(j, a.shape, ()), "EQ")
        spread = hlo.broadcast_in_dim(row, a.shape, range(a.ndim))
        return [_next(j), hlo.select(at, spread, above)]

    return _counted(n, step, hlo.zeros_like(a))


# --- small words -----------------------------------------------------------------------------


def _counted(n: int, step: object, start: Tensor) -> Tensor:
    """`start` after `n` steps of (number, tensor) ↦ (number + 1, tensor)."""
    limit = hlo.full((), n, dtypes.int32)
    zero = hlo.full((), 0, dtypes.int32)
    assert callable(step)
    return hlo.while_loop([zero, start], lambda j, _: hlo.compare(j, limit, "LT"), step)[1]


def _next(j: Tensor) -> Tensor:
    return hlo.add(j, hlo.full((), 1, dtypes.int32))


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    batch = tuple(range(a.ndim - 2))
    return hlo.dot_general(a, b, DotDimensionNumbers(batch, batch, (a.ndim - 1,), (b.ndim - 2,)))


def _swapped(a: Tensor) -> Tensor:
    return hlo.transpose(a, [*range(a.ndim - 2), a.ndim - 1, a.ndim - 2])


def _adjoint(a: Tensor) -> Tensor:
    if not dtypes.is_complex(a.dtype):
        return _swapped(a)
    return _swapped(hlo.complex_(hlo.real(a), hlo.negate(hlo.imag(a))))


def _real_part(a: Tensor) -> Tensor:
    """`a` without its imaginary part, of the same type."""
    if not dtypes.is_complex(a.dtype):
        return a
    return hlo.complex_(hlo.real(a), hlo.zeros_like(hlo.real(a)))


def _block_of(a: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    zeros = [0] * (a.ndim - 2)
    return hlo.slice_(a, [*zeros, top, left], [*a.shape[:-2], bottom, right])


def _padded_rows(a: Tensor, above: int) -> Tensor:
    """`a` with rows of zeros above."""
    low = [above if d == a.ndim - 2 else 0 for d in range(a.ndim)]
    return hlo.pad(a, hlo.full((), 0, a.dtype), low, [0] * a.ndim)


def _padded_below(a: Tensor, below: int) -> Tensor:
    high = [below if d == a.ndim - 2 else 0 for d in range(a.ndim)]
    return hlo.pad(a, hlo.full((), 0, a.dtype), [0] * a.ndim, high) if below else a


def _extended(a: Tensor, margin: int) -> Tensor:
    """`a` with `margin` more rows and columns, those of the identity."""
    if not margin:
        return a
    high = [margin if d >= a.ndim - 2 else 0 for d in range(a.ndim)]
    wide = hlo.pad(a, hlo.full((), 0, a.dtype), [0] * a.ndim, high)
    n = a.shape[-1]
    ones = np.diag(np.arange(n + margin) >= n).astype(a.dtype)
    return hlo.add(
        wide, hlo.broadcast_in_dim(hlo.constant(ones), wide.shape, [a.ndim - 2, a.ndim - 1])
    )
