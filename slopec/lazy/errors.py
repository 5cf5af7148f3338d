"""What more than one verb of the imperative style refuses, each in the same words."""

from collections.abc import Sequence
from typing import Any

from slopec import tracing
from slopec.diagnostics import ShapeError, TraceError, UsageError
from slopec.tensor import Tensor


def traced(what: str, hint: str) -> TraceError:
    """The error (S0141) of what goes through recorded ops, within a traced function."""
    return TraceError(
        "S0141",
        what,
        span=tracing.here(),
        notes=("inside jit, grad, vmap and program, ops are written, not recorded",),
        hint=hint,
    )


def without_gradient(name: str, notes: Sequence[str] = ()) -> UsageError:
    """The error (S0142) of a tensor that no derivative flows through."""
    return UsageError(
        "S0142",
        f"{name}: the tensor does not require a gradient",
        span=tracing.here(),
        notes=tuple(notes),
        hint="make leaves with `sp.tensor(…, requires_grad=True)` or `x.requires_grad_()`",
    )


def gradient_of(tensor: Tensor, given: Any, what: str, hint: str) -> Tensor:
    """A gradient that a user gave; raises ShapeError (S0143) unless it is like the tensor."""
    slope = given if isinstance(given, Tensor) else Tensor(given, tensor.dtype)
    if (slope.shape, slope.dtype) != (tensor.shape, tensor.dtype):
        raise ShapeError(
            "S0143",
            f"{what} is {slope.dtype}{list(slope.shape)}, and has to be "
            f"{tensor.dtype}{list(tensor.shape)}",
            span=tracing.here(),
            hint=hint,
        )
    return slope
