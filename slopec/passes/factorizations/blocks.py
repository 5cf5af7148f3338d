"""What blocked algorithms share: how wide blocks are, counted loops, inverses of triangles."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from slopec import dtypes, hlo
from slopec.hlo import matrices as m
from slopec.tensor import Tensor

BLOCK = 32
"""Columns of a block up to 16 blocks; larger matrices have larger ones, of a quarter as many."""


TOGETHER = 512
"""Rows, at most, that are factored or solved for by one routine."""


def width_of(n: int) -> int:
    """How many columns a block of a matrix with `n` of them has."""
    return BLOCK if n <= 16 * BLOCK else 4 * BLOCK


def starts(n: int) -> range:
    """The first columns of the blocks of `n` columns."""
    return range(0, n, width_of(n))


def as_stack(a: Tensor) -> Tensor:
    """Matrices (…, m, n) as (k, m, n)."""
    rows, columns = a.shape[-2:]
    return hlo.reshape(a, (math.prod(a.shape[:-2]), rows, columns))


def has_kernels(a: Tensor) -> bool:
    """Whether there may be kernels for the element type."""
    return a.dtype in (dtypes.float32, dtypes.float64)


def counted(n: int, step: Callable[..., Sequence[Tensor]], *initial: Tensor) -> tuple[Tensor, ...]:
    """What is carried after `n` steps of (number, carried…) ↦ carried…."""
    limit, zero, one = (hlo.full((), k, dtypes.int32) for k in (n, 0, 1))

    def body(i: Tensor, *carried: Tensor) -> list[Tensor]:
        return [hlo.add(i, one), *step(i, *carried)]

    start = [zero, *initial]
    return hlo.while_loop(start, lambda i, *_: hlo.compare(i, limit, "LT"), body)[1:]


def spread(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A scalar, or a tensor of as many dimensions, some of size 1, broadcast to a shape."""
    return hlo.broadcast_in_dim(x, shape, range(x.ndim))


def column(a: Tensor, j: Tensor) -> Tensor:
    """The j-th column (…, m, 1)."""
    zero = hlo.full((), 0, dtypes.int32)
    return hlo.dynamic_slice(a, [zero] * (a.ndim - 1) + [j], (*a.shape[:-1], 1))


def row(a: Tensor, j: Tensor) -> Tensor:
    """The j-th row (…, 1, n)."""
    zero = hlo.full((), 0, dtypes.int32)
    sizes = (*a.shape[:-2], 1, a.shape[-1])
    return hlo.dynamic_slice(a, [zero] * (a.ndim - 2) + [j, zero], sizes)


def numbers(shape: tuple[int, ...], axis: int) -> Tensor:
    """The number of each element along an axis counted from the end, int32."""
    return hlo.iota(shape, len(shape) + axis, dtypes.int32)


def folded(a: Tensor, kind: str, initial: float, axis: int) -> Tensor:
    """A reduction along an axis counted from the end, which stays with size 1."""
    place = a.ndim + axis
    found = hlo.reduce(a, hlo.full((), initial, a.dtype), kind, [place])
    assert isinstance(found, Tensor)
    return hlo.reshape(found, [1 if d == place else n for d, n in enumerate(a.shape)])


def summed(a: Tensor, axis: int) -> Tensor:
    """The sums along an axis counted from the end, which stays with size 1."""
    return folded(a, "add", 0, axis)


def squares(a: Tensor) -> Tensor:
    """|a|² of each element, of real type."""
    if not dtypes.is_complex(a.dtype):
        return hlo.multiply(a, a)
    real, imag = hlo.real(a), hlo.imag(a)
    return hlo.add(hlo.multiply(real, real), hlo.multiply(imag, imag))


def eps_of(a: Tensor) -> float:
    """The distance of 1 to the next number of the dtype of `a`."""
    return float(np.finfo(dtypes.real_of(a.dtype)).eps)


def inverse(a: Tensor, *, unit: bool) -> Tensor:
    """The inverses of lower triangles, by halves: [[A, 0], [B, C]] has -C⁻¹ B A⁻¹ below.

    Blocks of all sizes from 1 on are inverted together, so that there are as many steps as the size
    has bits. What is above the diagonal is not read, and of `unit` triangles not the diagonal.
    """
    n = a.shape[-1]
    count = 1 << (n - 1).bit_length()
    grown = extended_by_identity(a, count - n)
    batch = grown.shape[:-2]
    if unit:
        found = hlo.full((*batch, count, 1, 1), 1, a.dtype)
    else:
        on = hlo.reshape(m.diagonal(grown), (*batch, count, 1, 1))
        found = hlo.divide(hlo.full_like(on, 1), on)
    size = 1
    while size < count:
        pairs = count // (2 * size)
        below = _below_diagonal(grown, size)
        halves = hlo.reshape(found, (*batch, pairs, 2, size, size))
        first, second = (_picked(halves, i) for i in (0, 1))
        corner = hlo.negate(m.matmul(second, m.matmul(below, first)))
        top = m.extended(first, 0, size)
        bottom = hlo.concatenate([corner, second], corner.ndim - 1)
        found = hlo.concatenate([top, bottom], corner.ndim - 2)
        size *= 2
    return m.part(hlo.reshape(found, grown.shape), 0, n, 0, n)


def _picked(halves: Tensor, i: int) -> Tensor:
    """The first or second block of each pair."""
    *batch, pairs, _, size, _ = halves.shape
    low = [0] * len(batch) + [0, i, 0, 0]
    picked = hlo.slice_(halves, low, [*batch, pairs, i + 1, size, size])
    return hlo.reshape(picked, (*batch, pairs, size, size))


def _below_diagonal(a: Tensor, size: int) -> Tensor:
    """The blocks (…, pairs, size, size) below those of even number on the diagonal."""
    *batch, n, _ = a.shape
    pairs = n // (2 * size)
    split = hlo.reshape(a, (*batch, pairs, 2, size, pairs, 2, size))
    k = len(batch)
    low = [0] * k + [0, 1, 0, 0, 0, 0]
    high = [*batch, pairs, 2, size, pairs, 1, size]
    lower = hlo.reshape(hlo.slice_(split, low, high), (*batch, pairs, size, pairs, size))
    shape = lower.shape
    same = hlo.compare(hlo.iota(shape, k, dtypes.int32), hlo.iota(shape, k + 2, dtypes.int32), "EQ")
    kept = hlo.select(same, lower, hlo.zeros_like(lower))
    found = hlo.reduce(kept, hlo.full((), 0, a.dtype), "add", [k + 2])
    assert isinstance(found, Tensor)
    return found


def extended_by_identity(a: Tensor, margin: int) -> Tensor:
    """`a` with `margin` more rows and columns, those of the identity."""
    if not margin:
        return a
    n = a.shape[-1]
    ones = np.diag(np.arange(n + margin) >= n).astype(a.dtype)
    wide = m.extended(a, margin, margin)
    return hlo.add(
        wide, hlo.broadcast_in_dim(hlo.constant(ones), wide.shape, [a.ndim - 2, a.ndim - 1])
    )
