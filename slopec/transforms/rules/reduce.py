"""Folds: sums spread their cotangent, extrema and choices send it to the winners.

Any other fold is rewritten first as a tree that combines neighbours, which is differentiated like
ordinary code.
"""

import math
from collections.abc import Mapping, Sequence

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.body import (
    binary_kind,
    block_of,
    chosen,
    defining,
    is_lanewise,
    lanes,
    replay,
    returned,
)
from slopec.transforms.linear import LinearMap
from slopec.transforms.ranges import known
from slopec.transforms.rule import Point, jacobian, rewritten
from slopec.transforms.rules import fold
from slopec.transforms.rules.shape import sum_over

IDENTITIES = {"add": 0, "multiply": 1, "maximum": -math.inf, "minimum": math.inf}
"""What folds begin with, so that it does not show."""
_RULED = ("add", "maximum", "minimum", "and", "or", "xor")


def spread(value: Tensor, shape: ir.Shape, dims: Sequence[int]) -> Tensor:
    """Copy a reduced tensor along the reduced dimensions."""
    kept = [d for d in range(len(shape)) if d not in dims]
    return hlo.broadcast_in_dim(value, shape, kept)


def total(shape: ir.Shape, dims: Sequence[int]) -> LinearMap:
    """The sum over `dims` of a tensor of `shape`."""
    places = tuple(dims)
    return LinearMap(lambda t: sum_over(t, places), lambda ct: spread(ct, shape, places))


def copies(shape: ir.Shape) -> LinearMap:
    """Copies of one number in every place of `shape`."""
    every = tuple(range(len(shape)))
    return LinearMap(lambda t: hlo.broadcast_in_dim(t, shape, ()), lambda ct: sum_over(ct, every))


def positions(shape: ir.Shape) -> Tensor:
    """The number of each element of a tensor of `shape`, in row-major order."""
    size = math.prod(shape)
    dtype = dtypes.int32 if size < 2**31 else dtypes.int64
    return hlo.reshape(hlo.iota((size,), 0, dtype), shape)


def are_positions(value: ir.Value) -> bool:
    """Whether a tensor was made by `positions`."""
    op = defining(value)
    while op is not None and op.name == "stablehlo.reshape":
        op = defining(op.operands[0])
    return op is not None and op.name == "stablehlo.iota" and len(ir.type_of(op.results[0])[0]) == 1


def _folded(point: Point) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs and the initial values."""
    count = len(point.results)
    return point.operands[:count], point.operands[count:]


@rewritten("stablehlo.reduce")
def _prepare(point: Point) -> Sequence[Tensor] | None:
    """A choice carries the position of what it chose; other folds without a rule become trees."""
    block = block_of(point.op)
    inputs, inits = _folded(point)
    carrying = [i for i, x in enumerate(inputs) if dtypes.is_differentiable(x.dtype)]
    if not carrying or (len(inputs) == 1 and binary_kind(block) in _RULED):
        return None
    if all(chosen(block, i) for i in carrying):
        return _with_positions(point, block, carrying)
    return _tree(point, block, inputs, inits) if is_lanewise(block) else None


def _with_positions(
    point: Point, block: ir.Block, carrying: Sequence[int]
) -> Sequence[Tensor] | None:
    """The same fold with, for every choice among floats, the position that is chosen."""
    inputs, inits = _folded(point)
    count = len(inputs)
    if any(_position_of(point, block, i) is not None for i in carrying):
        return None
    choices = list(dict.fromkeys(choice for i in carrying if (choice := chosen(block, i))))
    numbers = positions(inputs[0].shape)
    none = hlo.full((), -1, numbers.dtype)

    def body(*arguments: Tensor) -> Sequence[Tensor]:
        half = len(arguments) // 2
        ours = [*arguments[:count], *arguments[half : half + count]]
        results = replay(block, ours, [*returned(block), *(pred for pred, _ in choices)])
        places = []
        for i, ((_, first), pred) in enumerate(zip(choices, results[count:], strict=True)):
            a, b = arguments[count + i], arguments[half + count + i]
            places.append(hlo.select(pred, a, b) if first else hlo.select(pred, b, a))
        return [*results[:count], *places]

    extra = len(choices)
    outs = hlo.reduce(
        [*inputs, *[numbers] * extra],
        [*inits, *[none] * extra],
        body,
        point.ints("dimensions"),
    )
    return list(outs)[:count]


def _position_of(point: Point, block: ir.Block, index: int) -> Tensor | None:
    """The result that holds the position of what result `index` chose, if one is carried."""
    wanted = chosen(block, index)
    for i, value in enumerate(list(point.op.operands)[: len(point.results)]):
        if i != index and are_positions(value) and chosen(block, i) == wanted:
            return point.results[i]
    return None


def _tree(
    point: Point, block: ir.Block, inputs: Sequence[Tensor], inits: Sequence[Tensor]
) -> Sequence[Tensor]:
    """Combine neighbours until one element is left, then the initial value with it."""
    dims, shape = point.ints("dimensions"), point.result.shape
    kept = [d for d in range(inputs[0].ndim) if d not in dims]
    length = math.prod(inputs[0].shape[d] for d in dims)
    start = [hlo.broadcast_in_dim(init, shape, ()) for init in inits]
    if not length:
        return start
    flat = [
        hlo.reshape(hlo.transpose(hlo.convert(x, init.dtype), [*kept, *dims]), (*shape, length))
        for x, init in zip(inputs, inits, strict=True)
    ]
    folded = [hlo.reshape(x, shape) for x in fold.whole(block, flat, len(shape))]
    return folded if _are_identities(point, block) else lanes(block, [*start, *folded])


def _are_identities(point: Point, block: ir.Block) -> bool:
    """Whether combining with the initial value is known to change nothing."""
    value = known(point.op.operands[-1]) if len(point.results) == 1 else None
    return value is not None and value == IDENTITIES.get(binary_kind(block) or "")


@jacobian("stablehlo.reduce")
def _reduce(point: Point) -> Mapping[tuple[int, int], LinearMap]:
    """Each result depends on its own input and on its own initial value."""
    count = len(point.results)
    found: dict[tuple[int, int], LinearMap] = {}
    for i in range(count):
        if point.active[i] or point.active[count + i]:
            from_input, from_init = _maps(point, i)
            found[i, i] = from_input
            if from_init is not None:
                found[i, count + i] = from_init
    return found


def _maps(point: Point, index: int) -> tuple[LinearMap, LinearMap | None]:
    """How result `index` depends on its input and on its initial value."""
    block, dims = block_of(point.op), point.ints("dimensions")
    x = point.operands[index]
    kind = binary_kind(block)
    if kind == "add":
        start = copies(point.result.shape)
        return maps.chain(maps.cast(x.dtype, point.result.dtype), total(x.shape, dims)), start
    if kind in ("maximum", "minimum"):
        return _extremum(point, dims)
    place = _position_of(point, block, index)
    if place is not None:
        return _choice(point, index, dims, place)
    raise point.refuse(
        "with this body has no derivative rule",
        "reduce with sum, prod, max or min, or write the fold as a scan",
    )


def _extremum(point: Point, dims: Sequence[int]) -> tuple[LinearMap, LinearMap | None]:
    """The elements equal to the result share its cotangent equally; the initial value gets it only
    where no element does.
    """
    x, init = point.operands
    winners = hlo.compare(x, spread(point.result, x.shape, dims), "EQ")
    count = sum_over(hlo.convert(winners, x.dtype), tuple(dims))
    one = hlo.full_like(count, 1)
    share = maps.divide(hlo.maximum(count, one))
    operand = maps.chain(maps.mask(winners), maps.chain(total(x.shape, dims), share))
    if not point.active[1]:
        return operand, None
    start = hlo.broadcast_in_dim(init, point.result.shape, ())
    kept = hlo.and_(
        hlo.compare(start, point.result, "EQ"),
        hlo.compare(count, hlo.zeros_like(count), "EQ"),
    )
    return operand, maps.chain(copies(point.result.shape), maps.mask(kept))


def _choice(
    point: Point, index: int, dims: Sequence[int], place: Tensor
) -> tuple[LinearMap, LinearMap]:
    """The element at the carried position is the result; no position is the initial value's."""
    x = point.operands[index]
    chosen_ones = hlo.compare(positions(x.shape), spread(place, x.shape, dims), "EQ")
    from_input = maps.chain(maps.mask(chosen_ones), total(x.shape, dims))
    none = hlo.compare(place, hlo.zeros_like(place), "LT")
    return from_input, maps.chain(copies(place.shape), maps.mask(none))
