"""Loops that treat rows alone, such as recurrent networks: what an iteration makes of one row.

Where products are with matrices that no iteration changes, and all else is done on each number, the
first rows of what a loop carries never meet the others: whoever runs all iterations for some rows
need not wait for anybody.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from slopec import dtypes, ir
from slopec.dialects.attributes import DotDimensionNumbers
from slopec.passes.op import Op, splat, tensor_of
from slopec.passes.stacks import Stack, rows_of, stack_of
from slopec.transforms.body import block_of, defining, returned
from slopec.transforms.counted import Count, count_of

ELEMENTWISE = frozenset(
    f"stablehlo.{name}"
    for name in "add subtract multiply divide maximum minimum negate abs exponential log rsqrt sqrt"
    " tanh logistic compare select".split()
)
"""The ops on each number that such a loop may have."""

_ROOM = 2 << 20
"""Bytes of matrices that one worker reads in an iteration about as quickly as several would."""
_SHARED = 8 << 20
"""Bytes of matrices that near caches hold, for workers with many rows each."""
_MANY = 16  # rows, which keep several workers busy
_OPS = 256

Kind = Literal["state", "row", "same", "feature", "number", "each", "part", "joined", "product"]


@dataclass(frozen=True)
class Node:
    """A value of an iteration: `width` numbers for each row.

    A "state" is what the iteration before made, a "row" of a stack is another one in each, "same"
    is the same in all, a "feature" the same for all rows too; `place` counts the states, or what
    comes from outside. "each" is `op` on each number, a "part" some columns from `start` on,
    "joined" is operands beside each other, a "product" that of its operand and a matrix, which is
    perhaps `transposed`.
    """

    kind: Kind
    width: int
    operands: tuple[int, ...] = ()
    place: int = 0
    op: str = ""
    start: int = 0
    number: float = 0.0
    stack: Stack | None = None
    transposed: bool = False


@dataclass(frozen=True)
class RowLoop:
    """`trips` iterations over `rows` rows of values, each after those it is made of.

    `outer` is what comes from outside. `states` and `stacks` say at which place of what the loop
    carries an iteration leaves which value; a stack's goes to another row in each.
    """

    trips: int
    rows: int
    nodes: tuple[Node, ...]
    states: tuple[tuple[int, int], ...]
    stacks: tuple[tuple[int, int, Stack], ...]
    outer: tuple[ir.Value, ...] = field(repr=False)

    @cached_property
    def matrices(self) -> dict[tuple[int, bool], tuple[int, int]]:
        """What from outside is multiplied by, and whether transposed: its rows and columns."""
        return {
            (n.place, n.transposed): (self.nodes[n.operands[0]].width, n.width)
            for n in self.nodes
            if n.kind == "product"
        }

    @property
    def pays(self) -> bool:
        """Whether it is no slower than going through each product with all workers."""
        size = sum(ir.size_in_bytes(self.outer[place]) for place, _ in self.matrices)
        return 0 < size <= (_SHARED if self.rows >= _MANY else _ROOM)


def row_loop_of(op: Op) -> RowLoop | None:
    """What a `while` does with each row, if it treats rows alone and that is worth to be used."""
    count = count_of(op.operation)
    if count is None or count.trips < 2 or (count.start, count.step) != (0, 1):
        return None
    body = block_of(op.operation, 1)
    if len(list(body.operations)) > _OPS:
        return None
    loop = _Reader(op, count).read()
    return loop if loop is not None and loop.pays else None


@dataclass
class _Reader:
    op: Op
    count: Count
    rows: int = 0
    nodes: list[Node] = field(default_factory=list)
    known: dict[ir.Value, int] = field(default_factory=dict)
    outer: list[ir.Value] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)
    """The places of the states, and their numbers."""

    def __post_init__(self) -> None:
        """Look at the body."""
        self.body = block_of(self.op.operation, 1)
        self.arguments = list(self.body.arguments)
        self.counter = self.arguments[self.count.place]

    def read(self) -> RowLoop | None:
        """All that the loop carries, unless some of it is of another kind."""
        after = returned(self.body)
        stacks: dict[int, Stack] = {}
        for i, value in enumerate(after):
            if i == self.count.place or value == self.arguments[i]:
                continue
            stack = stack_of(self.op, i, value, self.count)
            if ir.type_of(value)[1] != dtypes.float32:
                return None
            if stack is None:
                self.states[i] = len(self.states)
            elif self._fills(i, stack):
                stacks[i] = stack
            else:
                return None
        shapes = [ir.type_of(after[i])[0] for i in self.states]
        several = {shape[0] for shape in shapes if shape} - {1}
        if not shapes or any(len(shape) < 2 for shape in shapes) or len(several) > 1:
            return None
        self.rows = next(iter(several), 1)
        made = {i: self._value(after[i]) for i in self.states}
        kept = {i: self._value(self._written(after[i])) for i in stacks}
        found = [*made.values(), *kept.values()]
        if any(i is None for i in found) or 0 in {self.rows, *(n.width for n in self.nodes)}:
            return None
        return RowLoop(
            self.count.trips,
            self.rows,
            tuple(self.nodes),
            tuple((i, node) for i, node in made.items() if node is not None),
            tuple((i, node, stacks[i]) for i, node in kept.items() if node is not None),
            tuple(self.outer),
        )

    def _fills(self, place: int, stack: Stack) -> bool:
        """Whether a stack is written from end to end, so that nothing is left of what it was."""
        ends = {(0, 1), (self.count.trips - 1, -1)}
        rows = ir.type_of(self.arguments[place])[0][0]
        written_only = len(list(self.arguments[place].uses)) == 1
        return rows == self.count.trips and (stack.offset, stack.sign) in ends and written_only

    def _written(self, stack: ir.Value) -> ir.Value:
        update = defining(stack)
        assert update is not None
        return update.operands[1]

    # --- values --------------------------------------------------------------------------------

    def _width(self, value: ir.Value) -> int | None:
        """The numbers of a row, of a tensor of rows or of one of such tensors."""
        shape, dtype = ir.type_of(value)
        if dtype != dtypes.float32 and dtype != dtypes.bool_:
            return None
        if len(shape) > 1 and shape[0] == self.rows:
            return math.prod(shape[1:])
        if len(shape) > 2 and shape[:2] == (1, self.rows):
            return math.prod(shape[2:])
        return None

    def _value(self, value: ir.Value) -> int | None:
        """The place of a value among the nodes; None if it is not made of rows alone."""
        if value not in self.known:
            width = self._width(value)
            node = None if width is None else self._node(value, width)
            if node is None:
                return None
            self.known[value] = self._added(node)
        return self.known[value]

    def _added(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _node(self, value: ir.Value, width: int) -> Node | None:
        number = splat(tensor_of(value, self.op.trace))
        if number is not None and number.dtype == dtypes.float32:
            return Node("number", width, number=float(number))
        if value in self.arguments and (place := self.arguments.index(value)) in self.states:
            return Node("state", width, place=self.states[place])
        outside = self._unchanged(value)
        if outside is not None:
            return self._from_outside(outside, width)
        made = defining(value)
        if made is None:
            return None
        if made.name in ELEMENTWISE:
            return self._each(made, width)
        read = {
            "stablehlo.reshape": self._reshape,
            "stablehlo.dynamic_slice": self._row,
            "stablehlo.slice": self._part,
            "stablehlo.concatenate": self._joined,
            "stablehlo.pad": self._padded,
            "stablehlo.dot_general": self._product,
            "stablehlo.broadcast_in_dim": self._spread,
        }.get(made.name)
        return None if read is None else read(made, width)

    def _operands(self, values: Sequence[ir.Value]) -> tuple[int, ...] | None:
        found = [self._value(value) for value in values]
        return None if None in found else tuple(i for i in found if i is not None)

    def _outside(self, value: ir.Value) -> int:
        """The number of a value from outside."""
        if value not in self.outer:
            self.outer.append(value)
        return self.outer.index(value)

    def _from_outside(self, value: ir.Value, width: int) -> Node | None:
        """What no iteration changes; of what is the same for all rows, one of them."""
        if ir.type_of(value)[1] != dtypes.float32:
            return None
        made = defining(value)
        if made is not None and made.name == "stablehlo.broadcast_in_dim":
            return self._spread(made, width) or Node("same", width, place=self._outside(value))
        return Node("same", width, place=self._outside(value))

    def _each(self, op: ir.Operation, width: int) -> Node | None:
        operands = self._operands(list(op.operands))
        if operands is None or {self.nodes[i].width for i in operands} != {width}:
            return None
        if op.name != "stablehlo.compare":
            return Node("each", width, operands, op=op.name)
        direction = str(op.attributes["comparison_direction"]).split()[-1].rstrip(">")
        floats = ir.type_of(op.operands[0])[1] == dtypes.float32
        return Node("each", width, operands, op=direction) if floats else None

    def _reshape(self, op: ir.Operation, width: int) -> Node | None:
        """The same rows, in another shape; what comes from outside lies in memory as it is."""
        outside = self._unchanged(op.operands[0])
        if outside is not None:
            return self._from_outside(outside, width)
        operands = self._operands(list(op.operands))
        return None if operands is None else Node("part", width, operands)

    def _row(self, op: ir.Operation, width: int) -> Node | None:
        """A row of a stack from outside, for each iteration another one, all within it."""
        before, first, *others = op.operands
        source = self._unchanged(before)
        if source is None or ir.type_of(source)[1] != dtypes.float32:
            return None
        shape = ir.type_of(source)[0]
        stack = rows_of(first, self.counter, self.count, shape[0]) if shape else None
        whole = (1, *shape[1:]) == ir.type_of(op.results[0])[0] and shape[1:2] == (self.rows,)
        zeros = all(splat(tensor_of(x, self.op.trace)) == 0 for x in others)
        if stack is None or not (whole and zeros):
            return None
        return Node("row", width, place=self._outside(source), stack=stack)

    def _part(self, op: ir.Operation, width: int) -> Node | None:
        """Columns that follow each other."""
        (source,) = op.operands
        shape = ir.type_of(source)[0]
        starts, limits, strides = (
            list(op.attributes[name]) for name in ("start_indices", "limit_indices", "strides")
        )
        cut = [d for d, n in enumerate(shape) if limits[d] - starts[d] != n]
        operands = self._operands([source])
        if operands is None or set(strides) != {1} or len(cut) > 1:
            return None
        if not all(self._is_column(shape, d) for d in cut):
            return None
        start = sum(starts[d] * math.prod(shape[d + 1 :]) for d in cut)
        return Node("part", width, operands, start=start)

    def _first(self, shape: ir.Shape) -> int:
        """Where a tensor's columns begin: after the rows."""
        return 1 if shape[0] == self.rows else 2

    def _is_column(self, shape: ir.Shape, dimension: int) -> bool:
        """Whether a dimension comes right after the rows, but for those of size 1."""
        first = self._first(shape)
        return dimension >= first and all(n == 1 for n in shape[first:dimension])

    def _joined(self, op: ir.Operation, width: int) -> Node | None:
        dimension = int(op.attributes["dimension"].value)
        operands = self._operands(list(op.operands))
        if operands is None or not self._is_column(ir.type_of(op.results[0])[0], dimension):
            return None
        return Node("joined", width, operands)

    def _padded(self, op: ir.Operation, width: int) -> Node | None:
        """Columns between others that are all one number."""
        x, filling = op.operands
        shape, number = ir.type_of(op.results[0])[0], splat(tensor_of(filling, self.op.trace))
        low, high, gaps = (
            list(op.attributes[name])
            for name in ("edge_padding_low", "edge_padding_high", "interior_padding")
        )
        sides = [d for d in range(len(shape)) if low[d] or high[d]]
        if number is None or any(gaps) or min(*low, *high) < 0 or len(sides) != 1:
            return None
        (operands, (d,)) = self._operands([x]), sides
        if operands is None or not self._is_column(shape, d):
            return None
        inner = math.prod(shape[d + 1 :])
        ends = [Node("number", n * inner, number=float(number)) for n in (low[d], high[d])]
        places = [None if not n.width else self._added(n) for n in ends]
        joined = (places[0], *operands, places[1])
        return Node("joined", width, tuple(i for i in joined if i is not None))

    def _product(self, op: ir.Operation, width: int) -> Node | None:
        """The product of all columns and a matrix from outside."""
        left, right = op.operands
        numbers = DotDimensionNumbers.parse(op.attributes["dot_dimension_numbers"])
        shape, matrix = ir.type_of(left)[0], ir.type_of(right)[0]
        columns = tuple(range(self._first(shape), len(shape)))
        outside = self._unchanged(right)
        if outside is None or numbers.lhs_batching or tuple(numbers.lhs_contracting) != columns:
            return None
        summed, depth = tuple(numbers.rhs_contracting), len(columns)
        transposed = summed != tuple(range(depth))
        if transposed and summed != tuple(range(len(matrix) - depth, len(matrix))):
            return None
        operands = self._operands([left])
        if operands is None or ir.type_of(right)[1] != dtypes.float32:
            return None
        place = self._outside(outside)
        return Node("product", width, operands, place=place, transposed=transposed)

    def _unchanged(self, value: ir.Value) -> ir.Value | None:
        """What a value is before the loop, if no iteration makes or changes it."""
        if value in self.arguments:
            place = self.arguments.index(value)
            same = returned(self.body)[place] == value
            return self.op.operation.operands[place] if same else None
        made = defining(value)
        return None if made is not None and made.block == self.body else value

    def _spread(self, op: ir.Operation, width: int) -> Node | None:
        """What is the same for all rows: a number, or one from outside for each column."""
        (source,) = op.operands
        number, outside = splat(tensor_of(source, self.op.trace)), self._unchanged(source)
        if number is not None and number.dtype == dtypes.float32:
            return Node("number", width, number=float(number))
        shape, sizes = ir.type_of(op.results[0])[0], ir.type_of(source)[0]
        pairs = zip(op.attributes["broadcast_dimensions"], sizes, strict=True)
        varying = [d for d, n in pairs if n != 1]
        columns = [d for d in range(self._first(shape), len(shape)) if shape[d] != 1]
        if outside is None or varying != columns or not columns:
            return None
        return Node("feature", width, place=self._outside(outside))
