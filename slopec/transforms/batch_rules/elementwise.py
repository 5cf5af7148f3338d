"""Ops that take a leading dimension as it comes: elementwise ones, and those on last dimensions."""

from collections.abc import Sequence

from slopec import dtypes, hlo
from slopec.dialects import calls
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Lane, Site, batched, mixed

_STABLEHLO = """
abs add and atan2 bitcast_convert cbrt ceil cholesky compare complex convert cosine
count_leading_zeros divide exponential exponential_minus_one fft floor imag is_finite log
log_plus_one logistic maximum minimum multiply negate not or popcnt power real reduce_precision
remainder round_nearest_afz round_nearest_even rsqrt shift_left shift_right_arithmetic
shift_right_logical sign sine sqrt subtract tan tanh triangular_solve xor
"""
_CHLO = """
acos acosh asin asinh atan atanh bessel_i1e conj constant_like cosh digamma erf erf_inv erfc is_inf
is_neg_inf is_pos_inf lgamma mulhi next_after polygamma sinh square tan top_k zeta
"""


@batched(
    *(f"stablehlo.{name}" for name in _STABLEHLO.split()),
    *(f"chlo.{name}" for name in _CHLO.split()),
    *calls.OPERANDS,
)
def _same(site: Site) -> Sequence[Tensor]:
    """The op itself; operands that are the same for the whole batch are stretched."""
    return site.emit(site.every_wide())


def per_member(x: Tensor, shape: Sequence[int]) -> Tensor:
    """One number for each member of the batch, for all elements of a batched shape."""
    return hlo.broadcast_in_dim(x, shape, (0,))


@batched("stablehlo.select")
def _select(site: Site) -> Tensor:
    """A predicate without dimensions chooses a whole member of the batch."""
    pred, on_true, on_false = site.given[0], site.wide(1), site.wide(2)
    if site.operands[0].ndim:
        pred = site.wide(0)
    elif site.mapped[0]:
        pred = per_member(pred, on_true.shape)
    return hlo.select(pred, on_true, on_false)


@batched("stablehlo.clamp")
def _clamp(site: Site) -> Tensor:
    """Bounds without dimensions that are mapped are one for each member of the batch."""
    x = site.wide(1)

    def bound(index: int) -> Tensor:
        if site.operands[index].ndim:
            return site.wide(index)
        given = site.given[index]
        return per_member(given, x.shape) if site.mapped[index] else given

    low, high = bound(0), bound(2)
    if low.ndim != high.ndim:
        low, high = (b if b.ndim else hlo.broadcast_in_dim(b, x.shape, ()) for b in (low, high))
    return hlo.clamp(low, x, high)


@mixed("stablehlo.optimization_barrier")
def _optimization_barrier(site: Site) -> Sequence[Lane]:
    """Values pass as they are."""
    return list(zip(hlo.optimization_barrier(site.given), site.mapped, strict=True))


@mixed("stablehlo.get_dimension_size")
def _get_dimension_size(site: Site) -> Sequence[Lane]:
    """A size is the same for the whole batch."""
    size = site.operands[0].shape[int(site.attribute("dimension"))]
    return [(hlo.full((), size, dtypes.int32), False)]


@batched("stablehlo.rng_bit_generator", "stablehlo.rng")
def _random(site: Site) -> Tensor:
    raise site.refuse(
        "draws from one state, which cannot differ along the batch",
        "use `sp.random` with a key for each member of the batch, or draw outside of `vmap`",
    )
