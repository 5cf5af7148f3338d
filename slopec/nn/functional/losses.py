"""Losses between a prediction and a target; each ends in a mean, a sum, or nothing."""

import math
from typing import Literal

from slopec import ops, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.lazy.record import operation
from slopec.nn.functional.activations import logsigmoid
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "normalize",
    "pairwise_distance",
    "poisson_nll_loss",
    "reduce_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]

Reduction = Literal["mean", "sum", "none"]


def reduce_loss(values: Tensor, reduction: str) -> Tensor:
    """The mean or sum of a loss's values, or the values themselves for "none"."""
    if reduction == "none":
        return values
    if reduction == "mean":
        return ops.mean(values)
    if reduction == "sum":
        return ops.sum(values)
    raise UsageError(
        "S0106",
        f"a loss's reduction is 'mean', 'sum' or 'none', got {reduction!r}",
        span=tracing.here(),
    )


def _same_shape(name: str, x: Tensor, target: Tensor) -> None:
    # Broadcasting a target by mistake gives a plausible and wrong loss.
    if x.shape != target.shape:
        raise ShapeError(
            "S0101",
            f"{name}: input of shape {x.shape} and target of shape {target.shape}",
            span=tracing.here(),
            hint="losses do not broadcast; reshape one of them",
        )


@operation
def mse_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """(x − target)².

    Raises ShapeError for different shapes, as all losses do.

    >>> import slopec as sp
    >>> print(mse_loss(sp.tensor([1.0, 2.0]), sp.tensor([0.0, 0.0])))
    tensor(2.5, float32[], cpu)
    """
    _same_shape("mse_loss", x, target)
    return reduce_loss(ops.square(x - target), reduction)


@operation
def l1_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """|x − target|; its slope is 0 where they are equal, as PyTorch's."""
    _same_shape("l1_loss", x, target)
    difference = x - target
    return reduce_loss(difference * ops.sign(difference), reduction)


@operation
def huber_loss(
    x: Tensor, target: Tensor, delta: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """½d² where |d| ≤ δ, δ(|d| − ½δ) beyond, for d = x − target (Huber, 1964)."""
    _same_shape("huber_loss", x, target)
    size = ops.abs(x - target)
    values = ops.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return reduce_loss(values, reduction)


@operation
def smooth_l1_loss(
    x: Tensor, target: Tensor, beta: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """½d²/β where |d| < β, |d| − ½β beyond, for d = x − target (Girshick, 2015)."""
    if beta == 0:
        return l1_loss(x, target, reduction=reduction)
    return huber_loss(x, target, beta, reduction=reduction) / beta


@operation
def binary_cross_entropy(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """−t log x − (1 − t) log(1 − x) of probabilities x; logarithms are at least −100."""
    _same_shape("binary_cross_entropy", x, target)
    ones, zeros = (ops.maximum(ops.log(p), -100.0) for p in (x, 1.0 - x))
    values = (target - 1.0) * zeros - target * ones
    return reduce_loss(values if weight is None else values * weight, reduction)


@operation
def binary_cross_entropy_with_logits(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)) of logits x, without overflow.

    `pos_weight` multiplies the first term, which changes the balance of precision and recall.

    >>> import slopec as sp
    >>> print(binary_cross_entropy_with_logits(sp.tensor([-1000.0]), sp.tensor([1.0])))
    tensor(1000., float32[], cpu)
    """
    _same_shape("binary_cross_entropy_with_logits", logits, target)
    positive = logsigmoid(logits)
    share = target if pos_weight is None else target * pos_weight
    values = (1.0 - target) * (logits - positive) - share * positive
    return reduce_loss(values if weight is None else values * weight, reduction)


@operation
def kl_div(
    x: Tensor,
    target: Tensor,
    *,
    reduction: Literal["mean", "sum", "none", "batchmean"] = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t − x) for log-probabilities x and probabilities t (or their logarithms).

    "batchmean" divides the sum by the first size, which is the divergence's definition.
    """
    _same_shape("kl_div", x, target)
    if log_target:
        values = ops.exp(target) * (target - x)
    else:
        values = ops.xlogy(target, target) - target * x
    if reduction == "batchmean":
        return ops.sum(values) / x.shape[0]
    return reduce_loss(values, reduction)


@operation
def poisson_nll_loss(
    x: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """eˣ − t x, or x − t log(x + eps) without `log_input`; `full` adds Stirling's log t!."""
    _same_shape("poisson_nll_loss", x, target)
    values = ops.exp(x) - target * x if log_input else x - target * ops.log(x + eps)
    if full:
        safe = ops.maximum(target, 1.0)
        factorial = safe * ops.log(safe) - safe + 0.5 * ops.log(2.0 * math.pi * safe)
        values = values + ops.where(target > 1, factorial, 0)
    return reduce_loss(values, reduction)


@operation
def gaussian_nll_loss(
    x: Tensor,
    target: Tensor,
    var: Tensor,
    full: bool = False,
    eps: float = 1e-6,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """½(log v + (x − t)² / v) with v = max(var, eps), a constant for the maximum's derivative."""
    _same_shape("gaussian_nll_loss", x, target)
    size = var + stop_gradient(ops.maximum(var, eps) - var)
    values = 0.5 * (ops.log(size) + ops.square(x - target) / size)
    return reduce_loss(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)


# --- distances and angles --------------------------------------------------------------------


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
    """x₁ · x₂ / (max(‖x₁‖, eps) max(‖x₂‖, eps)) along `dim`."""
    first, second = (x / ops.maximum(ops.norm(x, axis=dim, keepdims=True), eps) for x in (x1, x2))
    return ops.sum(first * second, axis=dim)


@operation
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6) -> Tensor:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension."""
    return ops.norm(x1 - x2 + eps, p, axis=-1)


@operation
def cosine_embedding_loss(
    x1: Tensor, x2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """1 − cos(x₁, x₂) for target 1, max(0, cos − margin) for −1; along the last dimension."""
    angle = cosine_similarity(x1, x2, dim=-1)
    values = ops.where(target > 0, 1.0 - angle, ops.relu(angle - margin))
    return reduce_loss(values, reduction)


@operation
def margin_ranking_loss(
    x1: Tensor, x2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """max(0, −t (x₁ − x₂) + margin) for t = 1 where x₁ should be larger, −1 where x₂."""
    return reduce_loss(ops.relu(target * (x2 - x1) + margin), reduction)


@operation
def hinge_embedding_loss(
    x: Tensor, target: Tensor, margin: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """x for target 1, max(0, margin − x) for −1."""
    return reduce_loss(ops.where(target > 0, x, ops.relu(margin - x)), reduction)


@operation
def soft_margin_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """log(1 + e^(−t x)) for targets 1 and −1."""
    _same_shape("soft_margin_loss", x, target)
    return reduce_loss(-logsigmoid(target * x), reduction)


@operation
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin) (Schroff et al., 2015)."""
    near, far = (pairwise_distance(anchor, x, p, eps) for x in (positive, negative))
    return reduce_loss(ops.relu(near - far + margin), reduction)
