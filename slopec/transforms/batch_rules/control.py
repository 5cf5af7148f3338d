"""Loops and branches. Where members of the batch go different ways, all ways are gone, and each
member keeps what its own way gave.
"""

from collections.abc import Sequence

from slopec import dtypes, hlo, tracing
from slopec.hlo.region import build_region
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Lane, Site, mixed, stretch
from slopec.transforms.batch_rules.elementwise import per_member
from slopec.transforms.body import block_of
from slopec.transforms.spread import loop, results_of


def _as_flagged(site: Site, lanes: Sequence[Lane], flags: Sequence[bool]) -> list[Tensor]:
    """Tensors of which exactly those in `flags` are mapped; no other is mapped already."""
    return [
        stretch(x, site.size) if flag and not mapped else x
        for (x, mapped), flag in zip(lanes, flags, strict=True)
    ]


def _choose(pred: Tensor, on_true: Tensor, on_false: Tensor) -> Tensor:
    """A whole member of the batch from one side or the other."""
    return hlo.select(per_member(pred, on_true.shape), on_true, on_false)


@mixed("stablehlo.while")
def _while(site: Site) -> Sequence[Lane]:
    """The loop runs until no member of the batch goes on; those that are done do not change."""
    batcher = site.batcher
    cond, body = block_of(site.op, 0), block_of(site.op, 1)
    flags = loop(batcher.scope, site.op, batcher.mapped)

    def holds(values: Sequence[Tensor]) -> Lane:
        return batcher.walk(cond, list(zip(values, flags, strict=True)))[0]

    def test(*values: Tensor) -> Tensor:
        pred, mapped = holds(values)
        if not mapped:
            return pred
        anyone = hlo.reduce(pred, hlo.full((), False, dtypes.bool_), "or", [0])
        assert isinstance(anyone, Tensor)
        return anyone

    def step(*values: Tensor) -> Sequence[Tensor]:
        after = batcher.walk(body, list(zip(values, flags, strict=True)))
        following = _as_flagged(site, after, flags)
        pred, mapped = holds(values)
        if not mapped:
            return following
        return [
            _choose(pred, new, old) if flag else new
            for new, old, flag in zip(following, values, flags, strict=True)
        ]

    given = list(zip(site.given, site.mapped, strict=True))
    results = hlo.while_loop(_as_flagged(site, given, flags), test, step)
    return list(zip(results, flags, strict=True))


@mixed("stablehlo.case", "stablehlo.if")
def _case(site: Site) -> Sequence[Lane]:
    """One branch for the whole batch, or all of them and a choice."""
    blocks = [region.blocks[0] for region in site.op.regions]
    if site.mapped[0]:
        every = [True] * len(site.results)
        ways = [_as_flagged(site, site.batcher.walk(b, []), every) for b in blocks]
        return [(x, True) for x in _chosen(site, ways)]
    flags = results_of(site.batcher.scope, site.op, site.batcher.mapped)
    types = [
        ((site.size, *r.shape) if flag else r.shape, r.dtype)
        for r, flag in zip(site.results, flags, strict=True)
    ]
    op, results = tracing.emit_many(site.name, site.given, types, regions=len(blocks))
    for region, block in zip(op.regions, blocks, strict=True):
        build_region(region, lambda b=block: _as_flagged(site, site.batcher.walk(b, []), flags), [])
    return list(zip(results, flags, strict=True))


def _chosen(site: Site, ways: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """For each member the results of its own branch; an index out of range means the last."""
    index = site.given[0]
    if site.name == "stablehlo.if":
        return [_choose(index, x, y) for x, y in zip(*ways, strict=True)]
    results = list(ways[-1])
    for number, way in enumerate(ways[:-1]):
        here = hlo.compare(index, hlo.full(index.shape, number, index.dtype), "EQ")
        results = [_choose(here, x, y) for x, y in zip(way, results, strict=True)]
    return results
