"""Random numbers move with the parameters of their distribution so that their rank stays.

With the distribution function F and the density f, dx/da = -(∂F/∂a) / f: implicit differentiation
(Figurnov, Mohamed and Mnih, *Implicit reparameterization gradients*, NeurIPS 2018).
"""

from slopec import hlo
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.rule import Maps, Point, elementwise
from slopec.transforms.rules.tails import gamma_tail


@elementwise("slopec.gamma_quantile")
def _gamma(point: Point) -> Maps:
    """What is too small to be told from 0 stays there."""
    x, a = point.result, point.operands[1]
    zero = hlo.zeros_like(x)
    slope = x * _logarithmic_slope(hlo.log(x), x, a)
    return [None, maps.scale(hlo.select(hlo.compare(x, zero, "EQ"), zero, slope))]


@elementwise("slopec.log_gamma_quantile")
def _log_gamma(point: Point) -> Maps:
    x, a = point.result, point.operands[1]
    return [None, maps.scale(_logarithmic_slope(x, hlo.exponential(x), a))]


def _logarithmic_slope(log_x: Tensor, x: Tensor, a: Tensor) -> Tensor:
    """d log x / da of a gamma number x: -∂F/∂a / (x f(x))."""
    tail = gamma_tail(log_x, x, a)
    return hlo.select(tail.below, -tail.moved, tail.moved)
