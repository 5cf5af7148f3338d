"""Convolutions of shapes that back ends compile badly, as contractions of shapes they compile well.

Gradients are most of them: that of a kernel sums over more places than it has results, that of a
strided convolution multiplies mostly zeros.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from itertools import product
from typing import ClassVar

from slopec import hlo, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.kernels.convolutions import takes
from slopec.passes.convolution import Convolution, Dims, channels_last, channels_last_sum
from slopec.passes.groups_apart import groups_apart
from slopec.passes.op import Op, any_producer
from slopec.passes.patches import patches
from slopec.passes.pattern import Pattern, Replacement, apply, pattern
from slopec.passes.stack_places import stack_places
from slopec.tensor import Tensor

_MOST_PLACES = 64
"""Results of a kernel's gradient per pair of channels, each of which becomes a contraction."""

_MOVES = "transpose|reverse|reshape|concatenate|pad|slice|broadcast_in_dim"


@dataclass(frozen=True)
class ContractConvolutions:
    """Kernels' gradients → sums of products; strided ones' → phases; one channel → two.

    `hand-written` leaves alone what kernels written by hand will take the place of, and makes two
    dimensions of more, products of one, and several of one in groups, for which there are such
    kernels.
    """

    name: ClassVar[str] = "contract-convolutions"
    hand_written: bool = False

    def run(self, module: ir.Module) -> None:
        """Rewrite such convolutions in `module`."""
        if self.hand_written:
            apply(module, map(_left_alone, (groups_apart, stack_places, *PATTERNS)))
        else:
            apply(module, PATTERNS)


@pattern("convolution", changes="rounding")
def kernel_gradient(op: Op) -> Tensor | None:
    """convolution(x, y) → concatenate(Σ slice(x) · y, …)

    Where the window y has more places than the result; each place of the result takes a slice.
    Samples are summed in groups, so that there are several products to run at a time.
    """
    c = Convolution.of(op)
    plain = set(c.base_dilation) <= {1} and not any(c.reversal)
    if not c.sums_over_places or not plain or not 0 < math.prod(c.places) <= _MOST_PLACES:
        return None
    c, back = c.transposed_to(channels_last_sum(c.rank))
    x, y = _padded(c, c.x), c.kernel
    groups = _groups(x, y, c.batch_groups)
    x, y = (_apart(_grouped(part, groups, c.batch_groups)) for part in (x, y))
    sums = [_sum_of_products(x, y, start, groups, c) for start in _starts(c)]
    total = hlo.concatenate([hlo.reshape(s, (1, s.size)) for s in sums], 0)
    return hlo.transpose(hlo.reshape(total, c.shape), back)


@pattern("convolution", changes="special values")
def dilated_pointwise(op: Op) -> Tensor | None:
    """convolution(dilate(x), k) → dilate(convolution(x, k))

    For a kernel of one place, whose products with the zeros between the elements are zeros.
    """
    c = Convolution.of(op)
    if set(c.base_dilation) <= {1} or set(c.window) != {1} or c.batch_groups > 1:
        return None
    if any(low < 0 or high < 0 for low, high in c.padding) or set(c.strides) != {1}:
        return None
    nothing = ((0, 0),) * c.rank
    inner = replace(c, base_dilation=(1,) * c.rank, padding=nothing).write()
    low, high, gaps = ([0] * inner.ndim for _ in range(3))
    for i, d in enumerate(c.numbers.output_spatial):
        (low[d], high[d]), gaps[d] = c.padding[i], c.base_dilation[i] - 1
    return hlo.pad(inner, hlo.full((), 0, c.dtype), low, high, gaps)


@pattern("convolution", changes="special values")
def dilated_by_phases(op: Op) -> Tensor | None:
    """convolution(dilate(x), k) → interleave(convolution(x, phases(k)))

    Of every s places of the window along a dimension that is dilated by s, only each sth meets an
    element of x. Which ones depends on the place of the result modulo s, its phase: all phases are
    computed at once, as output features of one kernel.
    """
    c = Convolution.of(op)
    if set(c.base_dilation) <= {1} or {*c.strides, *c.dilation} != {1} or any(c.reversal):
        return None
    if c.feature_groups > 1 or c.batch_groups > 1 or math.prod(c.window) == 1:
        return None
    c, back = c.transposed_to(channels_last(c.rank))
    phases = [_Phases.along(c, d) for d in range(c.rank)]
    if any(min(p.padding) < 0 for p in phases):
        return None
    kernel = c.kernel
    for d, p in enumerate(phases):
        kernel = hlo.concatenate([p.kernel(kernel, d, r) for r in range(p.step)], kernel.ndim - 1)
    joint = replace(
        c,
        kernel=kernel,
        padding=tuple(p.padding for p in phases),
        base_dilation=(1,) * c.rank,
    )
    return hlo.transpose(_interleaved(joint.write(), phases, c.shape), back)


@pattern("convolution", changes="rounding")
def single_channel(op: Op) -> Tensor | None:
    """convolution(x, k) → convolution(pad(x), pad(k))

    For one input feature, to which a second of zeros is added: with one, IREE's code is not
    vectorised.
    """
    c = Convolution.of(op)
    n = c.numbers
    features = c.kernel.shape[n.kernel_input_feature], c.kernel.shape[n.kernel_output_feature]
    if not c.is_plain or features[0] != 1 or features[1] == 1 or math.prod(c.window) == 1:
        return None
    x, kernel = _widened(c.x, n.input_feature), _widened(c.kernel, n.kernel_input_feature)
    return replace(c, x=x, kernel=kernel).write()


@pattern("convolution", of="transpose")
def padding_apart(op: Op) -> Tensor | None:
    """convolution(transpose(x), k) → convolution(barrier(pad(transpose(x))), k)

    Channels last: what is moved is then padded on the way, and not copied again.
    """
    c = Convolution.of(op)
    if c.rank == 0 or c.numbers != channels_last(c.rank):
        return None
    if set(c.base_dilation) - {1} or not any(map(any, c.padding)) or min(map(min, c.padding)) < 0:
        return None
    nothing = ((0, 0),) * c.rank
    return replace(c, x=_apart(_padded(c, c.x)), padding=nothing).write()


@pattern("convolution", among=_MOVES)
def moves_apart(op: Op) -> Tensor | None:
    """convolution(x, transpose(k)) → convolution(x, barrier(transpose(k)))

    For every move of elements in front of it: fused into the convolution, it would keep IREE from
    recognising it.
    """
    if len(op.shape) < 3:
        return None
    names = {f"stablehlo.{name}" for name in _MOVES.split("|")}
    apart = [hlo.optimization_barrier([x])[0] if _made_by(x) in names else x for x in op.operands]
    return op.again(*apart)


PATTERNS: tuple[Pattern, ...] = (
    patches,
    kernel_gradient,
    dilated_pointwise,
    dilated_by_phases,
    single_channel,
    padding_apart,
    moves_apart,
)


def _left_alone(pattern: Pattern) -> Pattern:
    """The pattern for all convolutions but those that become kernels."""

    def rewrite(op: Op) -> Replacement:
        return None if takes(Convolution.of(op)) else pattern.rewrite(op)

    return replace(pattern, rewrite=wraps(pattern.rewrite)(rewrite))


def _apart(x: Tensor) -> Tensor:
    """`x`, with which IREE fuses nothing that computes it."""
    return hlo.optimization_barrier([x])[0]


def _made_by(x: Tensor) -> str:
    made = any_producer(x)
    return "" if made is None else str(made.operation.name)


def _widened(x: Tensor, dim: int) -> Tensor:
    high = [int(d == dim) for d in range(x.ndim)]
    return hlo.pad(x, hlo.full((), 0, x.dtype), [0] * x.ndim, high)


# --- gradients of kernels --------------------------------------------------------------------


def _padded(c: Convolution, x: Tensor) -> Tensor:
    low, high = ([0, *(row[side] for row in c.padding), 0] for side in (0, 1))
    return hlo.pad(x, hlo.full((), 0, x.dtype), low, high)


def _groups(x: Tensor, y: Tensor, batch_groups: int) -> int:
    """The groups of samples that are summed apart.

    As many as there are samples, unless the sums would then take more room than what is summed.
    """
    samples = y.shape[0]
    sums = x.shape[-1] * y.shape[-1] // batch_groups
    most = max(1, samples * max(x.size, y.size) // max(1, samples * sums))
    return max(g for g in range(1, samples + 1) if samples % g == 0 and g <= most)


def _grouped(x: Tensor, groups: int, channel_groups: int) -> Tensor:
    """(samples, …, channels) as (groups, samples, …, channel groups, channels).

    Without groups of samples, of one sample each, and of channels where there are none.
    """
    samples, *space, channels = x.shape
    lead = [n for n in (groups, samples // groups) if n > 1]
    tail = [n for n in (channel_groups,) if n > 1]
    return hlo.reshape(x, (*lead, *space, *tail, channels // channel_groups))


def _starts(c: Convolution) -> Iterator[Dims]:
    """Where the window is, for each place of the result in turn."""
    for place in product(*map(range, c.places)):
        yield tuple(p * stride for p, stride in zip(place, c.strides, strict=True))


def _sum_of_products(x: Tensor, y: Tensor, start: Dims, groups: int, c: Convolution) -> Tensor:
    """The result at one place: a matrix of input and output features."""
    grouped, apart = int(groups > 1), int(c.batch_groups > 1)
    lead, tail = x.ndim - c.rank - 1 - apart, 1 + apart
    spans = [(w - 1) * d + 1 for w, d in zip(c.window, c.dilation, strict=True)]
    stops = [s + span for s, span in zip(start, spans, strict=True)]
    part = hlo.slice_(
        x,
        (*[0] * lead, *start, *[0] * tail),
        (*x.shape[:lead], *stops, *x.shape[-tail:]),
        (*[1] * lead, *c.dilation, *[1] * tail),
    )
    zero = hlo.full((), 0, c.dtype)
    if part.shape[-1] == 1 and y.shape[-1] == 1:  # a channel each: no matrices to multiply
        return _sum(hlo.multiply(part, y), zero, tuple(range(part.ndim - tail)))
    summed = tuple(range(grouped, part.ndim - tail))
    batch = (*range(grouped), *range(part.ndim - tail, part.ndim - 1))
    products = hlo.dot_general(part, y, DotDimensionNumbers(batch, batch, summed, summed), c.dtype)
    total = _sum(products, zero, (0,)) if grouped else products
    by_input = hlo.transpose(total, (1, 0, 2)) if apart else total
    return hlo.reshape(by_input, (by_input.shape[0], total.size // by_input.shape[0]))


def _sum(x: Tensor, zero: Tensor, dims: Dims) -> Tensor:
    total = hlo.reduce(x, zero, "add", dims)
    assert isinstance(total, Tensor)
    return total


# --- phases ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Phases:
    """The phases of one dimension: every `step`th place of a window of `window` places.

    In phase r they begin at `firsts[r]` and are moved by `shifts[r]` in a window of `width` places.
    """

    step: int
    window: int
    firsts: Dims
    shifts: Dims
    width: int
    padding: tuple[int, int]

    @staticmethod
    def along(c: Convolution, d: int) -> "_Phases":
        """Those of spatial dimension `d`."""
        step, window, (low, _) = c.base_dilation[d], c.window[d], c.padding[d]
        firsts = tuple((low - r) % step for r in range(step))
        moves = [(r + first - low) // step for r, first in enumerate(firsts)]
        shifts = tuple(move - min(moves) for move in moves)
        counts = [len(range(first, window, step)) for first in firsts]
        width = max(count + shift for count, shift in zip(counts, shifts, strict=True))
        places = -(-c.places[d] // step)
        padding = (-min(moves), places + width - 1 + min(moves) - c.size[d])
        return _Phases(step, window, firsts, shifts, width, padding)

    def kernel(self, kernel: Tensor, d: int, phase: int) -> Tensor:
        """What is left of a kernel along its dimension `d` in one phase."""
        size = kernel.shape[d]
        start = [0] * kernel.ndim
        steps = [1] * kernel.ndim
        low, high = list(start), list(start)
        start[d], steps[d] = min(self.firsts[phase], size), self.step
        part = hlo.slice_(kernel, start, kernel.shape, steps)
        low[d] = self.shifts[phase]
        high[d] = self.width - low[d] - part.shape[d]
        return hlo.pad(part, hlo.full((), 0, kernel.dtype), low, high)


def _interleaved(x: Tensor, phases: Sequence[_Phases], shape: Dims) -> Tensor:
    """(samples, …places, phases · features) as (samples, …places · phases, features)."""
    samples, *places, _ = x.shape
    rank, steps = len(places), [p.step for p in phases]
    # The last dimension's phases were joined last, and so are outermost.
    apart = hlo.reshape(x, (samples, *places, *steps[::-1], shape[-1]))
    order = [0]
    for d in range(rank):
        order += [1 + d, 2 * rank - d]
    together = hlo.transpose(apart, [*order, 2 * rank + 1])
    sizes = [n * step for n, step in zip(places, steps, strict=True)]
    every = hlo.reshape(together, (samples, *sizes, shape[-1]))
    return hlo.slice_(every, [0] * len(shape), shape)
