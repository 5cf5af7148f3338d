"""Ops whose shapes are operands: the static op with its numbers read at run time."""

from collections.abc import Iterable

import numpy as np

from slopec import dtypes, ir
from slopec.reference.shape import broadcast, padded
from slopec.reference.table import Array, Kernel, attribute, rule


def ints(values: Iterable[int]) -> tuple[int, ...]:
    """The elements of an integer tensor."""
    return tuple(int(value) for value in values)


@rule("stablehlo.dynamic_reshape")
def dynamic_reshape(op: ir.Operation) -> Kernel:
    """The same elements under the shape of the second operand."""
    return lambda x, shape: x.reshape(ints(shape))


@rule("stablehlo.dynamic_broadcast_in_dim")
def dynamic_broadcast_in_dim(op: ir.Operation) -> Kernel:
    """`broadcast_in_dim` to the shape of the second operand."""
    places = attribute(op, "broadcast_dimensions")
    return lambda x, shape: broadcast(x, places, ints(shape))


@rule("stablehlo.dynamic_pad")
def dynamic_pad(op: ir.Operation) -> Kernel:
    """`pad` by the amounts of the last three operands."""
    return lambda x, value, low, high, between: padded(
        x, value, ints(low), ints(high), ints(between)
    )


@rule("stablehlo.real_dynamic_slice")
def real_dynamic_slice(op: ir.Operation) -> Kernel:
    """`slice` by start, limit and stride of the last three operands."""

    def kernel(x: Array, start: Array, limit: Array, stride: Array) -> Array:
        bounds = zip(ints(start), ints(limit), ints(stride), strict=True)
        result: Array = x[tuple(slice(*bound) for bound in bounds)]
        return result

    return kernel


@rule("stablehlo.get_dimension_size")
def get_dimension_size(op: ir.Operation) -> Kernel:
    """The size of one dimension."""
    axis = attribute(op, "dimension")
    return lambda x: np.array(x.shape[axis], dtypes.int32)


@rule("stablehlo.set_dimension_size")
def set_dimension_size(op: ir.Operation) -> Kernel:
    """The operand with one dimension cut to the given size."""
    axis = attribute(op, "dimension")
    return lambda x, size: x[(slice(None),) * axis + (slice(int(size)),)]
