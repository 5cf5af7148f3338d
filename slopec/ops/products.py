"""Products that add to something, and sums of matrices, under PyTorch's names."""

from functools import reduce
from itertools import pairwise

from slopec import dtypes, hlo
from slopec.ops.arithmetic import add, multiply, subtract
from slopec.ops.common import ArrayLike, as_tensor
from slopec.ops.extremes import norm
from slopec.ops.linear import matmul, outer
from slopec.ops.manipulation import reshape
from slopec.ops.reductions import sum as sum_
from slopec.tensor import Scalar, Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "chain_matmul",
    "dist",
    "vdot",
]


def _sum(x: ArrayLike, product: Tensor, beta: Scalar, alpha: Scalar) -> Tensor:
    scaled = product if alpha == 1 else multiply(product, alpha)
    # As in PyTorch, what beta = 0 hides may be NaN.
    return scaled if beta == 0 else add(x if beta == 1 else multiply(x, beta), scaled)


def addmm(
    x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Tensor:
    """beta · x + alpha · x1 x2, of matrices.

    >>> import slopec as sp
    >>> print(sp.addmm(sp.ones(2), sp.eye(2), sp.eye(2), alpha=3))
    tensor([[4. 1.]
            [1. 4.]], float32[2, 2], cpu)
    """
    return _sum(x, matmul(x1, x2), beta, alpha)


def baddbmm(
    x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Tensor:
    """beta · x + alpha · x1 x2, of batches of matrices.

    >>> import slopec as sp
    >>> sp.baddbmm(sp.ones(3), sp.ones((4, 2, 5)), sp.ones((4, 5, 3))).shape
    (4, 2, 3)
    """
    return _sum(x, matmul(x1, x2), beta, alpha)


def addbmm(
    x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Tensor:
    """beta · x + alpha · Σ x1 x2, the sum over the batch.

    >>> import slopec as sp
    >>> sp.addbmm(sp.ones(3), sp.ones((4, 2, 5)), sp.ones((4, 5, 3))).shape
    (2, 3)
    """
    return _sum(x, sum_(matmul(x1, x2), axis=0), beta, alpha)


def addmv(
    x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Tensor:
    """beta · x + alpha · x1 x2, of a matrix and a vector.

    >>> import slopec as sp
    >>> print(sp.addmv(sp.ones(2), sp.eye(2), sp.ones(2)))
    tensor([2. 2.], float32[2], cpu)
    """
    return _sum(x, matmul(x1, x2), beta, alpha)


def addr(
    x: ArrayLike, x1: ArrayLike, x2: ArrayLike, /, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Tensor:
    """beta · x + alpha · x1 ⊗ x2, of two vectors.

    >>> import slopec as sp
    >>> sp.addr(sp.zeros((2, 3)), sp.ones(2), sp.ones(3)).shape
    (2, 3)
    """
    return _sum(x, outer(x1, x2), beta, alpha)


def chain_matmul(*matrices: ArrayLike) -> Tensor:
    """The product of matrices, in the cheapest order.

    >>> import slopec as sp
    >>> sp.chain_matmul(sp.ones((2, 3)), sp.ones((3, 4)), sp.ones((4, 1))).shape
    (2, 1)
    """
    from slopec.ops.einstein import einsum

    tensors = [as_tensor("chain_matmul", x) for x in matrices]
    if len(tensors) < 3:
        return reduce(matmul, tensors)
    letters = [chr(ord("a") + i) for i in range(len(tensors) + 1)]
    terms = ",".join(a + b for a, b in pairwise(letters))
    return einsum(f"{terms}->{letters[0]}{letters[-1]}", *tensors)


def vdot(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Σ conj(x1) x2 over all elements.

    >>> import slopec as sp
    >>> print(sp.vdot(sp.tensor([1j]), sp.tensor([1j])))
    tensor(1.+0.j, complex64[], cpu)
    """
    x = as_tensor("vdot", x1)
    return matmul(reshape(hlo.conj(x) if dtypes.is_complex(x.dtype) else x, -1), reshape(x2, -1))


def dist(x1: ArrayLike, x2: ArrayLike, /, p: float = 2) -> Tensor:
    """‖x1 − x2‖ₚ of all elements, with broadcasting.

    >>> import slopec as sp
    >>> print(sp.dist(sp.tensor([3.0, 0.0]), sp.tensor([0.0, 4.0])))
    tensor(5., float32[], cpu)
    """
    return norm(subtract(x1, x2), p)
