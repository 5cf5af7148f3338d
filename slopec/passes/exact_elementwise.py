"""Elementwise ops where IREE's results are not StableHLO's: special points, ranges, large angles.

What is put in their place is elementwise too, and is fused with what is around it. An op that
remains, with more ops around it, is marked, so that the pass may run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.passes.each import each
from slopec.passes.facts import MOVES, known
from slopec.passes.numerics import (
    angles,
    bessel,
    complexes,
    conversions,
    hyperbolic,
    neighbours,
    powers,
    remainders,
    special,
    waves,
    zeta,
)
from slopec.passes.numerics.conversions import DONE, NARROW
from slopec.passes.op import Op, any_producer
from slopec.passes.pattern import apply
from slopec.passes.simplify.folding import fold, fold_splats
from slopec.tensor import Tensor

Mend = Callable[[Op], Tensor | None]
"""What an op becomes; None where it is right as it is."""


@dataclass(frozen=True)
class ExactElementwise:
    """sine(x) → reduction and series; likewise arcs, powers, conversions, 8-bit floats …"""

    name: ClassVar[str] = "exact-elementwise"

    def run(self, module: ir.Module) -> None:
        """Mend every op of `module` that needs it, and what it is mended with."""
        rounds = 0
        while _mend_all(module):
            rounds += 1
        if rounds:
            # IREE compiles and runs what depends on constants alone, which takes it minutes here.
            apply(module, [fold_splats, fold])


def _mend_all(module: ir.Module) -> bool:
    """Mend every op once; whether there was one."""
    changed = False
    for op in each(module, *_MENDED, *_COMPUTED, *_COMPLEX):
        made = None if DONE in op.operation.attributes else _mended(op)
        if made is not None:
            op.operation.results[0].replace_all_uses_with(op.trace.value_of(made))
            op.operation.erase()
            changed = True
    return changed


def _mended(op: Op) -> Tensor | None:
    name = str(op.operation.name)
    if name in _COMPUTED and any(x.dtype in NARROW for x in op.operands):
        return _in_single(op)
    if name in _COMPLEX and dtypes.is_complex(op.operands[0].dtype):
        return _of_parts(op, _COMPLEX[name])
    mend = _MENDED.get(name)
    return mend(op) if mend else None


def _in_single(op: Op) -> Tensor:
    """An op of 8-bit floats computed in float32."""
    operands = [hlo.convert(x, dtypes.float32) if x.dtype in NARROW else x for x in op.operands]
    if op.name in ("convolution", "dot_general"):
        # Once for every number, and not for every product; and out of the GPUs' kernels for those.
        operands = list(hlo.optimization_barrier(operands))
    half = dtypes.is_floating(op.dtype) and op.dtype.itemsize < 4
    dtype = dtypes.float32 if half else op.dtype
    return hlo.convert(op.again(*operands, dtype=dtype), op.dtype)


_COMPUTED = frozenset(
    f"stablehlo.{name}"
    for name in """abs add atan2 cbrt ceil clamp compare convolution cosine divide dot_general
    exponential exponential_minus_one floor is_finite log log_plus_one logistic maximum minimum
    multiply negate power reduce_precision remainder round_nearest_afz round_nearest_even rsqrt sign
    sine sqrt subtract tan tanh""".split()
) | frozenset(
    f"chlo.{name}"
    for name in """acos acosh asin asinh atan atanh bessel_i1e cosh digamma erf erf_inv erfc is_inf
    is_neg_inf is_pos_inf lgamma polygamma sinh square tan zeta""".split()
)
"""The ops that compute with their operands, rather than move them."""


_HALF = (dtypes.float16, dtypes.bfloat16)


def _real(function: Callable[..., Tensor], *only: dtypes.DType) -> Mend:
    """A function of real floats, or of those of the types `only`; narrow ones are widened."""

    def mend(op: Op) -> Tensor | None:
        operands = op.operands
        if not dtypes.is_floating(op.dtype) or (only and op.dtype not in only):
            return None
        if op.dtype.itemsize < 4:
            wide = [hlo.convert(x, dtypes.float32) for x in operands]
            return hlo.convert(function(*wide), op.dtype)
        return function(*operands)

    return mend


def _by_width(
    single: Callable[[Tensor], Tensor], double: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """A function of float32, or of float64."""
    return lambda x: double(x) if x.dtype == dtypes.float64 else single(x)


def _convert(op: Op) -> Tensor | None:
    (x,) = op.operands
    if dtypes.is_integer(op.dtype) and known(x) is not None:
        return None
    if op.dtype == dtypes.bfloat16 and x.dtype == dtypes.float32 and _counts(x):
        return conversions.rounded_to_bfloat16(x)
    return conversions.convert(x, op.dtype)


def _counts(x: Tensor) -> bool:
    """Whether floats are integers converted and moved; the compiler then converts them at once."""
    op = any_producer(x)
    while op is not None and op.name in MOVES:
        op = any_producer(op.operands[0])
    if op is None or op.name != "convert":
        return op is not None and op.name == "iota"
    return not dtypes.is_differentiable(op.operands[0].dtype)


def _power(op: Op) -> Tensor | None:
    x, y = op.operands
    if dtypes.is_integer(op.dtype):
        return powers.integer_power(x, y)
    return _real(lambda x, y_: powers.power(x, y_, known(y)))(op)


def _polygamma(op: Op) -> Tensor | None:
    order = known(op.operands[0])
    return _real(lambda n, x: zeta.polygamma(n, x, order))(op)


def _add(op: Op) -> Tensor | None:
    """Addition of Booleans is disjunction."""
    return hlo.or_(*op.operands) if op.dtype == dtypes.bool_ else None


def _next_after(op: Op) -> Tensor | None:
    return neighbours.next_after(*op.operands)


_COMPLEX: dict[str, Callable[..., complexes.Parts | Tensor]] = {
    "stablehlo.abs": complexes.modulus,
    "stablehlo.atan2": complexes.angle,
    "stablehlo.cbrt": complexes.cube_root,
    "stablehlo.cosine": complexes.cosine,
    "stablehlo.divide": complexes.divide,
    "stablehlo.exponential": complexes.exponential,
    "stablehlo.exponential_minus_one": complexes.exponential_minus_one,
    "stablehlo.log": complexes.log,
    "stablehlo.log_plus_one": complexes.log_plus_one,
    "stablehlo.logistic": complexes.logistic,
    "stablehlo.maximum": complexes.maximum,
    "stablehlo.minimum": complexes.minimum,
    "stablehlo.power": complexes.power,
    "stablehlo.rsqrt": complexes.rsqrt,
    "stablehlo.sign": complexes.sign,
    "stablehlo.sine": complexes.sine,
    "stablehlo.sqrt": complexes.sqrt,
    "stablehlo.tan": complexes.tan,
    "stablehlo.tanh": complexes.tanh,
    "chlo.acos": complexes.acos,
    "chlo.acosh": complexes.acosh,
    "chlo.asin": complexes.asin,
    "chlo.asinh": complexes.asinh_of,
    "chlo.atan": complexes.atan,
    "chlo.atanh": complexes.atanh,
    "chlo.cosh": complexes.cosh_of,
    "chlo.sinh": complexes.sinh_of,
    "chlo.square": complexes.square,
    "chlo.tan": complexes.tan,
}
"""What complex numbers become, by their parts."""


def _of_parts(op: Op, function: Callable[..., complexes.Parts | Tensor]) -> Tensor:
    made = function(*(complexes.taken_apart(z) for z in op.operands))
    return made.joined() if isinstance(made, complexes.Parts) else made


_MENDED: dict[str, Mend] = {
    "stablehlo.add": _add,
    "stablehlo.convert": _convert,
    "stablehlo.power": _power,
    "stablehlo.logistic": _real(hlo.logistic, *_HALF),  # e^−x overflows before the result is 0
    "stablehlo.rsqrt": _real(hlo.rsqrt, *_HALF),
    "stablehlo.atan2": _real(angles.arc_tangent),
    "stablehlo.sine": _real(_by_width(angles.sine, waves.sine)),
    "stablehlo.cosine": _real(_by_width(angles.cosine, waves.cosine)),
    "stablehlo.tan": _real(_by_width(angles.tangent, waves.tangent)),
    "stablehlo.tanh": _real(hyperbolic.tanh, dtypes.float64),
    "stablehlo.remainder": _real(remainders.remainder, dtypes.float64),
    "stablehlo.cbrt": _real(powers.cube_root),
    "stablehlo.log_plus_one": _real(hyperbolic.log_plus_one, dtypes.float64),
    "stablehlo.exponential_minus_one": _real(hyperbolic.exponential_minus_one, dtypes.float64),
    "chlo.acos": _real(angles.arc_cosine),
    "chlo.acosh": _real(hyperbolic.acosh),
    "chlo.asin": _real(angles.arc_sine),
    "chlo.asinh": _real(hyperbolic.asinh),
    "chlo.atan": _real(lambda x: angles.arc_tangent(x, hlo.full_like(x, 1))),
    "chlo.atanh": _real(hyperbolic.atanh),
    "chlo.bessel_i1e": _real(bessel.bessel_i1e),
    "chlo.cosh": _real(hyperbolic.cosh),
    "chlo.digamma": _real(special.digamma),
    "chlo.erf_inv": _real(special.erf_inv),
    "chlo.erfc": _real(special.erfc),
    "chlo.lgamma": _real(special.lgamma),
    "chlo.next_after": _next_after,
    "chlo.polygamma": _polygamma,
    "chlo.sinh": _real(hyperbolic.sinh),
    "chlo.tan": _real(hlo.tan),
    "chlo.zeta": _real(zeta.zeta),
}
