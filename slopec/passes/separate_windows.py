"""Let no two poolings begin with the same filled tensor.

IREE 3.13 folds windows into a tensor that is filled with the first value, and fills one for all
poolings whose results have the same shape. Where the kernel of the first pooling is to fill it for
the others as well, as in chains of poolings that convolutions read, it needs more stack than there
is. So the others become ops on slices, which need no such tensor.
"""

from dataclasses import dataclass
from typing import ClassVar

from slopec import hlo, ir
from slopec.dtypes import DType
from slopec.kernels.pooling import takes
from slopec.passes.each import each, put_results
from slopec.passes.op import Op, binary, binary_body, splat
from slopec.tensor import Tensor
from slopec.transforms.windows import Windows

_MOST = 32
"""Slices that take the place of a pooling."""

_Fill = tuple[tuple[int, ...], DType, bytes]
"""A shape without dimensions of size 1, a type, and a value."""


@dataclass(frozen=True)
class SeparateWindows:
    """reduce_window(x, v), after one with results alike → v ∘ slice(pad(x, v)) ∘ slice(…) ∘ …

    One dimension after the other: what is folded is rounded differently.

    `hand-written` leaves alone what kernels written by hand will take the place of.
    """

    name: ClassVar[str] = "separate-windows"
    hand_written: bool = False

    def run(self, module: ir.Module) -> None:
        """Leave one pooling of those with results of a shape."""
        known: set[_Fill] = set()
        for op in each(module, "stablehlo.reduce_window"):
            if self.hand_written and takes(op.operation):
                continue
            fill = _fill(op)
            if fill in known:
                sliced = _sliced(op)
                if sliced is not None:
                    put_results(op, [sliced])
            elif fill is not None:
                known.add(fill)


def _fill(op: Op) -> _Fill | None:
    """What the op's results begin as; None if not known, or if there are several."""
    value = splat(op.operands[1]) if len(op.operands) == 2 else None
    if value is None:
        return None
    shape = tuple(size for size in op.shape if size != 1)
    return shape, op.operands[0].dtype, value.tobytes()


def _sliced(op: Op) -> Tensor | None:
    """The windows' elements combined, place by place; None for many places or an unusual body."""
    x, first = op.operands
    kind, w = binary_body(op), Windows.of(op.operation, op.shape)
    if kind is None or sum(w.window) > _MOST or 0 in w.shape:
        return None
    x = w.widen(x, first)
    for d, (count, step, apart) in enumerate(zip(w.window, w.strides, w.dilation, strict=True)):
        if (count, step) == (1, 1):
            continue
        parts = [_slice(x, d, place * apart, w.result[d], step) for place in range(count)]
        x = parts[0]
        for part in parts[1:]:
            x = binary(kind, x, part)
    return binary(kind, hlo.broadcast_in_dim(first, x.shape, ()), x)


def _slice(x: Tensor, dim: int, start: int, count: int, step: int) -> Tensor:
    """`count` places of one dimension."""
    low, high, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    low[dim], high[dim], steps[dim] = start, start + (count - 1) * step + 1, step
    return hlo.slice_(x, low, high, steps)
