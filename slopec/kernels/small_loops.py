"""Which loops become kernels of one worker: those of little work in each trip."""

from slopec import dtypes, ir
from slopec.kernels import scalar_ops
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import BUFFERS, call, stored
from slopec.kernels.small_loop import small_loop
from slopec.kernels.small_machine import size_of
from slopec.kernels.small_plan import Plan, changed
from slopec.passes.guard_indices import last_of
from slopec.passes.separate_buffers import source_of
from slopec.passes.small_loops import ELEMENTWISE, MOVES, is_small
from slopec.transforms.body import block_of, defining, is_lanewise
from slopec.transforms.flow import captured

_WHOLE = frozenset(f"stablehlo.{name}" for name in "pad concatenate dynamic_update_slice".split())
"""Ops that write into memory; so do scatters."""


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `while` is, if little is done in a trip; whether it did."""
    if not _suits(op) or _is_within(op):
        return False
    for inside in ir.ops_in(op):
        source = source_of(inside)  # only IREE needs copies
        if source is not None:
            inside.results[0].replace_all_uses_with(source)
    plan = Plan.of(op, module)
    kernel = small_loop(plan, vectors)
    shapes = [ir.type_of(op.results[i])[0] for i in plan.carried]
    shapes += [shape for shape, _ in kernel.results[len(shapes) :]]
    given = [_outside(value, op) for value in plan.outer]
    made = dict(zip(plan.carried, call(kernel, given, module, op, shapes), strict=False))
    for i, result in enumerate(op.results):
        result.replace_all_uses_with(made.get(i, op.operands[i]))
    return True


def _outside(value: ir.Value, loop: ir.Operation) -> ir.Value:
    """A value before the loop, where a constant of its trips is not."""
    made = defining(value)
    if made is None or made.name != "stablehlo.constant":
        return value
    return made.clone(ip=ir.InsertionPoint(loop)).results[0]


def _suits(op: ir.Operation) -> bool:
    known = op.name == "stablehlo.while" and is_small(op) and all(map(_is_known, ir.ops_in(op)))
    return known and _buffers(op) <= BUFFERS


def _buffers(loop: ir.Operation) -> int:
    """How many buffers its kernel has, at most: for what it reads, makes, and works in."""
    read = {value for value in (*loop.operands, *captured(loop)) if not _is_written_out(value)}
    values = [value for op in ir.ops_in(loop) for value in op.results]
    rooms = {stored(ir.type_of(value)[1]) for value in values if size_of(value) > 1}
    return len(read) + len(changed(loop)) + len(rooms)


def _is_written_out(value: ir.Value) -> bool:
    """Whether a value is a constant of the kernel's code."""
    made = defining(value)
    return made is not None and made.name == "stablehlo.constant" and ir.is_uniform(made)


def _is_within(op: ir.Operation) -> bool:
    """Whether a loop is part of another that becomes a kernel."""
    parent = op.parent
    while parent is not None and parent.name != "func.func":
        if _suits(parent):
            return True
        parent = parent.parent
    return False


def _is_known(op: ir.Operation) -> bool:
    """Whether a worker can do what an op does."""
    if op.name in ELEMENTWISE:
        return scalar_ops.is_known(op)
    if op.name in ("stablehlo.while", "stablehlo.return", "stablehlo.gather"):
        return True
    if op.name in MOVES:
        return len(op.results) == 1
    if op.name == "stablehlo.reduce":
        return is_lanewise(block_of(op))
    if op.name == "stablehlo.dot_general":
        types = {ir.type_of(value)[1] for value in (*op.operands, *op.results)}
        return len(types) == 1 and dtypes.bool_ not in types
    if op.name == "stablehlo.scatter":
        return is_lanewise(block_of(op)) and _is_in_memory(last_of(op))
    return op.name in _WHOLE and _is_in_memory(op)


def _is_in_memory(op: ir.Operation) -> bool:
    """Whether what an op makes is one tensor of more than a number, which would be in none."""
    return len(op.results) == 1 and size_of(op.results[0]) > 1
