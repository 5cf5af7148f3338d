"""Running sums, products, extremes and logarithms of sums, in log₂ n steps.

After step k every element holds the total of the 2ᵏ elements that end at it: the tensor, moved by
2ᵏ, is combined with itself (Hillis and Steele, "Data parallel algorithms", 1986). All steps are
slices, pads and elementwise ops, so derivatives and batching follow from theirs.
"""

import math
from collections.abc import Callable
from typing import Any

from slopec import dtypes, hlo
from slopec.ops.arithmetic import remainder
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axis_of,
    bad_argument,
    floating,
    refuse_complex,
)
from slopec.ops.data_types import astype
from slopec.ops.extremes import limits
from slopec.ops.joining import concat
from slopec.ops.logic import where
from slopec.ops.manipulation import part
from slopec.ops.powers import logaddexp
from slopec.ops.reductions import summed_type
from slopec.tensor import Scalar, Tensor

__all__ = [
    "cumlogsumexp",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "ediff1d",
    "unwrap",
]

Combine = Callable[[Tensor, Tensor], Tensor]


def _running(x: Tensor, axis: int, combine: Combine, neutral: Scalar) -> Tensor:
    size, reach = x.shape[axis], 1
    low, high = [0] * x.ndim, [0] * x.ndim
    filling = hlo.full((), neutral, x.dtype)
    while reach < size:
        low[axis] = reach
        moved = hlo.pad(part(x, axis, 0, size - reach), filling, low, high)
        x = combine(x, moved)
        reach *= 2
    return x


def _flat(name: str, x: ArrayLike, axis: int | None) -> tuple[Tensor, int]:
    """The operand and the axis from the front; a vector for None."""
    x = as_tensor(name, x)
    if axis is None:
        return hlo.reshape(x, (x.size,)), 0
    return x, axis_of(name, axis, x.ndim)


def _accumulated(
    name: str,
    x: ArrayLike,
    axis: int | None,
    dtype: Any,
    initial: bool,
    combine: Combine,
    neutral: int,
) -> Tensor:
    x, place = _flat(name, x, axis)
    if dtype is not None:
        x = astype(x, dtype)
    wide = summed_type(x.dtype)
    total = _running(hlo.convert(x, wide), place, combine, neutral)
    if initial:
        low = [int(d == place) for d in range(x.ndim)]
        total = hlo.pad(total, hlo.full((), neutral, wide), low, [0] * x.ndim)
    keeps = dtype is not None or dtypes.is_floating(x.dtype)
    return hlo.convert(total, x.dtype) if keeps else total


def cumulative_sum(
    x: ArrayLike,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Tensor:
    """The sums of the elements up to each one along `axis`; flattened for None.

    Types as for `sum`. With `include_initial` the results begin with the empty sum 0.

    >>> import slopec as sp
    >>> print(sp.cumulative_sum(sp.tensor([1, 2, 3])))
    tensor([1 3 6], int32[3], cpu)
    """
    return _accumulated("cumulative_sum", x, axis, dtype, include_initial, hlo.add, 0)


def cumulative_prod(
    x: ArrayLike,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Tensor:
    """The products of the elements up to each one along `axis`; flattened for None.

    Types as for `prod`. With `include_initial` the results begin with the empty product 1.

    >>> import slopec as sp
    >>> print(sp.cumulative_prod(sp.tensor([1, 2, 3])))
    tensor([1 2 6], int32[3], cpu)
    """
    return _accumulated("cumulative_prod", x, axis, dtype, include_initial, hlo.multiply, 1)


def cumsum(x: ArrayLike, /, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """`cumulative_sum` under NumPy's, JAX's and PyTorch's name.

    >>> import slopec as sp
    >>> print(sp.cumsum(sp.tensor([[1, 2], [3, 4]]), axis=1))
    tensor([[1 3]
            [3 7]], int32[2, 2], cpu)
    """
    return cumulative_sum(x, axis=axis, dtype=dtype)


def cumprod(x: ArrayLike, /, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """`cumulative_prod` under NumPy's, JAX's and PyTorch's name.

    >>> import slopec as sp
    >>> print(sp.cumprod(sp.tensor([2.0, 3.0, 4.0])))
    tensor([ 2.  6. 24.], float32[3], cpu)
    """
    return cumulative_prod(x, axis=axis, dtype=dtype)


def cummax(x: ArrayLike, /, axis: int | None = None) -> Tensor:
    """The largest element up to each one along `axis`; flattened for None; NaN from a NaN on.

    >>> import slopec as sp
    >>> print(sp.cummax(sp.tensor([1, 3, 2])))
    tensor([1 3 3], int32[3], cpu)
    """
    x, place = _flat("cummax", x, axis)
    refuse_complex("cummax", x)
    return _running(x, place, hlo.maximum, limits(x.dtype)[0])


def cummin(x: ArrayLike, /, axis: int | None = None) -> Tensor:
    """The smallest element up to each one along `axis`; flattened for None; NaN from a NaN on.

    >>> import slopec as sp
    >>> print(sp.cummin(sp.tensor([3, 1, 2])))
    tensor([3 1 1], int32[3], cpu)
    """
    x, place = _flat("cummin", x, axis)
    refuse_complex("cummin", x)
    return _running(x, place, hlo.minimum, limits(x.dtype)[1])


def cumlogsumexp(x: ArrayLike, /, axis: int | None = None) -> Tensor:
    """log Σ eˣ of the elements up to each one along `axis`, without overflow; flattened for None.

    >>> import slopec as sp
    >>> print(sp.cumlogsumexp(sp.tensor([0.0, 0.0])).numpy().round(4))
    [0.     0.6931]
    """
    x, place = _flat("cumlogsumexp", floating("cumlogsumexp", x), axis)
    return _running(x, place, logaddexp, -math.inf)


def diff(
    x: ArrayLike,
    /,
    n: int = 1,
    axis: int = -1,
    *,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Tensor:
    """The differences of neighbours along `axis`, taken `n` times; each makes it one shorter.

    `prepend` and `append` are put before and behind `x` first.

    >>> import slopec as sp
    >>> print(sp.diff(sp.tensor([1, 4, 9])))
    tensor([3 5], int32[2], cpu)
    """
    x = as_tensor("diff", x)
    if n < 0:
        raise bad_argument(f"diff: n is at least 0, got {n}")
    if not n:
        return x
    place = axis_of("diff", axis, x.ndim)
    ends = [None if end is None else as_tensor("diff", end) for end in (prepend, append)]
    if any(end is not None for end in ends):
        x = concat([part for part in (ends[0], x, ends[1]) if part is not None], axis=place)
    minus = hlo.xor if x.dtype == dtypes.bool_ else hlo.subtract
    for _ in range(n):
        size = x.shape[place]
        x = minus(part(x, place, min(1, size), size), part(x, place, 0, max(size - 1, 0)))
    return x


def ediff1d(
    x: ArrayLike, /, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> Tensor:
    """The differences of neighbours in the flattened tensor, between `to_begin` and `to_end`.

    >>> import slopec as sp
    >>> print(sp.ediff1d(sp.tensor([1, 4, 9]), to_end=0))
    tensor([3 5 0], int32[3], cpu)
    """
    x = as_tensor("ediff1d", x)
    parts = [to_begin, diff(hlo.reshape(x, (x.size,))), to_end]
    flat = [astype(part, x.dtype) for part in parts if part is not None]
    return concat([hlo.reshape(part, (part.size,)) for part in flat])


def unwrap(
    x: ArrayLike,
    /,
    discont: float | None = None,
    axis: int = -1,
    *,
    period: float = 2 * math.pi,
) -> Tensor:
    """Angles without jumps: multiples of `period` are added where neighbours are far apart.

    Jumps of `discont` and more are taken away, half a period at the least.

    >>> import slopec as sp
    >>> print(sp.unwrap(sp.tensor([0.0, 3.0, 6.0, 1.0]), period=7))
    tensor([0. 3. 6. 8.], float32[4], cpu)
    """
    x = floating("unwrap", x)
    refuse_complex("unwrap", x)
    place = axis_of("unwrap", axis, x.ndim)
    steps = diff(x, axis=place)
    half = period / 2
    least = max(half, half if discont is None else discont)
    short = remainder(steps + half, period) - half
    short = where((short == -half) & (steps > 0), half, short)
    change = where(abs(steps) < least, 0.0, short - steps)
    total = cumulative_sum(change, axis=place, include_initial=True)
    return x + total
