"""Ops that compute every element from the elements at the same place."""

from collections.abc import Callable

from slopec import dtypes, ir, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dtypes import DType
from slopec.tensor import Tensor

__all__ = [
    "abs_",
    "acos",
    "acosh",
    "add",
    "and_",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bessel_i1e",
    "bitcast_convert",
    "cbrt",
    "ceil",
    "clamp",
    "compare",
    "complex_",
    "conj",
    "convert",
    "cosh",
    "cosine",
    "count_leading_zeros",
    "digamma",
    "divide",
    "erf",
    "erf_inv",
    "erfc",
    "exponential",
    "exponential_minus_one",
    "floor",
    "imag",
    "is_finite",
    "is_inf",
    "lgamma",
    "log",
    "log_plus_one",
    "logistic",
    "maximum",
    "minimum",
    "multiply",
    "negate",
    "next_after",
    "not_",
    "or_",
    "polygamma",
    "popcnt",
    "power",
    "real",
    "reduce_precision",
    "remainder",
    "round_nearest_afz",
    "round_nearest_even",
    "rsqrt",
    "select",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "sign",
    "sine",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "xor",
    "zeta",
]


def _same_type(name: str, x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape:
        raise ShapeError(
            "S0101",
            f"{name}: operands of shapes {x.shape} and {y.shape}",
            span=tracing.here(),
            hint="StableHLO ops do not broadcast; use the functions of slopec itself",
        )
    if x.dtype != y.dtype:
        raise DTypeError(
            "S0102", f"{name}: operands of dtypes {x.dtype} and {y.dtype}", span=tracing.here()
        )


def _unary(name: str) -> Callable[[Tensor], Tensor]:
    def op(operand: Tensor) -> Tensor:
        return tracing.emit(name, [operand], operand.shape, operand.dtype)

    op.__doc__ = f"`{name}` of every element; same shape and dtype."
    op.__name__ = op.__qualname__ = name.split(".")[1]
    return op


def _binary(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    def op(lhs: Tensor, rhs: Tensor) -> Tensor:
        _same_type(name, lhs, rhs)
        return tracing.emit(name, [lhs, rhs], lhs.shape, lhs.dtype)

    op.__doc__ = f"`{name}` of the elements of two tensors of one type."
    op.__name__ = op.__qualname__ = name.split(".")[1]
    return op


cbrt = _unary("stablehlo.cbrt")
ceil = _unary("stablehlo.ceil")
cosine = _unary("stablehlo.cosine")
count_leading_zeros = _unary("stablehlo.count_leading_zeros")
exponential = _unary("stablehlo.exponential")
exponential_minus_one = _unary("stablehlo.exponential_minus_one")
floor = _unary("stablehlo.floor")
log = _unary("stablehlo.log")
log_plus_one = _unary("stablehlo.log_plus_one")
logistic = _unary("stablehlo.logistic")
negate = _unary("stablehlo.negate")
not_ = _unary("stablehlo.not")
popcnt = _unary("stablehlo.popcnt")
round_nearest_afz = _unary("stablehlo.round_nearest_afz")
round_nearest_even = _unary("stablehlo.round_nearest_even")
rsqrt = _unary("stablehlo.rsqrt")
sign = _unary("stablehlo.sign")
sine = _unary("stablehlo.sine")
sqrt = _unary("stablehlo.sqrt")
tan = _unary("stablehlo.tan")
tanh = _unary("stablehlo.tanh")
acos = _unary("chlo.acos")
acosh = _unary("chlo.acosh")
asin = _unary("chlo.asin")
asinh = _unary("chlo.asinh")
atan = _unary("chlo.atan")
atanh = _unary("chlo.atanh")
bessel_i1e = _unary("chlo.bessel_i1e")
conj = _unary("chlo.conj")
cosh = _unary("chlo.cosh")
digamma = _unary("chlo.digamma")
erf = _unary("chlo.erf")
erf_inv = _unary("chlo.erf_inv")
erfc = _unary("chlo.erfc")
lgamma = _unary("chlo.lgamma")
sinh = _unary("chlo.sinh")
square = _unary("chlo.square")

add = _binary("stablehlo.add")
and_ = _binary("stablehlo.and")
atan2 = _binary("stablehlo.atan2")
divide = _binary("stablehlo.divide")
maximum = _binary("stablehlo.maximum")
minimum = _binary("stablehlo.minimum")
multiply = _binary("stablehlo.multiply")
or_ = _binary("stablehlo.or")
power = _binary("stablehlo.power")
remainder = _binary("stablehlo.remainder")
shift_left = _binary("stablehlo.shift_left")
shift_right_arithmetic = _binary("stablehlo.shift_right_arithmetic")
shift_right_logical = _binary("stablehlo.shift_right_logical")
subtract = _binary("stablehlo.subtract")
xor = _binary("stablehlo.xor")
next_after = _binary("chlo.next_after")
polygamma = _binary("chlo.polygamma")
zeta = _binary("chlo.zeta")


def abs_(operand: Tensor) -> Tensor:
    """`stablehlo.abs`; the modulus, real, of complex elements."""
    return tracing.emit("stablehlo.abs", [operand], operand.shape, dtypes.real_of(operand.dtype))


def real(operand: Tensor) -> Tensor:
    """`stablehlo.real`: the real part."""
    return tracing.emit("stablehlo.real", [operand], operand.shape, dtypes.real_of(operand.dtype))


def imag(operand: Tensor) -> Tensor:
    """`stablehlo.imag`: the imaginary part, zero for real elements."""
    return tracing.emit("stablehlo.imag", [operand], operand.shape, dtypes.real_of(operand.dtype))


def complex_(lhs: Tensor, rhs: Tensor) -> Tensor:
    """`stablehlo.complex`: lhs + i·rhs, of two float32 or two float64 tensors."""
    _same_type("stablehlo.complex", lhs, rhs)
    return tracing.emit("stablehlo.complex", [lhs, rhs], lhs.shape, dtypes.complex_of(lhs.dtype))


def is_finite(operand: Tensor) -> Tensor:
    """`stablehlo.is_finite`: neither infinite nor NaN, as bool."""
    return tracing.emit("stablehlo.is_finite", [operand], operand.shape, dtypes.bool_)


def is_inf(operand: Tensor) -> Tensor:
    """`chlo.is_inf`: infinite, as bool."""
    return tracing.emit("chlo.is_inf", [operand], operand.shape, dtypes.bool_)


def compare(lhs: Tensor, rhs: Tensor, direction: str, *, total_order: bool = False) -> Tensor:
    """`stablehlo.compare`; `direction` is EQ, NE, LT, LE, GT or GE; the result is bool.

    With `total_order`, floats compare by IEEE-754's total order (-NaN < -inf … inf < NaN).
    """
    _same_type("stablehlo.compare", lhs, rhs)
    kind = "SIGNED"
    if dtypes.is_differentiable(lhs.dtype):
        kind = "TOTALORDER" if total_order else "FLOAT"
    elif dtypes.is_unsigned(lhs.dtype) or lhs.dtype == dtypes.bool_:
        kind = "UNSIGNED"
    attributes = {
        "comparison_direction": ir.attr(f"#stablehlo<comparison_direction {direction}>"),
        "compare_type": ir.attr(f"#stablehlo<comparison_type {kind}>"),
    }
    return tracing.emit("stablehlo.compare", [lhs, rhs], lhs.shape, dtypes.bool_, attributes)


def select(pred: Tensor, on_true: Tensor, on_false: Tensor) -> Tensor:
    """`stablehlo.select`; `pred` is bool, of the operands' shape or without dimensions."""
    _same_type("stablehlo.select", on_true, on_false)
    if pred.dtype != dtypes.bool_ or pred.shape not in ((), on_true.shape):
        raise ShapeError(
            "S0101",
            f"select: predicate of shape {pred.shape} and dtype {pred.dtype} "
            f"for operands of shape {on_true.shape}",
            span=tracing.here(),
        )
    return tracing.emit("stablehlo.select", [pred, on_true, on_false], on_true.shape, on_true.dtype)


def clamp(low: Tensor, operand: Tensor, high: Tensor) -> Tensor:
    """`stablehlo.clamp`: min(max(operand, low), high); bounds may have no dimensions."""
    return tracing.emit("stablehlo.clamp", [low, operand, high], operand.shape, operand.dtype)


def convert(operand: Tensor, dtype: DType) -> Tensor:
    """`stablehlo.convert` to `dtype`; the operand itself when it has that dtype already."""
    if operand.dtype == dtype:
        return operand
    return tracing.emit("stablehlo.convert", [operand], operand.shape, dtype)


def bitcast_convert(operand: Tensor, dtype: DType) -> Tensor:
    """`stablehlo.bitcast_convert`: the same bits read as `dtype`.

    To a narrower type a last dimension appears; to a wider one the last dimension disappears.
    """
    shape, old, new = operand.shape, operand.dtype.itemsize, dtype.itemsize
    if old > new:
        shape = (*shape, old // new)
    elif old < new:
        shape = shape[:-1]
    return tracing.emit("stablehlo.bitcast_convert", [operand], shape, dtype)


def reduce_precision(operand: Tensor, exponent_bits: int, mantissa_bits: int) -> Tensor:
    """`stablehlo.reduce_precision`: round to a narrower format and back."""
    attributes = {
        "exponent_bits": ir.i32(exponent_bits),
        "mantissa_bits": ir.i32(mantissa_bits),
    }
    return tracing.emit(
        "stablehlo.reduce_precision", [operand], operand.shape, operand.dtype, attributes
    )
