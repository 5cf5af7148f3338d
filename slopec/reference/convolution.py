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
from slopec.reference.table import (
    Array,
    Kernel,
    attribute,
    check_element_type,
    result_dtype,
    rule,
)
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
        check_element_type(op)
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
        numbers.input_batch, *numbers.input_spatial, numbers.input_feature
    )
    kernel = converted(kernel, computed).transpose(
        *numbers.kernel_spatial, numbers.kernel_input_feature, numbers.kernel_output_feature
    )
    kernel = kernel[tuple(slice(None, None, -1 if flip else 1) for flip in facts.reversal)]
    low, high = zip((0, 0), *padding, (0, 0), strict=True)
    between = [0, *(d - 1 for d in facts.lhs_dilation), 0]
    x = padded(x, np.zeros((), computed), low, high, between)
    if facts.batch_groups > 1:
        x = _batch_groups_as_features(x, facts.batch_groups)
    windows = _windows(x, kernel.shape[:-2], facts.strides, facts.rhs_dilation)
    result = _products(windows, kernel, max(facts.groups, facts.batch_groups))
    order = [numbers.output_batch, *numbers.output_spatial, numbers.output_feature]
    return result.transpose(_inverse(order)).astype(dtype, copy=False)


def _batch_groups_as_features(x: Array, groups: int) -> Array:
    """Batch groups are feature groups of a batch that is smaller by their number."""
    batch, *spatial, features = x.shape
    split = np.moveaxis(x.reshape(groups, batch // groups, *spatial, features), 0, -2)
    return split.reshape(batch // groups, *spatial, groups * features)


def _windows(
    x: Array, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Array:
    """A view of every window: (N, positions…, window…, C). Features last make long copies."""
    positions = [
        max((size - (w - 1) * d - 1) // s + 1, 0) if size and w else 0
        for size, w, s, d in zip(x.shape[1:-1], window, strides, dilations, strict=True)
    ]
    first, *steps, last = x.strides
    return as_strided(
        x,
        (x.shape[0], *positions, *window, x.shape[-1]),
        (
            first,
            *(step * s for step, s in zip(steps, strides, strict=True)),
            *(step * d for step, d in zip(steps, dilations, strict=True)),
            last,
        ),
        writeable=False,
    )


def _products(windows: Array, kernel: Array, groups: int) -> Array:
    """Group g of the output features sees group g of the input features: (N, positions…, O)."""
    rank = kernel.ndim - 2
    *window, per_group, out = kernel.shape
    batch, *positions = windows.shape[: 1 + rank]
    length = prod(window) * per_group
    matrices = kernel.reshape(length, groups, out // groups).swapaxes(0, 1)
    result = np.empty((batch, *positions, out), windows.dtype)
    row_bytes = prod(windows.shape[1:]) * windows.itemsize
    chunk = max(1, _ROWS_BYTES // max(row_bytes, 1))
    for start in range(0, batch, chunk):
        part = windows[start : start + chunk]
        part = np.moveaxis(part.reshape(*part.shape[:-1], groups, per_group), -2, 0)
        count = part.shape[1]
        product = np.matmul(part.reshape(groups, count * prod(positions), length), matrices)
        result[start : start + chunk] = product.swapaxes(0, 1).reshape(count, *positions, out)
    return result


def _inverse(permutation: Sequence[int]) -> list[int]:
    return [permutation.index(d) for d in range(len(permutation))]
