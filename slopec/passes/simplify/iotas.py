"""Iota: the index along a dimension, moved, repeated or cut, is an index again."""

import math

import numpy as np

from slopec import hlo
from slopec.passes.op import Op
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims
from slopec.tensor import Tensor


@pattern("iota")
def iota_of_one(op: Op) -> Tensor | None:
    """iota → 0

    Along a dimension of size 1.
    """
    unit = op.shape[op.integer("iota_dimension")] == 1
    return hlo.full(op.shape, 0, op.dtype) if unit else None


@pattern("broadcast_in_dim", of="iota")
def broadcast_iota(op: Op) -> Tensor | None:
    """broadcast(iota) → iota

    Where it does not repeat along the counted dimension.
    """
    inner = op.source()
    dim = inner.integer("iota_dimension")
    target = op.ints("broadcast_dimensions")[dim]
    if inner.shape[dim] != op.shape[target]:
        return None
    return hlo.iota(op.shape, target, op.dtype)


@pattern("transpose", of="iota")
def transpose_iota(op: Op) -> Tensor | None:
    """transpose(iota) → iota"""
    inner = op.source()
    return hlo.iota(
        op.shape, op.ints("permutation").index(inner.integer("iota_dimension")), op.dtype
    )


@pattern("reshape", of="iota")
def reshape_iota(op: Op) -> Tensor | None:
    """reshape(iota) → iota

    Where the dimensions before and after the counted one multiply to what they did.
    """
    inner = op.source()
    if 0 in op.shape:
        return None
    dim = _same_place(inner.shape, inner.integer("iota_dimension"), op.shape)
    return None if dim is None else hlo.iota(op.shape, dim, op.dtype)


@pattern("slice", of="iota")
def slice_iota(op: Op) -> Tensor | None:
    """slice(iota) → iota + c

    Where every element along the counted dimension is taken, from a start on; c is that start.
    """
    inner = op.source()
    if op.dtype.kind not in "iu":
        return None
    dim = inner.integer("iota_dimension")
    if op.ints("strides")[dim] != 1:
        return None
    start = op.ints("start_indices")[dim]
    counted = hlo.iota(op.shape, dim, op.dtype)
    return hlo.add(counted, hlo.full_like(counted, start)) if start else counted


@pattern("convert", of="iota")
def convert_iota(op: Op) -> Tensor | None:
    """convert(iota) → iota

    Where the first type holds every index: the second then sees the same numbers.
    """
    inner = op.source()
    if op.dtype.kind not in "iuf" or inner.dtype.kind not in "iu":
        return None
    counted = inner.shape[inner.integer("iota_dimension")]
    if counted - 1 > np.iinfo(inner.dtype).max or counted > _counts_to(op.dtype):
        return None
    return hlo.iota(op.shape, inner.integer("iota_dimension"), op.dtype)


def _counts_to(dtype: np.dtype) -> int:
    """A number up to which `dtype` holds every integer."""
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else 2 ** (np.finfo(dtype).nmant + 1)


def _same_place(before: Dims, dim: int, after: Dims) -> int | None:
    """The dimension of `after` that counts what `dim` of `before` counts, after a reshape."""
    left = math.prod(before[:dim])
    for place, size in enumerate(after):
        if size == before[dim] and math.prod(after[:place]) == left:
            return place
    return None
