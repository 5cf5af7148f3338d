"""Splitting a derivative in two: a forward function that saves what the backward one needs.

Reverse mode writes one function: the ops of the primal, then the adjoints. Where the two run at
different times, as the iterations of a loop do, the adjoints' uses of primal values become
*residuals*: results of the forward and arguments of the backward function. Values that are cheap
to compute again from what the backward function has anyway are not saved (`residuals.py` chooses).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slopec import ir
from slopec.tracing import TensorType
from slopec.transforms.body import returned
from slopec.transforms.checkpoint_policies import Policy, everything_saveable
from slopec.transforms.flow import inputs_of
from slopec.transforms.inline import copy_op, inline_calls
from slopec.transforms.residuals import FUSIBLE, SPARING, Forward, needed_ops
from slopec.transforms.slim import slim_loops

if TYPE_CHECKING:
    from slopec.transforms.derive import Deriver

_NOTHING_NEW = {"stablehlo.constant", "stablehlo.iota", "stablehlo.reshape"}
"""Ops whose result is as good as saved when what they are made of is."""


@dataclass(frozen=True)
class Halves:
    """The two functions; `residuals` are the types of what the first saves for the second.

    forward: (primal inputs…) ↦ (primal results…, residuals…)
    backward: (inputs `given`…, residuals…, cotangents…) ↦ (cotangents of inputs…)

    `again` are the arguments of `backward` from which it computes what `forward` computes too.
    """

    forward: str
    backward: str
    given: tuple[int, ...]
    residuals: tuple[TensorType, ...]
    again: tuple[int, ...]


def split(
    deriver: "Deriver",
    symbol: str,
    inputs: int,
    outputs: int,
    given: Sequence[int],
    policy: Policy | None = None,
) -> Halves:
    """Split the reverse derivative `symbol` of a function of `inputs` arguments, `outputs` results.

    `given` are the positions of the arguments that the backward function may have anyway; it takes
    those that it uses. `policy` says which results may be saved.
    """
    from slopec.passes.expand_select_and_scatter import expand_in

    function = deriver.ensure(symbol)
    inline_calls(deriver.table, function)
    expand_in(deriver.module, function)  # for which booleans are saved, and no operand of a pool
    block = ir.body_of(function)
    *ops, end = [view.operation for view in block.operations]
    parameters, cotangents = list(block.arguments)[:inputs], list(block.arguments)[inputs:]
    results = list(end.operands)
    adjoint = dependent(ops, cotangents)
    afterwards = set(adjoint)
    early = [op for op in ops if op not in afterwards]
    late = needed_ops(adjoint, results[outputs:])
    kept = [parameters[i] for i in given]
    needed = [*results[outputs:], *(v for op in late for v in inputs_of(op))]
    choice = _forward(deriver, parameters, kept, early, results[:outputs], policy).choose(needed)
    run = choice.again.union(late)
    backward = needed_ops(
        [op for op in ops if op in run],
        results[outputs:],
        {*parameters, *choice.saved},
    )
    arguments = [*kept, *choice.saved]
    last = _write(deriver, f"{symbol}.bwd", [*arguments, *cotangents], backward, results[outputs:])
    used = _slimmed(deriver.function(last), arguments)
    taken = [i for i, v in zip(given, kept, strict=True) if v in used]
    saved = [v for v in choice.saved if v in used]
    forward = needed_ops(early, [*results[:outputs], *saved], set(parameters))
    again = _twice(forward, backward)
    return Halves(
        _write(deriver, f"{symbol}.fwd", parameters, forward, [*results[:outputs], *saved]),
        last,
        tuple(taken),
        tuple(ir.type_of(v) for v in saved),
        tuple(i for i, v in enumerate([*(parameters[i] for i in taken), *saved]) if v in again),
    )


def _forward(
    deriver: "Deriver",
    parameters: Sequence[ir.Value],
    kept: Sequence[ir.Value],
    ops: Sequence[ir.Operation],
    results: Sequence[ir.Value],
    policy: Policy | None,
) -> Forward:
    """The forward half with what may be saved, and which ops run again rather than that."""
    if policy is None:  # in a loop a value is saved as often as it runs
        cheap, kept_cheap, policy = SPARING, FUSIBLE, everything_saveable
    else:
        cheap = kept_cheap = FUSIBLE if policy.automatic else SPARING
    return Forward(parameters, kept, ops, results, deriver.function, policy, cheap, kept_cheap)


def _twice(forward: Sequence[ir.Operation], backward: Sequence[ir.Operation]) -> set[ir.Value]:
    """The values used by the ops that run in both halves, unless those give nothing new."""
    both = set(forward).intersection(backward)
    if all(op.name in _NOTHING_NEW for op in both):
        return set()
    return {value for op in both for value in inputs_of(op)}


def dependent(ops: Sequence[ir.Operation], sources: Sequence[ir.Value]) -> list[ir.Operation]:
    """The ops whose results depend on `sources`."""
    reached = set(sources)
    found = []
    for op in ops:
        if any(value in reached for value in inputs_of(op)):
            reached.update(op.results)
            found.append(op)
    return found


def _slimmed(function: ir.Operation, given: Sequence[ir.Value]) -> set[ir.Value]:
    """Which of the values `given`, its first arguments, a function needs; it takes those alone."""
    block = ir.body_of(function)
    slim_loops(block)
    places = [i for i in range(len(given)) if not list(block.arguments[i].uses)]
    for i in reversed(places):
        block.erase_argument(i)
    results = [value.type for value in returned(block)]
    ir.set_function_type(function, [x.type for x in block.arguments], results)
    return {value for i, value in enumerate(given) if i not in places}


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
    for op in needed_ops(ops, results, set(parameters)):
        copy_op(op, renamed, point)
    ir.create("func.return", [], [renamed[v] for v in results], None, ir.unknown(), point)
    return name
