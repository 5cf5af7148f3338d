"""The arguments of functions: more, one less, and what is said about them."""

from collections.abc import Mapping

from iree.compiler import ir as mlir

from slopec import ir


def append(op: ir.Operation, *types: ir.Type) -> range:
    """Give a function with a body more arguments, its last; returns their positions."""
    inputs, results = ir.function_type(op)
    ir.set_function_type(op, [*inputs, *types], results)
    for type_ in types:
        ir.body_of(op).add_argument(type_, ir.unknown())
    if "arg_attrs" in op.attributes:
        none = mlir.DictAttr.get({}, ir.context())
        rows = [*mlir.ArrayAttr(op.attributes["arg_attrs"]), *[none] * len(types)]
        op.attributes["arg_attrs"] = mlir.ArrayAttr.get(rows, ir.context())
    return range(len(inputs), len(inputs) + len(types))


def drop_last(op: ir.Operation) -> None:
    """Take the last argument, which has attributes but no uses, from a function with a body."""
    inputs, results = ir.function_type(op)
    ir.body_of(op).erase_argument(len(inputs) - 1)
    kept = [*op.attributes["arg_attrs"]][:-1]
    op.attributes["arg_attrs"] = mlir.ArrayAttr.get(kept, ir.context())
    ir.set_function_type(op, inputs[:-1], results)


def set_attributes(op: ir.Operation, name: str, values: Mapping[int, ir.Attribute]) -> None:
    """Set an attribute of some arguments of a function, given by their places."""
    rows = _rows(op)
    for index, value in values.items():
        rows[index][name] = value
    _put_rows(op, rows)


def having(op: ir.Operation, name: str) -> list[int]:
    """The places of the arguments of a function that have an attribute."""
    return [place for place, row in enumerate(_rows(op)) if name in row]


def drop_attribute(op: ir.Operation, name: str) -> None:
    """Take an attribute from all arguments of a function."""
    if having(op, name):
        _put_rows(op, [{n: a for n, a in row.items() if n != name} for row in _rows(op)])


def _rows(op: ir.Operation) -> list[dict[str, ir.Attribute]]:
    """The attributes of each argument."""
    if "arg_attrs" not in op.attributes:
        return [{} for _ in ir.function_type(op)[0]]
    return [{a.name: a.attr for a in mlir.DictAttr(r)} for r in op.attributes["arg_attrs"]]


def _put_rows(op: ir.Operation, rows: list[dict[str, ir.Attribute]]) -> None:
    made = (mlir.DictAttr.get(row, ir.context()) for row in rows)
    op.attributes["arg_attrs"] = mlir.ArrayAttr.get(list(made), ir.context())
