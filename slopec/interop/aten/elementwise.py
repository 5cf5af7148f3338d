"""ATen's operations element by element."""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.ops import spellings
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient


def _dtype(x: Any) -> Any:
    return getattr(x, "dtype", None)


def _are_bools(x: Any, y: Any) -> bool:
    return _dtype(x) == dtypes.bool_ and (_dtype(y) == dtypes.bool_ or isinstance(y, bool))


def add(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    """x + alpha · y; of booleans whether either is true."""
    if _are_bools(x, y):
        return ops.logical_or(x, y)
    return ops.add(x, y if alpha == 1 else ops.multiply(y, alpha))


def sub(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    """x − alpha · y."""
    return ops.subtract(x, y if alpha == 1 else ops.multiply(y, alpha))


def rsub(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    """y − alpha · x."""
    return sub(y, x, alpha=alpha)


def mul(x: Any, y: Any) -> Any:
    """x · y; of booleans whether both are true."""
    return ops.logical_and(x, y) if _are_bools(x, y) else ops.multiply(x, y)


def elu(x: Tensor, alpha: Any = 1, scale: Any = 1, input_scale: Any = 1) -> Any:
    """ELU, with the factors that make SELU and CELU of it."""
    # The other branch's gradient is that of 0, not of an overflow.
    low = ops.expm1(ops.where(x > 0, 0, x * input_scale)) * alpha
    return ops.where(x > 0, x, low) * scale


def round_(x: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest, ties to even."""
    return ops.round(x, decimals=decimals)


def bitwise(logical: Callable[..., Any], bits: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that is logical for booleans."""

    def run(x: Any, y: Any) -> Any:
        return logical(x, y) if _are_bools(x, y) else bits(x, y)

    return run


def bitwise_not(x: Tensor) -> Tensor:
    """Every bit, or the truth, inverted."""
    return ops.logical_not(x) if x.dtype == dtypes.bool_ else ops.bitwise_invert(x)


def sign(x: Tensor) -> Tensor:
    """−1, 0 or 1; of booleans themselves."""
    return x if x.dtype == dtypes.bool_ else ops.sign(x)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where the condition holds, else y."""
    return ops.where(condition, x, y)


def to_copy(x: Tensor, *, dtype: Any = None) -> Tensor:
    """`x` in another dtype."""
    return x if dtype is None else ops.astype(x, dtype)


def copy(x: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """`source`, in the shape and dtype of `x`."""
    return ops.broadcast_to(ops.astype(source, x.dtype), x.shape)


def _floor(rounded: Callable[[Any], Tensor]) -> Callable[[Tensor], Tensor]:
    """A rounding that leaves integers alone."""
    return lambda x: x if dtypes.is_integer(x.dtype) else rounded(x)


def _same(x: Any, **_: Any) -> Any:
    return x


TABLE: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(ops, name)
        for name in (
            "abs acos acosh asin asinh atan atan2 atanh copysign cos cosh digamma erf erfc "
            "erfinv exp exp2 expm1 fmax fmin fmod frexp hypot isfinite isinf isnan ldexp log "
            "log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor "
            "maximum minimum nextafter pow polygamma reciprocal remainder relu rsqrt sigmoid "
            "signbit sin sinc sinh sqrt square tan tanh "
            "xlogy angle real imag"
        ).split()
    },
    **{
        name: getattr(functional, name)
        for name in (
            "gelu hardsigmoid hardswish hardshrink hardtanh leaky_relu mish relu6 silu softplus "
            "softshrink threshold"
        ).split()
    },
    "add": add,
    "sub": sub,
    "rsub": rsub,
    "mul": mul,
    "div": spellings.div,
    "floor_divide": ops.floor_divide,
    "neg": ops.negative,
    "positive": _same,
    "lgamma": ops.lgamma,
    "ceil": _floor(ops.ceil),
    "floor": _floor(ops.floor),
    "trunc": _floor(ops.trunc),
    "round": round_,
    "sign": sign,
    "sgn": sign,
    "clamp": ops.clip,
    "eq": ops.equal,
    "ne": ops.not_equal,
    "lt": ops.less,
    "le": ops.less_equal,
    "gt": ops.greater,
    "ge": ops.greater_equal,
    "bitwise_and": bitwise(ops.logical_and, ops.bitwise_and),
    "bitwise_or": bitwise(ops.logical_or, ops.bitwise_or),
    "bitwise_xor": bitwise(ops.logical_xor, ops.bitwise_xor),
    "bitwise_not": bitwise_not,
    "bitwise_left_shift": ops.bitwise_left_shift,
    "bitwise_right_shift": ops.bitwise_right_shift,
    "where.self": where,
    "elu": elu,
    "log_sigmoid": functional.logsigmoid,
    "lerp": ops.lerp,
    "_conj": ops.conj,
    "conj_physical": ops.conj,
    "_conj_physical": ops.conj,
    "special_zeta": ops.zeta,
    "view_as_real": ops.view_as_real,
    "view_as_complex": ops.view_as_complex,
    "complex": ops.complex,
    "polar": ops.polar,
    "_to_copy": to_copy,
    "copy": copy,
    "clone": _same,
    "alias": _same,
    "contiguous": _same,
    "lift_fresh_copy": _same,
    "resolve_conj": _same,
    "resolve_neg": _same,
    "detach": stop_gradient,
}
