"""Run long loops over rows in blocks, because IREE copies what a loop carries in every iteration.

A stack of N rows that each iteration writes one row of is then copied N times. In blocks of about
√N rows, an inner loop carries a block alone, and the stack is copied once per block: the time of a
loop grows as N√N at worst, and not as N².
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

from slopec import dtypes, hlo, ir, tracing
from slopec.passes.each import each
from slopec.passes.inline_routines import routines_of
from slopec.passes.op import Op, tensor_of
from slopec.passes.routines import KERNEL
from slopec.passes.row_loops import row_loop_of
from slopec.passes.small_loops import is_small
from slopec.passes.stacks import READS, Stack, stack_of
from slopec.tensor import Tensor
from slopec.transforms.body import block_of, returned
from slopec.transforms.counted import Count, count_of
from slopec.transforms.inline import copy_op, inline_calls

_SHORT = 32
"""Loops of fewer iterations stay as they are."""


@dataclass(frozen=True)
class BlockLoops:
    """while(i < n, s with row i) → while(b < n / k, s with rows of while(j < k, …)).

    `hand-written` leaves alone what kernels written by hand will take the place of, and marks it.
    """

    name: ClassVar[str] = "block-loops"
    hand_written: bool = False

    def run(self, module: ir.Module) -> None:
        """Rewrite every long counted loop of `module` that writes rows, inner loops first."""
        routines = routines_of(module)
        for op in each(module, "stablehlo.while"):
            if self.hand_written and _is_left_to_kernel(op, routines):
                continue
            count = count_of(op.operation)
            if count is None or (count.start, count.step) != (0, 1) or count.trips < _SHORT:
                continue
            if op.operands[count.place].shape:
                continue
            after = returned(block_of(op.operation, 1))
            found = {i: stack_of(op, i, value, count) for i, value in enumerate(after)}
            stacks = {i: stack for i, stack in found.items() if stack is not None}
            if stacks:
                _Blocked(op, count, stacks).rewrite()


def _is_left_to_kernel(op: Op, routines: dict[str, ir.Operation]) -> bool:
    """Whether a kernel takes the place of a loop, which is marked, or of one without its calls."""
    loop = op.operation
    kernel = "row_loop" if row_loop_of(op) is not None else "small_loop" * is_small(loop)
    if not kernel and ir.ops_in(loop, "func.call"):
        # The kernel of a routine is not called from that of a loop.
        whole = loop.clone(ip=op.trace.point)
        inline_calls(routines, whole)
        if is_small(whole):
            for old, new in zip(loop.results, whole.results, strict=True):
                old.replace_all_uses_with(new)
            loop.erase()
            loop, kernel = whole, "small_loop"
        else:
            whole.erase()
    if kernel:
        loop.attributes[KERNEL] = ir.string(kernel)
    return bool(kernel)


def _block_size(count: int) -> int:
    """About √N, and a divisor of N where one is near."""
    root = isqrt(count)
    near = [k for k in range(root // 2, 2 * root) if k > 1 and count % k == 0]
    return min(near, key=lambda k: abs(k - root), default=root)


@dataclass(frozen=True)
class _Blocked:
    """A loop, how often it runs, and its stacks by their places."""

    op: Op
    count: Count
    stacks: dict[int, Stack]

    @property
    def places(self) -> list[int]:
        """What is carried besides the counter."""
        return [i for i in range(len(self.op.operands)) if i != self.count.place]

    def rewrite(self) -> None:
        """Write the loop of blocks, and what remains as one shorter block."""
        size = _block_size(self.count.trips)
        blocks, rest = divmod(self.count.trips, size)
        limit = _int(blocks)

        def body(number: Tensor, *values: Tensor) -> list[Tensor]:
            base = hlo.multiply(number, _int(size))
            return [hlo.add(number, _int(1)), *self._block(base, size, values)]

        first = [_int(0), *(self.op.operands[i] for i in self.places)]
        _, *results = hlo.while_loop(first, lambda b, *_: hlo.compare(b, limit, "LT"), body)
        if rest:
            results = self._block(_int(blocks * size), rest, results)
        old = self.op.operation
        for place, result in zip(self.places, results, strict=True):
            old.results[place].replace_all_uses_with(self.op.trace.value_of(result))
        end = hlo.full_like(self.op.operands[self.count.place], self.count.trips)
        old.results[self.count.place].replace_all_uses_with(self.op.trace.value_of(end))
        old.erase()

    def _block(self, base: Tensor, size: int, values: Sequence[Tensor]) -> list[Tensor]:
        """Run `size` iterations from number `base` on, on blocks of the stacks."""
        whole = dict(zip(self.places, values, strict=True))
        starts = {i: _starts(s.first(base, size), whole[i]) for i, s in self.stacks.items()}
        carried = whole | {
            i: hlo.dynamic_slice(whole[i], start, (size, *whole[i].shape[1:]))
            for i, start in starts.items()
        }

        def body(j: Tensor, *values: Tensor) -> list[Tensor]:
            given = dict(zip(self.places, values, strict=True))
            return [hlo.add(j, _int(1)), *self._iteration(base, j, size, given)]

        first = [_int(0), *carried.values()]
        limit = _int(size)
        _, *results = hlo.while_loop(first, lambda j, *_: hlo.compare(j, limit, "LT"), body)
        after = dict(zip(self.places, results, strict=True))
        for i, start in starts.items():
            after[i] = hlo.dynamic_update_slice(whole[i], after[i], start)
        return list(after.values())

    def _iteration(
        self, base: Tensor, j: Tensor, size: int, given: dict[int, Tensor]
    ) -> list[Tensor]:
        """Copy the body for iteration `base` + j; reads and writes of stacks go to their blocks."""
        where, body = tracing.current(), block_of(self.op.operation, 1)
        counter = self.op.operands[self.count.place]
        known = {body.arguments[i]: where.value_of(x) for i, x in given.items()}
        number = hlo.convert(hlo.add(base, j), counter.dtype)
        known[body.arguments[self.count.place]] = where.value_of(number)
        rows = {
            body.arguments[i]: (given[i], _starts(s.place(j, size), given[i]))
            for i, s in self.stacks.items()
        }
        for inner in [view.operation for view in body.operations][:-1]:
            if not len(inner.operands) or inner.operands[0] not in rows:
                copy_op(inner, known, where.point)
                continue
            block, start = rows[inner.operands[0]]
            if inner.name == READS:
                made = hlo.dynamic_slice(block, start, ir.type_of(inner.results[0])[0])
            else:
                row = inner.operands[1]
                made = hlo.dynamic_update_slice(block, tensor_of(known.get(row, row), where), start)
            known[inner.results[0]] = where.value_of(made)
        after = returned(body)
        return [tensor_of(known.get(after[i], after[i]), where) for i in self.places]


def _int(value: int) -> Tensor:
    return hlo.full((), value, dtypes.int32)


def _starts(row: Tensor, stack: Tensor) -> list[Tensor]:
    return [row, *[_int(0)] * (stack.ndim - 1)]
