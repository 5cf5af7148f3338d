"""Tensors put together in a worker's memory: what is written over, beside or into others."""

from collections.abc import Callable
from dataclasses import dataclass

from slopec import ir
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.kernels.small_folds import applied, reduce_all
from slopec.kernels.small_machine import Machine, dtype_of, long_dim, shape_of
from slopec.kernels.small_moves import component_place, starts_of


@dataclass(frozen=True)
class Scattered:
    """A scatter, with the operand, indices and updates that it had before they were guarded."""

    op: ir.Operation
    operands: tuple[ir.Value, ...]


def update(m: Machine, op: ir.Operation) -> None:
    """Write a slice over what is in the result's room."""
    x, y, *starts = op.operands
    shape, room = shape_of(x), m.rooms[op.results[0]]
    firsts = starts_of(m, starts, shape, shape_of(y))
    alike = long_dim(shape_of(y)) == long_dim(shape)
    for place, lanes in m.nest(shape_of(y), vectors=alike and m.straight(y)):
        there = [a + at for a, at in zip(firsts, place, strict=True)]
        m.put(room, shape, there, m.at(y, place, lanes))


def scatter(m: Machine, scattered: Scattered, result: ir.Value) -> None:
    """Combine what is in the result's room with updates, one after the other."""
    x, indices, y = scattered.operands
    numbers = ScatterDimensionNumbers.parse(scattered.op.attributes["scatter_dimension_numbers"])
    k, shape, room = m.body, shape_of(x), m.rooms[result]
    vector, memory = numbers.index_vector_dim, m.memories[m.rooms[result].memory]
    dropped = (*numbers.inserted_window_dims, *numbers.input_batching_dims)
    kept = [d for d in range(len(shape)) if d not in dropped]
    windows = dict(zip(kept, numbers.update_window_dims, strict=True))
    batching = dict(
        zip(numbers.input_batching_dims, numbers.scatter_indices_batching_dims, strict=True)
    )
    for place, _ in m.nest(shape_of(y), vectors=False):
        batch = [at for d, at in enumerate(place) if d not in numbers.update_window_dims]
        there = [k.index(0)] * len(shape)
        for component, d in enumerate(numbers.scatter_dims_to_operand_dims):
            there[d] = m.index(indices, component_place(m, batch, component, indices, vector))
        for d, i in batching.items():
            there[d] = batch[i - (i > vector)]
        for d, window in windows.items():
            there[d] = there[d] + place[window]
        with k.when(m.are_inside(there, shape)):
            at = m.linear(shape, there) + room.start
            known = m.load(memory, room.start, shape, there, dtype_of(x), 0)
            (made,) = applied(m, scattered.op, [known, m.at(y, place, 0)])
            m.store(memory, made, at)


def _pad(m: Machine, op: ir.Operation) -> None:
    (x, filling), (value,) = op.operands, op.results
    low, gaps = (list(op.attributes[f"{name}_padding{end}"]) for name, end in _MARGINS)
    room, whole = m.rooms[value], shape_of(value)
    for place, lanes in m.nest(whole, vectors=True):
        m.put(room, whole, place, m.at(filling, [], lanes))
    for place, _ in m.nest(shape_of(x), vectors=False):
        there = [at * (gap + 1) + a for at, a, gap in zip(place, low, gaps, strict=True)]
        with m.body.when(m.are_inside(there, whole)):
            m.put(room, whole, there, m.at(x, place, 0))


_MARGINS = (("edge", "_low"), ("interior", ""))


def _concatenate(m: Machine, op: ir.Operation) -> None:
    (value,), first = op.results, 0
    along, shape = int(op.attributes["dimension"].value), shape_of(value)
    for x in op.operands:
        alike = long_dim(shape_of(x)) == long_dim(shape)
        for place, lanes in m.nest(shape_of(x), vectors=alike and m.straight(x)):
            there = [at + first if d == along else at for d, at in enumerate(place)]
            m.put(m.rooms[value], shape, there, m.at(x, place, lanes))
        first += shape_of(x)[along]


WHOLE: dict[str, Callable[[Machine, ir.Operation], None]] = {
    "stablehlo.pad": _pad,
    "stablehlo.concatenate": _concatenate,
    "stablehlo.reduce": reduce_all,
}
"""Ops that are computed as a whole into a room."""
