"""Distances between all rows of one matrix and all of another, or among themselves."""

import numpy as np

from slopec import ops
from slopec.lazy.record import operation
from slopec.tensor import Tensor

__all__ = ["cdist", "pdist"]


@operation
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """‖x₁ᵢ − x₂ⱼ‖ₚ of all rows (…, P, M) and (…, R, M): (…, P, R).

    `p` is a number from 0 (how many coordinates differ) to inf. The derivative at distance 0 is 0.

    >>> import slopec as sp
    >>> print(cdist(sp.tensor([[0.0, 0.0], [3.0, 4.0]]), sp.zeros((1, 2))))
    tensor([[0.]
            [5.]], float32[2, 1], cpu)
    """
    return ops.norm(x1[..., :, None, :] - x2[..., None, :, :], p, axis=-1)


@operation
def pdist(x: Tensor, p: float = 2.0) -> Tensor:
    """‖xᵢ − xⱼ‖ₚ for all i < j of the rows of a matrix, as a vector.

    >>> import slopec as sp
    >>> print(pdist(sp.tensor([[0.0], [1.0], [3.0]])))
    tensor([1. 3. 2.], float32[3], cpu)
    """
    i, j = np.triu_indices(x.shape[0], 1)
    return ops.norm(x[i.astype(np.int32)] - x[j.astype(np.int32)], p, axis=-1)
