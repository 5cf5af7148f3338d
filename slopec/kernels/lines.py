"""A block of ops as plain Python: read from MLIR once, looked at many times."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slopec import ir
from slopec.dtypes import DType
from slopec.kernels.elementwise import kind_of

Typed = tuple[ir.Shape, DType]


@dataclass(frozen=True, eq=False)
class Line:
    """An op, what `elementwise` calls it, and its values; `inner` are operands inside of it."""

    op: ir.Operation
    name: str
    kind: str | None
    operands: tuple[ir.Value, ...]
    results: tuple[ir.Value, ...]
    inner: tuple[ir.Value, ...]


@dataclass
class Lines:
    """The ops of a block in order, where values come from, and who uses them.

    A user is None if it is in another block. Values whose shape is not known have no type.
    """

    block: ir.Block
    found: list[Line] = field(default_factory=list)
    source: dict[ir.Value, Line] = field(default_factory=dict)
    users: dict[ir.Value, list[Line | None]] = field(default_factory=dict)
    types: dict[ir.Value, Typed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the block."""
        for view in self.block.operations:
            op = view.operation
            line = Line(
                op, op.name, kind_of(op), tuple(op.operands), tuple(op.results), tuple(_inside(op))
            )
            self.found.append(line)
            for value in (*line.operands, *line.results):
                self._note(value)
            for operand in line.operands:
                self.users.setdefault(operand, []).append(line)
            for value in line.inner:
                self.users.setdefault(value, []).append(None)
            self.source.update(dict.fromkeys(line.results, line))

    def _note(self, value: ir.Value) -> None:
        if value not in self.types and ir.is_static(value):
            self.types[value] = ir.type_of(value)


def _inside(op: ir.Operation) -> Iterator[ir.Value]:
    """The operands of the ops in an op's regions."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield from inner.operation.operands
                yield from _inside(inner.operation)
