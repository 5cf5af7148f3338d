"""Batch normalisation over every dimension but the feature's, in at least float32."""

from collections.abc import Callable

import numpy as np

from slopec import ir
from slopec.reference.rounding import widened
from slopec.reference.table import Array, Kernel, attribute, operand_shape, rule


class _Features:
    """How values per feature meet the operand."""

    def __init__(self, op: ir.Operation) -> None:
        self.epsilon = float(attribute(op, "epsilon"))
        rank, feature = len(operand_shape(op)), attribute(op, "feature_index")
        self.others = tuple(d for d in range(rank) if d != feature)
        self.column = tuple(-1 if d == feature else 1 for d in range(rank))

    def spread(self, values: Array) -> Array:
        return values.reshape(self.column)

    def normalized(self, x: Array, mean: Array, variance: Array) -> Array:
        deviation = np.sqrt(variance + variance.dtype.type(self.epsilon))
        return (x - self.spread(mean)) / self.spread(deviation)


def _rounding(function: Callable[..., list[Array]]) -> Kernel:
    def kernel(*xs: Array) -> list[Array]:
        dtype = xs[0].dtype
        return [y.astype(dtype, copy=False) for y in function(*map(widened, xs))]

    return kernel


@rule("stablehlo.batch_norm_inference")
def batch_norm_inference(op: ir.Operation) -> Kernel:
    """`scale · (x − mean) / √(variance + ε) + offset`, per feature."""
    f = _Features(op)

    def infer(x: Array, scale: Array, offset: Array, mean: Array, variance: Array) -> list[Array]:
        return [f.spread(scale) * f.normalized(x, mean, variance) + f.spread(offset)]

    return _rounding(infer)


@rule("stablehlo.batch_norm_training")
def batch_norm_training(op: ir.Operation) -> Kernel:
    """The operand normalised by its own mean and (biased) variance, and these two."""
    f = _Features(op)

    def train(x: Array, scale: Array, offset: Array) -> list[Array]:
        mean = np.mean(x, f.others)
        variance = np.mean(np.square(x - f.spread(mean)), f.others)
        output = f.spread(scale) * f.normalized(x, mean, variance) + f.spread(offset)
        return [output, mean, variance]

    return _rounding(train)


@rule("stablehlo.batch_norm_grad")
def batch_norm_grad(op: ir.Operation) -> Kernel:
    """The gradients of `batch_norm_training` for operand, scale and offset.

    With n the number of elements per feature, x̂ the normalised operand and g the gradient of the
    output: γ/(n·√(σ² + ε)) · (n·g − Σg − x̂·Σ(g·x̂)), Σ(g·x̂) and Σg (Ioffe and Szegedy 2015).
    """
    f = _Features(op)

    def gradients(x: Array, scale: Array, mean: Array, variance: Array, grad: Array) -> list[Array]:
        normal = f.normalized(x, mean, variance)
        grad_offset = np.sum(grad, f.others)
        grad_scale = np.sum(grad * normal, f.others)
        count = x.dtype.type(x.size // max(grad_offset.size, 1))
        factor = f.spread(scale / np.sqrt(variance + variance.dtype.type(f.epsilon)) / count)
        inner = count * grad - f.spread(grad_offset) - normal * f.spread(grad_scale)
        return [factor * inner, grad_scale, grad_offset]

    return _rounding(gradients)
