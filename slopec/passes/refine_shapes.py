"""Sizes that are written as unknown and follow from constants and known shapes are written down.

Programs that were exported for sizes to be chosen later, and then got arguments of fixed ones, are
full of such tensors; neither patterns nor the back end do much with them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import ir
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.transforms.ranges import known

Sizes = Callable[[ir.Operation, Sequence[np.ndarray]], Sequence[int]]


@dataclass(frozen=True)
class RefineShapes:
    """tensor<?> → tensor<n>, where n follows from constants and shapes."""

    name: ClassVar[str] = "refine-shapes"

    def run(self, module: ir.Module) -> None:
        """Refine the types in every function of `module`, from its arguments on."""
        for function in ir.functions(module):
            if ir.has_body(function):
                _refine(ir.body_of(function))


def _refine(block: ir.Block) -> None:
    for view in block.operations:
        op = view.operation
        if len(op.results) == 1 and _is_unknown(op.results[0]):
            shape = _sizes(op)
            if shape is not None:
                dtype = ir.type_of(op.results[0])[1]
                op.results[0].set_type(ir.tensor_type(tuple(map(int, shape)), dtype))
        for region in op.regions:
            for inner in region.blocks:
                _refine(inner)


def _is_unknown(value: ir.Value) -> bool:
    """Whether some size of a tensor is not known."""
    try:
        return ir.DYNAMIC in ir.type_of(value)[0]
    except TypeError:
        return False


def _sizes(op: ir.Operation) -> Sequence[int] | None:
    """The shape of an op's only result, if its operands tell."""
    if any(_is_unknown(value) for value in op.operands):
        return None
    first, sizes = _BY_NAME.get(op.name, (0, None))
    if sizes is not None:
        given = [known(value) for value in list(op.operands)[first:]]
        found = [np.ravel(array) for array in given if array is not None]
        return sizes(op, found) if len(found) == len(given) else None
    if op.name.startswith("chlo.broadcast_"):
        return np.broadcast_shapes(*(ir.type_of(value)[0] for value in op.operands))
    if op.name in ("stablehlo.convert", "stablehlo.sort"):
        return ir.type_of(op.operands[0])[0]
    if op.name == "stablehlo.reduce":
        folded = tuple(op.attributes["dimensions"])
        return [n for d, n in enumerate(ir.type_of(op.operands[0])[0]) if d not in folded]
    return None if len(op.regions) else _inferred(op)


def _inferred(op: ir.Operation) -> Sequence[int] | None:
    """The shape that the op's own rule of inference gives."""
    attributes = {name: op.attributes[name] for name in op.attributes}
    point = ir.InsertionPoint(op)
    try:
        made = ir.create(op.name, None, list(op.operands), attributes, op.location, point)
    except (ir.MLIRError, ValueError, TypeError):  # it has none, or what it infers is not valid
        return None
    shape = ir.type_of(made.results[0])[0]
    made.erase()
    return None if ir.DYNAMIC in shape else shape


def _said(op: ir.Operation, given: Sequence[np.ndarray]) -> Sequence[int]:
    return list(given[-1])


def _padded(op: ir.Operation, given: Sequence[np.ndarray]) -> Sequence[int]:
    rows = zip(ir.type_of(op.operands[0])[0], *given, strict=True)
    return [n + low + high + max(n - 1, 0) * between for n, low, high, between in rows]


def _sliced(op: ir.Operation, given: Sequence[np.ndarray]) -> Sequence[int]:
    return [math.ceil((b - a) / s) for a, b, s in zip(*given, strict=True)]


def _gathered(op: ir.Operation, given: Sequence[np.ndarray]) -> Sequence[int]:
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    indices = ir.type_of(op.operands[1])[0]
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    window = iter([n for d, n in enumerate(given[0]) if d not in dropped])
    batch = iter([n for d, n in enumerate(indices) if d != numbers.index_vector_dim])
    rank = len(ir.type_of(op.results[0])[0])
    return [next(window) if d in numbers.offset_dims else next(batch) for d in range(rank)]


_BY_NAME: dict[str, tuple[int, Sizes]] = {
    "stablehlo.dynamic_reshape": (1, _said),
    "stablehlo.dynamic_broadcast_in_dim": (1, _said),
    "stablehlo.dynamic_iota": (0, _said),
    "stablehlo.dynamic_pad": (2, _padded),
    "stablehlo.real_dynamic_slice": (1, _sliced),
    "stablehlo.dynamic_gather": (2, _gathered),
}
"""From which operand on values must be known, and the shape that they make."""
