"""What special functions take: real floats, which they compute in float32 at least."""

from slopec import dtypes, hlo
from slopec.ops.common import ArrayLike, aligned_floating, floating, refuse_complex
from slopec.tensor import Tensor


def real(name: str, x: ArrayLike) -> Tensor:
    """A real floating tensor; integers become float32."""
    given = floating(name, x)
    refuse_complex(name, given)
    return given


def reals(name: str, *xs: ArrayLike) -> list[Tensor]:
    """Real floating tensors of one shape and one type."""
    given = aligned_floating(name, xs)
    for x in given:
        refuse_complex(name, x)
    return given


def wide(x: Tensor) -> Tensor:
    """Narrow floats in float32."""
    return hlo.convert(x, dtypes.float32) if x.dtype.itemsize < 4 else x


def as_given(x: Tensor, given: Tensor) -> Tensor:
    """A result in the type of what was given."""
    return hlo.convert(x, given.dtype)
