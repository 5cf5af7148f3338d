"""Functions of complex numbers through real ones, without what overflows or cancels on the way.

Square roots and arcs are W. Kahan's (*Branch cuts for complex elementary functions*, 1987); signs
of zeros tell the sides of branch cuts apart.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from slopec import dtypes, hlo
from slopec.passes.numerics import parts
from slopec.passes.numerics.angles import arc_tangent
from slopec.passes.numerics.hyperbolic import asinh, cosh, sinh
from slopec.passes.numerics.parts import equals, exceeds, like, where
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Parts:
    """A complex number by its real and its imaginary part."""

    real: Tensor
    imag: Tensor

    def joined(self) -> Tensor:
        """The number as one tensor."""
        return hlo.complex_(self.real, self.imag)

    def __add__(self, other: "Parts") -> "Parts":
        """The sum."""
        return Parts(self.real + other.real, self.imag + other.imag)

    def __sub__(self, other: "Parts") -> "Parts":
        """The difference."""
        return Parts(self.real - other.real, self.imag - other.imag)

    def __mul__(self, other: "Parts") -> "Parts":
        """The product, whose parts may overflow where it does not."""
        return Parts(
            self.real * other.real - self.imag * other.imag,
            self.real * other.imag + self.imag * other.real,
        )

    def conj(self) -> "Parts":
        """The conjugate."""
        return Parts(self.real, -self.imag)

    def each(self, function: Callable[[Tensor], Tensor]) -> "Parts":
        """What a function makes of both parts."""
        return Parts(function(self.real), function(self.imag))


def taken_apart(z: Tensor) -> Parts:
    """The parts of a complex tensor."""
    return Parts(hlo.real(z), hlo.imag(z))


def _scaled(z: Parts) -> tuple[Parts, Tensor]:
    """z / 2ⁿ whose larger part is between 1 and 2, and n; zero and infinity stay."""
    size = hlo.maximum(hlo.abs_(z.real), hlo.abs_(z.imag))
    plain = hlo.and_(hlo.not_(parts.vanishes(size)), hlo.is_finite(size))
    n = where(plain, parts.exponent_of(size), 0)
    half = hlo.shift_right_arithmetic(n, like(n, 1))
    # 2⁻ⁿ may itself be subnormal.
    factors = [parts.power_of_two(-m, size.dtype) for m in (half, n - half)]
    return Parts(*(v * factors[0] * factors[1] for v in (z.real, z.imag))), n


def _shifted(x: Tensor, n: Tensor) -> Tensor:
    """x 2ⁿ."""
    half = hlo.shift_right_arithmetic(n, like(n, 1))
    return x * parts.power_of_two(half, x.dtype) * parts.power_of_two(n - half, x.dtype)


def _either(z: Parts, holds: Callable[[Tensor], Tensor]) -> Tensor:
    """Whether something holds for the size of either part, be the other NaN."""
    return hlo.or_(*(holds(hlo.abs_(v)) for v in (z.real, z.imag)))


def _is_endless(z: Parts) -> Tensor:
    """Whether either part is infinite."""
    return _either(z, lambda size: equals(size, math.inf))


def modulus(z: Parts) -> Tensor:
    """|z|; infinite where either part is, even beside NaN."""
    small, n = _scaled(z)
    size = hlo.sqrt(small.real * small.real + small.imag * small.imag)
    return where(_is_endless(z), math.inf, _shifted(size, n))


def _log_modulus(z: Parts) -> Tensor:
    """log |z|, also where |z| overflows."""
    small, n = _scaled(z)
    square = small.real * small.real + small.imag * small.imag
    size = hlo.log(square) * 0.5 + hlo.convert(n, square.dtype) * math.log(2)
    return where(_is_endless(z), math.inf, size)


def divide(x: Parts, y: Parts) -> Parts:
    """x / y, with both scaled to about 1."""
    a, n = _scaled(x)
    b, m = _scaled(y)
    below = b.real * b.real + b.imag * b.imag
    real = (a.real * b.real + a.imag * b.imag) / below
    imag = (a.imag * b.real - a.real * b.imag) / below
    limit = 2 * (parts.exponent_limit(real.dtype) - 2)
    shift = hlo.clamp(hlo.full((), -limit, n.dtype), n - m, hlo.full((), limit, n.dtype))
    return Parts(_shifted(real, shift), _shifted(imag, shift))


def sign(z: Parts) -> Parts:
    """z / |z|, 0 of 0."""
    small, _ = _scaled(z)
    size = hlo.sqrt(small.real * small.real + small.imag * small.imag)
    safe = where(equals(size, 0), 1, size)
    return Parts(small.real / safe, small.imag / safe)


def _angle(z: Parts) -> Tensor:
    return arc_tangent(z.imag, z.real)


def exponential(z: Parts) -> Parts:
    """eᵃ (cos b + i sin b); e^(a/2) twice, since eᵃ may overflow where the result does not."""
    root = hlo.exponential(z.real * 0.5)
    real = root * hlo.cosine(z.imag) * root
    imag = root * hlo.sine(z.imag) * root
    return Parts(real, where(equals(z.imag, 0), z.imag, imag))


def exponential_minus_one(z: Parts) -> Parts:
    """(eᵃ − 1) cos b − 2 sin² (b/2) + i eᵃ sin b."""
    half = hlo.sine(z.imag * 0.5)
    real = hlo.exponential_minus_one(z.real) * hlo.cosine(z.imag) - half * half * 2.0
    return Parts(real, hlo.exponential(z.real) * hlo.sine(z.imag))


def log(z: Parts) -> Parts:
    """log |z| + i arg z; near |z| = 1 from (|a| − 1) (|a| + 1) + b², a the larger part."""
    tall = hlo.compare(hlo.abs_(z.imag), hlo.abs_(z.real), "GT")
    large, less = (
        hlo.abs_(hlo.select(tall, *pair)) for pair in ((z.imag, z.real), (z.real, z.imag))
    )
    close = hlo.and_(exceeds(large, 0.5), hlo.compare(large, like(large, 2), "LT"))
    around = where(close, large, 1)
    beside = where(close, less, 0)
    near = hlo.log_plus_one((around - 1.0) * (around + 1.0) + beside * beside) * 0.5
    return Parts(hlo.select(close, near, _log_modulus(z)), _angle(z))


def log_plus_one(z: Parts) -> Parts:
    """log (1 + z); for small z from a (a + 2) + b²."""
    moved = Parts(z.real + 1.0, z.imag)
    size = hlo.maximum(hlo.abs_(z.real), hlo.abs_(z.imag))
    small = hlo.compare(size, like(size, 0.5), "LT")
    a, b = where(small, z.real, 0), where(small, z.imag, 0)
    near = hlo.log_plus_one(a * (a + 2.0) + b * b) * 0.5
    far = log(moved)
    return Parts(hlo.select(small, near, far.real), far.imag)


def sqrt(z: Parts) -> Parts:
    """√((|z| + |a|) / 2) and b over twice that, in the order of the sign of a."""
    size = hlo.maximum(hlo.abs_(z.real), hlo.abs_(z.imag))
    n = where(hlo.or_(parts.vanishes(size), hlo.not_(hlo.is_finite(size))), 0, _even(size))
    a, b = (_shifted(v, -n) for v in (z.real, z.imag))
    length = hlo.sqrt(a * a + b * b)
    long = hlo.sqrt((length + hlo.abs_(a)) * 0.5)
    short = hlo.abs_(b) / where(equals(long, 0), 1, long * 2.0)
    endless = equals(hlo.abs_(b), math.inf)
    long, short = (where(endless, math.inf, v) for v in (long, short))
    half = hlo.shift_right_arithmetic(n, like(n, 1))
    long, short = (v * parts.power_of_two(half, v.dtype) for v in (long, short))
    backward = parts.is_negative(z.real)
    real, imag = hlo.select(backward, short, long), hlo.select(backward, long, short)
    return Parts(real, parts.with_sign(imag, z.imag))


def _even(size: Tensor) -> Tensor:
    """The exponent, without its last bit."""
    n = parts.exponent_of(size)
    return hlo.and_(n, like(n, -2))


def square(z: Parts) -> Parts:
    """(a − b) (a + b) + 2ab i; of equal parts the real one is 0, though a + b overflow."""
    even = hlo.compare(hlo.abs_(z.real), hlo.abs_(z.imag), "EQ")
    level = hlo.and_(even, hlo.is_finite(z.real))
    real = where(level, 0, (z.real - z.imag) * (z.real + z.imag))
    return Parts(real, z.real * z.imag * 2.0)


def cube_root(z: Parts) -> Parts:
    """∛|z| e^(i arg z / 3), the principal root."""
    size, third = hlo.cbrt(modulus(z)), _angle(z) * (1 / 3)
    return Parts(size * hlo.cosine(third), size * hlo.sine(third))


def rsqrt(z: Parts) -> Parts:
    """1 / √z."""
    one = Parts(like(z.real, 1), hlo.zeros_like(z.real))
    return divide(one, sqrt(z))


def logistic(z: Parts) -> Parts:
    """1 / (1 + e^−z), with e of a negative real part, and 1 + e from its distance to −1."""
    forward = hlo.not_(parts.is_negative(z.real))
    size = hlo.abs_(z.real)
    turned = hlo.select(forward, -z.imag, z.imag)
    scale, half = hlo.exponential(-size), hlo.cosine(z.imag * 0.5)
    e = Parts(scale * hlo.cosine(turned), scale * hlo.sine(turned))
    below = Parts(scale * half * half * 2.0 - hlo.exponential_minus_one(-size), e.imag)
    one = Parts(where(forward, 1, e.real), where(forward, 0, e.imag))
    return divide(one, below)


def sine(z: Parts) -> Parts:
    """sin a cosh b + i cos a sinh b."""
    return Parts(hlo.sine(z.real) * cosh(z.imag), hlo.cosine(z.real) * sinh(z.imag))


def cosine(z: Parts) -> Parts:
    """cos a cosh b − i sin a sinh b."""
    return Parts(hlo.cosine(z.real) * cosh(z.imag), -(hlo.sine(z.real) * sinh(z.imag)))


def tanh(z: Parts) -> Parts:
    """From t = tan b, s = sinh a: ((1 + t²) √(1 + s²) s + i t) / (1 + (1 + t²) s²) (Kahan)."""
    # Beyond, the real part is ±1 and the imaginary part 4 sin b cos b e^−2|a|.
    limit = 10.0 if z.real.dtype == dtypes.float32 else 20.0
    far = exceeds(hlo.abs_(z.real), limit)
    t, s = hlo.tan(z.imag), sinh(where(far, 1, z.real))
    beta = t * t + 1.0
    below = beta * s * s + 1.0
    real = beta * hlo.sqrt(s * s + 1.0) * s / below
    root = hlo.exponential(-hlo.abs_(z.real))
    tail = hlo.sine(z.imag) * hlo.cosine(z.imag) * 4.0 * root * root
    end = parts.with_sign(like(real, 1), z.real)
    return Parts(hlo.select(far, end, real), hlo.select(far, tail, t / below))


def _turned(z: Parts) -> Parts:
    """i z."""
    return Parts(-z.imag, z.real)


def _turned_back(z: Parts) -> Parts:
    """−i z."""
    return Parts(z.imag, -z.real)


def tan(z: Parts) -> Parts:
    """−i tanh iz."""
    return _turned_back(tanh(_turned(z)))


def sinh_of(z: Parts) -> Parts:
    """sinh a cos b + i cosh a sin b."""
    return Parts(sinh(z.real) * hlo.cosine(z.imag), cosh(z.real) * hlo.sine(z.imag))


def cosh_of(z: Parts) -> Parts:
    """cosh a cos b + i sinh a sin b."""
    return Parts(cosh(z.real) * hlo.cosine(z.imag), sinh(z.real) * hlo.sine(z.imag))


def _roots(z: Parts) -> tuple[Parts, Parts]:
    """√(1 − z) and √(1 + z)."""
    return sqrt(Parts(1.0 - z.real, -z.imag)), sqrt(Parts(z.real + 1.0, z.imag))


def _far(z: Parts) -> tuple[Tensor, Tensor, Parts]:
    """Whether z² ± 1 is z² to all digits, log |2z|, and z where it is not so far."""
    far = _either(z, parts.is_far)
    near = Parts(where(far, 1, z.real), where(far, 1, z.imag))
    return far, _log_modulus(z) + math.log(2), near


def asin(z: Parts) -> Parts:
    """atan (a / Re √(1−z) √(1+z)) + i asinh Im (conj √(1−z) · √(1+z)); far out ± i log |2z|."""
    far, length, near = _far(z)
    minus, plus = _roots(near)
    real = arc_tangent(near.real, minus.real * plus.real - minus.imag * plus.imag)
    imag = asinh(minus.real * plus.imag - minus.imag * plus.real)
    real = hlo.select(far, arc_tangent(z.real, hlo.abs_(z.imag)), real)
    return Parts(real, hlo.select(far, parts.with_sign(length, z.imag), imag))


def acos(z: Parts) -> Parts:
    """2 atan (Re √(1−z) / Re √(1+z)) + i asinh Im (conj √(1+z) · √(1−z)); far out ∓ i log |2z|."""
    far, length, near = _far(z)
    minus, plus = _roots(near)
    real = arc_tangent(minus.real, plus.real) * 2.0
    imag = asinh(plus.real * minus.imag - plus.imag * minus.real)
    real = hlo.select(far, arc_tangent(hlo.abs_(z.imag), z.real), real)
    return Parts(real, hlo.select(far, parts.with_sign(length, -z.imag), imag))


def asinh_of(z: Parts) -> Parts:
    """−i asin iz."""
    return _turned_back(asin(_turned(z)))


def acosh(z: Parts) -> Parts:
    """asinh Re (conj √(z−1) · √(z+1)) + 2i atan (Im √(z−1) / Re √(z+1)); far out log 2z."""
    far, length, near = _far(z)
    minus, plus = (sqrt(Parts(near.real + one, near.imag)) for one in (-1.0, 1.0))
    real = asinh(minus.real * plus.real + minus.imag * plus.imag)
    imag = arc_tangent(minus.imag, plus.real) * 2.0
    return Parts(hlo.select(far, length, real), hlo.select(far, _angle(z), imag))


def atanh(z: Parts) -> Parts:
    """log1p (4a / ((1−a)² + b²)) / 4 + i arg ((1−a) (1+a) − b² + 2ib) / 2, |a| in place of a."""
    a, b = hlo.abs_(z.real), z.imag
    limit = 2.0 ** (parts.digits(a.dtype) + 2)
    far = exceeds(hlo.maximum(a, hlo.abs_(b)), limit)
    x, y = where(far, 1, a), where(far, 1, b)
    less = 1.0 - x
    square = less * less + y * y
    real = hlo.log_plus_one(x * 4.0 / square) * 0.25
    # Beside 1 the square underflows.
    close = hlo.compare(square, like(a, 2.0 ** -parts.digits(a.dtype)), "LT")
    gap = hlo.log(modulus(Parts(less, y)))
    real = hlo.select(close, (hlo.log(x + 1.0) - gap) * 0.5, real)
    imag = arc_tangent(y * 2.0, less * (x + 1.0) - y * y) * 0.5
    # Far out the real part is Re 1/z, the imaginary part a right angle.
    inverse = divide(Parts(like(a, 1), hlo.zeros_like(a)), Parts(where(far, a, 1), b)).real
    real = hlo.select(far, where(_is_endless(z), 0, inverse), real)
    imag = where(far, parts.with_sign(like(b, math.pi / 2), b), imag)
    return Parts(parts.with_sign(real, z.real), imag)


def atan(z: Parts) -> Parts:
    """−i atanh iz."""
    return _turned_back(atanh(_turned(z)))


def _times(x: Parts, y: Parts) -> Parts:
    """x y."""
    real = x.real * y.real - x.imag * y.imag
    return Parts(real, x.real * y.imag + x.imag * y.real)


def angle(y: Parts, x: Parts) -> Parts:
    """−i log ((x + iy) / √(x² + y²)), which atan2 is of complex numbers."""
    ahead = Parts(x.real - y.imag, x.imag + y.real)
    squares = _times(x, x), _times(y, y)
    below = sqrt(Parts(squares[0].real + squares[1].real, squares[0].imag + squares[1].imag))
    return _turned_back(log(divide(ahead, below)))


def maximum(x: Parts, y: Parts) -> Parts:
    """The one of the larger real part; where those are equal, of the larger imaginary part."""
    return _chosen(x, y, "GT")


def minimum(x: Parts, y: Parts) -> Parts:
    """The one of the smaller real part; where those are equal, of the smaller imaginary part."""
    return _chosen(x, y, "LT")


def _chosen(x: Parts, y: Parts, order: str) -> Parts:
    """The one that goes before in an order by real, then imaginary parts; NaN goes before all."""
    equal = hlo.compare(x.real, y.real, "EQ")
    later = hlo.and_(equal, hlo.compare(x.imag, y.imag, order))
    before = hlo.or_(hlo.compare(x.real, y.real, order), later)
    odd = [hlo.or_(parts.is_nan(z.real), parts.is_nan(z.imag)) for z in (x, y)]
    first = hlo.or_(odd[0], hlo.and_(before, hlo.not_(odd[1])))
    return Parts(hlo.select(first, x.real, y.real), hlo.select(first, x.imag, y.imag))


def power(x: Parts, y: Parts) -> Parts:
    """e^(y log x); of base 0 it is 0, and of exponent 0 it is 1."""
    value = exponential(_times(log(x), y))
    nothing, plain = _is_zero(x), _is_zero(y)
    real = where(plain, 1, where(nothing, 0, value.real))
    return Parts(real, where(hlo.or_(plain, nothing), 0, value.imag))


def _is_zero(z: Parts) -> Tensor:
    return hlo.and_(parts.vanishes(z.real), parts.vanishes(z.imag))
