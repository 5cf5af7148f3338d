"""Ops that say in one word what others say in several: they become those before being derived."""

from collections.abc import Sequence

from slopec import hlo, ir, tracing
from slopec.dialects import chlo
from slopec.dialects.attributes import DotDimensionNumbers, GatherDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, defining, is_lanewise, lanes
from slopec.transforms.rule import Point, not_differentiable, rewritten


@rewritten("stablehlo.dot")
def _dot(point: Point) -> Sequence[Tensor]:
    """Contract the last dimension with the first."""
    lhs, rhs = point.operands
    numbers = DotDimensionNumbers((), (), (lhs.ndim - 1,), (0,))
    return [hlo.dot_general(lhs, rhs, numbers, point.result.dtype)]


@rewritten("stablehlo.broadcast")
def _broadcast(point: Point) -> Sequence[Tensor]:
    """New dimensions in front."""
    x, result = point.operands[0], point.result
    return [hlo.broadcast_in_dim(x, result.shape, range(result.ndim - x.ndim, result.ndim))]


@rewritten("stablehlo.einsum", "stablehlo.unary_einsum")
def _einsum(point: Point) -> Sequence[Tensor]:
    """Diagonals, sums, transposes and a dot_general."""
    from slopec import ops

    config = ir.string_in(point.op, "einsum_config")
    return [ops.einsum(config.replace(" ", ""), *point.operands)]


@rewritten(
    "stablehlo.map",
    why="with this body has no derivative rule",
    hint="map scalar operations alone",
)
def _map(point: Point) -> Sequence[Tensor] | None:
    """The body, on whole arrays."""
    block = block_of(point.op)
    return lanes(block, point.operands) if is_lanewise(block) else None


@rewritten("stablehlo.torch_index_select")
def _torch_index_select(point: Point) -> Sequence[Tensor]:
    """A gather of whole slices along one dimension."""
    x, index = point.operands
    dim, batch = int(point.attribute("dim")), int(point.attribute("batch_dims"))
    batching = tuple(range(batch))
    numbers = GatherDimensionNumbers(
        (*range(batch, dim), *range(dim + index.ndim - batch, point.result.ndim)),
        (dim,),
        batching,
        batching,
        (dim,),
        index.ndim,
    )
    sizes = [1 if d == dim or d < batch else n for d, n in enumerate(x.shape)]
    return [hlo.gather(x, index, numbers, sizes)]


not_differentiable("stablehlo.tuple")


@rewritten(
    "stablehlo.get_tuple_element",
    why="takes from a tuple that an op without a derivative rule made",
    hint="let the op return several results instead of a tuple",
)
def _get_tuple_element(point: Point) -> Sequence[Tensor] | None:
    """The element that the tuple was made of."""
    found = _element(point.op)
    if found is None or not str(found.type).startswith("tensor"):
        return None
    return [point.tensor(found)]


def _element(op: ir.Operation) -> ir.Value | None:
    """The operand that an element was before it was put in a tuple, or in a tuple of tuples."""
    made = defining(op.operands[0])
    if made is not None and made.name == "stablehlo.get_tuple_element":
        inner = _element(made)
        made = None if inner is None else defining(inner)
    if made is None or made.name != "stablehlo.tuple":
        return None
    return made.operands[int(op.attributes["index"])]


_BROADCASTING = [name for name in chlo.OPERANDS if name.startswith("chlo.broadcast_")]
_STAY_CHLO = ("next_after", "polygamma", "zeta")


@rewritten(*_BROADCASTING)
def _broadcasting(point: Point) -> Sequence[Tensor] | None:
    """The operands stretched to the result's shape, then the op without broadcasting."""
    shape = point.result.shape
    if ir.DYNAMIC in shape or any(ir.DYNAMIC in x.shape for x in point.operands):
        return None
    given = point.ints("broadcast_dimensions")
    wide = []
    for x in point.operands:
        trailing = tuple(range(len(shape) - x.ndim, len(shape)))
        dims = given if len(given) == x.ndim < len(shape) else trailing
        wide.append(hlo.broadcast_in_dim(x, shape, dims))
    short = point.name.removeprefix("chlo.broadcast_")
    if short == "compare":
        lhs, rhs = wide
        direction = str(point.attribute("comparison_direction")).rstrip(">").split()[-1]
        total = "TOTALORDER" in str(point.attribute("compare_type"))
        return [hlo.compare(lhs, rhs, direction, total_order=total)]
    name = f"chlo.{short}" if short in _STAY_CHLO else f"stablehlo.{short}"
    return [tracing.emit(name, wide, shape, point.result.dtype)]


@rewritten("stablehlo.composite")
def _composite(point: Point) -> Sequence[Tensor] | None:
    """A CHLO op that was packed for transport; other composites are inlined like calls."""
    name = ir.string_in(point.op, "name")
    if name not in chlo.OPERANDS:
        return None
    attributes = point.entries("composite_attributes")
    results = [(r.shape, r.dtype) for r in point.results]
    return tracing.emit_many(name, point.operands, results, attributes)[1]
