"""The neighbours of a floating number, by its bits: comparisons of floats take subnormals for 0."""

from slopec import hlo
from slopec.passes.numerics import parts
from slopec.passes.numerics.parts import equals, is_nan, like
from slopec.tensor import Tensor


def next_after(x: Tensor, y: Tensor) -> Tensor:
    """The float after `x` on the way to `y`; `y` where they are equal."""
    a, b = parts.bits(x), parts.bits(y)
    here, there = _rank(a), _rank(b)
    step = hlo.select(hlo.compare(there, here, "GT"), like(a, 1), like(a, -1))
    moved = hlo.select(equals(here, 0), _least(a, b), a + hlo.select(_negative(a), -step, step))
    found = hlo.select(hlo.compare(here, there, "EQ"), b, moved)
    value = parts.of_bits(found, x.dtype)
    # A sum with NaN is NaN, whichever of them it is.
    return hlo.select(hlo.or_(is_nan(x), is_nan(y)), x + y, value)


def _negative(raw: Tensor) -> Tensor:
    return hlo.compare(raw, hlo.zeros_like(raw), "LT")


def _rank(raw: Tensor) -> Tensor:
    """An integer that grows with the float; both zeros have 0."""
    least = like(raw, -(1 << (8 * raw.dtype.itemsize - 1)))
    return hlo.select(_negative(raw), least - raw, raw)


def _least(zero: Tensor, toward: Tensor) -> Tensor:
    """The least subnormal number of the sign of another."""
    sign = hlo.and_(toward, like(toward, -(1 << (8 * zero.dtype.itemsize - 1))))
    return hlo.or_(sign, like(zero, 1))
