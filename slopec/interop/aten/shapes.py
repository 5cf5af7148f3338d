"""ATen's views and rearrangements: here they are values like all others."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.ops import spellings
from slopec.ops.data_types import bitcast
from slopec.tensor import Tensor


def view(x: Tensor, size: Any) -> Tensor:
    """`x` in another shape, or its bits as another dtype."""
    return ops.reshape(x, size) if isinstance(size, list | tuple) else bitcast(x, size)


def expand(x: Tensor, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    """`x` broadcast to `size`, where −1 keeps a size."""
    kept = (1,) * (len(size) - x.ndim) + x.shape
    return ops.broadcast_to(x, [k if n == -1 else n for n, k in zip(size, kept, strict=True)])


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    return ops.swapaxes(x, dim0, dim1) if x.ndim else x


def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """`x` without dimensions of size 1, of those named."""
    named = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return ops.squeeze(x, [d for d in named if x.ndim and x.shape[d] == 1])


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """`x` with a new dimension of size 1."""
    return ops.expand_dims(x, dim)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one behind the other; empty vectors count for nothing."""
    kept = [x for x in tensors if x.shape != (0,)]
    return ops.concat(kept or tensors, axis=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors in a new dimension."""
    return ops.stack(list(tensors), axis=dim)


def split_with_sizes(x: Tensor, sizes: Sequence[int], dim: int = 0) -> list[Tensor]:
    """`x` cut into parts of these sizes."""
    return ops.split(x, list(accumulate(sizes[:-1])), axis=dim)


def split(x: Tensor, size: int, dim: int = 0) -> list[Tensor]:
    """`x` cut into parts of one size, the last maybe smaller."""
    return ops.split(x, list(range(size, x.shape[dim], size)), axis=dim)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension."""
    return ops.unstack(x, axis=dim)


def slice_(
    x: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The slices from `start` to before `end`, which may lie beyond the last."""
    whole = [slice(None)] * x.ndim
    whole[dim] = slice(start, end, step)
    return x[tuple(whole)]


def roll(x: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> Tensor:
    """Elements moved around along dimensions."""
    given = shifts if len(shifts) > 1 else shifts[0]
    return ops.roll(x, given, axis=(tuple(dims) if len(dims) > 1 else dims[0]) if dims else None)


def repeat(x: Tensor, repeats: Sequence[int]) -> Tensor:
    """The whole, repeated along each dimension."""
    return ops.tile(x, repeats)


def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A diagonal, in a new last dimension."""
    return ops.diagonal(x, offset=offset, axis1=dim1, axis2=dim2)


def constant_pad(x: Tensor, pad: Sequence[int], value: Any = 0) -> Tensor:
    """Margins of one value, the last dimension's first."""
    return functional.pad(x, pad, value=value)


def _padding(mode: Any) -> Callable[[Tensor, Sequence[int]], Tensor]:
    return lambda x, padding: functional.pad(x, padding, mode=mode)


def _triangle(take: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, diagonal=0: take(x, k=diagonal)


def as_strided(
    x: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """The elements at regular places of the flattened tensor."""
    places = np.full(tuple(size), storage_offset or 0, np.int64)
    for d, (count, step) in enumerate(zip(size, stride, strict=True)):
        places += (np.arange(count) * step).reshape([-1 if i == d else 1 for i in range(len(size))])
    return ops.take(ops.ravel(x), places.astype(dtypes.int32))


TABLE: dict[str, Callable[..., Any]] = {
    "view": view,
    "_unsafe_view": view,
    "reshape": view,
    "expand": expand,
    "permute": ops.permute_dims,
    "transpose.int": transpose,
    "t": lambda x: transpose(x, 0, 1) if x.ndim == 2 else x,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "cat": cat,
    "stack": stack,
    "split_with_sizes": split_with_sizes,
    "split.Tensor": split,
    "unbind": unbind,
    "select.int": ops.select,
    "slice.Tensor": slice_,
    "select_scatter": ops.select_scatter,
    "slice_scatter": ops.slice_scatter,
    "diagonal_scatter": ops.diagonal_scatter,
    "flip": lambda x, dims: ops.flip(x, tuple(dims)),
    "roll": roll,
    "repeat": repeat,
    "diagonal": diagonal,
    "tril": _triangle(ops.tril),
    "triu": _triangle(ops.triu),
    "constant_pad_nd": constant_pad,
    **{f"reflection_pad{n}d": _padding("reflect") for n in (1, 2, 3)},
    **{f"replication_pad{n}d": _padding("replicate") for n in (1, 2, 3)},
    "unfold": spellings.unfold,
    "as_strided": as_strided,
}
