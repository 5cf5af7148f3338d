"""Gather: one NumPy lookup in a view that has a window at every position."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from slopec import ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.reference.dynamic import ints
from slopec.reference.table import Array, Kernel, attribute, rule


@lru_cache(maxsize=4096)
def dimension_numbers(attribute_: Any) -> GatherDimensionNumbers:
    """The dimension numbers that an attribute spells."""
    return GatherDimensionNumbers.parse(attribute_)


@rule("stablehlo.gather")
def gather(op: ir.Operation) -> Kernel:
    """Slices of the operand at computed places; starts are moved so that each lies inside."""
    numbers = dimension_numbers(op.attributes["dimension_numbers"])
    sizes = attribute(op, "slice_sizes")
    return lambda x, indices: gathered(x, indices, numbers, sizes)


@rule("stablehlo.dynamic_gather")
def dynamic_gather(op: ir.Operation) -> Kernel:
    """A gather whose slice sizes are an operand."""
    numbers = dimension_numbers(op.attributes["dimension_numbers"])
    return lambda x, indices, sizes: gathered(x, indices, numbers, ints(sizes))


def gathered(
    x: Array, indices: Array, numbers: GatherDimensionNumbers, sizes: tuple[int, ...]
) -> Array:
    """Take a slice of `sizes` at each index vector, and lay the slices out."""
    vectors = index_vectors(indices, numbers.index_vector_dim)
    batch = vectors.shape[:-1]
    starts: list[Any] = [0] * x.ndim
    for component, d in enumerate(numbers.start_index_map):
        starts[d] = np.clip(vectors[..., component], 0, x.shape[d] - sizes[d])
    axes = batch_axes(numbers.start_indices_batching_dims, numbers.index_vector_dim)
    for d, axis in zip(numbers.operand_batching_dims, axes, strict=True):
        starts[d] = along(axis, batch)
    places = (n - size + 1 for n, size in zip(x.shape, sizes, strict=True))
    windows = as_strided(x, (*places, *sizes), x.strides * 2, writeable=False)
    slices = windows[tuple(starts)]
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [size for d, size in enumerate(sizes) if d not in dropped]
    if slices.ndim == x.ndim:  # no start depends on the batch
        slices = np.broadcast_to(slices, (*batch, *sizes))
    return laid_out(slices.reshape((*batch, *kept)), len(batch), numbers.offset_dims)


def index_vectors(indices: Array, vector_dim: int) -> Array:
    """The start indices as int64 with the index vectors last."""
    if indices.dtype == np.uint64:
        indices = np.minimum(indices, np.uint64(np.iinfo(np.int64).max))
    indices = indices.astype(np.int64)
    if vector_dim == indices.ndim:
        return indices[..., None]
    return np.moveaxis(indices, vector_dim, -1)


def batch_axes(dims: tuple[int, ...], vector_dim: int) -> list[int]:
    """Where batching dimensions of the indices are once the index vector is taken out."""
    return [d - (d > vector_dim) for d in dims]


def along(axis: int, shape: tuple[int, ...]) -> Array:
    """The position along `axis`, to broadcast with arrays of `shape`."""
    return np.arange(shape[axis]).reshape((-1,) + (1,) * (len(shape) - axis - 1))


def laid_out(slices: Array, batch_rank: int, offset_dims: tuple[int, ...]) -> Array:
    """Move the window dimensions, which follow the batch's, to `offset_dims`."""
    order = [-1] * slices.ndim
    for position, d in enumerate(offset_dims):
        order[d] = batch_rank + position
    batch = iter(range(batch_rank))
    return slices.transpose([next(batch) if source < 0 else source for source in order])


@rule("stablehlo.torch_index_select")
def torch_index_select(op: ir.Operation) -> Kernel:
    """The elements at `index` along `dim`, for each of the first `batch_dims` dimensions."""
    axis, batch = attribute(op, "dim"), attribute(op, "batch_dims")

    def kernel(x: Array, index: Array) -> Array:
        clamped = np.clip(index.astype(np.int64), 0, x.shape[axis] - 1)
        places = [along(d, clamped.shape) for d in range(batch)]
        moved = np.moveaxis(x, axis, batch)
        taken: Array = moved[(*places, clamped)]
        between = list(range(clamped.ndim, clamped.ndim + axis - batch))
        rest = range(clamped.ndim + axis - batch, taken.ndim)
        order = [*range(batch), *between, *range(batch, clamped.ndim), *rest]
        return taken.transpose(order)

    return kernel
