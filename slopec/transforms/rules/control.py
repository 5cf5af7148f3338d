"""Loops and branches: their bodies become functions, whose derivatives run in new loops.

A loop's forward derivative carries tangents beside values. Its reverse derivative needs a counted
loop: the forward loop stacks the residuals of each iteration and a second loop, counting down,
feeds them to the backward half of the body. Values that no iteration changes are not stacked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from slopec import dtypes, hlo, ir, tracing
from slopec.diagnostics import TransformError
from slopec.tensor import Tensor
from slopec.transforms.body import returned
from slopec.transforms.counted import Count, count_of
from slopec.transforms.derive import Deriver
from slopec.transforms.flow import captured, varying
from slopec.transforms.function import Traced, call, declare_jvp, declare_vjp
from slopec.transforms.outline import outline
from slopec.transforms.rule import Point, Tangent, accumulate, derivatives
from slopec.transforms.split import Halves, split
from slopec.transforms.sweep import put_row, take_row


def _deriver(point: Point) -> Deriver:
    assert point.deriver is not None
    return point.deriver


@dataclass(frozen=True)
class _Loop:
    """A `while` taken apart. Inputs are its carried values, then the outer values it uses."""

    point: Point
    body: Traced
    cond: Traced

    @staticmethod
    def at(point: Point) -> "_Loop":
        deriver, outer = _deriver(point), captured(point.op)
        cond, body = (
            outline(deriver, stem, region.blocks[0], outer)
            for stem, region in zip(("while.cond", "while.body"), point.op.regions, strict=True)
        )
        return _Loop(point, body, cond)

    @cached_property
    def carried(self) -> int:
        """How many values the loop carries."""
        return len(self.point.op.operands)

    @cached_property
    def inputs(self) -> list[Tensor]:
        """The initial values, then the outer values."""
        outer = [self.point.tensor(value) for value in captured(self.point.op)]
        return [*self.point.operands, *outer]

    @cached_property
    def fixed(self) -> set[int]:
        """The inputs that no iteration changes."""
        block = self.point.op.regions[1].blocks[0]
        same = {i for i, value in enumerate(returned(block)) if value == block.arguments[i]}
        return same | set(range(self.carried, len(self.inputs)))

    @cached_property
    def active(self) -> list[int]:
        """The inputs whose derivative matters, in any iteration."""
        block = ir.body_of(_deriver(self.point).function(self.body.symbol))
        *ops, end = [view.operation for view in block.operations]
        found = {i for i, active in enumerate(self.point.active) if active}
        while True:
            reached = varying(ops, [block.arguments[i] for i in found])
            more = {i for i, value in enumerate(end.operands) if value in reached} - found
            if not more:
                return sorted(found)
            found |= more

    def full(self, carried: Sequence[Tensor]) -> list[Tensor]:
        """The body's arguments: carried values, then the outer ones."""
        return [*carried, *self.inputs[self.carried :]]

    def test(self, carried: Sequence[Tensor]) -> Tensor:
        """Whether another iteration runs."""
        return call(self.cond.symbol, self.full(carried), self.cond.outputs)[0]


def _while_jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """Tangents are carried along, and the body is replaced by its forward derivative."""
    loop = _Loop.at(point)
    moving = [i for i in loop.active if i < loop.carried]
    given = [hlo.zeros_like(loop.inputs[i]) if tangents[i] is None else tangents[i] for i in moving]
    outer = {i: tangents[i] for i in loop.active if i >= loop.carried}
    symbol, outputs = declare_jvp(_deriver(point).module, loop.body, loop.active, moving)
    count = loop.carried

    def body(*values: Tensor) -> Sequence[Tensor]:
        seeds = dict(zip(moving, values[count:], strict=True)) | outer
        arguments = [*loop.full(values[:count]), *(_some(seeds[i]) for i in loop.active)]
        return call(symbol, arguments, outputs)

    starts = [*loop.inputs[:count], *(_some(t) for t in given)]
    results = hlo.while_loop(starts, lambda *values: loop.test(values[:count]), body)
    point.replace(results[:count])
    moved = dict(zip(moving, results[count:], strict=True))
    return [moved.get(i) for i in range(count)]


def _some(tensor: Tangent) -> Tensor:
    assert tensor is not None
    return tensor


def _while_vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """Two loops: forward, stacking residuals, then backward over the stacks."""
    loop = _Loop.at(point)
    trips = count_of(point.op)
    if trips is None:
        raise _unbounded(point)
    moving = [i for i in loop.active if i not in loop.fixed]
    symbol, _ = declare_vjp(_deriver(point).module, loop.body, loop.active, moving)
    given = sorted(loop.fixed | {trips.place})
    halves = split(_deriver(point), symbol, len(loop.body.inputs), len(loop.body.outputs), given)
    after = point.trace.point
    point.trace.point = ir.InsertionPoint(point.op)
    stacks = _forward_loop(loop, trips, halves)
    point.trace.point = after
    starts = {
        i: _some_or_zeros(cotangents[i] if i < loop.carried else None, loop.inputs[i])
        for i in moving
    }
    found = _backward_loop(loop, trips, halves, stacks, moving, starts)
    return [
        accumulate(found.get(i), cotangents[i])
        if i in loop.fixed and i < loop.carried
        else found.get(i)
        for i in range(len(loop.inputs))
    ]


def _unbounded(point: Point) -> TransformError:
    return TransformError(
        "S0210",
        "reverse-mode differentiation needs to know how often this loop runs",
        span=ir.span_of(point.op),
        notes=("it stops on a condition that is no comparison of a counter with a constant",),
        hint="use `scan` or `fori_loop` with constant bounds, give `while_loop` a `max_steps`, "
        "or differentiate forward with `jvp`",
    )


def _some_or_zeros(tangent: Tangent, like: Tensor) -> Tensor:
    return hlo.zeros_like(like) if tangent is None else tangent


def _forward_loop(loop: _Loop, trips: Count, halves: Halves) -> list[Tensor]:
    """Run the loop with its residuals stacked; it replaces the loop that is there."""
    count = loop.carried
    outputs = [*loop.body.outputs, *halves.residuals]
    empty = [hlo.full((trips.trips, *shape), 0, dtype) for shape, dtype in halves.residuals]

    def body(*values: Tensor) -> Sequence[Tensor]:
        step, carried, stacks = values[0], values[1 : count + 1], values[count + 1 :]
        results = call(halves.forward, loop.full(carried), outputs)
        filled = [
            put_row(stack, value, step)
            for stack, value in zip(stacks, results[count:], strict=True)
        ]
        return [step + 1, *results[:count], *filled]

    zero = hlo.full((), 0, dtypes.int32)
    limit = trips.trips

    def more(*values: Tensor) -> Tensor:
        return hlo.compare(values[0], hlo.full((), limit, dtypes.int32), "LT")

    results = hlo.while_loop([zero, *loop.inputs[:count], *empty], more, body)
    loop.point.replace(results[1 : count + 1])
    return list(results[count + 1 :])


def _backward_loop(
    loop: _Loop,
    trips: Count,
    halves: Halves,
    stacks: Sequence[Tensor],
    moving: Sequence[int],
    starts: dict[int, Tensor],
) -> dict[int, Tensor]:
    """Count down, turning the cotangents after an iteration into those before it."""
    sums = [i for i in loop.active if i in loop.fixed]
    outputs = [loop.body.inputs[i] for i in loop.active]

    def body(*values: Tensor) -> Sequence[Tensor]:
        done, cotangents = values[0], values[1 : len(moving) + 1]
        step = hlo.full((), trips.trips - 1, dtypes.int32) - done
        known = [
            _counter(loop, trips, step) if i == trips.place else loop.inputs[i]
            for i in halves.given
        ]
        saved = [take_row(stack, step) for stack in stacks]
        back = call(halves.backward, [*known, *saved, *cotangents], outputs)
        found = dict(zip(loop.active, back, strict=True))
        totals = [
            total + found[i] for i, total in zip(sums, values[len(moving) + 1 :], strict=True)
        ]
        return [done + 1, *(found[i] for i in moving), *totals]

    def more(*values: Tensor) -> Tensor:
        return hlo.compare(values[0], hlo.full((), trips.trips, dtypes.int32), "LT")

    zeros = [hlo.zeros_like(loop.inputs[i]) for i in sums]
    first = [hlo.full((), 0, dtypes.int32), *(starts[i] for i in moving), *zeros]
    results = hlo.while_loop(first, more, body)[1:]
    return dict(zip([*moving, *sums], results, strict=True))


def _counter(loop: _Loop, trips: Count, step: Tensor) -> Tensor:
    """The loop's own counter in iteration `step`."""
    like = loop.inputs[trips.place]
    value = step * trips.step + trips.start
    return hlo.reshape(hlo.convert(value, like.dtype), like.shape)


derivatives("stablehlo.while", jvp=_while_jvp, vjp=_while_vjp)


def _branches(point: Point) -> tuple[list[Traced], list[Tensor], list[Tensor]]:
    """The branches as functions of the outer values; the index operand; the outer values."""
    outer = captured(point.op)
    deriver = _deriver(point)
    functions = [outline(deriver, "branch", region.blocks[0], outer) for region in point.op.regions]
    return functions, point.operands, [point.tensor(value) for value in outer]


def _choose(
    point: Point,
    index: Tensor,
    symbols: Sequence[str],
    given: Sequence[Tensor],
    outputs: Sequence[tracing.TensorType],
) -> list[Tensor]:
    """A branch op of the kind at `point` that calls one of `symbols`."""

    def branch(symbol: str) -> "list[Tensor]":
        return call(symbol, given, outputs)

    op, results = tracing.emit_many(point.name, [index], outputs, regions=len(symbols))
    from slopec.hlo.region import build_region

    for region, symbol in zip(op.regions, symbols, strict=True):
        build_region(region, lambda symbol=symbol: branch(symbol), [])
    return list(results)


def _case_jvp(point: Point, tangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """The branch taken is replaced by its forward derivative."""
    functions, (index,), outer = _branches(point)
    wrt = [i for i, t in enumerate(tangents[1:]) if t is not None]
    out = [i for i, r in enumerate(point.results) if dtypes.is_differentiable(r.dtype)]
    module = _deriver(point).module
    symbols = [declare_jvp(module, function, wrt, out)[0] for function in functions]
    outputs = [*functions[0].outputs, *(functions[0].outputs[i] for i in out)]
    given = [*outer, *(_some(tangents[i + 1]) for i in wrt)]
    results = _choose(point, index, symbols, given, outputs)
    count = len(point.results)
    point.replace(results[:count])
    moved = dict(zip(out, results[count:], strict=True))
    return [moved.get(i) for i in range(count)]


def _case_vjp(point: Point, cotangents: Sequence[Tangent]) -> Sequence[Tangent]:
    """A second choice, of the branches' reverse derivatives."""
    functions, (index,), outer = _branches(point)
    wrt = [i for i, active in enumerate(point.active[1:]) if active]
    out = [i for i, ct in enumerate(cotangents) if ct is not None]
    module = _deriver(point).module
    symbols = [declare_vjp(module, function, wrt, out)[0] for function in functions]
    outputs = [*functions[0].outputs, *(functions[0].inputs[i] for i in wrt)]
    given = [*outer, *(_some(cotangents[i]) for i in out)]
    results = _choose(point, index, symbols, given, outputs)[len(point.results) :]
    found = dict(zip(wrt, results, strict=True))
    return [None, *(found.get(i) for i in range(len(outer)))]


derivatives("stablehlo.case", jvp=_case_jvp, vjp=_case_vjp)
derivatives("stablehlo.if", jvp=_case_jvp, vjp=_case_vjp)
