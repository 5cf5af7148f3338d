"""Which folds of columns become kernels: those that fewer kernels than dispatches compute.

The roots of a block (`column_graph.py`) are shared out among *stages*, each of which is a kernel:
in the order of the block, as many as can be computed together.
"""

from dataclasses import dataclass, field
from itertools import chain

from slopec import ir
from slopec.kernels.column_graph import BARRIER, REDUCE, Fold, Graph, fold_of
from slopec.kernels.columns import ColumnFunction, Matrix, column_kernel, parts_of
from slopec.kernels.elementwise import number_of
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import BUFFERS, call, reshaped
from slopec.kernels.lines import Item, Line, Lines
from slopec.kernels.nodes import Node
from slopec.transforms.body import defining

_BUFFERS = (28, 22, 16)  # of a kernel, about; with what stages keep for others there are more
_MOST_BUFFERS = BUFFERS - 2
_NARROWEST = 32  # bytes of a row
_FEWEST_ROWS = 16


def place(module: ir.Module, vectors: Vectors) -> bool:
    """Put kernels where columns are folded, if that pays; whether there are any."""
    found: dict[ir.Block, dict[Matrix, list[Fold]]] = {}
    for op in ir.ops_in(module, REDUCE):
        fold = fold_of(op)
        if fold is not None and _is_large(fold.matrix):
            found.setdefault(op.block, {}).setdefault(fold.matrix, []).append(fold)
    placed = False
    for block, matrices in found.items():
        lines = None
        for folds in matrices.values():
            lines = lines or Lines(block)
            if _place(module, lines, folds, vectors):
                placed, lines = True, None
    return placed


def _is_large(matrix: Matrix) -> bool:
    return matrix.rows >= _FEWEST_ROWS and matrix.width * matrix.dtype.itemsize >= _NARROWEST


def _place(module: ir.Module, lines: Lines, folds: list[Fold], vectors: Vectors) -> bool:
    """Put kernels where matrices of one size are folded."""
    firsts = {lines.items[step] for fold in folds for step in fold.steps[:-1]}
    every = {lines.items[fold.op.results[0]]: fold for fold in folds}
    known = {root: fold for root, fold in every.items() if root not in firsts}
    while known:
        graph = Graph(lines, folds[0].matrix, known)
        stages = _staged(graph, _BUFFERS[0])
        alone = {root for stage in stages.found for root in stage.alone(graph)}
        if not alone:
            fewer = (_staged(graph, most) for most in _BUFFERS[1:])
            readers = next(filter(_fit, map(_read, chain([stages], fewer))), None)
            if readers is not None:
                _write(module, graph, readers, vectors)
            return readers is not None
        known = {root: fold for root, fold in known.items() if root not in alone}
    return False


# --- stages ----------------------------------------------------------------------------------


@dataclass
class Stage:
    """Roots that one kernel computes, `before` an op; `joined` are folds whose parts it folds.

    It stores `kept` as well, which are no roots but wanted by other stages.
    """

    roots: list[Item] = field(default_factory=list)
    before: ir.Operation | None = None
    joined: list[Item] = field(default_factory=list)
    kept: list[Item] = field(default_factory=list)

    def alone(self, graph: Graph) -> list[Item]:
        """A fold with which nothing else is done while a matrix is read.

        The back end does that in one dispatch as well, together with what follows.
        """
        work = [root for root in self.roots if graph.is_matrix_work(root)]
        single = len(work) == 1 and work[0] in graph.folds
        return work if single and len(graph.folds[work[0]].steps) == 1 else []


@dataclass
class _Stages:
    """The stages found so far, and the one that still takes roots.

    `apart` are folds of which there are only parts, `lasting` the roots that are wanted outside of
    the stages that make or join them.
    """

    graph: Graph
    most: int
    found: list[Stage] = field(default_factory=list)
    open: Stage = field(default_factory=Stage)
    placed: dict[Item, Stage] = field(default_factory=dict)
    apart: list[Item] = field(default_factory=list)
    lasting: set[Item] = field(default_factory=set)
    before: ir.Operation | None = None
    _passed: dict[Item, list[Item]] = field(default_factory=dict)

    @property
    def parts(self) -> int:
        """How many workgroups share the rows."""
        return parts_of(self.graph.matrix)

    def pass_by(self, root: Item) -> None:
        """Note a root that is made at this place in the block."""
        for leaf in self.graph.leaves[root]:
            if not self.graph.is_number(leaf):
                self._passed.setdefault(leaf, []).append(root)

    def supply(self, line: Line) -> None:
        """See to it that an op finds the roots behind its operands."""
        needs = self.graph.behind((*line.operands, *line.inner))
        if not needs:
            return
        self.before = line.op
        for root in needs:
            self._request(root)
        if self.parts > 1 and any(fold in needs for fold in self._folds(self.open)):
            self._close()
        self._join(self.open, [fold for fold in self.apart if fold in needs])
        if self.open.joined or any(self.placed[root] is self.open for root in needs):
            self._close()
        self.lasting.update(needs)

    def _folds(self, stage: Stage) -> list[Item]:
        return [root for root in stage.roots if root in self.graph.folds]

    def _request(self, root: Item) -> None:
        """Have a root computed, and with it what else is computed from the same matrices."""
        if root in self.placed:
            return
        for need in self.graph.reaches[root]:
            self._request(need)
        if not self._takes(root):
            self._close()
        waiting = [root]
        while waiting:
            root = waiting.pop(0)
            ready = all(need in self.placed for need in self.graph.reaches[root])
            if root not in self.placed and ready and self._takes(root):
                self._take(root)
                for leaf in (root, *self.graph.leaves[root]):
                    waiting += self._passed.get(leaf, ())

    def _takes(self, root: Item) -> bool:
        """Whether the open stage can compute a root as well, and should."""
        stage, needs = self.open, self.graph.reaches[root]
        if not stage.roots:
            return True
        waits = self.parts > 1 and any(fold in needs for fold in self._folds(stage))
        if waits or self._buffers([*stage.roots, root]) > self.most:
            return False
        read = [self.graph.wholes_read(other) for other in stage.roots]
        reads = self.graph.wholes_read(root)
        shares = any(leaf in others for others in read for leaf in reads)
        follows = any(other in needs for other in stage.roots)
        return shares or follows or not (reads or any(read))

    def _buffers(self, roots: list[Item]) -> int:
        """About how many buffers a kernel has that computes some roots."""
        return len({leaf for root in roots for leaf in (root, *self.graph.leaves[root])})

    def _take(self, root: Item) -> None:
        self.open.roots.append(root)
        self.placed[root] = self.open
        self._join(self.open, [fold for fold in self.apart if fold in self.graph.reaches[root]])
        for need in self.graph.reaches[root]:
            if self.placed[need] is not self.open and need not in self.open.joined:
                self.lasting.add(need)

    def _join(self, stage: Stage, folds: list[Item]) -> None:
        stage.joined += folds
        self.apart = [fold for fold in self.apart if fold not in folds]

    def _close(self) -> None:
        """End the open stage: its kernel comes before the op that something is supplied to."""
        stage, self.open = self.open, Stage()
        stage.before = self.before
        self.found.append(stage)
        if self.parts > 1:
            self.apart += self._folds(stage)


def _staged(graph: Graph, most: int) -> _Stages:
    """The stages in which a block's roots are computed, whoever wants them."""
    stages = _Stages(graph, most)
    for line in graph.lines.found:
        if any(value in graph.light or value in graph.steps for value in line.results):
            for value in line.results:
                if value in graph.places:
                    stages.pass_by(value)
        else:
            stages.supply(line)
    return stages


# --- what is kept between stages ---------------------------------------------------------------


def _keep(graph: Graph, stages: list[Stage]) -> None:
    """Keep what several stages want and what costs them more to compute than to read."""
    first: dict[Item, Stage] = {}
    kept: set[Item] = set()
    for stage in stages:
        waiting = [graph.folded(r) if r in graph.folds else r for r in stage.roots]
        seen: set[Item] = set()
        while waiting:
            value = waiting.pop()
            elsewhere = value in graph.places and value not in stage.roots
            if value in seen or value in kept or elsewhere:
                continue
            seen.add(value)
            before = first.setdefault(value, stage)
            if before is not stage and graph.is_costly(value):
                kept.add(value)
                before.kept.append(value)
            else:
                waiting += graph.wholes(value)


# --- reading ---------------------------------------------------------------------------------


@dataclass
class _Reader:
    """A stage as nodes. An input is a value, which may be a root or kept; "parts" of a fold."""

    graph: Graph
    stage: Stage
    parts: int
    stored: set[Item]
    lasting: set[Item]
    nodes: list[Node] = field(default_factory=list)
    inputs: list[Item] = field(default_factory=list)
    results: dict[Item, int] = field(default_factory=dict)
    _places: dict[tuple[Item, bool, bool], int] = field(default_factory=dict)

    def run(self) -> None:
        """Read all that the stage is to compute."""
        for value in (*self.stage.roots, *self.stage.kept):
            place = self.read(value, rows=self.graph.is_whole(value), lanes=True)
            if value not in self.graph.folds or self.shared_by > 1 or value in self.lasting:
                self.results[value] = place
        for fold in self.stage.joined:
            place = self.read(fold, rows=False, lanes=True)
            if fold in self.lasting:
                self.results[fold] = place

    @property
    def buffers(self) -> int:
        """How many buffers the kernel has."""
        return len(self.inputs) + len(self.results)

    @property
    def shared_by(self) -> int:
        """How many workgroups share the rows."""
        return self.parts if any(map(self.graph.is_matrix_work, self.stage.roots)) else 1

    @property
    def function(self) -> ColumnFunction:
        """What the kernel computes."""
        results = tuple(self.results.values())
        return ColumnFunction(self.graph.matrix, self.shared_by, tuple(self.nodes), results)

    def read(self, value: Item, *, rows: bool, lanes: bool) -> int:
        """The place of a value's node, which is taken to vary along rows and lanes as said."""
        known = self._places.get((value, rows, lanes))
        if known is None:
            known = self._made(value, rows, lanes)
            if known is None:
                known = self._input(value, Node("input", rows=rows, lanes=lanes))
            self._places[value, rows, lanes] = known
        return known

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _input(self, value: Item, node: Node) -> int:
        self.inputs.append(value)
        return self._add(node)

    def _made(self, value: Item, rows: bool, lanes: bool) -> int | None:
        """The node of what is computed here; None of what is read from memory."""
        graph, line = self.graph, value.line
        if value in graph.folds:
            return self._folded(value)
        op = defining(value.value)
        if value in self.stored or op is None:
            return None
        number = number_of(op)
        if number is not None:
            return self._add(Node("number", number=number))
        if line is None or value not in graph.light or (rows and lanes and graph.is_given(value)):
            return None
        if line.name == "stablehlo.broadcast_in_dim":
            return self._spread(line, value, rows, lanes)
        if line.name in ("stablehlo.reshape", BARRIER):
            (source,) = graph.made_of(line, value)
            return self.read(source, rows=rows, lanes=lanes)
        return self._each(line, value, rows, lanes)

    def _folded(self, value: Item) -> int | None:
        """A fold that is made here, or joined of its parts; others are inputs."""
        kind = self.graph.folds[value].kind
        if value in self.stage.roots:
            of = (self.read(self.graph.folded(value), rows=True, lanes=True),)
            return self._add(Node("fold", kind, of, lanes=True))
        if value not in self.stage.joined:
            return None
        return self._input(value, Node("parts", kind, lanes=True, count=self.parts))

    def _each(self, line: Line, value: Item, rows: bool, lanes: bool) -> int:
        """What is computed of each number; what is stored as a matrix varies like one."""
        inner = self.graph.made_of(line, value)
        of = tuple(self.read(v, rows=rows, lanes=lanes) for v in inner)
        nodes = [self.nodes[i] for i in of]
        made_here = value in self.stage.roots or value in self.stage.kept
        matrix = made_here and self.graph.is_whole(value)
        rows, lanes = matrix or any(n.rows for n in nodes), matrix or any(n.lanes for n in nodes)
        return self._add(Node("each", line.kind or "", of, rows=rows, lanes=lanes))

    def _spread(self, line: Line, value: Item, rows: bool, lanes: bool) -> int | None:
        """What is broadcast: of a matrix a number, one for each row, or one for each column."""
        (source,) = self.graph.made_of(line, value)
        if rows and lanes:
            context = self.graph.context(line)
            return None if context is None else self.read(source, rows=context[0], lanes=context[1])
        single = self.graph.is_number(source)
        return self.read(source, rows=rows and not single, lanes=lanes and not single)


def _read(stages: _Stages) -> list[_Reader]:
    """The stages as nodes, each reading what those before it store."""
    _keep(stages.graph, stages.found)
    stored: set[Item] = set()
    readers = []
    for stage in stages.found:
        reader = _Reader(stages.graph, stage, stages.parts, set(stored), stages.lasting)
        reader.run()
        readers.append(reader)
        stored |= {v for v in (*stage.roots, *stage.kept) if v not in stages.graph.folds}
    return readers


def _fit(readers: list[_Reader]) -> bool:
    return all(reader.buffers <= _MOST_BUFFERS for reader in readers)


# --- writing ---------------------------------------------------------------------------------


def _write(module: ir.Module, graph: Graph, readers: list[_Reader], vectors: Vectors) -> None:
    """Put the stages' kernels into the module, in place of the ops that they compute."""
    made: dict[Item, ir.Value] = {}
    whole: dict[Item, ir.Value] = {}
    for reader in readers:
        before = reader.stage.before
        assert before is not None
        kernel = column_kernel(reader.function, vectors)
        inputs = [
            reshaped(made.get(value, value.value), sizes, before)
            for value, (sizes, _) in zip(reader.inputs, kernel.operands, strict=True)
        ]
        results = call(kernel, inputs, module, before)
        for old, new in zip(reader.results, results, strict=True):
            made[old] = new
            if old in reader.stage.kept:
                continue  # for kernels: others may want it before this one
            if ir.size_in_bytes(old.value) == ir.size_in_bytes(new):
                whole[old] = reshaped(new, ir.type_of(old.value)[0], before)
    for old, new in whole.items():
        for copy in (old, *graph.copies.get(old, ())):
            copy.value.replace_all_uses_with(new)
    left = []
    for line in reversed(graph.lines.found):
        if not any(value in graph.light or value in graph.steps for value in line.results):
            continue
        if any(list(item.value.uses) for item in line.results):
            left.append(line.op)
        else:
            line.op.erase()
    for op in reversed(left):
        _sink(op)


def _sink(op: ir.Operation) -> None:
    """Move an op behind the kernels whose results it has."""
    for source in filter(None, map(defining, op.operands)):
        if source.block == op.block and op.is_before_in_block(source):
            op.move_after(source)
