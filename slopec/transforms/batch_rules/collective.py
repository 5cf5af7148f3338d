"""Collectives over the axis that is batched become folds and moves of the batch dimension; those
over other axes, or among processes, do with a whole batch what they did with one member.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from slopec import dtypes, hlo, ir
from slopec.ops.extremes import limits
from slopec.ops.manipulation import moveaxis
from slopec.tensor import Tensor
from slopec.transforms.axes import axis_of
from slopec.transforms.batch_rule import Lane, Site, mixed
from slopec.transforms.body import binary_kind, block_of


def _is_own(site: Site) -> bool:
    """Whether the op is over the axis that is being batched."""
    axis = axis_of(site.op)
    return axis is not None and axis == site.batcher.scope.axis


def _beside(site: Site, *dims: str) -> list[Lane]:
    """The op itself on whole batches, the dimensions that its attributes `dims` name moved on."""
    moved = {name: ir.i64(int(site.attribute(name)) + 1) for name in dims}
    return [(x, True) for x in site.emit(site.every_wide(), **moved)]


def _merged(x: Tensor, dim: int) -> Tensor:
    """Dimensions `dim` and the next as one."""
    return hlo.reshape(x, (*x.shape[:dim], x.shape[dim] * x.shape[dim + 1], *x.shape[dim + 2 :]))


def _parted(x: Tensor, dim: int, parts: int) -> Tensor:
    """Dimension `dim` as two, the first of which counts `parts`."""
    return hlo.reshape(x, (*x.shape[:dim], parts, x.shape[dim] // parts, *x.shape[dim + 1 :]))


def _folded(site: Site, index: int) -> Tensor:
    """One tensor for all members, by the op's region."""
    kind, x = binary_kind(block_of(site.op)), site.given[index]
    if kind not in ("add", "maximum", "minimum"):
        raise site.refuse("with this body has no batch rule", "reduce with sum, max or min")
    if not site.mapped[index]:
        return hlo.multiply(x, hlo.full_like(x, site.size)) if kind == "add" else x
    start = 0 if kind == "add" else limits(x.dtype)[kind == "minimum"]
    total = hlo.reduce(x, hlo.full((), start, x.dtype), kind, [0])
    assert isinstance(total, Tensor)
    return total


@mixed("stablehlo.all_reduce")
def _all_reduce(site: Site) -> Sequence[Lane]:
    """A reduction over the batch, the same for all members."""
    if not _is_own(site):
        return _beside(site)
    return [(_folded(site, i), False) for i in range(len(site.given))]


@mixed("stablehlo.all_gather")
def _all_gather(site: Site) -> Sequence[Lane]:
    """The batch dimension moved in front of the one that is joined: the same for all members."""
    if not _is_own(site):
        return _beside(site, "all_gather_dim")
    dim = int(site.attribute("all_gather_dim"))
    return [(_merged(moveaxis(x, 0, dim), dim), False) for x in site.every_wide()]


@mixed("stablehlo.reduce_scatter")
def _reduce_scatter(site: Site) -> Sequence[Lane]:
    """A reduction over the batch, whose parts become the batch."""
    if not _is_own(site):
        return _beside(site, "scatter_dimension")
    dim = int(site.attribute("scatter_dimension"))
    return [(moveaxis(_parted(_folded(site, 0), dim, site.size), dim, 0), True)]


@mixed("stablehlo.all_to_all")
def _all_to_all(site: Site) -> Sequence[Lane]:
    """The parts of the split dimension become the batch, the batch is joined: a transpose."""
    if not _is_own(site):
        return _beside(site, "split_dimension", "concat_dimension")
    split = int(site.attribute("split_dimension"))
    joined = int(site.attribute("concat_dimension"))
    found = []
    for x in site.every_wide():
        parts = moveaxis(_parted(x, split + 1, site.size), split + 1, 0)
        found.append((_merged(moveaxis(parts, 1, joined + 1), joined + 1), True))
    return found


@mixed("stablehlo.collective_permute")
def _collective_permute(site: Site) -> Sequence[Lane]:
    """Slices of the batch in another order; an exchange in a ring is two of them."""
    if not _is_own(site):
        return _beside(site)
    x = site.wide(0)
    source_of = {target: source for source, target in site.pairs("source_target_pairs")}
    parts = []
    for start, stop in _runs([source_of.get(place) for place in range(site.size)]):
        if start is None:
            parts.append(hlo.full((stop, *x.shape[1:]), 0, x.dtype))
        else:
            low, high = [start, *[0] * (x.ndim - 1)], [stop, *x.shape[1:]]
            parts.append(hlo.slice_(x, low, high))
    return [(hlo.concatenate(parts, 0), True)]


def _runs(places: Sequence[int | None]) -> Iterator[tuple[int | None, int]]:
    """Stretches of following places, (first, last + 1); (None, count) for those that are None."""

    def shift(row: tuple[int, int | None]) -> int | None:
        at, place = row
        return None if place is None else place - at

    for by, rows in groupby(enumerate(places), shift):
        at = [i for i, _ in rows]
        yield (None, len(at)) if by is None else (at[0] + by, at[-1] + by + 1)


@mixed("stablehlo.replica_id")
def _replica_id(site: Site) -> Sequence[Lane]:
    """The places along the batch."""
    return [(hlo.iota((site.size,), 0, dtypes.uint32), True)]
