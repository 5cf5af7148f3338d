"""Convolutions: transposes, reversals and padding around them become their attributes."""

from dataclasses import replace

from slopec import hlo, ir
from slopec.dialects.attributes import ConvDimensionNumbers
from slopec.passes.convolution import Convolution
from slopec.passes.op import Op, is_zero
from slopec.passes.pattern import pattern
from slopec.passes.simplify.pads import padding
from slopec.passes.simplify.shapes import Dims
from slopec.tensor import Tensor


def dimension_numbers(op: Op) -> ConvDimensionNumbers:
    """Which dimension of operands and result is what."""
    return ConvDimensionNumbers.parse(op.attribute("dimension_numbers"))


@pattern("convolution", of="transpose")
def convolution_of_transposed(op: Op) -> Tensor | None:
    """convolution(transpose(x), k) → convolution(x, k)

    The transpose goes into the dimension numbers.
    """
    inner, n = op.source(), dimension_numbers(op)
    p = inner.ints("permutation")
    numbers = replace(
        n,
        input_batch=p[n.input_batch],
        input_feature=p[n.input_feature],
        input_spatial=tuple(p[d] for d in n.input_spatial),
    )
    return _renumbered(op, numbers, inner.operands[0], op.operands[1])


@pattern("convolution", of="_, transpose")
def convolution_with_transposed(op: Op) -> Tensor | None:
    """convolution(x, transpose(k)) → convolution(x, k)

    The transpose goes into the dimension numbers.
    """
    inner, n = op.source(1), dimension_numbers(op)
    p = inner.ints("permutation")
    numbers = replace(
        n,
        kernel_input_feature=p[n.kernel_input_feature],
        kernel_output_feature=p[n.kernel_output_feature],
        kernel_spatial=tuple(p[d] for d in n.kernel_spatial),
    )
    return _renumbered(op, numbers, op.operands[0], inner.operands[0])


@pattern("transpose", of="convolution")
def transpose_convolution(op: Op) -> Tensor | None:
    """transpose(convolution(x, k)) → convolution(x, k)

    The transpose goes into the dimension numbers.
    """
    inner, p = op.source(), op.ints("permutation")
    if not inner.used_once:
        return None
    n = dimension_numbers(inner)
    numbers = replace(
        n,
        output_batch=p.index(n.output_batch),
        output_feature=p.index(n.output_feature),
        output_spatial=tuple(p.index(d) for d in n.output_spatial),
    )
    x, k = inner.operands
    return _renumbered(inner, numbers, x, k, op.shape)


def _renumbered(
    op: Op, numbers: ConvDimensionNumbers, x: Tensor, k: Tensor, shape: Dims | None = None
) -> Tensor:
    return op.again(x, k, shape=shape, attributes={"dimension_numbers": ir.attr(str(numbers))})


@pattern("convolution")
def convolution_with_reversed(op: Op) -> Tensor | None:
    """convolution(x, k) → convolution(x, reverse(k))

    For reversed windows, which IREE compiles less often than a kernel that is reversed before; a
    reversal may also cancel with another.
    """
    c = Convolution.of(op)
    dims = [d for d, flag in zip(c.numbers.kernel_spatial, c.reversal, strict=True) if flag]
    if not dims:
        return None
    forward = ir.attr(f"array<i1: {', '.join(['false'] * c.rank)}>")
    x, k = op.operands
    return op.again(x, hlo.reverse(k, sorted(dims)), attributes={"window_reversal": forward})


@pattern("convolution", of="pad")
def convolution_of_padded(op: Op) -> Tensor | None:
    """convolution(pad(x, 0), k) → convolution(x, k)

    For padding along spatial dimensions, which the convolution then does itself; zeros between
    elements become its dilation.
    """
    inner, c = op.source(), Convolution.of(op)
    n = c.numbers
    x, value = inner.operands
    low, high, gaps = padding(inner)
    others = (n.input_batch, n.input_feature)
    if not is_zero(value) or any(low[d] or high[d] or gaps[d] for d in others):
        return None
    if min((*low, *high), default=0) < 0 or any(d != 1 for d in c.base_dilation):
        return None
    rows = [
        (before + low[d], after + high[d])
        for (before, after), d in zip(c.padding, n.input_spatial, strict=True)
    ]
    attributes = {
        "padding": ir.matrix_i64(rows),
        "lhs_dilation": ir.i64s(*(gaps[d] + 1 for d in n.input_spatial)),
    }
    return op.again(x, op.operands[1], attributes=attributes)


@pattern("convolution", without_elements=True)
def convolution_of_nothing(op: Op) -> Tensor | None:
    """convolution(x, k) → 0

    For a kernel without elements, or an x without any.
    """
    return hlo.full(op.shape, 0, op.dtype) if any(0 in x.shape for x in op.operands) else None
