"""Folds over windows: sums, whose transpose is again a sum over windows, and extrema.

An extremum's cotangent goes to the first winner of its window. The winners are found window place
by window place, with strided slices and selects alone, so that derivatives of any order compile
for every target whatever the windows' overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from slopec import dtypes, hlo
from slopec.tensor import Tensor
from slopec.transforms.body import binary_kind, block_of
from slopec.transforms.rule import LinearMap, Maps, Point, linear
from slopec.transforms.rules.shape import sum_over

Dims = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Windows:
    """The attributes of a `reduce_window`, read once."""

    shape: Dims
    result: Dims
    window: Dims
    strides: Dims
    padding: Pads
    base: Dims
    dilation: Dims

    @staticmethod
    def at(point: Point) -> "_Windows":
        shape = point.operands[0].shape
        ones = (1,) * len(shape)
        return _Windows(
            shape,
            point.result.shape,
            point.ints("window_dimensions"),
            point.ints("window_strides") or ones,
            point.pairs("padding") or ((0, 0),) * len(shape),
            point.ints("base_dilations") or ones,
            point.ints("window_dilations") or ones,
        )

    def widen(self, x: Tensor, value: float) -> Tensor:
        """The operand with its dilation and padding filled with `value`."""
        return hlo.pad(
            x,
            hlo.full((), value, x.dtype),
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
            (max(n - 1, 0) * b + (n > 0)) + low + high
            for n, b, (low, high) in zip(self.shape, self.base, self.padding, strict=True)
        )

    def places(self) -> Iterator[Dims]:
        """The offsets of a window's elements, in the order in which they are folded."""
        ranges = [range(0, w * d, d) for w, d in zip(self.window, self.dilation, strict=True)]
        return product(*ranges)

    def pick(self, wide: Tensor, place: Dims) -> Tensor:
        """The element at one offset of every window."""
        limit = [
            p + (n - 1) * s + 1 for p, n, s in zip(place, self.result, self.strides, strict=True)
        ]
        return hlo.slice_(wide, place, limit, self.strides)

    def put(self, value: Tensor, place: Dims) -> Tensor:
        """The transpose of `pick`: zeros elsewhere."""
        high = [
            n - (p + (r - 1) * s + 1)
            for n, p, r, s in zip(self.wide, place, self.result, self.strides, strict=True)
        ]
        zero = hlo.full((), 0, value.dtype)
        return hlo.pad(value, zero, place, high, [s - 1 for s in self.strides])


@linear("stablehlo.reduce_window")
def _reduce_window(point: Point) -> Maps:
    kind = binary_kind(block_of(point.op))
    if len(point.operands) != 2 or kind not in ("add", "maximum", "minimum"):
        raise point.refuse(
            "with this body has no derivative rule", "use a sum, a maximum or a minimum"
        )
    if point.active[1]:
        raise point.refuse(
            "has no derivative in its initial value", "begin with a constant and add the value"
        )
    windows = _Windows.at(point)
    if 0 in windows.result or 0 in windows.shape:
        x = point.operands[0]
        none = LinearMap(lambda t: hlo.zeros_like(point.result), lambda ct: hlo.zeros_like(x))
        return [none, None]
    return [_sum(windows) if kind == "add" else _extremum(point, windows, kind), None]


def _sum(windows: _Windows) -> LinearMap:
    """Back: the cotangent, spread by the strides, summed over the windows turned around."""

    def forward(t: Tensor) -> Tensor:
        return hlo.reduce_window(
            t,
            hlo.full((), 0, t.dtype),
            "add",
            windows.window,
            windows.strides,
            windows.padding,
            windows.base,
            windows.dilation,
        )

    def back(ct: Tensor) -> Tensor:
        padding = []
        for axis, size in enumerate(windows.wide):
            reach = (windows.window[axis] - 1) * windows.dilation[axis]
            spread = (ct.shape[axis] - 1) * windows.strides[axis] + 1
            padding.append((reach, size - spread))
        wide = hlo.reduce_window(
            ct,
            hlo.full((), 0, ct.dtype),
            "add",
            windows.window,
            padding=padding,
            base_dilation=windows.strides,
            window_dilation=windows.dilation,
        )
        return windows.narrow(wide)

    return LinearMap(forward, back)


def _extremum(point: Point, windows: _Windows, kind: str) -> LinearMap:
    """Masks of the first winner at every window place carry tangents there and back."""
    x = point.operands[0]
    worst = float("-inf") if kind == "maximum" else float("inf")
    wide = windows.widen(x, worst)
    masks: list[tuple[Dims, Tensor]] = []
    taken: Tensor | None = None
    for place in windows.places():
        wins = hlo.compare(windows.pick(wide, place), point.result, "EQ")
        if taken is not None:
            wins = hlo.and_(wins, hlo.not_(taken))
        taken = wins if taken is None else hlo.or_(taken, wins)
        masks.append((place, wins))

    def forward(t: Tensor) -> Tensor:
        spread = windows.widen(t, 0)
        total = hlo.zeros_like(point.result)
        for place, wins in masks:
            total = hlo.select(wins, windows.pick(spread, place), total)
        return total

    def back(ct: Tensor) -> Tensor:
        zeros = hlo.zeros_like(ct)
        total: Tensor | None = None
        for place, wins in masks:
            part = windows.put(hlo.select(wins, ct, zeros), place)
            total = part if total is None else hlo.add(total, part)
        assert total is not None
        return windows.narrow(total)

    return LinearMap(forward, back)


@linear("stablehlo.select_and_scatter")
def _select_and_scatter(point: Point) -> Maps:
    """Linear in what is scattered; the choice of the winners does not vary."""
    x, source, init = point.operands

    def forward(t: Tensor) -> Tensor:
        return point.repeat({1: t, 2: hlo.zeros_like(init)})[0]

    def back(ct: Tensor) -> Tensor:
        return _gathered(point, ct)

    every = tuple(range(x.ndim))
    start = LinearMap(
        lambda t: hlo.broadcast_in_dim(t, x.shape, ()), lambda ct: sum_over(ct, every)
    )
    return [None, LinearMap(forward, back), start]


def _gathered(point: Point, ct: Tensor) -> Tensor:
    """The element of `ct` at the winner of every window."""
    x, source, _ = point.operands
    ones = (1,) * x.ndim
    windows = _Windows(
        x.shape,
        source.shape,
        point.ints("window_dimensions") or ones,
        point.ints("window_strides") or ones,
        point.pairs("padding") or ((0, 0),) * x.ndim,
        ones,
        ones,
    )
    inside = windows.widen(hlo.full(x.shape, 1, x.dtype), 0)
    wide, spread = windows.widen(x, 0), windows.widen(ct, 0)
    best: Tensor | None = None
    found = hlo.zeros_like(source)
    filled = hlo.full(source.shape, False, dtypes.bool_)
    for place in windows.places():
        value = windows.pick(wide, place)
        real = hlo.compare(windows.pick(inside, place), hlo.full(source.shape, 1, x.dtype), "EQ")
        if best is None:
            best, wins = value, real
        else:
            better = hlo.compare(value, best, _direction(point))
            wins = hlo.and_(real, hlo.or_(better, hlo.not_(filled)))
            best = hlo.select(wins, value, best)
        found = hlo.select(wins, windows.pick(spread, place), found)
        filled = hlo.or_(filled, real)
    return found


def _direction(point: Point) -> str:
    """The comparison that makes a later element win: strict, as the earlier keeps ties."""
    block = block_of(point.op)
    compare = list(block.operations)[0].operation
    text = str(compare.attributes["comparison_direction"])
    return "GT" if "GE" in text or "GT" in text else "LT"
