"""Cross entropy of classes, given as labels or as probabilities.

A label becomes a comparison with the classes' numbers and picks by `select`: forward and backward
are elementwise ops and sums, with neither gather nor scatter. A label that is no class picks
nothing.
"""

from slopec import dtypes, hlo, ops, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.nn.functional.activations import log_softmax, shifted
from slopec.nn.functional.losses import Reduction, reduce_loss
from slopec.nn.functional.margins import normalize
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor

__all__ = ["accuracy", "cross_entropy", "info_nce", "nll_loss"]


def _class_dim(name: str, x: Tensor, target: Tensor, dim: int | None) -> int:
    """The classes' dimension, counted from the front; raises ShapeError unless the labels fit."""
    place = (1 if x.ndim > 1 else 0) if dim is None else dim % x.ndim
    expected = x.shape[:place] + x.shape[place + 1 :]
    if target.shape == expected and dtypes.is_integer(target.dtype):
        return place
    last = target.shape == x.shape[:-1] and dim is None
    raise ShapeError(
        "S0101",
        f"{name}: labels of type {target.dtype}{list(target.shape)} for input of shape "
        f"{list(x.shape)}, expected integers of shape {list(expected)}",
        span=tracing.here(),
        hint="the classes are dimension 1; if they are the last, say `dim=-1`"
        if last
        else "labels are integers without the class dimension; probabilities have all",
    )


def _picked(x: Tensor, target: Tensor, dim: int) -> Tensor:
    """The elements of `x` at the labels along `dim`, which disappears; 0 for no such class."""
    kept = [d for d in range(x.ndim) if d != dim]
    labels = hlo.broadcast_in_dim(target, x.shape, kept)
    chosen = hlo.compare(labels, hlo.iota(x.shape, dim, target.dtype), "EQ")
    return ops.sum(hlo.select(chosen, x, hlo.zeros_like(x)), axis=dim)


def _weights(weight: Tensor | None, x: Tensor, dim: int) -> Tensor | None:
    """Class weights along `dim`, broadcast to the shape of `x`."""
    if weight is None:
        return None
    if weight.shape != (x.shape[dim],):
        raise ShapeError(
            "S0101",
            f"{weight.shape} class weights for {x.shape[dim]} classes",
            span=tracing.here(),
        )
    return hlo.broadcast_in_dim(ops.astype(weight, x.dtype), x.shape, [dim])


def _reduced(
    values: Tensor, factors: Tensor | None, counted: Tensor, reduction: Reduction
) -> Tensor:
    """The loss of labelled rows: what is ignored counts for nothing, the mean is weighted."""
    values = ops.where(counted, values, 0)
    if reduction != "mean":
        return reduce_loss(values, reduction)
    shares = ops.astype(counted, values.dtype)
    return ops.sum(values) / ops.sum(shares if factors is None else shares * factors)


@operation
def cross_entropy(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
    dim: int | None = None,
) -> Tensor:
    """−Σ p log softmax(x) over the classes, for labels or probabilities p.

    `x` holds logits (N, C, …), the classes in dimension 1 (or the only one) unless `dim` says
    otherwise. `target` holds integers of the same shape without that dimension, or probabilities
    of the same shape. Labels equal to `ignore_index` count for nothing. `weight` (C) gives each
    class a factor, and the mean of labelled rows is then weighted. `label_smoothing` mixes the
    target with the uniform distribution.

    Raises ShapeError when the shapes do not fit together.

    >>> import slopec as sp
    >>> logits = sp.tensor([[2.0, 0.0], [0.0, 2.0]])
    >>> print(f"{cross_entropy(logits, sp.tensor([0, 1])):.4f}")
    0.1269
    """
    if not 0 <= label_smoothing <= 1:
        raise bad_argument(f"cross_entropy: label_smoothing is within 0 … 1, got {label_smoothing}")
    if dtypes.is_floating(target.dtype):
        place = (1 if x.ndim > 1 else 0) if dim is None else dim % x.ndim
        return _of_probabilities(x, target, weight, reduction, label_smoothing, place)
    place = _class_dim("cross_entropy", x, target, dim)
    below, factors = shifted(x, place), _weights(weight, x, place)
    total = ops.log(ops.sum(ops.exp(below), axis=place))
    values = total - _picked(below, target, place)
    own = None if factors is None else _picked(factors, target, place)
    if own is not None:
        values = values * own
    if label_smoothing:
        spread = _spread(below, total, factors, place)
        values = (1.0 - label_smoothing) * values + label_smoothing * spread
    return _reduced(values, own, ops.not_equal(target, ignore_index), reduction)


def _spread(below: Tensor, total: Tensor, factors: Tensor | None, dim: int) -> Tensor:
    """The cross entropy with the uniform distribution."""
    if factors is None:
        return total - ops.mean(below, axis=dim)
    return total * ops.mean(factors, axis=dim) - ops.mean(below * factors, axis=dim)


def _of_probabilities(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: Reduction,
    smoothing: float,
    dim: int,
) -> Tensor:
    if target.shape != x.shape:
        raise ShapeError(
            "S0101",
            f"cross_entropy: probabilities of shape {target.shape} for input of shape {x.shape}",
            span=tracing.here(),
        )
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / x.shape[dim]
    factors = _weights(weight, x, dim)
    products = target * log_softmax(x, dim)
    values = -ops.sum(products if factors is None else products * factors, axis=dim)
    return reduce_loss(values, reduction)


@operation
def nll_loss(
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    dim: int | None = None,
) -> Tensor:
    """−x at the labels, for log-probabilities x (N, C, …); arguments as for `cross_entropy`.

    >>> import slopec as sp
    >>> print(nll_loss(sp.tensor([[-1.0, -2.0]]), sp.tensor([1])))
    tensor(2., float32[], cpu)
    """
    place = _class_dim("nll_loss", x, target, dim)
    factors = _weights(weight, x, place)
    values = -_picked(x if factors is None else x * factors, target, place)
    own = None if factors is None else _picked(factors, target, place)
    return _reduced(values, own, ops.not_equal(target, ignore_index), reduction)


@operation
def accuracy(x: Tensor, target: Tensor, *, dim: int | None = None) -> Tensor:
    """The share of rows whose largest element along the classes' dimension is at the label.

    >>> import slopec as sp
    >>> print(accuracy(sp.tensor([[2.0, 1.0], [3.0, 4.0]]), sp.tensor([0, 0])))
    tensor(0.5, float32[], cpu)
    """
    place = _class_dim("accuracy", x, target, dim)
    right = ops.equal(ops.argmax(x, axis=place), target)
    return ops.mean(ops.astype(right, dtypes.float32))


@operation
def info_nce(x1: Tensor, x2: Tensor, temperature: float = 0.07) -> Tensor:
    """The contrastive loss of pairs (N, D): row i of each belongs to row i of the other.

    The mean of the cross entropies of cos(x₁, x₂) / temperature in both directions (van den Oord
    et al., 2018; Radford et al., *CLIP*, 2021).

    >>> import slopec as sp
    >>> print(f"{info_nce(sp.eye(4), sp.eye(4)).item():.4f}")
    0.0000
    """
    if x1.shape != x2.shape:
        raise ShapeError(
            "S0101", f"info_nce: pairs of shapes {x1.shape} and {x2.shape}", span=tracing.here()
        )
    logits = normalize(x1, dim=-1) @ ops.matrix_transpose(normalize(x2, dim=-1)) / temperature
    labels = ops.arange(x1.shape[0], dtype=dtypes.int32)
    return 0.5 * (cross_entropy(logits, labels) + cross_entropy(logits.T, labels))
