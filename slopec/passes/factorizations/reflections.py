"""Householder's reflections by blocks, and the QR factors that they make.

A product H₁ … Hₖ of reflections I - τ v vᴴ is I - V T Vᴴ with an upper triangle T (Schreiber and
Van Loan 1989), so that all of a block's are applied as products of matrices.
"""

import math
from collections.abc import Callable, Sequence

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    as_stack,
    column,
    counted,
    folded,
    has_kernels,
    inverse,
    numbers,
    row,
    spread,
    squares,
    starts,
    summed,
    width_of,
)
from slopec.passes.routines import routine
from slopec.tensor import Tensor

_WHOLE = 256
"""Columns, at most, of matrices whose reflections one routine finds, or multiplies."""
_PANEL = 64
"""Columns of larger ones that a routine reduces; the rest is products."""


def qr(a: Tensor, *, full: bool) -> list[Tensor]:
    """Q and R, square and tall if `full`."""
    rows, columns = a.shape[-2:]
    k = min(rows, columns)
    count = rows if full else k
    packed, taus = householder(a)
    q = householder_product(packed, taus, count)
    r = m.triangle(m.part(packed, 0, k, 0, columns), lower=False)
    return [q, m.extended(r, count - k, 0)]


Reflections = tuple[Tensor, Tensor]
"""R with the reflections' vectors below it, and their τ, as LAPACK's geqrf."""


def householder(a: Tensor) -> Reflections:
    """The reflections that make matrices (…, m, n) triangular."""
    *batch, rows, columns = a.shape
    k = min(rows, columns)
    if not a.size:
        return a, hlo.full((*batch, k), 0, a.dtype)
    if not has_kernels(a):
        return _in_loops(a)
    stack = as_stack(a)
    found = _by_routine(stack) if k <= _WHOLE else _blocked(stack, _PANEL, _by_routine)
    packed, taus = (hlo.reshape(x, (*batch, *x.shape[1:])) for x in found)
    return packed, taus


def _by_routine(a: Tensor) -> Reflections:
    packed, taus = routine("householder", _in_loops, a)
    return packed, taus


def _in_loops(a: Tensor) -> Reflections:
    return _blocked(a, width_of(min(a.shape[-2:])), _panel)


def _blocked(a: Tensor, size: int, reduce: Callable[[Tensor], Reflections]) -> Reflections:
    """The reflections, those of panels of `size` columns being found by `reduce`."""
    *_, rows, columns = a.shape
    finished: list[Tensor] = []
    taus: list[Tensor] = []
    for start in range(0, min(rows, columns), size):
        width = min(size, min(rows, columns) - start)
        height = rows - start
        panel, scales = reduce(m.part(a, 0, height, start, start + width))
        parts = [m.part(a, 0, height, 0, start), panel] if start else [panel]
        if start + width < columns:
            vectors, middle = _compact(panel, scales)
            right = m.part(a, 0, height, start + width, columns)
            parts.append(_applied(vectors, m.adjoint(middle), right))
        a = parts[0] if len(parts) == 1 else hlo.concatenate(parts, a.ndim - 1)
        finished.append(m.part(a, 0, width, 0, columns))
        a = m.part(a, width, height, 0, columns)
        taus.append(scales)
    packed = hlo.concatenate([*finished, a], a.ndim - 2)
    return packed, hlo.concatenate(taus, packed.ndim - 2)


def householder_product(packed: Tensor, taus: Tensor, count: int) -> Tensor:
    """The first `count` columns of the product of the reflections that a matrix holds."""
    *batch, rows, _ = packed.shape
    k = taus.shape[-1]
    if not packed.size or not k:
        return m.identity(packed, rows, count)
    packed = m.part(packed, 0, rows, 0, k)
    if not has_kernels(packed) or k > _WHOLE:
        return _product(packed, taus, count)

    def compute(packed: Tensor, taus: Tensor) -> list[Tensor]:
        return [_product(packed, taus, count)]

    stacks = as_stack(packed), hlo.reshape(taus, (math.prod(batch), k))
    (q,) = routine("householder_product", compute, *stacks, columns=count)
    return hlo.reshape(q, (*batch, rows, count))


def _product(packed: Tensor, taus: Tensor, count: int) -> Tensor:
    """The product by blocks of reflections, from the last one on."""
    rows, k = packed.shape[-2:]
    q: Tensor | None = None
    for start in reversed(starts(k)):
        stop = min(start + width_of(k), k)
        panel = m.part(packed, start, rows, start, stop)
        scales = hlo.slice_(taus, [0] * (taus.ndim - 1) + [start], [*taus.shape[:-1], stop])
        q = _bordered(q, panel, rows - start, count - start)
        q = _applied(*_compact(panel, scales), q)
    assert q is not None
    return q


def _bordered(q: Tensor | None, like: Tensor, rows: int, columns: int) -> Tensor:
    """[[1, 0], [0, q]] of a larger size; without a `q`, the identity."""
    ones = m.identity(like, rows, columns)
    if q is None or not q.size:
        return ones
    more = [0] * (q.ndim - 2) + [rows - q.shape[-2], columns - q.shape[-1]]
    wide = hlo.pad(q, hlo.full((), 0, q.dtype), more, [0] * q.ndim)
    first = hlo.compare(numbers(wide.shape, -1), hlo.full(wide.shape, more[-1], dtypes.int32), "LT")
    return hlo.select(first, ones, wide)


def _compact(panel: Tensor, taus: Tensor) -> tuple[Tensor, Tensor]:
    """V and T; with D = diag(τ) and S above the diagonal of VᴴV, T = D (1 + S D)⁻¹.

    That holds for τ = 0 too, unlike T⁻¹ = D⁻¹ + S (Joffrain and others 2006).
    """
    height, width = panel.shape[-2:]
    vectors = m.triangle(panel, lower=True, strict=True)
    vectors = hlo.add(vectors, m.identity(panel, height, width))
    inner = m.triangle(m.matmul(m.adjoint(vectors), vectors), lower=False, strict=True)
    scaled = hlo.multiply(inner, m.columns_of(taus, width))
    inverted = m.transposed(inverse(m.transposed(scaled), unit=True))
    return vectors, hlo.multiply(m.rows_of(taus, width), inverted)


def _applied(vectors: Tensor, middle: Tensor, a: Tensor) -> Tensor:
    """(1 - V T Vᴴ) a."""
    return hlo.subtract(a, m.matmul(vectors, m.matmul(middle, m.matmul(m.adjoint(vectors), a))))


def _panel(a: Tensor) -> tuple[Tensor, Tensor]:
    """The packed factors of a panel at least as tall as wide, and their τ."""
    *batch, height, width = a.shape
    heights = numbers((*batch, height, 1), -2)
    widths = numbers((*batch, 1, width), -1)
    none = hlo.full((*batch, 1, width), 0, a.dtype)

    def step(j: Tensor, left: Tensor, taus: Tensor) -> Sequence[Tensor]:
        here = spread(j, heights.shape)
        under = hlo.compare(heights, here, "GT")
        tall = column(left, j)
        beta, tau, scale = reflection(tall, row(tall, j), under, hlo.compare(heights, here, "GE"))
        scaled = hlo.multiply(tall, spread(scale, tall.shape))
        below = hlo.select(under, scaled, hlo.zeros_like(tall))
        on = hlo.compare(heights, here, "EQ")
        vector = hlo.select(on, hlo.full_like(tall, 1), below)
        across = m.matmul(m.adjoint(vector), left)
        across = hlo.multiply(across, spread(m.conj(tau), across.shape))
        moved = hlo.subtract(
            left, hlo.multiply(spread(vector, left.shape), spread(across, left.shape))
        )
        made = hlo.select(on, spread(beta, tall.shape), hlo.select(under, below, tall))
        is_here = hlo.compare(widths, spread(j, widths.shape), "EQ")
        is_right = hlo.compare(widths, spread(j, widths.shape), "GT")
        rest = hlo.select(spread(is_right, left.shape), moved, left)
        left = hlo.select(spread(is_here, left.shape), spread(made, left.shape), rest)
        return [left, hlo.select(is_here, spread(tau, taus.shape), taus)]

    packed, taus = counted(width, step, a, none)
    return packed, hlo.reshape(taus, (*batch, width))


def reflection(
    tall: Tensor, alpha: Tensor, under: Tensor, down: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(β, τ, 1 / (α - β)) of the reflection that makes a column (…, m, 1) zero below α.

    β is real and of the sign opposite to that of α; where there is nothing to do, τ is 0 and so is
    the scale. Sizes are taken relative to the largest, so that no square overflows.
    """
    kept = hlo.select(down, tall, hlo.zeros_like(tall))
    size = hlo.sqrt(squares(kept)) if dtypes.is_complex(tall.dtype) else hlo.abs_(kept)
    largest = folded(size, "maximum", 0, -2)
    nothing = hlo.compare(largest, hlo.zeros_like(largest), "EQ")
    unit = hlo.select(nothing, hlo.full_like(largest, 1), largest)
    relative = hlo.divide(size, spread(unit, size.shape))
    total = hlo.multiply(relative, relative)
    below = summed(hlo.select(under, total, hlo.zeros_like(total)), -2)
    real = m.real(alpha)
    norm = hlo.multiply(unit, hlo.sqrt(summed(total, -2)))
    negative = hlo.compare(real, hlo.zeros_like(real), "LT")
    beta = hlo.select(negative, norm, hlo.negate(norm))
    flat = hlo.compare(below, hlo.zeros_like(below), "EQ")
    if dtypes.is_complex(alpha.dtype):
        imag = hlo.imag(alpha)
        flat = hlo.and_(flat, hlo.compare(imag, hlo.zeros_like(imag), "EQ"))
    safe = m.as_dtype_of(hlo.select(flat, hlo.full_like(beta, 1), beta), alpha)
    tau = hlo.divide(hlo.subtract(safe, alpha), safe)
    gap = hlo.select(flat, hlo.full_like(alpha, 1), hlo.subtract(alpha, safe))
    scale = hlo.divide(hlo.full_like(alpha, 1), gap)
    none = hlo.zeros_like(alpha)
    ends = hlo.select(flat, alpha, safe)
    return ends, hlo.select(flat, none, tau), hlo.select(flat, none, scale)
