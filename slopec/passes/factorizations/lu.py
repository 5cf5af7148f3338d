"""LU factors with partial pivoting: panels column by column, the rest by products."""

from collections.abc import Callable, Sequence

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    TOGETHER,
    as_stack,
    column,
    counted,
    folded,
    has_kernels,
    numbers,
    row,
    spread,
    squares,
    summed,
    width_of,
)
from slopec.passes.factorizations.triangular import solved
from slopec.passes.routines import routine
from slopec.tensor import Tensor

_PANEL = 128
"""Columns that a routine factors of matrices that are too large for one; the rest is products."""

Factors = tuple[Tensor, Tensor, Tensor]
"""The packed factors, the pivots and the permutation, as `hlo.lu` tells of them."""


def lu(a: Tensor) -> Factors:
    """The factors of matrices (…, m, n)."""
    *batch, rows, columns = a.shape
    k = min(rows, columns)
    if not a.size:
        order = hlo.iota((*batch, rows), len(batch), dtypes.int32)
        return a, hlo.full((*batch, k), 0, dtypes.int32), order
    if not has_kernels(a):
        return _in_loops(a)
    stack = as_stack(a)
    found = _by_routine(stack) if k <= TOGETHER else _blocked(stack, _PANEL, _by_routine)
    packed, *numbered = (hlo.reshape(x, (*batch, *x.shape[1:])) for x in found)
    return packed, numbered[0], numbered[1]


def _by_routine(a: Tensor) -> Factors:
    packed, pivots, order = routine("lu", _in_loops, a)
    return packed, pivots, order


def _in_loops(a: Tensor) -> Factors:
    return _blocked(a, width_of(min(a.shape[-2:])), _panel)


def _blocked(a: Tensor, size: int, factor: Callable[[Tensor], Factors]) -> Factors:
    """The factors, those of panels of `size` columns being found by `factor`."""
    *batch, rows, columns = a.shape
    k, last = min(rows, columns), len(batch)
    order = hlo.iota((*batch, rows), last, dtypes.int32)
    pivots: list[Tensor] = []
    finished: list[Tensor] = []
    ordered: list[Tensor] = []
    for start in range(0, k, size):
        width = min(size, k - start)
        height = rows - start
        panel, chosen, moved = factor(m.part(a, 0, height, start, start + width))
        pivots.append(hlo.add(chosen, hlo.full_like(chosen, start)))
        a, order = m.take_rows(a, moved), _taken(order, moved)
        parts = [m.part(a, 0, height, 0, start), panel]
        if start + width < columns:
            right = m.part(a, 0, height, start + width, columns)
            parts.append(_eliminated(panel, right))
        a = parts[1] if len(parts) == 2 and not start else hlo.concatenate(parts, a.ndim - 1)
        finished.append(m.part(a, 0, width, 0, columns))
        ordered.append(hlo.slice_(order, [0] * (last + 1), [*batch, width]))
        a = m.part(a, width, height, 0, columns)
        order = hlo.slice_(order, [0] * last + [width], [*batch, height])
    packed = hlo.concatenate([*finished, a], a.ndim - 2)
    order = hlo.concatenate([*ordered, order], last)
    return packed, hlo.concatenate(pivots, last), order


def _eliminated(panel: Tensor, right: Tensor) -> Tensor:
    """What is right of a factored panel: rows of U above, what is left to be factored below."""
    height, width = panel.shape[-2:]
    count = right.shape[-1]
    top, above = m.part(panel, 0, width, 0, width), m.part(right, 0, width, 0, count)
    upper = solved(top, above, lower=True, transposed=False, unit=True)
    if width == height:
        return upper
    below = m.matmul(m.part(panel, width, height, 0, width), upper)
    rest = hlo.subtract(m.part(right, width, height, 0, count), below)
    return hlo.concatenate([upper, rest], right.ndim - 2)


def _taken(order: Tensor, places: Tensor) -> Tensor:
    """The elements of vectors (…, n) at other places."""
    found = m.take_rows(hlo.reshape(order, (*order.shape, 1)), places)
    return hlo.reshape(found, order.shape)


def _panel(a: Tensor) -> Factors:
    """The factors of a panel at least as tall as wide."""
    *batch, height, width = a.shape
    heights = numbers((*batch, height, 1), -2)
    widths = numbers((*batch, 1, width), -1)
    none = hlo.full((*batch, 1, width), 0, dtypes.int32)

    def step(j: Tensor, left: Tensor, order: Tensor, pivots: Tensor) -> Sequence[Tensor]:
        here = spread(j, heights.shape)
        is_here = hlo.compare(heights, here, "EQ")
        place = _largest(column(left, j), heights, here)
        is_there = hlo.compare(heights, spread(place, heights.shape), "EQ")
        left = _exchanged(left, is_here, is_there, j)
        order = _exchanged(order, is_here, is_there, j)
        pivots = hlo.select(
            hlo.compare(widths, spread(j, widths.shape), "EQ"), spread(place, widths.shape), pivots
        )
        upper = row(left, j)
        pivot, below = column(upper, j), column(left, j)
        zero = hlo.compare(pivot, hlo.zeros_like(pivot), "EQ")
        divisor = spread(hlo.select(zero, hlo.full_like(pivot, 1), pivot), below.shape)
        under = hlo.compare(heights, here, "GT")
        scale = hlo.select(under, hlo.divide(below, divisor), hlo.zeros_like(below))
        right = hlo.compare(widths, spread(j, widths.shape), "GT")
        rest = hlo.select(right, upper, hlo.zeros_like(upper))
        rest = hlo.multiply(spread(scale, left.shape), spread(rest, left.shape))
        made = hlo.select(under, scale, below)
        at = spread(hlo.compare(widths, spread(j, widths.shape), "EQ"), left.shape)
        left = hlo.select(at, spread(made, left.shape), hlo.subtract(left, rest))
        return [left, order, pivots]

    packed, order, pivots = counted(width, step, a, heights, none)
    return packed, hlo.reshape(pivots, (*batch, width)), hlo.reshape(order, (*batch, height))


def _largest(a: Tensor, heights: Tensor, here: Tensor) -> Tensor:
    """Where the first of the largest elements of a column (…, m, 1) is, from row `here` on.

    NaN is largest, as it must not go unnoticed.
    """
    size = hlo.abs_(a) if not dtypes.is_complex(a.dtype) else hlo.sqrt(squares(a))
    size = hlo.select(hlo.compare(size, size, "NE"), hlo.full_like(size, float("inf")), size)
    size = hlo.select(hlo.compare(heights, here, "GE"), size, hlo.full_like(size, -1))
    most = spread(folded(size, "maximum", -1, -2), size.shape)
    beyond = hlo.full_like(heights, a.shape[-2])
    first = hlo.select(hlo.compare(size, most, "EQ"), heights, beyond)
    return folded(first, "minimum", a.shape[-2], -2)


def _exchanged(a: Tensor, is_here: Tensor, is_there: Tensor, j: Tensor) -> Tensor:
    """`a` with its row j and the one that `is_there` marks exchanged."""
    marks = spread(is_there, a.shape)
    there = summed(hlo.select(marks, a, hlo.zeros_like(a)), -2)
    moved = hlo.select(marks, spread(row(a, j), a.shape), a)
    return hlo.select(spread(is_here, a.shape), spread(there, a.shape), moved)
