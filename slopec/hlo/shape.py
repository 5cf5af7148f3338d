"""Ops that make constants and move elements without computing with them."""

from collections.abc import Sequence

import numpy as np

from slopec import ir, tracing
from slopec.diagnostics import ShapeError
from slopec.dtypes import DType
from slopec.tensor import Scalar, Tensor


def constant(array: np.ndarray) -> Tensor:
    """`stablehlo.constant` with the elements of `array`."""
    return tracing.emit(
        "stablehlo.constant", [], array.shape, array.dtype, {"value": ir.dense(array)}
    )


def full(shape: Sequence[int], value: Scalar, dtype: DType) -> Tensor:
    """`stablehlo.constant` whose elements all equal `value`."""
    shape = tuple(shape)
    return tracing.emit(
        "stablehlo.constant", [], shape, dtype, {"value": ir.splat(value, shape, dtype)}
    )


def full_like(like: Tensor, value: Scalar) -> Tensor:
    """A constant of the type of `like`."""
    return full(like.shape, value, like.dtype)


def zeros_like(like: Tensor) -> Tensor:
    """Zeros of the type of `like`."""
    return full(like.shape, 0, like.dtype)


def iota(shape: Sequence[int], dimension: int, dtype: DType) -> Tensor:
    """`stablehlo.iota`: each element is its index along `dimension`."""
    return tracing.emit(
        "stablehlo.iota", [], tuple(shape), dtype, {"iota_dimension": ir.i64(dimension)}
    )


def broadcast_in_dim(operand: Tensor, shape: Sequence[int], dims: Sequence[int]) -> Tensor:
    """`stablehlo.broadcast_in_dim`: dimension i of the operand becomes `dims[i]` of the result."""
    shape, dims = tuple(shape), tuple(dims)
    if shape == operand.shape and dims == tuple(range(len(shape))):
        return operand
    fits = len(dims) == operand.ndim and all(
        size in (1, shape[d]) for size, d in zip(operand.shape, dims, strict=True)
    )
    if not fits:
        raise ShapeError(
            "S0101",
            f"cannot broadcast shape {operand.shape} to {shape} along dimensions {dims}",
            span=tracing.here(),
        )
    return tracing.emit(
        "stablehlo.broadcast_in_dim",
        [operand],
        shape,
        operand.dtype,
        {"broadcast_dimensions": ir.i64s(*dims)},
    )


def reshape(operand: Tensor, shape: Sequence[int]) -> Tensor:
    """`stablehlo.reshape`: the same elements, in order, in another shape."""
    shape = tuple(shape)
    if shape == operand.shape:
        return operand
    if np.prod(shape, dtype=np.int64) != operand.size:
        raise ShapeError(
            "S0101",
            f"cannot reshape {operand.shape} ({operand.size} elements) to {shape} "
            f"({np.prod(shape, dtype=np.int64)} elements)",
            span=tracing.here(),
        )
    return tracing.emit("stablehlo.reshape", [operand], shape, operand.dtype)


def transpose(operand: Tensor, permutation: Sequence[int]) -> Tensor:
    """`stablehlo.transpose`: dimension i of the result is `permutation[i]` of the operand."""
    permutation = tuple(permutation)
    if permutation == tuple(range(operand.ndim)):
        return operand
    if sorted(permutation) != list(range(operand.ndim)):
        raise ShapeError(
            "S0101",
            f"transpose: {permutation} is not a permutation of {operand.ndim} dimensions",
            span=tracing.here(),
        )
    shape = tuple(operand.shape[d] for d in permutation)
    return tracing.emit(
        "stablehlo.transpose",
        [operand],
        shape,
        operand.dtype,
        {"permutation": ir.i64s(*permutation)},
    )


def slice_(
    operand: Tensor,
    start: Sequence[int],
    limit: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Tensor:
    """`stablehlo.slice`: the elements start, start + stride, … below limit."""
    strides = (1,) * operand.ndim if strides is None else strides
    shape = tuple(
        max(0, -(-(high - low) // step))
        for low, high, step in zip(start, limit, strides, strict=True)
    )
    if shape == operand.shape:
        return operand
    attributes = {
        "start_indices": ir.i64s(*start),
        "limit_indices": ir.i64s(*limit),
        "strides": ir.i64s(*strides),
    }
    return tracing.emit("stablehlo.slice", [operand], shape, operand.dtype, attributes)


def pad(
    operand: Tensor,
    value: Tensor,
    low: Sequence[int],
    high: Sequence[int],
    interior: Sequence[int] | None = None,
) -> Tensor:
    """`stablehlo.pad` with `value`, a tensor without dimensions; negative padding cuts."""
    interior = (0,) * operand.ndim if interior is None else interior
    shape = tuple(
        size + before + after + max(size - 1, 0) * between
        for size, before, after, between in zip(operand.shape, low, high, interior, strict=True)
    )
    if not any(low) and not any(high) and not any(interior):
        return operand
    attributes = {
        "edge_padding_low": ir.i64s(*low),
        "edge_padding_high": ir.i64s(*high),
        "interior_padding": ir.i64s(*interior),
    }
    return tracing.emit("stablehlo.pad", [operand, value], shape, operand.dtype, attributes)


def concatenate(inputs: Sequence[Tensor], dimension: int) -> Tensor:
    """`stablehlo.concatenate` along `dimension`."""
    if len(inputs) == 1:
        return inputs[0]
    shape = list(inputs[0].shape)
    shape[dimension] = sum(x.shape[dimension] for x in inputs)
    return tracing.emit(
        "stablehlo.concatenate",
        inputs,
        tuple(shape),
        inputs[0].dtype,
        {"dimension": ir.i64(dimension)},
    )


def reverse(operand: Tensor, dimensions: Sequence[int]) -> Tensor:
    """`stablehlo.reverse` along `dimensions`."""
    if not dimensions:
        return operand
    return tracing.emit(
        "stablehlo.reverse",
        [operand],
        operand.shape,
        operand.dtype,
        {"dimensions": ir.i64s(*dimensions)},
    )
