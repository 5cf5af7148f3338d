"""Eigenvalues of any square matrices, by shifted QR steps on complex Hessenberg matrices.

A matrix is Z T Zᴴ with unitary Z and an upper triangle T (Schur 1909), whose diagonal are the
eigenvalues. Reflections make the matrix zero below the subdiagonal; each step then factors what is
not yet triangular, less a shift, into Q R and goes on with R Q (Francis 1961, Wilkinson 1965).
Whole batches take their steps together, each matrix with a shift of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    column,
    counted,
    eps_of,
    folded,
    numbers,
    row,
    spread,
    squares,
    summed,
)
from slopec.passes.factorizations.jacobi import scale_of
from slopec.passes.factorizations.reflections import reflection
from slopec.tensor import Tensor

STEPS = 30
"""The most steps per row; two or three are enough for nearly everything."""

_EXCEPTIONAL = 16
"""Every so many steps the shift is another, lest steps go round in circles."""


def eig(a: Tensor, *, vectors: bool) -> list[Tensor]:
    """Complex eigenvalues and eigenvectors of length 1, whose largest element is positive.

    Without `vectors`, zeros take their place. What does not converge is NaN.
    """
    *_, n, _ = a.shape
    a = m.as_complex(a)
    if not a.size:
        return [hlo.full(a.shape[:-1], 0, a.dtype), a]
    scale = m.as_dtype_of(spread(scale_of(a), a.shape), a)
    both = _hessenberg(hlo.divide(a, scale))
    both, failed = _triangular(both, n) if n > 1 else (both, None)
    t = m.part(both, 0, n, 0, n)
    w = hlo.multiply(m.diagonal(t), m.diagonal(scale))
    v = _vectors(t, m.part(both, n, 2 * n, 0, n)) if vectors else hlo.zeros_like(a)
    if failed is None:
        return [w, v]
    none = hlo.full((), float("nan"), a.dtype)
    return [_unless(failed, x, spread(none, x.shape)) for x in (w, v)]


def _unless(failed: Tensor, x: Tensor, other: Tensor) -> Tensor:
    """`other` where `failed` (…), which is for whole matrices or vectors."""
    return hlo.select(hlo.broadcast_in_dim(failed, x.shape, range(failed.ndim)), other, x)


# --- what loops carry is (…, 2n, n): the matrix above, the unitary factor below -----------------


def _hessenberg(a: Tensor) -> Tensor:
    """The matrix made zero below its subdiagonal, and Z."""
    *batch, n, _ = a.shape
    places = numbers((*batch, n, 1), -2)

    def step(k: Tensor, both: Tensor) -> Sequence[Tensor]:
        first = hlo.add(k, hlo.full_like(k, 1))
        here = spread(first, places.shape)
        h = m.part(both, 0, n, 0, n)
        tall = column(h, k)
        under = hlo.compare(places, here, "GT")
        _, tau, factor = reflection(tall, row(tall, first), under, hlo.compare(places, here, "GE"))
        below = hlo.multiply(tall, spread(factor, tall.shape))
        below = hlo.select(under, below, hlo.zeros_like(tall))
        v = hlo.select(hlo.compare(places, here, "EQ"), hlo.full_like(tall, 1), below)
        across = m.matmul(m.adjoint(v), h)
        h = hlo.subtract(h, m.matmul(hlo.multiply(v, spread(m.conj(tau), v.shape)), across))
        both = hlo.concatenate([h, m.part(both, n, 2 * n, 0, n)], a.ndim - 2)
        along = m.matmul(both, hlo.multiply(v, spread(tau, v.shape)))
        return [hlo.subtract(both, m.matmul(along, m.adjoint(v)))]

    both = hlo.concatenate([a, m.identity(a, n, n)], a.ndim - 2)
    if n < 3:
        return both
    (both,) = counted(n - 2, step, both)
    kept = m.where((*batch, 2 * n, n), "LE", -1)
    lower = hlo.compare(numbers(both.shape, -2), hlo.full(both.shape, n, dtypes.int32), "GE")
    return hlo.select(hlo.or_(kept, lower), both, hlo.zeros_like(both))


def _triangular(both: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Steps until all is triangular; and where it never became so."""
    zero, one, limit = (hlo.full((), k, dtypes.int32) for k in (0, 1, STEPS * n))

    def step(number: Tensor, both: Tensor) -> Sequence[Tensor]:
        state = _State.of(both, n)
        largest = _largest(state.last, range(state.last.ndim))
        left = hlo.compare(largest, zero, "GT")
        after = hlo.select(left, hlo.add(number, one), limit)
        return [after, _stepped(state, number)]

    start = [zero, both]
    both = hlo.while_loop(start, lambda i, _: hlo.compare(i, limit, "LT"), step)[1]
    state = _State.of(both, n)
    return state.both, hlo.compare(state.last, hlo.zeros_like(state.last), "GT")


class _State(NamedTuple):
    """Matrices without the subdiagonal elements that count as zero.

    `last` (…) is the last row that has one, `diagonal` and `below` (…, n) are the diagonal and what
    stands to the left of it.
    """

    both: Tensor
    diagonal: Tensor
    below: Tensor
    last: Tensor

    @staticmethod
    def of(both: Tensor, n: int) -> "_State":
        """The state, with what is small set to zero."""
        h = m.part(both, 0, n, 0, n)
        diagonal = m.diagonal(h)
        below = _after_zero(m.diagonal(m.part(h, 1, n, 0, n - 1)))
        size = _size(diagonal)
        tiny = float(np.finfo(size.dtype).tiny) / eps_of(both)
        before = hlo.slice_(size, [0] * size.ndim, [*size.shape[:-1], n - 1])
        near = hlo.add(size, _after_zero(before))
        near = hlo.multiply(near, hlo.full_like(near, eps_of(both)))
        small = hlo.compare(_size(below), hlo.maximum(near, hlo.full_like(near, tiny)), "LE")
        below = hlo.select(small, hlo.zeros_like(below), below)
        under = m.where(h.shape, "EQ", -1)
        h = hlo.select(hlo.and_(under, m.rows_of(small, n)), hlo.zeros_like(h), h)
        places = numbers(below.shape, -1)
        there = hlo.compare(_size(below), hlo.zeros_like(size), "GT")
        last = _largest(hlo.select(there, places, hlo.zeros_like(places)), [places.ndim - 1])
        z = m.part(both, n, 2 * n, 0, n)
        return _State(hlo.concatenate([h, z], h.ndim - 2), diagonal, below, last)


def _after_zero(x: Tensor) -> Tensor:
    """Vectors with a zero before their elements."""
    none = [0] * (x.ndim - 1)
    return hlo.pad(x, hlo.full((), 0, x.dtype), [*none, 1], [*none, 0])


def _largest(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The largest of natural numbers."""
    found = hlo.reduce(x, hlo.full((), 0, x.dtype), "maximum", dims)
    assert isinstance(found, Tensor)
    return found


def _size(x: Tensor) -> Tensor:
    """|x| without squares: of real and imaginary part the sum."""
    return hlo.add(hlo.abs_(hlo.real(x)), hlo.abs_(hlo.imag(x)))


def _stepped(state: _State, number: Tensor) -> Tensor:
    """H − s = Q R in the rows up to the last one that is not triangular; then R Q + s, and Z Q.

    Q is a product of rotations of neighbours. When one has turned its rows, the one before turns
    its columns, which nothing below reaches any more.
    """
    both = state.both
    *batch, _, n = both.shape
    shift = _shift(state, number)
    inside = hlo.compare(numbers((*batch, n), -1), m.rows_of(state.last, n), "LE")
    along = m.rows_of(shift, n)
    on = hlo.select(inside, along, hlo.zeros_like(along))
    moved = _onto_diagonal(on, both)
    zero = hlo.full((), 0, dtypes.int32)
    origin = [zero] * len(batch)

    def rotate(k: Tensor, both: Tensor, a: Tensor, b: Tensor) -> Sequence[Tensor]:
        before = hlo.maximum(hlo.subtract(k, hlo.full_like(k, 1)), zero)
        rows = hlo.dynamic_slice(both, [*origin, k, zero], (*batch, 2, n))
        head = hlo.dynamic_slice(rows, [*origin, zero, k], (*batch, 2, 1))
        new_a, new_b = _rotation(m.part(head, 0, 1, 0, 1), m.part(head, 1, 2, 0, 1))
        first, second = m.part(rows, 0, 1, 0, n), m.part(rows, 1, 2, 0, n)
        upper = hlo.add(_times(m.conj(new_a), first), _times(m.conj(new_b), second))
        lower = hlo.subtract(_times(new_a, second), _times(new_b, first))
        rows = hlo.concatenate([upper, lower], both.ndim - 2)
        both = hlo.dynamic_update_slice(both, rows, [*origin, k, zero])
        return [_columns_turned(both, before, a, b), new_a, new_b]

    one, none = (hlo.full((*batch, 1, 1), k, both.dtype) for k in (1, 0))
    turned, a, b = counted(n - 1, rotate, hlo.subtract(both, moved), one, none)
    turned = _columns_turned(turned, hlo.full((), n - 2, dtypes.int32), a, b)
    return hlo.add(turned, moved)


def _columns_turned(both: Tensor, k: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Columns k and k + 1 times the adjoint of the rotation [[ā, b̄], [−b, a]]."""
    *batch, height, _ = both.shape
    zero = hlo.full((), 0, dtypes.int32)
    origin = [zero] * (len(batch) + 1)
    pair = hlo.dynamic_slice(both, [*origin, k], (*batch, height, 2))
    first, second = m.part(pair, 0, height, 0, 1), m.part(pair, 0, height, 1, 2)
    left = hlo.add(_times(a, first), _times(b, second))
    right = hlo.subtract(_times(m.conj(a), second), _times(m.conj(b), first))
    pair = hlo.concatenate([left, right], both.ndim - 1)
    return hlo.dynamic_update_slice(both, pair, [*origin, k])


def _times(factor: Tensor, x: Tensor) -> Tensor:
    return hlo.multiply(spread(factor, x.shape), x)


def _rotation(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """a and b over the root of |a|² + |b|²; 1 and 0 where b is 0."""
    nothing = hlo.compare(_size(b), hlo.zeros_like(_size(b)), "EQ")
    largest = hlo.maximum(_size(a), _size(b))
    unit = m.as_dtype_of(hlo.select(nothing, hlo.full_like(largest, 1), largest), a)
    a, b = hlo.divide(a, unit), hlo.divide(b, unit)
    norm = hlo.sqrt(hlo.add(squares(a), squares(b)))
    norm = m.as_dtype_of(hlo.select(nothing, hlo.full_like(norm, 1), norm), a)
    return (
        hlo.select(nothing, hlo.full_like(a, 1), hlo.divide(a, norm)),
        hlo.select(nothing, hlo.zeros_like(b), hlo.divide(b, norm)),
    )


def _shift(state: _State, number: Tensor) -> Tensor:
    """The eigenvalue (…) of the last two rows' corner that is nearer to its last element."""
    both, (*batch, n) = state.both, state.diagonal.shape
    h = m.part(both, 0, n, 0, n)
    at = m.rows_of(state.last, n)
    places = numbers((*batch, n), -1)
    here = hlo.compare(places, at, "EQ")
    before = hlo.compare(hlo.add(places, hlo.full_like(places, 1)), at, "EQ")
    a, d, c = (
        _picked(mask, x)
        for mask, x in ((before, state.diagonal), (here, state.diagonal), (here, state.below))
    )
    across = hlo.and_(m.rows_of(before, n), m.columns_of(here, n))
    found = summed(summed(hlo.select(across, h, hlo.zeros_like(h)), -1), -2)
    product = hlo.multiply(c, hlo.reshape(found, batch))
    half = hlo.multiply(hlo.subtract(a, d), hlo.full_like(a, 0.5))
    root = hlo.sqrt(hlo.add(hlo.multiply(half, half), product))
    plus, minus = hlo.add(half, root), hlo.subtract(half, root)
    larger = hlo.select(hlo.compare(_size(plus), _size(minus), "GE"), plus, minus)
    flat = hlo.compare(_size(larger), hlo.zeros_like(_size(larger)), "EQ")
    safe = hlo.select(flat, hlo.full_like(larger, 1), larger)
    nearer = hlo.select(flat, d, hlo.subtract(d, hlo.divide(product, safe)))
    turn = hlo.remainder(number, hlo.full_like(number, _EXCEPTIONAL))
    odd = hlo.compare(turn, hlo.full_like(turn, _EXCEPTIONAL - 1), "EQ")
    other = hlo.add(d, m.as_dtype_of(_size(c), d))
    return hlo.select(hlo.broadcast_in_dim(odd, d.shape, ()), other, nearer)


def _picked(mask: Tensor, x: Tensor) -> Tensor:
    """The element of vectors (…, n) where a mask holds, 0 if nowhere."""
    return hlo.reshape(summed(hlo.select(mask, x, hlo.zeros_like(x)), -1), x.shape[:-1])


def _onto_diagonal(values: Tensor, both: Tensor) -> Tensor:
    """Numbers (…, n) on the diagonal of the upper matrix."""
    n = values.shape[-1]
    spread_out = m.columns_of(values, 2 * n)
    return hlo.select(m.where(both.shape, "EQ"), spread_out, hlo.zeros_like(both))


# --- vectors ---------------------------------------------------------------------------------


def _vectors(t: Tensor, z: Tensor) -> Tensor:
    """Z X of length 1 for the triangle X with T X = X diag(T): row by row, from the last one.

    Differences of eigenvalues that are too small to divide by count as the least that is not.
    """
    *batch, n, _ = t.shape
    on = m.diagonal(t)
    size = folded(folded(_size(t), "maximum", 0, -1), "maximum", 0, -2)
    least = hlo.multiply(size, hlo.full_like(size, eps_of(t)))
    least = hlo.maximum(least, hlo.full_like(least, float(np.finfo(least.dtype).tiny)))
    places = numbers((*batch, 1, n), -1)
    own = hlo.reshape(on, (*batch, 1, n))

    def step(k: Tensor, x: Tensor) -> Sequence[Tensor]:
        i = hlo.subtract(hlo.full_like(k, n - 1), k)
        here = row(t, i)
        gap = hlo.subtract(spread(column(here, i), own.shape), own)
        bound = spread(least, gap.shape)
        close = hlo.compare(_size(gap), bound, "LT")
        gap = hlo.select(close, m.as_dtype_of(bound, gap), gap)
        found = hlo.negate(hlo.divide(m.matmul(here, x), gap))
        now = spread(i, places.shape)
        found = hlo.select(hlo.compare(places, now, "GT"), found, hlo.zeros_like(found))
        found = hlo.select(hlo.compare(places, now, "EQ"), hlo.full_like(found, 1), found)
        zero = hlo.full((), 0, dtypes.int32)
        return [hlo.dynamic_update_slice(x, found, [*[zero] * len(batch), i, zero])]

    (x,) = counted(n, step, hlo.zeros_like(t))
    return _normal(m.matmul(z, _normal(x)))


def _normal(v: Tensor) -> Tensor:
    """Columns of length 1 whose largest element is positive."""
    size = squares(v)
    largest = folded(_size(v), "maximum", 0, -2)
    v = hlo.divide(v, m.as_dtype_of(spread(largest, v.shape), v))
    size = squares(v)
    peak = folded(size, "maximum", 0, -2)
    rows = numbers(v.shape, -2)
    is_peak = hlo.compare(size, spread(peak, size.shape), "EQ")
    beyond = hlo.full_like(rows, v.shape[-2])
    first = folded(hlo.select(is_peak, rows, beyond), "minimum", v.shape[-2], -2)
    at = hlo.compare(rows, spread(first, rows.shape), "EQ")
    pivot = summed(hlo.select(at, v, hlo.zeros_like(v)), -2)
    phase = hlo.divide(m.conj(pivot), m.as_dtype_of(hlo.sqrt(squares(pivot)), v))
    length = hlo.sqrt(summed(size, -2))
    return hlo.multiply(v, spread(hlo.divide(phase, m.as_dtype_of(length, v)), v.shape))
