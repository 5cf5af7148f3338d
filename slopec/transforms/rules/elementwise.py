"""Elementwise ops: the derivative is a factor per operand, at the same place.

Where a function has no derivative the value is the mean of those on both sides: ½ at ties of
maximum, 0 for |x| at 0. So smooth functions that are written with both, as log(1 + eˣ) is with
max(x, 0) + log1p(exp(-|x|)), have their slope there.
"""

from collections.abc import Callable

from slopec import dtypes, hlo
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, Slopes, elementwise, not_differentiable

Factor = Callable[[Tensor, Tensor], Tensor]


def _unary(name: str, factor: Factor, slopes: Slopes = "steep") -> None:
    """y = f(x) with dy = factor(x, y)·dx."""
    elementwise(name, slopes=slopes)(
        lambda point: [maps.scale(factor(point.operands[0], point.result))]
    )


def _quotient(name: str, divisor: Factor, slopes: Slopes = "steep") -> None:
    """y = f(x) with dy = dx / divisor(x, y)."""
    elementwise(name, slopes=slopes)(
        lambda point: [maps.divide(divisor(point.operands[0], point.result))]
    )


_unary("stablehlo.exponential", lambda x, y: y)
_unary("stablehlo.exponential_minus_one", lambda x, y: y + 1.0)
_quotient("stablehlo.log", lambda x, y: x)
_quotient("stablehlo.log_plus_one", lambda x, y: x + 1.0)
_quotient("stablehlo.sqrt", lambda x, y: y * 2.0)
_unary("stablehlo.rsqrt", lambda x, y: (y / x) * -0.5)
_quotient("stablehlo.cbrt", lambda x, y: y * y * 3.0)
_unary("stablehlo.sine", lambda x, y: hlo.cosine(x), "tame")
_unary("stablehlo.cosine", lambda x, y: -hlo.sine(x), "tame")
_unary("stablehlo.tan", lambda x, y: y * y + 1.0)
_unary("stablehlo.tanh", lambda x, y: 1.0 - y * y, "tame")
_unary("stablehlo.logistic", lambda x, y: y * (1.0 - y), "tame")
_unary("chlo.tan", lambda x, y: y * y + 1.0)
_unary("chlo.sinh", lambda x, y: hlo.cosh(x))
_unary("chlo.cosh", lambda x, y: hlo.sinh(x))
_unary("chlo.square", lambda x, y: x * 2.0, "tame")
_unary("chlo.asin", lambda x, y: hlo.rsqrt(1.0 - x * x))
_unary("chlo.acos", lambda x, y: -hlo.rsqrt(1.0 - x * x))
_quotient("chlo.atan", lambda x, y: x * x + 1.0)
_unary("chlo.asinh", lambda x, y: hlo.rsqrt(x * x + 1.0))
_quotient("chlo.atanh", lambda x, y: 1.0 - x * x)


@elementwise("chlo.acosh")
def _acosh(point: Point) -> Maps:
    """1/√((x − 1)(x + 1)), where the complex root is that of each factor."""
    x = point.operands[0]
    below, above = x - 1.0, x + 1.0
    if dtypes.is_complex(x.dtype):
        return [maps.scale(hlo.rsqrt(below) * hlo.rsqrt(above))]
    return [maps.scale(hlo.rsqrt(below * above))]


@elementwise("stablehlo.negate", slopes="finite")
def _negate(point: Point) -> Maps:
    return [maps.NEGATE]


@elementwise("stablehlo.abs", slopes="tame")
def _abs(point: Point) -> Maps:
    """|x| for real x: ±1, 0 at 0. |z| = √(z z̄): Re(z̄ dz) / |z|, 0 at 0."""
    x, y = point.operands[0], point.result
    if not dtypes.is_complex(x.dtype):
        zeros = hlo.zeros_like(x)
        above, below = hlo.compare(x, zeros, "GT"), hlo.compare(x, zeros, "LT")
        negated = maps.chain(maps.mask(below), maps.NEGATE)
        return [maps.same(lambda t: hlo.select(above, t, negated.apply(t)))]
    direction = hlo.conj(x) / hlo.convert(_nonzero(y), x.dtype)

    def spread(ct: Tensor) -> Tensor:
        return hlo.convert(ct, x.dtype) * direction

    return [LinearMap(lambda t: hlo.real(t * direction), spread)]


@elementwise("stablehlo.sign", slopes="tame")
def _sign(point: Point) -> Maps:
    """0 for real x. z / |z| turns with the part of dz across z: (dz − s Re(s̄ dz)) / |z|, 0 at 0."""
    x, y = point.operands[0], point.result
    if not dtypes.is_complex(x.dtype):
        return [None]
    size = hlo.abs_(x)
    nothing = hlo.compare(size, hlo.zeros_like(size), "EQ")
    slope = hlo.select(nothing, hlo.zeros_like(size), hlo.full_like(size, 1) / _nonzero(size))
    slope = hlo.convert(slope, x.dtype)

    def across(t: Tensor, along: Tensor, back: Tensor) -> Tensor:
        return slope * (t - back * hlo.convert(hlo.real(along * t), x.dtype))

    adjoint = hlo.conj(y)
    return [LinearMap(lambda t: across(t, adjoint, y), lambda ct: across(ct, y, adjoint))]


@elementwise("stablehlo.add", slopes="finite")
def _add(point: Point) -> Maps:
    return [maps.IDENTITY, maps.IDENTITY]


@elementwise("stablehlo.subtract", slopes="finite")
def _subtract(point: Point) -> Maps:
    return [maps.IDENTITY, maps.NEGATE]


@elementwise("stablehlo.multiply", slopes="tame")
def _multiply(point: Point) -> Maps:
    x, y = point.operands
    return [maps.scale(y), maps.scale(x)]


@elementwise("stablehlo.divide")
def _divide(point: Point) -> Maps:
    """x / y: dx / y − (x / y) dy / y."""
    _, y = point.operands
    slope = maps.chain(maps.scale(point.result), maps.chain(maps.divide(y), maps.NEGATE))
    return [maps.divide(y), slope if point.active[1] else None]


def _nonzero(x: Tensor) -> Tensor:
    """The tensor with ones in place of zeros."""
    return hlo.select(hlo.compare(x, hlo.zeros_like(x), "EQ"), hlo.full_like(x, 1), x)


@elementwise("stablehlo.power")
def _power(point: Point) -> Maps:
    """x^y: y x^(y−1) dx + log(x) x^y dy, where y = 0 and x = 0 count as constants."""
    x, y = point.operands
    base = exponent = None
    if point.active[0]:
        zero = hlo.compare(y, hlo.zeros_like(y), "EQ")
        lower = hlo.select(zero, hlo.full_like(y, 1), y - 1.0)
        slope = hlo.select(zero, hlo.zeros_like(x), y * hlo.power(x, lower))
        base = maps.scale(slope)
    if point.active[1]:
        exponent = maps.scale(hlo.log(_nonzero(x)) * point.result)
    return [base, exponent]


@elementwise("stablehlo.remainder")
def _remainder(point: Point) -> Maps:
    """x − y·trunc(x / y): dx − trunc(x / y) dy."""
    x, y = point.operands
    quotient = x / y
    whole = hlo.sign(quotient) * hlo.floor(hlo.abs_(quotient))
    return [maps.IDENTITY, maps.chain(maps.scale(whole), maps.NEGATE)]


@elementwise("stablehlo.atan2")
def _atan2(point: Point) -> Maps:
    """atan2(x, y): (y dx − x dy) / (x² + y²)."""
    x, y = point.operands
    norm = x * x + y * y
    return [maps.scale(y / norm), maps.chain(maps.scale(x / norm), maps.NEGATE)]


@elementwise("stablehlo.maximum", "stablehlo.minimum", slopes="finite")
def _extremum(point: Point) -> Maps:
    """The operand that is the result gets the tangent; ties halve it."""
    x, y = point.operands
    half, one = hlo.full_like(x, 0.5), hlo.full_like(x, 1)
    share = hlo.select(hlo.compare(x, y, "EQ"), half, one)

    def chosen(operand: Tensor) -> LinearMap:
        wins = hlo.compare(operand, point.result, "EQ")
        return maps.scale(hlo.select(wins, share, hlo.zeros_like(operand)))

    return [chosen(z) if active else None for z, active in zip((x, y), point.active, strict=True)]


@elementwise("stablehlo.select", slopes="finite")
def _select(point: Point) -> Maps:
    """Each operand where it is chosen. Cotangents are masked by `choices.py`, here or later."""
    pred = point.operands[0]
    zeros = hlo.zeros_like(point.result)
    return [
        None,
        LinearMap(lambda t: hlo.select(pred, t, zeros), lambda ct: ct),
        LinearMap(lambda t: hlo.select(pred, zeros, t), lambda ct: ct),
    ]


@elementwise("stablehlo.clamp", slopes="finite")
def _clamp(point: Point) -> Maps:
    """The tangent of x strictly between the bounds, of a bound where it cuts."""
    low, x, high = point.operands

    def wide(bound: Tensor) -> Tensor:
        return bound if bound.shape == x.shape else hlo.broadcast_in_dim(bound, x.shape, ())

    def bound_map(bound: Tensor, cuts: Tensor) -> LinearMap:
        masked = maps.mask(cuts)
        if bound.shape == x.shape:
            return masked
        return maps.chain(LinearMap(wide, _sum_all), masked)

    above, below = hlo.compare(x, wide(low), "GT"), hlo.compare(x, wide(high), "LT")
    return [
        bound_map(low, hlo.compare(wide(low), x, "GT")) if point.active[0] else None,
        maps.mask(hlo.and_(above, below)),
        bound_map(high, hlo.compare(wide(high), x, "LT")) if point.active[2] else None,
    ]


def _sum_all(ct: Tensor) -> Tensor:
    total = hlo.reduce(ct, hlo.full((), 0, ct.dtype), "add", range(ct.ndim))
    assert isinstance(total, Tensor)
    return total


@elementwise("stablehlo.convert", slopes="finite")
def _convert(point: Point) -> Maps:
    source, target = point.operands[0].dtype, point.result.dtype
    if not (dtypes.is_differentiable(source) and dtypes.is_differentiable(target)):
        return [None]
    return [maps.cast(source, target)]


@elementwise("stablehlo.reduce_precision", slopes="finite")
def _reduce_precision(point: Point) -> Maps:
    return [maps.same(lambda t: point.again(0, t))]


@elementwise("stablehlo.real", slopes="finite")
def _real(point: Point) -> Maps:
    if not dtypes.is_complex(point.operands[0].dtype):
        return [maps.IDENTITY]
    return [LinearMap(hlo.real, lambda ct: hlo.complex_(ct, hlo.zeros_like(ct)))]


@elementwise("stablehlo.imag", slopes="finite")
def _imag(point: Point) -> Maps:
    if not dtypes.is_complex(point.operands[0].dtype):
        return [None]
    return [LinearMap(hlo.imag, lambda ct: hlo.complex_(hlo.zeros_like(ct), -ct))]


@elementwise("stablehlo.complex", slopes="finite")
def _complex(point: Point) -> Maps:
    return [
        LinearMap(lambda t: hlo.complex_(t, hlo.zeros_like(t)), hlo.real),
        LinearMap(lambda t: hlo.complex_(hlo.zeros_like(t), t), lambda ct: -hlo.imag(ct)),
    ]


@elementwise("chlo.conj", slopes="finite")
def _conj(point: Point) -> Maps:
    return [maps.same(hlo.conj)]


not_differentiable(
    "stablehlo.and",
    "stablehlo.bitcast_convert",
    "stablehlo.ceil",
    "stablehlo.compare",
    "stablehlo.count_leading_zeros",
    "stablehlo.floor",
    "stablehlo.is_finite",
    "stablehlo.not",
    "stablehlo.or",
    "stablehlo.popcnt",
    "stablehlo.round_nearest_afz",
    "stablehlo.round_nearest_even",
    "stablehlo.shift_left",
    "stablehlo.shift_right_arithmetic",
    "stablehlo.shift_right_logical",
    "stablehlo.xor",
    "chlo.is_inf",
    "chlo.is_neg_inf",
    "chlo.is_pos_inf",
    "chlo.next_after",
)
