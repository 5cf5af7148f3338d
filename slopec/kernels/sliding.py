"""Convolutions of one spatial dimension as products: a window that slides over a line is a row.

Its places lie one after the other, features last, so that the rows of the left matrix overlap and
none is copied. In the gradient of the weights they are its columns; the samples then follow each
other in one line, and where a window would reach from one to the next it meets zeros.
"""

from math import prod

from slopec import dtypes, hlo, ir, tracing
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, reshaped
from slopec.kernels.matmul import Product, matmul, schedule
from slopec.kernels.products import place_product
from slopec.passes.convolution import Convolution, channels_last, channels_last_sum
from slopec.tensor import Tensor
from slopec.tracing import Trace

_LEAST = 1 << 13  # multiplications
_NARROW = 8  # features made, terms of a sum


def sliding(c: Convolution) -> Product | None:
    """What a convolution multiplies if a window slides over lines; None of others."""
    plain = c.is_plain and c.rank == 1 and c.window[0] > 1 and 0 not in (*c.x.shape, *c.shape)
    if not plain or not c.dtype == c.x.dtype == c.kernel.dtype == dtypes.float32:
        return None
    if not _is_forward(c) and not (c.sums_over_places and c.numbers == channels_last_sum(1)):
        return None
    if (c.dilation if _is_forward(c) else c.strides) != (1,):
        return None
    product = _forward(c) if _is_forward(c) else _gradient(c)
    work = product.batch * product.m * product.n * product.k
    return product if work >= _LEAST and min(product.n, product.k) >= _NARROW else None


def place(
    c: Convolution, product: Product, where: Trace, op: ir.Operation, vectors: Vectors
) -> bool:
    """Put a kernel where a convolution is `sliding`; whether it did."""
    module = where.module
    with tracing.writing(where):
        if _is_forward(c):
            low, high = c.padding[0]
            ((batch, length), _), _ = product.operands(1)
            line = _line(c.x, low, high, batch, length)
            return place_product(product, module, op, vectors, where.value_of(line))
        samples, places = c.kernel.shape[0], _places(c)
        low = c.padding[0][0]
        longer = places * c.dilation[0] - low - c.x.shape[1]
        ((_, length), _), _ = product.operands(1)
        line = _line(c.x, low, longer, 1, length)
        slopes = _padded(c.kernel, 0, places - c.window[0])
        rows = hlo.reshape(slopes, (1, samples * places, product.n))
        kernel = matmul(product, schedule(product, vectors))
        result, *_ = call(kernel, [where.value_of(v) for v in (line, rows)], module, op)
        op.results[0].replace_all_uses_with(reshaped(result, c.shape, op))
        return True


def _is_forward(c: Convolution) -> bool:
    """Whether it is written as no gradient: of few places it may be, as one of many groups was."""
    return c.numbers == channels_last(1)


def _forward(c: Convolution) -> Product:
    given, made = c.x.shape[-1], c.shape[-1]
    apart = c.strides[0] * given
    return Product(c.shape[0], c.places[0], made, c.window[0] * given, c.dtype, "rows", apart=apart)


def _gradient(c: Convolution) -> Product:
    """The window is the result's gradient, the result has the places of the weights."""
    given, made, samples = c.x.shape[-1], c.shape[-1], c.kernel.shape[0]
    depth, apart = samples * _places(c), c.dilation[0] * given
    return Product(1, c.places[0] * given, made, depth, c.dtype, "columns", apart=apart)


def _places(c: Convolution) -> int:
    """Places of a sample in the line of all: enough that the last windows stay in the sample."""
    return c.window[0] + -(-(c.places[0] - 1) // c.dilation[0])


def _line(x: Tensor, low: int, high: int, batch: int, length: int) -> Tensor:
    """x between zeros, as lines of that length."""
    lines = _padded(x, low, high)
    flat = hlo.reshape(lines, (batch, prod(lines.shape) // batch))
    return hlo.pad(flat, hlo.full((), 0, x.dtype), [0, 0], [0, length - flat.shape[1]])


def _padded(x: Tensor, low: int, high: int) -> Tensor:
    return hlo.pad(x, hlo.full((), 0, x.dtype), [0, low, 0], [0, high, 0])
