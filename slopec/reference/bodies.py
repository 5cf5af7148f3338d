"""Recognising what a region computes, so that NumPy's own loops can do it."""

import numpy as np

from slopec import ir

MONOIDS: dict[str, np.ufunc] = {
    "stablehlo.add": np.add,
    "stablehlo.multiply": np.multiply,
    "stablehlo.maximum": np.maximum,
    "stablehlo.minimum": np.minimum,
    "stablehlo.and": np.bitwise_and,
    "stablehlo.or": np.bitwise_or,
    "stablehlo.xor": np.bitwise_xor,
}
"""The associative and commutative ops whose NumPy function folds arrays."""


def returned(block: ir.Block) -> list[ir.Value]:
    """The values that a block returns."""
    *_, terminator = block.operations
    return list(terminator.operation.operands)


def monoids(block: ir.Block) -> list[np.ufunc] | None:
    """The function that combines each of a body's N pairs of arguments, or None.

    A body of 2N arguments pairs argument i with argument N + i.
    """
    arguments, results = list(block.arguments), returned(block)
    half = len(arguments) // 2
    found = []
    for left, right, result in zip(arguments[:half], arguments[half:], results, strict=True):
        if not isinstance(result, ir.OpResult):
            return None
        op = result.owner.operation
        ufunc = MONOIDS.get(op.name)
        if ufunc is None or {*op.operands} != {left, right}:
            return None
        found.append(ufunc)
    return found


def overwrites(block: ir.Block) -> bool:
    """Whether a body of 2N arguments returns the last N, as assignment does."""
    arguments = list(block.arguments)
    return returned(block) == arguments[len(arguments) // 2 :]
