"""Routines: what a kernel may compute, kept together as a function of its own.

The body of a routine says in StableHLO what it computes, as for every back end; its name and its
facts say so to `slopec.kernels`, which may put a kernel in place of a call. What is left of them is
inlined before the back end sees the module.
"""

from collections.abc import Callable, Sequence

from slopec import ir, tracing
from slopec.tensor import Tensor
from slopec.tracing import Trace
from slopec.transforms.function import call

KERNEL = "slope.kernel"
"""The attribute with the name of the kernel that computes what a function, or a loop, does."""


def routine(
    kernel: str, compute: Callable[..., Sequence[Tensor]], *operands: Tensor, **facts: int
) -> list[Tensor]:
    """What `compute` makes of the operands, called as a routine of the module being written.

    Routines of one name, of equal types and facts, must compute the same.
    """
    where = tracing.current()
    words = [name if fact is True else f"{name}{fact}" for name, fact in facts.items() if fact]
    types = [(x.shape, x.dtype) for x in operands]
    sizes = ["x".join([*map(str, shape), str(dtype)]) for shape, dtype in types]
    symbol = ".".join([kernel, *words, *sizes])
    known = {ir.symbol_name(op): op for op in ir.functions(where.module)}
    function = known.get(symbol)
    if function is None:
        attributes = {KERNEL: ir.string(kernel)}
        attributes |= {
            f"slope.{name}": ir.boolean(fact) if isinstance(fact, bool) else ir.i64(fact)
            for name, fact in facts.items()
        }
        function = _written(symbol, compute, operands, attributes)
    return call(symbol, operands, [ir.shape_and_dtype(t) for t in ir.function_type(function)[1]])


def _written(
    symbol: str,
    compute: Callable[..., Sequence[Tensor]],
    operands: tuple[Tensor, ...],
    attributes: dict[str, ir.Attribute],
) -> ir.Operation:
    module = tracing.current().module
    location = tracing.location()
    given = [ir.tensor_type(x.shape, x.dtype) for x in operands]
    function = ir.create_function(module, symbol, given, [], attributes, location, body=True)
    block = ir.body_of(function)
    inner = Trace(module, block, None, function=function)
    inner.location = location
    stand_ins = [
        Tensor._of_value(value, inner, x.shape, x.dtype)
        for value, x in zip(block.arguments, operands, strict=True)
    ]
    with tracing.writing(inner):
        values = [inner.value_of(result) for result in compute(*stand_ins)]
    ir.create("func.return", [], values, None, location, inner.point)
    ir.set_function_type(function, given, [value.type for value in values])
    return function
