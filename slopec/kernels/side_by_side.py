"""Kernels whose results are put together become one, which writes them where they belong.

Such are the branches of an inception, the halves of a fire module, and groups that were convolved
apart. Every workgroup does its share of what each of the kernels does, so that all have as much to
do; of what no kernel makes it copies its share.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Protocol

from slopec import dtypes, ir
from slopec.kernels.body import Body, Memory, Term
from slopec.kernels.hardware import Vectors
from slopec.kernels.kernel import BUFFERS, DISPATCH, SOURCE, Kernel, Type, call, entry_points
from slopec.transforms.body import defining

_ROWS = 16  # in which parts are put together, at least
_NARROW = 4  # numbers of a part in each row, which are written as vectors
_SHARES = 16  # of what is copied
_MOST_BUFFERS = BUFFERS - 2
_STACK = "memref.alloca"


def place(module: ir.Module, vectors: Vectors) -> bool:
    """Join kernels wherever their results are put together; whether there are any."""
    joins = ir.ops_in(module, "stablehlo.concatenate")
    found = (op.operation for op in module.body.operations if joins)
    sources = {entry_points(ir.symbol_name(op)): op for op in found if op.name == SOURCE}
    joined = [op for op in joins if _join(module, op, sources, vectors)]
    if joined:
        called = {op.attributes["entry_points"] for op in ir.ops_in(module, DISPATCH)}
        for source in (source for entry, source in sources.items() if entry not in called):
            source.erase()
    return bool(joined)


@dataclass(frozen=True)
class _Place:
    """Where a part is in the whole: of every row of `width` numbers, `count` from `start` on."""

    start: int
    count: int
    width: int

    def view(self, k: Body, whole: Memory, shape: ir.Shape) -> Memory:
        """The part as memory of a shape, of which some first dimensions are the rows."""
        lead = self.rows_of(shape)
        assert lead is not None
        strides = [prod(shape[d + 1 :]) for d in range(len(shape))]
        strides[:lead] = [stride // self.count * self.width for stride in strides[:lead]]
        sizes = "".join(f"{size}x" for size in shape)
        element = dtypes.MLIR_NAMES[whole.dtype]
        made = k.op(
            "memref.reinterpret_cast",
            Term(k, whole.value),
            type=f"memref<{sizes}{element}, strided<{strides}, offset: {self.start}>>",
            static_offsets=ir.i64s(self.start),
            static_sizes=ir.i64s(*shape),
            static_strides=ir.i64s(*strides),
            operandSegmentSizes=ir.attr("array<i32: 1, 0, 0, 0>"),
        )
        return Memory(k, made.value, shape, whole.dtype)

    def rows_of(self, shape: ir.Shape) -> int | None:
        """How many first dimensions of a part are its rows; None if rows are no dimensions."""
        ends = (d for d in range(len(shape) + 1) if prod(shape[d:]) == self.count)
        return next(ends, None)


class _Part(Protocol):
    """What a part is made of: its name, what is read, room to work in, and what to do."""

    name: str
    given: list[ir.Value]
    taken: list[Type]
    room: list[Type]
    groups: int

    def write(
        self, k: Body, some: tuple[Term, Term], memories: Sequence[Memory], place: _Place
    ) -> None:
        """Do what is the share of `some` workgroups, from a first one to the last."""


class _Copied:
    """A part that is in memory, where it may be a part of other rows."""

    def __init__(self, value: ir.Value, rows: int, vectors: Vectors) -> None:
        shape, dtype = ir.type_of(value)
        self.rows, self.width = rows, prod(shape) // rows
        source, self.start = _sliced(value, rows)
        whole = prod(ir.type_of(source)[0]) // rows
        self.name = f"copy_{rows}x{self.width}" + f"_of_{whole}_at_{self.start}" * (source != value)
        self.given = [source]
        self.taken: list[Type] = [((rows, whole), dtype)]
        self.room: list[Type] = []
        self.lanes = vectors.lanes(dtype)
        self.share = -(-rows // _SHARES)
        self.groups = -(-rows // self.share)

    def write(
        self, k: Body, some: tuple[Term, Term], memories: Sequence[Memory], place: _Place
    ) -> None:
        """Copy rows, by vectors."""
        x, whole = memories
        y = place.view(k, whole, (self.rows, self.width))
        first, last = some
        vectors = self.width // self.lanes * self.lanes
        with k.loop(first * self.share, k.minimum(last * self.share, self.rows)) as row:
            with k.loop(0, vectors, self.lanes) as trip:
                found = x.load(row.index, trip.index + self.start, lanes=self.lanes)
                y.store(found, row.index, trip.index)
            if vectors < self.width:
                rest = self.width - vectors
                found = x.load(row.index, vectors + self.start, lanes=self.lanes, first=rest)
                y.store(found, row.index, vectors, first=rest)


def _sliced(value: ir.Value, rows: int) -> tuple[ir.Value, int]:
    """The value of whose rows this one has a part, and where that begins; or the value itself."""
    made = defining(value)
    if made is None or made.name != "stablehlo.slice":
        return value, 0
    (source,), (shape, _) = made.operands, ir.type_of(made.operands[0])
    starts, strides = (tuple(made.attributes[n]) for n in ("start_indices", "strides"))
    sizes, _ = ir.type_of(value)
    cut = [d for d in range(len(shape)) if sizes[d] != shape[d]]
    if len(cut) != 1 or {*strides} != {1} or prod(shape[: cut[0]]) != rows:
        return value, 0
    return source, starts[cut[0]] * prod(shape[cut[0] + 1 :])


class _Made:
    """A part that a kernel makes, whose dispatch is to go."""

    def __init__(self, dispatch: ir.Operation, source: ir.Operation) -> None:
        self.dispatch, self.given = dispatch, list(dispatch.operands)
        self.name = ir.symbol_name(source).removeprefix("slopec_")
        self.taken = [ir.type_of(value) for value in dispatch.operands]
        self.room = [ir.type_of(value) for value in list(dispatch.results)[1:]]
        (self.code,) = ir.ops_in(source, "func.func")
        (count,) = ir.ops_in(source, "hal.return")
        sizes = (defining(value) for value in count.operands)
        self.grid = [int(size.attributes["value"]) for size in sizes if size is not None]
        self.groups = prod(self.grid)

    def fits(self, place: _Place) -> bool:
        """Whether the part can be written at a place, again and again by one workgroup."""
        return place.rows_of(self._shape) is not None and not ir.ops_in(self.code, _STACK)

    def write(
        self, k: Body, some: tuple[Term, Term], memories: Sequence[Memory], place: _Place
    ) -> None:
        """What `some` of the kernel's workgroups do."""
        copy = self.code.clone(ip=ir.InsertionPoint(self.code))
        for number, (bound, memory) in enumerate(zip(_bound(copy), memories, strict=True)):
            if number == len(self.given):
                view = place.view(k, memory, self._shape)
                bound.results[0].replace_all_uses_with(view.value)
                bound.erase()
            for name in ("layout", "binding") if number != len(self.given) else ():
                bound.attributes[name] = memory.value.owner.attributes[name]
        with k.loop(*some) as trip:
            for op in ir.ops_in(copy, "hal.interface.workgroup.id"):
                d = int(op.attributes["dimension"])
                at = trip.index // prod(self.grid[:d]) % self.grid[d]
                op.results[0].replace_all_uses_with(at.value)
                op.erase()
            *ops, _ = [op.operation for op in ir.body_of(copy).operations]
            for op in ops:
                k.point.block.append(op)
        copy.erase()

    @property
    def _shape(self) -> ir.Shape:
        """The result's in the kernel's eyes."""
        type_ = _bound(self.code)[len(self.given)].results[0].type
        return tuple(type_.shape)


def _bound(code: ir.Operation) -> list[ir.Operation]:
    """Where a kernel's code gets its buffers."""
    return ir.ops_in(code, "hal.interface.binding.subspan")


def _join(
    module: ir.Module,
    op: ir.Operation,
    sources: dict[ir.Attribute, ir.Operation],
    vectors: Vectors,
) -> bool:
    """Put one kernel where parts are put together of which kernels make some; whether it did."""
    (result,), d = op.results, int(op.attributes["dimension"])
    if not ir.is_static(result):
        return False
    shape, dtype = ir.type_of(result)
    rows, width = prod(shape[:d]), prod(shape[d:])
    if dtype not in (dtypes.float32, dtypes.float64) or rows < _ROWS or not width:
        return False
    counts = [prod(ir.type_of(value)[0]) // rows for value in op.operands]
    if min(counts) < _NARROW:
        return False
    starts = accumulate(counts, initial=0)
    places = [_Place(start, count, width) for start, count in zip(starts, counts, strict=False)]
    chains = [_chain(value, op) for value in op.operands]
    made = [
        _Made(chain[-1], sources[chain[-1].attributes["entry_points"]]) if chain else None
        for chain in chains
    ]
    parts: list[_Part] = [
        part if part is not None and part.fits(there) else _Copied(value, rows, vectors)
        for part, value, there in zip(made, op.operands, places, strict=True)
    ]
    buffers = 1 + sum(len(part.taken) + len(part.room) for part in parts)
    written = sum(n for n, part in zip(counts, parts, strict=True) if isinstance(part, _Made))
    if 2 * written < width or buffers > _MOST_BUFFERS:
        return False
    kernel = _together(parts, places, (shape, dtype))
    whole, *_ = call(kernel, [value for part in parts for value in part.given], module, op)
    result.replace_all_uses_with(whole)
    op.erase()
    for part, chain in zip(parts, chains, strict=True):
        for gone in chain if isinstance(part, _Made) else ():
            gone.erase()
    return True


def _chain(value: ir.Value, user: ir.Operation) -> list[ir.Operation]:
    """The ops from a value back to the dispatch of which it is the only result in use.

    Empty if there is none that might as well come right before the user.
    """
    made, chain = defining(value), []
    while made is not None and made.block == user.block and _is_used_once(made):
        chain.append(made)
        if made.name == DISPATCH:
            return chain if "tied_operands" not in made.attributes else []
        if made.name != "stablehlo.reshape":
            break
        made = defining(made.operands[0])
    return []


def _is_used_once(op: ir.Operation) -> bool:
    """Whether the first result is used once, and the others, which are room, not at all."""
    return [len(list(result.uses)) for result in op.results] == [1] + [0] * (len(op.results) - 1)


def _together(parts: Sequence[_Part], places: Sequence[_Place], result: Type) -> Kernel:
    """The kernel that makes all parts: as many workgroups as the one with most of them has."""
    taken = [type_ for part in parts for type_ in part.taken]
    room = [type_ for part in parts for type_ in part.room]
    groups = max(part.groups for part in parts)

    def write(k: Body, *memories: Memory) -> None:
        given, (whole, *rooms) = iter(memories[: len(taken)]), memories[len(taken) :]
        others = iter(rooms)
        number = k.workgroup()
        for part, there in zip(parts, places, strict=True):
            first, last = (at * part.groups // groups for at in (number, number + 1))
            own = [next(given) for _ in part.taken], [next(others) for _ in part.room]
            part.write(k, (first, last), [*own[0], whole, *own[1]], there)

    names = "_beside_".join(part.name for part in parts)
    digest = hashlib.sha256(repr((names, places, result)).encode()).hexdigest()[:8]
    name = f"slopec_{names}_{digest}"
    return Kernel(name, tuple(taken), (result, *room), (groups, 1, 1), write)
