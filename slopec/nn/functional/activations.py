"""Activations, losses and attention as functions of tensors, under PyTorch's names."""

import math
from typing import Any, Literal

from slopec import dtypes, hlo, ops, trace
from slopec.diagnostics import DTypeError, ShapeError
from slopec.tensor import Tensor

Reduction = Literal["mean", "sum", "none"]


def relu(x: Tensor) -> Tensor:
    """max(x, 0); its slope at 0 is 0, as PyTorch's.

    >>> import slopec as sp
    >>> print(relu(sp.tensor([-1.0, 0.0, 2.0])))
    tensor([0. 0. 2.], float32[3], cpu)
    """
    return ops.where(x > 0, x, 0)


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where positive, negative_slope·x elsewhere."""
    return ops.where(x > 0, x, x * negative_slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, α(eˣ − 1) elsewhere."""
    return ops.where(x > 0, x, alpha * ops.expm1(ops.where(x > 0, 0, x)))


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return hlo.logistic(x)


def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return hlo.tanh(x)


def silu(x: Tensor) -> Tensor:
    """x·sigmoid(x) (Elfwing et al., 2018)."""
    return x * hlo.logistic(x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), computed without overflow."""
    return ops.maximum(x, 0) + ops.log1p(ops.exp(-ops.abs(x)))


def gelu(x: Tensor, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """x·Φ(x) with the normal distribution Φ (Hendrycks & Gimpel, 2016).

    `approximate="tanh"` uses ½x(1 + tanh(√(2/π)(x + 0.044715x³))).

    >>> import slopec as sp
    >>> print(gelu(sp.tensor([0.0, 1.0])))
    tensor([0.        0.8413447], float32[2], cpu)
    """
    if approximate == "tanh":
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1.0 + hlo.tanh(inner))
    return 0.5 * x * (1.0 + hlo.erf(x * math.sqrt(0.5)))


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """eˣ / Σeˣ along `axis`, the maximum subtracted first.

    >>> import slopec as sp
    >>> print(softmax(sp.tensor([0.0, 0.0])))
    tensor([0.5 0.5], float32[2], cpu)
    """
    shifted = ops.exp(x - _constant_max(x, axis))
    return shifted / ops.sum(shifted, axis=axis, keepdims=True)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """log(softmax(x)), exact where softmax underflows."""
    shifted = x - _constant_max(x, axis)
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))


def _constant_max(x: Tensor, axis: int) -> Tensor:
    """The maximum along an axis, which the results do not depend on and derivatives skip."""
    from slopec.transforms import stop_gradient

    highest: Tensor = stop_gradient(ops.max(x, axis=axis, keepdims=True))
    return highest


def dropout(x: Tensor, p: float = 0.5, *, training: bool = True, key: Any = None) -> Tensor:
    """Zero elements with probability `p` and scale the others by 1 / (1 − p).

    Without `key` the next key of the current stream is taken (`sp.random.stream`).
    """
    if not training or p == 0.0:
        return x
    from slopec import random

    kept = random.bernoulli(random.next_key() if key is None else key, 1.0 - p, x.shape)
    return ops.where(kept, x / (1.0 - p), 0)


def reduce_loss(values: Tensor, reduction: Reduction) -> Tensor:
    """The mean or sum of a loss's values, or the values themselves."""
    if reduction == "none":
        return values
    return ops.mean(values) if reduction == "mean" else ops.sum(values)


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Tensor:
    """−Σ p log softmax(logits) along `axis`, for integer labels or probabilities p.

    `target` holds integers of the logits' shape without `axis`, or probabilities of the logits'
    shape. Labels equal to `ignore_index` count for nothing; `weight` gives each class a factor,
    and the mean is then weighted. Labels become one-hot by comparison, whose gradient needs no
    scatter.

    Raises ShapeError when the shapes do not fit together.

    >>> import slopec as sp
    >>> logits = sp.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> print(cross_entropy(logits, sp.tensor([0, 1])))
    tensor(0.12692805, float32[], cpu)
    """
    axis = axis % logits.ndim
    log_p = log_softmax(logits, axis)
    classes = logits.shape[axis]
    if dtypes.is_floating(target.dtype):
        return _soft_cross_entropy(log_p, target, weight, label_smoothing, reduction, axis)
    expected = (*logits.shape[:axis], *logits.shape[axis + 1 :])
    if target.shape != expected or not dtypes.is_integer(target.dtype):
        raise ShapeError(
            "S0101",
            f"cross_entropy: labels of type {target.dtype}{list(target.shape)} for logits of "
            f"shape {list(logits.shape)}, expected integers of shape {list(expected)}",
            span=trace.here(),
            hint="labels are integers without the class dimension; probabilities have all",
        )
    hot = ops.one_hot(target, classes, dtype=logits.dtype, axis=axis)
    counted = ops.astype(target != ignore_index, logits.dtype)
    if label_smoothing:
        hot = hot * (1.0 - label_smoothing) + label_smoothing / classes
        hot = hot * ops.expand_dims(counted, axis=axis)
    if weight is None:
        values = -ops.sum(hot * log_p, axis=axis)
        if reduction != "mean" or _never_ignored(target, ignore_index):
            return reduce_loss(values, reduction)
        return ops.sum(values) / ops.sum(counted)
    shaped = _along(weight, axis, logits.ndim)
    values = -ops.sum(hot * log_p * shaped, axis=axis)
    if reduction != "mean":
        return reduce_loss(values, reduction)
    one = ops.one_hot(target, classes, dtype=logits.dtype, axis=axis)
    return ops.sum(values) / ops.sum(one * shaped)


def _never_ignored(target: Tensor, ignore_index: int) -> bool:
    """Whether labels of this type cannot equal `ignore_index`."""
    return dtypes.is_unsigned(target.dtype) and ignore_index < 0


def _along(weight: Tensor, axis: int, rank: int) -> Tensor:
    shape = [1] * rank
    shape[axis] = weight.shape[0]
    return ops.reshape(weight, shape)


def _soft_cross_entropy(
    log_p: Tensor,
    target: Tensor,
    weight: Tensor | None,
    smoothing: float,
    reduction: Reduction,
    axis: int,
) -> Tensor:
    if target.shape != log_p.shape:
        raise ShapeError(
            "S0101",
            f"cross_entropy: probabilities of shape {target.shape} for logits of "
            f"shape {log_p.shape}",
            span=trace.here(),
        )
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / log_p.shape[axis]
    if weight is not None:
        target = target * _along(weight, axis, log_p.ndim)
    return reduce_loss(-ops.sum(target * log_p, axis=axis), reduction)


def nll_loss(log_p: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """−log p of the labelled class, given log-probabilities along the last dimension."""
    hot = ops.one_hot(target, log_p.shape[-1], dtype=log_p.dtype)
    return reduce_loss(-ops.sum(hot * log_p, axis=-1), reduction)


def mse_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """(x − target)²."""
    difference = x - target
    return reduce_loss(difference * difference, reduction)


def l1_loss(x: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """|x − target|."""
    return reduce_loss(ops.abs(x - target), reduction)


def huber_loss(
    x: Tensor, target: Tensor, delta: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """½d² where |d| ≤ δ, δ(|d| − ½δ) beyond, for d = x − target (Huber, 1964)."""
    size = ops.abs(x - target)
    values = ops.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return reduce_loss(values, reduction)


def binary_cross_entropy_with_logits(
    logits: Tensor, target: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), computed as max(x, 0) − tx + log(1 + e^−|x|)."""
    values = ops.maximum(logits, 0) - logits * target + ops.log1p(ops.exp(-ops.abs(logits)))
    return reduce_loss(values, reduction)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(q kᵀ · scale + mask) v (Vaswani et al., 2017).

    `query` has shape (…, T, D), `key` and `value` (…, S, D); the scale is 1/√D by default. `mask`
    broadcasts to (…, T, S): bool (True takes part) or added to the scores. `is_causal` lets
    position i see the first i + 1 keys.

    Raises ShapeError for head sizes that differ and DTypeError for an integer mask.

    >>> import slopec as sp
    >>> x = sp.ones((1, 2, 4))
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).shape
    (1, 2, 4)
    """
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            "S0101",
            f"attention: queries of size {query.shape[-1]} and keys of size {key.shape[-1]}",
            span=trace.here(),
        )
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ ops.matrix_transpose(key)
    if is_causal:
        seen = ops.tri(query.shape[-2], key.shape[-2], dtype=dtypes.bool_)
        scores = ops.where(seen, scores, -math.inf)
    if mask is not None:
        if dtypes.is_integer(mask.dtype):
            raise DTypeError("S0102", f"attention: a mask of {mask.dtype}", span=trace.here())
        scores = ops.where(mask, scores, -math.inf) if mask.dtype == dtypes.bool_ else scores + mask
    return softmax(scores) @ value
