"""What the functions of linear algebra take: matrices that are square, of one type, that fit."""

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError, UsageError
from slopec.hlo import matrices
from slopec.ops.common import ArrayLike, broadcast_shapes, expand, floating
from slopec.tensor import Tensor


def matrix(name: str, x: ArrayLike) -> Tensor:
    """`x` as matrices (…, m, n) of a floating type; raises ShapeError for less than two axes."""
    a = floating(name, x)
    if a.ndim < 2:
        raise ShapeError(
            "S0101", f"{name} needs matrices (…, m, n), got {a.shape}", span=tracing.here()
        )
    return a


def square(name: str, x: ArrayLike) -> Tensor:
    """`x` as square matrices; raises ShapeError for others."""
    a = floating(name, x)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(
            "S0101", f"{name} needs square matrices (…, n, n), got {a.shape}", span=tracing.here()
        )
    return a


def hermitian(name: str, x: ArrayLike) -> Tensor:
    """The mean of square matrices and their adjoints, so that derivatives are symmetric."""
    a = square(name, x)
    return hlo.multiply(hlo.add(a, matrices.adjoint(a)), hlo.full_like(a, 0.5))


def beside(name: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices `a` and `b` of one dtype, their batches broadcast to one another."""
    dtype = dtypes.promote([a.dtype, b.dtype])
    batch = broadcast_shapes(name, [a.shape[:-2], b.shape[:-2]])
    left, right = (expand(hlo.convert(x, dtype), (*batch, *x.shape[-2:])) for x in (a, b))
    return left, right


def choice(name: str, what: str, given: object, options: tuple[object, ...]) -> UsageError:
    """The error for an option that is none of those there are."""
    listed = ", ".join(map(repr, options))
    return UsageError(
        "S0106", f"{name}: {what} is one of {listed}, got {given!r}", span=tracing.here()
    )
