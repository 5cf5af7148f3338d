"""Which tensors are turned by kernels: weights for kernels, and gradients for their updates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from slopec import ir
from slopec.dtypes import DType, is_floating
from slopec.kernels.elementwise import kind_of, number_of
from slopec.kernels.epilogue import offer_users, users
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import BUFFERS, call
from slopec.kernels.nodes import Node
from slopec.kernels.turning import Turn, turning
from slopec.kernels.weights import constant_behind, turn_ahead
from slopec.transforms.body import binary_kind, block_of, defining

_MOST = 4 << 20  # bytes that are turned
_LARGE = 1 << 16  # numbers that others are computed of
_STEPS = 24  # that are computed of each number
_BYTES = 4  # of a number, at least
_MOST_BUFFERS = BUFFERS - 2


def place(module: ir.Module, op: ir.Operation, vectors: Vectors) -> bool:
    """Put a kernel where a `transpose` is, if that pays; whether it did.

    It pays for what is written for a kernel, for sums of what a kernel wrote, which are added up on
    the way, and for what is computed of each of many numbers, likewise. The op itself stays.
    """
    if not ir.is_static(op.results[0]):
        return False
    if turn_ahead(op):
        return True
    (shape, dtype), order = ir.type_of(op.results[0]), tuple(op.attributes["permutation"])
    sizes, moved = _merged(shape, order)
    fits = is_floating(dtype) and dtype.itemsize >= _BYTES and 0 not in sizes
    if not fits or len(sizes) < 2 or moved[-1] == len(sizes) - 1:
        return False
    x, parts = _added_up(op)
    members = _Members(op, dtype)
    alone = parts == 1 and all(map(_is_called, users(op)))
    if parts == 1 and constant_behind(x) is not None:
        return False
    if not alone:
        members.read()
    others = parts == 1 and not alone  # read the numbers, and none of them is a kernel
    most = math.prod(sizes) * dtype.itemsize <= _MOST
    pays = len(members.found) > 1 and math.prod(sizes) >= _LARGE if others else most
    if not pays or not members.are_taken():
        return False
    results = tuple(members.places[root.results[0]] for root in members.roots)
    turn = Turn(sizes, moved, parts, dtype, tuple(members.nodes), results)
    shapes = [ir.type_of(root.results[0])[0] for root in members.roots]
    given = [x, *members.inputs]
    values = call(turning(turn, vectors), given, module, members.found[-1], shapes)
    for root, value in zip(members.roots, values, strict=True):
        root.results[0].replace_all_uses_with(value)
    for member in reversed(members.found[1:]):
        member.erase()
    return True


def _merged(shape: ir.Shape, order: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of a transpose's result and its order, dimensions that stay together as one."""
    groups: list[list[int]] = []
    sizes: list[int] = []
    ones = {source for source, size in zip(order, shape, strict=True) if size == 1}
    for source, size in zip(order, shape, strict=True):
        if size == 1:
            continue
        if groups and set(range(groups[-1][-1] + 1, source)) <= ones and source > groups[-1][-1]:
            groups[-1].append(source)
            sizes[-1] *= size
        else:
            groups.append([source])
            sizes.append(size)
    firsts = sorted(group[0] for group in groups)
    return tuple(sizes), tuple(firsts.index(group[0]) for group in groups)


def _added_up(op: ir.Operation) -> tuple[ir.Value, int]:
    """What an op turns: the sum of how many parts that a kernel wrote, or itself."""
    x = op.operands[0]
    made = defining(x)
    if made is None or made.name != "stablehlo.reduce" or len(users(made)) > 1:
        return x, 1
    parts, *_ = made.operands
    zero, source = defining(made.operands[-1]), defining(parts)
    first = tuple(made.attributes["dimensions"]) == (0,) and len(made.results) == 1
    if not first or binary_kind(block_of(made)) != "add" or source is None:
        return x, 1
    if zero is None or zero.name != "stablehlo.constant" or ir.constant_array(zero).any():
        return x, 1
    count = ir.type_of(parts)[0][0]
    return (parts, count) if source.name == "flow.dispatch" and count > 1 else (x, 1)


def _is_called(user: ir.Operation) -> bool:
    """Whether a user is a kernel, or gives what it takes another shape for kernels only."""
    if user.name == "stablehlo.reshape":
        return all(map(_is_called, users(user)))
    return bool(user.name == "flow.dispatch")


@dataclass
class _Members:
    """An op, and what is computed of each number of its result: ops in the block's order."""

    op: ir.Operation
    dtype: DType
    found: list[ir.Operation] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=lambda: [Node("turned", lanes=True)])
    inputs: list[ir.Value] = field(default_factory=list)
    places: dict[ir.Value, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with the op."""
        self.found.append(self.op)
        self.places[self.op.results[0]] = 0

    @property
    def roots(self) -> list[ir.Operation]:
        """The members whose results others use."""
        return [m for m in self.found if any(user not in self.found for user in users(m))]

    def read(self) -> None:
        """Find what follows, op after op, as far as each is computed of numbers at one place."""

        def take(op: ir.Operation) -> bool:
            fits = len(self.found) <= _STEPS and self._fits(op)
            if fits:
                self._each(op)
            return fits

        offer_users(self.op, take)

    def are_taken(self) -> bool:
        """Whether its results are few, of the type, and taken by kernels or returned, later."""
        for root in self.roots:
            outside = [user for user in users(root) if user not in self.found]
            if ir.type_of(root.results[0])[1] != self.dtype or not all(map(self._takes, outside)):
                return False
        return 0 < len(self.roots) < _MOST_BUFFERS - len(self.inputs)

    def _takes(self, user: ir.Operation) -> bool:
        """Whether a user comes after all members, and fuses nothing with them."""
        last = self.found[-1]
        late = user.block == last.block and last.is_before_in_block(user)
        return late and (user.name == "func.return" or _is_called(user))

    def _fits(self, op: ir.Operation) -> bool:
        """Whether an op computes numbers of numbers that are made here or read."""
        if kind_of(op) is None or op.block != self.op.block:
            return False
        if ir.type_of(op.results[0])[0] != ir.type_of(self.op.results[0])[0]:
            return False
        return all(v in self.places or ir.type_of(v)[1] == self.dtype for v in op.operands)

    def _each(self, op: ir.Operation) -> int:
        """The node of what an op computes, which is a member then."""
        of = tuple(map(self._place, op.operands))
        self.found.append(op)
        return self._add(op.results[0], Node("each", kind_of(op) or "", of, lanes=True))

    def _add(self, value: ir.Value, node: Node) -> int:
        self.nodes.append(node)
        self.places[value] = len(self.nodes) - 1
        return self.places[value]

    def _place(self, value: ir.Value) -> int:
        """The node of an operand: known, computed for nobody else, a constant, or read."""
        made = defining(value)
        if value in self.places:
            return self.places[value]
        if made is not None and made.name == "stablehlo.optimization_barrier":
            return self._place(made.operands[list(made.results).index(value)])
        if made is not None and self._fits(made) and len(users(made)) == 1:
            return self._each(made)
        spread = made is not None and made.name == "stablehlo.broadcast_in_dim"
        if made is not None and spread and _is_single(made.operands[0]):
            return self._single(value, made.operands[0])
        return self._single(value, value)

    def _single(self, value: ir.Value, source: ir.Value) -> int:
        """The node of a value that is read, or that has one number, in another one perhaps."""
        number = number_of(defining(source))
        if number is not None:
            return self._add(value, Node("number", number=number))
        self.inputs.append(source)
        return self._add(value, Node("input", lanes=not _is_single(source)))


def _is_single(value: ir.Value) -> bool:
    return math.prod(ir.type_of(value)[0]) == 1
