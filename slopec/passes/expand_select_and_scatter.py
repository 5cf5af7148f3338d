"""Maximum pools in reverse: each element compares its place with the places of the winners.

IREE compiles `select_and_scatter` only where windows do not overlap, and then not best. What it
becomes here is elementwise but for the search of the winners, so it is fused into one pass over
the operand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.passes.op import Op, tensor_of
from slopec.passes.pattern import apply, pattern
from slopec.tensor import Tensor
from slopec.transforms.body import binary_kind, block_of, defining, is_lanewise, lanes, returned
from slopec.transforms.windows import Windows, Winners

_MOST_PLACES = 256
_KINDS = {"GE": "maximum", "LE": "minimum"}


@dataclass(frozen=True)
class ExpandSelectAndScatter:
    """select_and_scatter(x, source) → source where x is its window's first extremum."""

    name = "expand-select-and-scatter"

    def run(self, module: ir.Module) -> None:
        """Rewrite every `select_and_scatter` that adds to where the extrema are."""
        apply(module, [expanded])


def expand_in(module: ir.Module, function: ir.Operation) -> None:
    """Do so in one function."""
    apply(module, [expanded], only=function)


@pattern("select_and_scatter", changes="rounding")
def expanded(op: Op) -> Tensor | None:
    """select_and_scatter(x, s, v) → v + Σ select(x = extremum, s, 0)

    Other ways to select and to combine are written out too, place by place.
    """
    x, source, init = op.operands
    windows = Windows.of(op.operation, source.shape)
    select, combine = (block_of(op.operation, i) for i in (0, 1))
    small = 0 < math.prod(windows.window) <= _MOST_PLACES
    if not small or not source.size or not (is_lanewise(select) and is_lanewise(combine)):
        return None
    kind = _kind(op.operation)
    if kind is None:
        first = _selected(windows, x, select)
    else:
        first = _first(windows, Winners.of(windows, x, _extrema(op, x, windows, kind), kind))
    if binary_kind(combine) != "add" or x.dtype == dtypes.bool_:
        return _scattered(windows, source, first, _Combined(combine, init))
    scattered = _scattered(windows, source, first, None)
    made = defining(op.operation.operands[2])
    if made is not None and made.name == "stablehlo.constant" and not ir.constant_array(made):
        return scattered
    return hlo.add(scattered, hlo.broadcast_in_dim(init, x.shape, ()))


@dataclass(frozen=True)
class _Combined:
    """How values meet what is there, and what there is at first."""

    block: ir.Block
    init: Tensor

    def added(self, total: Tensor | None, value: Tensor, here: Tensor) -> Tensor:
        """`total` with `value` combined into it where `here` holds."""
        if total is None:
            total = hlo.broadcast_in_dim(self.init, value.shape, ())
        (met,) = lanes(self.block, [total, value])
        return hlo.select(here, met, total)


def _selected(windows: Windows, x: Tensor, block: ir.Block) -> Tensor:
    """The place of each window's winner: what stays when the block compares it with the next."""
    wide = windows.widen(x, 0)
    inside = windows.widen(hlo.full(x.shape, True, dtypes.bool_), False)
    best = hlo.full(windows.result, 0, x.dtype)
    first = hlo.full(windows.result, -1, dtypes.int32)
    none = hlo.full(windows.result, True, dtypes.bool_)
    for number, place in enumerate(windows.places()):
        value = windows.pick(wide, place)
        (stays,) = lanes(block, [best, value])
        wins = hlo.and_(windows.pick(inside, place), hlo.or_(none, hlo.not_(stays)))
        best = hlo.select(wins, value, best)
        first = hlo.select(wins, hlo.full(windows.result, number, dtypes.int32), first)
        none = hlo.and_(none, hlo.not_(wins))
    return first


def _kind(op: ir.Operation) -> str | None:
    """The extremum that is selected, the first among equals; None for other bodies."""
    select = block_of(op)
    (value,) = returned(select)
    compare = defining(value)
    floating = dtypes.is_floating(ir.type_of(op.operands[0])[1])
    if compare is None or compare.name != "stablehlo.compare" or not floating:
        return None
    if list(compare.operands) != list(select.arguments):
        return None
    direction = str(compare.attributes["comparison_direction"]).rstrip(">").split()[-1]
    return _KINDS.get(direction)


def _extrema(op: Op, x: Tensor, windows: Windows, kind: str) -> Tensor:
    """The extrema of the windows: those that the forward pass has computed, if it is there."""
    for use in op.operation.operands[0].uses:
        user = use.owner.operation
        if user.name != "stablehlo.reduce_window" or len(user.operands) != 2:
            continue
        before = user.parent == op.operation.parent and user.is_before_in_block(op.operation)
        if not before or binary_kind(block_of(user)) != kind:
            continue
        found = tensor_of(user.results[0], op.trace)
        if Windows.of(user, found.shape) == windows:
            return found
    worst = hlo.full((), -math.inf if kind == "maximum" else math.inf, x.dtype)
    return hlo.reduce_window(x, worst, kind, windows.window, windows.strides, windows.padding)


def _scattered(
    windows: Windows, source: Tensor, first: Tensor, combined: _Combined | None
) -> Tensor:
    """What every element gets from the windows that it lies in, by the place of their winners.

    The operand is cut in tiles as large as the strides. Tile q holds elements of the windows q,
    q − 1 … q − (reach − 1) along each dimension, at places that only depend on where in the tile
    they are. Values are added to zeros unless it is said how they are `combined`.
    """
    reach = [-(-w // s) for w, s in zip(windows.window, windows.strides, strict=True)]
    count = [-(-n // s) for n, s in zip(windows.wide, windows.strides, strict=True)]
    tiles = _Tiles.of(count, windows.strides)
    low = [r - 1 for r in reach]
    high = [c - n for c, n in zip(count, windows.result, strict=True)]
    numbers = hlo.pad(first, hlo.full((), -2, first.dtype), low, high)
    given = hlo.pad(source, hlo.full((), 0, source.dtype), low, high)
    total: Tensor | None = None
    for back in product(*map(range, reach)):
        start = [r - 1 - b for r, b in zip(reach, back, strict=True)]
        limit = [b + c for b, c in zip(start, count, strict=True)]
        here = hlo.constant(_places(windows, back))
        mine = hlo.broadcast_in_dim(hlo.reshape(here, tiles.inner_shape), tiles.shape, tiles.inner)
        theirs = tiles.spread(hlo.slice_(numbers, start, limit))
        values = tiles.spread(hlo.slice_(given, start, limit))
        here = hlo.compare(theirs, mine, "EQ")
        if combined is not None:
            total = combined.added(total, values, here)
            continue
        part = hlo.select(here, values, hlo.zeros_like(values))
        total = part if total is None else hlo.add(total, part)
    assert total is not None
    whole = hlo.reshape(total, [c * s for c, s in zip(count, windows.strides, strict=True)])
    return windows.narrow(hlo.slice_(whole, [0] * whole.ndim, windows.wide))


@dataclass(frozen=True)
class _Tiles:
    """A shape in which dimensions that are cut in tiles appear twice: which tile, where in it."""

    shape: tuple[int, ...]
    outer: tuple[int, ...]
    inner: tuple[int, ...]

    @staticmethod
    def of(count: Sequence[int], size: Sequence[int]) -> "_Tiles":
        """`count` tiles of `size` along each dimension."""
        shape: list[int] = []
        outer, inner = [], []
        for n, s in zip(count, size, strict=True):
            outer.append(len(shape))
            shape.append(n)
            if s > 1:
                inner.append(len(shape))
                shape.append(s)
        return _Tiles(tuple(shape), tuple(outer), tuple(inner))

    @property
    def inner_shape(self) -> list[int]:
        """The shape of one tile, without dimensions of size 1."""
        return [self.shape[d] for d in self.inner]

    def spread(self, x: Tensor) -> Tensor:
        """One value per tile, all over it."""
        return hlo.broadcast_in_dim(x, self.shape, self.outer)


def _places(windows: Windows, back: Sequence[int]) -> np.ndarray:
    """For each element of a tile its place in the window `back` tiles before; −1 beyond its end."""
    number = np.zeros((), np.int32)
    inside = np.ones((), np.bool_)
    for b, s, w in zip(back, windows.strides, windows.window, strict=True):
        along = np.arange(s, dtype=np.int32) + s * b
        number = number[..., None] * w + along
        inside = inside[..., None] & (along < w)
    return np.where(inside, number, -1).astype(np.int32)


def _first(windows: Windows, winners: Winners) -> Tensor:
    """The place of each window's winner: the first that equals the extremum."""
    wide = windows.widen(winners.x, winners.worst)
    count = math.prod(windows.window)
    if windows.beside:
        return _first_in_tiles(windows, wide, winners.best)
    first = hlo.full(windows.result, count, dtypes.int32)
    for number, place in reversed(list(enumerate(windows.places()))):
        wins = hlo.compare(windows.pick(wide, place), winners.best, "EQ")
        first = hlo.select(wins, hlo.full(windows.result, number, dtypes.int32), first)
    return first


def _first_in_tiles(windows: Windows, wide: Tensor, best: Tensor) -> Tensor:
    """The same where windows are tiles: one comparison of all elements, and a minimum."""
    tiles = _Tiles.of(windows.result, windows.window)
    covered = [n * w for n, w in zip(windows.result, windows.window, strict=True)]
    count = math.prod(windows.window)
    tiled = hlo.reshape(hlo.slice_(wide, [0] * wide.ndim, covered), tiles.shape)
    numbers = hlo.reshape(hlo.iota((count,), 0, dtypes.int32), tiles.inner_shape)
    place = hlo.broadcast_in_dim(numbers, tiles.shape, tiles.inner)
    none = hlo.full(tiles.shape, count, dtypes.int32)
    candidates = hlo.select(hlo.compare(tiled, tiles.spread(best), "EQ"), place, none)
    first = hlo.reduce(candidates, hlo.full((), count, dtypes.int32), "minimum", tiles.inner)
    assert isinstance(first, Tensor)
    return first
