"""Norms of vectors and matrices, and condition numbers, which are made of them."""

import math
from typing import Any, Literal

from slopec import hlo
from slopec.linalg.operands import choice, matrix, square
from slopec.linalg.spectra import svdvals
from slopec.linalg.systems import inv
from slopec.ops import abs as absolute
from slopec.ops import max as largest
from slopec.ops import min as smallest
from slopec.ops import moveaxis
from slopec.ops import norm as elementwise_norm
from slopec.ops import sum as total
from slopec.ops.common import ArrayLike, floating
from slopec.tensor import Axis, Tensor

Order = float | Literal["fro", "nuc"]
_ORDERS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def vector_norm(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """(Σ|x|^ord)^(1/ord) over `axis`, all by default; `ord` may be ±inf and 0; see `sp.norm`.

    >>> import slopec as sp
    >>> print(sp.linalg.vector_norm(sp.tensor([3.0, -4.0]), ord=1))
    tensor(7., float32[], cpu)
    """
    return elementwise_norm(x, ord, axis, keepdims=keepdims)


def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Order = "fro") -> Tensor:
    """The norm of matrices (…, m, n).

    `ord` is "fro" for Frobenius', "nuc" for the sum of singular values, 2 or -2 for the largest or
    smallest of them, 1 or -1 for the largest or smallest sum of sizes in a column, inf or -inf in a
    row. Raises ShapeError for what is no matrix, UsageError for another `ord`.

    >>> import slopec as sp
    >>> print(sp.linalg.matrix_norm(sp.tensor([[1.0, -2.0], [3.0, 4.0]]), ord=1))
    tensor(6., float32[], cpu)
    """
    a = matrix("matrix_norm", x)
    if ord not in _ORDERS:
        raise choice("matrix_norm", "ord", ord, _ORDERS)
    if ord == "fro":
        return elementwise_norm(a, 2, (-2, -1), keepdims=keepdims)
    if ord == "nuc":
        found = total(svdvals(a), axis=-1)
        return _kept(found) if keepdims else found
    pick = largest if ord > 0 else smallest
    if abs(ord) == 2:
        found = pick(svdvals(a), axis=-1)
        return _kept(found) if keepdims else found
    sums = total(absolute(a), axis=-2 if abs(ord) == 1 else -1, keepdims=True)
    return pick(sums, axis=(-2, -1), keepdims=keepdims)


def _kept(x: Tensor) -> Tensor:
    return hlo.reshape(x, (*x.shape, 1, 1))


def norm(
    x: ArrayLike, /, ord: Order | None = None, axis: Axis = None, *, keepdims: bool = False
) -> Tensor:
    """NumPy's norm: of vectors along one axis, of matrices in two, of all elements for neither.

    Without `axis`, an `ord` asks for that norm of `x` itself, which has one or two dimensions.
    Raises UsageError for an `ord` that there is none of.

    >>> import slopec as sp
    >>> print(sp.linalg.norm(2.0 * sp.eye(3), "nuc"))
    tensor(6., float32[], cpu)
    """
    a = floating("norm", x)
    axes = (
        tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    )
    if ord is None or len(axes) == 1:
        return elementwise_norm(a, 2 if ord is None else _number(ord), axes, keepdims=keepdims)
    if len(axes) != 2:
        raise choice("norm", "the number of axes", len(axes), (1, 2))
    found = matrix_norm(moveaxis(a, axes, (-2, -1)), ord=ord)
    if not keepdims:
        return found
    kept = {axis % a.ndim for axis in axes}
    return hlo.reshape(found, [1 if d in kept else n for d, n in enumerate(a.shape)])


def _number(ord: Any) -> float:
    if isinstance(ord, str):
        raise choice("norm", "ord of a vector", ord, ("any number",))
    return float(ord)


def cond(x: ArrayLike, /, p: Order | None = None) -> Tensor:
    """The condition numbers (…) of matrices: |x| |x⁻¹| in the norm `p`, see `matrix_norm`.

    By default, and for 2 and -2, the ratio of singular values, which need not be of square
    matrices. Raises ShapeError for others that are not square.

    >>> import slopec as sp
    >>> print(sp.linalg.cond(sp.tensor([[2.0, 0.0], [0.0, 0.5]])))
    tensor(4., float32[], cpu)
    """
    if p in (None, 2, -2):
        values = svdvals(matrix("cond", x))
        ratio = hlo.divide(largest(values, axis=-1), smallest(values, axis=-1))
        return hlo.divide(hlo.full_like(ratio, 1), ratio) if p == -2 else ratio
    a = square("cond", x)
    assert p is not None
    return hlo.multiply(matrix_norm(a, ord=p), matrix_norm(inv(a), ord=p))
