"""Values on demand: what was recorded outside every traced function becomes a program and is run.

The ops that the wanted tensors depend on are copied out of the ambient trace into a module of
their own, pending derivations are filled, and the reference evaluator computes the results.
"""

from collections.abc import Sequence

import numpy as np

from slopec import ir, trace
from slopec.tensor import Tensor
from slopec.trace import Ambient
from slopec.transforms.derive import callees, derive
from slopec.transforms.inline import copy_op
from slopec.transforms.modes import inputs_of

_LIMIT = 4096


def evaluate(tensors: Sequence[Tensor]) -> None:
    """Compute the values of `tensors` and let go of what recorded them."""
    wanted = [t for t in tensors if t._trace is not None]
    if not wanted:
        return
    recorded = wanted[0]._trace
    assert isinstance(recorded, Ambient)
    values = [recorded.value_of(t) for t in wanted]
    module, leaves = extract(recorded, values)
    derive(module)
    from slopec import reference

    arrays = reference.evaluate(module, "main", *leaves)
    for tensor, array in zip(wanted, arrays, strict=True):
        tensor._data = np.asarray(array)
        tensor._trace = tensor._value = None
    if len(recorded.block.operations) > _LIMIT and trace.ambient() is recorded:
        trace.new_ambient()


def extract(recorded: Ambient, values: Sequence[ir.Value]) -> tuple[ir.Module, list[np.ndarray]]:
    """A module whose @main computes `values`, and the arrays that @main takes."""
    ops = _needed(recorded, values)
    used = {operand for op in ops for operand in inputs_of(op)} | set(values)
    captured = [(t, v) for t, v in recorded.captures.values() if v in used]
    module = ir.new_module()
    main = ir.create_function(
        module,
        "main",
        [v.type for _, v in captured],
        [v.type for v in values],
        {"sym_visibility": ir.string("public")},
        ir.unknown(),
        body=True,
    )
    block = ir.body_of(main)
    point = ir.InsertionPoint(block)
    renamed = {v: a for (_, v), a in zip(captured, block.arguments, strict=True)}
    for op in ops:
        copy_op(op, renamed, point)
    ir.create("func.return", [], [renamed[v] for v in values], None, ir.unknown(), point)
    _copy_functions(recorded.module, module, [name for op in ops for name in callees(op)])
    return module, [t.numpy() for t, _ in captured]


def _needed(recorded: Ambient, values: Sequence[ir.Value]) -> list[ir.Operation]:
    """The ops of the ambient trace that `values` depend on, in order."""
    wanted = set(values)
    found: list[ir.Operation] = []
    for op in reversed([view.operation for view in recorded.block.operations]):
        if any(result in wanted for result in op.results):
            found.append(op)
            wanted.update(inputs_of(op))
    return found[::-1]


def _copy_functions(source: ir.Module, target: ir.Module, names: list[str]) -> None:
    """Copy functions, and all that they call or are derived from, to another module."""
    table = {ir.symbol_name(op): op for op in ir.functions(source)}
    point = ir.InsertionPoint(target.body)
    done: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        op = table[name]
        op.clone(ip=point)
        waiting += callees(op)
        waiting += ir.symbols_in(op)
