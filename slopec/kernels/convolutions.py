"""Which convolutions of a module become kernels, gradients of their weights included."""

import math
from dataclasses import replace

from slopec import dtypes, hlo, ir, tracing
from slopec.kernels import products
from slopec.kernels.convolution import Axis, Convolved, convolution, schedule
from slopec.kernels.convolution_gradient import gradient
from slopec.kernels.convolution_gradient import schedule as schedule_gradient
from slopec.kernels.epilogue import following
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.matmul import Product
from slopec.passes.convolution import Convolution, channels_last, channels_last_sum
from slopec.passes.op import Op, producer
from slopec.tensor import Tensor
from slopec.tracing import Trace

_TO_LAST, _TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_MOST_PLACES = 7  # of a window in a row: each is written out


def takes(c: Convolution) -> bool:
    """Whether a kernel computes a convolution faster than what IREE makes of it."""
    return _work_of(c) is not None


def suits(vectors: Vectors) -> bool:
    """Whether the kernels are worth their while on a processor."""
    return vectors.bytes >= 32


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `convolution` is, if that pays; whether it did."""
    if not suits(vectors) or not all(map(ir.is_static, (*op.operands, *op.results))):
        return False
    where = Trace(module, op.block, None, function=op)
    where.location, where.point = op.location, ir.InsertionPoint(op)
    c = Convolution.of(Op(op, where))
    product = _product_of(c)
    if product is not None:
        return products.place_product(product, module, op, vectors)
    work = _work_of(c)
    if work is None:
        return False
    with tracing.writing(where):
        if c.sums_over_places:
            op.results[0].replace_all_uses_with(_gradient(c, work, vectors, where, op))
        else:
            _convolve(c, work, vectors, where, op)
    return True


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
    x, before = c.x, producer(c.x, "transpose")
    if before is not None and before.used_once and before.ints("permutation") == _TO_LAST:
        work, x = replace(work, planes=True), before.operands[0]
    then, inputs, replaced = following(op)
    moved = _only_user(replaced[-1])
    if moved is not None and _is_transpose(moved, _TO_FIRST) and "image" not in then.inputs:
        work, replaced = replace(work, makes_planes=True), [*replaced, moved]
    work = replace(work, then=then)
    kernel = convolution(work, schedule(work, vectors))
    last = replaced[-1]
    others = [
        reshaped(value, shape, last) for value, (shape, _) in zip(inputs, work.inputs, strict=True)
    ]
    operands = [where.value_of(x), where.value_of(c.kernel), *others]
    (y,) = call(kernel, operands, where.module, last)
    last.results[0].replace_all_uses_with(y)
    for made in reversed(replaced[1:]):
        made.erase()


def _gradient(
    c: Convolution, work: Convolved, vectors: Vectors, where: Trace, op: ir.Operation
) -> ir.Value:
    """The result of a dispatch in place of a gradient: its sums are still to be added."""
    kernel = gradient(work, schedule_gradient(work, vectors))
    (value,) = call(kernel, [where.value_of(c.x), where.value_of(c.kernel)], where.module, op)
    sums = Tensor._of_value(value, where, *ir.type_of(value))
    total = hlo.reduce(sums, hlo.full((), 0, sums.dtype), "add", [0])
    assert isinstance(total, Tensor)
    return where.value_of(total)


def _is_transpose(op: ir.Operation, order: tuple[int, ...]) -> bool:
    return op.name == "stablehlo.transpose" and tuple(op.attributes["permutation"]) == order


def _only_user(op: ir.Operation) -> ir.Operation | None:
    users = [use.owner.operation for use in op.results[0].uses]
    return users[0] if len(users) == 1 else None


def _work_of(c: Convolution) -> Convolved | None:
    """What the kernel of a convolution would compute, if there is one."""
    if c.rank != 2 or c.dtype != dtypes.float32 or c.x.dtype != c.dtype or not c.is_plain:
        return None
    if 0 in c.x.shape or 0 in c.kernel.shape or 0 in c.shape:
        return None
    summed = c.sums_over_places
    numbers = channels_last_sum(2) if summed else channels_last(2)
    # The gradient of the weights walks the window as the convolution itself walks the result.
    results, window = (c.window, c.places) if summed else (c.places, c.window)
    strides, dilation = (c.dilation, c.strides) if summed else (c.strides, c.dilation)
    if c.numbers != numbers or window[1] > _MOST_PLACES or window == (1, 1):
        return None
    rows, columns = (
        Axis(c.size[d], results[d], window[d], strides[d], dilation[d], c.padding[d][0])
        for d in range(2)
    )
    return Convolved(c.x.shape[0], rows, columns, c.x.shape[-1], c.shape[-1], c.dtype)
