"""Matrix products: transposes become dimension numbers, trivial products become arithmetic."""

import math
from dataclasses import dataclass, replace

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.op import Op, holds, producer, splat
from slopec.passes.pattern import pattern
from slopec.passes.simplify.shapes import Dims, broadcast, places, squeeze
from slopec.passes.simplify.slices import window
from slopec.tensor import Tensor


@dataclass(frozen=True)
class Dot:
    """A `dot_general` with the free dimensions of both sides, in result order batch, lhs, rhs."""

    lhs: Tensor
    rhs: Tensor
    numbers: DotDimensionNumbers

    @staticmethod
    def of(op: Op) -> "Dot":
        """Read a `dot_general`."""
        lhs, rhs = op.operands
        return Dot(lhs, rhs, DotDimensionNumbers.parse(op.attribute("dot_dimension_numbers")))

    @property
    def lhs_free(self) -> Dims:
        """The dimensions of lhs that are in the result."""
        return places(self.lhs.ndim, self.numbers.lhs_batching + self.numbers.lhs_contracting)

    @property
    def rhs_free(self) -> Dims:
        """The dimensions of rhs that are in the result."""
        return places(self.rhs.ndim, self.numbers.rhs_batching + self.numbers.rhs_contracting)

    @property
    def depth(self) -> int:
        """How many products each element of the result sums."""
        return math.prod(self.lhs.shape[d] for d in self.numbers.lhs_contracting)

    def swapped(self) -> DotDimensionNumbers:
        """The numbers of the product with its sides exchanged."""
        n = self.numbers
        return DotDimensionNumbers(
            n.rhs_batching, n.lhs_batching, n.rhs_contracting, n.lhs_contracting
        )


def _attributes(numbers: DotDimensionNumbers) -> dict[str, ir.Attribute]:
    return {"dot_dimension_numbers": ir.attr(str(numbers))}


@pattern("dot")
def dot_old(op: Op) -> Tensor | None:
    """dot(x, y) → dot_general(x, y)"""
    x, y = op.operands
    if x.ndim == 0 or y.ndim == 0 or op.attribute("precision_config") is not None:
        return None
    numbers = DotDimensionNumbers((), (), (x.ndim - 1,), (0,))
    return hlo.dot_general(x, y, numbers, op.dtype)


@pattern("dot_general", of="transpose")
def dot_transposed_lhs(op: Op) -> Tensor | None:
    """transpose(x) · y → x · y

    The transpose goes into the dimension numbers; the free dimensions must keep their order.
    """
    dot, inner = Dot.of(op), op.source()
    p = inner.ints("permutation")
    if not _ascending([p[d] for d in dot.lhs_free]):
        return None
    numbers = replace(
        dot.numbers,
        lhs_batching=tuple(p[d] for d in dot.numbers.lhs_batching),
        lhs_contracting=tuple(p[d] for d in dot.numbers.lhs_contracting),
    )
    return op.again(inner.operands[0], dot.rhs, attributes=_attributes(numbers))


@pattern("dot_general", of="_, transpose")
def dot_transposed_rhs(op: Op) -> Tensor | None:
    """x · transpose(y) → x · y

    The transpose goes into the dimension numbers; the free dimensions must keep their order.
    """
    dot, inner = Dot.of(op), op.source(1)
    p = inner.ints("permutation")
    if not _ascending([p[d] for d in dot.rhs_free]):
        return None
    numbers = replace(
        dot.numbers,
        rhs_batching=tuple(p[d] for d in dot.numbers.rhs_batching),
        rhs_contracting=tuple(p[d] for d in dot.numbers.rhs_contracting),
    )
    return op.again(dot.lhs, inner.operands[0], attributes=_attributes(numbers))


@pattern("transpose", of="dot_general")
def transpose_dot(op: Op) -> Tensor | None:
    """transpose(x · y) → y · x

    Where it exchanges the free dimensions of the two sides, or reorders batches alone.
    """
    inner = op.source()
    if not inner.used_once or not _is_symmetric(inner):
        return None
    dot, p = Dot.of(inner), op.ints("permutation")
    batches, left, right = (
        len(dot.numbers.lhs_batching),
        len(dot.lhs_free),
        len(dot.rhs_free),
    )
    batch_order, free_order = p[:batches], p[batches:]
    if sorted(batch_order) != list(range(batches)):
        return None
    rows = tuple(range(batches, batches + left))
    columns = tuple(range(batches + left, batches + left + right))
    numbers = replace(
        dot.numbers,
        lhs_batching=tuple(dot.numbers.lhs_batching[d] for d in batch_order),
        rhs_batching=tuple(dot.numbers.rhs_batching[d] for d in batch_order),
    )
    if free_order == (*rows, *columns):
        return inner.again(dot.lhs, dot.rhs, shape=op.shape, attributes=_attributes(numbers))
    if free_order != (*columns, *rows):
        return None
    numbers = replace(dot, numbers=numbers).swapped()
    return inner.again(dot.rhs, dot.lhs, shape=op.shape, attributes=_attributes(numbers))


@pattern("dot_general")
def dot_of_nothing(op: Op) -> Tensor | None:
    """x · y → 0

    Where no products are summed: a contracted dimension has size 0.
    """
    return hlo.full(op.shape, 0, op.dtype) if Dot.of(op).depth == 0 else None


@pattern("dot_general", changes="rounding")
def dot_of_single_products(op: Op) -> Tensor | None:
    """x · y → broadcast(x) · broadcast(y)

    Elementwise, where each element of the result is one product.
    """
    dot = Dot.of(op)
    if dot.depth != 1 or op.dtype == dtypes.bool_:
        return None
    batches, left = len(dot.numbers.lhs_batching), len(dot.lhs_free)
    lhs = _spread(dot.lhs, dot.numbers.lhs_batching, dot.lhs_free, batches, op)
    rhs = _spread(dot.rhs, dot.numbers.rhs_batching, dot.rhs_free, batches + left, op)
    return hlo.multiply(lhs, rhs)


def _spread(x: Tensor, batching: Dims, free: Dims, first: int, op: Op) -> Tensor:
    """One side of a product over the shape of its result; its free dimensions begin at `first`."""
    used = sorted((*batching, *free))
    target = {d: i for i, d in enumerate(batching)} | {d: first + i for i, d in enumerate(free)}
    flat = squeeze(x, places(x.ndim, used))
    return broadcast(hlo.convert(flat, op.dtype), op.shape, [target[d] for d in used])


@pattern("dot_general", among="constant", changes="rounding")
def dot_with_ones(op: Op) -> Tensor | None:
    """x · 1 → Σ x

    For a side whose elements all are 1.
    """
    dot = Dot.of(op)
    if op.dtype != dot.lhs.dtype or op.dtype not in (dtypes.float32, dtypes.float64):
        return None
    batches, left = len(dot.numbers.lhs_batching), len(dot.lhs_free)
    if holds(dot.rhs, 1):
        x, batching, contracting = dot.lhs, dot.numbers.lhs_batching, dot.numbers.lhs_contracting
        first, free = batches, dot.lhs_free
    elif holds(dot.lhs, 1):
        x, batching, contracting = dot.rhs, dot.numbers.rhs_batching, dot.numbers.rhs_contracting
        first, free = batches + left, dot.rhs_free
    else:
        return None
    total = hlo.reduce(x, hlo.full((), 0, x.dtype), "add", contracting)
    assert isinstance(total, Tensor)
    target = {d: i for i, d in enumerate(batching)} | {d: first + i for i, d in enumerate(free)}
    return broadcast(total, op.shape, [target[d] for d in places(x.ndim, contracting)])


@pattern("dot_general", among="multiply", changes="special values")
def dot_of_scaled(op: Op) -> Tensor | None:
    """(x · c) · y → (x · y) · c

    For a number c.
    """
    operands = list(op.operands)
    for index, x in enumerate(operands):
        scaled = producer(x, "multiply")
        factor = None if scaled is None else splat(scaled.operands[1])
        if scaled is not None and factor is not None and scaled.used_once:
            operands[index] = scaled.operands[0]
            product = op.again(*operands)
            return hlo.multiply(product, hlo.full_like(product, factor.item()))
    return None


@pattern("slice", of="dot_general")
def slice_dot(op: Op) -> Tensor | None:
    """slice(x · y) → slice(x) · slice(y)

    Where nothing else uses the product.
    """
    inner = op.source()
    if not inner.used_once or op.shape == inner.shape:
        return None
    dot = Dot.of(inner)
    batches, left = len(dot.numbers.lhs_batching), len(dot.lhs_free)
    rows = list(zip(*window(op), strict=True))
    lhs = dict(zip(dot.numbers.lhs_batching, rows, strict=False))
    rhs = dict(zip(dot.numbers.rhs_batching, rows, strict=False))
    lhs |= dict(zip(dot.lhs_free, rows[batches:], strict=False))
    rhs |= dict(zip(dot.rhs_free, rows[batches + left :], strict=False))
    return inner.again(_cut(dot.lhs, lhs), _cut(dot.rhs, rhs), shape=op.shape)


def _cut(x: Tensor, rows: dict[int, tuple[int, int, int]]) -> Tensor:
    if not x.shape:
        return x
    starts, limits, strides = zip(
        *(rows.get(d, (0, size, 1)) for d, size in enumerate(x.shape)), strict=True
    )
    return hlo.slice_(x, starts, limits, strides)


def _ascending(dims: list[int]) -> bool:
    return dims == sorted(dims)


def _is_symmetric(op: Op) -> bool:
    """Whether nothing but the dimension numbers tells the sides of a product apart."""
    precision = op.attribute("precision_config")
    same_types = op.operands[0].dtype == op.operands[1].dtype
    return (
        same_types
        and op.attribute("algorithm") is None
        and (precision is None or len({str(p) for p in precision}) <= 1)
    )
