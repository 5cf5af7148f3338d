"""What a block computes of matrices of one size: folds of their columns, and ops around them.

*Roots* are what kernels are to compute: the folds, and what is computed with them for whole
matrices and wanted by others. Whatever lies between is computed on the way, in every kernel anew.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from slopec import dtypes, ir
from slopec.kernels.columns import Matrix
from slopec.kernels.elementwise import number_of
from slopec.kernels.lines import Item, Line, Lines, Typed
from slopec.kernels.nodes import DEAR, FOLDS, NEUTRAL
from slopec.transforms.body import binary_kind, block_of, defining, facts_of

BARRIER, REDUCE = "stablehlo.optimization_barrier", "stablehlo.reduce"
_BROADCAST = "stablehlo.broadcast_in_dim"
_MANY = 3  # matrices: to read them again costs more than to keep what is made of them

Values = dict[Item, None]
"""A set of values that keeps their order, so that a program always gets the same kernels."""


@dataclass(frozen=True, eq=False)
class Fold:
    """A reduction of all rows of a matrix, in one op or in two; `steps` are their results."""

    op: ir.Operation
    steps: tuple[ir.Value, ...]
    kind: str
    x: ir.Value
    matrix: Matrix


def fold_of(op: ir.Operation) -> Fold | None:
    """The fold that a reduction is; None for others, those that are first steps included."""
    found = _reduction(op)
    if found is None:
        return None
    kind, x, dims = found
    before = defining(x)
    steps: tuple[ir.Value, ...] = (op.results[0],)
    first = None if before is None or before.block != op.block else _reduction(before)
    if first is not None and first[0] == kind and len(list(x.uses)) == 1:
        left = [d for d in range(len(ir.type_of(first[1])[0])) if d not in first[2]]
        steps = x, *steps
        x, dims = first[1], tuple(sorted((*first[2], *(left[d] for d in dims))))
    shape, dtype = ir.type_of(x)
    split = len(dims)
    if dims != tuple(range(split)) or split == len(shape) or 0 in shape:
        return None
    matrix = Matrix(math.prod(shape[:split]), math.prod(shape[split:]), dtype)
    return Fold(op, steps, kind, x, matrix)


def _reduction(op: ir.Operation) -> tuple[str, ir.Value, tuple[int, ...]] | None:
    """The kind of a reduction, its operand and its dimensions."""
    if op.name != REDUCE or len(op.operands) != 2:
        return None
    x, start = op.operands
    if not ir.is_static(x) or ir.type_of(x)[1] not in (dtypes.float32, dtypes.float64):
        return None
    kind = FOLDS.get(binary_kind(block_of(op)) or "")
    if kind is None or number_of(defining(start)) != NEUTRAL[kind]:
        return None
    return kind, x, tuple(sorted(op.attributes["dimensions"]))


@dataclass
class Graph:
    """The ops of a block, as far as they concern matrices of one size.

    `family` are the matrices that are computed elementwise. `light` are they and what else is not
    computed before it is wanted, which kernels then do. `steps` are what reductions make. `reaches`
    has, for each value, the roots that it is made of with no other root in between, `leaves` what
    is read from memory to compute it, such roots among them. `places` number the roots in order.
    """

    lines: Lines
    matrix: Matrix
    folds: dict[Item, Fold]
    steps: set[Item] = field(default_factory=set)
    family: set[Item] = field(default_factory=set)
    light: set[Item] = field(default_factory=set)
    reaches: dict[Item, Values] = field(default_factory=dict)
    leaves: dict[Item, Values] = field(default_factory=dict)
    places: dict[Item, int] = field(default_factory=dict)
    copies: dict[Item, list[Item]] = field(default_factory=dict)
    _same: dict[Item, Item] = field(default_factory=dict)
    _first: dict[object, Item] = field(default_factory=dict)
    _folded: set[Item] = field(default_factory=set)
    _outside: set[Item] = field(default_factory=set)
    _dear: set[Item] = field(default_factory=set)
    _splits: dict[Typed, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look at every op three times."""
        items = self.lines.items
        self.steps = {items[step] for fold in self.folds.values() for step in fold.steps}
        self._folded |= self.steps
        for line in self.lines.found:
            self._name(line)
        for line in reversed(self.lines.found):
            for value in line.results:
                if any(self._leads_outside(user, value) for user in value.users):
                    self._outside.add(self.same(value))
        for line in self.lines.found:
            for value in line.results:
                self._reach(line, value)

    # --- values ------------------------------------------------------------------------------

    def split(self, value: Item) -> int | None:
        """How many dimensions of a matrix are rows; None for what is no matrix of the size."""
        typed = value.type
        if typed is None:
            return None
        if typed not in self._splits:
            shape, dtype = typed
            rows = [math.prod(shape[:i]) for i in range(len(shape) + 1)]
            fits = dtype in (self.matrix.dtype, dtypes.bool_) and self.matrix.rows in rows
            whole = fits and rows[-1] == self.matrix.rows * self.matrix.width
            self._splits[typed] = rows.index(self.matrix.rows) if whole else None
        return self._splits[typed]

    def is_whole(self, value: Item) -> bool:
        """Whether a value is a matrix, its rows and its columns perhaps in several dimensions."""
        return self.split(value) is not None

    def is_given(self, value: Item) -> bool:
        """Whether a value is in memory without any of the kernels."""
        if value not in self.family:
            return value not in self.light
        return value in self._outside and not self.reaches[value]

    def is_truth(self, value: Item) -> bool:
        """Whether a value is made of truth values."""
        return value.type is not None and value.type[1] == dtypes.bool_

    def is_number(self, value: Item) -> bool:
        """Whether a value is one number."""
        return value.type is not None and math.prod(value.type[0]) == 1

    def is_matrix_work(self, root: Item) -> bool:
        """Whether a root is computed for all rows, not for columns alone."""
        return root in self.folds or self.is_whole(root)

    def is_costly(self, value: Item) -> bool:
        """Whether computing a matrix of numbers a second time costs more than keeping it."""
        if value not in self.family or self.is_truth(value):
            return False
        return value in self._dear or len(self.wholes_read(value)) >= _MANY

    def wholes(self, value: Item) -> list[Item]:
        """The matrices that kernels compute a matrix from; none if they read it from memory."""
        line = value.line
        if line is None or line.name == _BROADCAST or self.is_given(value):
            return []
        return [v for v in self.made_of(line, value) if self.is_whole(v)]

    def wholes_read(self, value: Item) -> Values:
        """The matrices that are read from memory to compute a value."""
        return dict.fromkeys(leaf for leaf in self.leaves[value] if self.is_whole(leaf))

    def made_of(self, line: Line, value: Item) -> list[Item]:
        """What one of an op's results is made of."""
        if line.name == BARRIER:
            return [self.same(line.operands[line.results.index(value)])]
        if value in self.folds:
            return [self.same(self.folded(value))]
        return [self.same(v) for v in line.operands]

    def folded(self, root: Item) -> Item:
        """The matrix that a fold folds."""
        return self.lines.items[self.folds[root].x]

    def same(self, value: Item) -> Item:
        """The first of the values that are computed alike; barriers do not matter in kernels."""
        return self._same.get(value, value)

    # --- ops ---------------------------------------------------------------------------------

    def _name(self, line: Line) -> None:
        """Note what an op belongs to."""
        if line.kind is not None and self.is_whole(line.results[0]) and self._is_readable(line):
            self.family.add(line.results[0])
        if not self._is_light(line):
            return
        for value in line.results:
            self.light.add(value)
            inner = self.made_of(line, value)
            if any(v in self._folded for v in inner):
                self._folded.add(value)
            self._number(line, value, inner)

    def _is_readable(self, line: Line) -> bool:
        """Whether an elementwise op's operands are numbers, or truth values computed from them."""
        shape = _shape(line.results[0])
        for operand in line.operands:
            size, dtype = operand.type or ((), None)
            source = operand.line
            truth = operand in self.light and source is not None and source.kind is not None
            if size != shape or not (dtype == self.matrix.dtype or truth):
                return False
        return True

    def _is_light(self, line: Line) -> bool:
        """Whether an op only moves matrices, or computes something small that kernels read."""
        if line.name == BARRIER:
            return True
        if len(line.results) != 1 or line.results[0].type is None:
            return False
        (value,) = line.results
        shape, dtype = line.results[0].type
        if value in self.family or dtype not in (self.matrix.dtype, dtypes.bool_):
            return value in self.family
        if line.name == "stablehlo.reshape":
            return self.is_whole(value) or self._sizes(line.operands[0]) == self._sizes(value)
        if line.name == _BROADCAST:
            (source,) = line.operands
            if not self.is_whole(value):
                return self._sizes(source) in ((), self._sizes(value))
            context = self.context(line)
            return context is not None and not (context[0] and source in self._folded)
        small = math.prod(shape) in (1, self.matrix.width)
        return small and line.kind is not None and self._is_readable(line)

    def _sizes(self, value: Item) -> tuple[int, ...] | None:
        return None if value.type is None else tuple(n for n in value.type[0] if n != 1)

    def context(self, line: Line) -> tuple[bool, bool] | None:
        """Whether what is broadcast to a matrix varies along rows, and along columns."""
        source, result = line.operands[0], _shape(line.results[0])
        split = self.split(line.results[0])
        if split is None or source.type is None:
            return None
        dims = tuple(line.op.attributes["broadcast_dimensions"])
        sizes = zip(source.type[0], dims, strict=True)
        varying = [d for n, d in sizes if n != 1]
        rows = [d for d in range(split) if result[d] != 1]
        columns = [d for d in range(split, len(result)) if result[d] != 1]
        known = {(): (False, False), tuple(columns): (False, True), tuple(rows): (True, False)}
        return known.get(tuple(varying))

    def _number(self, line: Line, value: Item, inner: list[Item]) -> None:
        """Find out whether a value is computed like one before it."""
        first = inner[0]
        if line.name != BARRIER:
            facts = facts_of(line.op) if line.name == _BROADCAST else ""
            key = line.kind or line.name, facts, value.type, *inner
            first = self._first.setdefault(key, value)
        if first != value:
            self._same[value] = first
            self.copies.setdefault(first, []).append(value)

    def _leads_outside(self, user: Line | None, value: Item) -> bool:
        """Whether a user of a value is, or leads to, something that the kernels do not compute."""
        if user is None or not user.results:
            return True
        made = list(user.results)
        if user.name == BARRIER:
            made = [r for r, v in zip(user.results, user.operands, strict=True) if v == value]
        made = [self.same(v) for v in made]
        if made[0] in self.steps:
            return False
        if made[0] not in self.light:
            return True
        is_root = user.kind is not None and not self.is_truth(made[0])
        return not is_root and any(v in self._outside for v in made)

    def _reach(self, line: Line, value: Item) -> None:
        """Note what a value is made of."""
        inner = self.made_of(line, value) if value in self.light or value in self.folds else []
        self.reaches[value] = self.behind(inner)
        self.leaves[value] = dict.fromkeys(leaf for v in inner for leaf in self._read(v))
        if line.kind in DEAR or any(v in self._dear for v in inner):
            self._dear.add(value)
        wanted = value in self.light and line.kind is not None and value in self._outside
        computed = wanted and not self.is_truth(value) and self.reaches[value]
        if (value in self.folds or computed) and self.same(value) == value:
            self.places[value] = len(self.places)

    def _read(self, value: Item) -> Values:
        """What is read from memory of a value that others are made of."""
        if value not in self.places and not self.is_given(value):
            return self.leaves[value]
        constant = value.line is not None and value.line.name == "stablehlo.constant"
        return {} if constant else {value: None}

    def behind(self, values: Iterable[Item]) -> Values:
        """The roots behind some values, which may be roots themselves."""
        found: Values = {}
        for value in map(self.same, values):
            found.update({value: None} if value in self.places else self.reaches.get(value, {}))
        return found


def _shape(value: Item) -> ir.Shape:
    return () if value.type is None else value.type[0]
