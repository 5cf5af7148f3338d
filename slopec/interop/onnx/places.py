"""ONNX's operations at computed places: gathers, scatters, one-hot vectors.

As in ONNX, places below 0 count from the end in the operations that these are made of.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from slopec import dtypes, hlo, ops
from slopec.ops.common import axis_of
from slopec.ops.updating import update
from slopec.tensor import Tensor

_MODES = {"none": "set", "add": "add", "mul": "multiply", "min": "min", "max": "max"}


def gather(x: Tensor, places: Tensor, *, axis: int = 0) -> Tensor:
    """The slices at places along a dimension."""
    return ops.take(x, places, axis=axis)


def gather_elements(x: Tensor, places: Tensor, *, axis: int = 0) -> Tensor:
    """For every place its element along `axis`; other sizes may be smaller than x's."""
    along = axis_of("GatherElements", axis, x.ndim)
    kept = tuple(slice(None) if d == along else slice(n) for d, n in enumerate(places.shape))
    return ops.take_along_axis(x[kept], places, axis=along)


def scatter_nd(x: Tensor, places: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    """`x` with slices combined in at index vectors."""
    return ops.scatter_nd(x, places, updates, mode=_MODES[reduction])


def scatter_elements(
    x: Tensor, places: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    """`x` with elements combined in at places along `axis`."""
    along = axis_of("ScatterElements", axis, x.ndim)
    key = tuple(
        places if d == along else hlo.iota(places.shape, d, dtypes.int32) for d in range(x.ndim)
    )
    return update(x, key, updates, _MODES[reduction])


def one_hot(places: Tensor, depth: np.ndarray, values: Tensor, *, axis: int = -1) -> Tensor:
    """The second value at the places, the first elsewhere; all first for places outside."""
    size = int(np.ravel(depth)[0])
    rank = places.ndim + 1
    whole = ops.astype(places, dtypes.int64)
    counted = ops.expand_dims(ops.where(whole < 0, whole + size, whole), axis)
    ruler = np.arange(size).reshape([-1 if d == axis % rank else 1 for d in range(rank)])
    return ops.where(counted == ops.asarray(ruler), values[1], values[0])


def compress(x: Tensor, condition: np.ndarray, *, axis: int | None = None) -> Tensor:
    """The slices where a condition holds, of the flattened tensor by default."""
    where = ops.asarray(np.flatnonzero(condition))
    return ops.take(ops.ravel(x) if axis is None else x, where, axis=axis or 0)


def reverse_sequence(
    x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    """Every sequence of a batch with its first elements, as many as `lengths`, reversed."""
    front = ops.moveaxis(x, (batch_axis, time_axis), (0, 1))
    steps = ops.arange(front.shape[1], dtype=lengths.dtype)[None, :]
    size = lengths[:, None]
    places = ops.where(steps < size, size - 1 - steps, steps)
    wide = ops.reshape(places, (*places.shape, *(1,) * (x.ndim - 2)))
    taken = ops.take_along_axis(front, ops.broadcast_to(wide, front.shape), axis=1)
    return ops.moveaxis(taken, (0, 1), (batch_axis, time_axis))


TABLE: dict[str, Callable[..., Any]] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": ops.gather_nd,
    "ScatterND": scatter_nd,
    "ScatterElements": scatter_elements,
    "Scatter": scatter_elements,
    "OneHot": one_hot,
    "Compress": compress,
    "ReverseSequence": reverse_sequence,
}

KNOWN = {"OneHot": (1,), "Compress": (1,)}
