"""Collectives of the one process that an artifact runs in: a group of one has nothing to exchange.

IREE compiles most of them into calls of a library that CPUs and Macs do not have.
"""

from collections.abc import Sequence

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.diagnostics import CompileError
from slopec.tensor import Tensor
from slopec.transforms.rule import Point, Rewrite


def _matrix(point: Point, name: str) -> np.ndarray:
    """Rows of process numbers."""
    value = point.attribute(name)
    return np.zeros((0, 0)) if value is None else np.array(value)


def _alone(point: Point) -> Sequence[Tensor]:
    """Gathering from, reducing over and exchanging with oneself changes nothing."""
    groups = _matrix(point, "replica_groups")
    if groups.ndim == 2 and groups.shape[1] > 1:
        raise _several(point, f"in groups of {groups.shape[1]} processes")
    return [
        hlo.convert(x, result.dtype)
        for x, result in zip(point.operands, point.results, strict=True)
    ]


def _permute(point: Point) -> Sequence[Tensor]:
    """What a process sends to itself; zeros where nothing is sent to it."""
    pairs = _matrix(point, "source_target_pairs")
    if (pairs > 0).any():
        raise _several(point, "to other processes")
    (x,) = point.operands
    return [x if pairs.size else hlo.zeros_like(x)]


def _broadcast(point: Point) -> Sequence[Tensor]:
    """The operand where this process is in a group, else zeros."""
    if not _matrix(point, "replica_groups").size:
        return [hlo.zeros_like(point.operands[0])]
    return _alone(point)


def _number(point: Point) -> Sequence[Tensor]:
    """Process 0."""
    return [hlo.full((), 0, dtypes.uint32)]


def _several(point: Point, where: str) -> CompileError:
    return CompileError(
        "S0302",
        f"`{point.name}` {where} cannot be compiled: an artifact runs in one process",
        span=ir.span_of(point.op),
        hint="export the program for one device, and exchange values between calls",
    )


_ALONE = "all_gather all_reduce all_to_all collective_reduce cross-replica-sum reduce_scatter"
COLLECTIVES: dict[str, Rewrite] = {
    **{f"stablehlo.{name}": _alone for name in _ALONE.split()},
    "stablehlo.collective_broadcast": _broadcast,
    "stablehlo.collective_permute": _permute,
    "stablehlo.replica_id": _number,
    "stablehlo.partition_id": _number,
}
"""How each is written without others to talk to."""
