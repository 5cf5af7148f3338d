"""Losses that compare: angles and distances between vectors, margins between scores."""

from collections.abc import Callable, Sequence

from slopec import dtypes, ops, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.nn.functional.activations import logsigmoid
from slopec.nn.functional.losses import Reduction, reduce_loss, same_shape
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "normalize",
    "pairwise_distance",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@operation
def normalize(x: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, eps) along `dim`.

    >>> import slopec as sp
    >>> print(normalize(sp.tensor([[3.0, 4.0]])))
    tensor([[0.6 0.8]], float32[1, 2], cpu)
    """
    return x / ops.maximum(ops.norm(x, p, axis=dim, keepdims=True), eps)


@operation
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x₁ · x₂ / (max(‖x₁‖, eps) max(‖x₂‖, eps)) along `dim`; both broadcast to one shape.

    For the derivative the maximum is a constant added to the norm, as in PyTorch.
    """
    x1, x2 = ops.broadcast_arrays(x1, x2)
    first, second = (x / _at_least(ops.norm(x, axis=dim, keepdims=True), eps) for x in (x1, x2))
    return ops.sum(first * second, axis=dim)


def _at_least(size: Tensor, eps: float) -> Tensor:
    more: Tensor = stop_gradient(ops.maximum(size, eps) - size)
    return size + more


def _positive(x: Tensor) -> Tensor:
    """max(0, x), whose slope at 0 is 1: a margin that is just met still pushes, as in PyTorch."""
    positive: Tensor = ops.where(x >= 0, x, 0)
    return positive


@operation
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension."""
    return ops.norm(x1 - x2 + eps, p, axis=-1, keepdims=keepdim)


@operation
def cosine_embedding_loss(
    x1: Tensor, x2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """1 − cos(x₁, x₂) for target 1, max(0, cos − margin) for −1; along the last dimension."""
    angle = cosine_similarity(x1, x2, dim=-1)
    values = ops.where(target > 0, 1.0 - angle, _positive(angle - margin))
    return reduce_loss(values, reduction)


@operation
def margin_ranking_loss(
    x1: Tensor, x2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """max(0, −t (x₁ − x₂) + margin) for t = 1 where x₁ should be larger, −1 where x₂."""
    return reduce_loss(_positive(target * (x2 - x1) + margin), reduction)


@operation
def hinge_embedding_loss(
    x: Tensor, target: Tensor, margin: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """x for target 1, max(0, margin − x) for −1; their sum for other targets, as in PyTorch."""
    near = ops.where(target == -1, 0, x)
    return reduce_loss(near + ops.where(target == 1, 0, _positive(margin - x)), reduction)


@operation
def soft_margin_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """log(1 + e^(−t x)) for targets 1 and −1."""
    same_shape("soft_margin_loss", x, target)
    return reduce_loss(-logsigmoid(target * x), reduction)


@operation
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin) (Schroff et al., 2015).

    With `swap` the negative is compared with the nearer of anchor and positive.
    """

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """`triplet_margin_loss` by a distance of your own; `pairwise_distance` by default."""
    if margin <= 0:
        raise bad_argument(f"triplet_margin_loss: the margin is positive, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduce_loss(_positive(near - far + margin), reduction)


# --- margins between classes -----------------------------------------------------------------


def _rows(name: str, x: Tensor, target: Tensor, shape: Sequence[int]) -> Tensor:
    """`x` as a matrix (N, C); raises ShapeError unless it is one, or a row, and the target fits."""
    if x.ndim not in (1, 2) or target.shape != tuple(shape):
        raise ShapeError(
            "S0101",
            f"{name}: input of shape {x.shape} and target of shape {target.shape}",
            span=tracing.here(),
            hint="the input is (N, C) or (C)",
        )
    return x if x.ndim == 2 else ops.expand_dims(x, 0)


@operation
def multi_margin_loss(
    x: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """Σⱼ w_t max(0, margin − x_t + xⱼ)ᵖ / C over the classes j that are not the label t.

    `x` holds scores (N, C) or (C), `target` labels (N) or a number.
    """
    if p not in (1, 2):
        raise bad_argument(f"multi_margin_loss: p is 1 or 2, got {p}")
    rows = _rows("multi_margin_loss", x, target, x.shape[:-1])
    labels = ops.reshape(target, (rows.shape[0], 1))
    own = ops.take_along_axis(rows, labels, axis=1)
    gaps = ops.relu(margin - own + rows) ** p
    gaps = gaps if weight is None else gaps * ops.take(weight, labels)
    others = ops.arange(rows.shape[1]) != labels
    values = ops.sum(ops.where(others, gaps, 0), axis=1) / rows.shape[1]
    return reduce_loss(ops.reshape(values, target.shape), reduction)


@operation
def multilabel_margin_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """Σᵢⱼ max(0, 1 − x_tⱼ + xᵢ) / C over labels tⱼ and classes i that are no label.

    `x` holds scores (N, C) or (C); a row of `target`, of the same shape, the labels before its
    first −1.
    """
    rows = _rows("multilabel_margin_loss", x, target, x.shape)
    labels = ops.reshape(target, rows.shape)
    given = ops.cumprod(ops.astype(labels >= 0, dtypes.int32), axis=1) != 0
    own = ops.take_along_axis(rows, ops.where(given, labels, 0), axis=1)
    classes = ops.arange(rows.shape[1])
    hit = (labels[:, :, None] == classes) & given[:, :, None]
    free = ops.logical_not(ops.any(hit, axis=1))
    gaps = ops.relu(1.0 - own[:, :, None] + rows[:, None, :])
    counted = given[:, :, None] & free[:, None, :]
    values = ops.sum(ops.where(counted, gaps, 0), axis=(1, 2)) / rows.shape[1]
    return reduce_loss(ops.reshape(values, x.shape[:-1]), reduction)


@operation
def multilabel_soft_margin_loss(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """The mean over the classes, the last dimension, of the binary cross entropy of logits."""
    values = -(target * logsigmoid(x) + (1.0 - target) * logsigmoid(-x))
    values = values if weight is None else values * weight
    return reduce_loss(ops.mean(values, axis=-1), reduction)
