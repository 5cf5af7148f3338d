"""Dropout in its forms; keys come from the caller or from the current stream."""

from typing import Any

from slopec import ops, random, tracing
from slopec.diagnostics import UsageError
from slopec.lazy.record import operation
from slopec.ops.common import Shape
from slopec.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "feature_dropout",
    "rrelu",
]


def _kept(name: str, p: float, shape: Shape, key: Any) -> Tensor:
    """Booleans that are true with probability 1 − p."""
    if not 0.0 <= p <= 1.0:
        raise UsageError("S0106", f"{name}: p is a probability, got {p}", span=tracing.here())
    return _drawn(random.next_key() if key is None else key, 1.0 - p, shape)


@operation
def _drawn(key: Any, p: float, shape: Shape) -> Tensor:
    """Booleans by a program: outside a trace `random` would compute them with NumPy."""
    return random.bernoulli(key, p, shape)


def dropout(
    x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Any = None
) -> Tensor:
    """Zero elements with probability `p` and scale the others by 1 / (1 − p).

    Without `key` the next key of the current stream is taken (`sp.random.stream`).

    (Srivastava et al., *Dropout*, 2014.)

    >>> import slopec as sp
    >>> print(dropout(sp.ones(4), 0.5, key=sp.random.key(0)))
    tensor([0. 0. 2. 2.], float32[4], cpu)
    """
    if not training or p == 0.0:
        return x
    return _dropped(x, _kept("dropout", p, x.shape, key), p)


def _dropped(x: Tensor, kept: Tensor, p: float) -> Tensor:
    return ops.where(kept, x / (1.0 - p), 0) if p < 1.0 else ops.zeros_like(x)


def feature_dropout(
    x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, key: Any = None
) -> Tensor:
    """Dropout of whole channels of (N, C, …), which PyTorch calls dropout1d, 2d and 3d.

    (Tompson et al., *Efficient object localization*, 2015.)
    """
    if not training or p == 0.0:
        return x
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2))
    return _dropped(x, _kept("feature_dropout", p, shape, key), p)


dropout1d = dropout2d = dropout3d = feature_dropout


def alpha_dropout(
    x: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, key: Any = None
) -> Tensor:
    """Dropout that keeps mean and variance after `selu` (Klambauer et al., 2017)."""
    return _alpha("alpha_dropout", x, p, x.shape, training, key)


def feature_alpha_dropout(
    x: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, key: Any = None
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, …)."""
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2))
    return _alpha("feature_alpha_dropout", x, p, shape, training, key)


def _alpha(name: str, x: Tensor, p: float, shape: Shape, training: bool, key: Any) -> Tensor:
    if not training or p == 0.0:
        return x
    if p == 1.0:
        return ops.zeros_like(x)
    low = -1.7580993408473766  # selu's limit at −∞, −λα
    scale = ((1.0 - p) * (1.0 + p * low * low)) ** -0.5
    kept = _kept(name, p, shape, key)
    return ops.multiply(ops.where(kept, x, low) - p * low, scale)


def rrelu(
    x: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    key: Any = None,
) -> Tensor:
    """x where positive, a x elsewhere: a drawn uniformly, or the middle unless training.

    (Xu et al., *Empirical evaluation of rectified activations*, 2015.)

    >>> import slopec as sp
    >>> print(rrelu(sp.tensor([2.0, -12.0]), 0.0, 0.5))
    tensor([ 2. -3.], float32[2], cpu)
    """
    slope: Any = (lower + upper) / 2
    if training:
        drawn = random.next_key() if key is None else key
        slope = random.uniform(drawn, x.shape, minval=lower, maxval=upper)
        slope = ops.astype(slope, x.dtype)
    return ops.where(x > 0, x, x * slope)
