"""How far vectors are from each other, as modules."""

from slopec.nn import functional
from slopec.nn.module import Module
from slopec.tensor import Tensor


class CosineSimilarity(Module):
    """x₁ · x₂ / (‖x₁‖ ‖x₂‖) along a dimension; see `functional.cosine_similarity`.

    >>> import slopec as sp
    >>> sp.nn.CosineSimilarity()(sp.ones((2, 3)), sp.ones((2, 3))).shape
    (2,)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        """The dimension of the vectors, and the smallest norm that is divided by."""
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Two tensors of one shape to that without the dimension."""
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """‖x₁ − x₂ + eps‖ₚ along the last dimension; see `functional.pairwise_distance`.

    >>> import slopec as sp
    >>> sp.nn.PairwiseDistance()(sp.ones((2, 3)), sp.zeros((2, 3))).shape
    (2,)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        """The norm, what keeps its derivative finite, and whether the dimension stays, as 1."""
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Vectors (…, D) to their distances (…)."""
        return functional.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)
