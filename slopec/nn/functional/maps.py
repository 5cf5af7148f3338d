"""Linear maps and lookups with given weights."""

from slopec import ops, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.tensor import Tensor

__all__ = ["bilinear", "embedding", "linear"]


@operation
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b for x (…, in) and `weight` (out, in).

    Raises ShapeError when the last size of `x` is not the weight's.

    >>> import slopec as sp
    >>> print(linear(sp.tensor([1.0, 2.0]), sp.tensor([[3.0, 4.0]]), sp.tensor([5.0])))
    tensor([16.], float32[1], cpu)
    """
    if not x.ndim or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            "S0101",
            f"linear: input of shape {x.shape} for a weight of shape {weight.shape}; "
            f"its last size must be {weight.shape[1]}",
            span=tracing.here(),
            hint="`x.shape` is known here: print it to see where the size comes from",
        )
    result: Tensor = x @ weight.T
    return result if bias is None else result + bias


@operation
def bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Σᵢⱼ x₁ᵢ Wₖᵢⱼ x₂ⱼ + bₖ for (…, in₁), (…, in₂) and `weight` (out, in₁, in₂)."""
    result: Tensor = ops.einsum("...i,kij,...j->...k", x1, weight, x2)
    return result if bias is None else result + bias


@operation
def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Rows of `weight` (n, d) at integers (…): (…, d); the derivative adds where rows recur."""
    return ops.take(weight, indices, axis=0)
