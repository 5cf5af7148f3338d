"""Moves of elements sink below elementwise ops, towards dots and reductions, which absorb them.

A transpose or reshape that all operands share is done once, on the result; a slice is done first,
so that less is computed.
"""

import math

from slopec import hlo, ir
from slopec.passes.op import Op, producer, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import ELEMENTWISE, Broadcast, Dims, broadcast, only_used_by
from slopec.tensor import Tensor


@pattern(*ELEMENTWISE, among="transpose")
def elementwise_of_transposes(op: Op) -> Tensor | None:
    """f(transpose(x), transpose(y)) → transpose(f(x, y))

    For the same permutation; broadcasts and splats among the operands are transposed in place.
    """
    moved = _shared(op, "transpose")
    if moved is None:
        return None
    permutation, shape = moved.ints("permutation"), moved.operands[0].shape
    if not all(_is_transposed(x, permutation) for x in op.operands):
        return None
    plain = [_before_transpose(x, permutation, shape) for x in op.operands]
    return hlo.transpose(op.again(*plain, shape=shape), permutation)


@pattern(*ELEMENTWISE, among="reshape")
def elementwise_of_reshapes(op: Op) -> Tensor | None:
    """f(reshape(x), reshape(y)) → reshape(f(x, y))

    For x and y of one shape; splats among the operands take that shape.
    """
    moved = _shared(op, "reshape")
    if moved is None or not op.shape:
        return None
    shape = moved.operands[0].shape
    if not all(_is_reshaped(x, shape) for x in op.operands):
        return None
    plain = [_before_reshape(x, shape) for x in op.operands]
    return hlo.reshape(op.again(*plain, shape=shape), op.shape)


@pattern("slice", of="|".join(ELEMENTWISE))
def slice_elementwise(op: Op) -> Tensor | None:
    """slice(f(x, y)) → f(slice(x), slice(y))

    Where nothing else uses f(x, y), so that only what is kept gets computed; or only such slices
    with strides do as together take no more than there is.
    """
    inner = op.source()
    if op.shape == inner.shape or not (inner.used_once or _is_dealt_out(inner)):
        return None
    window = (op.ints("start_indices"), op.ints("limit_indices"), op.ints("strides"))
    cut = [x if x.ndim == 0 else hlo.slice_(x, *window) for x in inner.operands]
    return inner.again(*cut, shape=op.shape)


def _is_dealt_out(op: Op) -> bool:
    """Whether only slices with strides use a result, and no more elements than it has."""
    users = [use.owner.operation for use in op.operation.results[0].uses]
    if not all(u.name == "stablehlo.slice" and max(u.attributes["strides"]) > 1 for u in users):
        return False
    taken = sum(math.prod(ir.type_of(user.results[0])[0]) for user in users)
    return taken <= math.prod(op.shape)


def _shared(op: Op, name: str) -> Op | None:
    """The op `name` behind an operand, if nothing but `op` uses any such operand."""
    found = None
    for x in op.operands:
        inner = producer(x, name)
        if inner is None:
            continue
        if not only_used_by(op, x):
            return None
        found = found or inner
    return found


def _is_transposed(x: Tensor, permutation: Dims) -> bool:
    """Whether undoing the transpose costs nothing: it disappears, or a broadcast takes it in."""
    inner = producer(x, "transpose")
    if inner is not None:
        return inner.ints("permutation") == permutation
    return x.ndim == 0 or Broadcast.of(x) is not None


def _before_transpose(x: Tensor, permutation: Dims, shape: Dims) -> Tensor:
    inner = producer(x, "transpose")
    if inner is not None:
        return inner.operands[0]
    small = Broadcast.of(x)
    if x.ndim == 0 or small is None:
        return x
    if small.source is None:
        assert small.number is not None
        return hlo.full(shape, small.number, x.dtype)
    return broadcast(small.source, shape, [permutation[d] for d in small.dims])


def _is_reshaped(x: Tensor, shape: Dims) -> bool:
    inner = producer(x, "reshape")
    if inner is not None:
        return inner.operands[0].shape == shape
    return x.ndim == 0 or splat(x) is not None


def _before_reshape(x: Tensor, shape: Dims) -> Tensor:
    inner = producer(x, "reshape")
    if inner is not None:
        return inner.operands[0]
    value = splat(x)
    return x if x.ndim == 0 or value is None else hlo.full(shape, value.item(), x.dtype)
