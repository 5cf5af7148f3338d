"""Writing the body of a kernel: loops, vectors and memory as Python expressions over MLIR values.

A body is what one workgroup does. Indices and numbers are spelled with operators, memory is read
and written by `load` and `store`, a loop carries values from one trip to the next.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from slopec import dtypes, ir
from slopec.dtypes import DType

_FLOATS = {"+": "arith.addf", "-": "arith.subf", "×": "arith.mulf", "÷": "arith.divf"}
_INDICES = {"+": "arith.addi", "-": "arith.subi", "×": "arith.muli"}
_PREDICATES = {"==": 0, "!=": 1, "<": 6, "<=": 7, ">": 8, ">=": 9}
_ORDERS = {"==": 1, "!=": 13, "<": 4, "<=": 5, ">": 2, ">=": 3}


@lru_cache(maxsize=4096)
def _spelled(type_: ir.Type) -> str:
    """How a type is spelled, which takes MLIR 4 µs to tell."""
    return str(type_)


@dataclass(frozen=True, eq=False)
class Term:
    """An index, a number or a vector of numbers; Python's numbers mix in.

    `//` and `%` are for indices that are not negative.
    """

    body: "Body"
    value: ir.Value

    @property
    def type(self) -> str:
        """The type's MLIR spelling."""
        return _spelled(self.value.type)

    def _with(self, sign: str, other: "Term | float") -> "Term":
        table = _FLOATS
        if self.type == "index":
            if other == (1 if sign == "×" else 0):
                return self
            table = _INDICES
        return self.body.op(table[sign], self, self.body.like(other, self))

    def __add__(self, other: "Term | float") -> "Term":
        """The sum."""
        return self._with("+", other)

    def __sub__(self, other: "Term | float") -> "Term":
        """The difference."""
        return self._with("-", other)

    def __mul__(self, other: "Term | float") -> "Term":
        """The product."""
        return self._with("×", other)

    def __truediv__(self, other: "Term | float") -> "Term":
        """The quotient of two numbers."""
        return self._with("÷", other)

    def __floordiv__(self, other: "Term | int") -> "Term":
        """The quotient of two indices."""
        return self.body.op("arith.divui", self, self.body.like(other, self))

    def __mod__(self, other: "Term | int") -> "Term":
        """The remainder of two indices."""
        return self.body.op("arith.remui", self, self.body.like(other, self))

    __radd__ = __add__
    __rmul__ = __mul__


Index = Term | int


def _some(first: Index | None, lanes: int) -> Index | None:
    """The `first` lanes; None if they are known to be all of them."""
    return None if isinstance(first, int) and first >= lanes else first


@dataclass(frozen=True, eq=False)
class Memory:
    """A buffer: an operand, a result, or a little room on the stack."""

    body: "Body"
    value: ir.Value
    shape: ir.Shape
    dtype: DType

    def load(self, *indices: Index, lanes: int = 0, first: Index | None = None) -> Term:
        """The element at `indices`, or a vector of `lanes` from there on.

        With `first`, only so many are read and the other lanes are 0.
        """
        element = dtypes.MLIR_NAMES[self.dtype]
        places = [self.body.index(i) for i in indices]
        memory = Term(self.body, self.value)
        if not lanes:
            return self.body.op("memref.load", memory, *places, type=element)
        type_, first = f"vector<{lanes}x{element}>", _some(first, lanes)
        if first is None:
            return self.body.op("vector.load", memory, *places, type=type_)
        mask, zeros = self.body.mask(first, lanes), self.body.number(0, self.dtype, lanes)
        return self.body.op("vector.maskedload", memory, *places, mask, zeros, type=type_)

    def store(
        self, value: Term, *indices: Index, first: Index | None = None, streaming: bool = False
    ) -> None:
        """Write an element, a vector, or of a vector only the `first` lanes.

        With `streaming` a whole vector, at a multiple of its size, goes past the caches.
        """
        places = [self.body.index(i) for i in indices]
        memory = Term(self.body, self.value)
        lanes = value.body.lanes(value)
        if not lanes:
            self.body.effect("memref.store", value, memory, *places)
        elif (some := _some(first, lanes)) is None:
            size = ir.i64(lanes * self.dtype.itemsize)
            facts = {"nontemporal": ir.boolean(True), "alignment": size} if streaming else {}
            self.body.effect("vector.store", value, memory, *places, **facts)
        else:
            mask = self.body.mask(some, lanes)
            self.body.effect("vector.maskedstore", memory, *places, mask, value)

    def prefetch(self, *indices: Index, write: bool = False) -> None:
        """Ask for the line at `indices` to be brought to the nearest cache."""
        places = [self.body.index(i) for i in indices]
        facts = {"isWrite": write, "isDataCache": True}
        self.body.effect(
            "memref.prefetch",
            Term(self.body, self.value),
            *places,
            localityHint=ir.i32(3),
            **{name: ir.boolean(fact) for name, fact in facts.items()},
        )


class Trip:
    """One trip of a loop: its `index`, and the `values` that the trip before carried on."""

    def __init__(self, body: "Body", op: ir.Operation) -> None:
        self._body, self._op = body, op
        index, *values = [Term(body, argument) for argument in ir.body_of(op).arguments]
        self.index, self.values, self.carried = index, values, False

    def carry(self, values: Sequence[Term]) -> None:
        """End the trip; the next one finds these `values`, and after all they are `results`."""
        self.carried = True
        self._body.effect("scf.yield", *values)

    @property
    def results(self) -> list[Term]:
        """What the last trip carried on, or the first was given where there was none."""
        return [Term(self._body, value) for value in self._op.results]


class Body:
    """The body of a kernel, written from its beginning to its end at `point`."""

    def __init__(self, point: ir.InsertionPoint) -> None:
        self.point = point
        self._start = point.block
        self._constants: dict[str, Term] = {}

    # --- any op ------------------------------------------------------------------------------

    def op(
        self, name: str, *operands: Term, type: str | None = None, **attributes: ir.Attribute
    ) -> Term:
        """The result of any op, by default of its first operand's type.

        `body.op("math.exp", x)` is x's exponential, for a number and for a vector.
        """
        made = operands[0].value.type if type is None else ir.type_named(type)
        return Term(self, self._create(name, [made], operands, attributes).results[0])

    def effect(self, name: str, *operands: Term, **attributes: ir.Attribute) -> None:
        """Any op without results."""
        self._create(name, [], operands, attributes)

    def _create(
        self,
        name: str,
        results: Sequence[ir.Type],
        operands: Sequence[Term],
        attributes: ir.Attributes,
        regions: int = 0,
    ) -> ir.Operation:
        values = [operand.value for operand in operands]
        return ir.create(name, results, values, attributes, ir.unknown(), self.point, regions)

    # --- indices and numbers -----------------------------------------------------------------

    def constant(self, spelled: str, type_: str) -> Term:
        """What an attribute spells, made once; wherever it is used, it were a third of the ops."""
        known = self._constants.get(spelled)
        if known is None:
            point = ir.InsertionPoint.at_block_begin(self._start)
            facts = {"value": ir.attr(spelled)}
            types = [ir.type_named(type_)]
            made = ir.create("arith.constant", types, [], facts, ir.unknown(), point)
            known = self._constants[spelled] = Term(self, made.results[0])
        return known

    def index(self, value: Index) -> Term:
        """An index."""
        if isinstance(value, Term):
            return value
        return self.constant(f"{value} : index", "index")

    def as_index(self, number: Term) -> Term:
        """An integer as an index."""
        return self.op("arith.index_cast", number, type="index")

    def number(self, value: float, dtype: DType, lanes: int = 0) -> Term:
        """A constant, or a vector with `lanes` times the same."""
        bits = int(np.asarray(value).astype(dtype).view(f"uint{8 * dtype.itemsize}"))
        element = dtypes.MLIR_NAMES[dtype]
        spelled, type_ = f"0x{bits:0{2 * dtype.itemsize}X}", element
        if lanes:
            spelled, type_ = f"dense<{spelled}>", f"vector<{lanes}x{element}>"
        return self.constant(f"{spelled} : {type_}", type_)

    def like(self, value: Term | float, other: Term) -> Term:
        """A Python number as a constant of another term's type."""
        if isinstance(value, Term):
            return value
        if other.type == "index":
            return self.index(int(value))
        return self.number(value, self.dtype(other), self.lanes(other))

    def lanes(self, term: Term) -> int:
        """How many numbers are in a vector; 0 for a number."""
        head, _, rest = term.type.partition("<")
        return int(rest.partition("x")[0]) if head == "vector" else 0

    def dtype(self, term: Term) -> DType:
        """The element type of a number or vector."""
        return dtypes.FROM_MLIR[term.type.rpartition("x")[2].rstrip(">")]

    def minimum(self, a: Index, b: Index) -> Term:
        """The smaller of two indices."""
        return self.op("arith.minui", self.index(a), self.index(b))

    def compare(self, a: Term, sign: str, b: Term | float) -> Term:
        """Whether `a < b` holds of two numbers, or another such relation: what is no number differs
        from all. Indices must not be negative.
        """
        name, table = "arith.cmpf", _ORDERS
        if a.type == "index":
            name, table = "arith.cmpi", _PREDICATES
        return self.op(name, a, self.like(b, a), type="i1", predicate=ir.i64(table[sign]))

    def select(self, condition: Term, a: Term, b: Term | float) -> Term:
        """`a` where the condition holds, `b` elsewhere."""
        return self.op("arith.select", condition, a, self.like(b, a), type=a.type)

    # --- vectors -----------------------------------------------------------------------------

    def splat(self, number: Term, lanes: int) -> Term:
        """A vector with `lanes` times the same number."""
        return self.op("vector.broadcast", number, type=f"vector<{lanes}x{number.type}>")

    def fma(self, a: Term, b: Term, c: Term) -> Term:
        """a · b + c, rounded once."""
        return self.op("vector.fma" if self.lanes(a) else "math.fma", a, b, c)

    def shuffle(self, a: Term, b: Term, lanes: Sequence[int]) -> Term:
        """A vector of the `lanes` of two, those of the second counted on from the first's."""
        type_ = f"vector<{len(lanes)}x{dtypes.MLIR_NAMES[self.dtype(a)]}>"
        return self.op("vector.shuffle", a, b, type=type_, mask=ir.i64s(*lanes))

    def total(self, vector: Term) -> Term:
        """The sum of a vector's numbers."""
        return self.folded(vector, operator.add)

    def folded(self, vector: Term, combine: Callable[[Term, Term], Term]) -> Term:
        """One number of a vector's, by halves: the back end's own go one after the other."""
        lanes = self.lanes(vector)
        while lanes > 1:
            lanes //= 2
            halves = [self.shuffle(vector, vector, range(at, at + lanes)) for at in (0, lanes)]
            vector = combine(*halves)
        element = dtypes.MLIR_NAMES[self.dtype(vector)]
        return self.op("vector.extract", vector, type=element, static_position=ir.i64s(0))

    def mask(self, first: Index, lanes: int) -> Term:
        """A vector of booleans of which the `first` are true."""
        type_ = f"vector<{lanes}xi1>"
        if isinstance(first, Term):
            return self.op("vector.create_mask", first, type=type_)
        return self.op("vector.constant_mask", type=type_, mask_dim_sizes=ir.i64s(first))

    # --- workgroups, loops and memory --------------------------------------------------------

    def workgroup(self, dimension: int = 0) -> Term:
        """This workgroup's place in the grid."""
        place = ir.attr(f"{dimension} : index")
        return self.op("hal.interface.workgroup.id", type="index", dimension=place)

    def stack(self, shape: ir.Shape, dtype: DType) -> Memory:
        """Memory of this workgroup's own, 32 KiB at most in all; its contents are undefined."""
        sizes = "".join(f"{size}x" for size in shape)
        made = self.op(
            "memref.alloca",
            type=f"memref<{sizes}{dtypes.MLIR_NAMES[dtype]}>",
            alignment=ir.i64(64),
            operandSegmentSizes=ir.attr("array<i32: 0, 0>"),
        )
        return Memory(self, made.value, shape, dtype)

    @contextmanager
    def loop(
        self, start: Index, stop: Index, step: Index = 1, carried: Sequence[Term] = ()
    ) -> Iterator[Trip]:
        """for index in range(start, stop, step), handing on the values that each trip carries."""
        bounds = [self.index(bound) for bound in (start, stop, step)]
        types = [term.value.type for term in carried]
        op = self._create("scf.for", types, [*bounds, *carried], {}, regions=1)
        arguments = [ir.type_named("index"), *types]
        op.regions[0].blocks.append(*arguments, arg_locs=[ir.unknown()] * len(arguments))
        outer, self.point = self.point, ir.InsertionPoint(ir.body_of(op))
        trip = Trip(self, op)
        yield trip
        if not trip.carried:
            trip.carry([])
        self.point = outer

    def repeat(
        self,
        start: Sequence[Term],
        goes_on: Callable[[list[Term]], Term],
        step: Callable[[list[Term]], Sequence[Term]],
    ) -> list[Term]:
        """What is left of `start` once a `step` was taken as often as it `goes_on`."""
        types = [term.value.type for term in start]
        op = self._create("scf.while", types, start, {}, regions=2)
        outer, given = self.point, []
        for region in op.regions:
            block = region.blocks.append(*types, arg_locs=[ir.unknown()] * len(types))
            given.append([Term(self, argument) for argument in block.arguments])
        self.point = ir.InsertionPoint(op.regions[0].blocks[0])
        self.effect("scf.condition", goes_on(given[0]), *given[0])
        self.point = ir.InsertionPoint(op.regions[1].blocks[0])
        self.effect("scf.yield", *step(given[1]))
        self.point = outer
        return [Term(self, value) for value in op.results]

    @contextmanager
    def when(self, condition: Term) -> Iterator[None]:
        """What is done only where the condition, an i1, holds."""
        op = self._create("scf.if", [], [condition], {}, regions=2)
        op.regions[0].blocks.append()
        outer, self.point = self.point, ir.InsertionPoint(ir.body_of(op))
        yield
        self.effect("scf.yield")
        self.point = outer
