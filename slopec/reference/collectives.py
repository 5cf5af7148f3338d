"""Collectives of a process grid that holds one process: nothing to exchange."""

import numpy as np

from slopec import dtypes, ir
from slopec.reference.bits import converted
from slopec.reference.table import (
    Array,
    Kernel,
    attribute,
    cannot,
    result_dtype,
    rule,
)


def _check_alone(op: ir.Operation) -> None:
    groups = attribute(op, "replica_groups")
    if isinstance(groups, np.ndarray) and groups.ndim == 2 and groups.shape[1] > 1:
        raise cannot(
            op,
            f"it spans {groups.shape[1]} processes and the evaluator is one",
            "compile the program for one device",
        )


@rule(
    "stablehlo.all_gather",
    "stablehlo.all_reduce",
    "stablehlo.all_to_all",
    "stablehlo.collective_reduce",
    "stablehlo.cross-replica-sum",
    "stablehlo.reduce_scatter",
)
def alone(op: ir.Operation) -> Kernel:
    """Gathering from, reducing over and exchanging with oneself changes nothing."""
    _check_alone(op)
    types = [result_dtype(op, i) for i in range(len(op.results))]
    return lambda *xs: [converted(x, dtype) for x, dtype in zip(xs, types, strict=False)]


@rule("stablehlo.collective_broadcast")
def collective_broadcast(op: ir.Operation) -> Kernel:
    """The operand where this process is in a group, else zeros."""
    _check_alone(op)
    reached = np.size(attribute(op, "replica_groups")) > 0
    return (lambda x: x) if reached else np.zeros_like


@rule("stablehlo.collective_permute")
def collective_permute(op: ir.Operation) -> Kernel:
    """The operand where this process sends to itself, else zeros."""
    pairs: Array = attribute(op, "source_target_pairs")
    if np.any(pairs > 0):
        raise cannot(op, "it names processes that the evaluator does not have")
    return (lambda x: x) if np.size(pairs) else np.zeros_like


@rule("stablehlo.replica_id", "stablehlo.partition_id")
def process_id(op: ir.Operation) -> Kernel:
    """Process 0."""
    return lambda: np.zeros((), dtypes.uint32)
