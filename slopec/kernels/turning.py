"""Tensors turned, such as weights: squares of numbers are read, turned in registers and written.

What is turned may be parts, which are added up first. On its way something may be computed of each
number, with others that lie as the results do: an optimiser's update, say, of a gradient.
"""

import hashlib
import math
from dataclasses import dataclass

from slopec.dtypes import DType
from slopec.kernels.body import Body, Index, Memory, Term
from slopec.kernels.elementwise import computed
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import FEW, Kernel, Type
from slopec.kernels.nodes import Node
from slopec.kernels.packing import transposed


@dataclass(frozen=True)
class Turn:
    """y = f(Σ x[part], …) for all parts of x, whose other dimensions are y's in another order.

    Dimension d of y has `sizes[d]` numbers and is `order[d]` of x; the last one is not x's last.
    Node 0 is x turned; an "input" varies like y, or, without `lanes`, is one number; `results` are
    nodes.
    """

    sizes: tuple[int, ...]
    order: tuple[int, ...]
    parts: int
    dtype: DType
    nodes: tuple[Node, ...]
    results: tuple[int, ...]

    @property
    def operands(self) -> tuple[Type, ...]:
        """What is turned, and the inputs."""
        x = tuple(self.sizes[self.order.index(s)] for s in range(len(self.sizes)))
        inputs = [node for node in self.nodes[1:] if node.kind == "input"]
        shapes = [self.sizes if node.lanes else (1,) for node in inputs]
        return tuple((shape, self.dtype) for shape in ((self.parts, *x), *shapes))

    @property
    def across(self) -> int:
        """The dimension of y that is the last of x."""
        return self.order.index(len(self.order) - 1)

    @property
    def label(self) -> str:
        """What tells it from others."""
        spelled = repr((self.order, self.nodes, self.results)).encode()
        sizes = "x".join(map(str, (self.parts, *self.sizes)))
        digest = hashlib.sha256(spelled).hexdigest()[:8]
        return f"turn_{sizes}_f{8 * self.dtype.itemsize}_{digest}"


def turning(turn: Turn, vectors: Vectors) -> Kernel:
    """The kernel that turns a tensor."""
    lanes = vectors.lanes(turn.dtype)
    squares = [
        -(-size // lanes) if d in (turn.across, len(turn.sizes) - 1) else size
        for d, size in enumerate(turn.sizes)
    ]
    count = math.prod(squares)
    share = -(-count // FEW)

    def write(body: Body, *memories: Memory) -> None:
        split = len(turn.operands)
        _Writer(turn, lanes, body, memories[:split], memories[split:]).write(squares, share)

    results = ((turn.sizes, turn.dtype),) * len(turn.results)
    grid = (-(-count // share), 1, 1)
    return Kernel(f"slopec_{turn.label}", turn.operands, results, grid, write)


@dataclass(frozen=True)
class _Writer:
    turn: Turn
    lanes: int
    body: Body
    given: tuple[Memory, ...]
    made: tuple[Memory, ...]

    def write(self, squares: list[int], share: int) -> None:
        """The body: square after square, of which there are so many along each dimension."""
        k, turn = self.body, self.turn
        square = k.stack((self.lanes, self.lanes), turn.dtype)
        start = k.workgroup() * share
        with k.loop(start, k.minimum(start + share, math.prod(squares))) as trip:
            rest, at = trip.index, list[Term]()
            for d in reversed(range(len(squares))):
                step = self.lanes if d in (turn.across, len(squares) - 1) else 1
                at.insert(0, rest % squares[d] * step)
                rest = rest // squares[d]
            for i, line in enumerate(transposed(self._read(at))):
                square.store(line, i, 0)
            self._write(at, square)

    def _read(self, at: list[Term]) -> list[Term]:
        """The lines of x in a square, which begins at a place of y; 0 beyond the last."""
        k, turn, lanes = self.body, self.turn, self.lanes
        x, size = self.given[0], turn.sizes[-1]
        zero = k.number(0, turn.dtype, lanes)
        lines = min(size, lanes)
        first = self._inside(turn.across, at)

        def line(part: Term, i: int) -> Term:
            last = at[-1] + i
            if size % lanes and size > lanes:
                last = k.minimum(last, size - 1)
            place = [*at[:-1], last]
            turned = [place[turn.order.index(s)] for s in range(len(place))]
            return x.load(part, *turned, lanes=lanes, first=first)

        if turn.parts == 1:
            read = [line(k.index(0), i) for i in range(lines)]
        else:
            with k.loop(0, turn.parts, carried=[zero] * lines) as part:
                part.carry([total + line(part.index, i) for i, total in enumerate(part.values)])
            read = part.results
        return read + [zero] * (lanes - lines)

    def _inside(self, d: int, at: list[Term]) -> Index | None:
        """How many numbers of a vector along a dimension of y there are; None if it is full."""
        size = self.turn.sizes[d]
        if size % self.lanes == 0:
            return None
        if size < self.lanes:
            return size
        return self.body.minimum(self.body.index(size) - at[d], self.lanes)

    def _write(self, at: list[Term], square: Memory) -> None:
        """Compute and store the lines of y in a square."""
        k, turn, lanes = self.body, self.turn, self.lanes
        inside, first = self._inside(turn.across, at), self._inside(len(at) - 1, at)
        with k.loop(0, lanes if inside is None else inside) as trip:
            place = list(at)
            place[turn.across] = place[turn.across] + trip.index
            values = [square.load(trip.index, 0, lanes=lanes)]
            given = iter(self.given[1:])
            for node in turn.nodes[1:]:
                if node.kind == "number":
                    values.append(k.number(node.number, turn.dtype, lanes))
                elif node.kind == "input" and node.lanes:
                    values.append(next(given).load(*place, lanes=lanes, first=first))
                elif node.kind == "input":
                    values.append(k.splat(next(given).load(0), lanes))
                else:
                    values.append(computed(k, node.op, [values[i] for i in node.operands]))
            for memory, result in zip(self.made, turn.results, strict=True):
                memory.store(values[result], *place, first=first)
