"""Sorting: elements move, so tangents move with them, to places that the sort itself reports."""

from collections.abc import Mapping, Sequence

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, defining, replay
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Point, jacobian, rewritten
from slopec.transforms.rules.index import along


@rewritten("stablehlo.sort")
def _with_places(point: Point) -> Sequence[Tensor] | None:
    """A sort of floats sorts along where each element comes from."""
    if not any(dtypes.is_differentiable(x.dtype) for x in point.operands):
        return None
    if _places(point) is not None:
        return None
    axis, shape = _axis(point), point.result.shape
    block, count = block_of(point.op), len(point.operands)
    numbers = hlo.iota(shape, axis, dtypes.int32 if shape[axis] < 2**31 else dtypes.int64)

    def before(*arguments: Tensor) -> Tensor:
        return replay(block, arguments[: 2 * count])[0]

    stable = point.flag("is_stable")
    return list(hlo.sort([*point.operands, numbers], before, axis, stable=stable))[:count]


def _axis(point: Point) -> int:
    axis = int(point.attribute("dimension"))
    return axis % point.result.ndim


def _places(point: Point) -> Tensor | None:
    """The result that says where each element comes from, if the sort has one."""
    for value, result in zip(point.op.operands, point.results, strict=True):
        op = defining(value)
        if op is not None and _is_iota(op, _axis(point)):
            return result
    return None


def _is_iota(op: ir.Operation, axis: int) -> bool:
    """Whether the elements of an op's result are their indices along `axis`."""
    if op.name == "stablehlo.broadcast_in_dim":
        inner = defining(op.operands[0])
        dims = tuple(op.attributes["broadcast_dimensions"])
        size = ir.type_of(op.results[0])[0][axis]
        whole = ir.type_of(op.operands[0])[0] == (size,)
        return inner is not None and dims == (axis,) and whole and _is_iota(inner, 0)
    return op.name == "stablehlo.iota" and int(op.attributes["iota_dimension"]) == axis


@jacobian("stablehlo.sort")
def _sort(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """A permutation: tangents are read at the places, cotangents added back there."""
    places = _places(point)
    assert places is not None
    permuted = along(places, _axis(point), point.result.shape)
    return {(i, i): permuted for i, active in enumerate(point.active) if active}


@jacobian("chlo.top_k")
def _top_k(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """The values' tangents are read at the indices, which the op returns."""
    x, indices = point.operands[0], point.results[1]
    return {(0, 0): along(indices, x.ndim - 1, x.shape)}
