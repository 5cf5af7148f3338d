"""Sizes that are written as unknown and follow from constants and known shapes are written down.

Programs that were exported for sizes to be chosen later, and then got arguments of fixed ones, are
full of such tensors; neither patterns nor the back end do much with them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import ir
from slopec.dialects.attributes import (
    ConvDimensionNumbers,
    DotDimensionNumbers,
    GatherDimensionNumbers,
)
from slopec.hlo.contract import convolution_shape, dot_shape
from slopec.hlo.reduce import window_count
from slopec.transforms.body import defining, returned
from slopec.transforms.ranges import known
from slopec.transforms.windows import Windows

Shapes = Sequence[tuple[int, ...]]
Sizes = Callable[[ir.Operation, Sequence[np.ndarray]], Shapes]


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
        inner = [block for region in op.regions for block in region.blocks]
        if op.name == "stablehlo.while":
            for body in inner:
                _settle(body.arguments, _shapes(op.operands))
        for body in inner:
            _refine(body)
        if any(map(_is_unknown, op.results)):
            _settle(op.results, _sizes(op))


def _settle(values: Sequence[ir.Value], shapes: Shapes | None) -> None:
    """Write down the shapes of values that have one."""
    for value, shape in zip(values, shapes or (), strict=False):
        if _is_unknown(value) and ir.DYNAMIC not in shape:
            value.set_type(ir.tensor_type(tuple(map(int, shape)), ir.type_of(value)[1]))


def _shapes(values: Iterable[ir.Value]) -> Shapes:
    return list(map(_shape, values))


def _shape(value: ir.Value) -> tuple[int, ...]:
    """The shape of a tensor; nothing else has sizes that are not known."""
    try:
        return ir.type_of(value)[0]
    except TypeError:
        return ()


def _is_unknown(value: ir.Value) -> bool:
    """Whether some size of a tensor is not known."""
    return ir.DYNAMIC in _shape(value)


def _sizes(op: ir.Operation) -> Shapes | None:
    """The shapes of an op's results, if its operands tell."""
    if op.name in ("stablehlo.if", "stablehlo.case"):
        return _shapes(returned(op.regions[0].blocks[0]))
    if any(_is_unknown(value) for value in op.operands):
        return None
    is_call = op.name == "stablehlo.custom_call"
    name = ir.string_in(op, "call_target_name") if is_call else op.name
    if name in _BY_NAME:
        first, sizes = _BY_NAME[name]
        given = [known(value) for value in list(op.operands)[first:]]
        found = [np.ravel(array) for array in given if array is not None]
        return sizes(op, found) if len(found) == len(given) else None
    if name == "stablehlo.real_dynamic_slice":
        return _sliced(op)
    if name == "stablehlo.bitcast_convert":
        return _recast(op)
    if name.startswith("chlo.broadcast_"):
        return [np.broadcast_shapes(*_shapes(op.operands))]
    if name in _LIKE_OPERANDS:
        return _shapes(op.operands)
    if name == "stablehlo.reduce":
        folded = tuple(op.attributes["dimensions"])
        kept = [[n for d, n in enumerate(s) if d not in folded] for s in _shapes(op.operands)]
        return list(map(tuple, kept))
    if name == "stablehlo.reduce_window":
        return [_places(Windows.of(op, ()))] * len(op.results)
    if name == "stablehlo.dot_general":
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        lhs, rhs = _shapes(op.operands)
        return [dot_shape(lhs, rhs, numbers)]
    if name == "stablehlo.convolution":
        said = [ir.elements(op.attributes[n]) for n in ("padding",) if n in op.attributes]
        return _convolved(op, said)
    return None if len(op.regions) else _inferred(op)


def _inferred(op: ir.Operation) -> Shapes | None:
    """The shapes that the op's own rule of inference gives."""
    attributes = {name: op.attributes[name] for name in op.attributes}
    point = ir.InsertionPoint(op)
    try:
        made = ir.create(op.name, None, list(op.operands), attributes, op.location, point)
    except (ir.MLIRError, ValueError, TypeError):  # it has none, or what it infers is not valid
        return None
    shapes = _shapes(made.results)
    made.erase()
    return shapes


def _recast(op: ir.Operation) -> Shapes:
    """A last dimension comes or goes where elements get narrower or wider."""
    (shape, given), (_, made) = ir.type_of(op.operands[0]), ir.type_of(op.results[0])
    ratio = given.itemsize / made.itemsize
    if ratio == 1:
        return [shape]
    return [(*shape, int(ratio)) if ratio > 1 else shape[:-1]]


def _convolved(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    lhs, rhs = _shapes(op.operands)[:2]
    numbers = ConvDimensionNumbers.parse(op.attributes["dimension_numbers"])
    rank = len(numbers.input_spatial)

    def ints(name: str) -> Sequence[int]:
        return tuple(op.attributes[name]) if name in op.attributes else (1,) * rank

    margins = np.reshape(given[0], (rank, 2)) if given else np.zeros((rank, 2), np.int64)
    padding = [(int(low), int(high)) for low, high in margins]
    steps = (ints("window_strides"), padding, ints("lhs_dilation"), ints("rhs_dilation"))
    windows = list(zip(*steps, strict=True))
    groups = int(op.attributes["batch_group_count"])
    return [convolution_shape(lhs, rhs, numbers, windows, groups)]


def _places(w: Windows) -> tuple[int, ...]:
    """How many windows there are in each dimension."""
    rows = zip(w.shape, w.window, w.strides, w.padding, w.base, w.dilation, strict=True)
    return tuple(window_count(*row) for row in rows)


def _said(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    return [tuple(given[-1])]


def _padded(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    rows = zip(ir.type_of(op.operands[0])[0], *given, strict=True)
    return [tuple(n + low + high + max(n - 1, 0) * between for n, low, high, between in rows)]


def _sliced(op: ir.Operation) -> Shapes | None:
    """Slices begin anywhere, where they end so many elements later."""
    _, start, limit, step = op.operands
    length, steps = _distance(limit, start), known(step)
    if length is None or steps is None:
        return None
    return [tuple(math.ceil(n / s) for n, s in zip(length, steps, strict=True))]


def _distance(limit: ir.Value, start: ir.Value) -> np.ndarray | None:
    """How far apart two places are, where that is known."""
    first, last, end = known(start), known(limit), defining(limit)
    if first is not None and last is not None:
        return np.asarray(last - first)
    if end is None or end.name != "stablehlo.add" or start not in end.operands:
        return None
    return known(next((x for x in end.operands if x != start), start))


def _gathered(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    numbers = GatherDimensionNumbers.parse(op.attributes["dimension_numbers"])
    indices = ir.type_of(op.operands[1])[0]
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    window = iter([n for d, n in enumerate(given[0]) if d not in dropped])
    batch = iter([n for d, n in enumerate(indices) if d != numbers.index_vector_dim])
    rank = len(ir.type_of(op.results[0])[0])
    places = range(rank)
    return [tuple(next(window) if d in numbers.offset_dims else next(batch) for d in places)]


def _windowed(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    return [_places(Windows.said(ir.type_of(op.operands[0])[0], given))] * len(op.results)


def _generated(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    return [ir.type_of(op.operands[0])[0], tuple(given[0])]


def _topmost(op: ir.Operation, given: Sequence[np.ndarray]) -> Shapes:
    return [(*ir.type_of(op.operands[0])[0][:-1], *given[0])] * 2


_BY_NAME: dict[str, tuple[int, Sizes]] = {
    "stablehlo.dynamic_reshape": (1, _said),
    "stablehlo.dynamic_broadcast_in_dim": (1, _said),
    "stablehlo.dynamic_iota": (0, _said),
    "stablehlo.dynamic_pad": (2, _padded),
    "stablehlo.dynamic_gather": (2, _gathered),
    "stablehlo.dynamic_conv": (2, _convolved),
    "stablehlo.dynamic_reduce_window": (-5, _windowed),
    "stablehlo.dynamic_rng_bit_generator": (1, _generated),
    "stablehlo.dynamic_top_k": (1, _topmost),
}
"""From which operand on values must be known, and the shapes that they make."""
_LIKE_OPERANDS = {
    "stablehlo.convert",
    "stablehlo.map",
    "stablehlo.optimization_barrier",
    "stablehlo.scatter",
    "stablehlo.select_and_scatter",
    "stablehlo.sort",
    "stablehlo.while",
}
"""Ops whose results have the shapes of their first operands."""
