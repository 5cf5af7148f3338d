"""Linear maps and lookups with given weights."""

from typing import Literal

from slopec import ops, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.ops.common import bad_argument
from slopec.ops.extremes import limits
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient

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
def embedding(
    indices: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of `weight` (n, d) at integers (…): (…, d); the derivative adds where rows recur.

    No derivative reaches the row `padding_idx`. Rows of a larger norm than `max_norm` are scaled
    down to it, while the table keeps them as they are. `scale_grad_by_freq` divides derivatives by
    how often a row is asked for; `sparse` chooses nothing: gradients have the table's shape.

    >>> import slopec as sp
    >>> print(embedding(sp.tensor([1, 1]), sp.tensor([[1.0, 0.0], [0.0, 4.0]])))
    tensor([[0. 4.]
            [0. 4.]], float32[2, 2], cpu)
    """
    if weight.ndim != 2:
        raise ShapeError(
            "S0101",
            f"embedding: weight of shape {weight.shape}, expected (n, d)",
            span=tracing.here(),
            hint="the indices come first: `embedding(indices, weight)`",
        )
    count = weight.shape[0]
    if padding_idx is not None:
        padding = ops.expand_dims(ops.arange(count) == padding_idx % count, 1)
        weight = ops.where(padding, stop_gradient(weight), weight)
    rows = ops.take(weight, indices, axis=0)
    if scale_grad_by_freq:
        often = ops.take(ops.bincount(indices, length=count), indices)
        slow = rows / ops.expand_dims(ops.astype(often, rows.dtype), -1)
        rows = slow + stop_gradient(rows - slow)
    if max_norm is None:
        return rows
    size = ops.norm(rows, norm_type, axis=-1, keepdims=True)
    within = ops.where(size > max_norm, rows * (max_norm / (size + 1e-7)), rows)
    result: Tensor = rows + stop_gradient(within - rows)
    return result


def embedding_bag(
    indices: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: Literal["sum", "mean", "max"] = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Rows of `weight` (n, d), combined in bags: (bags, d).

    `indices` (bags, k) are bags of one size; a vector is cut into bags at `offsets`, where they
    begin. What is `padding_idx` is left out. An empty bag gives zeros. For the other arguments see
    `embedding`.

    >>> import slopec as sp
    >>> bags = embedding_bag(sp.tensor([0, 1, 2]), sp.eye(3), sp.tensor([0, 2]), mode="sum")
    >>> print(bags)
    tensor([[1. 1. 0.]
            [0. 0. 1.]], float32[2, 3], cpu)
    """
    if offsets is None and indices.ndim != 2:
        raise ShapeError(
            "S0101",
            f"embedding_bag: indices of shape {indices.shape} and no offsets",
            span=tracing.here(),
            hint="indices are (bags, k), or a vector that `offsets` cuts into bags",
        )
    if per_sample_weights is not None and mode != "sum":
        raise bad_argument(f"embedding_bag: weights of samples are for mode 'sum', not {mode!r}")
    if offsets is None:
        starts = ops.arange(indices.shape[0]) * indices.shape[1]
        indices = ops.reshape(indices, -1)
        if per_sample_weights is not None:
            per_sample_weights = ops.reshape(per_sample_weights, -1)
    else:
        starts = offsets[:-1] if include_last_offset else offsets
    bag = ops.searchsorted(starts, ops.arange(indices.shape[0]), side="right") - 1
    counted = ops.ones_like(indices) if padding_idx is None else indices != padding_idx
    rows = embedding(indices, weight, None, max_norm, norm_type, scale_grad_by_freq)
    there = ops.expand_dims(counted, 1) != 0
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
