"""What is known about tensors before anything runs: constants, and the bounds of indices.

Gradients of gathers and scatters guard against indices that fall outside; where the bounds prove
that none does, the guard is left out.
"""

from collections.abc import Sequence

import numpy as np

from slopec import dtypes, ir
from slopec.diagnostics import SlopecError
from slopec.transforms.body import defining

Bounds = tuple[np.ndarray, np.ndarray]
"""The least and the greatest value of each component along an axis."""

_KEEP = {"stablehlo.broadcast_in_dim", "stablehlo.reverse", "stablehlo.slice"}


def known(value: ir.Value) -> np.ndarray | None:
    """The elements of a tensor that depends on shapes and constants alone, else None."""
    from slopec.reference import evaluate_op

    op = defining(value)
    if op is None or len(op.results) != 1 or len(op.regions):
        return None
    if op.name == "stablehlo.get_dimension_size":
        size = ir.type_of(op.operands[0])[0][int(op.attributes["dimension"])]
        return None if size == ir.DYNAMIC else np.array(size, ir.type_of(value)[1])
    operands = [known(operand) for operand in op.operands]
    if any(operand is None for operand in operands):
        return None
    try:
        return np.asarray(evaluate_op(op, operands)[0])
    except SlopecError:
        return None


def within(value: ir.Value, axis: int | None, limits: Sequence[int]) -> bool:
    """Whether all elements of `value` are known to lie in [0, limit], component by component.

    Components run along `axis`, one per limit; None means that there is one component.
    """
    found = bounds(value, axis)
    return found is not None and bool(np.all(found[0] >= 0) and np.all(found[1] <= limits))


def bounds(value: ir.Value, axis: int | None) -> Bounds | None:
    """The bounds of an integer tensor's components along `axis`, or None when nothing is known."""
    op = defining(value)
    shape, dtype = ir.type_of(value)
    if op is None or not dtypes.is_integer(dtype) or 0 in shape:
        return None
    if op.name == "stablehlo.constant":
        return _of_array(ir.constant_array(op), axis)
    if op.name == "stablehlo.iota":
        return _of_iota(op, shape, axis)
    if op.name == "stablehlo.concatenate":
        return _of_parts(op, axis)
    if op.name == "stablehlo.clamp":
        low, high = bounds(op.operands[0], None), bounds(op.operands[2], None)
        if ir.type_of(op.operands[0])[0]:
            low, high = bounds(op.operands[0], axis), bounds(op.operands[2], axis)
        return None if low is None or high is None else (low[0], high[1])
    if op.name in _KEEP:
        return bounds(op.operands[0], None)
    if op.name == "stablehlo.reshape":
        last = axis == len(shape) - 1 and ir.type_of(op.operands[0])[0][-1:] == shape[-1:]
        return bounds(op.operands[0], len(ir.type_of(op.operands[0])[0]) - 1 if last else None)
    if op.name == "stablehlo.convert":
        return _converted(op, axis, dtype)
    return None


def _of_array(array: np.ndarray, axis: int | None) -> Bounds:
    rest = tuple(d for d in range(array.ndim) if d != axis)
    return array.min(axis=rest), array.max(axis=rest)


def _of_iota(op: ir.Operation, shape: ir.Shape, axis: int | None) -> Bounds:
    dimension = int(op.attributes["iota_dimension"])
    if dimension == axis:
        return np.arange(shape[dimension]), np.arange(shape[dimension])
    return np.array(0), np.array(shape[dimension] - 1)


def _of_parts(op: ir.Operation, axis: int | None) -> Bounds | None:
    """A concatenation along the axis puts components side by side, any other merges them."""
    joined = int(op.attributes["dimension"]) == axis
    parts = [bounds(operand, axis) for operand in op.operands]
    lows = [part[0] for part in parts if part is not None]
    highs = [part[1] for part in parts if part is not None]
    if len(lows) != len(parts):
        return None
    if not joined:
        return np.minimum.reduce(lows), np.maximum.reduce(highs)
    sizes = [ir.type_of(operand)[0][axis or 0] for operand in op.operands]
    spread = [
        [np.broadcast_to(bound, size) for bound, size in zip(side, sizes, strict=True)]
        for side in (lows, highs)
    ]
    return np.concatenate(spread[0]), np.concatenate(spread[1])


def _converted(op: ir.Operation, axis: int | None, dtype: dtypes.DType) -> Bounds | None:
    """A conversion keeps bounds that fit the new type."""
    found = bounds(op.operands[0], axis)
    if found is None:
        return None
    info = np.iinfo(dtype)
    fits = np.all(found[0] >= info.min) and np.all(found[1] <= info.max)
    return found if fits else None
