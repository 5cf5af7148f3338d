"""ONNX's rearrangements: shapes, parts, joins, margins."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from slopec import dtypes, ops
from slopec.interop.onnx.types import dtype_of
from slopec.tensor import Tensor


def _ints(given: np.ndarray | None, attribute: Sequence[int] | None) -> list[int] | None:
    """What was an attribute in early versions and is an input in later ones."""
    if given is not None:
        return [int(n) for n in np.ravel(given)]
    return None if attribute is None else list(attribute)


def reshape(
    x: Tensor,
    sizes: np.ndarray | None = None,
    *,
    shape: Sequence[int] | None = None,
    allowzero: int = 0,
) -> Tensor:
    """`x` in another shape, where 0 keeps a size and −1 is what is left."""
    wanted = _ints(sizes, shape) or []
    if not allowzero:
        wanted = [x.shape[d] if n == 0 else n for d, n in enumerate(wanted)]
    if -1 in wanted and x.size == 0:
        rest = math.prod(n for n in wanted if n != -1)
        wanted = [x.size // rest if n == -1 else n for n in wanted]
    return ops.reshape(x, wanted)


def flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    """A matrix of the dimensions before `axis` and those from there."""
    first = axis % x.ndim if axis < 0 else axis
    return ops.reshape(x, (math.prod(x.shape[:first]), math.prod(x.shape[first:])))


def squeeze(
    x: Tensor, places: np.ndarray | None = None, *, axes: Sequence[int] | None = None
) -> Tensor:
    """`x` without dimensions of size 1."""
    given = _ints(places, axes)
    return ops.squeeze(x, [d for d, n in enumerate(x.shape) if n == 1] if given is None else given)


def unsqueeze(
    x: Tensor, places: np.ndarray | None = None, *, axes: Sequence[int] | None = None
) -> Tensor:
    """`x` with dimensions of size 1 at places of the result."""
    given = _ints(places, axes) or []
    rank = x.ndim + len(given)
    new = {d % rank for d in given}
    sizes = iter(x.shape)
    return ops.reshape(x, [1 if d in new else next(sizes) for d in range(rank)])


def transpose(x: Tensor, *, perm: Sequence[int] | None = None) -> Tensor:
    """The dimensions in another order, reversed by default."""
    return ops.permute_dims(x, tuple(range(x.ndim))[::-1] if perm is None else tuple(perm))


def split(
    x: Tensor,
    sizes: np.ndarray | None = None,
    *,
    split: Sequence[int] | None = None,
    num_outputs: int | None = None,
    axis: int = 0,
    outputs: int,
) -> Any:
    """`x` cut into parts of given sizes, or of equal ones, the last maybe smaller."""
    parts = _ints(sizes, split)
    if parts is None:
        each = math.ceil(x.shape[axis] / (num_outputs or outputs))
        cuts = list(range(each, x.shape[axis], each))
    else:
        cuts = list(accumulate(parts[:-1]))
    found = ops.split(x, cuts, axis=axis)
    return tuple(found) if outputs > 1 else found[0]


def slice_(
    x: Tensor,
    first: np.ndarray | None = None,
    last: np.ndarray | None = None,
    along: np.ndarray | None = None,
    by: np.ndarray | None = None,
    *,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
) -> Tensor:
    """The elements from `starts` to before `ends`, in steps that may go backwards."""
    begin, end = _ints(first, starts) or [], _ints(last, ends) or []
    dims = _ints(along, axes) or list(range(len(begin)))
    steps = _ints(by, None) or [1] * len(begin)
    taken = [slice(None)] * x.ndim
    for d, low, high, step in zip(dims, begin, end, steps, strict=True):
        n = x.shape[d]
        start = low + n if low < 0 else low
        stop = high + n if high < 0 else high
        if step > 0:
            taken[d] = slice(min(max(start, 0), n), min(max(stop, 0), n), step)
        else:
            start, stop = min(max(start, 0), n - 1), min(max(stop, -1), n - 1)
            taken[d] = slice(start, None if stop < 0 else stop, step)
    return x[tuple(taken)]


def expand(x: Tensor, sizes: np.ndarray) -> Tensor:
    """`x` broadcast with a shape, which may be smaller."""
    return ops.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(int(n) for n in sizes)))


def tile(x: Tensor, repeats: np.ndarray) -> Tensor:
    """The whole, repeated along each dimension."""
    return ops.tile(x, [int(n) for n in repeats])


def pad(
    x: Tensor,
    margins: np.ndarray | None = None,
    filling: Tensor | None = None,
    along: np.ndarray | None = None,
    *,
    mode: str = "constant",
    pads: Sequence[int] | None = None,
    value: float = 0.0,
) -> Tensor:
    """Margins of a value or of elements, all beginnings before all ends; negative ones cut."""
    given = _ints(margins, pads) or []
    dims = _ints(along, None) or list(range(x.ndim))
    widths = [(0, 0)] * x.ndim
    for place, d in enumerate(dims):
        widths[d] = (given[place], given[place + len(dims)])
    if mode != "constant":
        return ops.pad(x, widths, mode)
    if filling is None:
        return ops.pad(x, widths, constant_values=value if dtypes.is_floating(x.dtype) else 0)
    # The filling is a tensor: it stands where a mask of ones does not reach.
    within = ops.pad(ops.ones(x.shape, dtype=dtypes.bool_), widths, constant_values=False)
    return ops.where(within, ops.pad(x, widths), ops.reshape(filling, ()))


def trilu(x: Tensor, diagonal: np.ndarray | None = None, *, upper: int = 1) -> Tensor:
    """The upper or the lower triangle."""
    k = 0 if diagonal is None else int(diagonal.item())
    return (ops.triu if upper else ops.tril)(x, k=k)


def eye_like(x: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    """Ones on a diagonal, in the shape of `x`."""
    rows, columns = x.shape
    return ops.eye(rows, columns, k=k, dtype=x.dtype if dtype is None else dtype_of(dtype))


def center_crop_pad(x: Tensor, sizes: np.ndarray, *, axes: Sequence[int] | None = None) -> Tensor:
    """The middle of `x`, or `x` in the middle of zeros."""
    widths = [(0, 0)] * x.ndim
    for d, n in zip(axes or range(x.ndim), sizes.tolist(), strict=True):
        before = (n - x.shape[d]) // 2 if n > x.shape[d] else -((x.shape[d] - n) // 2)
        widths[d] = (before, n - x.shape[d] - before)
    return ops.pad(x, widths)


TABLE: dict[str, Callable[..., Any]] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": lambda *xs, axis=1: ops.concat(list(xs), axis=axis),
    "Split": split,
    "Slice": slice_,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "Trilu": trilu,
    "EyeLike": eye_like,
    "CenterCropPad": center_crop_pad,
}

KNOWN = {
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Split", "Expand", "Tile"), (1,)),
    "Slice": (1, 2, 3, 4),
    "Pad": (1, 3),
    "Trilu": (1,),
    "CenterCropPad": (1,),
}
