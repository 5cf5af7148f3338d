"""Op views made from one line per op: the op's name and the names of its operands."""

from typing import Any

from iree.compiler import ir
from iree.compiler.dialects._ods_common import _cext


def _operand(index: int) -> property:
    return property(lambda view: view.operation.operands[index])


def _operands_from(index: int) -> property:
    return property(lambda view: list(view.operation.operands)[index:])


def register(namespace: str, table: str) -> dict[str, tuple[str, ...]]:
    """Register a view for every op of `table` and return {op name: operand names}.

    A line reads `name operand operand *operands`; a starred operand takes all that are left.
    """
    dialect: Any = type("_Dialect", (ir.Dialect,), {"DIALECT_NAMESPACE": namespace})
    _cext.register_dialect(dialect)
    operands: dict[str, tuple[str, ...]] = {}
    for line in table.split("\n"):
        if not line.strip():
            continue
        short, *names = line.split()
        operands[f"{namespace}.{short}"] = tuple(names)
        members: dict[str, Any] = {"OPERATION_NAME": f"{namespace}.{short}"}
        for index, name in enumerate(names):
            star = name.startswith("*")
            members[name.lstrip("*")] = _operands_from(index) if star else _operand(index)
        class_name = "".join(part.title() for part in short.split("_")) + "Op"
        _cext.register_operation(dialect)(type(class_name, (ir.OpView,), members))
    return operands
