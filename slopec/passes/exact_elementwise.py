"""Elementwise ops where IREE's results are not StableHLO's: special points, ranges, large angles.

What is added is elementwise too and is fused with the op. Ops that were mended are marked, so that
the pass may run again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.each import each
from slopec.passes.facts import known
from slopec.passes.op import Op
from slopec.tensor import Scalar, Tensor

_DONE = "slope.exact"


@dataclass(frozen=True)
class ExactElementwise:
    """convert(x) → saturated convert(x); power, atan2, sine, cosine, tan and cbrt at all points."""

    name: ClassVar[str] = "exact-elementwise"

    def run(self, module: ir.Module) -> None:
        """Mend every op of `module` that needs it."""
        for name, mend in _MENDED.items():
            for op in each(module, f"stablehlo.{name}"):
                if _DONE in op.operation.attributes:
                    continue
                made = mend(op)
                if made is not None:
                    op.operation.results[0].replace_all_uses_with(op.trace.value_of(made))
                    op.operation.erase()


def _again(op: Op, *operands: Tensor) -> Tensor:
    """The op itself on other operands, marked as mended."""
    kept = {name: op.operation.attributes[name] for name in op.operation.attributes}
    name = op.operation.name
    return tracing.emit(name, list(operands), op.shape, op.dtype, {**kept, _DONE: ir.unit()})


def _like(x: Tensor, value: Scalar) -> Tensor:
    return hlo.full_like(x, value)


def _is(x: Tensor, value: Scalar) -> Tensor:
    return hlo.compare(x, _like(x, value), "EQ")


def _convert(op: Op) -> Tensor | None:
    """Floats beyond the integers become the least or the greatest of them, NaN becomes 0."""
    (x,) = op.operands
    if not (dtypes.is_floating(x.dtype) and dtypes.is_integer(op.dtype)) or known(x) is not None:
        return None
    wide = x if x.dtype.itemsize >= 4 else hlo.convert(x, dtypes.float32)
    low, high = (int(n) for n in (np.iinfo(op.dtype).min, np.iinfo(op.dtype).max))
    # The bounds are powers of two, or zero, so floats hold them.
    above = hlo.compare(wide, _like(wide, float(high + 1)), "GE")
    below = hlo.compare(wide, _like(wide, float(low)), "LE")
    outside = hlo.or_(hlo.or_(above, below), hlo.compare(wide, wide, "NE"))
    inside = hlo.select(outside, hlo.zeros_like(wide), wide)
    middle = dtypes.int32 if op.dtype.itemsize < 4 else op.dtype
    kept = {_DONE: ir.unit()}
    made = tracing.emit("stablehlo.convert", [inside], x.shape, middle, kept)
    made = made if middle == op.dtype else hlo.convert(made, op.dtype)
    limited = hlo.select(above, _like(made, high), made)
    return hlo.select(below, _like(made, low), limited)


def _power(op: Op) -> Tensor | None:
    """IREE's power is right for positive bases; signs and special points are IEEE 754's `pow`."""
    x, y = op.operands
    if not dtypes.is_floating(x.dtype):
        return None
    size = hlo.abs_(x)
    inner = _again(op, size, y)
    one, zero, infinite = _like(x, 1), hlo.zeros_like(x), _like(x, math.inf)
    grows = hlo.compare(y, zero, "GT")
    # The base's size at its ends, and infinite exponents.
    inner = hlo.select(_is(size, 0), hlo.select(grows, zero, infinite), inner)
    inner = hlo.select(_is(size, math.inf), hlo.select(grows, infinite, zero), inner)
    larger = hlo.compare(size, one, "GT")
    same_way = hlo.compare(larger, grows, "EQ")
    endless = hlo.select(same_way, infinite, zero)
    inner = hlo.select(_is(hlo.abs_(y), math.inf), endless, inner)
    inner = hlo.select(hlo.compare(x, x, "NE"), x, inner)
    inner = hlo.select(hlo.compare(y, y, "NE"), y, inner)
    inner = hlo.select(hlo.and_(_is(size, 1), hlo.compare(y, y, "EQ")), one, inner)
    inner = hlo.select(hlo.or_(_is(x, 1), _is(y, 0)), one, inner)
    values = known(y)
    if values is not None and (values % 2 == 0).all():
        return inner
    half = hlo.multiply(y, _like(y, 0.5))
    whole = hlo.compare(hlo.floor(y), y, "EQ")
    odd = hlo.and_(whole, hlo.compare(hlo.floor(half), half, "NE"))
    # The sign of -0 counts too, which no comparison tells.
    negative = hlo.compare(_sign(x), zero, "LT")
    signed = hlo.select(hlo.and_(odd, negative), hlo.negate(inner), inner)
    finite = hlo.and_(hlo.is_finite(x), hlo.is_finite(y))
    undefined = hlo.and_(hlo.and_(hlo.compare(x, zero, "LT"), hlo.not_(whole)), finite)
    return hlo.select(undefined, _like(x, math.nan), signed)


def _sign(x: Tensor) -> Tensor:
    """1 or -1, by the bit that holds the sign."""
    bits = {2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}[x.dtype.itemsize]
    raw = hlo.bitcast_convert(x, bits)
    return hlo.select(hlo.compare(raw, hlo.zeros_like(raw), "LT"), _like(x, -1), _like(x, 1))


def _atan2(op: Op) -> Tensor | None:
    """The angle of (x, y) from the arc tangent of the smaller over the larger of their sizes."""
    y, x = op.operands
    if not dtypes.is_floating(x.dtype):
        return None
    wide, tall = hlo.abs_(x), hlo.abs_(y)
    steep = hlo.compare(tall, wide, "GT")
    small, large = hlo.select(steep, wide, tall), hlo.select(steep, tall, wide)
    both = hlo.and_(_is(small, math.inf), _is(large, math.inf))
    ratio = hlo.divide(small, hlo.select(_is(large, 0), _like(x, 1), large))
    ratio = hlo.select(both, _like(x, 1), ratio)
    angle = _again(op, ratio, _like(x, 1))
    angle = hlo.select(steep, hlo.subtract(_like(x, math.pi / 2), angle), angle)
    backward = hlo.compare(_sign(x), hlo.zeros_like(x), "LT")
    angle = hlo.select(backward, hlo.subtract(_like(x, math.pi), angle), angle)
    signed = hlo.multiply(angle, _sign(y))
    unknown = hlo.or_(hlo.compare(x, x, "NE"), hlo.compare(y, y, "NE"))
    return hlo.select(unknown, _like(x, math.nan), signed)


def _turned(op: Op) -> Tensor | None:
    """Angles less whole turns, 2π being taken apart so that products with it are exact."""
    (x,) = op.operands
    if not dtypes.is_floating(x.dtype):
        return None
    if x.dtype != dtypes.float32:
        return _odd(op, x, _again(op, x))
    turns = hlo.round_nearest_even(hlo.multiply(x, _like(x, 1 / (2 * math.pi))))
    rest = x
    for part in _parts(2 * math.pi, 4):
        rest = hlo.subtract(rest, hlo.multiply(turns, _like(x, part)))
    # Beyond, neighbouring floats are some radians apart: any angle will do, but it must be one.
    size = hlo.abs_(x)
    far = hlo.compare(size, _like(x, _FARTHEST), "GT")
    near = hlo.compare(size, _like(x, math.pi), "LT")
    some = hlo.remainder(x, _like(x, 2 * math.pi))
    return _odd(op, x, _again(op, hlo.select(near, x, hlo.select(far, some, rest))))


def _odd(op: Op, x: Tensor, made: Tensor) -> Tensor:
    """Sine and tangent of -0 are -0."""
    return made if op.name == "cosine" else hlo.select(_is(x, 0), x, made)


_FARTHEST = 2 * math.pi * 2**22
"""Angles up to 10⁶ get a sine that is right to 10⁻⁶, those up to here one right to 10⁻⁴."""


def _parts(value: float, count: int) -> list[float]:
    """`value` as a sum of numbers of 8 bits, whose products with up to 2^16 turns are exact."""
    parts = []
    for _ in range(count):
        mantissa, exponent = math.frexp(value)
        part = math.ldexp(math.floor(mantissa * 256), exponent - 8)
        parts.append(part)
        value -= part
    return parts


def _cbrt(op: Op) -> Tensor | None:
    """sign(x) e^(log|x| / 3), made exact by two steps of Newton's; x itself at 0, ∞ and NaN."""
    (x,) = op.operands
    if not dtypes.is_floating(x.dtype):
        return None
    size = hlo.abs_(x)
    itself = hlo.or_(_is(x, 0), hlo.not_(hlo.is_finite(x)))
    safe = hlo.select(itself, _like(x, 1), size)
    root = hlo.exponential(hlo.multiply(hlo.log(safe), _like(x, 1 / 3)))
    for _ in range(2):
        excess = hlo.subtract(root, hlo.divide(safe, hlo.multiply(root, root)))
        root = hlo.subtract(root, hlo.multiply(excess, _like(x, 1 / 3)))
    return hlo.select(itself, x, hlo.multiply(root, _sign(x)))


def _log_plus_one(op: Op) -> Tensor | None:
    """x log(1 + x) / ((1 + x) - 1), which is exact where 1 + x rounds (Kahan)."""
    (x,) = op.operands
    if x.dtype != dtypes.float64:
        return None
    near = hlo.add(x, _like(x, 1))
    moved = hlo.subtract(near, _like(x, 1))
    rounded = hlo.or_(_is(moved, 0), hlo.not_(hlo.is_finite(near)))
    ratio = hlo.divide(x, hlo.select(rounded, _like(x, 1), moved))
    logarithm = hlo.log(near)
    scaled = hlo.multiply(logarithm, ratio)
    exact = hlo.select(_is(moved, 0), x, scaled)
    plain = hlo.or_(hlo.not_(hlo.is_finite(near)), _is(near, 0))
    return hlo.select(plain, logarithm, exact)


def _exponential_minus_one(op: Op) -> Tensor | None:
    """(e^x - 1) x / log(e^x), which is exact where e^x rounds (Kahan)."""
    (x,) = op.operands
    if x.dtype != dtypes.float64:
        return None
    power = hlo.exponential(x)
    moved = hlo.subtract(power, _like(x, 1))
    plain = hlo.or_(hlo.compare(hlo.abs_(x), _like(x, 1), "GT"), _is(moved, 0))
    logarithm = hlo.log(hlo.select(plain, _like(x, 2), power))
    exact = hlo.divide(hlo.multiply(moved, x), logarithm)
    tiny = hlo.and_(_is(moved, 0), hlo.compare(hlo.abs_(x), _like(x, 1), "LT"))
    return hlo.select(tiny, x, hlo.select(plain, moved, exact))


_MENDED: dict[str, Callable[[Op], Tensor | None]] = {
    "convert": _convert,
    "power": _power,
    "atan2": _atan2,
    "sine": _turned,
    "cosine": _turned,
    "tan": _turned,
    "cbrt": _cbrt,
    "log_plus_one": _log_plus_one,
    "exponential_minus_one": _exponential_minus_one,
}
