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
"""The least and the greatest value of each component along an axis.

They are Python's integers in arrays, so that sums and products of them never wrap around.
"""

_KEEP = {f"stablehlo.{name}" for name in ("broadcast_in_dim", "reverse", "slice", "transpose")}


def known(value: ir.Value) -> np.ndarray | None:
    """The elements of a tensor that depends on shapes and constants alone, else None."""
    return _known(value, {})


def _known(value: ir.Value, memo: dict[ir.Value, np.ndarray | None]) -> np.ndarray | None:
    if value not in memo:
        memo[value] = _computed(value, memo)
    return memo[value]


def _computed(value: ir.Value, memo: dict[ir.Value, np.ndarray | None]) -> np.ndarray | None:
    from slopec.reference import evaluate_op

    op = defining(value)
    if op is None or len(op.results) != 1 or len(op.regions):
        return None
    if op.name == "stablehlo.get_dimension_size":
        size = ir.type_of(op.operands[0])[0][int(op.attributes["dimension"])]
        return None if size == ir.DYNAMIC else np.array(size, ir.type_of(value)[1])
    operands = []
    for operand in op.operands:
        number = _known(operand, memo)
        if number is None:
            return None
        operands.append(number)
    try:
        return np.asarray(evaluate_op(op, operands)[0])
    except SlopecError:
        return None


def within(value: ir.Value, axis: int | None, limits: Sequence[int]) -> bool:
    """Whether all elements of `value` are known to lie in [0, limit], component by component.

    Components run along `axis`, one per limit; None means that there is one component.
    """
    return between(value, axis, np.zeros(len(limits), np.int64), np.asarray(limits))


def between(value: ir.Value, axis: int | None, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether all elements of `value` are known to lie between two numbers for each component."""
    found = bounds(value, axis)
    return found is not None and bool(np.all(found[0] >= low) and np.all(found[1] <= high))


Memo = dict[tuple[ir.Value, int | None], Bounds | None]


def bounds(value: ir.Value, axis: int | None, memo: Memo | None = None) -> Bounds | None:
    """The bounds of an integer tensor's components along `axis`, or None when nothing is known.

    `memo` keeps what was found for the values on the way.
    """
    memo = {} if memo is None else memo
    key = (value, axis)
    if key not in memo:
        memo[key] = _bounds(value, axis, memo)
    return memo[key]


def _bounds(value: ir.Value, axis: int | None, memo: Memo) -> Bounds | None:
    op = defining(value)
    shape, dtype = ir.type_of(value)
    if op is None or not dtypes.is_integer(dtype) or 0 in shape:
        return None
    if op.name == "stablehlo.constant":
        return _of_array(ir.constant_array(op), axis)
    if op.name == "stablehlo.iota":
        return _of_iota(op, shape, axis)
    if op.name == "stablehlo.reshape":
        before = ir.type_of(op.operands[0])[0]
        last = axis == len(shape) - 1 and before[-1:] == shape[-1:]
        return bounds(op.operands[0], len(before) - 1 if last else None, memo)
    if op.name in _KEEP:
        return bounds(op.operands[0], None, memo)
    combine = _COMBINED.get(op.name)
    return None if combine is None else combine(op, axis, memo)


def _of_array(array: np.ndarray, axis: int | None) -> Bounds:
    rest = tuple(d for d in range(array.ndim) if d != axis)
    wide = array if array.dtype == np.uint64 else array.astype(np.int64)
    low, high = wide.min(axis=rest), wide.max(axis=rest)
    return np.asarray(low).astype(object), np.asarray(high).astype(object)


def _of_iota(op: ir.Operation, shape: ir.Shape, axis: int | None) -> Bounds:
    dimension = int(op.attributes["iota_dimension"])
    if dimension == axis:
        places = np.arange(shape[dimension]).astype(object)
        return places, places
    return np.array(0, object), np.array(shape[dimension] - 1, object)


def _of_parts(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """A concatenation along the axis puts components side by side, any other merges them."""
    joined = int(op.attributes["dimension"]) == axis
    parts = [bounds(operand, axis, memo) for operand in op.operands]
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


def _selected(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """One of the two, when the bounds decide a comparison with less than; else either."""
    pred = defining(op.operands[0])
    sides = [bounds(operand, axis, memo) for operand in list(op.operands)[1:]]
    if pred is not None and pred.name == "stablehlo.compare":
        low, high = (bounds(operand, axis, memo) for operand in pred.operands)
        is_less = "LT" in str(pred.attributes["comparison_direction"])
        if is_less and low is not None and high is not None and np.all(low[0] >= high[1]):
            return sides[1]
    one, other = sides
    if one is None or other is None:
        return None
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


def _added(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """The sums of the bounds, if those fit the type."""
    one, other = (bounds(operand, axis, memo) for operand in op.operands)
    if one is None or other is None:
        return None
    return _fitting((one[0] + other[0], one[1] + other[1]), op)


def _multiplied(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """The least and greatest products of the bounds, if those fit the type."""
    one, other = (bounds(operand, axis, memo) for operand in op.operands)
    if one is None or other is None:
        return None
    ends = [np.asarray(a * b) for a in one for b in other]
    return _fitting((np.minimum.reduce(ends), np.maximum.reduce(ends)), op)


def _subtracted(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """The differences of the bounds, if those fit the type."""
    one, other = (bounds(operand, axis, memo) for operand in op.operands)
    if one is None or other is None:
        return None
    return _fitting((one[0] - other[1], one[1] - other[0]), op)


def _remaining(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """Less than the divisor in size, with the dividend's sign."""
    one, other = _or_any(op.operands[0], axis, memo), bounds(op.operands[1], axis, memo)
    if other is None or not np.all(other[0] > 0):
        return None
    rest = other[1] - 1
    return np.maximum(one[0], -rest) * (one[0] < 0), np.minimum(one[1], rest) * (one[1] > 0)


def _limited(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """The greater or the lesser of two; of one of them nothing need be known."""
    one, other = (_or_any(operand, axis, memo) for operand in op.operands)
    choose = np.maximum if op.name == "stablehlo.maximum" else np.minimum
    return choose(one[0], other[0]), choose(one[1], other[1])


def _or_any(value: ir.Value, axis: int | None, memo: Memo) -> Bounds:
    """What is known of a value, or at least what its type can hold."""
    found = bounds(value, axis, memo)
    if found is not None:
        return found
    info = np.iinfo(ir.type_of(value)[1])
    return np.array(int(info.min), object), np.array(int(info.max), object)


def _clamped(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """Between the greatest lower and the least upper limit."""
    wide = axis if ir.type_of(op.operands[0])[0] else None
    low, high = (bounds(op.operands[i], wide, memo) for i in (0, 2))
    return None if low is None or high is None else (low[0], high[1])


def _fitting(found: Bounds, op: ir.Operation) -> Bounds | None:
    """The bounds, if the type of the op's result holds them."""
    info = np.iinfo(ir.type_of(op.results[0])[1])
    fits = np.all(found[0] >= info.min) and np.all(found[1] <= info.max)
    return found if fits else None


def _converted(op: ir.Operation, axis: int | None, memo: Memo) -> Bounds | None:
    """A conversion keeps bounds that fit the new type."""
    found = bounds(op.operands[0], axis, memo)
    return None if found is None else _fitting(found, op)


_COMBINED = {
    "stablehlo.add": _added,
    "stablehlo.clamp": _clamped,
    "stablehlo.concatenate": _of_parts,
    "stablehlo.convert": _converted,
    "stablehlo.maximum": _limited,
    "stablehlo.minimum": _limited,
    "stablehlo.multiply": _multiplied,
    "stablehlo.remainder": _remaining,
    "stablehlo.select": _selected,
    "stablehlo.subtract": _subtracted,
}
