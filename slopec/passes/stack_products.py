"""Products that a loop sums up become one product after it, of what its iterations multiply.

The gradient of a recurrent network's weights is such a sum: each time step adds a product of two
matrices as narrow as the batch, which takes longer to add up than to multiply. The rows that are
multiplied are mostly stacks already, which other steps of the gradient read or write. What is
stacked is summed up after the loop too, as the gradient of a bias is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.each import each
from slopec.passes.op import Op, is_zero, tensor_of
from slopec.passes.stacks import Stack, stack_of
from slopec.tensor import Tensor
from slopec.transforms.body import binary_kind, block_of, defining, replay, returned
from slopec.transforms.counted import Count, along, count_of

ROOM = 64 << 20
"""Bytes, at most, of new stacks for one product."""


@dataclass(frozen=True)
class StackProducts:
    """while(s + a·b) → s + A·B, where A and B hold the a and b of all iterations."""

    name: ClassVar[str] = "stack-products"
    most: int = 256
    """Numbers that a product sums over, above which it is quick enough as it is."""

    def run(self, module: ir.Module) -> None:
        """Rewrite every counted loop of `module`, inner loops first."""
        for op in each(module, "stablehlo.while"):
            count = count_of(op.operation)
            if count is None or (count.start, count.step) != (0, 1) or count.trips < 2:
                continue
            _skip_zeros(op, count)
            found = _sums(op, count)
            products = [s for s in found if s.numbers and self._gains(s, count)]
            stacked = [x for s in products for x in s.lacking]
            sums = [s for s in found if not s.numbers and all(x in stacked for x in s.lacking)]
            if products or sums:
                _Stacked(op, count, [*products, *sums]).rewrite()

    def _gains(self, s: "_Sum", count: Count) -> bool:
        room = sum(map(ir.size_in_bytes, s.lacking)) * count.trips
        return s.depth <= self.most and room <= ROOM


@dataclass(frozen=True)
class _Rows:
    """Where the values of all iterations are: a tensor from outside, or what is carried at `place`.

    Iteration i's is row `offset` + `sign`·i.
    """

    stack: Stack
    outer: ir.Value | None = None
    place: int | None = None


@dataclass(frozen=True)
class _Sum:
    """What is carried at `place` grows by a product, or by a sum of one factor.

    `rows` are where the factors are stacked, None for those that are not.
    """

    place: int
    added: ir.Operation
    rows: tuple[_Rows | None, ...]

    @property
    def factors(self) -> list[ir.Value]:
        """What is multiplied."""
        return list(self.added.operands)[: len(self.rows)]

    @property
    def numbers(self) -> DotDimensionNumbers | None:
        """How two factors are multiplied; None for a sum of one."""
        if len(self.rows) == 1:
            return None
        return DotDimensionNumbers.parse(self.added.attributes["dot_dimension_numbers"])

    @property
    def depth(self) -> int:
        """Over how many numbers a product sums."""
        shape, numbers = ir.type_of(self.factors[0])[0], self.numbers
        return 0 if numbers is None else math.prod(shape[d] for d in numbers.lhs_contracting)

    @property
    def lacking(self) -> list[ir.Value]:
        """The factors that are not stacked."""
        return [x for rows, x in zip(self.rows, self.factors, strict=True) if rows is None]

    @property
    def stack(self) -> Stack | None:
        """The order of the rows that are stacked; None where those of the factors differ."""
        found = {rows.stack for rows in self.rows if rows is not None}
        return None if len(found) > 1 else next(iter(found), Stack(0, 1))

    @property
    def order(self) -> Stack:
        """The order of all rows, of those that are not stacked yet too."""
        return self.stack or Stack(0, 1)


def _skip_zeros(op: Op, count: Count) -> None:
    """Where rows of a stack of zeros are added to before they are written, they are zeros still."""
    body = block_of(op.operation, 1)
    for place, value in enumerate(returned(body)):
        if stack_of(op, place, value, count) is None or not is_zero(op.operands[place]):
            continue
        for use in list(body.arguments[place].uses):
            read = use.owner.operation
            adds = [u.owner.operation for u in read.results[0].uses] if read.results else []
            for add in adds if read.name == "stablehlo.dynamic_slice" else ():
                if add.name == "stablehlo.add":
                    left, right = add.operands
                    add.results[0].replace_all_uses_with(right if left == read.results[0] else left)


def _sums(op: Op, count: Count) -> list[_Sum]:
    """The products that a loop sums up, and does nothing else with."""
    cond, body = block_of(op.operation, 0), block_of(op.operation, 1)
    found = []
    for place, value in enumerate(returned(body)):
        carried, add = body.arguments[place], defining(value)
        if add is None or add.name != "stablehlo.add" or list(cond.arguments[place].uses):
            continue
        if carried not in add.operands or not _once(carried) or not _once(value):
            continue
        left, right = add.operands
        added = defining(right if left == carried else left)
        factors = _factors(op, added)
        if added is None or not factors:
            continue
        if added.parent != add.parent or not _once(added.results[0]):
            continue
        if any((made := defining(x)) is None or made.parent != add.parent for x in factors):
            continue
        made = _Sum(place, added, tuple(_rows(op, count, x) for x in factors))
        if made.stack is not None and not (made.numbers and made.numbers.lhs_batching):
            found.append(made)
    return found


def _factors(op: Op, added: ir.Operation | None) -> list[ir.Value]:
    """What is multiplied and summed, or only summed; rows that are one each are only reshaped."""
    if added is None:
        return []
    if added.name in ("stablehlo.dot_general", "stablehlo.reshape"):
        return list(added.operands)
    if added.name != "stablehlo.reduce" or len(added.operands) != 2:
        return []
    zero = is_zero(tensor_of(added.operands[1], op.trace))
    return [added.operands[0]] if zero and binary_kind(block_of(added)) == "add" else []


def _once(value: ir.Value) -> bool:
    return len(list(value.uses)) == 1


def _rows(op: Op, count: Count, value: ir.Value) -> _Rows | None:
    """The stack that a value of the body is read from or written to, if it has `trips` rows."""
    body = block_of(op.operation, 1)
    row = (1, *ir.type_of(value)[0])
    read = defining(value)
    if read is not None and read.name == "stablehlo.reshape":
        read = defining(read.operands[0])
    if read is not None and read.name == "stablehlo.dynamic_slice":
        source, first, *others = read.operands
        outer = defining(source)
        inside = source in list(body.arguments) or (
            outer is not None and outer.parent == read.parent
        )
        whole = ir.type_of(source)[0] == (count.trips, *row[1:])
        starts = along(first, body.arguments[count.place])
        ends = {(0, 1), (count.trips - 1, -1)}
        zeros = all(is_zero(tensor_of(x, op.trace)) for x in others)
        if not inside and whole and zeros and starts in ends:
            return _Rows(Stack(*starts), outer=source)
    for place, after in enumerate(returned(body)):
        stack = stack_of(op, place, after, count)
        if stack is None or ir.type_of(after)[0] != (count.trips, *row[1:]):
            continue
        update = defining(after)
        shaped = None if update is None else defining(update.operands[1])
        if (
            shaped is not None
            and shaped.name == "stablehlo.reshape"
            and shaped.operands[0] == value
        ):
            return _Rows(stack, place=place)
    return None


@dataclass(frozen=True)
class _Stacked:
    """A loop, how often it runs, and what it sums up."""

    op: Op
    count: Count
    sums: Sequence[_Sum]

    def rewrite(self) -> None:
        """Write the loop without the sums, with the stacks that are lacking; then the products."""
        old, body = self.op.operation, block_of(self.op.operation, 1)
        initial = self.op.operands
        lacking = list({(x, s.order): None for s in self.sums if s.numbers for x in s.lacking})
        factors = [x for x, _ in lacking]
        kinds = [ir.type_of(x) for x in factors]
        fresh = [hlo.full((self.count.trips, *shape), 0, dtype) for shape, dtype in kinds]
        kept = [i for i in range(len(initial)) if i not in {s.place for s in self.sums}]
        end = list(body.operations)[-1].operation
        for s in self.sums:  # what is replayed must not have the products
            add = defining(returned(body)[s.place])
            assert add is not None
            end.operands[s.place] = body.arguments[s.place]
            add.erase()

        def full(values: Sequence[Tensor]) -> list[Tensor]:
            known = dict(zip(kept, values, strict=False))
            return [known.get(i, x) for i, x in enumerate(initial)]

        def step(*values: Tensor) -> list[Tensor]:
            after = returned(body)
            wanted = [*(after[i] for i in kept), *factors]
            found = replay(body, full(values), wanted)
            counter = hlo.convert(values[kept.index(self.count.place)], dtypes.int32)
            stacks = [
                _written(stack, row, order, counter)
                for stack, row, (_, order) in zip(
                    values[len(kept) :], found[len(kept) :], lacking, strict=True
                )
            ]
            return [*found[: len(kept)], *stacks]

        def again(*values: Tensor) -> Tensor:
            return replay(block_of(old, 0), full(values))[0]

        made = hlo.while_loop([*(initial[i] for i in kept), *fresh], again, step)
        for i, x in zip(kept, made, strict=False):
            old.results[i].replace_all_uses_with(self.op.trace.value_of(x))
        new = dict(zip(lacking, made[len(kept) :], strict=True))
        results = dict(zip(kept, made, strict=False))
        for s in self.sums:
            total = hlo.add(initial[s.place], self._total(s, results, new))
            old.results[s.place].replace_all_uses_with(self.op.trace.value_of(total))
        old.erase()

    def _total(
        self, s: _Sum, results: dict[int, Tensor], new: dict[tuple[ir.Value, Stack], Tensor]
    ) -> Tensor:
        """The product of the stacks, or the sum of one, over the iterations too."""

        def stacked(k: int) -> Tensor:
            rows = s.rows[k]
            if rows is None:  # a sum takes any order
                return next(
                    stack
                    for (factor, order), stack in new.items()
                    if factor == s.factors[k] and (order == s.order or not s.numbers)
                )
            if rows.outer is not None:
                return tensor_of(rows.outer, self.op.trace)
            assert rows.place is not None
            return results[rows.place]

        numbers = s.numbers
        if numbers is None:
            summed = s.added.name == "stablehlo.reduce"
            dims = [0, *(d + 1 for d in (s.added.attributes["dimensions"] if summed else ()))]
            total = hlo.reduce(stacked(0), hlo.full((), 0, stacked(0).dtype), "add", dims)
            assert isinstance(total, Tensor)
            return hlo.reshape(total, ir.type_of(s.added.results[0])[0])
        left, right = (
            (0, *(d + 1 for d in dims))
            for dims in (numbers.lhs_contracting, numbers.rhs_contracting)
        )
        return hlo.dot_general(stacked(0), stacked(1), DotDimensionNumbers((), (), left, right))


def _written(stack: Tensor, row: Tensor, order: Stack, counter: Tensor) -> Tensor:
    """The stack with the row of an iteration in its place."""
    first = hlo.full((), order.offset, dtypes.int32)
    place = hlo.add(first, counter) if order.sign == 1 else hlo.subtract(first, counter)
    zeros = [hlo.full((), 0, dtypes.int32)] * row.ndim
    return hlo.dynamic_update_slice(stack, hlo.reshape(row, (1, *row.shape)), [place, *zeros])
