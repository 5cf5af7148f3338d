"""Convolution as im2col: windows of the input become rows of a matrix that meets the kernel's."""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from slopec import ir
from slopec.dialects.attributes import ConvDimensionNumbers
from slopec.reference.bits import converted
from slopec.reference.dot import computed_dtype
from slopec.reference.shape import padded
from slopec.reference.table import Array, Kernel, attribute, result_dtype, rule
from slopec.reference.window import Pairs, pairs

_ROWS_BYTES = 1 << 27
"""How large a matrix of windows may grow before the batch is cut in parts."""


@lru_cache(maxsize=1024)
def dimension_numbers(attribute_: Any) -> ConvDimensionNumbers:
    """The dimension numbers that an attribute spells."""
    return ConvDimensionNumbers.parse(attribute_)


class Convolution:
    """The attributes of a convolution, with their defaults."""

    def __init__(self, op: ir.Operation) -> None:
        """Read them from `op`."""
        self.numbers = dimension_numbers(op.attributes["dimension_numbers"])
        rank = len(self.numbers.input_spatial)
        ones = (1,) * rank
        self.strides: tuple[int, ...] = attribute(op, "window_strides", ones)
        self.lhs_dilation: tuple[int, ...] = attribute(op, "lhs_dilation", ones)
        self.rhs_dilation: tuple[int, ...] = attribute(op, "rhs_dilation", ones)
        self.reversal: tuple[bool, ...] = attribute(op, "window_reversal", (False,) * rank)
        self.groups: int = attribute(op, "feature_group_count")
        self.batch_groups: int = attribute(op, "batch_group_count")
        self.dtype = result_dtype(op)


@rule("stablehlo.convolution")
def convolution(op: ir.Operation) -> Kernel:
    """Dot products of a kernel with windows of the input."""
    facts = Convolution(op)
    padding = pairs(attribute(op, "padding"), len(facts.strides))
    return lambda x, kernel: convolve(x, kernel, facts, padding)


@rule("stablehlo.dynamic_conv")
def dynamic_conv(op: ir.Operation) -> Kernel:
    """A convolution whose padding is an operand."""
    facts = Convolution(op)
    return lambda x, kernel, padding: convolve(x, kernel, facts, pairs(padding, len(facts.strides)))


def convolve(x: Array, kernel: Array, facts: Convolution, padding: Pairs) -> Array:
    """The convolution of `x` with `kernel`, laid out as the dimension numbers say."""
    numbers, dtype = facts.numbers, facts.dtype
    computed = computed_dtype(x.dtype, kernel.dtype, dtype)
    x = converted(x, computed).transpose(
        numbers.input_batch, numbers.input_feature, *numbers.input_spatial
    )
    kernel = converted(kernel, computed).transpose(
        numbers.kernel_output_feature, numbers.kernel_input_feature, *numbers.kernel_spatial
    )
    flip = (slice(None, None, -1 if reverse else 1) for reverse in facts.reversal)
    kernel = kernel[(slice(None), slice(None), *flip)]
    low, high = [0, 0, *(p[0] for p in padding)], [0, 0, *(p[1] for p in padding)]
    between = [0, 0, *(d - 1 for d in facts.lhs_dilation)]
    x = padded(x, np.zeros((), computed), low, high, between)
    if facts.batch_groups > 1:
        x = _batch_groups_as_features(x, facts.batch_groups)
    result = _grouped(x, kernel, facts, max(facts.groups, facts.batch_groups))
    order = _inverse([numbers.output_batch, numbers.output_feature, *numbers.output_spatial])
    return result.transpose(order).astype(dtype, copy=False)


def _batch_groups_as_features(x: Array, groups: int) -> Array:
    """Batch groups are feature groups of a batch that is smaller by their number."""
    batch, features, *spatial = x.shape
    split = x.reshape(groups, batch // groups, features, *spatial)
    return split.swapaxes(0, 1).reshape(batch // groups, groups * features, *spatial)


def _grouped(x: Array, kernel: Array, facts: Convolution, groups: int) -> Array:
    """Group g of the output features sees group g of the input features: (N, O, out…)."""
    out, per_group, *window = kernel.shape
    windows = _windows(x, window, facts.strides, facts.rhs_dilation)
    batch, _, *positions = windows.shape[: 2 + len(window)]
    matrices = kernel.reshape(groups, out // groups, per_group * prod(window)).swapaxes(1, 2)
    result = np.empty((batch, out, *positions), x.dtype)
    row_bytes = prod(windows.shape[1:]) * x.itemsize
    chunk = max(1, _ROWS_BYTES // max(row_bytes, 1))
    rank = len(window)
    for start in range(0, batch, chunk):
        part = windows[start : start + chunk]
        part = part.reshape(part.shape[0], groups, per_group, *part.shape[2:])
        # (n, g, c, positions…, window…) -> (g, n, positions…, c, window…)
        order = [1, 0, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank)]
        rows = part.transpose(order).reshape(groups, -1, per_group * prod(window))
        product = np.matmul(rows, matrices)
        shaped = product.reshape(groups, part.shape[0], *positions, out // groups)
        moved = np.moveaxis(shaped, (0, -1), (1, 2))
        result[start : start + chunk] = moved.reshape(part.shape[0], out, *positions)
    return result


def _windows(
    x: Array, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Array:
    """A view of every window: (N, C, positions…, window…)."""
    positions = [
        max((size - (w - 1) * d - 1) // s + 1, 0) if size and w else 0
        for size, w, s, d in zip(x.shape[2:], window, strides, dilations, strict=True)
    ]
    steps = x.strides[2:]
    return as_strided(
        x,
        (*x.shape[:2], *positions, *window),
        (
            *x.strides[:2],
            *(step * s for step, s in zip(steps, strides, strict=True)),
            *(step * d for step, d in zip(steps, dilations, strict=True)),
        ),
        writeable=False,
    )


def _inverse(permutation: Sequence[int]) -> list[int]:
    return [permutation.index(d) for d in range(len(permutation))]
