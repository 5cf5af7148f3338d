"""The derivative of an op at a point is one linear map per operand; a map knows its transpose.

Forward mode sums `apply` of the tangents, reverse mode `transpose` of the cotangent, so the two
cannot disagree. Transposes are plain, not Hermitian, as in JAX.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.tensor import Tensor

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LinearMap:
    """A linear function of a tensor and its transpose."""

    apply: Map
    transpose: Map


def scale(by: Tensor) -> LinearMap:
    """t ↦ t·by, element by element; its own transpose."""
    return LinearMap(lambda t: t * by, lambda ct: ct * by)


def divide(by: Tensor) -> LinearMap:
    """t ↦ t / by."""
    return LinearMap(lambda t: t / by, lambda ct: ct / by)


def mask(keep: Tensor) -> LinearMap:
    """t ↦ t where `keep`, 0 elsewhere."""

    def masked(t: Tensor) -> Tensor:
        return hlo.select(keep, t, hlo.zeros_like(t))

    return LinearMap(masked, masked)


def same(function: Map) -> LinearMap:
    """A map that is its own transpose."""
    return LinearMap(function, function)


def chain(first: LinearMap, then: LinearMap) -> LinearMap:
    """The composition then ∘ first."""
    if first is IDENTITY or then is IDENTITY:
        return then if first is IDENTITY else first
    return LinearMap(
        lambda t: then.apply(first.apply(t)), lambda ct: first.transpose(then.transpose(ct))
    )


def compose(*steps: LinearMap) -> LinearMap:
    """The composition of maps, the first to be applied first."""
    return reduce(chain, steps, IDENTITY)


def cast(source: DType, target: DType) -> LinearMap:
    """Conversion of elements; towards real ones it drops the imaginary part."""
    if source == target:
        return IDENTITY

    def convert(value: Tensor, dtype: DType) -> Tensor:
        if dtypes.is_complex(value.dtype) and not dtypes.is_complex(dtype):
            value = hlo.real(value)
        return hlo.convert(value, dtype)

    return LinearMap(lambda t: convert(t, target), lambda ct: convert(ct, source))


IDENTITY = same(lambda t: t)
NEGATE = same(hlo.negate)
