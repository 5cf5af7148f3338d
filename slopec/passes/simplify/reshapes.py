"""Reshapes and transposes: one instead of two, none where nothing moves."""

import math

from slopec import hlo
from slopec.passes.op import Op, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims, is_identity, only_unit_dims_differ
from slopec.tensor import Tensor


@pattern("reshape")
def reshape_to_same(op: Op) -> Tensor | None:
    """reshape(x) → x

    To the shape that x has.
    """
    (x,) = op.operands
    return x if x.shape == op.shape else None


@pattern("reshape", of="reshape")
def reshape_twice(op: Op) -> Tensor | None:
    """reshape(reshape(x)) → reshape(x)"""
    inner = op.source()
    return hlo.reshape(inner.operands[0], op.shape)


@pattern("reshape", "transpose", "reverse", of="constant")
def move_constant(op: Op) -> Tensor | None:
    """reshape(c) → c, transpose(c) → c, reverse(c) → c

    For a constant whose elements all are equal.
    """
    value = splat(op.operands[0])
    return None if value is None else hlo.full(op.shape, value.item(), op.dtype)


@pattern("reshape", of="transpose")
def reshape_transposed(op: Op) -> Tensor | None:
    """reshape(transpose(x)) → reshape(x)

    Where only dimensions of size 1 change place.
    """
    inner = op.source()
    if not _moves_only_units(inner.operands[0].shape, inner.ints("permutation")):
        return None
    return hlo.reshape(inner.operands[0], op.shape)


@pattern("transpose")
def transpose_nothing(op: Op) -> Tensor | None:
    """transpose(x) → x or reshape(x)

    Where nothing, or only dimensions of size 1, change place.
    """
    (x,) = op.operands
    permutation = op.ints("permutation")
    if is_identity(permutation):
        return x
    return hlo.reshape(x, op.shape) if _moves_only_units(x.shape, permutation) else None


@pattern("transpose", of="transpose")
def transpose_twice(op: Op) -> Tensor | None:
    """transpose(transpose(x)) → transpose(x)"""
    inner = op.source()
    first = inner.ints("permutation")
    return hlo.transpose(inner.operands[0], [first[d] for d in op.ints("permutation")])


@pattern("transpose", of="reshape")
def transpose_reshaped(op: Op) -> Tensor | None:
    """transpose(reshape(x)) → reshape(transpose(x))

    Where the reshape only adds or removes dimensions of size 1, and then often disappears.
    """
    inner = op.source()
    if not inner.used_once:
        return None
    (x,) = inner.operands
    if not only_unit_dims_differ(x.shape, inner.shape):
        return None
    wide = [d for d, n in enumerate(x.shape) if n != 1]
    names = dict(zip((d for d, n in enumerate(inner.shape) if n != 1), wide, strict=True))
    units = [d for d, n in enumerate(x.shape) if n == 1]
    order = [names[d] for d in op.ints("permutation") if d in names]
    return hlo.reshape(hlo.transpose(x, [*units, *order]), op.shape)


def _moves_only_units(shape: Dims, permutation: Dims) -> bool:
    wide = [d for d in permutation if shape[d] != 1]
    return wide == sorted(wide) and math.prod(shape) > 0
