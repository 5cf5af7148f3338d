"""Which convolutions of a module become kernels, gradients of their weights included."""

import math
from dataclasses import replace

from slopec import dtypes, hlo, ir, tracing
from slopec.kernels import matvecs, products, sliding
from slopec.kernels.convolution import Convolved, convolution, schedule
from slopec.kernels.convolution_gradient import gradient
from slopec.kernels.convolution_gradient import schedule as schedule_gradient
from slopec.kernels.depthwise import Depthwise, depthwise
from slopec.kernels.depthwise import schedule as schedule_depthwise
from slopec.kernels.depthwise_gradient import gradient as gradient_of_each
from slopec.kernels.depthwise_gradient import schedule as schedule_gradient_of_each
from slopec.kernels.epilogue import following, put
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import Kernel, call
from slopec.kernels.matmul import Product
from slopec.kernels.weights import windows_packed
from slopec.kernels.windows import Axis
from slopec.passes.convolution import Convolution, channels_last, channels_last_sum
from slopec.passes.each import at
from slopec.passes.op import producer
from slopec.tensor import Tensor
from slopec.tracing import Trace

_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_MOST_PLACES = 7  # of a window in a row: each is written out
_MOST_TAPS = 32  # of a window in a row, for a feature at a time


def takes(c: Convolution) -> bool:
    """Whether a kernel computes a convolution faster than what IREE makes of it."""
    return any(found is not None for found in (_work_of(c), _depthwise_of(c), sliding.sliding(c)))


def suits(vectors: Vectors) -> bool:
    """Whether the kernels are worth their while on a processor."""
    return vectors.bytes >= 32


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `convolution` is, if that pays; whether it did."""
    if not suits(vectors) or not all(map(ir.is_static, (*op.operands, *op.results))):
        return False
    here = at(module, op)
    c, where = Convolution.of(here), here.trace
    product = _product_of(c)
    if product is not None:
        kind = matvecs.place if 1 in (product.m, product.n) else products.place_product
        return kind(product, module, op, vectors)
    product = sliding.sliding(c)
    if product is not None:
        return sliding.place(c, product, where, op, vectors)
    single, work = _depthwise_of(c), _work_of(c)
    with tracing.writing(where):
        if single is not None and c.sums_over_places:
            kernel = gradient_of_each(single, schedule_gradient_of_each(single, vectors))
            _put_gradient(c, kernel, where, op)
        elif single is not None:
            _convolve_each(c, single, vectors, where, op)
        elif work is not None and c.sums_over_places:
            _put_gradient(c, gradient(work, schedule_gradient(work, vectors)), where, op)
        elif work is not None:
            _convolve(c, work, vectors, where, op)
    return single is not None or work is not None


def _product_of(c: Convolution) -> Product | None:
    """What a convolution multiplies if its window is one place: all places by the kernel."""
    one = set(c.window) == {1} and c.x.shape[:-1] == c.shape[:-1] and not any(map(any, c.padding))
    if not one or not c.is_plain or c.numbers != channels_last(c.rank) or c.x.dtype != c.dtype:
        return None
    if 0 in c.x.shape or 0 in c.shape:
        return None
    return Product(1, math.prod(c.shape[:-1]), c.shape[-1], c.x.shape[-1], c.dtype)


def _convolve(
    c: Convolution, work: Convolved, vectors: Vectors, where: Trace, op: ir.Operation
) -> None:
    """Put a dispatch in place of a convolution and of what is moved and computed around it."""
    weights, turned = _turned_back(c.kernel)
    work = replace(work, turned=turned)
    x, before = c.x, producer(c.x, "transpose")
    if before is not None and before.used_once and before.ints("permutation") == _TO_LAST:
        work, x = replace(work, planes=True), before.operands[0]
    then, inputs, replaced = following(op)
    moved = _only_user(replaced[-1])
    if moved is not None and _is_transpose(moved, _TO_FIRST) and "image" not in then.inputs:
        work, replaced = replace(work, makes_planes=True), [*replaced, moved]
    work = replace(work, then=then)
    cut, kept = schedule(work, vectors), where.value_of(weights)
    panels = windows_packed(kept, work.groups, cut.vectors * cut.lanes, op)
    if panels is not None:
        work, kept = replace(work, panels=cut.vectors * cut.lanes), panels
    kernel = convolution(work, cut)
    put(kernel, [where.value_of(x), kept, *inputs], replaced, where.module)


def _turned_back(weights: Tensor) -> tuple[Tensor, bool]:
    """Weights of which all places were reversed, as they were before; and whether they were."""
    moved = producer(weights, "transpose")
    order = moved.ints("permutation") if moved is not None else tuple(range(weights.ndim))
    reversal = producer(weights if moved is None else moved.operands[0], "reverse")
    if reversal is None or {*reversal.ints("dimensions")} != {*order[:-2]}:
        return weights, False
    return hlo.transpose(reversal.operands[0], order), True


def _convolve_each(
    c: Convolution, work: Depthwise, vectors: Vectors, where: Trace, op: ir.Operation
) -> None:
    """Put a dispatch in place of a depthwise convolution and of what is computed after it."""
    then, inputs, replaced = following(op)
    work = replace(work, then=then)
    kernel = depthwise(work, schedule_depthwise(work, vectors))
    put(kernel, [where.value_of(c.x), where.value_of(c.kernel), *inputs], replaced, where.module)


def _put_gradient(c: Convolution, kernel: Kernel, where: Trace, op: ir.Operation) -> None:
    """Put a dispatch in place of a gradient, and what adds up its sums."""
    (value,) = call(kernel, [where.value_of(c.x), where.value_of(c.kernel)], where.module, op)
    sums = Tensor._of_value(value, where, *ir.type_of(value))
    total = hlo.reduce(sums, hlo.full((), 0, sums.dtype), "add", [0])
    assert isinstance(total, Tensor)
    op.results[0].replace_all_uses_with(where.value_of(hlo.reshape(total, c.shape)))


def _is_transpose(op: ir.Operation, order: tuple[int, ...]) -> bool:
    return op.name == "stablehlo.transpose" and tuple(op.attributes["permutation"]) == order


def _only_user(op: ir.Operation) -> ir.Operation | None:
    users = [use.owner.operation for use in op.results[0].uses]
    return users[0] if len(users) == 1 else None


def _depthwise_of(c: Convolution) -> Depthwise | None:
    """What the kernel of a convolution with a window for each feature, or its gradient's, does."""
    if c.rank not in (1, 2) or not _is_single(c) or any(c.reversal):
        return None
    features, summed = c.x.shape[-1], c.sums_over_places
    groups = (1, features) if summed else (features, 1)
    if c.numbers != (channels_last_sum(c.rank) if summed else channels_last(c.rank)):
        return None
    if (c.feature_groups, c.batch_groups) != groups or c.shape[-1] != features:
        return None
    if summed and set(c.base_dilation) != {1}:
        return None
    axes = [_axis(c, d) for d in range(c.rank)]
    if axes[-1].window > _MOST_TAPS or any(a.gaps > 1 and a.dilation > 1 for a in axes):
        return None
    rows, columns = [Axis(1, 1, 1, 1, 1, 0), *axes][-2:]
    return Depthwise(c.x.shape[0], rows, columns, features, c.dtype)


def _axis(c: Convolution, d: int) -> Axis:
    """A spatial dimension of a convolution, or of the one that it is the weights' gradient of.

    The gradient walks the window as the convolution itself walks the result.
    """
    size, low, gaps = c.size[d], c.padding[d][0], c.base_dilation[d]
    if c.sums_over_places:
        return Axis(size, c.window[d], c.places[d], c.dilation[d], c.strides[d], low, gaps)
    return Axis(size, c.places[d], c.window[d], c.strides[d], c.dilation[d], low, gaps)


def _is_single(c: Convolution) -> bool:
    """Whether all of it is of single precision, and there is something to do."""
    sizes = (*c.x.shape, *c.kernel.shape, *c.shape)
    return c.dtype == c.x.dtype == c.kernel.dtype == dtypes.float32 and 0 not in sizes


def _work_of(c: Convolution) -> Convolved | None:
    """What the kernel of a convolution would compute, if there is one."""
    if c.rank != 2 or not _is_single(c) or any(c.reversal):
        return None
    summed = c.sums_over_places
    groups, others = (c.feature_groups, c.batch_groups)[:: -1 if summed else 1]
    if others > 1:
        return None
    numbers = channels_last_sum(2) if summed else channels_last(2)
    rows, columns = (_axis(c, d) for d in range(2))
    if c.numbers != numbers or max(columns.window, columns.unit) > _MOST_PLACES:
        return None
    if any(a.gaps > 1 and (summed or a.dilation > 1) for a in (rows, columns)):
        return None
    if groups == 1 and all(a.window == a.stride == a.gaps == 1 for a in (rows, columns)):
        return None  # a product
    given, made = c.x.shape[-1] // groups, c.shape[-1] // groups
    return Convolved(c.x.shape[0], rows, columns, given, made, c.dtype, groups=groups)
