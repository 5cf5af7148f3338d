"""Windows of convolutions in groups without gaps between their places.

IREE 3.13 fills such gaps with zeros, by which it multiplies what lies there: an infinity, of which
the convolution has nothing to know, becomes NaN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd
from typing import ClassVar

from slopec import hlo, ir
from slopec.kernels.convolutions import takes
from slopec.passes.convolution import Convolution, channels_last
from slopec.passes.each import each, put_results
from slopec.tensor import Tensor

_MOST_ALONE = 3
"""Dimensions in which IREE has convolutions of each feature alone, gaps included."""


@dataclass(frozen=True)
class CloseWindows:
    """convolution(x, k), dilated, in groups → interleave(convolution(stack(slice(x), …), k))

    `hand-written` leaves alone what kernels written by hand will take the place of.
    """

    name: ClassVar[str] = "close-windows"
    hand_written: bool = False

    def run(self, module: ir.Module) -> None:
        """Rewrite such convolutions in `module`."""
        for op in each(module, "stablehlo.convolution"):
            c = Convolution.of(op)
            if _fills_gaps(c) and not (self.hand_written and takes(c)):
                c, back = c.transposed_to(channels_last(c.rank))
                put_results(op, [hlo.transpose(_closed(c), back)])


def _fills_gaps(c: Convolution) -> bool:
    if c.feature_groups == c.batch_groups == 1 or {*c.dilation} <= {1} or 0 in c.shape:
        return False
    alone = c.kernel.shape[c.numbers.kernel_input_feature] == 1 < c.feature_groups
    return not alone or c.rank > _MOST_ALONE


@dataclass(frozen=True)
class _Along:
    """A dimension along which the result at o takes x at `apart` · o + `gap` · k, for each k.

    Results that are `phases` from each other take the same ones modulo `gap`. They are `count`, and
    take, of every `gap`th element of x, those that begin `stride` after one another.
    """

    apart: int
    gap: int
    window: int
    results: int

    @property
    def phases(self) -> int:
        return self.gap // gcd(self.apart, self.gap)

    @property
    def stride(self) -> int:
        return self.apart // gcd(self.apart, self.gap)

    @property
    def count(self) -> int:
        return -(-self.results // self.phases)

    @property
    def length(self) -> int:
        """The elements that the results of a phase take."""
        return (self.count - 1) * self.stride + self.window

    @property
    def end(self) -> int:
        """Where the elements end that all phases take."""
        return (self.phases - 1) * self.apart + (self.length - 1) * self.gap + 1


def _closed(c: Convolution) -> Tensor:
    """The convolution, channels last, of all phases beside the samples."""
    facts = zip(c.strides, c.dilation, c.window, c.places, strict=True)
    axes = [_Along(*row) for row in facts]
    ones = (1,) * c.rank
    phases, (samples, *_) = [a.phases for a in axes], c.x.shape
    x = hlo.concatenate([hlo.reshape(part, (1, *part.shape)) for part in _parts(c, axes)], 0)
    count, _, *shape = x.shape
    # What is grouped by samples stays so.
    grouped = hlo.reshape(x, (count, c.batch_groups, samples // c.batch_groups, *shape))
    outside = hlo.transpose(grouped, (1, 0, *range(2, grouped.ndim)))
    made = replace(
        c,
        x=hlo.reshape(outside, (count * samples, *shape)),
        strides=tuple(a.stride for a in axes),
        padding=((0, 0),) * c.rank,
        base_dilation=ones,
        dilation=ones,
    ).write()
    return _interleaved(made, phases, c.shape)


def _parts(c: Convolution, axes: Sequence[_Along]) -> Iterator[Tensor]:
    """What each phase takes of x, which is padded and dilated first."""
    low = [0, *(low for low, _ in c.padding), 0]
    high = [0, *(high for _, high in c.padding), 0]
    between = [0, *(n - 1 for n in c.base_dilation), 0]
    x = hlo.pad(c.x, hlo.full((), 0, c.x.dtype), low, high, between)
    missing = [max(0, a.end - n) for a, n in zip(axes, x.shape[1:-1], strict=True)]
    x = hlo.pad(x, hlo.full((), 0, x.dtype), [0] * x.ndim, [0, *missing, 0])
    samples, *_, channels = x.shape
    for phase in product(*(range(a.phases) for a in axes)):
        starts = [p * a.apart for p, a in zip(phase, axes, strict=True)]
        ends = [s + (a.length - 1) * a.gap + 1 for s, a in zip(starts, axes, strict=True)]
        gaps = [a.gap for a in axes]
        yield hlo.slice_(x, [0, *starts, 0], [samples, *ends, channels], [1, *gaps, 1])


def _interleaved(x: Tensor, phases: Sequence[int], shape: Sequence[int]) -> Tensor:
    """(phases · samples, …places, features) as (samples, …places · phases, features)."""
    rank, (_, *places, features) = len(phases), x.shape
    apart = hlo.reshape(x, (*phases, shape[0], *places, features))
    pairs = (d for k in range(rank) for d in (rank + 1 + k, k))
    order = (rank, *pairs, 2 * rank + 1)
    sizes = [n * count for n, count in zip(places, phases, strict=True)]
    every = hlo.reshape(hlo.transpose(apart, order), (shape[0], *sizes, features))
    return hlo.slice_(every, [0] * len(shape), shape)
