"""Convolutions in groups as convolutions: each group by itself, the results beside each other.

IREE's code for groups is not vectorised, and runs at a hundredth of the speed of a convolution.
For images of single precision there are kernels, which take all groups at a time.
"""

from dataclasses import replace

from slopec import hlo
from slopec.passes.convolution import Convolution
from slopec.passes.op import Op
from slopec.passes.pattern import pattern
from slopec.tensor import Tensor

_MOST = 64
"""Groups, each of which is a convolution."""
_LEAST = 2
"""Features of a group: windows for each feature alone have kernels of their own."""


@pattern("convolution")
def groups_apart(op: Op) -> Tensor | None:
    """convolution(x, k), grouped → concatenate(convolution(slice(x), slice(k)), …)

    For groups of features, and of samples, as gradients have them.
    """
    c = Convolution.of(op)
    n, groups = c.numbers, max(c.feature_groups, c.batch_groups)
    along = n.input_feature if c.feature_groups > 1 else n.input_batch
    if not 1 < groups <= _MOST or c.x.shape[along] < _LEAST * groups:
        return None
    if 0 in (*c.x.shape, *c.kernel.shape, *c.shape):
        return None
    shape = _less(c.shape, n.output_feature, groups)
    parts = [
        replace(
            c,
            x=_part(c.x, along, groups, group),
            kernel=_part(c.kernel, n.kernel_output_feature, groups, group),
            shape=shape,
            feature_groups=1,
            batch_groups=1,
        ).write()
        for group in range(groups)
    ]
    return hlo.concatenate(parts, n.output_feature)


def _less(shape: tuple[int, ...], dim: int, groups: int) -> tuple[int, ...]:
    return tuple(size // groups if d == dim else size for d, size in enumerate(shape))


def _part(x: Tensor, dim: int, groups: int, group: int) -> Tensor:
    """The share of a group."""
    size = x.shape[dim] // groups
    starts = [group * size if d == dim else 0 for d in range(x.ndim)]
    stops = [(group + 1) * size if d == dim else n for d, n in enumerate(x.shape)]
    return hlo.slice_(x, starts, stops)
