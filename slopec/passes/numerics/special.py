"""Gamma and error functions where their usual formulas lose digits.

The series are Chebyshev expansions, computed from the definitions to 60 digits. Formula numbers
are those of the *Digital Library of Mathematical Functions* (dlmf.nist.gov).
"""

import math
from fractions import Fraction

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.numerics import parts, twofold
from slopec.passes.numerics.conversions import DONE
from slopec.passes.numerics.parts import equals, exceeds, is_nan, like, where
from slopec.reference.special import SCALED_ERFC
from slopec.tensor import Tensor

_BERNOULLI = (
    *(1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160),
    *(43867 / 14364, -174611 / 6600),
)
"""B₂ₖ / 2k, of which the series of ψ consists (5.11.2)."""

_ROOT = Fraction(0xBB16C31AB5F1FB70D4E4432F05278358, 1 << 127)
"""Where ψ is 0."""

# fmt: off
_LGAMMA = (
    0.496919649624128236, -0.1898377029536412646, 0.05164236327824913711, -0.01620888582719528976,
    0.005480868756901195609, -0.0019373470781938533, 0.0007048910082035580377,
    -0.0002616969733774081674, 0.0000986113056551924852, -0.00003758485690898840526,
    0.00001445583982855613125, -5.601434278119440168e-6, 2.183996310263932769e-6,
    -8.560510993494189043e-7, 3.370770348717675602e-7, -1.332569899108219629e-7,
    5.286623421759878743e-8, -2.103902661057194307e-8, 8.396346115994458384e-9,
    -3.359327970358883414e-9, 1.347128417758247001e-9, -5.413413585081661394e-10,
    2.179523895564128068e-10, -8.790476934031151915e-11, 3.551107466208523077e-11,
    -1.436688987991691427e-11, 5.82052396201664144e-12, -2.361128116146315949e-12,
    9.589528652171644432e-13, -3.899069950405675632e-13, 1.587010973416894669e-13,
    -6.465854220933822815e-14, 2.636777102070500681e-14, -1.076215240758630399e-14,
    4.396243296659398979e-15, -1.797221357503132103e-15, 7.352595459272878132e-16,
    -3.010110271283284726e-16, 1.233137260968595604e-16, -5.054910883766592134e-17,
    2.073363598084662887e-17,
)
"""Of log Γ(x) / ((x − 1) (x − 2)) on [1/2, 3]."""

_DIGAMMA = (
    0.983570260441566988, -0.2270640863346443967, 0.03336889902393010897, -0.005320077271596547444,
    0.0008788656937820505333, -0.0001477349265060604328, 0.00002506054346835914444,
    -4.272103402999332207e-6, 7.302769272465923049e-7, -1.250288681355959552e-7,
    2.142500932235947373e-8, -3.673295918565179039e-9, 6.299717236108930907e-10,
    -1.080593028883266011e-10, 1.85373519205363789e-11, -3.18023536582553001e-12,
    5.456147570322794185e-13, -9.360993131036438156e-14, 1.60606463629507501e-14,
    -2.755543137743881311e-15, 4.727736178601911391e-16, -8.111484203465090033e-17,
    1.391707769474154065e-17,
)
"""Of ψ(x) / (x − x₀) on [1, 2], x₀ its root."""

_ERF_INV = (
    1.012720049658667388, 0.1460170125376582416, 0.02336949219765912774,
    0.004695916484038942288, 0.001051354339013581342, 0.00025068879866886265,
    0.00006228664922299149571, 0.00001593063119163744439, 4.16289477741577967e-6,
    1.105968293831366425e-6, 2.977100806554951915e-7, 8.099920796225733293e-8,
    2.223362259215499081e-8, 6.148584958865908986e-9, 1.711203751924911766e-9,
    4.788645962805868494e-10, 1.346490198636789394e-10, 3.802095257020552118e-11,
    1.077617067094921487e-11, 3.064455533784485463e-12, 8.740613336439876131e-13,
    2.499792713038607997e-13, 7.166892196406103288e-14, 2.059340786981625103e-14,
    5.929440422272808096e-15, 1.710468314922811843e-15, 4.942746717964974936e-16,
    1.430596104331826528e-16, 4.146776167483887518e-17, 1.203660017084162862e-17,
)
"""Of erf⁻¹(√x) / √x on [0, (27/32)²]."""
# fmt: on

_JOINT = 27 / 32
"""Where erf⁻¹ is hardly less than 1."""


def _again(name: str, x: Tensor) -> Tensor:
    """The op of CHLO as IREE computes it."""
    return tracing.emit(name, [x], x.shape, x.dtype, {DONE: ir.unit()})


def _within(x: Tensor, low: float, high: float) -> Tensor:
    """Whether low ≤ x ≤ high."""
    return hlo.and_(hlo.compare(x, like(x, low), "GE"), hlo.compare(x, like(x, high), "LE"))


def lgamma(x: Tensor) -> Tensor:
    """log |Γ(x)|, by a series up to 3, by recurrence up to 8, by Stirling's formula beyond."""
    low = hlo.compare(x, like(x, 0.5), "LT")
    z = hlo.select(low, 1.0 - x, x)
    value = where(exceeds(z, 8), _lgamma_far(z), _lgamma_near(z))
    # Γ(x) Γ(1 − x) = π / sin πx (5.5.3); the poles are infinite.
    offset = hlo.abs_(x - hlo.round_nearest_even(x))
    reflected = (math.log(math.pi) - hlo.log(hlo.sine(offset * math.pi))) - value
    pole = hlo.and_(parts.vanishes(offset), low)
    value = where(pole, math.inf, hlo.select(low, reflected, value))
    return where(equals(hlo.abs_(x), math.inf), math.inf, value)


def _lgamma_near(z: Tensor) -> Tensor:
    """log Γ on [1/2, 8]; near its zeros at 1 and 2 a product with z − 1 and z − 2."""
    moved, factor = hlo.minimum(z, like(z, 8)), like(z, 1)
    for _ in range(5):
        above = exceeds(moved, 3)
        moved = hlo.select(above, moved - 1.0, moved)
        factor = hlo.select(above, factor * moved, factor)
    series = parts.chebyshev(_LGAMMA, (moved - 1.75) * 0.8)
    return hlo.log(factor) + (moved - 1.0) * (moved - 2.0) * series


def _lgamma_far(z: Tensor) -> Tensor:
    """Stirling's (z − ½) log z − z + ½ log 2π + Σ B₂ₖ / (2k (2k − 1) z²ᵏ⁻¹) (5.11.1)."""
    safe = hlo.maximum(z, like(z, 8))
    inverse = 1.0 / safe
    tail = parts.polynomial([b / (2 * k + 1) for k, b in enumerate(_BERNOULLI)], inverse * inverse)
    # log z − 1 first: the product overflows only where the result does.
    main = (safe - 0.5) * (hlo.log(safe) - 1.0)
    return main + (math.log(2 * math.pi) / 2 - 0.5 + inverse * tail)


def digamma(x: Tensor) -> Tensor:
    """ψ(x), from [1, 2] by recurrence, from large x by its series, reflected below 1/2."""
    low = hlo.compare(x, like(x, 0.5), "LT")
    z = hlo.select(low, 1.0 - x, x)
    value = where(exceeds(z, 3), _digamma_far(z), _digamma_near(z))
    # −π cot πx, whose poles have no value (5.5.4).
    offset = x - hlo.round_nearest_even(x)
    reflected = value - math.pi / hlo.tan(offset * math.pi)
    pole = hlo.and_(parts.vanishes(offset), hlo.compare(x, like(x, 0.5), "LT"))
    return where(pole, math.nan, hlo.select(low, reflected, value))


def _digamma_near(z: Tensor) -> Tensor:
    """ψ on [1/2, 3]."""
    below, above = hlo.compare(z, like(z, 1), "LT"), exceeds(z, 2)
    inside = hlo.select(below, z + 1.0, hlo.select(above, z - 1.0, z))
    root = twofold.constant(z, _ROOT)
    series = parts.chebyshev(_DIGAMMA, inside * 2.0 - 3.0)
    value = ((inside - root.high) - root.low) * series
    step = where(below, -1.0 / z, where(above, 1.0 / inside, like(z, 0)))
    return value + step


def _digamma_far(z: Tensor) -> Tensor:
    """ψ beyond 3: moved up to where log z − 1/2z − Σ B₂ₖ / (2k z²ᵏ) is exact (5.11.2)."""
    enough = 6.0 if z.dtype == dtypes.float32 else 10.0
    moved, steps = hlo.maximum(z, like(z, 3)), hlo.zeros_like(z)
    for _ in range(int(enough) - 3):
        short = hlo.compare(moved, like(z, enough), "LT")
        steps = steps + where(short, 1.0 / moved, 0)
        moved = hlo.select(short, moved + 1.0, moved)
    inverse = 1.0 / moved
    square = inverse * inverse
    tail = square * parts.polynomial(_BERNOULLI, square)
    return ((hlo.log(moved) - inverse * 0.5) - tail) - steps


def erfc(x: Tensor) -> Tensor:
    """1 − erf x; where it is small, e^(−x²) times a series.

    The exponent is taken apart, so that rounding x² does not cost digits.
    """
    size = hlo.abs_(x)
    near = hlo.compare(size, like(x, 0.5), "LT")
    bounded = hlo.minimum(size, like(x, 12.0 if x.dtype == dtypes.float32 else 30.0))
    head = parts.upper_half(bounded)
    scale = hlo.exponential(-(head * head))
    scale = scale * hlo.exponential((head - bounded) * (head + bounded))
    series = parts.chebyshev(SCALED_ERFC, (bounded - 3.75) / (bounded + 3.75))
    far = scale * series / (bounded * 2.0 + 1.0)
    far = hlo.select(exceeds(x, 0), far, 2.0 - far)
    return where(is_nan(x), math.nan, hlo.select(near, 1.0 - hlo.erf(x), far))


def erf_inv(x: Tensor) -> Tensor:
    """A series up to 27/32; beyond it IREE's and a step of Halley's, as erfc keeps digits there."""
    start, size = _again("chlo.erf_inv", x), hlo.abs_(x)
    tail = _within(size, _JOINT, math.nextafter(1, 0) if x.dtype.itemsize == 8 else 1 - 2**-24)
    u = where(tail, hlo.abs_(start), 1)
    excess = hlo.erfc(u) - (1.0 - size)
    step = excess * (math.sqrt(math.pi) / 2) * hlo.exponential(u * u)
    better = hlo.select(tail, u + step / (1.0 - u * step), hlo.abs_(start))
    inner = hlo.compare(size, like(x, _JOINT), "LT")
    near = where(inner, size, 0)
    series = near * parts.chebyshev(_ERF_INV, near * near * (2 / _JOINT**2) - 1.0)
    return parts.with_sign(hlo.select(inner, series, better), x)
