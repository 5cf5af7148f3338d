"""Eigenvalues of any square matrices, by shifted QR steps on complex Hessenberg matrices.

A matrix is Z T Zᴴ with unitary Z and an upper triangle T (Schur 1909), whose diagonal are the
eigenvalues. Reflections make the matrix zero below the subdiagonal; each step then factors what is
not yet triangular, less a shift, into Q R and goes on with R Q (Francis 1961, Wilkinson 1965).
Whole batches take their steps together, each matrix with a shift of its own. What the loops compute
with are real and imaginary parts, which kernels know.
"""

from collections.abc import Sequence
from functools import partial
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
from slopec.passes.numerics.complexes import Parts, taken_apart
from slopec.passes.numerics.parts import like, where
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
    if not a.size:
        a = m.as_complex(a)
        return [hlo.full(a.shape[:-1], 0, a.dtype), a]
    scale = scale_of(a)
    both = _hessenberg(hlo.divide(a, m.as_dtype_of(spread(scale, a.shape), a)))
    pair = taken_apart(both) if dtypes.is_complex(a.dtype) else Parts(both, hlo.zeros_like(both))
    pair, failed = _triangular(pair, n) if n > 1 else (pair, None)
    t, z = (pair.each(partial(m.part, top=i, bottom=i + n, left=0, right=n)) for i in (0, n))
    size = hlo.broadcast_in_dim(hlo.reshape(scale, a.shape[:-2]), a.shape[:-1], range(a.ndim - 2))
    w = t.each(lambda x: m.diagonal(x) * size).joined()
    v = _vectors(t, z) if vectors else hlo.zeros_like(m.as_complex(a))
    if failed is None:
        return [w, v]
    none = hlo.full((), float("nan"), w.dtype)
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


def _triangular(both: Parts, n: int) -> tuple[Parts, Tensor]:
    """Steps until all is triangular; and where it never became so."""
    zero, one, limit = (hlo.full((), k, dtypes.int32) for k in (0, 1, STEPS * n))

    def step(number: Tensor, *both: Tensor) -> Sequence[Tensor]:
        corner = _Corner.of(Parts(*both), n)
        left = hlo.compare(_largest(corner.last, range(corner.last.ndim)), zero, "GT")
        after = hlo.select(left, hlo.add(number, one), limit)
        stepped = _stepped(Parts(*both), corner, number)
        return [after, stepped.real, stepped.imag]

    start = [zero, both.real, both.imag]
    _, *last = hlo.while_loop(start, lambda i, *_: hlo.compare(i, limit, "LT"), step)
    pair = Parts(*last)
    rest = _Corner.of(pair, n).last
    return pair, hlo.compare(rest, hlo.zeros_like(rest), "GT")


class _Corner(NamedTuple):
    """Where matrices are not triangular yet.

    `small` (…, n) says which elements to the left of the diagonal count as zero, `last` (…) which
    row is the last with one that does not, 0 if none is.
    """

    diagonal: Parts
    below: Parts
    small: Tensor
    last: Tensor

    @staticmethod
    def of(both: Parts, n: int) -> "_Corner":
        """The corner of the matrices above."""
        diagonal = both.each(lambda x: _along(x, 0, n))
        below = both.each(lambda x: _padded(_along(x, n, n - 1), 1, 0))
        size = _size(diagonal)
        tiny = float(np.finfo(size.dtype).tiny) / eps_of(size)
        before = hlo.slice_(size, [0] * size.ndim, [*size.shape[:-1], n - 1])
        near = (size + _padded(before, 1, 0)) * eps_of(size)
        small = hlo.compare(_size(below), hlo.maximum(near, hlo.full_like(near, tiny)), "LE")
        places = numbers(small.shape, -1)
        last = _largest(hlo.select(small, hlo.zeros_like(places), places), [places.ndim - 1])
        return _Corner(diagonal, below, small, last)


def _along(x: Tensor, first: int, count: int) -> Tensor:
    """The elements of matrices (…, m, n) from a place on, counted by rows, each a row below."""
    *batch, rows, n = x.shape
    flat, zeros = hlo.reshape(x, (*batch, rows * n)), [0] * len(batch)
    stop = first + (count - 1) * (n + 1) + 1
    return hlo.slice_(flat, [*zeros, first], [*batch, stop], [*(1 for _ in batch), n + 1])


def _padded(x: Tensor, low: int, high: int) -> Tensor:
    """Vectors with so many zeros before and behind their elements."""
    none = [0] * (x.ndim - 1)
    return hlo.pad(x, hlo.full((), 0, x.dtype), [*none, low], [*none, high])


def _largest(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The largest of natural numbers."""
    found = hlo.reduce(x, hlo.full((), 0, x.dtype), "maximum", dims)
    assert isinstance(found, Tensor)
    return found


def _size(z: Parts) -> Tensor:
    """|z| without squares: the sum for both parts."""
    return hlo.add(hlo.abs_(z.real), hlo.abs_(z.imag))


def _stepped(both: Parts, corner: _Corner, number: Tensor) -> Parts:
    """H − s = Q R in the rows up to the last one that is not triangular; then R Q + s, and Z Q.

    Q is a product of rotations of neighbours. When one has turned its rows, the one before turns
    its columns, which nothing below reaches any more.
    """
    *batch, _, n = both.real.shape
    inside = hlo.compare(numbers((*batch, n), -1), m.rows_of(corner.last, n), "LE")
    on = _shift(both, corner, number).each(
        lambda s: hlo.select(inside, m.rows_of(s, n), hlo.zeros_like(m.rows_of(s, n)))
    )
    shift = on.each(lambda s: _onto_diagonal(s, both.real))
    zero = hlo.full((), 0, dtypes.int32)
    origin = [zero] * len(batch)

    def rotate(k: Tensor, *carried: Tensor) -> Sequence[Tensor]:
        both, a, b = (Parts(*carried[i : i + 2]) for i in (0, 2, 4))
        here = hlo.add(k, hlo.full_like(k, 1))
        before = hlo.maximum(hlo.subtract(k, hlo.full_like(k, 1)), zero)
        first, second = (both.each(partial(row, j=i)) for i in (k, here))
        skipped = hlo.dynamic_slice(corner.small, [*origin, here], (*batch, 1))
        skipped = hlo.reshape(skipped, (*batch, 1, 1))
        heads = [x.each(partial(column, j=k)) for x in (first, second)]
        new_a, new_b = _rotation(heads[0], heads[1], skipped)
        upper = _times(new_a.conj(), first) + _times(new_b.conj(), second)
        lower = _times(new_a, second) - _times(new_b, first)
        both = _replaced(both, _stacked(upper, lower, -2), [*origin, k, zero])
        both = _columns_turned(both, before, a, b)
        return [part for z in (both, new_a, new_b) for part in (z.real, z.imag)]

    one, none = (hlo.full((*batch, 1, 1), value, both.real.dtype) for value in (1, 0))
    both, last = both - shift, hlo.full((), n - 2, dtypes.int32)
    turned = counted(n - 1, rotate, both.real, both.imag, one, none, none, none)
    both, a, b = (Parts(*turned[i : i + 2]) for i in (0, 2, 4))
    return _columns_turned(both, last, a, b) + shift


def _columns_turned(both: Parts, k: Tensor, a: Parts, b: Parts) -> Parts:
    """Columns k and k + 1 times the adjoint of the rotation [[ā, b̄], [−b, a]]."""
    zero = hlo.full((), 0, dtypes.int32)
    beside = hlo.add(k, hlo.full_like(k, 1))
    first, second = (both.each(partial(column, j=i)) for i in (k, beside))
    left = _times(a, first) + _times(b, second)
    right = _times(a.conj(), second) - _times(b.conj(), first)
    return _replaced(both, _stacked(left, right, -1), [*[zero] * (both.real.ndim - 1), k])


def _stacked(x: Parts, y: Parts, axis: int) -> Parts:
    """One beside the other, along an axis counted from the end."""
    place = x.real.ndim + axis
    return Parts(hlo.concatenate([x.real, y.real], place), hlo.concatenate([x.imag, y.imag], place))


def _replaced(z: Parts, new: Parts, starts: Sequence[Tensor]) -> Parts:
    return Parts(
        hlo.dynamic_update_slice(z.real, new.real, starts),
        hlo.dynamic_update_slice(z.imag, new.imag, starts),
    )


def _times(factor: Parts, x: Parts) -> Parts:
    return factor.each(lambda y: spread(y, x.real.shape)) * x


def _rotation(a: Parts, b: Parts, skipped: Tensor) -> tuple[Parts, Parts]:
    """a and b over the root of |a|² + |b|²; 1 and 0 where b is 0, or counts as such."""
    nothing = hlo.or_(skipped, hlo.compare(_size(b), hlo.zeros_like(_size(b)), "EQ"))
    unit = where(nothing, 1, hlo.maximum(_size(a), _size(b)))
    a, b = (z.each(lambda x: x / unit) for z in (a, b))
    norm = hlo.sqrt(_square(a) + _square(b))
    norm = where(nothing, 1, norm)
    a, b = (z.each(lambda x: where(nothing, 0, x / norm)) for z in (a, b))
    return Parts(where(nothing, 1, a.real), a.imag), b


def _square(z: Parts) -> Tensor:
    """|z|²."""
    return z.real * z.real + z.imag * z.imag


def _shift(both: Parts, corner: _Corner, number: Tensor) -> Parts:
    """The eigenvalue (…) of the last two rows' corner that is nearer to its last element."""
    *batch, n = corner.small.shape
    at = m.rows_of(corner.last, n)
    places = numbers((*batch, n), -1)
    here = hlo.compare(places, at, "EQ")
    before = hlo.compare(hlo.add(places, hlo.full_like(places, 1)), at, "EQ")
    across = both.each(lambda x: _padded(_along(x, 1, n - 1), 0, 1))
    a, b = (z.each(partial(_picked, before)) for z in (corner.diagonal, across))
    c, d = (z.each(partial(_picked, here)) for z in (corner.below, corner.diagonal))
    product = b * c
    half = (a - d).each(lambda x: x * 0.5)
    root = _root(half * half + product)
    plus, minus = half + root, half - root
    taller = hlo.compare(_size(plus), _size(minus), "GE")
    larger = _either(taller, plus, minus)
    unit = _size(larger)
    flat = hlo.compare(unit, hlo.zeros_like(unit), "EQ")
    inverse = larger.conj().each(lambda x: x / where(flat, 1, unit))
    square = where(flat, 1, _square(inverse) * unit)
    nearer = d - (product * inverse).each(lambda x: where(flat, 0, x / square))
    turn = hlo.remainder(number, hlo.full_like(number, _EXCEPTIONAL))
    odd = hlo.compare(turn, hlo.full_like(turn, _EXCEPTIONAL - 1), "EQ")
    other = Parts(d.real + _size(c), d.imag)
    return _either(hlo.broadcast_in_dim(odd, d.real.shape, ()), other, nearer)


def _either(condition: Tensor, x: Parts, y: Parts) -> Parts:
    """One where a condition holds, the other elsewhere."""
    return Parts(hlo.select(condition, x.real, y.real), hlo.select(condition, x.imag, y.imag))


def _root(z: Parts) -> Parts:
    """The square root whose real part is not negative, of numbers that do not overflow."""
    size = hlo.maximum(hlo.abs_(z.real), hlo.abs_(z.imag))
    unit = where(hlo.compare(size, hlo.zeros_like(size), "EQ"), 1, size)
    small = z.each(lambda x: x / unit)
    tall = hlo.sqrt((hlo.sqrt(_square(small)) + hlo.abs_(small.real)) * 0.5)
    wide = hlo.abs_(small.imag) / where(hlo.compare(tall, like(tall, 0), "EQ"), 1, tall * 2.0)
    right = hlo.compare(z.real, hlo.zeros_like(z.real), "GE")
    real, imag = hlo.select(right, tall, wide), hlo.select(right, wide, tall)
    below = hlo.compare(z.imag, hlo.zeros_like(z.imag), "LT")
    return Parts(real, hlo.select(below, -imag, imag)).each(lambda x: x * hlo.sqrt(unit))


def _picked(mask: Tensor, x: Tensor) -> Tensor:
    """The element of vectors (…, n) where a mask holds, 0 if nowhere."""
    return hlo.reshape(summed(hlo.select(mask, x, hlo.zeros_like(x)), -1), x.shape[:-1])


def _onto_diagonal(values: Tensor, like: Tensor) -> Tensor:
    """Numbers (…, n) on the diagonal of the upper matrix."""
    spread_out = m.columns_of(values, like.shape[-2])
    return hlo.select(m.where(like.shape, "EQ"), spread_out, hlo.zeros_like(like))


# --- vectors ---------------------------------------------------------------------------------


def _vectors(t: Parts, z: Parts) -> Tensor:
    """Z X of length 1 for the triangle X with T X = X diag(T): row by row, from the last one.

    Differences of eigenvalues that are too small to divide by count as the least that is not.
    """
    *batch, n, _ = t.real.shape
    size = folded(folded(_size(t), "maximum", 0, -1), "maximum", 0, -2)
    least = hlo.maximum(size * eps_of(size), like(size, float(np.finfo(size.dtype).tiny)))
    bound = spread(least, (*batch, 1, n))
    places = numbers((*batch, 1, n), -1)
    own = t.each(lambda x: hlo.reshape(m.diagonal(x), (*batch, 1, n)))

    def step(k: Tensor, *x: Tensor) -> Sequence[Tensor]:
        i = hlo.subtract(hlo.full_like(k, n - 1), k)
        here = t.each(lambda y: row(y, i))
        gap = here.each(lambda y: spread(column(y, i), places.shape)) - own
        close = hlo.compare(_size(gap), bound, "LT")
        gap = _either(close, Parts(bound, hlo.zeros_like(bound)), gap)
        unit = _size(gap)
        inverse = gap.conj().each(lambda y: y / unit)
        inverse = inverse.each(lambda y: y / (_square(inverse) * unit))
        found = _product(here, Parts(*x)) * inverse
        now = spread(i, places.shape)
        inside, on = (hlo.compare(places, now, order) for order in ("GT", "EQ"))
        real = where(on, 1, where(inside, -found.real, 0))
        imag = where(inside, -found.imag, 0)
        origin = [*[hlo.full((), 0, dtypes.int32)] * len(batch), i, hlo.full((), 0, dtypes.int32)]
        after = _replaced(Parts(*x), Parts(real, imag), origin)
        return [after.real, after.imag]

    x = Parts(*counted(n, step, *[hlo.zeros_like(t.real)] * 2))
    return _normal(m.matmul(z.joined(), _normal(x.joined())))


def _product(x: Parts, y: Parts) -> Parts:
    return Parts(
        m.matmul(x.real, y.real) - m.matmul(x.imag, y.imag),
        m.matmul(x.real, y.imag) + m.matmul(x.imag, y.real),
    )


def _normal(v: Tensor) -> Tensor:
    """Columns of length 1 whose largest element is positive."""
    size = squares(v)
    largest = folded(_size(taken_apart(v)), "maximum", 0, -2)
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
