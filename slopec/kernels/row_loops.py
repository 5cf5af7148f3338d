"""Which loops become kernels: those whose iterations treat rows alone, as passes left them."""

from slopec import dtypes, hlo, ir, tracing
from slopec.kernels.convolutions import suits
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import BUFFERS, call, reshaped
from slopec.kernels.matmul import Product
from slopec.kernels.row_loop import Cut, Plan, row_loop
from slopec.kernels.weights import packed
from slopec.passes.each import at
from slopec.passes.row_loops import row_loop_of
from slopec.tracing import Trace
from slopec.transforms.body import block_of, returned
from slopec.transforms.counted import count_of


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `while` is, if its iterations treat rows alone; whether it did."""
    if not suits(vectors) or not all(map(ir.is_static, op.operands)):
        return False
    here = at(module, op)
    with tracing.writing(here.trace):
        loop = row_loop_of(here)
    if loop is None:
        return False
    plan = Plan(loop, Cut.of(loop, vectors))
    kernel = row_loop(plan)
    if len(kernel.buffers) > BUFFERS:
        return False
    given = [reshaped(loop.outer[n.place], plan.type_of(n)[0], op) for n in plan.inputs]
    for (number, transposed), (k, n) in loop.matrices.items():
        product = Product(1, 1, n, k, dtypes.float32, rhs="columns" if transposed else "rows")
        matrix = reshaped(loop.outer[number], (n, k) if transposed else (k, n), op)
        given.append(packed(matrix, product, plan.cut.panel(n), op))
    states = [op.operands[i] for i, _ in loop.states]
    made = call(kernel, [*given, *states], module, op)
    places = [*(i for i, _ in loop.states), *(i for i, _, _ in loop.stacks)]
    for i, value in zip(places, made, strict=False):
        old = op.results[i]
        old.replace_all_uses_with(reshaped(value, ir.type_of(old)[0], op))
    _leave(op, here.trace, set(places))
    return True


def _leave(op: ir.Operation, where: Trace, made: set[int]) -> None:
    """Let what iterations only count, or leave alone, be what it is in the end."""
    count, after = count_of(op), returned(block_of(op, 1))
    assert count is not None
    for i in set(range(len(after))) - made:
        value = op.operands[i]
        if i == count.place:
            with tracing.writing(where):
                end = hlo.full((), count.start + count.trips * count.step, ir.type_of(value)[1])
                value = where.value_of(hlo.reshape(end, ir.type_of(value)[0]))
        op.results[i].replace_all_uses_with(value)
