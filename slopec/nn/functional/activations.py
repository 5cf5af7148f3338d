"""Activations, element by element; softmax and its kin, along a dimension."""

import math
from typing import Any, Literal

from slopec import ops, random, tracing
from slopec.diagnostics import ShapeError
from slopec.lazy.record import operation
from slopec.ops import sigmoid, tanh
from slopec.ops.common import bad_argument
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "squareplus",
    "tanh",
    "tanhshrink",
    "threshold",
]


def relu(x: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0); its slope at 0 is 0. PyTorch's `inplace` changes nothing: tensors are values.

    >>> import slopec as sp
    >>> print(relu(sp.tensor([-1.0, 2.0])))
    tensor([0. 2.], float32[2], cpu)
    """
    return ops.relu(x)


def relu6(x: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6).

    >>> import slopec as sp
    >>> print(relu6(sp.tensor([-1.0, 3.0, 8.0])))
    tensor([0. 3. 6.], float32[3], cpu)
    """
    return hardtanh(x, 0.0, 6.0)


def hardtanh(
    x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """`x` moved into [min_val, max_val]; its slope at the ends is 0."""
    return ops.where(x >= max_val, max_val, ops.where(x <= min_val, min_val, x))


@operation
def leaky_relu(x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, negative_slope · x elsewhere.

    >>> import slopec as sp
    >>> print(leaky_relu(sp.tensor([-1.0, 2.0])))
    tensor([-0.01  2.  ], float32[2], cpu)
    """
    return ops.where(x > 0, x, x * negative_slope)


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x where positive, weight · x elsewhere; one weight, or one per channel (dimension 1).

    (He et al., *Delving deep into rectifiers*, 2015.)
    """
    if weight.size == 1:
        slope = ops.reshape(weight, ())
    elif x.ndim > 1 and weight.size == x.shape[1]:
        slope = ops.reshape(weight, (-1, *(1,) * (x.ndim - 2)))
    else:
        raise ShapeError(
            "S0101",
            f"prelu: {weight.size} weights for an input of shape {x.shape}",
            span=tracing.here(),
            hint="give one weight, or one for each channel, which is dimension 1",
        )
    return ops.where(x > 0, x, x * slope)


@operation
def elu(x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, α(eˣ − 1) elsewhere (Clevert et al., 2016).

    >>> import slopec as sp
    >>> print(elu(sp.tensor([-100.0, 2.0])))
    tensor([-1.  2.], float32[2], cpu)
    """
    return ops.where(x > 0, x, alpha * ops.expm1(ops.where(x > 0, 0, x)))


@operation
def celu(x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, α(e^(x/α) − 1) elsewhere (Barron, 2017)."""
    if alpha == 0:
        raise bad_argument("celu: alpha is 0, by which nothing is divided")
    return ops.where(x > 0, x, alpha * ops.expm1(ops.where(x > 0, 0, x) / alpha))


@operation
def selu(x: Tensor, inplace: bool = False) -> Tensor:
    """λ · elu(x, α) with λ = 1.0507 and α = 1.6733 (Klambauer et al., 2017)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


@operation
def silu(x: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x), also known as swish (Elfwing et al., 2018).

    >>> import slopec as sp
    >>> print(silu(sp.tensor([0.0, 100.0])))
    tensor([  0. 100.], float32[2], cpu)
    """
    return x * sigmoid(x)


@operation
def mish(x: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(log(1 + eˣ)) (Misra, 2019)."""
    return x * tanh(softplus(x))


@operation
def gelu(x: Tensor, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """x · Φ(x) with the normal distribution Φ (Hendrycks & Gimpel, 2016).

    `approximate="tanh"` uses ½x(1 + tanh(√(2/π)(x + 0.044715x³))).

    >>> import slopec as sp
    >>> print(gelu(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([0.     0.8413], float32[2], cpu)
    """
    if approximate not in ("none", "tanh"):
        raise bad_argument(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")
    if approximate == "tanh":
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1.0 + tanh(inner))
    return 0.5 * x * (1.0 + ops.erf(x * math.sqrt(0.5)))


@operation
def hardsigmoid(x: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return relu6(x + 3.0) / 6.0


@operation
def hardswish(x: Tensor, inplace: bool = False) -> Tensor:
    """x · hardsigmoid(x) (Howard et al., *MobileNetV3*, 2019)."""
    return x * hardsigmoid(x)


@operation
def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(βx)) / β; x itself where βx > threshold.

    >>> import slopec as sp
    >>> print(softplus(sp.tensor([0.0, 1000.0])).round(decimals=4))
    tensor([6.931e-01 1.000e+03], float32[2], cpu)
    """
    scaled = x * beta
    return ops.where(scaled > threshold, x, _log_one_plus_exp(scaled) / beta)


def _log_one_plus_exp(x: Tensor) -> Tensor:
    # Both parts bend at 0; with one comparison for both, their slopes add up to the right one.
    positive = x > 0
    return ops.where(positive, x, 0) + ops.log1p(ops.exp(ops.where(positive, -x, x)))


@operation
def logsigmoid(x: Tensor) -> Tensor:
    """log(sigmoid(x)), exact where sigmoid underflows."""
    return -_log_one_plus_exp(-x)


@operation
def squareplus(x: Tensor, b: float = 4.0) -> Tensor:
    """(x + √(x² + b)) / 2: like softplus, of algebraic functions alone (Barron, 2021).

    >>> import slopec as sp
    >>> print(squareplus(sp.tensor([0.0, 1.5])))
    tensor([1. 2.], float32[2], cpu)
    """
    return (x + ops.sqrt(ops.square(x) + b)) / 2


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return x / (1.0 + ops.abs(x))


def tanhshrink(x: Tensor) -> Tensor:
    """x − tanh(x)."""
    return x - tanh(x)


@operation
def softshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved by `lambd` towards zero, and zero within [−lambd, lambd]."""
    if lambd < 0:
        raise bad_argument(f"softshrink: lambd is at least 0, got {lambd}")
    return ops.where(x > lambd, x - lambd, ops.where(x < -lambd, x + lambd, 0))


@operation
def hardshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """x, and zero within [−lambd, lambd]."""
    return ops.where(ops.abs(x) > lambd, x, 0)


def threshold(x: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where above `threshold`, `value` elsewhere."""
    return ops.where(x > threshold, x, value)


@operation
def glu(x: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim` times sigmoid of the second (Dauphin et al., 2017).

    >>> import slopec as sp
    >>> glu(sp.ones((2, 6))).shape
    (2, 3)
    """
    if x.shape[dim] % 2:
        raise ShapeError(
            "S0101",
            f"glu: dimension {dim} of shape {x.shape} has no halves",
            span=tracing.here(),
        )
    first, second = ops.split(x, 2, axis=dim)
    return first * sigmoid(second)


# --- along a dimension -----------------------------------------------------------------------


def shifted(x: Tensor, dim: int) -> Tensor:
    """`x` less its maximum along `dim`, on which softmax and its derivatives do not depend."""
    if not x.size:
        return x
    top: Tensor = stop_gradient(ops.max(x, axis=dim, keepdims=True))
    return x - top


def _last(name: str, x: Tensor, dim: int | None) -> int:
    """`dim`, or the last dimension of a vector or matrix; see `softmax`."""
    if dim is None and x.ndim > 2:
        raise bad_argument(
            f"{name}: a tensor of shape {x.shape} needs `dim`",
            "write dim=-1 for the last dimension",
        )
    return -1 if dim is None else dim


@operation
def softmax(x: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
    """eˣ / Σeˣ along `dim`, of `x` converted to `dtype`; the maximum is taken out of the exponent.

    `dim` may be left out for vectors and matrices, where it is the last one. Raises UsageError
    (S0106) for more dimensions, of which PyTorch would take the first or second, JAX the last.

    >>> import slopec as sp
    >>> print(softmax(sp.tensor([1000.0, 1000.0])))
    tensor([0.5 0.5], float32[2], cpu)
    """
    dim = _last("softmax", x, dim)
    powers = ops.exp(shifted(x if dtype is None else ops.astype(x, dtype), dim))
    return powers / ops.sum(powers, axis=dim, keepdims=True)


@operation
def softmin(x: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
    """softmax(−x) along `dim`; see `softmax`."""
    return softmax(-x, _last("softmin", x, dim), dtype=dtype)


@operation
def log_softmax(x: Tensor, dim: int | None = None, *, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along `dim`, exact where softmax underflows; see `softmax`.

    >>> import slopec as sp
    >>> print(log_softmax(sp.tensor([0.0, 1000.0])))
    tensor([-1000.     0.], float32[2], cpu)
    """
    dim = _last("log_softmax", x, dim)
    below = shifted(x if dtype is None else ops.astype(x, dtype), dim)
    return below - ops.log(ops.sum(ops.exp(below), axis=dim, keepdims=True))


def gumbel_softmax(
    logits: Tensor, tau: float = 1.0, hard: bool = False, dim: int = -1, *, key: Any = None
) -> Tensor:
    """softmax((logits + Gumbel noise) / tau) along `dim`; a relaxed draw (Jang et al., 2017).

    `hard` gives the one-hot of the largest, with the derivatives of the soft one.
    """
    noise = random.gumbel(random.next_key() if key is None else key, logits.shape, logits.dtype)
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    place = ops.argmax(soft, axis=dim)
    hot = ops.one_hot(place, soft.shape[dim], dtype=soft.dtype, axis=dim)
    rest: Tensor = stop_gradient(hot - soft)
    return soft + rest
