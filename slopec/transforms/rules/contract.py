"""Bilinear ops: a tangent takes the place of its operand; the transpose is the same kind of op."""

from dataclasses import dataclass
from typing import NamedTuple

from slopec import hlo
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.hlo.reduce import extent
from slopec.tensor import Tensor
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, linear

Dims = tuple[int, ...]


def _inverse(order: list[int]) -> Dims:
    return tuple(sorted(range(len(order)), key=order.__getitem__))


@linear("stablehlo.dot_general")
def _dot_general(point: Point) -> Maps:
    """Back to one side: contract the cotangent with the other side's free dimensions."""
    numbers = DotDimensionNumbers.parse(point.attribute("dot_dimension_numbers"))
    lhs, rhs = point.operands
    batch = tuple(range(len(numbers.lhs_batching)))
    lhs_free = _free(lhs, numbers.lhs_batching, numbers.lhs_contracting)
    rhs_free = _free(rhs, numbers.rhs_batching, numbers.rhs_contracting)
    middle = len(batch) + len(lhs_free)
    pairs = list(zip(numbers.lhs_contracting, numbers.rhs_contracting, strict=True))

    def to_lhs(ct: Tensor) -> Tensor:
        contracted = tuple(left for left, _ in sorted(pairs, key=lambda pair: pair[1]))
        other = _Side(rhs, numbers.rhs_batching, rhs_free, contracted)
        return _back(ct, other, lhs, batch, (middle, ct.ndim), numbers.lhs_batching, lhs_free)

    def to_rhs(ct: Tensor) -> Tensor:
        contracted = tuple(right for _, right in sorted(pairs))
        other = _Side(lhs, numbers.lhs_batching, lhs_free, contracted)
        span = (len(batch), middle)
        return _back(ct, other, rhs, batch, span, numbers.rhs_batching, rhs_free)

    return [
        LinearMap(lambda t: point.again(0, t), to_lhs),
        LinearMap(lambda t: point.again(1, t), to_rhs),
    ]


def _free(x: Tensor, *used: Dims) -> Dims:
    taken = {d for dims in used for d in dims}
    return tuple(d for d in range(x.ndim) if d not in taken)


class _Side(NamedTuple):
    """The other operand of a dot: its batch and free dimensions, and the dimensions of the wanted
    operand that its contracted dimensions, in order, were contracted with.
    """

    operand: Tensor
    batching: Dims
    free: Dims
    partners: Dims


def _back(
    ct: Tensor,
    other: _Side,
    wanted: Tensor,
    batch: Dims,
    span: tuple[int, int],
    batching: Dims,
    free: Dims,
) -> Tensor:
    """Contract the cotangent's dimensions `span` with the other side's free ones.

    Of the two operand orders the one that needs no transpose afterwards is taken.
    """
    places = tuple(range(*span))
    given = hlo.convert(other.operand, ct.dtype)
    first = [*batching, *free, *other.partners]
    second = [*batching, *other.partners, *free]
    if second == sorted(second) and first != sorted(first):
        numbers = DotDimensionNumbers(other.batching, batch, other.free, places)
        out = hlo.dot_general(given, ct, numbers)
        return hlo.convert(hlo.transpose(out, _inverse(second)), wanted.dtype)
    numbers = DotDimensionNumbers(batch, other.batching, places, other.free)
    out = hlo.dot_general(ct, given, numbers)
    return hlo.convert(hlo.transpose(out, _inverse(first)), wanted.dtype)


@dataclass(frozen=True)
class _Convolution:
    """A convolution's attributes, read once; spatial sizes are in spatial order, dilated."""

    numbers: ConvDimensionNumbers
    strides: Dims
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: Dims
    rhs_dilation: Dims
    reversed_dims: Dims
    feature_groups: int
    batch_groups: int
    lhs_sizes: Dims
    rhs_sizes: Dims
    out_sizes: Dims

    @staticmethod
    def at(point: Point) -> "_Convolution":
        numbers = ConvDimensionNumbers.parse(point.attribute("dimension_numbers"))
        lhs, rhs = point.operands
        rank = len(numbers.input_spatial)
        ones = (1,) * rank
        strides = point.ints("window_strides") or ones
        lhs_dilation = point.ints("lhs_dilation") or ones
        rhs_dilation = point.ints("rhs_dilation") or ones
        reversal = point.ints("window_reversal") or (0,) * rank

        def sizes(x: Tensor, places: Dims, dilation: Dims) -> Dims:
            return tuple(extent(x.shape[d], n) for d, n in zip(places, dilation, strict=True))

        return _Convolution(
            numbers,
            strides,
            point.pairs("padding") or ((0, 0),) * rank,
            lhs_dilation,
            rhs_dilation,
            tuple(d for d, r in zip(numbers.kernel_spatial, reversal, strict=True) if r),
            int(point.attribute("feature_group_count")),
            int(point.attribute("batch_group_count")),
            sizes(lhs, numbers.input_spatial, lhs_dilation),
            sizes(rhs, numbers.kernel_spatial, rhs_dilation),
            sizes(point.result, numbers.output_spatial, strides),
        )


@linear("stablehlo.convolution")
def _convolution(point: Point) -> Maps:
    """Back to the input: the cotangent, dilated by the strides, with the kernel turned around.
    Back to the kernel: the input convolved with the cotangent, batch and features swapped.
    """
    conv = _Convolution.at(point)
    lhs, rhs = point.operands
    if 0 in (*lhs.shape, *rhs.shape, *point.result.shape):
        # No windows: as the kernel of a convolution the cotangent would be refused.
        return [
            LinearMap(lambda t: point.again(0, t), lambda ct: hlo.zeros_like(lhs)),
            LinearMap(lambda t: point.again(1, t), lambda ct: hlo.zeros_like(rhs)),
        ]
    return [
        LinearMap(lambda t: point.again(0, t), lambda ct: _to_input(conv, lhs, rhs, ct)),
        LinearMap(lambda t: point.again(1, t), lambda ct: _to_kernel(conv, lhs, rhs, ct)),
    ]


def _to_input(conv: _Convolution, lhs: Tensor, rhs: Tensor, ct: Tensor) -> Tensor:
    n = conv.numbers
    groups = max(conv.feature_groups, conv.batch_groups)
    kernel = hlo.reverse(
        hlo.convert(rhs, ct.dtype),
        tuple(d for d in n.kernel_spatial if d not in conv.reversed_dims),
    )
    kernel = _move_groups(kernel, n.kernel_output_feature, n.kernel_input_feature, groups)
    before = [k - 1 - p[0] for k, p in zip(conv.rhs_sizes, conv.padding, strict=True)]
    padding = [
        (low, x + k - 1 - o - low)
        for x, k, o, low in zip(conv.lhs_sizes, conv.rhs_sizes, conv.out_sizes, before, strict=True)
    ]
    back = ConvDimensionNumbers(
        n.output_batch,
        n.output_feature,
        n.output_spatial,
        n.kernel_output_feature,
        n.kernel_input_feature,
        n.kernel_spatial,
        n.input_batch,
        n.input_feature,
        n.input_spatial,
    )
    out = hlo.convolution(
        ct,
        kernel,
        back,
        strides=conv.lhs_dilation,
        padding=padding,
        lhs_dilation=conv.strides,
        rhs_dilation=conv.rhs_dilation,
        feature_groups=groups,
    )
    out = _move_groups(out, n.input_feature, n.input_batch, conv.batch_groups)
    return hlo.convert(out, lhs.dtype)


def _to_kernel(conv: _Convolution, lhs: Tensor, rhs: Tensor, ct: Tensor) -> Tensor:
    n = conv.numbers
    padding = [
        (p[0], o - x + k - p[0] - 1)
        for x, k, o, p in zip(
            conv.lhs_sizes, conv.rhs_sizes, conv.out_sizes, conv.padding, strict=True
        )
    ]
    back = ConvDimensionNumbers(
        n.input_feature,
        n.input_batch,
        n.input_spatial,
        n.output_batch,
        n.output_feature,
        n.output_spatial,
        n.kernel_input_feature,
        n.kernel_output_feature,
        n.kernel_spatial,
    )
    out = hlo.convolution(
        hlo.convert(lhs, ct.dtype),
        ct,
        back,
        strides=conv.rhs_dilation,
        padding=padding,
        lhs_dilation=conv.lhs_dilation,
        rhs_dilation=conv.strides,
        feature_groups=conv.batch_groups,
        batch_groups=conv.feature_groups,
    )
    return hlo.convert(hlo.reverse(out, conv.reversed_dims), rhs.dtype)


def _move_groups(x: Tensor, source: int, target: int, groups: int) -> Tensor:
    """Split `groups` off dimension `source` (outermost) and merge them into `target`."""
    if groups == 1:
        return x
    shape = list(x.shape)
    shape[source : source + 1] = [groups, shape[source] // groups]
    split = hlo.reshape(x, shape)
    place = target + (target > source)
    order = [d for d in range(split.ndim) if d != source]
    order.insert(order.index(place), source)
    moved = hlo.transpose(split, order)
    merged = list(x.shape)
    merged[source] //= groups
    merged[target] *= groups
    return hlo.reshape(moved, merged)
