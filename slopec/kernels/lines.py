"""A block of ops as plain Python: read from MLIR once, looked at many times."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.elementwise import kind_of

Typed = tuple[ir.Shape, DType]


@dataclass(eq=False, slots=True)
class Item:
    """A value that a block makes or uses, the line of the block that makes it, and its users.

    Its type is None if its shape is not known; a user is None if it is in another block.
    """

    value: ir.Value
    type: Typed | None
    line: "Line | None" = None
    users: "list[Line | None]" = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Line:
    """An op, what `elementwise` calls it, and its values; `inner` are operands inside of it."""

    op: ir.Operation
    name: str
    kind: str | None
    operands: tuple[Item, ...]
    results: tuple[Item, ...]
    inner: tuple[Item, ...]


@dataclass
class Lines:
    """The ops of a block in order, and its values as items."""

    block: ir.Block
    found: list[Line] = field(default_factory=list)
    items: dict[ir.Value, Item] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the block."""
        for view in self.block.operations:
            op = view.operation
            operands, inner = map(self._item, op.operands), map(self._item, _inside(op))
            results = tuple(
                Item(value, ir.static_shape_and_dtype(value.type)) for value in op.results
            )
            line = Line(op, op.name, kind_of(op), tuple(operands), results, tuple(inner))
            self.found.append(line)
            for operand in line.operands:
                operand.users.append(line)
            for item in line.inner:
                item.users.append(None)
            for item in results:
                item.line = line
                self.items[item.value] = item

    def _item(self, value: ir.Value) -> Item:
        known = self.items.get(value)
        if known is None:
            known = self.items[value] = Item(value, ir.static_shape_and_dtype(value.type))
        return known


def _inside(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of the ops in an op's regions."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield from inner.operation.operands
                yield from _inside(inner.operation)
