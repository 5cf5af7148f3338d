"""Modified Bessel functions of the first kind, of order 0 and 1."""

from slopec import hlo
from slopec.ops.common import ArrayLike
from slopec.ops.signs import abs
from slopec.ops.unary import bessel_i1e
from slopec.special.operands import as_given, real, wide
from slopec.tensor import Tensor
from slopec.transforms import custom_jvp
from slopec.transforms.rules.special import bessel_i0e


def i0e(x: ArrayLike, /) -> Tensor:
    """e^−|x| I₀(x).

    >>> import slopec as sp
    >>> print(sp.i0e(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([1.     0.4658], float32[2], cpu)
    """
    given = real("i0e", x)
    return as_given(_i0e(wide(given)), given)


_i0e = custom_jvp(bessel_i0e)


@_i0e.defjvp
def _i0e_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    """I₀′ = I₁ (DLMF 10.29.3)."""
    (x,), (dx,) = primals, tangents
    value = _i0e(x)
    return value, (bessel_i1e(x) - hlo.sign(x) * value) * dx


def i0(x: ArrayLike, /) -> Tensor:
    """I₀(x).

    >>> import slopec as sp
    >>> print(sp.i0(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([1.     1.2661], float32[2], cpu)
    """
    given = real("i0", x)
    return as_given(_i0(wide(given)), given)


def i1(x: ArrayLike, /) -> Tensor:
    """I₁(x).

    >>> import slopec as sp
    >>> print(sp.i1(sp.tensor([0.0, 1.0])).round(decimals=4))
    tensor([0.     0.5652], float32[2], cpu)
    """
    given = real("i1", x)
    return as_given(_i1(wide(given)), given)


def _unscaled(value: Tensor, x: Tensor) -> Tensor:
    """value · e^|x|, which may be infinite long before the product is."""
    half = hlo.exponential(abs(x) * 0.5)
    return value * half * half


@custom_jvp
def _i0(x: Tensor) -> Tensor:
    return _unscaled(bessel_i0e(x), x)


@custom_jvp
def _i1(x: Tensor) -> Tensor:
    return _unscaled(bessel_i1e(x), x)


@_i0.defjvp
def _i0_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    (x,), (dx,) = primals, tangents
    return _i0(x), _i1(x) * dx


@_i1.defjvp
def _i1_moves(primals: tuple[Tensor], tangents: tuple[Tensor]) -> tuple[Tensor, Tensor]:
    """I₁′ = I₀ − I₁ / x, which is ½ at 0."""
    (x,), (dx,) = primals, tangents
    value = _i1(x)
    none = hlo.compare(x, hlo.zeros_like(x), "EQ")
    ratio = value / hlo.select(none, hlo.full_like(x, 1), x)
    return value, (_i0(x) - hlo.select(none, hlo.full_like(x, 0.5), ratio)) * dx
