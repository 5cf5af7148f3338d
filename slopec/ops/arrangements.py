"""Stacks, splits and diagonals of fixed axes, and combinations of elements."""

from collections.abc import Sequence
from itertools import combinations as _combinations
from itertools import combinations_with_replacement

import numpy as np

from slopec import hlo
from slopec.ops.common import ArrayLike, as_tensor, axis_of, common_dtype, floating
from slopec.ops.creation import asarray, zeros
from slopec.ops.data_types import astype
from slopec.ops.joining import array_split, concat, stack
from slopec.ops.manipulation import atleast_2d, expand_dims, moveaxis, reshape
from slopec.ops.matrices import diag
from slopec.ops.powers import pow
from slopec.ops.ranges import meshgrid
from slopec.ops.repetition import flip
from slopec.ops.selecting import diagonal_scatter
from slopec.ops.taking import take
from slopec.tensor import Tensor

__all__ = [
    "atleast_3d",
    "block_diag",
    "cartesian_prod",
    "combinations",
    "diag_embed",
    "diagflat",
    "dsplit",
    "dstack",
    "fliplr",
    "flipud",
    "hsplit",
    "tensor_split",
    "vander",
    "vsplit",
]


def fliplr(x: ArrayLike, /) -> Tensor:
    """`x` with its second axis reversed.

    >>> import slopec as sp
    >>> print(sp.fliplr(sp.tensor([[1, 2]])))
    tensor([[2 1]], int32[1, 2], cpu)
    """
    return flip(x, axis=1)


def flipud(x: ArrayLike, /) -> Tensor:
    """`x` with its first axis reversed.

    >>> import slopec as sp
    >>> print(sp.flipud(sp.tensor([1, 2])))
    tensor([2 1], int32[2], cpu)
    """
    return flip(x, axis=0)


def atleast_3d(x: ArrayLike, /) -> Tensor:
    """`x` with dimensions of size 1, around a vector and behind a matrix, to make three.

    >>> import slopec as sp
    >>> sp.atleast_3d(sp.ones((2, 3))).shape
    (2, 3, 1)
    """
    x = as_tensor("atleast_3d", x)
    if x.ndim >= 3:
        return x
    return expand_dims(atleast_2d(x), 2)


def dstack(arrays: Sequence[ArrayLike], /) -> Tensor:
    """Tensors joined along the third axis, each made of three dimensions first.

    >>> import slopec as sp
    >>> sp.dstack([sp.ones(2), sp.ones(2)]).shape
    (1, 2, 2)
    """
    return concat([atleast_3d(x) for x in arrays], axis=2)


def tensor_split(x: ArrayLike, sections: int | Sequence[int], /, axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into nearly equal parts, or before the places given.

    >>> import slopec as sp
    >>> [part.shape for part in sp.tensor_split(sp.ones(5), 2)]
    [(3,), (2,)]
    """
    return array_split(x, sections, axis=axis)


def hsplit(x: ArrayLike, sections: int | Sequence[int], /) -> list[Tensor]:
    """`x` cut along its second axis, a vector along its only one.

    >>> import slopec as sp
    >>> [part.shape for part in sp.hsplit(sp.ones((2, 4)), 2)]
    [(2, 2), (2, 2)]
    """
    x = as_tensor("hsplit", x)
    return array_split(x, sections, axis=0 if x.ndim == 1 else 1)


def vsplit(x: ArrayLike, sections: int | Sequence[int], /) -> list[Tensor]:
    """`x` cut along its first axis.

    >>> import slopec as sp
    >>> [part.shape for part in sp.vsplit(sp.ones((4, 2)), 2)]
    [(2, 2), (2, 2)]
    """
    return array_split(x, sections, axis=0)


def dsplit(x: ArrayLike, sections: int | Sequence[int], /) -> list[Tensor]:
    """`x` cut along its third axis.

    >>> import slopec as sp
    >>> [part.shape for part in sp.dsplit(sp.ones((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return array_split(x, sections, axis=2)


def diag_embed(x: ArrayLike, /, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Tensor:
    """Matrices whose diagonals, in `axis1` and `axis2` of the result, are the last axis of `x`.

    >>> import slopec as sp
    >>> print(sp.diag_embed(sp.tensor([1.0, 2.0])))
    tensor([[1. 0.]
            [0. 2.]], float32[2, 2], cpu)
    """
    x = as_tensor("diag_embed", x)
    size = x.shape[-1] + abs(offset)
    empty = zeros((*x.shape[:-1], size, size), dtype=x.dtype)
    filled = diagonal_scatter(empty, x, offset, -2, -1)
    places = (axis_of("diag_embed", axis1, filled.ndim), axis_of("diag_embed", axis2, filled.ndim))
    return moveaxis(filled, (-2, -1), places)


def diagflat(x: ArrayLike, /, offset: int = 0) -> Tensor:
    """A matrix with all elements of `x` on its diagonal.

    >>> import slopec as sp
    >>> sp.diagflat(sp.ones((2, 2))).shape
    (4, 4)
    """
    x = as_tensor("diagflat", x)
    return diag(hlo.reshape(x, (x.size,)), k=offset)


def block_diag(*arrays: ArrayLike) -> Tensor:
    """Matrices along the diagonal of one, zeros elsewhere.

    >>> import slopec as sp
    >>> print(sp.block_diag(sp.ones((1, 2)), sp.tensor([[5.0]])))
    tensor([[1. 1. 0.]
            [0. 0. 5.]], float32[2, 3], cpu)
    """
    blocks = [atleast_2d(as_tensor("block_diag", x)) for x in arrays]
    dtype, width = common_dtype(blocks), sum(block.shape[1] for block in blocks)
    rows, left = [], 0
    for block in blocks:
        right = width - left - block.shape[1]
        given = astype(block, dtype)
        parts = [
            zeros((block.shape[0], left), dtype=dtype),
            given,
            zeros((block.shape[0], right), dtype=dtype),
        ]
        rows.append(concat([part for part in parts if part.shape[1] or part is given], axis=1))
        left += block.shape[1]
    return concat(rows, axis=0)


def cartesian_prod(*arrays: ArrayLike) -> Tensor:
    """All tuples of an element of each vector, as rows in order; one vector stays what it is.

    >>> import slopec as sp
    >>> print(sp.cartesian_prod(sp.tensor([1, 2]), sp.tensor([5, 6])).tolist())
    [[1, 5], [1, 6], [2, 5], [2, 6]]
    """
    vectors = [as_tensor("cartesian_prod", x) for x in arrays]
    if len(vectors) == 1:
        return vectors[0]
    grids = meshgrid(*vectors, indexing="ij")
    return stack([reshape(grid, -1) for grid in grids], axis=1)


def combinations(x: ArrayLike, /, r: int = 2, *, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector, as rows in order.

    >>> import slopec as sp
    >>> print(sp.combinations(sp.tensor([1, 2, 3])).tolist())
    [[1, 2], [1, 3], [2, 3]]
    """
    x = as_tensor("combinations", x)
    choose = combinations_with_replacement if with_replacement else _combinations
    places = np.array(list(choose(range(x.size), r)), dtype=np.int32).reshape(-1, r)
    return take(x, asarray(places), axis=0)


def vander(x: ArrayLike, /, n: int | None = None, *, increasing: bool = False) -> Tensor:
    """The powers n − 1 … 0 of each element of a vector, as rows; 0 … n − 1 if `increasing`.

    >>> import slopec as sp
    >>> print(sp.vander(sp.tensor([2.0, 3.0]), 3))
    tensor([[4. 2. 1.]
            [9. 3. 1.]], float32[2, 3], cpu)
    """
    base = floating("vander", x)
    count = base.shape[0] if n is None else n
    powers = np.arange(count, dtype=np.float32)
    raised = powers if increasing else powers[::-1].copy()
    return pow(expand_dims(base, 1), astype(asarray(raised), base.dtype))
