"""Pooling to a given size, whatever the size of the input: adaptive and global pools."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import hlo
from slopec.ops.common import ArrayLike, as_tensor, bad_argument
from slopec.ops.extremes import max as max_
from slopec.ops.manipulation import part
from slopec.ops.pool_places import between, largest
from slopec.ops.reductions import mean
from slopec.tensor import Tensor

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "global_avg_pool",
    "global_max_pool",
]


def _checked(name: str, x: Tensor, output_size: Sequence[int | None]) -> None:
    if len(output_size) > x.ndim or any(n is not None and n < 0 for n in output_size):
        raise bad_argument(
            f"{name}: output_size {tuple(output_size)} for an input of shape {x.shape}"
        )


def _edges(size: int, wanted: int | None) -> list[tuple[int, int]]:
    """Where each window begins and ends."""
    count = size if wanted is None else wanted
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _adaptive(
    name: str, x: ArrayLike, output_size: Sequence[int | None], reduce: Callable[..., Tensor]
) -> Tensor:
    """The last dimensions reduced to `output_size`, one after the other."""
    x = as_tensor(name, x)
    _checked(name, x, output_size)
    first = x.ndim - len(output_size)
    for axis, wanted in enumerate(output_size, first):
        size, edges = x.shape[axis], _edges(x.shape[axis], wanted)
        count = len(edges)
        if not count:
            x = part(x, axis, 0, 0)
        elif size % count == 0:
            shape = (*x.shape[:axis], count, size // count, *x.shape[axis + 1 :])
            x = reduce(hlo.reshape(x, shape), axis + 1)
        else:
            pieces = [reduce(part(x, axis, a, b), axis, keepdims=True) for a, b in edges]
            x = hlo.concatenate(pieces, axis)
    return x


def adaptive_avg_pool(x: ArrayLike, output_size: Sequence[int | None], /) -> Tensor:
    """The means of `output_size` windows of nearly equal size over the last dimensions.

    Window i of n over a size s goes from ⌊i s / n⌋ to ⌈(i + 1) s / n⌉; None keeps a dimension.

    >>> import slopec as sp
    >>> print(sp.adaptive_avg_pool(sp.tensor([[1.0, 2.0, 3.0]]), (2,)))
    tensor([[1.5 2.5]], float32[1, 2], cpu)
    """
    return _adaptive("adaptive_avg_pool", x, output_size, mean)


def adaptive_max_pool(
    x: ArrayLike, output_size: Sequence[int | None], /, *, return_indices: bool = False
) -> Any:
    """The largest elements of `output_size` windows; windows as for `adaptive_avg_pool`.

    With `return_indices` their places come second, as for `max_pool2d`.

    >>> import slopec as sp
    >>> print(sp.adaptive_max_pool(sp.tensor([[1.0, 2.0, 3.0]]), (2,)))
    tensor([[2. 3.]], float32[1, 2], cpu)
    """
    if not return_indices:
        return _adaptive("adaptive_max_pool", x, output_size, max_)
    x = as_tensor("adaptive_max_pool", x)
    _checked("adaptive_max_pool", x, output_size)
    sizes = x.shape[x.ndim - len(output_size) :]
    return largest(x, between([_edges(n, m) for n, m in zip(sizes, output_size, strict=True)]))


def global_avg_pool(x: ArrayLike, /, *, keepdims: bool = False) -> Tensor:
    """The mean over all spatial dimensions of (N, C, …): (N, C), or with 1s if `keepdims`.

    >>> import slopec as sp
    >>> sp.global_avg_pool(sp.ones((2, 3, 8, 8))).shape
    (2, 3)
    """
    x = as_tensor("global_avg_pool", x)
    return mean(x, range(2, x.ndim), keepdims=keepdims)


def global_max_pool(x: ArrayLike, /, *, keepdims: bool = False) -> Tensor:
    """The largest element over all spatial dimensions of (N, C, …); see `global_avg_pool`.

    >>> import slopec as sp
    >>> sp.global_max_pool(sp.ones((2, 3, 8, 8)), keepdims=True).shape
    (2, 3, 1, 1)
    """
    x = as_tensor("global_max_pool", x)
    return max_(x, range(2, x.ndim), keepdims=keepdims)
