"""Batch normalisation is rewritten into means, differences and a quotient (StableHLO,
*batch_norm_training*, *batch_norm_inference*, *batch_norm_grad*).
"""

import math
from collections.abc import Sequence

from slopec import hlo
from slopec.tensor import Tensor
from slopec.transforms.rule import Point, rewritten
from slopec.transforms.rules.shape import sum_over


class _Features:
    """The op's operand seen as features × samples."""

    def __init__(self, point: Point) -> None:
        self.like = point.operands[0]
        self.axis = int(point.attribute("feature_index"))
        self.epsilon = float(point.attribute("epsilon").value)
        self.others = tuple(d for d in range(self.like.ndim) if d != self.axis)
        self.samples = math.prod(self.like.shape[d] for d in self.others)

    def wide(self, x: Tensor) -> Tensor:
        """One value per feature, for every sample."""
        return hlo.broadcast_in_dim(x, self.like.shape, (self.axis,))

    def sum(self, x: Tensor) -> Tensor:
        """The sum over the samples."""
        return sum_over(x, self.others)

    def mean(self, x: Tensor) -> Tensor:
        """The mean over the samples."""
        return self.sum(x) / float(self.samples)

    def deviation(self, variance: Tensor) -> Tensor:
        """√(variance + ε), for every sample."""
        return self.wide(hlo.sqrt(variance + self.epsilon))


@rewritten("stablehlo.batch_norm_inference")
def _inference(point: Point) -> Sequence[Tensor]:
    """(x − mean) · scale / √(variance + ε) + offset."""
    x, scale, offset, mean, variance = point.operands
    f = _Features(point)
    normal = (x - f.wide(mean)) / f.deviation(variance)
    return [normal * f.wide(scale) + f.wide(offset)]


@rewritten("stablehlo.batch_norm_training")
def _training(point: Point) -> Sequence[Tensor]:
    """Inference with the samples' own mean and variance, which are results too."""
    x, scale, offset = point.operands
    f = _Features(point)
    mean = f.mean(x)
    centered = x - f.wide(mean)
    variance = f.mean(centered * centered)
    normal = centered / f.deviation(variance)
    return [normal * f.wide(scale) + f.wide(offset), mean, variance]


@rewritten("stablehlo.batch_norm_grad")
def _grad(point: Point) -> Sequence[Tensor]:
    """The cotangents of x, scale and offset; that of x less its mean and its part along x."""
    x, scale, mean, variance, ct = point.operands
    f = _Features(point)
    deviation = f.deviation(variance)
    normal = (x - f.wide(mean)) / deviation
    to_scale = f.sum(ct * normal)
    along = normal * f.wide(to_scale / float(f.samples))
    to_x = (ct - f.wide(f.mean(ct)) - along) * f.wide(scale) / deviation
    return [to_x, to_scale, f.sum(ct)]
