"""A module as a picture: Graphviz's DOT, with a box for each op and an arrow for each value.

Functions, and the bodies of loops and branches, are frames around their ops. What is folded over an
axis stands in the box of its `reduce`.
"""

from collections.abc import Iterator
from itertools import count

from slopec import ir

_HEAD = """digraph module {
  node [shape=box, style=filled, fillcolor=white, fontname="monospace", fontsize=10];
  edge [fontname="monospace", fontsize=9];
"""
_COLOURS = {"constant": "lightgrey", "argument": "lightblue", "return": "lightgreen"}


def dot(module: ir.Module) -> str:
    """The functions of a module in the DOT language, to be drawn by `dot -Tsvg`.

    >>> from slopec import ir
    >>> text = "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }"
    >>> print(dot(ir.parse(text)).splitlines()[-3])
        n0 -> n1 [label="float32[2]"];
    """
    picture = _Picture()
    lines = [line for op in ir.functions(module) for line in picture.function(op)]
    return _HEAD + "".join(f"  {line}\n" for line in lines) + "}\n"


class _Picture:
    """The boxes drawn so far, by the values that come out of them."""

    def __init__(self) -> None:
        self.boxes: dict[ir.Value, str] = {}
        self.numbers, self.frames = count(), count()

    def function(self, op: ir.Operation) -> Iterator[str]:
        """A frame with the function's ops, if it has a body."""
        if ir.has_body(op):
            yield from self.frame(f"@{ir.symbol_name(op)}", ir.body_of(op))

    def frame(self, title: str, block: ir.Block) -> Iterator[str]:
        yield f'subgraph cluster{next(self.frames)} {{ label="{_quoted(title)}";'
        for number, argument in enumerate(block.arguments):
            box = self.box()
            self.boxes[argument] = box
            yield f"  {_drawn(box, f'argument {number}', 'argument')}"
        for op in block.operations:
            for line in self.op(op.operation):
                yield f"  {line}"
        yield "}"

    def op(self, op: ir.Operation) -> Iterator[str]:
        """The op's box, the arrows to it, and frames for the regions that are not in the box."""
        box = self.box()
        for result in op.results:
            self.boxes[result] = box
        kind = op.name.rpartition(".")[2]
        bodies = [block for region in op.regions for block in region.blocks]
        small = [_only_op(block) for block in bodies]
        inside = [name for name in small if name]
        yield _drawn(box, " ".join([kind, *inside, *_called(op)]), kind)
        for operand in op.operands:
            yield f'{self.boxes[operand]} -> {box} [label="{_type(operand)}"];'
        for number, (block, name) in enumerate(zip(bodies, small, strict=True)):
            if not name:
                yield from self.frame(f"{kind}, part {number}", block)

    def box(self) -> str:
        """A name that no box has yet."""
        return f"n{next(self.numbers)}"


def _only_op(block: ir.Block) -> str:
    """The name of the one op between a block's arguments and its return, or nothing."""
    op, *rest = (op.operation for op in block.operations)
    given = set(block.arguments)
    alone = len(rest) == 1 and all(operand in given for operand in op.operands)
    return op.name.rpartition(".")[2] if alone else ""


def _called(op: ir.Operation) -> list[str]:
    return [f"@{name}" for name in ir.symbols_in(op)]


def _drawn(box: str, label: str, kind: str) -> str:
    return f'{box} [label="{_quoted(label)}", fillcolor={_COLOURS.get(kind, "white")}];'


def _type(value: ir.Value) -> str:
    try:
        shape, dtype = ir.type_of(value)
    except (TypeError, ValueError):
        return _quoted(str(value.type))
    return f"{dtype}[{', '.join(map(str, shape))}]"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
