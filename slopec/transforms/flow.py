"""What depends on what in a block: the values that vary with others, and what an op reads."""

from collections.abc import Iterator, Sequence

from slopec import dtypes, ir


def carries(value: ir.Value) -> bool:
    """Whether a value can have a derivative; quantized ones might, and are refused by their ops."""
    try:
        return dtypes.is_differentiable(ir.type_of(value)[1])
    except TypeError:
        return str(value.type).startswith("tensor")


def varying(ops: Sequence[ir.Operation], sources: Sequence[ir.Value]) -> set[ir.Value]:
    """The values of a block that depend, differentiably, on `sources`."""
    found = set(sources)
    for op in ops:
        if any(value in found for value in inputs_of(op)):
            found.update(value for value in op.results if carries(value))
    return found


def inputs_of(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of an op, and the outer values that its regions use."""
    yield from op.operands
    if len(op.regions):
        yield from captured(op)


def captured(op: ir.Operation) -> list[ir.Value]:
    """The values from outside `op` that its regions use, each once."""
    inside: set[ir.Value] = set()
    used: dict[ir.Value, None] = {}

    for inner in ir.ops_in(op):
        if inner != op:
            used.update(dict.fromkeys(inner.operands))
            inside.update(inner.results)
        for region in inner.regions:
            for block in region.blocks:
                inside.update(block.arguments)
    return [value for value in used if value not in inside]
