"""Contractions. An operand that is the same for the whole batch is not copied: the other's batch
becomes a free dimension of a product, or part of the batch or feature dimension of a convolution.
"""

from dataclasses import replace

from slopec import hlo, ir
from slopec.dialects.attributes import ConvDimensionNumbers, DotDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Site, batched
from slopec.transforms.batch_rules.shape import up


@batched("stablehlo.dot_general")
def _dot_general(site: Site) -> Tensor:
    """A batching dimension when both operands have one, else a free dimension moved in front."""
    numbers = DotDimensionNumbers.parse(site.attribute("dot_dimension_numbers"))
    left, right = site.mapped
    if left:
        numbers = replace(
            numbers,
            lhs_batching=up(numbers.lhs_batching),
            lhs_contracting=up(numbers.lhs_contracting),
        )
    if right:
        numbers = replace(
            numbers,
            rhs_batching=up(numbers.rhs_batching),
            rhs_contracting=up(numbers.rhs_contracting),
        )
    place = 0
    if left and right:
        numbers = replace(
            numbers,
            lhs_batching=(0, *numbers.lhs_batching),
            rhs_batching=(0, *numbers.rhs_batching),
        )
    elif left:
        place = len(numbers.lhs_batching)
    else:
        place = site.operands[0].ndim - len(numbers.lhs_contracting)
    shape = site.result.shape
    wide = (*shape[:place], site.size, *shape[place:])
    (result,) = site.emit(site.given, [wide], dot_dimension_numbers=ir.attr(str(numbers)))
    return hlo.transpose(result, (place, *(d for d in range(len(wide)) if d != place)))


@batched("stablehlo.convolution")
def _convolution(site: Site) -> Tensor:
    """The batch joins the images', the output features, or, when both differ, makes groups."""
    numbers = ConvDimensionNumbers.parse(site.attribute("dimension_numbers"))
    features = int(site.attribute("feature_group_count"))
    batches = int(site.attribute("batch_group_count"))
    lhs, rhs = site.given
    groups, axis = 1, numbers.output_feature
    if not site.mapped[1]:
        lhs, axis = _fold(lhs, numbers.input_batch, batches), numbers.output_batch
    elif not site.mapped[0]:
        groups = features * batches
        rhs = _fold(rhs, numbers.kernel_output_feature, groups)
    else:
        rhs = _fold(rhs, numbers.kernel_output_feature, 1)
        joined = numbers.input_feature if batches == 1 else numbers.input_batch
        lhs = _fold(lhs, joined, 1)
        features *= site.size if batches == 1 else 1
        batches *= 1 if batches == 1 else site.size
    shape = list(site.result.shape)
    shape[axis] *= site.size
    (result,) = site.emit(
        [lhs, rhs],
        [tuple(shape)],
        feature_group_count=ir.i64(features),
        batch_group_count=ir.i64(batches),
    )
    return _unfold(result, axis, groups, site.size)


def _fold(x: Tensor, axis: int, groups: int) -> Tensor:
    """Make the leading dimension part of `axis`, as numbered without it, inside its groups."""
    size, *rest = x.shape
    before, length, after = rest[:axis], rest[axis], rest[axis + 1 :]
    parts = hlo.reshape(x, (size, *before, groups, length // groups, *after))
    order = (*range(1, axis + 2), 0, *range(axis + 2, parts.ndim))
    return hlo.reshape(hlo.transpose(parts, order), (*before, size * length, *after))


def _unfold(x: Tensor, axis: int, groups: int, size: int) -> Tensor:
    """Take the batch out of `axis` again, to the front."""
    before, length, after = x.shape[:axis], x.shape[axis] // size, x.shape[axis + 1 :]
    parts = hlo.reshape(x, (*before, groups, size, length // groups, *after))
    order = (axis + 1, *range(axis + 1), *range(axis + 2, parts.ndim))
    return hlo.reshape(hlo.transpose(parts, order), (size, *before, length, *after))
