"""Scatter: updates pass to where they were written, if what was written there is still theirs."""

import math
from collections.abc import Sequence

from slopec import dtypes, hlo, ir
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.body import (
    binary_kind,
    block_of,
    defining,
    is_lanewise,
    lanes,
    returned,
    returns_argument,
)
from slopec.transforms.linear import LinearMap
from slopec.transforms.rule import Maps, Point, linear, rewritten
from slopec.transforms.rules.index import Places, along


@rewritten("stablehlo.scatter")
def _split(point: Point) -> Sequence[Tensor] | None:
    """Several operands at once become a scatter each; x − u is x + (−u); with places that are
    distinct any other body becomes a gather, the body on whole arrays, and an overwriting scatter.
    """
    block, count = block_of(point.op), len(point.results)
    if count == 1 and _kind(point) is not None:
        return None
    if not any(dtypes.is_differentiable(x.dtype) for x in point.results):
        return None
    operands, updates = point.operands[:count], point.operands[count + 1 :]
    places = Places.of_scatter(point)
    names = [_part(block, i) for i in range(count)]
    if all(name is not None for name in names):
        return [
            _written(places, x, u, name or "")
            for x, u, name in zip(operands, updates, names, strict=True)
        ]
    if not places.distinct or not is_lanewise(block):
        return None
    old = [places.align(x) for x in operands]
    new = lanes(block, [*old, *updates])
    return [places.scatter(x, u, None) for x, u in zip(operands, new, strict=True)]


_FOLDS = ("add", "multiply", "maximum", "minimum")


def _part(block: ir.Block, index: int) -> str | None:
    """What a body does with operand `index` alone: a fold, "subtract", "set", "keep", or None."""
    count = len(block.arguments) // 2
    value = returned(block)[index]
    old, new = block.arguments[index], block.arguments[count + index]
    if value in (old, new):
        return "keep" if value == old else "set"
    op = defining(value)
    if op is None or len(op.operands) != 2 or set(op.operands) != {old, new}:
        return None
    name = str(op.name).removeprefix("stablehlo.")
    if name == "subtract" and op.operands[0] == old:
        return name
    return name if name in _FOLDS else None


def _written(places: Places, x: Tensor, updates: Tensor, name: str) -> Tensor:
    if name == "keep":
        return x
    if name == "subtract":
        return places.scatter(x, hlo.negate(updates), "add")
    return places.scatter(x, updates, None if name == "set" else name)


def _kind(point: Point) -> str | None:
    """The fold of a scatter's body, "set" for overwriting, or None."""
    block = block_of(point.op)
    if returns_argument(block, 1):
        return "set"
    kind = binary_kind(block)
    return kind if kind in _FOLDS else None


@linear("stablehlo.scatter")
def _scatter(point: Point) -> Maps:
    if len(point.results) > 1 or _kind(point) is None:
        raise point.refuse(
            "with this body has no derivative rule",
            "combine with add, multiply, maximum, minimum or set, or declare the indices unique",
        )
    places = Places.of_scatter(point)
    rule = {"add": _add, "set": _set, "multiply": _multiply}.get(_kind(point) or "", _extremum)
    operand, updates = rule(point, places)
    return [operand, None, updates]


def _add(point: Point, places: Places) -> Maps:
    """x + Σ u: both are linear; back, the updates are read where they were added."""
    return [maps.IDENTITY, LinearMap(places.add, places.collect)]


def _set(point: Point, places: Places) -> Maps:
    """Where something is written the operand is gone, and of the updates the last one stays."""
    updates = point.operands[2]

    def cleared(t: Tensor) -> Tensor:
        return places.scatter(t, hlo.zeros_like(updates), None)

    written = LinearMap(places.add, places.collect)
    if not places.distinct and point.active[2]:
        written = maps.chain(maps.mask(_last_written(places, updates)), written)
    return [maps.same(cleared), written]


def _last_written(places: Places, updates: Tensor) -> Tensor:
    """Which updates are in the result: their numbers, written the same way, are read back."""
    dtype = dtypes.int32 if updates.size < 2**31 else dtypes.int64
    count = hlo.add(hlo.iota((updates.size,), 0, dtype), hlo.full((updates.size,), 1, dtype))
    numbers = hlo.reshape(count, updates.shape)
    kept = places.scatter(hlo.full(places.shape, 0, dtype), numbers, None)
    return hlo.compare(places.align(kept), numbers, "EQ")


def _multiply(point: Point, places: Places) -> Maps:
    """x Π u: an update's slope is the product of x and the other updates written there."""
    x, _, updates = point.operands
    operand = maps.same(lambda t: point.again(0, t))
    if not point.active[2]:
        return [operand, None]
    others = places.align(x)
    if not places.distinct:
        others = hlo.multiply(others, _other_updates(places, updates))
    return [operand, maps.chain(maps.scale(others), LinearMap(places.add, places.collect))]


def _other_updates(places: Places, updates: Tensor) -> Tensor:
    """For each update the product of the other updates of the same element.

    Sorted by element, updates are multiplied with ever more of their predecessors and successors
    that belong to the same one.
    """
    size = updates.size
    dtype = dtypes.int32 if math.prod(places.shape) < 2**31 - 1 else dtypes.int64
    one = hlo.full((math.prod(places.shape),), 1, dtype)
    elements = hlo.reshape(hlo.add(hlo.iota(one.shape, 0, dtype), one), places.shape)
    # Updates outside the operand get element 0, those inside count from 1.
    keys = hlo.reshape(places.collect(elements), (size,))
    numbers = hlo.iota((size,), 0, dtypes.int32 if size < 2**31 else dtypes.int64)

    def before(a: Tensor, b: Tensor, _: Tensor, __: Tensor) -> Tensor:
        return hlo.compare(a, b, "LT")

    keys, order = hlo.sort([keys, numbers], before, 0)
    permuted = along(order, 0, (size,))
    values = permuted.apply(hlo.reshape(updates, (size,)))
    product = hlo.multiply(_neighbours(values, keys, 1), _neighbours(values, keys, -1))
    return hlo.reshape(permuted.transpose(product), updates.shape)


def _neighbours(values: Tensor, keys: Tensor, step: int) -> Tensor:
    """The product of all values before (or, if `step` is −1, after) each one with its key."""
    size = values.size
    one, none = hlo.full((), 1, values.dtype), hlo.full((), -1, keys.dtype)

    def shifted(x: Tensor, fill: Tensor, by: int) -> Tensor:
        return hlo.pad(x, fill, [by * step], [-by * step])

    def same(by: int, x: Tensor) -> Tensor:
        alike = hlo.compare(shifted(keys, none, by), keys, "EQ")
        return hlo.select(alike, shifted(x, one, by), hlo.full((size,), 1, x.dtype))

    product, by = same(1, values), 1
    while by < size:
        product, by = hlo.multiply(product, same(by, product)), 2 * by
    return product


def _extremum(point: Point, places: Places) -> Maps:
    """All that equal the result, the operand among them, share its cotangent equally."""
    x, _, updates = point.operands
    result = point.result
    wins = hlo.compare(updates, places.align(result), "EQ")
    ones = hlo.convert(wins, x.dtype)
    stays = hlo.convert(hlo.compare(x, result, "EQ"), x.dtype)
    count = hlo.add(places.add(ones), stays)
    shared = LinearMap(places.add, places.collect)
    return [
        maps.chain(maps.divide(count), maps.scale(stays)),
        maps.chain(maps.scale(ones), maps.chain(shared, maps.divide(count))),
    ]
