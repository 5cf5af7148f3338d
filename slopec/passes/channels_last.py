"""Channels last: convolutions and pools in the order of dimensions that back ends compile well.

A convolution is made channels-last between transposes; the transposes behind it then sink through
everything that works on elements, windows or whole dimensions, until they meet those in front of
the next convolution, or a sum, and cancel. Gradients are convolutions like others.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from slopec import hlo, ir, tracing
from slopec.passes.convolution import Convolution, channels_last, channels_last_sum
from slopec.passes.op import Op, producer
from slopec.passes.pattern import Pattern, apply, pattern
from slopec.passes.simplify import Simplify
from slopec.passes.simplify.pads import padding
from slopec.passes.simplify.shapes import ELEMENTWISE, Broadcast, Dims
from slopec.tensor import Tensor

_MOST_GROUPS = 8
"""Groups of features that are put together number by number."""


@dataclass(frozen=True)
class ChannelsLast:
    """convolution, reduce_window, select_and_scatter in the order N…C, and what lies between."""

    name: ClassVar[str] = "channels-last"

    def run(self, module: ir.Module) -> None:
        """Rewrite the functions of `module`, if it has convolutions."""
        if ir.ops_in(module, "stablehlo.convolution"):
            rest = Simplify(keep_layouts=True).patterns()
            apply(module, [*PATTERNS, *rest])


@pattern("convolution")
def convolution_channels_last(op: Op) -> Tensor | None:
    """convolution(x, k) → first(convolution(last(x), last(k)))

    Features last; in the gradient of a kernel, what is summed over first.
    """
    c = Convolution.of(op)
    order = channels_last_sum if c.sums_over_places else channels_last
    if c.rank == 0 or c.numbers == order(c.rank):
        return None
    moved, back = c.transposed_to(order(c.rank))
    return hlo.transpose(moved.write(), back)


@pattern(*ELEMENTWISE, among="transpose")
def elementwise_channels_last(op: Op) -> Tensor | None:
    """f(first(x), y) → first(f(x, last(y)))

    Where last(y) costs nothing: y comes from a broadcast or such a transpose, or last(y) is there.
    """
    if not any(map(_is_first, op.operands)) or not all(map(_is_free, op.operands)):
        return None
    moved = [x if x.ndim == 0 else _last(x) for x in op.operands]
    shape = next(x.shape for x in moved if x.ndim)
    return _first(op.again(*moved, shape=shape))


@pattern("pad", of="transpose")
def pad_channels_last(op: Op) -> Tensor | None:
    """pad(first(x)) → first(pad(x))"""
    x, value = op.operands
    if not _is_first(x):
        return None
    order = _to_last(x.ndim)
    low, high, gaps = ([side[d] for d in order] for side in padding(op))
    return _first(hlo.pad(_last(x), value, low, high, gaps))


@pattern("concatenate", of="transpose")
def concatenate_channels_last(op: Op) -> Tensor | None:
    """concatenate(first(x), first(y)) → first(concatenate(x, y))"""
    if not all(map(_is_first, op.operands)):
        return None
    dim = _to_last(len(op.shape)).index(op.integer("dimension"))
    return _first(hlo.concatenate([_last(x) for x in op.operands], dim))


@pattern("reduce_window", of="transpose")
def reduce_window_channels_last(op: Op) -> Tensor | None:
    """reduce_window(first(x)) → first(reduce_window(x))"""
    if len(op.operands) != 2 or not _is_first(op.operands[0]):
        return None
    return _windows_moved(op, _last(op.operands[0]), op.operands[1])


@pattern("select_and_scatter", of="transpose")
def select_and_scatter_channels_last(op: Op) -> Tensor | None:
    """select_and_scatter(first(x), y) → first(select_and_scatter(x, last(y)))"""
    x, source, init = op.operands
    return _windows_moved(op, _last(x), _last(source), init) if _is_first(x) else None


@pattern("reshape", of="transpose")
def shuffle_channels_last(op: Op) -> Tensor | None:
    """reshape(transpose(reshape(first(x)))) → first(reshape(concatenate(reshape(slice(x)), …)))

    Where features are split into groups, and put together again with the groups last.
    """
    turned = producer(op.operands[0], "transpose")
    split = None if turned is None else producer(turned.operands[0], "reshape")
    if turned is None or split is None or not _is_first(split.operands[0]):
        return None
    x, groups = _last(split.operands[0]), split.shape[1]
    *outer, features = x.shape
    size, rank = features // max(1, groups), x.ndim
    grouped = (outer[0], groups, size, *outer[1:])
    if (split.shape, op.shape) != (grouped, split.operands[0].shape) or groups > _MOST_GROUPS:
        return None
    if turned.ints("permutation") != (0, 2, 1, *range(3, rank + 1)):
        return None
    starts = [[0] * (rank - 1) + [group * size] for group in range(groups)]
    parts = [hlo.slice_(x, start, (*outer, start[-1] + size)) for start in starts]
    rows = [hlo.reshape(part, (*outer, size, 1)) for part in parts]
    return _first(hlo.reshape(hlo.concatenate(rows, rank), x.shape))


PATTERNS: tuple[Pattern, ...] = (
    convolution_channels_last,
    shuffle_channels_last,
    elementwise_channels_last,
    pad_channels_last,
    concatenate_channels_last,
    reduce_window_channels_last,
    select_and_scatter_channels_last,
)


def _windows_moved(op: Op, *operands: Tensor) -> Tensor:
    """An op on windows with its attributes reordered, and its regions, which the old one loses."""
    order = _to_last(len(op.shape))
    attributes: dict[str, Any] = {}
    for name in op.operation.attributes:
        value = op.attribute(name)
        if name == "padding":
            rows = ir.elements(value)
            attributes[name] = ir.matrix_i64([(int(rows[d][0]), int(rows[d][1])) for d in order])
        else:
            attributes[name] = ir.i64s(*(tuple(value)[d] for d in order))
    shape = tuple(op.shape[d] for d in order)
    fills = [_Moved(region.blocks[0]) for region in op.operation.regions]
    name = str(op.operation.name)
    (made,) = tracing.emit_with(name, operands, [(shape, op.dtype)], attributes, fills)
    return _first(made)


@dataclass(frozen=True)
class _Moved:
    """Fills a region with the block of another, which is about to be erased."""

    block: Any

    def __call__(self, region: Any, location: ir.Location) -> None:
        self.block.append_to(region)


# --- the two orders --------------------------------------------------------------------------


def _to_first(rank: int) -> Dims:
    return (0, rank - 1, *range(1, rank - 1))


def _to_last(rank: int) -> Dims:
    return (0, *range(2, rank), 1)


def _first(x: Tensor) -> Tensor:
    return hlo.transpose(x, _to_first(x.ndim))


def _last(x: Tensor) -> Tensor:
    """`x` with features last: what it was transposed from, or a transpose of it."""
    inner = producer(x, "transpose")
    if inner is not None and _is_first(x):
        return inner.operands[0]
    return hlo.transpose(x, _to_last(x.ndim))


def _is_first(x: Tensor) -> bool:
    """Whether `x` is a tensor with features last that was transposed to have them first."""
    inner = producer(x, "transpose")
    return inner is not None and x.ndim > 2 and inner.ints("permutation") == _to_first(x.ndim)


def _is_free(x: Tensor) -> bool:
    """Whether the transpose of `x` disappears, or is there anyhow."""
    if x.ndim == 0 or _is_first(x) or Broadcast.of(x) is not None:
        return True
    if x.ndim == 3:  # the transposes to either order are the same: each would call for the other
        return False
    value = x._value
    users = [] if value is None else [use.owner.operation for use in value.uses]
    wanted = _to_last(x.ndim)
    return any(
        user.name == "stablehlo.transpose" and tuple(user.attributes["permutation"]) == wanted
        for user in users
    )
