"""Elements at places along one dimension, in PyTorch's order of arguments.

As in PyTorch, there may be fewer places than elements in the other dimensions. With as many these
are `take_along_axis` and `put_along_axis`.
"""

from typing import Any

from slopec import dtypes
from slopec.ops.arithmetic import maximum
from slopec.ops.common import ArrayLike, as_tensor, bad_argument
from slopec.ops.creation import ones_like, zeros_like
from slopec.ops.extremes import limits
from slopec.ops.manipulation import broadcast_to, reshape
from slopec.ops.ranges import arange
from slopec.ops.taking import put_along_axis, take_along_axis
from slopec.ops.updating import update
from slopec.tensor import Tensor


def _grid(index: Tensor, axis: int, x: Tensor) -> tuple[Tensor, ...]:
    """An index for every dimension: the index along `axis`, and along others where they lie."""
    key = []
    for d, size in enumerate(index.shape):
        shape = [size if i == d else 1 for i in range(index.ndim)]
        key.append(reshape(arange(size), shape))
    key[axis % x.ndim] = index
    return tuple(key)


def _fits(x: Tensor, index: Tensor, axis: int) -> bool:
    """Whether the index cover all other dimensions."""
    others = [d for d in range(x.ndim) if d != axis % x.ndim]
    return all(x.shape[d] == index.shape[d] for d in others)


def gather(x: Tensor, axis: int, index: ArrayLike) -> Tensor:
    """For every place its element along `axis`."""
    index = as_tensor("gather", index)
    if not x.ndim:
        return broadcast_to(x, index.shape)
    if _fits(x, index, axis):
        return take_along_axis(x, index, axis=axis)
    return x[_grid(index, axis, x)]


_MODES = {"sum": "add", "add": "add", "prod": "multiply", "multiply": "multiply"}
_MODES |= {"amax": "max", "amin": "min"}


def _scattered(x: Tensor, axis: int, index: ArrayLike, src: Any, mode: str) -> Any:
    """`x` with elements of `src`, as many as there are indices, combined in along `axis`."""
    index = as_tensor("scatter", index)
    if not x.ndim:
        return _scattered(reshape(x, (1,)), 0, *_vectors(index, src), mode).reshape(())
    if isinstance(src, Tensor) and src.shape != index.shape:
        src = src[tuple(slice(size) for size in index.shape)]
    if _fits(x, index, axis):
        return put_along_axis(x, index, src, axis=axis, mode=mode)
    return update(x, _grid(index, axis, x), src, mode)


def _vectors(index: Tensor, src: Any) -> tuple[Tensor, Any]:
    flat = reshape(src, (src.size,)) if isinstance(src, Tensor) else src
    return reshape(index, (index.size,)), flat


def scatter(x: Tensor, axis: int, index: ArrayLike, src: Any, *, reduce: str | None = None) -> Any:
    """`x` with elements set along `axis`."""
    return _scattered(x, axis, index, src, "set" if reduce is None else _MODES[reduce])


def scatter_add(x: Tensor, axis: int, index: ArrayLike, src: ArrayLike) -> Any:
    """`x` with elements added along `axis`."""
    return _scattered(x, axis, index, src, "add")


def scatter_reduce(
    x: Tensor,
    axis: int,
    index: ArrayLike,
    src: ArrayLike,
    reduce: str,
    *,
    include_self: bool = True,
) -> Any:
    """`x` with elements combined in along `axis`; without `include_self`, what was there is not."""
    if reduce == "mean":
        return _mean(x, axis, index, src, include_self)
    if reduce not in _MODES:
        raise bad_argument(
            f"scatter_reduce: unknown reduction {reduce!r}; known are {', '.join(_MODES)}, mean"
        )
    start = x if include_self else _scattered(x, axis, index, _neutral(reduce, x), "set")
    return _scattered(start, axis, index, src, _MODES[reduce])


def _neutral(reduce: str, x: Tensor) -> Any:
    """What changes nothing in a reduction."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    low, high = limits(x.dtype)
    return low if reduce == "amax" else high


def _mean(x: Tensor, axis: int, index: ArrayLike, src: ArrayLike, include_self: bool) -> Any:
    start = x if include_self else _scattered(x, axis, index, 0, "set")
    total = _scattered(start, axis, index, src, "add")
    ones = ones_like(start) if include_self else zeros_like(start)
    count = maximum(_scattered(ones, axis, index, 1, "add"), 1)
    return total / count if dtypes.is_differentiable(x.dtype) else total // count
