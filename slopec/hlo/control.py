"""Ops with control flow in regions, and the barrier that passes leave alone."""

from collections.abc import Callable, Sequence

from slopec import tracing
from slopec.hlo.region import Written
from slopec.tensor import Tensor


def while_loop(
    operands: Sequence[Tensor],
    cond: Callable[..., Tensor],
    body: Callable[..., Sequence[Tensor]],
) -> tuple[Tensor, ...]:
    """`stablehlo.while`: repeat `body` on the operands while `cond` of them holds.

    Both take the operands as separate tensors; `body` returns as many, of the same types.
    """
    types = [(x.shape, x.dtype) for x in operands]
    fills = [Written(cond, types), Written(body, types)]
    return tracing.emit_with("stablehlo.while", operands, types, None, fills)


def case(
    index: Tensor,
    branches: Sequence[Callable[[], Sequence[Tensor]]],
    results: Sequence[tracing.TensorType],
) -> tuple[Tensor, ...]:
    """`stablehlo.case`: the results of the branch that `index`, an int32 scalar, picks.

    An index out of range picks the last branch. Branches take nothing and use outer tensors.
    """
    fills = [Written(branch, []) for branch in branches]
    return tracing.emit_with("stablehlo.case", [index], results, None, fills)


def optimization_barrier(operands: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """`stablehlo.optimization_barrier`: the operands, which no pass looks through."""
    types = [(x.shape, x.dtype) for x in operands]
    return tracing.emit_with("stablehlo.optimization_barrier", operands, types)
