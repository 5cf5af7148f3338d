"""Singular values and eigenvalues by Jacobi's rotations, of half of all pairs of rows at once.

Rows of a matrix are rotated against each other until all are orthogonal (Hestenes 1958); what is
rotated in one round are disjoint pairs, and n - 1 rounds meet every pair, as in a tournament (Brent
and Luk 1985). Small singular values are found as accurately as large ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.hlo import matrices as m
from slopec.passes.factorizations.blocks import (
    TOGETHER,
    as_stack,
    counted,
    eps_of,
    folded,
    has_kernels,
    spread,
    squares,
    summed,
)
from slopec.passes.factorizations.reflections import qr
from slopec.passes.routines import routine
from slopec.tensor import Tensor

SWEEPS = 40
"""The most times that all pairs are met; ten are enough for nearly everything."""


def svd(a: Tensor, *, full: bool, vectors: bool) -> list[Tensor]:
    """u, s and vh, square if `full`; without `vectors`, zeros take their place.

    a = Q R where it is tall, J R = S V for the product J of all rotations, and a = (Q Jᴴ) S V.
    """
    *batch, rows, columns = a.shape
    if rows < columns:
        u, s, vh = svd(m.adjoint(a), full=full, vectors=vectors)
        return [m.adjoint(vh), s, m.adjoint(u)]
    count = rows if full else columns
    if not a.size:
        left, right = (m.identity(a, n, k) for n, k in ((rows, count), (columns, columns)))
        return [left, hlo.full((*batch, 0), 0, dtypes.real_of(a.dtype)), right]
    scale = scale_of(a)
    a = hlo.divide(a, m.as_dtype_of(spread(scale, a.shape), a))
    q, r = qr(a, full=full) if rows > columns else (m.identity(a, rows, rows), a)
    square = m.part(r, 0, columns, 0, columns)
    rotated, turned = _orthogonal(square, vectors=vectors)
    sizes = hlo.sqrt(summed(squares(rotated), -1))
    order = _order(hlo.negate(hlo.reshape(sizes, (*batch, columns))))
    s = hlo.reshape(m.take_rows(sizes, order), (*batch, columns))
    s = hlo.multiply(s, spread(hlo.reshape(scale, (*batch, 1)), s.shape))
    if turned is None:
        none = [hlo.full((*batch, n, k), 0, a.dtype) for n, k in ((rows, count), (columns,) * 2)]
        return [none[0], s, none[1]]
    j = m.take_rows(turned, order)
    left = (
        m.matmul(m.part(q, 0, rows, 0, columns), m.adjoint(j)) if rows > columns else m.adjoint(j)
    )
    if count > columns:
        left = hlo.concatenate([left, m.part(q, 0, rows, columns, count)], a.ndim - 1)
    return [left, s, _completed(m.take_rows(rotated, order))]


def _completed(a: Tensor) -> Tensor:
    """Orthogonal rows, the longest first, made orthonormal; those of length 0 become any that fit.

    Householder's reflections find them: where rows are orthogonal, R is diagonal.
    """
    q, r = qr(m.adjoint(a), full=False)
    on = m.diagonal(r)
    size = hlo.sqrt(squares(on))
    zero = hlo.compare(size, hlo.zeros_like(size), "EQ")
    unit = m.as_dtype_of(hlo.select(zero, hlo.full_like(size, 1), size), on)
    phase = hlo.select(zero, hlo.full_like(on, 1), hlo.divide(on, unit))
    return m.adjoint(hlo.multiply(q, m.columns_of(phase, q.shape[-2])))


def eigh(a: Tensor) -> list[Tensor]:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices.

    With c beyond the largest eigenvalue's modulus, a + c is positive definite, its singular vectors
    are its eigenvectors, and these are a's. The eigenvalues are Rayleigh's quotients.
    """
    *batch, n, _ = a.shape
    if not a.size:
        return [hlo.full((*batch, n), 0, dtypes.real_of(a.dtype)), a]
    scale = scale_of(a)
    given = a
    a = hlo.divide(a, m.as_dtype_of(spread(scale, a.shape), a))
    sums = summed(hlo.sqrt(squares(a)), -1)
    bound = hlo.multiply(folded(sums, "maximum", 0, -2), hlo.full_like(scale, 1.25))
    bound = hlo.maximum(bound, hlo.full_like(bound, 1))
    shift = hlo.multiply(m.as_dtype_of(spread(bound, a.shape), a), m.identity(a, n, n))
    rotated, _ = _orthogonal(hlo.add(a, shift), vectors=False)
    sizes = hlo.sqrt(summed(squares(rotated), -1))
    rows = hlo.divide(rotated, m.as_dtype_of(spread(sizes, rotated.shape), rotated))
    v = m.adjoint(rows)
    w = _quotients(v, m.matmul(given, v))
    order = _order(w)
    values = hlo.reshape(m.take_rows(hlo.reshape(w, (*batch, n, 1)), order), (*batch, n))
    return [values, m.adjoint(m.take_rows(rows, order))]


def _quotients(v: Tensor, product: Tensor) -> Tensor:
    """The real parts of vᴴ a v, column by column."""
    parts = m.real(hlo.multiply(m.conj(v), product))
    return hlo.reshape(summed(parts, -2), (*v.shape[:-2], v.shape[-1]))


def scale_of(a: Tensor) -> Tensor:
    """The largest size of an element (…, 1, 1), and 1 where all are 0."""
    parts = [hlo.real(a), hlo.imag(a)] if dtypes.is_complex(a.dtype) else [a]
    sizes = [folded(folded(hlo.abs_(x), "maximum", 0, -1), "maximum", 0, -2) for x in parts]
    size = sizes[0] if len(sizes) == 1 else hlo.maximum(*sizes)
    return hlo.select(hlo.compare(size, hlo.zeros_like(size), "EQ"), hlo.full_like(size, 1), size)


def _order(keys: Tensor) -> Tensor:
    """The places (…, n) of the elements of vectors, ascending."""
    last = keys.ndim - 1
    places = hlo.iota(keys.shape, last, dtypes.int32)

    def is_less(x: Tensor, y: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return hlo.compare(x, y, "LT")

    return hlo.sort([keys, places], is_less, last)[1]


# --- rotations -------------------------------------------------------------------------------


def tolerance(n: int, dtype: DType) -> float:
    """The largest cosine of rows of `n` elements that count as orthogonal."""
    units: float = max(8.0, 2 * n**0.5)
    return units * float(np.finfo(dtype).eps)


def _orthogonal(a: Tensor, *, vectors: bool) -> tuple[Tensor, Tensor | None]:
    """J a with orthogonal rows for square a, and J, a product of rotations, if `vectors`."""
    if not has_kernels(a) or a.shape[-1] > TOGETHER:
        rotated, *product = _in_loops(a, vectors=vectors)
    else:

        def compute(a: Tensor) -> list[Tensor]:
            return _in_loops(a, vectors=vectors)

        found = routine("orthogonalize", compute, as_stack(a), product=vectors)
        rotated, *product = (hlo.reshape(x, a.shape) for x in found)
    return rotated, product[0] if product else None


def _in_loops(a: Tensor, *, vectors: bool) -> list[Tensor]:
    n = a.shape[-1]
    margin = n % 2
    rows = m.extended(a, margin, 0)
    if vectors:
        rows = hlo.concatenate([rows, m.identity(a, n + margin, n + margin)], a.ndim - 1)
    if n > 1:
        rows = _swept(rows, n)
    count = 1 + vectors
    return [m.part(rows, 0, n, i * n, i * n + n) for i in range(count)]


def _swept(rows: Tensor, length: int) -> Tensor:
    """Rows whose first `length` elements are made orthogonal by rotating whole rows."""
    schedule = _Schedule.of(rows)
    most = tolerance(length, dtypes.real_of(rows.dtype))
    zero, one, limit = (hlo.full((), k, dtypes.int32) for k in (0, 1, SWEEPS))
    orthogonal = hlo.full((), 0, dtypes.real_of(rows.dtype))

    def round_(_: Tensor, off: Tensor, rows: Tensor) -> Sequence[Tensor]:
        return _round(off, rows, length, schedule)

    # What a loop carries for its condition alone, IREE drops from its body, and then fails.
    def sweep(number: Tensor, rows: Tensor) -> Sequence[Tensor]:
        off, rows = counted(rows.shape[-2] - 1, round_, orthogonal, rows)
        far = hlo.compare(off, hlo.full_like(off, most), "GT")
        return [hlo.select(far, hlo.add(number, one), limit), rows]

    start = [zero, rows]
    return hlo.while_loop(start, lambda number, _: hlo.compare(number, limit, "LT"), sweep)[1]


class _Schedule(NamedTuple):
    """The rows that come to each place after a round, those that they meet in it, and their pair.

    Row i meets row i + n / 2. The first row stays and all others move on by one place around.
    """

    rows: Tensor
    mates: Tensor
    pairs: Tensor
    is_first: Tensor

    @staticmethod
    def of(rows: Tensor) -> "_Schedule":
        """The schedule for an even number of rows."""
        *batch, n, _ = rows.shape
        half = n // 2
        top, bottom = list(range(half)), list(range(half, n))
        if half > 1:
            top, bottom = [0, bottom[0], *top[1:-1]], [*bottom[1:], top[-1]]
        source = np.array([*top, *bottom], np.int32)

        def everywhere(values: np.ndarray, shape: tuple[int, ...], dim: int) -> Tensor:
            return hlo.broadcast_in_dim(hlo.constant(values), shape, [dim])

        last = len(batch)
        mates = np.where(source < half, source + half, source - half)
        own, others, pairs = (
            everywhere(x, (*batch, n), last) for x in (source, mates, source % half)
        )
        return _Schedule(own, others, pairs, everywhere(source < half, (*batch, n, 1), last))


def _round(off: Tensor, rows: Tensor, length: int, schedule: _Schedule) -> list[Tensor]:
    """Rotate every pair, and move the rows to their next partners; the largest cosine met."""
    half = rows.shape[-2] // 2
    first, second = (m.part(rows, i, i + half, 0, length) for i in (0, half))
    a, b = (summed(squares(x), -1) for x in (first, second))
    p = summed(hlo.multiply(first, m.conj(second)), -1)
    size = hlo.sqrt(squares(p)) if dtypes.is_complex(p.dtype) else hlo.abs_(p)
    cosine = _ratio(size, hlo.multiply(hlo.sqrt(a), hlo.sqrt(b)))
    rest = hlo.compare(cosine, hlo.full_like(cosine, eps_of(rows)), "LE")
    unit = hlo.select(rest, hlo.full_like(size, 1), size)
    zeta = hlo.divide(hlo.subtract(b, a), hlo.add(unit, unit))
    root = hlo.sqrt(hlo.add(hlo.multiply(zeta, zeta), hlo.full_like(zeta, 1)))
    tangent = hlo.divide(hlo.full_like(zeta, 1), hlo.add(hlo.abs_(zeta), root))
    tangent = hlo.select(
        hlo.compare(zeta, hlo.zeros_like(zeta), "LT"), hlo.negate(tangent), tangent
    )
    tangent = hlo.select(rest, hlo.zeros_like(tangent), tangent)
    grown = hlo.add(hlo.multiply(tangent, tangent), hlo.full_like(tangent, 1))
    c = hlo.divide(hlo.full_like(grown, 1), hlo.sqrt(grown))
    s = hlo.multiply(c, tangent)
    less = hlo.negate(hlo.divide(hlo.multiply(s, s), hlo.add(c, hlo.full_like(c, 1))))
    phase = hlo.select(rest, hlo.full_like(p, 1), hlo.divide(p, m.as_dtype_of(unit, rows)))
    less, s, phase = (m.take_rows(m.as_dtype_of(x, rows), schedule.pairs) for x in (less, s, phase))
    first, one = schedule.is_first, hlo.full_like(phase, 1)
    own = _times(hlo.select(first, one, phase), m.take_rows(rows, schedule.rows))
    other = _times(hlo.select(first, phase, one), m.take_rows(rows, schedule.mates))
    turn = _times(hlo.select(first, hlo.negate(s), s), other)
    moved = hlo.add(own, hlo.add(_times(less, own), turn))
    return [hlo.maximum(off, _most(cosine)), moved]


def _times(factors: Tensor, rows: Tensor) -> Tensor:
    """A number (…, n, 1) times each row."""
    return hlo.multiply(spread(factors, rows.shape), rows)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, and 0 where b is 0."""
    zero = hlo.compare(b, hlo.zeros_like(b), "EQ")
    return hlo.select(
        zero, hlo.zeros_like(a), hlo.divide(a, hlo.select(zero, hlo.full_like(b, 1), b))
    )


def _most(a: Tensor) -> Tensor:
    found = hlo.reduce(a, hlo.full((), 0, a.dtype), "maximum", range(a.ndim))
    assert isinstance(found, Tensor)
    return found
