"""A worker's memory, in which a small loop is computed: what lies where, elements, nests of loops.

A value is a number in a register, a tensor in a room, another value, or what its op makes at the
place where it is read. Vectors go along the last dimension of more than one element.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import prod

from slopec import dtypes, ir
from slopec.dtypes import DType
from slopec.kernels import scalar_ops
from slopec.kernels.body import Body, Memory, Term
from slopec.passes.small_loops import ELEMENTWISE
from slopec.transforms.body import defining

Place = Sequence[Term]
Make = Callable[["Machine", ir.Operation, Place, int], Term]
Test = Callable[["Machine", ir.Operation], bool]


@dataclass(frozen=True)
class Element:
    """How an op is computed at a place: `make` gives an element, or, where it is `straight`, a
    vector of them.
    """

    make: Make
    straight: Test


@dataclass(frozen=True)
class Room:
    """Where a tensor begins: in scratch memory of a type, or in that of a result by its place."""

    memory: DType | int
    start: int = 0


def shape_of(value: ir.Value) -> ir.Shape:
    """The sizes of a value."""
    return ir.type_of(value)[0]


def dtype_of(value: ir.Value) -> DType:
    """The element type of a value."""
    return ir.type_of(value)[1]


def size_of(value: ir.Value) -> int:
    """How many numbers a value has."""
    return prod(shape_of(value))


def long_dim(shape: ir.Shape) -> int:
    """The dimension that vectors go along, −1 if all sizes are 1."""
    return next((d for d in reversed(range(len(shape))) if shape[d] > 1), -1)


@dataclass
class Machine:
    """What is known while the kernel is written: `memories` by what rooms call them, `inputs` by
    the values from outside, the `elements` that ops make.
    """

    body: Body
    width: int
    inputs: Mapping[ir.Value, Memory]
    memories: Mapping[DType | int, Memory]
    elements: Mapping[str, Element]
    numbers: dict[ir.Value, Term] = field(default_factory=dict)
    rooms: dict[ir.Value, Room] = field(default_factory=dict)
    same: dict[ir.Value, ir.Value] = field(default_factory=dict)

    # --- elements ------------------------------------------------------------------------------

    def number(self, value: ir.Value) -> Term:
        """A value that is one number."""
        return self.at(value, [self.body.index(0)] * len(shape_of(value)), 0)

    def at(self, value: ir.Value, place: Place, lanes: int) -> Term:
        """An element of a value, or `lanes` of them; a value without sizes is the same anywhere."""
        value, k = self.behind(value), self.body
        shape, dtype = ir.type_of(value)
        place = place if shape else []
        if value in self.numbers:
            known = self.numbers[value]
            return k.splat(known, lanes) if lanes else known
        if value in self.rooms:
            room = self.rooms[value]
            return self.load(self.memories[room.memory], room.start, shape, place, dtype, lanes)
        if value in self.inputs:
            return self.load(self.inputs[value], 0, shape, place, dtype, lanes)
        op = defining(value)
        assert op is not None
        return self.made(op, place, lanes)

    def made(self, op: ir.Operation, place: Place, lanes: int) -> Term:
        """An element, or a vector, of what an op makes."""
        if op.name in ELEMENTWISE:
            return scalar_ops.each(self.body, op, [self.at(v, place, lanes) for v in op.operands])
        return self.elements[op.name].make(self, op, place, lanes)

    def straight(self, value: ir.Value) -> bool:
        """Whether vectors of a value can be had."""
        value = self.behind(value)
        known = value in self.numbers or value in self.inputs or value in self.rooms
        op = defining(value)
        return known or op is None or self.makes_vectors(op)

    def makes_vectors(self, op: ir.Operation) -> bool:
        """Whether vectors of what an op makes can be computed."""
        if op.name in ELEMENTWISE:
            return all(map(self.straight, op.operands))
        return op.name in self.elements and self.elements[op.name].straight(self, op)

    def behind(self, value: ir.Value) -> ir.Value:
        """What a value is the same as."""
        while value in self.same:
            value = self.same[value]
        return value

    def index(self, value: ir.Value, place: Place = ()) -> Term:
        """An integer as an index."""
        name = "arith.index_castui" if dtypes.is_unsigned(dtype_of(value)) else "arith.index_cast"
        found = self.at(value, place, 0) if place else self.number(value)
        return self.body.op(name, found, type="index")

    def inside(self, index: Term, most: int) -> Term:
        """The nearest index from 0 to `most`."""
        k = self.body
        return k.op("arith.minsi", k.op("arith.maxsi", index, k.index(0)), k.index(most))

    def are_inside(self, place: Place, shape: ir.Shape) -> Term:
        """Whether there is an element at a place; an index below 0 is huge."""
        k = self.body
        found = [k.compare(at, "<", n) for at, n in zip(place, shape, strict=True)]
        while len(found) > 1:
            found[:2] = [k.op("arith.andi", *found[:2])]
        return found[0]

    # --- memory --------------------------------------------------------------------------------

    def linear(self, shape: ir.Shape, place: Place) -> Term:
        """The number of an element."""
        total: Term | None = None
        for n, at in zip(shape, place, strict=True):
            if n > 1:
                total = at if total is None else total * n + at
        return self.body.index(0) if total is None else total

    def load(
        self, memory: Memory, start: int, shape: ir.Shape, place: Place, dtype: DType, lanes: int
    ) -> Term:
        """An element, or a vector, of a tensor in memory."""
        at = self.linear(shape, place)
        found = memory.load(at + start if start else at, lanes=lanes)
        if dtype != dtypes.bool_:
            return found
        return self.body.op("arith.trunci", found, type=scalar_ops.typed(dtype, lanes))

    def store(self, memory: Memory, value: Term, at: Term) -> None:
        """Write an element, or a vector."""
        if self.body.dtype(value) == dtypes.bool_:
            type_ = scalar_ops.typed(dtypes.int8, self.body.lanes(value))
            value = self.body.op("arith.extui", value, type=type_)
        memory.store(value, at)

    def put(self, room: Room, shape: ir.Shape, place: Place, value: Term) -> None:
        """Write an element, or a vector, of a tensor in a room."""
        at = self.linear(shape, place)
        self.store(self.memories[room.memory], value, at + room.start if room.start else at)

    def copy(self, value: ir.Value, room: Room) -> None:
        """Copy a value to a room."""
        for place, lanes in self.nest(shape_of(value), vectors=self.straight(value)):
            self.put(room, shape_of(value), place, self.at(value, place, lanes))

    def nest(self, shape: ir.Shape, *, vectors: bool) -> Iterator[tuple[list[Term], int]]:
        """Loops over the places of all elements, or of vectors and what is left of a row."""
        k, along = self.body, long_dim(shape)
        with ExitStack() as loops:
            place = [
                k.index(0) if n == 1 or d == along else loops.enter_context(k.loop(0, n)).index
                for d, n in enumerate(shape)
            ]
            if along < 0:
                yield place, 0
                return
            size, lanes = shape[along], self.lanes(shape[along]) if vectors else 0
            whole = size // lanes * lanes if lanes else 0
            for start, stop, step in ((0, whole, lanes), (whole, size, 0)):
                if start < stop:
                    with k.loop(start, stop, step or 1) as trip:
                        place[along] = trip.index
                        yield list(place), step

    def lanes(self, size: int) -> int:
        """How long vectors are along a dimension; 0 where it is hardly longer than one."""
        lanes = min(self.width, 1 << (size.bit_length() - 1))
        return lanes if lanes > 2 else 0
