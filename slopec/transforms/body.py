"""The small functions inside reduce, sort, scatter and their kin: recognised, replayed, vectorised.

A body is known by what it does with its arguments: one binary op, a choice among its arguments, or
any computation on scalars, which can then run on whole arrays at once.
"""

from collections.abc import Collection, Sequence
from typing import Any

from slopec import hlo, ir, tracing
from slopec.tensor import Tensor
from slopec.transforms.inline import copy_op

COMMUTATIVE = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")
_NOT_LANEWISE = {
    "stablehlo.custom_call",
    "stablehlo.partition_id",
    "stablehlo.replica_id",
    "stablehlo.rng",
}
_SAME_SCALAR = {
    "stablehlo.broadcast_in_dim",
    "stablehlo.reshape",
    "stablehlo.reverse",
    "stablehlo.transpose",
}


def block_of(op: ir.Operation, region: int = 0) -> ir.Block:
    """The only block of a region."""
    return op.regions[region].blocks[0]


def returned(block: ir.Block) -> list[ir.Value]:
    """The values that a block returns."""
    return list(list(block.operations)[-1].operation.operands)


def binary_kind(block: ir.Block) -> str | None:
    """The binary op that a block of two arguments consists of (`"add"` …), or None."""
    inner = [op.operation for op in block.operations]
    if len(inner) != 2 or len(block.arguments) != 2:
        return None
    fold, end = inner
    if len(fold.operands) != 2 or list(end.operands) != list(fold.results):
        return None
    if set(fold.operands) != set(block.arguments) or fold.operands[0] == fold.operands[1]:
        return None
    return str(fold.name).removeprefix("stablehlo.")


def returns_argument(block: ir.Block, index: int) -> bool:
    """Whether a block returns nothing but its argument `index`."""
    return returned(block) == [block.arguments[index]]


def defining(value: ir.Value) -> ir.Operation | None:
    """The op that a value is a result of; None for arguments of blocks."""
    owner: Any = value.owner
    if isinstance(owner, ir.Block):
        return None
    return owner.operation if isinstance(owner, ir.OpView) else owner


def origin(value: ir.Value, names: Collection[str]) -> ir.Value:
    """The value of which this one is made by StableHLO's ops of these names.

    Of ops with several results, each is made of the operand at its place.
    """
    while (made := defining(value)) is not None and made.name.removeprefix("stablehlo.") in names:
        value = made.operands[list(made.results).index(value)]
    return value


def chosen(block: ir.Block, index: int) -> tuple[ir.Value, bool] | None:
    """How a block of 2n arguments chooses its result `index` between arguments i and n + i.

    (predicate, whether it holding keeps argument i), or None when the result is no such choice.
    """
    count = len(block.arguments) // 2
    select = defining(returned(block)[index])
    if select is None or select.name != "stablehlo.select":
        return None
    pred, *branches = select.operands
    ours = [block.arguments[index], block.arguments[count + index]]
    if branches == ours:
        return pred, True
    return (pred, False) if branches == ours[::-1] else None


def facts_of(op: ir.Operation) -> str:
    """An op's attributes in words: equal for equal ones, which MLIR's map of them is not."""
    return repr(sorted((name, str(op.attributes[name])) for name in op.attributes))


def replay(
    block: ir.Block, arguments: Sequence[Tensor], wanted: Sequence[ir.Value] | None = None
) -> list[Tensor]:
    """Copy the ops of a block to where is being written, on other arguments.

    Returns the tensors that stand for the values `wanted`, by default those that it returns.
    """
    where = tracing.current()
    given = [where.value_of(tensor) for tensor in arguments]
    renamed = dict(zip(block.arguments, given, strict=True))
    for view in list(block.operations)[:-1]:
        copy_op(view.operation, renamed, where.point)
    values = [renamed.get(v, v) for v in (returned(block) if wanted is None else wanted)]
    return [Tensor._of_value(value, where, *ir.type_of(value)) for value in values]


def is_lanewise(block: ir.Block) -> bool:
    """Whether a block computes on scalars alone, so that it can run on whole arrays."""
    return all(_lanewise(view.operation) for view in list(block.operations)[:-1])


def lanes(block: ir.Block, arguments: Sequence[Tensor]) -> list[Tensor]:
    """What a lanewise block returns for each element of `arguments`, which have one shape.

    Scalars from outside are broadcast.
    """
    ops = [view.operation for view in block.operations][:-1]
    shape = arguments[0].shape
    where = tracing.current()
    known: dict[ir.Value, Tensor] = dict(zip(block.arguments, arguments, strict=True))

    def tensor(value: ir.Value) -> Tensor:
        found = known.get(value)
        if found is None:
            outer = Tensor._of_value(value, where, *ir.type_of(value))
            found = known[value] = hlo.broadcast_in_dim(outer, shape, ())
        return found

    for op in ops:
        result = op.results[0]
        dtype = ir.type_of(result)[1]
        if op.name == "stablehlo.constant":
            known[result] = hlo.full(shape, ir.constant_array(op).item(), dtype)
        elif op.name in _SAME_SCALAR:
            known[result] = tensor(op.operands[0])
        else:
            attributes = {name: op.attributes[name] for name in op.attributes}
            operands = [tensor(operand) for operand in op.operands]
            known[result] = tracing.emit(op.name, operands, shape, dtype, attributes)
    return [tensor(value) for value in returned(block)]


def _lanewise(op: ir.Operation) -> bool:
    values = [*op.operands, *op.results]
    return (
        len(op.results) == 1
        and not len(op.regions)
        and op.name not in _NOT_LANEWISE
        and op.name.startswith(("stablehlo.", "chlo."))
        and all(ir.type_of(value)[0] == () for value in values)
    )
