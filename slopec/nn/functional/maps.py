"""Linear maps and lookups with given weights."""

from typing import Literal

from slopec import ops, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.ops.extremes import limits
from slopec.tensor import Tensor

__all__ = ["bilinear", "embedding", "embedding_bag", "linear"]


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


def embedding_bag(
    indices: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    *,
    mode: Literal["sum", "mean", "max"] = "mean",
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Rows of `weight` (n, d), combined in bags: (bags, d).

    `indices` (bags, k) are bags of one size; a vector is cut into bags at `offsets`, where they
    begin. What is `padding_idx` is left out. An empty bag gives zeros.

    >>> import slopec as sp
    >>> bags = embedding_bag(sp.tensor([0, 1, 2]), sp.eye(3), sp.tensor([0, 2]), mode="sum")
    >>> print(bags)
    tensor([[1. 1. 0.]
            [0. 0. 1.]], float32[2, 3], cpu)
    """
    if offsets is None:
        starts = ops.arange(indices.shape[0]) * indices.shape[1]
        indices = ops.reshape(indices, -1)
        if per_sample_weights is not None:
            per_sample_weights = ops.reshape(per_sample_weights, -1)
    else:
        starts = offsets[:-1] if include_last_offset else offsets
    bag = ops.searchsorted(starts, ops.arange(indices.shape[0]), side="right") - 1
    counted = ops.ones_like(indices) if padding_idx is None else indices != padding_idx
    rows, there = embedding(indices, weight), ops.expand_dims(counted, 1) != 0
    empty = (starts.shape[0], weight.shape[1])
    if mode == "max":
        low = limits(weight.dtype)[0]
        best = ops.full(empty, low, dtype=weight.dtype).at[bag].max(ops.where(there, rows, low))
        return ops.where(best == low, 0, best)
    if per_sample_weights is not None:
        rows = rows * ops.expand_dims(per_sample_weights, 1)
    total: Tensor = ops.zeros(empty, dtype=weight.dtype).at[bag].add(ops.where(there, rows, 0))
    if mode == "sum":
        return total
    size: Tensor = (
        ops.zeros((empty[0], 1), dtype=weight.dtype).at[bag].add(ops.astype(there, weight.dtype))
    )
    return total / ops.maximum(size, 1)
