"""ONNX's operations element by element: arithmetic, comparisons, activations, conversions."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import ml_dtypes
import numpy as np

from slopec import dtypes, ops
from slopec.diagnostics import UsageError
from slopec.dtypes import DType
from slopec.interop.onnx.types import dtype_of
from slopec.nn import functional
from slopec.ops import spellings
from slopec.tensor import Tensor


def div(x: Tensor, y: Tensor) -> Tensor:
    """x / y; of integers rounded towards zero."""
    return spellings.div(x, y, rounding_mode="trunc" if dtypes.is_integer(x.dtype) else None)


def mod(x: Tensor, y: Tensor, *, fmod: int = 0) -> Tensor:
    """The remainder, with the sign of the divisor, or with `fmod` that of the dividend."""
    return ops.fmod(x, y) if fmod else ops.remainder(x, y)


def pow_(x: Tensor, y: Tensor) -> Tensor:
    """x to the power of y, in x's dtype."""
    if dtypes.is_integer(x.dtype) and not dtypes.is_integer(y.dtype):
        return ops.astype(ops.pow(ops.astype(x, y.dtype), y), x.dtype)
    return ops.pow(x, ops.astype(y, x.dtype))


def bit_shift(x: Tensor, y: Tensor, *, direction: str) -> Tensor:
    """The bits moved to the LEFT or RIGHT, filled with zeros."""
    shift = ops.bitwise_left_shift if direction == "LEFT" else ops.bitwise_right_shift
    return shift(x, y)


def cast(x: Tensor, *, to: int, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """`x` in a dtype that ONNX has a number for."""
    return _cast(x, dtype_of(to), saturate)


def cast_like(x: Tensor, like: Tensor, *, saturate: int = 1, round_mode: str = "up") -> Tensor:
    """`x` in the dtype of another tensor."""
    return _cast(x, like.dtype, saturate)


def _cast(x: Tensor, wanted: DType, saturate: int) -> Tensor:
    """`x` in another dtype; what is too large for eight bits stays finite if `saturate` says so."""
    if saturate and wanted.name.startswith("float8") and dtypes.is_floating(x.dtype):
        most = float(ml_dtypes.finfo(wanted).max)
        x = ops.clip(x, -most, most)
    return ops.astype(x, wanted)


def clip(
    x: Tensor,
    low: Tensor | None = None,
    high: Tensor | None = None,
    *,
    min: float | None = None,
    max: float | None = None,
) -> Tensor:
    """The elements moved between two bounds, which were attributes before version 11."""
    below, above = (b if a is None else a for a, b in ((low, min), (high, max)))
    y = x if below is None else ops.maximum(x, below)
    return y if above is None else ops.minimum(y, above)


def _exponential_below(x: Tensor, alpha: float, gamma: float, divisor: float = 1.0) -> Tensor:
    # The other branch's gradient is that of 0, not of an overflow.
    low = ops.expm1(ops.where(x > 0, 0, x / divisor)) * alpha
    return ops.where(x > 0, x, low) * gamma


def selu(
    x: Tensor, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323
) -> Tensor:
    """γ x above 0, γ α (eˣ − 1) below."""
    return _exponential_below(x, alpha, gamma)


def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    """max(0, min(1, α x + β))."""
    return ops.clip(x * alpha + beta, 0, 1)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """x above 0, its product with the slope below."""
    return ops.where(x < 0, x * slope, x)


def shrink(x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    """0 between −λ and λ, elsewhere moved by the bias towards 0."""
    near = ops.zeros_like(x)
    moved = ops.where(x < -lambd, x + bias, ops.where(x > lambd, x - bias, near))
    return ops.astype(moved, x.dtype)


def is_inf(x: Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> Tensor:
    """Where the elements are infinite, with a sign that is looked for."""
    wanted = (x > 0) if detect_positive else (x < 0)
    if detect_negative and detect_positive:
        return ops.isinf(x)
    if not detect_negative and not detect_positive:
        return ops.zeros(x.shape, dtype=dtypes.bool_)
    return ops.logical_and(ops.isinf(x), wanted)


def dropout(x: Tensor, *_: Any, outputs: int, **options: Any) -> Any:
    """`x` itself, as in inference; and a mask of what is kept."""
    return (x, ops.ones(x.shape, dtype=dtypes.bool_)) if outputs > 1 else x


def dropout_unless_training(
    x: Tensor,
    ratio: Any = None,
    training: np.ndarray | None = None,
    *,
    outputs: int,
    seed: int = 0,
) -> Any:
    """Dropout that was told not to train."""
    if training is not None and bool(training):
        raise UsageError("S0164", "dropout while training has no counterpart here")
    return dropout(x, outputs=outputs)


def versioned_dropout(*inputs: Any, version: int, outputs: int, **options: Any) -> Any:
    """Dropout, whose mode is an input since version 12."""
    run = dropout_unless_training if version >= 12 else dropout
    return run(*inputs, outputs=outputs, **options)


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    """x Φ(x), exactly or by a hyperbolic tangent."""
    return functional.gelu(x, "tanh" if approximate == "tanh" else "none")


def _folded(combine: Callable[[Any, Any], Tensor]) -> Callable[..., Tensor]:
    return lambda *xs: reduce(combine, xs)


def _mean(*xs: Tensor) -> Tensor:
    return reduce(ops.add, xs) / len(xs)


TABLE: dict[str, Callable[..., Any]] = {
    "Add": ops.add,
    "Sub": ops.subtract,
    "Mul": ops.multiply,
    "Div": div,
    "Mod": mod,
    "Pow": pow_,
    "Neg": ops.negative,
    "Abs": ops.abs,
    "Sum": _folded(ops.add),
    "Max": _folded(ops.maximum),
    "Min": _folded(ops.minimum),
    "Mean": _mean,
    "Equal": ops.equal,
    "Less": ops.less,
    "LessOrEqual": ops.less_equal,
    "Greater": ops.greater,
    "GreaterOrEqual": ops.greater_equal,
    "And": ops.logical_and,
    "Or": ops.logical_or,
    "Xor": ops.logical_xor,
    "Not": ops.logical_not,
    "BitwiseAnd": ops.bitwise_and,
    "BitwiseOr": ops.bitwise_or,
    "BitwiseXor": ops.bitwise_xor,
    "BitwiseNot": ops.bitwise_invert,
    "BitShift": bit_shift,
    **{
        name: getattr(ops, name.lower())
        for name in ("Ceil", "Floor", "Round", "Sign", "Sqrt", "Exp", "Log", "Reciprocal", "Erf")
    },
    **{
        name: getattr(ops, name.lower())
        for name in ("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh")
    },
    **{name: getattr(ops, name.lower()) for name in ("Asinh", "Acosh", "Atanh", "IsNaN")},
    "IsInf": is_inf,
    "Where": ops.where,
    "Cast": cast,
    "CastLike": cast_like,
    "Identity": lambda x: x,
    "Clip": clip,
    "Dropout": versioned_dropout,
    "Relu": ops.relu,
    "Sigmoid": ops.sigmoid,
    "LeakyRelu": lambda x, *, alpha=0.01: functional.leaky_relu(x, alpha),
    "Elu": lambda x, *, alpha=1.0: _exponential_below(x, alpha, 1.0),
    "Celu": lambda x, *, alpha=1.0: _exponential_below(x, alpha, 1.0, alpha),
    "Selu": selu,
    "PRelu": prelu,
    "ThresholdedRelu": lambda x, *, alpha=1.0: ops.where(x > alpha, x, ops.zeros_like(x)),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": lambda x: x * hard_sigmoid(x, alpha=1 / 6),
    "Softplus": lambda x: ops.logaddexp(x, ops.zeros_like(x)),
    "Softsign": functional.softsign,
    "Mish": functional.mish,
    "Gelu": gelu,
    "Swish": lambda x, *, alpha=1.0: x * ops.sigmoid(x * alpha),
    "Shrink": shrink,
}

KNOWN = {"Dropout": (2,)}
