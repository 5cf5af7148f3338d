"""Windows over a tensor, as `reduce_window` and `select_and_scatter` describe them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from slopec import hlo, ir
from slopec.hlo.reduce import extent
from slopec.tensor import Tensor

Dims = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Windows:
    """Windows of sizes `window` over a tensor of `shape`; there are `result` many of them."""

    shape: Dims
    result: Dims
    window: Dims
    strides: Dims
    padding: Pads
    base: Dims
    dilation: Dims

    @staticmethod
    def of(op: ir.Operation, result: Dims) -> "Windows":
        """The windows of an op, which are `result` many."""
        shape, _ = ir.type_of(op.operands[0])
        ones = (1,) * len(shape)

        def dims(name: str) -> Dims:
            return tuple(op.attributes[name]) if name in op.attributes else ones

        pads: Pads = ((0, 0),) * len(shape)
        if "padding" in op.attributes:
            pads = tuple((int(a), int(b)) for a, b in np.array(op.attributes["padding"]))
        strides, base = dims("window_strides"), dims("base_dilations")
        dilation = dims("window_dilations")
        return Windows(shape, result, dims("window_dimensions"), strides, pads, base, dilation)

    @staticmethod
    def said(shape: Dims, sizes: Sequence[np.ndarray]) -> "Windows":
        """The windows over `shape` of given sizes, strides, dilations of both, and padding."""
        window, strides, base, dilation, margins = (tuple(map(int, a.flat)) for a in sizes)
        padding = tuple(zip(margins[::2], margins[1::2], strict=True))
        return Windows(shape, (), window, strides, padding, base, dilation)

    def widen(self, x: Tensor, value: float | Tensor) -> Tensor:
        """The operand with its dilation and padding filled with `value`."""
        return hlo.pad(
            x,
            value if isinstance(value, Tensor) else hlo.full((), value, x.dtype),
            [low for low, _ in self.padding],
            [high for _, high in self.padding],
            [b - 1 for b in self.base],
        )

    def narrow(self, wide: Tensor) -> Tensor:
        """The transpose of `widen`."""
        zero = hlo.full((), 0, wide.dtype)
        inner = hlo.pad(
            wide, zero, [-low for low, _ in self.padding], [-high for _, high in self.padding]
        )
        return hlo.slice_(inner, [0] * inner.ndim, inner.shape, self.base)

    @property
    def wide(self) -> Dims:
        """The shape of the widened operand."""
        return tuple(
            extent(n, b) + low + high
            for n, b, (low, high) in zip(self.shape, self.base, self.padding, strict=True)
        )

    def places(self) -> Iterator[Dims]:
        """The offsets of a window's elements, in the order in which they are folded."""
        ranges = [range(0, w * d, d) for w, d in zip(self.window, self.dilation, strict=True)]
        return product(*ranges)

    def pick(self, wide: Tensor, place: Dims) -> Tensor:
        """The element at one offset of every window."""
        if 0 in self.result:
            return hlo.full(self.result, 0, wide.dtype)
        spans = map(extent, self.result, self.strides)
        limit = [p + span for p, span in zip(place, spans, strict=True)]
        return hlo.slice_(wide, place, limit, self.strides)

    def put(self, value: Tensor, place: Dims) -> Tensor:
        """The transpose of `pick`: zeros elsewhere."""
        if 0 in self.result:
            return hlo.full(self.wide, 0, value.dtype)
        spans = map(extent, self.result, self.strides)
        high = [n - p - span for n, p, span in zip(self.wide, place, spans, strict=True)]
        zero = hlo.full((), 0, value.dtype)
        return hlo.pad(value, zero, place, high, [s - 1 for s in self.strides])

    @property
    def beside(self) -> bool:
        """Whether the windows lie side by side, without overlap, gaps or dilation."""
        return self.strides == self.window and set(self.dilation) <= {1}

    @property
    def plain(self) -> bool:
        """Whether nothing is dilated."""
        return {*self.base, *self.dilation} <= {1}

    @property
    def cumulative(self) -> int | None:
        """The dimension along which every window ends (or begins) with its own element and holds
        all before (or after) it.
        """
        wide = [d for d, w in enumerate(self.window) if w > 1]
        if len(wide) != 1 or not self.plain or set(self.strides) > {1} or self.shape != self.result:
            return None
        (axis,) = wide
        all_before = self.window[axis] - 1
        ends = self.padding[axis] in ((all_before, 0), (0, all_before))
        return axis if ends and self.window[axis] == self.shape[axis] else None


@dataclass(frozen=True)
class Winners:
    """The first element of each window that equals the window's extremum, place by place.

    Strided slices and selects are all it takes, so this compiles for every target whatever the
    windows' overlap.
    """

    windows: Windows
    x: Tensor
    best: Tensor
    worst: float

    @staticmethod
    def of(windows: Windows, x: Tensor, best: Tensor, kind: str) -> "Winners":
        """The winners in windows of `x`, whose extrema are `best`; `kind` is the fold's name."""
        return Winners(windows, x, best, -math.inf if kind == "maximum" else math.inf)

    def masks(self) -> Iterator[tuple[Dims, Tensor]]:
        """For each place in a window, in which windows the winner is there."""
        wide = self.windows.widen(self.x, self.worst)
        taken: Tensor | None = None
        for place in self.windows.places():
            wins = hlo.compare(self.windows.pick(wide, place), self.best, "EQ")
            if taken is not None:
                wins = hlo.and_(wins, hlo.not_(taken))
            taken = wins if taken is None else hlo.or_(taken, wins)
            yield place, wins

    def gather(self, t: Tensor) -> Tensor:
        """What `t` has where the winners are."""
        spread = self.windows.widen(t, 0)
        total = hlo.full(self.windows.result, 0, t.dtype)
        for place, wins in self.masks():
            total = hlo.select(wins, self.windows.pick(spread, place), total)
        return total

    def scatter(self, source: Tensor) -> Tensor:
        """Zeros with `source` added where the winners are: the transpose of `gather`."""
        zeros = hlo.zeros_like(source)
        total = hlo.full(self.windows.wide, 0, source.dtype)
        for place, wins in self.masks():
            part = self.windows.put(hlo.select(wins, source, zeros), place)
            total = hlo.add(total, part)
        return self.windows.narrow(total)
