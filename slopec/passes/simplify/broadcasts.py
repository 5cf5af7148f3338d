"""Broadcasts: none where nothing repeats, one instead of two, and arithmetic before repetition."""

import math
from collections.abc import Sequence
from itertools import pairwise

from slopec import hlo
from slopec.passes.op import Op, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import (
    ELEMENTWISE,
    Broadcast,
    broadcast,
    is_identity,
    only_unit_dims_differ,
    repeat,
)
from slopec.tensor import Tensor


@pattern("broadcast_in_dim")
def broadcast_nothing(op: Op) -> Tensor | None:
    """broadcast(x) → x, reshape(x) or transpose(x)

    Where no element repeats.
    """
    (x,) = op.operands
    if math.prod(x.shape) != math.prod(op.shape):
        return None
    dims = op.ints("broadcast_dimensions")
    order = sorted(range(x.ndim), key=lambda i: dims[i])
    return hlo.reshape(hlo.transpose(x, order), op.shape)


@pattern("broadcast_in_dim", of="constant")
def broadcast_constant(op: Op) -> Tensor | None:
    """broadcast(c) → c

    For a constant whose elements all are equal: a larger one takes no more room.
    """
    value = splat(op.operands[0])
    return None if value is None else hlo.full(op.shape, value.item(), op.dtype)


@pattern("broadcast_in_dim", of="broadcast_in_dim")
def broadcast_twice(op: Op) -> Tensor | None:
    """broadcast(broadcast(x)) → broadcast(x)"""
    inner = op.source()
    outer_dims = op.ints("broadcast_dimensions")
    dims = [outer_dims[d] for d in inner.ints("broadcast_dimensions")]
    return broadcast(inner.operands[0], op.shape, dims)


@pattern("broadcast_in_dim", of="reshape")
def broadcast_reshaped(op: Op) -> Tensor | None:
    """broadcast(reshape(x)) → broadcast(x)

    Where the reshape only adds or removes dimensions of size 1.
    """
    reshape = op.source()
    (x,) = reshape.operands
    if not only_unit_dims_differ(x.shape, reshape.shape):
        return None
    dims = op.ints("broadcast_dimensions")
    kept = [d for d, n in zip(dims, reshape.shape, strict=True) if n != 1]
    direct = _with_units(x.shape, kept, len(op.shape))
    if direct is not None:
        return hlo.broadcast_in_dim(x, op.shape, direct)
    if 1 not in reshape.shape:
        return None
    return broadcast(hlo.reshape(x, [n for n in x.shape if n != 1]), op.shape, kept)


def _with_units(shape: Sequence[int], wide: Sequence[int], rank: int) -> list[int] | None:
    """Ascending places for all dimensions of `shape`, those larger than 1 at the places `wide`."""
    found: list[int] = []
    ahead = iter(wide)
    for size in shape:
        found.append(next(ahead) if size != 1 else found[-1] + 1 if found else 0)
    ascending = all(a < b for a, b in pairwise(found))
    return found if ascending and all(d < rank for d in found) else None


@pattern("broadcast_in_dim")
def broadcast_out_of_order(op: Op) -> Tensor | None:
    """broadcast(x) → broadcast(transpose(x))

    With the dimensions in ascending order.
    """
    dims = op.ints("broadcast_dimensions")
    if list(dims) == sorted(dims):
        return None
    return broadcast(op.operands[0], op.shape, dims)


@pattern("broadcast")
def broadcast_old(op: Op) -> Tensor | None:
    """broadcast(x) → broadcast_in_dim(x)"""
    (x,) = op.operands
    return hlo.broadcast_in_dim(x, op.shape, range(len(op.shape) - x.ndim, len(op.shape)))


@pattern(*ELEMENTWISE, among="broadcast_in_dim", every="broadcast_in_dim|constant")
def elementwise_of_broadcasts(op: Op) -> Tensor | None:
    """f(broadcast(x), broadcast(y)) → broadcast(f(x, y))

    For broadcasts of one shape along the same dimensions, and splat constants.
    """
    sources = [Broadcast.of(x) for x in op.operands if x.shape == op.shape]
    if len(sources) < len(op.operands) or not all(sources):
        return None
    real = [s for s in sources if s is not None and s.source is not None]
    if not real or real[0].source is None:
        return None
    shape, dims = real[0].source.shape, real[0].dims
    if math.prod(shape) == math.prod(op.shape):
        return None
    if any(s.dims != dims or s.source is None or s.source.shape != shape for s in real):
        return None
    operands = [repeat(s.small(x), shape) for s, x in zip(sources, op.operands, strict=True) if s]
    return hlo.broadcast_in_dim(op.again(*operands, shape=shape), op.shape, dims)


@pattern("transpose", of="broadcast_in_dim")
def transpose_broadcast(op: Op) -> Tensor | None:
    """transpose(broadcast(x)) → broadcast(transpose(x))"""
    inner = op.source()
    permutation = op.ints("permutation")
    if is_identity(permutation):
        return None
    dims = [permutation.index(d) for d in inner.ints("broadcast_dimensions")]
    return broadcast(inner.operands[0], op.shape, dims)


@pattern("reshape", of="broadcast_in_dim")
def reshape_broadcast(op: Op) -> Tensor | None:
    """reshape(broadcast(x)) → broadcast(x)

    Where the reshape only adds or removes dimensions of size 1, or x has one element.
    """
    inner = op.source()
    (x,) = inner.operands
    if math.prod(x.shape) == 1:
        return hlo.broadcast_in_dim(hlo.reshape(x, ()), op.shape, ())
    if not only_unit_dims_differ(inner.shape, op.shape):
        return None
    wide = [d for d, n in enumerate(op.shape) if n != 1]
    index = dict(zip((d for d, n in enumerate(inner.shape) if n != 1), wide, strict=True))
    kept = [(index[d], n) for d, n in zip(_dims(inner), x.shape, strict=True) if d in index]
    small = hlo.reshape(x, [n for _, n in kept])
    return hlo.broadcast_in_dim(small, op.shape, [d for d, _ in kept])


def _dims(op: Op) -> tuple[int, ...]:
    return op.ints("broadcast_dimensions")
