"""Windows get no more of a dimension than they cover where they have one place, or one element.

IREE 3.13 forgets the step of a window that is never moved, and then refuses the convolution or the
pooling, because it is given elements that it does not read: a 2×2 pooling of 3×3, say. Of what it
makes together with a pooling, and is needed besides, it makes only what the pooling reads: with
windows of one element and steps of two every other one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.hlo.reduce import extent
from slopec.passes.convolution import Convolution
from slopec.passes.each import each, put
from slopec.passes.op import Op
from slopec.tensor import Tensor
from slopec.transforms.windows import Dims, Pads, Windows


@dataclass(frozen=True)
class TrimWindows:
    """reduce_window(x), convolution(x, k) → the same of slice(x), for one place or element."""

    name: ClassVar[str] = "trim-windows"

    def run(self, module: ir.Module) -> None:
        """Trim the operands of every op with windows."""
        for op in each(module, "stablehlo.convolution"):
            c = Convolution.of(op)
            spans = list(map(extent, c.window, c.dilation))
            _trim(
                op,
                [op.operands[0]],
                c.numbers.input_spatial,
                c.places,
                c.padding,
                c.base_dilation,
                spans,
            )
        for op in each(module, "stablehlo.reduce_window"):
            inputs = _stepped_ahead(op, op.operands[: len(op.operation.results)])
            w = Windows.of(op.operation, op.shape)
            spans = list(map(extent, w.window, w.dilation))
            _trim(op, inputs, range(len(spans)), w.result, w.padding, w.base, spans)


def _stepped_ahead(op: Op, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Take from the inputs what windows of one element step over, so that they need no steps."""
    w = Windows.of(op.operation, op.shape)
    facts = zip(w.window, w.strides, w.padding, w.base, strict=True)
    over = [s if (n, pads, b) == (1, (0, 0), 1) else 1 for n, s, pads, b in facts]
    if max(over, default=1) == 1 or 0 in w.shape:
        return inputs
    taken = [hlo.slice_(x, [0] * len(over), w.shape, over) for x in inputs]
    for place, x in enumerate(taken):
        put(op, place, x)
    left = [1 if skipped > 1 else s for s, skipped in zip(w.strides, over, strict=True)]
    op.operation.attributes["window_strides"] = ir.i64s(*left)
    return taken


def _trim(
    op: Op,
    inputs: Sequence[Tensor],
    dims: Sequence[int],
    places: Dims,
    padding: Pads,
    base: Dims,
    spans: Sequence[int],
) -> None:
    """Take from the padding of an op, and from the ends of its inputs, what no window covers.

    `dims` are the inputs' dimensions that the other facts are about.
    """
    shape = inputs[0].shape
    stops, rows = list(shape), list(padding)
    for i, d in enumerate(dims):
        low, high = padding[i]
        unread = low + extent(shape[d], base[i]) + high - spans[i]
        if places[i] == 1 and unread > 0:
            cut = max(0, unread - max(0, high))
            cut *= base[i] == 1 and cut < shape[d]
            rows[i], stops[d] = (low, high - unread + cut), shape[d] - cut
    if tuple(stops) != shape:
        for place, x in enumerate(inputs):
            put(op, place, hlo.slice_(x, [0] * len(shape), stops))
    if tuple(rows) != padding:
        op.operation.attributes["padding"] = ir.matrix_i64(rows)
