"""Splitting a derivative in two: a forward function that saves what the backward one needs.

Reverse mode writes one function: the ops of the primal, then the adjoints. Where the two run at
different times, as the iterations of a loop do, the adjoints' uses of primal values become
*residuals*: results of the forward and arguments of the backward function. Values that are cheap
to compute again from what the backward function has anyway are not saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from slopec import ir
from slopec.trace import TensorType
from slopec.transforms.inline import copy_op
from slopec.transforms.modes import inputs_of

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver

_DEAR = {
    "stablehlo.case",
    "stablehlo.cholesky",
    "stablehlo.convolution",
    "stablehlo.custom_call",
    "stablehlo.dot_general",
    "stablehlo.fft",
    "stablehlo.if",
    "stablehlo.reduce",
    "stablehlo.reduce_window",
    "stablehlo.rng",
    "stablehlo.rng_bit_generator",
    "stablehlo.scatter",
    "stablehlo.sort",
    "stablehlo.triangular_solve",
    "stablehlo.while",
}
_RESHAPING = {
    "stablehlo.broadcast_in_dim",
    "stablehlo.convert",
    "stablehlo.reshape",
    "stablehlo.transpose",
}


@dataclass(frozen=True)
class Halves:
    """The two functions; `residuals` are the types of what the first saves for the second.

    forward: (primal inputs…) ↦ (primal results…, residuals…)
    backward: (given inputs…, residuals…, cotangents…) ↦ (cotangents of inputs…)
    """

    forward: str
    backward: str
    residuals: tuple[TensorType, ...]


def split(
    deriver: "Deriver", symbol: str, inputs: int, outputs: int, given: Sequence[int]
) -> Halves:
    """Split the reverse derivative `symbol` of a function of `inputs` arguments, `outputs` results.

    `given` are the positions of the arguments that the backward function gets anyway.
    """
    function = deriver.ensure(symbol)
    block = ir.body_of(function)
    *ops, end = [view.operation for view in block.operations]
    parameters, cotangents = list(block.arguments)[:inputs], list(block.arguments)[inputs:]
    results = list(end.operands)
    kept = [parameters[i] for i in given]
    adjoint = _dependent(ops, cotangents)
    late = set(adjoint)
    residuals, again = _residuals(ops, adjoint, results[outputs:], parameters, kept)
    forward = _write(deriver, f"{symbol}.fwd", parameters, ops, [*results[:outputs], *residuals])
    backward = _write(
        deriver,
        f"{symbol}.bwd",
        [*kept, *residuals, *cotangents],
        [op for op in ops if op in again or op in late],
        results[outputs:],
    )
    return Halves(forward, backward, tuple(ir.type_of(v) for v in residuals))


def _dependent(ops: Sequence[ir.Operation], sources: Sequence[ir.Value]) -> list[ir.Operation]:
    """The ops whose results depend on `sources`."""
    reached = set(sources)
    found = []
    for op in ops:
        if any(value in reached for value in inputs_of(op)):
            reached.update(op.results)
            found.append(op)
    return found


def _residuals(
    ops: Sequence[ir.Operation],
    adjoint: Sequence[ir.Operation],
    results: Sequence[ir.Value],
    parameters: Sequence[ir.Value],
    kept: Sequence[ir.Value],
) -> tuple[list[ir.Value], set[ir.Operation]]:
    """The primal values to save for the adjoint ops, and the primal ops to run again."""
    owner = {result: op for op in ops for result in op.results}
    late = {result for op in adjoint for result in op.results}
    free = _recomputable(ops, kept)
    saved: dict[ir.Value, None] = {}
    again: set[ir.Operation] = set()
    primal = set(parameters) | {v for v in owner if v not in late}

    waiting = [*results, *(value for op in adjoint for value in inputs_of(op))]
    while waiting:
        value = waiting.pop()
        if value not in primal or value in kept or value in saved:
            continue
        op = owner.get(value)
        if op is None or not (value in free or _is_widening(op)):
            saved[value] = None
        elif op not in again:
            again.add(op)
            waiting += inputs_of(op)
    return list(saved), again


def _recomputable(ops: Sequence[ir.Operation], kept: Sequence[ir.Value]) -> set[ir.Value]:
    """The values that cheap ops make of the arguments in `kept` and constants alone."""
    known = set(kept)
    for op in ops:
        if op.name not in _DEAR and all(value in known for value in inputs_of(op)):
            known.update(op.results)
    return known


def _is_widening(op: ir.Operation) -> bool:
    """Whether an op only moves or converts elements and saves nothing by being saved."""
    if op.name not in _RESHAPING:
        return False
    (before, source), (after, target) = ir.type_of(op.operands[0]), ir.type_of(op.results[0])
    return prod(before) * source.itemsize <= prod(after) * target.itemsize


def _write(
    deriver: "Deriver",
    symbol: str,
    parameters: Sequence[ir.Value],
    ops: Sequence[ir.Operation],
    results: Sequence[ir.Value],
) -> str:
    """Write a private function of `parameters` from copies of those `ops` that matter."""
    name = deriver.fresh(symbol)
    inputs, outputs = [v.type for v in parameters], [v.type for v in results]
    function = ir.create_function(
        deriver.module, name, inputs, outputs, {}, ir.unknown(), body=True
    )
    block = ir.body_of(function)
    point = ir.InsertionPoint(block)
    renamed = dict(zip(parameters, block.arguments, strict=True))
    for op in _needed(ops, results, set(parameters)):
        copy_op(op, renamed, point)
    ir.create("func.return", [], [renamed[v] for v in results], None, ir.unknown(), point)
    return name


def _needed(
    ops: Sequence[ir.Operation], results: Sequence[ir.Value], stop: set[ir.Value]
) -> list[ir.Operation]:
    """The ops that `results` depend on, in order, not looking behind `stop`."""
    wanted = set(results) - stop
    found = []
    for op in reversed(ops):
        if any(result in wanted for result in op.results):
            found.append(op)
            wanted.update(value for value in inputs_of(op) if value not in stop)
    return found[::-1]
