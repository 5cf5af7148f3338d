"""A convolution as passes read it: operands, dimension numbers and window in one frozen value."""

import math
from dataclasses import dataclass, replace

from slopec import hlo, ir
from slopec.dialects.attributes import ConvDimensionNumbers
from slopec.dtypes import DType
from slopec.passes.op import Op, read_once
from slopec.tensor import Tensor

Dims = tuple[int, ...]
Rows = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Convolution:
    """What a `stablehlo.convolution` computes.

    `padding`, `strides`, `base_dilation` (of x), `dilation` (of the window) and `reversal` have an
    element per spatial dimension.
    """

    x: Tensor
    kernel: Tensor
    numbers: ConvDimensionNumbers
    shape: Dims
    dtype: DType
    strides: Dims
    padding: Rows
    base_dilation: Dims
    dilation: Dims
    reversal: Dims
    feature_groups: int
    batch_groups: int

    @staticmethod
    @read_once
    def of(op: Op) -> "Convolution":
        """Read the op `convolution`, whose attributes may be absent."""
        numbers = ConvDimensionNumbers.parse(op.attribute("dimension_numbers"))
        rank = len(numbers.input_spatial)

        def ints(name: str, default: int = 1) -> Dims:
            return op.ints(name) if op.attribute(name) is not None else (default,) * rank

        padding: Rows = ((0, 0),) * rank
        if op.attribute("padding") is not None:
            rows = ir.elements(op.attribute("padding"))
            padding = tuple((int(low), int(high)) for low, high in rows)
        return Convolution(
            op.operands[0],
            op.operands[1],
            numbers,
            op.shape,
            op.dtype,
            ints("window_strides"),
            padding,
            ints("lhs_dilation"),
            ints("rhs_dilation"),
            ints("window_reversal", 0),
            op.integer("feature_group_count"),
            op.integer("batch_group_count"),
        )

    @property
    def rank(self) -> int:
        """The number of spatial dimensions."""
        return len(self.numbers.input_spatial)

    @property
    def size(self) -> Dims:
        """The spatial sizes of x."""
        return tuple(self.x.shape[d] for d in self.numbers.input_spatial)

    @property
    def window(self) -> Dims:
        """The spatial sizes of the kernel."""
        return tuple(self.kernel.shape[d] for d in self.numbers.kernel_spatial)

    @property
    def places(self) -> Dims:
        """The spatial sizes of the result."""
        return tuple(self.shape[d] for d in self.numbers.output_spatial)

    @property
    def is_plain(self) -> bool:
        """Whether it neither groups, nor dilates x, nor reverses the window."""
        grouped = self.feature_groups > 1 or self.batch_groups > 1
        return not grouped and set(self.base_dilation) <= {1} and not any(self.reversal)

    @property
    def sums_over_places(self) -> bool:
        """Whether the window has more places than the result.

        So it is in the gradient of a convolution with respect to its kernel: the window is the
        gradient of the result, and each element of the kernel gets one place.
        """
        few = math.prod(self.places) < math.prod(self.window)
        return self.rank > 0 and few and self.feature_groups == 1

    def write(self) -> Tensor:
        """Append it to the trace that is being written."""
        return hlo.convolution(
            self.x,
            self.kernel,
            self.numbers,
            strides=self.strides,
            padding=self.padding,
            lhs_dilation=self.base_dilation,
            rhs_dilation=self.dilation,
            reversal=[bool(flag) for flag in self.reversal],
            feature_groups=self.feature_groups,
            batch_groups=self.batch_groups,
            dtype=self.dtype,
        )

    def transposed_to(self, numbers: ConvDimensionNumbers) -> tuple["Convolution", Dims]:
        """The same on transposed operands, and the transpose that restores the result's order."""
        here = self.numbers
        x = hlo.transpose(self.x, _order(_input(here), _input(numbers)))
        kernel = hlo.transpose(self.kernel, _order(_kernel(here), _kernel(numbers)))
        back = _order(_output(numbers), _output(here))
        forth = _order(_output(here), _output(numbers))
        shape = tuple(self.shape[d] for d in forth)
        return replace(self, x=x, kernel=kernel, numbers=numbers, shape=shape), back


def channels_last(rank: int) -> ConvDimensionNumbers:
    """Batch, spatial dimensions, features; the kernel's input before its output features."""
    s = "".join(map(str, range(rank)))
    return ConvDimensionNumbers.of_layouts(f"b{s}f", f"{s}io", f"b{s}f")


def channels_last_sum(rank: int) -> ConvDimensionNumbers:
    """The order for gradients of kernels: what is summed over first, then space, then the rest."""
    s = "".join(map(str, range(rank)))
    return ConvDimensionNumbers.of_layouts(f"f{s}b", f"i{s}o", f"{s}bf")


def _input(n: ConvDimensionNumbers) -> Dims:
    return (n.input_batch, n.input_feature, *n.input_spatial)


def _kernel(n: ConvDimensionNumbers) -> Dims:
    return (n.kernel_input_feature, n.kernel_output_feature, *n.kernel_spatial)


def _output(n: ConvDimensionNumbers) -> Dims:
    return (n.output_batch, n.output_feature, *n.output_spatial)


def _order(before: Dims, after: Dims) -> Dims:
    """The permutation that brings dimensions with roles at `before` to the places `after`."""
    role_at = {place: role for role, place in enumerate(after)}
    return tuple(before[role_at[place]] for place in range(len(after)))
