"""Folds: sums spread their cotangent, extrema send it to the winners, products to all factors."""

import math

from slopec import hlo, ir
from slopec.tensor import Tensor
from slopec.transforms import linear as maps
from slopec.transforms.rule import LinearMap, Maps, Point, linear
from slopec.transforms.rules.shape import sum_over


def body_kind(op: ir.Operation) -> str | None:
    """The binary op that a region of two arguments consists of (`"add"` …), or None."""
    inner = list(op.regions[0].blocks[0].operations)
    arguments = list(op.regions[0].blocks[0].arguments)
    if len(inner) != 2 or len(arguments) != 2:
        return None
    fold, end = inner[0].operation, inner[1].operation
    if len(fold.operands) != 2 or list(end.operands) != list(fold.results):
        return None
    if {fold.operands[0], fold.operands[1]} != set(arguments):
        return None
    return str(fold.name).removeprefix("stablehlo.")


def _spread(value: Tensor, shape: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
    """Copy a reduced tensor along the reduced dimensions."""
    kept = [d for d in range(len(shape)) if d not in dims]
    return hlo.broadcast_in_dim(value, shape, kept)


@linear("stablehlo.reduce")
def _reduce(point: Point) -> Maps:
    kind = body_kind(point.op)
    dims = point.ints("dimensions")
    if len(point.operands) == 2 and kind == "add":
        return _sum(point, dims)
    if len(point.operands) == 2 and kind in ("maximum", "minimum"):
        return _extremum(point, dims)
    if len(point.operands) == 2 and kind == "multiply":
        return _product(point, dims)
    if len(point.operands) == 2 and kind in ("and", "or", "xor"):
        return [None, None]
    raise point.refuse(
        "with this body has no derivative rule",
        "reduce with sum, prod, max or min, or write the fold as a scan",
    )


def _sum(point: Point, dims: tuple[int, ...]) -> Maps:
    shape = point.operands[0].shape
    every = tuple(range(point.result.ndim))
    return [
        LinearMap(lambda t: sum_over(t, dims), lambda ct: _spread(ct, shape, dims)),
        LinearMap(
            lambda t: hlo.broadcast_in_dim(t, point.result.shape, ()),
            lambda ct: sum_over(ct, every),
        ),
    ]


def _extremum(point: Point, dims: tuple[int, ...]) -> Maps:
    """The elements equal to the result share its cotangent equally."""
    x, init = point.operands
    winners = hlo.compare(x, _spread(point.result, x.shape, dims), "EQ")
    ones = hlo.convert(winners, x.dtype)
    count = sum_over(ones, dims)
    share = hlo.divide(ones, _spread(count, x.shape, dims))
    operand = maps.chain(
        maps.scale(share),
        LinearMap(lambda t: sum_over(t, dims), lambda ct: _spread(ct, x.shape, dims)),
    )
    if not point.active[1]:
        return [operand, None]
    start = hlo.broadcast_in_dim(init, point.result.shape, ())
    kept = hlo.and_(
        hlo.compare(start, point.result, "EQ"),
        hlo.compare(count, hlo.zeros_like(count), "EQ"),
    )
    every = tuple(range(point.result.ndim))
    copy = LinearMap(
        lambda t: hlo.broadcast_in_dim(t, point.result.shape, ()), lambda ct: sum_over(ct, every)
    )
    return [operand, maps.chain(copy, maps.mask(kept))]


def _product(point: Point, dims: tuple[int, ...]) -> Maps:
    """Each factor's slope is the product of all the others, right also where some are zero."""
    x, init = point.operands
    start = hlo.broadcast_in_dim(init, point.result.shape, ())
    others = hlo.multiply(_others(x, dims), _spread(start, x.shape, dims))
    operand = maps.chain(
        maps.scale(others),
        LinearMap(lambda t: sum_over(t, dims), lambda ct: _spread(ct, x.shape, dims)),
    )
    if not point.active[1]:
        return [operand, None]
    whole = hlo.reduce(x, hlo.full((), 1, x.dtype), "multiply", dims)
    assert isinstance(whole, Tensor)
    every = tuple(range(point.result.ndim))
    copy = LinearMap(
        lambda t: hlo.broadcast_in_dim(t, point.result.shape, ()), lambda ct: sum_over(ct, every)
    )
    return [operand, maps.chain(copy, maps.scale(whole))]


def _others(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For every element the product of the other elements along `dims`.

    The reduced dimensions are laid out as one; products of all earlier and of all later elements
    come from log₂ n doubling steps each.
    """
    kept = [d for d in range(x.ndim) if d not in dims]
    order = (*kept, *dims)
    moved = hlo.transpose(x, order)
    length = math.prod(x.shape[d] for d in dims)
    flat = hlo.reshape(moved, (*(x.shape[d] for d in kept), length))
    product = hlo.multiply(_exclusive(flat, False), _exclusive(flat, True))
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    return hlo.transpose(hlo.reshape(product, moved.shape), back)


def _exclusive(x: Tensor, later: bool) -> Tensor:
    """The products of all earlier (or later) elements along the last dimension."""
    one = hlo.full((), 1, x.dtype)
    length = x.shape[-1]

    def shifted(value: Tensor, by: int) -> Tensor:
        step = [0] * (x.ndim - 1) + [by]
        back = [-n for n in step]
        return hlo.pad(value, one, back, step) if later else hlo.pad(value, one, step, back)

    result, by = shifted(x, 1) if length else x, 1
    while by < length:
        result = hlo.multiply(result, shifted(result, by))
        by *= 2
    return result
