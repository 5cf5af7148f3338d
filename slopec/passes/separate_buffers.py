"""Memory of its own for what IREE misreads as a view, or shares and then copies wrongly.

Its CPU back end cannot compile a gather from a single column of a tensor, a slice of size 1 in the
last dimension. Loops whose values change places, as in a queue, fail when they run where they begin
as an argument or as the same. What is made of a tensor and written into it, as x[1:] = x[:-1] * 2,
is read while it is overwritten: the dispatch that makes it writes it where it belongs. What is
overwritten and read by something else too may be read afterwards, because IREE runs both at once;
and an argument is the caller's, who reads it later, though IREE writes into its memory, too.
And a part that is scattered into is cut by the dispatch that scatters, which then does not compile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slopec import dtypes, hlo, ir
from slopec.dialects.arguments import having
from slopec.overwriting import IN_PLACE, UPDATES, multiplies
from slopec.passes.each import each, put
from slopec.passes.guard_indices import widened
from slopec.passes.op import Op, producer
from slopec.tensor import Tensor
from slopec.transforms.body import defining, origin
from slopec.transforms.flow import inputs_of


@dataclass(frozen=True)
class SeparateBuffers:
    """gather(column(x), i) → gather(barrier(…), i), while(x …) → while(copy(x) …), and the like."""

    name: ClassVar[str] = "separate-buffers"

    def run(self, module: ir.Module) -> None:
        """Part every operand that IREE must not share or look through."""
        for op in each(module, "stablehlo.gather"):
            if _is_column(op.operands[0]):
                put(op, 0, hlo.optimization_barrier([op.operands[0]])[0])
        for op in each(module, "stablehlo.while"):
            _copy_queue(op)
        for op in each(module, "stablehlo.dynamic_update_slice", "stablehlo.scatter"):
            for place in range(len(op.operation.results)):
                value = op.operation.operands[place]
                cut = op.name == "scatter" and _is_cut(value)
                if op.operands[place].size and (cut or _is_read_beside(value, op.operation)):
                    put(op, place, copied(op.operands[place]))
            # A kernel writes into what there was before a row for what is outside came to it.
            wide = widened(op)
            if wide is not None and _is_read_beside(wide.operation.operands[0], op.operation):
                put(op, 0, wide.again(copied(wide.operands[0]), wide.operands[1]))
            # What is written into a copy need not be one: IREE makes one of two of the same.
            if op.name == "dynamic_update_slice" and _overlaps(op):
                put(op, 0, copied(op.operands[0]))
            else:
                _copy_own_parts(op)


def _copy_queue(op: Op) -> None:
    """Let values that change places in a loop begin as copies, made by computing them."""
    block = op.operation.regions[1].blocks[0]
    returned = list(block.operations)[-1].operation.operands
    arguments = list(block.arguments)
    moved = {
        i
        for place, value in enumerate(returned)
        if value in arguments and value != arguments[place]
        for i in (place, arguments.index(value))
    }
    places = [place for place in sorted(moved) if op.operands[place].size]
    if places:
        for place, copy in zip(places, copies([op.operands[i] for i in places]), strict=True):
            put(op, place, copy)


DONATED = "slopec.donated"
"""The attribute of arguments that the caller gives up."""
_BARRIER = "stablehlo.optimization_barrier"
_MOVES = ("reshape", "transpose")
_SAME = (*_MOVES, "optimization_barrier")
"""What is in the memory of its operand; IREE makes nothing of a transpose that it turns back."""
_PARTS = (*_SAME, "slice", "dynamic_slice")
"""What IREE makes of a tensor without copying it."""
_WRITTEN = (*_SAME, "dynamic_update_slice", "scatter")
"""What IREE writes into the memory of its first operand."""


def _is_cut(value: ir.Value) -> bool:
    """Whether a value is a part that IREE reads where the whole is."""
    made = defining(origin(value, _SAME))
    return made is not None and made.name in ("stablehlo.slice", "stablehlo.dynamic_slice")


def _copy_own_parts(op: Op) -> None:
    """Let updates that are parts of what they are written into be copies, computed before."""
    inputs = 1 if op.name == "dynamic_update_slice" else len(op.operation.results)
    values = list(op.operation.operands)
    written = [origin(value, _WRITTEN) for value in values[:inputs]]
    first = inputs + (op.name == "scatter")
    for place in range(first, first + inputs):
        update = op.operands[place]
        if producer(update, *_PARTS) and origin(values[place], _PARTS + _WRITTEN) in written:
            put(op, place, copied(update))


def _overlaps(op: Op) -> bool:
    """Whether what an update is made of may be read, where it is written, in the same dispatch."""
    target = origin(op.operation.operands[0], _WRITTEN)
    source = defining(target)
    if source is not None and source.name == "stablehlo.constant":
        return False  # which is copied before it is written
    waiting, seen = [(op.operation.operands[1], True, False)], set[tuple[ir.Value, bool, bool]]()
    while waiting:
        state = value, in_place, multiplied = waiting.pop()
        made = defining(value)
        if state in seen:
            continue
        seen.add(state)
        if origin(value, _WRITTEN) == target:
            return True
        if in_place and made is not None and _same_or_apart(op.operation, made, target):
            continue
        if made is None or made.block != op.operation.block or made.name in _ELSEWHERE:
            continue
        if multiplies(made):
            if multiplied:
                continue  # no dispatch has two
            multiplied = True
        for place, source in enumerate(inputs_of(made)):
            updated = made.name in UPDATES and place == 0
            kept = in_place and (updated or made.name in IN_PLACE)
            waiting.append((source, kept, multiplied))
    return False


_ELSEWHERE = frozenset({"stablehlo.while", "stablehlo.if", "stablehlo.case", "stablehlo.sort"})
"""Ops whose results are complete before anything is made of them."""


def _same_or_apart(update: ir.Operation, part: ir.Operation, target: ir.Value) -> bool:
    """Whether a part of `target` is the window that is written, or has nothing of it."""
    window, whole = (ir.type_of(update.operands[i])[0] for i in (1, 0))
    if not part.name.endswith("slice") or ir.type_of(part.results[0])[0] != window:
        return False
    if ir.type_of(part.operands[0])[0] != whole or origin(part.operands[0], _WRITTEN) != target:
        return False
    rows = all(size in (1, length) for size, length in zip(window, whole, strict=True))
    dynamic = part.name == "stablehlo.dynamic_slice"
    return rows or (dynamic and [*part.operands][1:] == [*update.operands][2:])


def _is_read_beside(value: ir.Value, op: ir.Operation) -> bool:
    """Whether `value` has uses whose results `op` does not wait for, itself aside."""
    direct, value = origin(value, _MOVES), origin(value, _SAME)
    made = defining(value)
    if value != direct and (made is None or made.name == "stablehlo.constant"):
        return True  # behind a barrier IREE forgets whose they are
    if made is not None and made.name == "stablehlo.constant" and ir.is_uniform(made):
        return False  # filled anew for each use
    if (value.owner if made is None else made.block) != op.block:
        return True  # in a loop, it is needed again
    if made is None and _is_kept(value):
        return True
    users = {_beside(op, user) for user in _readers(value)}
    return len(users) > 1 and not users <= _needed(op)


def _is_kept(argument: ir.Value) -> bool:
    """Whether an argument of a block is one of a function, whose caller still has it."""
    function = argument.owner.owner.operation
    if function.name != "func.func":
        return False
    return [*argument.owner.arguments].index(argument) not in having(function, DONATED)


def _readers(value: ir.Value) -> Iterator[ir.Operation]:
    """The ops that read a value, some of them as its parts, which are in its memory."""
    for use in value.uses:
        user = use.owner.operation
        if user.name == _BARRIER:
            yield from _readers(user.results[use.operand_number])
            continue
        yield user
        if user.name.removeprefix("stablehlo.") in _PARTS and user.operands[0] == value:
            yield from _readers(user.results[0])


def _beside(op: ir.Operation, user: ir.Operation) -> ir.Operation:
    """The op of the block of `op` in which `user` is."""
    while user.block != op.block:
        user = user.parent.operation
    return user


def _needed(op: ir.Operation) -> set[ir.Operation]:
    """The op and the ops of its block that it depends on."""
    found, waiting = {op}, [op]
    while waiting:
        for value in inputs_of(waiting.pop()):
            made = defining(value)
            if made is not None and made.block == op.block and made not in found:
                found.add(made)
                waiting.append(made)
    return found


def copied(x: Tensor) -> Tensor:
    """`x` in memory of its own, computed as the sum with a zero of which IREE does not know."""
    return copies([x])[0]


def copies(values: Sequence[Tensor]) -> list[Tensor]:
    """Each of some values in memory of its own, though they be the same."""
    parts = [x.dtype if not dtypes.is_complex(x.dtype) else hlo.real(x).dtype for x in values]
    # x + -0 is x, of every sign; x + 0 is not.
    zeros = [hlo.full((), -0.0 if dtypes.is_floating(part) else 0, part) for part in parts]
    return [_sum(x, zero) for x, zero in zip(values, unknown(zeros), strict=True)]


def source_of(copy: ir.Operation) -> ir.Value | None:
    """What is copied by an op that `copies` wrote; None of other ops."""
    if copy.name not in ("stablehlo.add", "stablehlo.or"):
        return None
    x, other = copy.operands
    spread = defining(other)
    if spread is None or spread.name != "stablehlo.broadcast_in_dim":
        return None
    (number,) = spread.operands
    barrier = defining(number)
    if barrier is None or barrier.name != "stablehlo.optimization_barrier":
        return None
    zero = defining(barrier.operands[list(barrier.results).index(number)])
    if zero is None or zero.name != "stablehlo.constant":
        return None
    value = ir.constant_array(zero)
    neutral = not value.any() and (not dtypes.is_floating(value.dtype) or np.signbit(value).all())
    return x if neutral else None


def unknown(constants: Sequence[Tensor]) -> Sequence[Tensor]:
    """New constants, as numbers that IREE does not know."""
    behind = hlo.optimization_barrier(constants)
    _leave_loops(behind[0])
    return behind


def _sum(x: Tensor, zero: Tensor) -> Tensor:
    if dtypes.is_complex(x.dtype):
        return hlo.complex_(_sum(hlo.real(x), zero), _sum(hlo.imag(x), zero))
    spread = hlo.broadcast_in_dim(zero, x.shape, ())
    return hlo.or_(x, spread) if x.dtype == dtypes.bool_ else hlo.add(x, spread)


def _leave_loops(barrier: Tensor) -> None:
    """Move constants' barrier before every loop: IREE loses track of time behind one inside."""
    made = producer(barrier, "optimization_barrier")
    assert made is not None
    outermost, parent = None, made.operation.parent
    while parent.name != "func.func":
        outermost = parent.operation if parent.name == "stablehlo.while" else outermost
        parent = parent.parent
    if outermost is None:
        return
    constants = [made.source(place).operation for place in range(len(made.operands))]
    for op in (*constants, made.operation):
        if op.block != outermost.block:
            op.move_before(outermost)


def _is_column(x: Tensor) -> bool:
    """Whether `x` is a reshaped slice that keeps one element of a last dimension of several."""
    reshaped = producer(x, "reshape")
    cut = None if reshaped is None else producer(reshaped.operands[0], "slice")
    if cut is None or not cut.shape:
        return False
    return cut.shape[-1] == 1 and cut.operands[0].shape[-1] > 1
