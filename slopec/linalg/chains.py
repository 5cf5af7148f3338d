"""Products of many matrices, and tensors that stand for matrices."""

import math
from collections.abc import Sequence

from slopec import tracing
from slopec.diagnostics import ShapeError
from slopec.linalg.systems import inv, solve
from slopec.ops import chain_matmul, moveaxis, reshape
from slopec.ops.common import ArrayLike, as_tensor, bad_argument
from slopec.tensor import Tensor


def multi_dot(arrays: Sequence[ArrayLike], /) -> Tensor:
    """The product of matrices in the cheapest order; the first may be a row, the last a column.

    Raises UsageError for fewer than two, ShapeError when sizes do not fit.

    >>> import slopec as sp
    >>> sp.linalg.multi_dot([sp.ones(2), sp.ones((2, 3)), sp.ones((3, 4))]).shape
    (4,)
    """
    tensors = [as_tensor("multi_dot", x) for x in arrays]
    if len(tensors) < 2:
        raise bad_argument(f"multi_dot: two matrices or more, got {len(tensors)}")
    first, *_, last = tensors
    shape = (*first.shape[:-1], *last.shape[1:])
    if first.ndim == 1:
        tensors[0] = reshape(first, (1, -1))
    if last.ndim == 1:
        tensors[-1] = reshape(last, (-1, 1))
    for x in tensors:
        if x.ndim != 2:
            raise ShapeError(
                "S0101",
                f"multi_dot: expected matrices, got shape {x.shape}",
                span=tracing.here(),
                hint="only the first and the last may be vectors; batches are for `matmul`",
            )
    return reshape(chain_matmul(*tensors), shape)


def tensorsolve(a: ArrayLike, b: ArrayLike, /, axes: Sequence[int] | None = None) -> Tensor:
    """x with tensordot(a, x, x.ndim) = b: the dimensions of `a` behind those of `b` are x's.

    `axes` of `a` are moved to its end first. Raises ShapeError where that is no square system.

    >>> import slopec as sp
    >>> a = sp.reshape(2.0 * sp.eye(6), (6, 2, 3))
    >>> sp.linalg.tensorsolve(a, sp.ones(6)).tolist()
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """
    left, right = as_tensor("tensorsolve", a), as_tensor("tensorsolve", b)
    if axes is not None:
        left = moveaxis(left, list(axes), list(range(-len(axes), 0)))
    unknown = left.shape[right.ndim :]
    matrix = _as_matrix("tensorsolve", left, right.ndim, right.size)
    return reshape(solve(matrix, reshape(right, -1)), unknown)


def tensorinv(a: ArrayLike, /, ind: int = 2) -> Tensor:
    """The inverse of what maps `a`'s dimensions from `ind` on to those before them.

    Raises ShapeError where these have different sizes.

    >>> import slopec as sp
    >>> sp.linalg.tensorinv(sp.reshape(sp.eye(6), (6, 2, 3)), ind=1).shape
    (2, 3, 6)
    """
    x = as_tensor("tensorinv", a)
    if not 0 < ind <= x.ndim:
        raise bad_argument(f"tensorinv: `ind` is from 1 to {x.ndim}, got {ind}")
    matrix = _as_matrix("tensorinv", x, ind, math.prod(x.shape[:ind]))
    return reshape(inv(matrix), (*x.shape[ind:], *x.shape[:ind]))


def _as_matrix(name: str, x: Tensor, rows: int, size: int) -> Tensor:
    """`x` as a square matrix, whose rows are its first dimensions."""
    if math.prod(x.shape[:rows]) != size or math.prod(x.shape[rows:]) != size:
        raise ShapeError(
            "S0101",
            f"{name}: shape {x.shape} is no square system for {size} values",
            span=tracing.here(),
        )
    return reshape(x, (size, size))
