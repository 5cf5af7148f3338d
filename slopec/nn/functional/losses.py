"""Losses between a prediction and a target; each ends in a mean, a sum, or nothing."""

import math
from typing import Literal

from slopec import dtypes, ops, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.lazy.record import operation
from slopec.nn.functional.activations import logsigmoid
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp, stop_gradient

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "reduce_loss",
    "smooth_l1_loss",
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


def same_shape(name: str, x: Tensor, target: Tensor) -> None:
    """Raise ShapeError for a target of another shape than the prediction."""
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
    same_shape("mse_loss", x, target)
    return reduce_loss(ops.square(x - target), reduction)


@operation
def l1_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """|x − target|; its slope is 0 where they are equal, as PyTorch's."""
    same_shape("l1_loss", x, target)
    difference = x - target
    if dtypes.is_complex(difference.dtype):
        return reduce_loss(ops.abs(difference), reduction)
    return reduce_loss(difference * ops.sign(difference), reduction)


@operation
def huber_loss(
    x: Tensor, target: Tensor, delta: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """½d² where |d| ≤ δ, δ(|d| − ½δ) beyond, for d = x − target (Huber, 1964)."""
    same_shape("huber_loss", x, target)
    if delta <= 0:
        raise bad_argument(f"huber_loss: delta is positive, got {delta}")
    size = ops.abs(x - target)
    values = ops.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return reduce_loss(values, reduction)


@operation
def smooth_l1_loss(
    x: Tensor, target: Tensor, beta: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """½d²/β where |d| < β, |d| − ½β beyond, for d = x − target (Girshick, 2015)."""
    if beta < 0:
        raise bad_argument(f"smooth_l1_loss: beta is at least 0, got {beta}")
    if beta == 0:
        return l1_loss(x, target, reduction=reduction)
    return huber_loss(x, target, beta, reduction=reduction) / beta


@operation
def binary_cross_entropy(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """−t log x − (1 − t) log(1 − x) of probabilities x; logarithms are at least −100.

    The slope is (x − t) / max(x (1 − x), 10⁻¹²), as PyTorch's, which is finite at 0 and 1.
    """
    same_shape("binary_cross_entropy", x, target)
    values = _cross_entropy(x, target)
    return reduce_loss(values if weight is None else values * weight, reduction)


@custom_jvp
def _cross_entropy(x: Tensor, target: Tensor) -> Tensor:
    ones, zeros = _logarithms(x)
    return (target - 1.0) * zeros - target * ones


@_cross_entropy.defjvp
def _(primals: tuple[Tensor, Tensor], tangents: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    (x, target), (dx, dtarget) = primals, tangents
    ones, zeros = _logarithms(x)
    slope = (x - target) / ops.maximum(x * (1.0 - x), 1e-12)
    return (target - 1.0) * zeros - target * ones, slope * dx + (zeros - ones) * dtarget


def _logarithms(x: Tensor) -> list[Tensor]:
    return [ops.maximum(ops.log(p), -100.0) for p in (x, 1.0 - x)]


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
    same_shape("binary_cross_entropy_with_logits", logits, target)
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
    same_shape("kl_div", x, target)
    if log_target:
        values = ops.exp(target) * (target - x)
    else:
        values = ops.xlogy(target, target) - target * x
    if reduction == "batchmean":
        return ops.sum(values) / (x.shape[0] if x.ndim else 1)
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
    same_shape("poisson_nll_loss", x, target)
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
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """½(log v + (x − t)² / v) with v = max(var, eps), a constant for the maximum's derivative.

    `var` broadcasts to the shape of `x`, or lacks its last dimension.
    """
    var = ops.astype(ops.asarray(var), x.dtype)
    if var.shape == x.shape[:-1] and var.ndim:
        var = ops.expand_dims(var, -1)
    if var.ndim > x.ndim or any(
        size not in (1, wanted)
        for size, wanted in zip(var.shape[::-1], x.shape[::-1], strict=False)
    ):
        raise ShapeError(
            "S0101",
            f"gaussian_nll_loss: variances of shape {var.shape} for input of shape {x.shape}",
            span=tracing.here(),
        )
    size = var + stop_gradient(ops.maximum(var, eps) - var)
    values = 0.5 * (ops.log(size) + ops.square(x - target) / size)
    return reduce_loss(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)
