"""Which functions of rows become kernels: those of which IREE fuses nothing with what is beside."""

import math
from dataclasses import dataclass, field

from slopec import dtypes, ir
from slopec.kernels.elementwise import EACH, number_of
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import call, is_wanted, reshaped
from slopec.kernels.nodes import FOLDS, NEUTRAL, Node
from slopec.kernels.rows import RowFunction, row_kernel
from slopec.transforms.body import binary_kind, block_of, defining

SHORT = 64
"""Rows of fewer numbers are not worth a vector each."""

_LARGE = 1 << 16
"""Numbers beside which it does not matter that those of rows or columns have other dispatches."""
_LONGEST = 1 << 18
"""Numbers of a row that are folded at once, some thousands in each lane: so sums keep digits."""

_FUSED = frozenset(
    f"stablehlo.{name}"
    for name in "select compare convert broadcast_in_dim iota reduce transpose slice pad"
    " concatenate reverse dot_general convolution".split()
) | frozenset(EACH)


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a row's last value is computed, if that pays; whether it did."""
    (result,) = op.results
    if not ir.is_static(result):
        return False
    shape, dtype = ir.type_of(result)
    floating = dtype in (dtypes.float32, dtypes.float64)
    if not floating or len(shape) < 2 or shape[-1] < SHORT or 0 in shape:
        return False
    if any(use.owner.operation.name in _FUSED for use in result.uses):
        return False
    reader = Reader(op, shape)
    root = reader.read(result, rows=True, lanes=True)
    nodes = tuple(reader.nodes)
    function = RowFunction(math.prod(shape[:-1]), shape[-1], dtype, nodes, (root,))
    if not (function.levels[root] and nodes[root].lanes and reader.stands_alone):
        return False
    _put(module, function, reader, op, vectors)
    return True


def place_fold(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where rows are folded, if that pays; whether it did.

    IREE folds them in one register, which waits for itself, and those that no vectors divide evenly
    one number after the other.
    """
    if not op.results or not all(map(ir.is_static, op.operands)):
        return False
    cut = _of_cut_rows(op)
    shape, dtype = ir.type_of(op.operands[0] if cut is None else cut[0])
    if dtype not in (dtypes.float32, dtypes.float64) or len(shape) < 2 or 0 in shape:
        return False
    slow = cut is not None or shape[-1] % vectors.lanes(dtype) or math.prod(shape) >= _LARGE
    if shape[-1] < SHORT or not slow:
        return False
    reader = Reader(op, shape)
    root = reader.fold(op)
    if root is None:
        return False
    function = RowFunction(math.prod(shape[:-1]), shape[-1], dtype, tuple(reader.nodes), (root,))
    if not (reader.stands_alone and is_wanted(op)):
        return False
    _put(module, function, reader, op, vectors)
    return True


def _put(
    module: ir.Module,
    function: RowFunction,
    reader: "Reader",
    op: ir.Operation,
    vectors: Vectors,
) -> None:
    """Let a kernel compute what an op does."""
    kernel, (result,) = row_kernel(function, vectors), op.results
    inputs = [
        reshaped(value, sizes, op)
        for value, (sizes, _) in zip(reader.inputs, kernel.operands, strict=True)
    ]
    (made,) = call(kernel, inputs, module, op)
    result.replace_all_uses_with(reshaped(made, ir.type_of(result)[0], op))


@dataclass
class Reader:
    """What a value of rows is made of, as nodes; the root's operands are followed backwards."""

    root: ir.Operation
    shape: ir.Shape
    nodes: list[Node] = field(default_factory=list)
    inputs: list[ir.Value] = field(default_factory=list)
    ops: list[ir.Operation] = field(default_factory=list)
    _places: dict[tuple[ir.Value, bool, bool], int] = field(default_factory=dict)

    @property
    def stands_alone(self) -> bool:
        """Whether nothing that it reads, and nothing of it but the root, is fused with others."""
        whole = math.prod(self.shape)
        for value in self.inputs:
            if math.prod(ir.type_of(value)[0]) < whole >= _LARGE:
                continue
            made = defining(value)
            while made is not None and made.name == "stablehlo.reshape":
                made = defining(made.operands[0])
            if made is not None and made.name in _FUSED:
                return False
        inside = {*self.ops, self.root}
        users = [
            use.owner.operation for op in self.ops if op != self.root for use in op.results[0].uses
        ]
        return all(user in inside for user in users)

    def read(self, value: ir.Value, *, rows: bool, lanes: bool) -> int:
        """The place of a value's node, which is taken to vary along rows and lanes as said."""
        known = self._places.get((value, rows, lanes))
        if known is None:
            op = defining(value)
            known = (
                None if op is None or op.parent != self.root.parent else self._made(op, rows, lanes)
            )
            if known is None:
                self.inputs.append(value)
                known = self._add(Node("input", rows=rows, lanes=lanes))
            elif op is not None:
                self.ops.append(op)
            self._places[value, rows, lanes] = known
        return known

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _made(self, op: ir.Operation, rows: bool, lanes: bool) -> int | None:
        """The node of what an op makes; None if it is to be an input."""
        number = number_of(op)
        if number is not None:
            return self._add(Node("number", number=number))
        if op.name in EACH:
            of = tuple(self.read(v, rows=rows, lanes=lanes) for v in op.operands)
            varies = {
                name: any(getattr(self.nodes[i], name) for i in of) for name in ("rows", "lanes")
            }
            return self._add(Node("each", EACH[op.name], of, **varies))
        if op.name == "stablehlo.reshape":
            return self._same(op, rows, lanes)
        if op.name == "stablehlo.broadcast_in_dim":
            return self._spread(op, rows, lanes)
        if op.name == "stablehlo.reduce" and rows and not lanes:
            return self.fold(op)
        return None

    def _same(self, op: ir.Operation, rows: bool, lanes: bool) -> int | None:
        """A reshape that only adds or takes sizes of 1."""
        sizes = [
            tuple(n for n in ir.type_of(v)[0] if n != 1) for v in (op.operands[0], op.results[0])
        ]
        if sizes[0] != sizes[1]:
            return None
        return self.read(op.operands[0], rows=rows, lanes=lanes)

    def _spread(self, op: ir.Operation, rows: bool, lanes: bool) -> int | None:
        """A broadcast of a number, of one per row, or of a row."""
        (source,) = op.operands
        if not (rows and lanes):
            return None
        shape, dims = ir.type_of(source)[0], tuple(op.attributes["broadcast_dimensions"])
        varying = [d for n, d in zip(shape, dims, strict=True) if n != 1]
        last = len(self.shape) - 1
        if not varying:
            return self.read(source, rows=False, lanes=False)
        if varying == [last]:
            return self.read(source, rows=False, lanes=True)
        wanted = [d for d in range(last) if self.shape[d] != 1]
        return self.read(source, rows=True, lanes=False) if varying == wanted else None

    def fold(self, op: ir.Operation) -> int | None:
        """The place of a reduction of rows; None of others."""
        kind, cut = _kind_of(op), _of_cut_rows(op)
        source, inside = (op.operands[0], list[ir.Operation]()) if cut is None else cut
        if kind is None or ir.type_of(source)[0] != self.shape:
            return None
        self.ops += inside
        i = self.read(source, rows=True, lanes=True)
        if not (self.nodes[i].lanes and self.nodes[i].rows):
            return None
        return self._add(Node("fold", kind, (i,), rows=True))


def _kind_of(op: ir.Operation) -> str | None:
    """How an op folds the last dimension of one operand, beginning with what is neutral."""
    if op.name != "stablehlo.reduce" or len(op.operands) != 2:
        return None
    kind = FOLDS.get(binary_kind(block_of(op)) or "")
    if kind is None or number_of(defining(op.operands[1])) != NEUTRAL[kind]:
        return None
    last = len(ir.type_of(op.operands[0])[0]) - 1
    return kind if tuple(op.attributes["dimensions"]) == (last,) else None


def _of_cut_rows(op: ir.Operation) -> tuple[ir.Value, list[ir.Operation]] | None:
    """The rows that an op folds together with those ops before it which cut them into parts.

    So does `split-sums` with long rows.
    """
    kind = _kind_of(op)
    if kind is None:
        return None
    inner = defining(op.operands[0])
    if inner is None or _kind_of(inner) != kind:
        return None
    cut = defining(inner.operands[0])
    if cut is None or cut.name != "stablehlo.reshape":
        return None
    rows, inside = cut.operands[0], [inner, cut]
    pad = defining(rows)
    if pad is not None and pad.name == "stablehlo.pad":
        if number_of(defining(pad.operands[1])) != NEUTRAL[kind] or not _is_behind(pad):
            return None
        rows, inside = pad.operands[0], [*inside, pad]
    shape, parts = ir.type_of(rows)[0], ir.type_of(cut.results[0])[0]
    whole = ir.type_of(cut.operands[0])[0]
    if len(parts) != len(shape) + 1 or parts[:-2] != whole[:-1] or shape[-1] > _LONGEST:
        return None
    return rows, inside


def _is_behind(pad: ir.Operation) -> bool:
    """Whether rows are padded behind their last number, and nothing else is."""
    low, high, between = (
        list(pad.attributes[name])
        for name in ("edge_padding_low", "edge_padding_high", "interior_padding")
    )
    return not any((*low, *high[:-1], *between))
