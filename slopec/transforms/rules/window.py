"""Folds over windows: sums, whose transpose is again a sum over windows, extrema, and any other.

An extremum's cotangent goes to the first winner of its window: `select_and_scatter`, or, where
windows are dilated, steps of its own. All other folds are rewritten first.
"""

import math
from collections.abc import Sequence

from slopec import dtypes, hlo, ir
from slopec.hlo.reduce import extent
from slopec.tensor import Tensor
from slopec.transforms.body import binary_kind, block_of, is_lanewise, lanes
from slopec.transforms.linear import LinearMap
from slopec.transforms.ranges import known
from slopec.transforms.rule import Maps, Point, linear, rewritten
from slopec.transforms.rules import fold
from slopec.transforms.rules.reduce import IDENTITIES
from slopec.transforms.rules.shape import sum_over
from slopec.transforms.windows import Windows, Winners

_MOST_PLACES = 64
"""Windows with more elements are folded by doubling, in log₂ n steps instead of n."""
_RULED = ("add", "maximum", "minimum")


@rewritten("stablehlo.reduce_window")
def _rewrite(point: Point) -> Sequence[Tensor] | None:
    """Folds without a rule, over large windows, or beginning with a computed value, are written as
    elementwise steps; so are cumulative ones, except for sums.
    """
    count = len(point.results)
    inputs, starts = point.operands[:count], list(point.op.operands)[count:]
    if not any(dtypes.is_differentiable(x.dtype) for x in inputs):
        return None
    block, windows = block_of(point.op), Windows.of(point.op, point.result.shape)
    kind = binary_kind(block)
    values = [known(value) for value in starts]
    few = math.prod(windows.window) <= _MOST_PLACES and windows.cumulative is None
    if kind in _RULED and values[0] is not None and (few or kind == "add"):
        return None
    if not is_lanewise(block):
        return None
    if 0 in windows.result:
        return [hlo.full(r.shape, 0, r.dtype) for r in point.results]
    inits = [
        hlo.convert(x, r.dtype) for x, r in zip(point.operands[count:], point.results, strict=True)
    ]
    xs = [hlo.convert(x, init.dtype) for x, init in zip(inputs, inits, strict=True)]
    folded = _folded(block, windows, xs, inits)
    if count == 1 and values[0] is not None and values[0] == IDENTITIES.get(kind or ""):
        return folded
    return lanes(block, [*(hlo.broadcast_in_dim(x, windows.result, ()) for x in inits), *folded])


def _folded(
    block: ir.Block, windows: Windows, xs: Sequence[Tensor], inits: Sequence[Tensor]
) -> list[Tensor]:
    """The folds of the windows, without the initial values except for padding."""
    axis = windows.cumulative
    if axis is not None:
        turned = (axis,) if windows.padding[axis][1] else ()
        prefixes = fold.prefixes(block, [hlo.reverse(x, turned) for x in xs], axis)
        return [hlo.reverse(x, turned) for x in prefixes]
    xs = [windows.widen(x, init) for x, init in zip(xs, inits, strict=True)]
    for d, (size, dilation) in reversed(
        list(enumerate(zip(windows.window, windows.dilation, strict=True)))
    ):
        xs = fold.windows(block, xs, d, size, dilation)
    origin = (0,) * len(windows.window)
    return [windows.pick(x, origin) for x in xs]


@linear("stablehlo.reduce_window")
def _reduce_window(point: Point) -> Maps:
    kind = binary_kind(block_of(point.op))
    if len(point.operands) != 2 or kind not in _RULED or point.active[1]:
        raise point.refuse(
            "with this body has no derivative rule",
            "fold windows with scalar operations alone, such as a sum, a product or a maximum",
        )
    windows = Windows.of(point.op, point.result.shape)
    if 0 in windows.result or 0 in windows.shape:
        x = point.operands[0]
        none = LinearMap(lambda t: hlo.zeros_like(point.result), lambda ct: hlo.zeros_like(x))
        return [none, None]
    return [_sum(windows) if kind == "add" else _extremum(point, windows, kind), None]


def _sum(windows: Windows) -> LinearMap:
    """Back: the cotangent, spread by the strides, summed over the windows turned around.

    What was a step between windows dilates now, and the other way round.
    """

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
        if windows.beside:
            return windows.narrow(_tiled(windows, ct))
        padding = []
        for axis, (size, pads) in enumerate(zip(windows.wide, windows.padding, strict=True)):
            reach = (windows.window[axis] - 1) * windows.dilation[axis]
            spread = extent(ct.shape[axis], windows.strides[axis])
            padding.append((reach - pads[0], size - spread - pads[1]))
        return hlo.reduce_window(
            ct,
            hlo.full((), 0, ct.dtype),
            "add",
            windows.window,
            windows.base,
            padding,
            windows.strides,
            windows.dilation,
        )

    return LinearMap(forward, back)


def _tiled(windows: Windows, ct: Tensor) -> Tensor:
    """Each element copied all over its window, for windows side by side."""
    kept = [d for d, w in enumerate(windows.window) if w > 1]
    shape: list[int] = []
    dims = []
    for d, n in enumerate(ct.shape):
        dims.append(len(shape))
        shape += [n, windows.window[d]] if d in kept else [n]
    covered = [n * w for n, w in zip(ct.shape, windows.window, strict=True)]
    copied = hlo.reshape(hlo.broadcast_in_dim(ct, shape, dims), covered)
    rest = [n - c for n, c in zip(windows.wide, covered, strict=True)]
    return hlo.pad(copied, hlo.full((), 0, ct.dtype), [0] * ct.ndim, rest)


def _extremum(point: Point, windows: Windows, kind: str) -> LinearMap:
    """Tangents come from the first winner of each window, and cotangents go there."""
    x, best = point.operands[0], point.result
    winners = Winners.of(windows, x, best, kind)
    if not windows.plain:
        return LinearMap(winners.gather, winners.scatter)
    direction = "GE" if kind == "maximum" else "LE"

    def back(ct: Tensor) -> Tensor:
        zero = hlo.full((), 0, ct.dtype)
        where = (windows.window, windows.strides, windows.padding)
        return hlo.select_and_scatter(x, ct, zero, direction, *where)

    return LinearMap(winners.gather, back)


@linear("stablehlo.select_and_scatter")
def _select_and_scatter(point: Point) -> Maps:
    """Linear in what is scattered; the choice of the winners does not vary."""
    if binary_kind(block_of(point.op, 1)) != "add" or not is_lanewise(block_of(point.op)):
        raise point.refuse(
            "with these bodies has no derivative rule", "select by comparing scalars, and add"
        )
    x, _, init = point.operands

    def forward(t: Tensor) -> Tensor:
        return point.repeat({1: t, 2: hlo.zeros_like(init)})[0]

    every = tuple(range(x.ndim))
    start = LinearMap(
        lambda t: hlo.broadcast_in_dim(t, x.shape, ()), lambda ct: sum_over(ct, every)
    )
    return [None, LinearMap(forward, lambda ct: _gathered(point, ct)), start]


def _gathered(point: Point, ct: Tensor) -> Tensor:
    """The element of `ct` at the winner of every window, which its first element outside the
    padding is until the body prefers a later one.
    """
    x, source, _ = point.operands
    windows = Windows.of(point.op, source.shape)
    inside = windows.widen(hlo.full(x.shape, True, dtypes.bool_), False)
    wide, spread = windows.widen(x, 0), windows.widen(ct, 0)
    found = best = hlo.zeros_like(source)
    empty = hlo.full(source.shape, True, dtypes.bool_)
    for place in windows.places():
        value, real = windows.pick(wide, place), windows.pick(inside, place)
        (stays,) = lanes(block_of(point.op), [best, value])
        wins = hlo.and_(real, hlo.or_(empty, hlo.not_(stays)))
        best = hlo.select(wins, value, best)
        found = hlo.select(wins, windows.pick(spread, place), found)
        empty = hlo.and_(empty, hlo.not_(real))
    return found
