"""Collectives: linear in the values of all processes together, and so are their transposes.

The cotangent of a process is the derivative of the sum of all processes' losses, as in JAX.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from slopec import dtypes, hlo, ir, tracing
from slopec.hlo.region import binary_region
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.axes import NAME
from slopec.transforms.body import binary_kind, block_of
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, jacobian, linear, rewritten

_ADVICE = "reduce across processes with sum, max or min"


def _like(
    point: Point, name: str, operand: Tensor, shape: ir.Shape, **changed: ir.Attribute | None
) -> Tensor:
    """A collective among the processes of the one at `point`; sums if it reduces."""
    kept = ("replica_groups", "channel_handle", "use_global_device_ids", NAME)
    given = {name: point.attribute(name) for name in kept} | changed
    attributes = {name: value for name, value in given.items() if value is not None}
    if name not in ("all_reduce", "reduce_scatter"):
        return tracing.emit(f"stablehlo.{name}", [operand], shape, operand.dtype, attributes)
    results = [(shape, operand.dtype)]
    op, (out,) = tracing.emit_many(f"stablehlo.{name}", [operand], results, attributes, regions=1)
    binary_region(op.regions[0], "add", operand.dtype)
    return out


def _sum(point: Point, x: Tensor) -> Tensor:
    return _like(point, "all_reduce", x, x.shape)


@rewritten("stablehlo.cross-replica-sum")
def _cross_replica_sum(point: Point) -> Sequence[Tensor]:
    """An all_reduce."""
    return [_sum(point, point.operands[0])]


@jacobian("stablehlo.all_reduce")
def _all_reduce(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """A sum is its own transpose; an extremum is shared by the processes that have it."""
    kind = binary_kind(block_of(point.op))
    places = [i for i, active in enumerate(point.active) if active]
    if kind == "add":
        return {(i, i): maps.same(lambda t: _sum(point, t)) for i in places}
    if kind in ("maximum", "minimum"):
        return {(i, i): _extremum(point, i) for i in places}
    raise point.refuse("with this body has no derivative rule", _ADVICE)


def _extremum(point: Point, index: int) -> LinearMap:
    x, best = point.operands[index], point.results[index]
    wins = hlo.convert(hlo.compare(x, best, "EQ"), x.dtype)
    share = hlo.divide(wins, _sum(point, wins))
    return maps.chain(maps.scale(share), maps.same(lambda t: _sum(point, t)))


@jacobian("stablehlo.all_gather")
def _all_gather(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """Back: each process sums what all of them say about its part."""
    dim = point.attribute("all_gather_dim")

    def gather(x: Tensor, result: Tensor) -> LinearMap:
        return LinearMap(
            lambda t: _like(point, "all_gather", t, result.shape, all_gather_dim=dim),
            lambda ct: _like(point, "reduce_scatter", ct, x.shape, scatter_dimension=dim),
        )

    pairs = enumerate(zip(point.operands, point.results, strict=True))
    return {(i, i): gather(x, result) for i, (x, result) in pairs}


@linear("stablehlo.reduce_scatter")
def _reduce_scatter(point: Point) -> Maps:
    """Back: the parts are gathered again."""
    if binary_kind(block_of(point.op)) != "add":
        raise point.refuse("with this body has no derivative rule", "reduce with sum")
    dim, shape = point.attribute("scatter_dimension"), point.operands[0].shape
    return [
        LinearMap(
            lambda t: point.again(0, t),
            lambda ct: _like(point, "all_gather", ct, shape, all_gather_dim=dim),
        )
    ]


@jacobian("stablehlo.all_to_all")
def _all_to_all(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """Back: what was split is concatenated and the other way round."""
    split, joined = point.attribute("split_dimension"), point.attribute("concat_dimension")
    count = point.attribute("split_count")

    def exchange(x: Tensor, result: Tensor) -> LinearMap:
        def forward(t: Tensor) -> Tensor:
            dims = {"split_dimension": split, "concat_dimension": joined, "split_count": count}
            return _like(point, "all_to_all", t, result.shape, **dims)

        def back(ct: Tensor) -> Tensor:
            dims = {"split_dimension": joined, "concat_dimension": split, "split_count": count}
            return _like(point, "all_to_all", ct, x.shape, **dims)

        return LinearMap(forward, back)

    pairs = enumerate(zip(point.operands, point.results, strict=True))
    return {(i, i): exchange(x, result) for i, (x, result) in pairs}


@linear("stablehlo.collective_permute")
def _collective_permute(point: Point) -> Maps:
    """Back: from the targets to the sources."""
    pairs = ir.matrix_i64([(b, a) for a, b in point.pairs("source_target_pairs")])
    kept = {name: point.attribute(name) for name in ("channel_handle", NAME)}

    def back(ct: Tensor) -> Tensor:
        given = {name: value for name, value in kept.items() if value is not None}
        attributes = {"source_target_pairs": pairs, **given}
        return tracing.emit("stablehlo.collective_permute", [ct], ct.shape, ct.dtype, attributes)

    return [LinearMap(lambda t: point.again(0, t), back)]


@linear("stablehlo.collective_broadcast")
def _collective_broadcast(point: Point) -> Maps:
    """Back: the first process of each group gets the sum over the group."""
    groups = np.array(point.attribute("replica_groups"))
    handle = str(point.attribute("channel_handle") or "")
    kind = "replica_id" if "handle = 0" in handle or not handle else "partition_id"
    firsts = [int(group[0]) for group in groups]

    def back(ct: Tensor) -> Tensor:
        process = tracing.emit(f"stablehlo.{kind}", [], (), dtypes.uint32)
        is_first = hlo.full((), False, dtypes.bool_)
        for first in firsts:
            is_first = hlo.or_(
                is_first, hlo.compare(process, hlo.full((), first, dtypes.uint32), "EQ")
            )
        return hlo.select(is_first, _sum(point, ct), hlo.zeros_like(ct))

    return [LinearMap(lambda t: point.again(0, t), back)]
