"""The same elements in another shape or order: reshape, permute, squeeze, broadcast, flip, roll."""

import math
from collections.abc import Sequence

import numpy as np

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import (
    ArrayLike,
    Shape,
    as_tensor,
    axes_of,
    axis_of,
    bad_argument,
)
from slopec.ops.common import broadcast_shapes as joint_shape
from slopec.ops.creation import shape_of
from slopec.tensor import Axis, Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flatten",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "unflatten",
]


def reshape(x: ArrayLike, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Tensor:
    """The elements of `x`, row by row, in another `shape`; one size may be -1: what is left.

    `copy` is accepted for the Array API's sake: tensors are values, which nobody else can change.

    Raises ShapeError when the numbers of elements differ.

    >>> import slopec as sp
    >>> sp.reshape(sp.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = as_tensor("reshape", x)
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return hlo.reshape(x, _without_unknown(x, tuple(int(n) for n in sizes)))


def _without_unknown(x: Tensor, sizes: Shape) -> Shape:
    """`sizes` with -1 replaced so that the elements of `x` fit."""
    known = math.prod(n for n in sizes if n != -1)
    unknown = sizes.count(-1)
    fits = known == x.size if not unknown else known and x.size % known == 0
    if unknown > 1 or min(sizes, default=0) < -1 or not fits:
        hint = "at most one size may be -1, for what is left" if unknown > 1 else None
        raise ShapeError(
            "S0101",
            f"reshape: {x.shape} has {x.size} elements, which do not fit {sizes}",
            span=tracing.here(),
            hint=hint,
        )
    return tuple(x.size // known if n == -1 else n for n in sizes)


def flatten(x: ArrayLike, /, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """`x` with the dimensions from `start_dim` to `end_dim`, both included, made one.

    >>> import slopec as sp
    >>> sp.flatten(sp.zeros((2, 3, 4)), start_dim=1).shape
    (2, 12)
    """
    x = as_tensor("flatten", x)
    if not x.ndim:
        return hlo.reshape(x, (1,))
    first, last = axis_of("flatten", start_dim, x.ndim), axis_of("flatten", end_dim, x.ndim)
    if first > last:
        raise bad_argument(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim}")
    middle = math.prod(x.shape[first : last + 1])
    return hlo.reshape(x, (*x.shape[:first], middle, *x.shape[last + 1 :]))


def ravel(x: ArrayLike, /) -> Tensor:
    """`x` as a vector, row by row.

    >>> import slopec as sp
    >>> print(sp.ravel(sp.tensor([[1, 2], [3, 4]])))
    tensor([1 2 3 4], int32[4], cpu)
    """
    x = as_tensor("ravel", x)
    return hlo.reshape(x, (x.size,))


def unflatten(x: ArrayLike, /, dim: int, sizes: Sequence[int]) -> Tensor:
    """`x` with the dimension `dim` split into `sizes`, of which one may be -1.

    >>> import slopec as sp
    >>> sp.unflatten(sp.zeros((2, 12)), 1, (3, -1)).shape
    (2, 3, 4)
    """
    x = as_tensor("unflatten", x)
    place = axis_of("unflatten", dim, x.ndim)
    known = math.prod(n for n in sizes if n != -1)
    middle = [x.shape[place] // known if n == -1 and known else n for n in sizes]
    return reshape(x, (*x.shape[:place], *middle, *x.shape[place + 1 :]))


def permute_dims(x: ArrayLike, /, axes: Sequence[int]) -> Tensor:
    """`x` with its dimensions in the order `axes`.

    Raises ShapeError unless `axes` names every dimension once.

    >>> import slopec as sp
    >>> sp.permute_dims(sp.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = as_tensor("permute_dims", x)
    order = axes_of("permute_dims", tuple(axes), x.ndim)
    if len(order) != x.ndim:
        raise ShapeError(
            "S0107",
            f"permute_dims: {tuple(axes)} orders {len(order)} dimensions of shape {x.shape}",
            span=tracing.here(),
        )
    return hlo.transpose(x, order)


def matrix_transpose(x: ArrayLike, /) -> Tensor:
    """The matrices `x` (…, n, m) transposed: (…, m, n).

    >>> import slopec as sp
    >>> sp.matrix_transpose(sp.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    x = as_tensor("matrix_transpose", x)
    if x.ndim < 2:
        raise ShapeError(
            "S0101",
            f"matrix_transpose: expected matrices, got shape {x.shape}",
            span=tracing.here(),
        )
    return swapaxes(x, -1, -2)


def swapaxes(x: ArrayLike, /, axis1: int, axis2: int) -> Tensor:
    """`x` with two dimensions exchanged.

    >>> import slopec as sp
    >>> sp.swapaxes(sp.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    x = as_tensor("swapaxes", x)
    a, b = axis_of("swapaxes", axis1, x.ndim), axis_of("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return hlo.transpose(x, order)


def moveaxis(x: ArrayLike, source: Axis, destination: Axis, /) -> Tensor:
    """`x` with the dimensions `source` moved to the places `destination`, the rest in order.

    >>> import slopec as sp
    >>> sp.moveaxis(sp.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor("moveaxis", x)
    sources = axes_of("moveaxis", source, x.ndim)
    places = axes_of("moveaxis", destination, x.ndim)
    if len(sources) != len(places):
        raise ShapeError(
            "S0107",
            f"moveaxis: {len(sources)} dimensions for {len(places)} places",
            span=tracing.here(),
        )
    order = [d for d in range(x.ndim) if d not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return hlo.transpose(x, order)


def squeeze(x: ArrayLike, /, axis: Axis = None) -> Tensor:
    """`x` without the dimensions `axis`, which have size 1; for None, without all of size 1.

    Raises ShapeError for an axis of another size.

    >>> import slopec as sp
    >>> sp.squeeze(sp.zeros((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    x = as_tensor("squeeze", x)
    if axis is None:
        return hlo.reshape(x, [n for n in x.shape if n != 1])
    axes = axes_of("squeeze", axis, x.ndim)
    for d in axes:
        if x.shape[d] != 1:
            raise ShapeError(
                "S0101",
                f"squeeze: axis {d} of shape {x.shape} has size {x.shape[d]}, not 1",
                span=tracing.here(),
            )
    return hlo.reshape(x, [n for d, n in enumerate(x.shape) if d not in axes])


def expand_dims(x: ArrayLike, /, axis: int | Sequence[int] = 0) -> Tensor:
    """`x` with new dimensions of size 1 at the places `axis` of the result.

    >>> import slopec as sp
    >>> sp.expand_dims(sp.zeros((2, 3)), axis=(0, -1)).shape
    (1, 2, 3, 1)
    """
    x = as_tensor("expand_dims", x)
    count = len(axis) if isinstance(axis, Sequence) else 1
    new = axes_of("expand_dims", axis, x.ndim + count)
    sizes = iter(x.shape)
    return hlo.reshape(x, [1 if d in new else next(sizes) for d in range(x.ndim + count)])


def atleast_1d(x: ArrayLike, /) -> Tensor:
    """`x`, as a vector of one element if it has no dimensions.

    >>> import slopec as sp
    >>> sp.atleast_1d(3.0).shape
    (1,)
    """
    x = as_tensor("atleast_1d", x)
    return x if x.ndim else hlo.reshape(x, (1,))


def atleast_2d(x: ArrayLike, /) -> Tensor:
    """`x`, as a matrix of one row if it has fewer than two dimensions.

    >>> import slopec as sp
    >>> sp.atleast_2d(sp.zeros(3)).shape
    (1, 3)
    """
    x = as_tensor("atleast_2d", x)
    return x if x.ndim >= 2 else hlo.reshape(x, (1, x.size))


# --- broadcasting ----------------------------------------------------------------------------


def broadcast_shapes(*shapes: int | Sequence[int]) -> Shape:
    """The shape that `shapes` broadcast to; raises ShapeError when they do not fit.

    An int is the shape of a vector.

    >>> import slopec as sp
    >>> sp.broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    return joint_shape(
        "broadcast_shapes", [shape_of("broadcast_shapes", s) for s in shapes] or [()]
    )


def broadcast_to(x: ArrayLike, /, shape: int | Sequence[int]) -> Tensor:
    """`x` repeated along new leading dimensions and those of size 1, to make `shape`.

    Raises ShapeError when that cannot be.

    >>> import slopec as sp
    >>> print(sp.broadcast_to(sp.tensor([1, 2]), (2, 2)))
    tensor([[1 2]
            [1 2]], int32[2, 2], cpu)
    """
    x, sizes = as_tensor("broadcast_to", x), shape_of("broadcast_to", shape)
    kept = sizes[len(sizes) - x.ndim :] if x.ndim <= len(sizes) else None
    if kept is None or any(n not in (1, m) for n, m in zip(x.shape, kept, strict=True)):
        raise ShapeError(
            "S0101",
            f"broadcast_to: shape {x.shape} does not broadcast to {sizes}",
            span=tracing.here(),
            hint="sizes are compared from the last dimension; only size 1 can be repeated",
        )
    return hlo.broadcast_in_dim(x, sizes, range(len(sizes) - x.ndim, len(sizes)))


def broadcast_arrays(*arrays: ArrayLike) -> tuple[Tensor, ...]:
    """The tensors broadcast against each other.

    >>> import slopec as sp
    >>> [t.shape for t in sp.broadcast_arrays(sp.zeros((3, 1)), sp.zeros(4))]
    [(3, 4), (3, 4)]
    """
    tensors = [as_tensor("broadcast_arrays", a) for a in arrays]
    shape = joint_shape("broadcast_arrays", [t.shape for t in tensors] or [()])
    return tuple(broadcast_to(t, shape) for t in tensors)


def part(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """The elements start … stop - 1 of `x` along `axis`."""
    low, high = [0] * x.ndim, list(x.shape)
    low[axis], high[axis] = start, stop
    return hlo.slice_(x, low, high)
