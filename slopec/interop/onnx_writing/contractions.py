"""StableHLO's products, convolutions, reductions and windows, as operators of ONNX."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.interop.onnx.types import number_of
from slopec.interop.onnx_writing.writer import Rule, Writer, refused
from slopec.ops.extremes import limits
from slopec.reference.bodies import monoids
from slopec.reference.convolution import Convolution
from slopec.reference.table import attribute
from slopec.reference.window import Windows, pairs


def dot_general(w: Writer, op: ir.Operation) -> str:
    """A product of stacks of matrices, between rearrangements."""
    numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
    shape, dtype = ir.type_of(op.results[0])
    (left, left_shape), (right, right_shape) = (
        (_cast(w, name, ir.type_of(value)[1], dtype), ir.type_of(value)[0])
        for name, value in zip(w.operands(op), op.operands, strict=True)
    )
    stacked, summed = numbers.lhs_batching, numbers.lhs_contracting
    free = [d for d in range(len(left_shape)) if d not in (*stacked, *summed)]
    left = w.transposed(left, [*stacked, *free, *summed])
    others = [
        d
        for d in range(len(right_shape))
        if d not in (*numbers.rhs_batching, *numbers.rhs_contracting)
    ]
    right = w.transposed(right, [*numbers.rhs_batching, *numbers.rhs_contracting, *others])
    stack = [left_shape[d] for d in stacked]
    rows, terms, columns = (
        math.prod(sizes)
        for sizes in (
            [left_shape[d] for d in free],
            [left_shape[d] for d in summed],
            [right_shape[d] for d in others],
        )
    )
    if (len(free), len(summed)) != (1, 1):
        left = w.reshaped(left, [*stack, rows, terms])
    if (len(others), len(summed)) != (1, 1):
        right = w.reshaped(right, [*stack, terms, columns])
    product = w.add("MatMul", [left, right])
    return product if (len(free), len(others)) == (1, 1) else w.reshaped(product, shape)


def _cast(w: Writer, name: str, dtype: Any, wanted: Any) -> str:
    return name if dtype == wanted else w.add("Cast", [name], to=number_of(wanted))


def convolution(w: Writer, op: ir.Operation) -> str:
    """A convolution of images with channels first, between transposes."""
    facts = Convolution(op)
    numbers, rank = facts.numbers, len(facts.strides)
    around = pairs(attribute(op, "padding"), rank)
    if any(d != 1 for d in facts.lhs_dilation):
        raise refused(op, "with gaps between the input's elements")
    if facts.batch_groups != 1 or any(facts.reversal) or any(n < 0 for p in around for n in p):
        raise refused(op, "with groups of the batch, reversed kernels or negative margins")
    x, kernel = w.operands(op)
    x = w.transposed(x, [numbers.input_batch, numbers.input_feature, *numbers.input_spatial])
    kernel = w.transposed(
        kernel,
        [numbers.kernel_output_feature, numbers.kernel_input_feature, *numbers.kernel_spatial],
    )
    y = w.add(
        "Conv",
        [x, kernel],
        strides=list(facts.strides),
        dilations=list(facts.rhs_dilation),
        pads=[low for low, _ in around] + [high for _, high in around],
        group=facts.groups,
    )
    made = [numbers.output_batch, numbers.output_feature, *numbers.output_spatial]
    return w.transposed(y, [made.index(d) for d in range(rank + 2)])


_REDUCTIONS: dict[str, tuple[str, str]] = {
    "add": ("ReduceSum", "Add"),
    "multiply": ("ReduceProd", "Mul"),
    "maximum": ("ReduceMax", "Max"),
    "minimum": ("ReduceMin", "Min"),
}
_OF_BOOLS = {
    **dict.fromkeys(("add", "maximum", "bitwise_or"), ("ReduceMax", "Or")),
    **dict.fromkeys(("multiply", "minimum", "bitwise_and"), ("ReduceMin", "And")),
}


def _fold_of(op: ir.Operation) -> str:
    """The one operation that an op folds with, as NumPy calls it."""
    known = _OF_BOOLS if ir.type_of(op.operands[0])[1] == dtypes.bool_ else _REDUCTIONS
    found = monoids(op.regions[0].blocks[0])
    if found is None or len(found) != 1 or found[0].__name__ not in known:
        raise refused(op, "with such a body")
    return found[0].__name__


def _begins_neutrally(op: ir.Operation, fold: str) -> bool:
    """Whether the value to begin with changes nothing."""
    start = op.operands[1]
    if not isinstance(start, ir.OpResult) or start.owner.operation.name != "stablehlo.constant":
        return False
    value = ir.constant_array(start.owner.operation)
    least, most = limits(value.dtype)
    neutral = {"add": 0, "multiply": 1, "maximum": least, "minimum": most}
    return fold in neutral and bool(value == neutral[fold])


def reduce(w: Writer, op: ir.Operation) -> str:
    """A fold over dimensions; of booleans as numbers."""
    fold = _fold_of(op)
    x, start = w.operands(op)
    dims = list(attribute(op, "dimensions"))
    is_bool = ir.type_of(op.operands[0])[1] == dtypes.bool_
    kind, join = (_OF_BOOLS if is_bool else _REDUCTIONS)[fold]
    if dims and is_bool:
        number = w.add("Cast", [x], to=number_of(np.dtype(np.int32)))
        y = w.add(kind, [number, w.ints(dims)], keepdims=0)
        x = w.add("Cast", [y], to=number_of(dtypes.bool_))
    elif dims:
        x = w.add(kind, [x, w.ints(dims)], keepdims=0)
    return x if _begins_neutrally(op, fold) else w.add(join, [x, start])


def reduce_window(w: Writer, op: ir.Operation) -> str:
    """Maxima, minima or sums over windows, as pools of images with channels first."""
    fold, windows = _fold_of(op), Windows(op)
    dtype = ir.type_of(op.operands[0])[1]
    if not dtypes.is_floating(dtype) or not _begins_neutrally(op, fold) or fold == "multiply":
        raise refused(op, "of other than sums and extremes of floating numbers")
    if any(b != 1 for b in windows.base) or any(n < 0 for p in windows.padding for n in p):
        raise refused(op, "with gaps between elements or negative margins")
    facts = list(zip(windows.sizes, windows.strides, windows.padding, strict=True))
    spatial = [d for d, fact in enumerate(facts) if fact != (1, 1, (0, 0))]
    if not spatial:
        return w.name(op.operands[0])
    return _pooled(w, op, fold, windows, spatial)


def _pooled(
    w: Writer, op: ir.Operation, fold: str, windows: Windows, spatial: Sequence[int]
) -> str:
    given, _ = ir.type_of(op.operands[0])
    shape, _ = ir.type_of(op.results[0])
    others = [d for d in range(len(given)) if d not in spatial]
    order = [*others, *spatial]
    x = w.transposed(w.name(op.operands[0]), order)
    x = w.reshaped(x, [1, math.prod(given[d] for d in others), *(given[d] for d in spatial)])
    options = {
        "kernel_shape": [windows.sizes[d] for d in spatial],
        "strides": [windows.strides[d] for d in spatial],
        "dilations": [windows.dilations[d] for d in spatial],
        "pads": [windows.padding[d][side] for side in (0, 1) for d in spatial],
    }
    if fold == "add":
        mean = w.add("AveragePool", [x], count_include_pad=1, **options)
        count = math.prod(windows.sizes)
        y = w.add("Mul", [mean, w.number(count, op.operands[0])])
    elif fold == "maximum":
        y = w.add("MaxPool", [x], **options)
    else:
        y = w.add("Neg", [w.add("MaxPool", [w.add("Neg", [x])], **options)])
    y = w.reshaped(y, [shape[d] for d in order])
    return w.transposed(y, [order.index(d) for d in range(len(order))])


TABLE: dict[str, Rule] = {
    "stablehlo.dot_general": dot_general,
    "stablehlo.convolution": convolution,
    "stablehlo.reduce": reduce,
    "stablehlo.reduce_window": reduce_window,
}
