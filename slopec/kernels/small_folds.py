"""Sums of products and other folds, by vectors that go along what is folded, or beside."""

from collections.abc import Callable, Sequence
from functools import partial

from slopec import dtypes, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.kernels import scalar_ops
from slopec.kernels.body import Term
from slopec.kernels.small_machine import Element, Machine, Place, dtype_of, long_dim, shape_of
from slopec.passes.guard_indices import NEUTRAL
from slopec.transforms.body import binary_kind, block_of, returned

Step = Callable[[list[Term], Place], list[Term]]


def applied(m: Machine, op: ir.Operation, given: Sequence[Term]) -> list[Term]:
    """What the body of a reduction or a scatter makes of numbers."""
    block = block_of(op)
    known = dict(zip(block.arguments, given, strict=True))

    def term(value: ir.Value) -> Term:
        return known[value] if value in known else m.number(value)

    for view in list(block.operations)[:-1]:
        inner = view.operation
        if inner.name != "stablehlo.constant":
            operands = [term(v) for v in inner.operands]
            known[inner.results[0]] = scalar_ops.each(m.body, inner, operands)
    return [term(value) for value in returned(block)]


def reduce_all(m: Machine, op: ir.Operation) -> None:
    """Store what a reduction makes."""
    shape = shape_of(op.results[0])
    for place, lanes in m.nest(shape, vectors=_folds_vectors(m, op, along=False)):
        for value, term in zip(op.results, reduced(m, op, place, lanes), strict=True):
            if value in m.rooms:
                m.put(m.rooms[value], shape, place, term)


def reduced(m: Machine, op: ir.Operation, place: Place, lanes: int) -> list[Term]:
    """An element, or a vector, of each result of a reduction."""
    k, count = m.body, len(op.results)
    xs, starts = list(op.operands)[:count], list(op.operands)[count:]
    dims, shape = list(op.attributes["dimensions"]), shape_of(xs[0])
    kept = iter(place)
    there = [k.index(0) if d in dims else next(kept) for d in range(len(shape))]
    first = [m.at(value, [], lanes) for value in starts]
    kind, dtype = _kind(op), dtype_of(xs[0])

    def combined(n: int, totals: list[Term], at: Place) -> list[Term]:
        given = [m.at(x, at, n) for x in xs]
        if kind is None:
            return applied(m, op, [*totals, *given])
        return [scalar_ops.folded(k, kind, dtype, totals[0], given[0])]

    along = long_dim(shape)
    wide = m.lanes(shape[along]) if along in dims else 0
    if kind is None or lanes or not wide or not _folds_vectors(m, op, along=True):
        return _looped(m, dims, shape, there, first, partial(combined, lanes))
    whole, others = shape[along] // wide * wide, [d for d in dims if d != along]

    def row(start: int, stop: int, n: int, totals: list[Term], at: Place) -> list[Term]:
        with k.loop(start, stop, n or 1, carried=totals) as trip:
            here = [*at[:along], trip.index, *at[along + 1 :]]
            trip.carry(combined(n, trip.values, here))
        return trip.results

    neutral = [scalar_ops.number(k, NEUTRAL[kind](dtype), dtype, wide)]
    (many,) = _looped(m, others, shape, there, neutral, partial(row, 0, whole, wide))
    fold = partial(scalar_ops.folded, k, kind, dtype)
    total = [fold(first[0], k.folded(many, fold))]
    if whole == shape[along]:
        return total
    return _looped(m, others, shape, there, total, partial(row, whole, shape[along], 0))


def _kind(op: ir.Operation) -> str | None:
    """The op of two that a reduction folds one operand by, in any order."""
    kind = binary_kind(block_of(op))
    known = kind in NEUTRAL and scalar_ops.folds(kind, dtype_of(op.results[0]))
    return kind if known and len(op.results) == 1 else None


def _folds_vectors(m: Machine, op: ir.Operation, *, along: bool) -> bool:
    """Whether vectors of the operand go along what is folded, or beside."""
    x, folded = op.operands[0], list(op.attributes["dimensions"])
    inside = long_dim(shape_of(x)) in folded
    return inside == along and _kind(op) is not None and m.straight(x)


def _looped(
    m: Machine, dims: Sequence[int], shape: ir.Shape, place: Place, totals: list[Term], step: Step
) -> list[Term]:
    """What steps at all places along some dimensions make of totals."""
    dims = [d for d in dims if shape[d] > 1]
    if not dims:
        return step(totals, place)
    d, *rest = dims
    with m.body.loop(0, shape[d], carried=totals) as trip:
        here = [*place[:d], trip.index, *place[d + 1 :]]
        trip.carry(_looped(m, rest, shape, here, trip.values, step))
    return trip.results


class _Dot:
    """A product of matrices at a place."""

    def __init__(self, m: Machine, op: ir.Operation, place: Place) -> None:
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        self.m, self.factors = m, list(op.operands)
        self.dtype = dtype_of(op.results[0])
        self.summed = (numbers.lhs_contracting, numbers.rhs_contracting)
        self.sizes = tuple(shape_of(self.factors[0])[d] for d in self.summed[0])
        count = len(numbers.lhs_batching)
        rest = iter(place[count:])
        self.fixed = []
        batching = (numbers.lhs_batching, numbers.rhs_batching)
        for factor, batch, summed in zip(self.factors, batching, self.summed, strict=True):
            there = dict(zip(batch, place[:count], strict=True))
            free = [d for d in range(len(shape_of(factor))) if d not in (*batch, *summed)]
            self.fixed.append(there | {d: next(rest) for d in free})

    def factor(self, side: int, at: Place, lanes: int) -> Term:
        """An element, or a vector, of a factor."""
        there = self.fixed[side] | dict(zip(self.summed[side], at, strict=True))
        return self.m.at(self.factors[side], [there[d] for d in sorted(there)], lanes)

    def added(self, left: int, right: int, totals: list[Term], at: Place) -> list[Term]:
        """A product more; the left factor is spread where the right one alone is a vector."""
        k = self.m.body
        x, y = self.factor(0, at, left), self.factor(1, at, right)
        x = k.splat(x, right) if right and not left else x
        if dtypes.is_floating(self.dtype):
            return [k.fma(x, y, totals[0])]
        return [k.op("arith.addi", totals[0], k.op("arith.muli", x, y))]

    def beside(self, lanes: int) -> Term:
        """The sum; of vectors that go along columns of the right factor."""
        k = self.m.body
        zero, nowhere = scalar_ops.number(k, 0, self.dtype, lanes), [k.index(0)] * len(self.sizes)
        step = partial(self.added, 0, lanes)
        return _looped(self.m, range(len(self.sizes)), self.sizes, nowhere, [zero], step)[0]

    def along(self, wide: int) -> Term:
        """The sum, by vectors that go along what is summed."""
        k, (size,) = self.m.body, self.sizes
        whole = size // wide * wide
        many = scalar_ops.number(k, 0, self.dtype, wide)
        with k.loop(0, whole, wide, carried=[many]) as trip:
            trip.carry(self.added(wide, wide, trip.values, [trip.index]))
        total = k.folded(trip.results[0], partial(scalar_ops.folded, k, "add", self.dtype))
        if whole == size:
            return total
        with k.loop(whole, size, carried=[total]) as trip:
            trip.carry(self.added(0, 0, trip.values, [trip.index]))
        return trip.results[0]


def _dot(m: Machine, op: ir.Operation, place: Place, lanes: int) -> Term:
    product = _Dot(m, op, place)
    alike = all(
        list(summed) == [long_dim(shape_of(factor))] and m.straight(factor)
        for factor, summed in zip(product.factors, product.summed, strict=True)
    )
    wide = m.lanes(product.sizes[0]) if alike and not lanes else 0
    return product.along(wide) if wide else product.beside(lanes)


def _dot_straight(m: Machine, op: ir.Operation) -> bool:
    """Whether vectors go along columns of the right factor."""
    right, shape = op.operands[1], shape_of(op.results[0])
    numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
    fixed = (*numbers.rhs_batching, *numbers.rhs_contracting)
    free = [d for d in range(len(shape_of(right))) if d not in fixed]
    columns = dict(zip(range(len(shape) - len(free), len(shape)), free, strict=True))
    return columns.get(long_dim(shape)) == long_dim(shape_of(right)) and m.straight(right)


PRODUCTS = {"stablehlo.dot_general": Element(_dot, _dot_straight)}
"""How products are computed at a place."""
