"""What scales and shifts the features of a convolution by constants is done ahead, in its kernel.

So are batch norms of a network that is not trained: of their four steps one addition is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.passes.convolution import Convolution
from slopec.passes.op import Op, numbers, producer
from slopec.passes.pattern import Pattern, apply, pattern
from slopec.passes.simplify.shapes import Broadcast
from slopec.tensor import Tensor


@dataclass(frozen=True)
class AbsorbScales:
    """(convolution(x, k) + c) · s + d → convolution(x, k · s) + (c · s + d), of constants."""

    name: ClassVar[str] = "absorb-scales"

    def run(self, module: ir.Module) -> None:
        """Rewrite the functions of `module`, if it has convolutions."""
        if ir.ops_in(module, "stablehlo.convolution"):
            apply(module, PATTERNS)


@dataclass(frozen=True)
class _Shifted:
    """A convolution by a constant kernel, used here alone, plus a number for each feature."""

    op: Op
    kernel: np.ndarray
    shift: np.ndarray | None

    @property
    def features(self) -> int:
        """The dimension of the result's features."""
        return Convolution.of(self.op).numbers.output_feature

    def plus(self, convolved: Tensor, shift: np.ndarray) -> Tensor:
        """A number for each feature added."""
        numbers = hlo.constant(shift.astype(convolved.dtype))
        return hlo.add(convolved, hlo.broadcast_in_dim(numbers, convolved.shape, [self.features]))


@pattern("multiply", "divide", of="convolution|add|subtract", changes="special values")
def scaled_convolution(op: Op) -> Tensor | None:
    """(convolution(x, k) ± c) · s → convolution(x, k · s) ± c · s

    For constants k, and c and s with a number for each feature.
    """
    found = _read(op)
    if found is None:
        return None
    y, scale = found
    c = Convolution.of(y.op)
    sizes = [1] * y.kernel.ndim
    sizes[c.numbers.kernel_output_feature] = -1
    scaled = _OF[op.name](y.kernel, scale.reshape(sizes)).astype(op.dtype)
    convolved = y.op.again(c.x, hlo.constant(scaled))
    return convolved if y.shift is None else y.plus(convolved, _OF[op.name](y.shift, scale))


@pattern("add", "subtract", of="add|subtract", changes="special values")
def shifted_convolution(op: Op) -> Tensor | None:
    """(convolution(x, k) ± c) ± d → convolution(x, k) + (±c ± d)

    For constants k, and c and d with a number for each feature.
    """
    found = _read(op)
    if found is None or found[0].shift is None:
        return None
    y, shift = found
    return y.plus(y.op.result, _OF[op.name](y.shift, shift))


PATTERNS: tuple[Pattern, ...] = (scaled_convolution, shifted_convolution)

_OF: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


def _read(op: Op) -> tuple[_Shifted, np.ndarray] | None:
    """An op on a shifted convolution and a number for each of its features."""
    if op.dtype not in (dtypes.float32, dtypes.float64):
        return None
    x, y = op.operands
    before = _used_here(x, "convolution", "add", "subtract")
    if before is None:
        return None
    shifted = _shifted(before)
    numbers = None if shifted is None else _by_feature(y, shifted.features)
    return None if shifted is None or numbers is None else (shifted, numbers)


def _used_here(x: Tensor, *names: str) -> Op | None:
    """The op that `x` comes from, if it has one of these names and nothing else uses `x`."""
    op = producer(x, *names)
    return op if op is not None and op.used_once else None


def _shifted(op: Op) -> _Shifted | None:
    """Read an op as a convolution, or as one with something added to each feature."""
    if op.name == "convolution":
        kernel = numbers(op.operands[1])
        whole = kernel is not None and kernel.ndim > 0 and op.integer("batch_group_count") == 1
        return _Shifted(op, kernel, None) if kernel is not None and whole else None
    inner = _used_here(op.operands[0], "convolution")
    found = None if inner is None else _shifted(inner)
    if found is None:
        return None
    shift = _by_feature(op.operands[1], found.features)
    if shift is None:
        return None
    return _Shifted(found.op, found.kernel, shift if op.name == "add" else -shift)


def _by_feature(x: Tensor, dim: int) -> np.ndarray | None:
    """The constant with a number for each place along a dimension that `x` repeats."""
    spread = Broadcast.of(x)
    if spread is None:
        return None
    if spread.source is None:
        return np.full(x.shape[dim], spread.number, x.dtype)
    found = numbers(spread.source)
    along = {d for d, n in zip(spread.dims, spread.source.shape, strict=True) if n != 1}
    return found.reshape(-1) if found is not None and found.ndim and along == {dim} else None
