"""Scatters whose updates are windows become scatters of points, or of whole rows.

IREE's scatter writes where index vectors point, rows that reach from one end of the operand to the
other. The elements of any other window are numbered here: their places are added to the indices of
the window. Each is then inside or outside for itself, as the specification has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slopec import dtypes, hlo, ir, tracing
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.passes.bounds import Bounds
from slopec.passes.each import put_results
from slopec.passes.op import Op
from slopec.tensor import Tensor


def window_sizes(x: Tensor, y: Tensor, numbers: ScatterDimensionNumbers) -> list[int]:
    """The size of one update along each dimension of the operand."""
    sizes = iter([y.shape[d] for d in numbers.update_window_dims])
    dropped = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
    return [1 if d in dropped else next(sizes) for d in range(x.ndim)]


def replaced(
    op: Op,
    xs: Sequence[Tensor],
    indices: Tensor,
    ys: Sequence[Tensor],
    numbers: ScatterDimensionNumbers,
    *,
    ordered: bool = False,
) -> list[Tensor]:
    """The results of a scatter with the body of `op`, which is taken away from it."""
    attributes = {
        "scatter_dimension_numbers": ir.attr(str(numbers)),
        "indices_are_sorted": ir.boolean(ordered),
        "unique_indices": op.attribute("unique_indices") or ir.boolean(False),
    }
    types = [(x.shape, x.dtype) for x in xs]
    made, results = tracing.emit_many(
        "stablehlo.scatter", [*xs, indices, *ys], types, attributes, regions=1
    )
    op.operation.regions[0].blocks[0].append_to(made.regions[0])
    return list(results)


def write_points(op: Op) -> None:
    """Let a scatter of points take the place of one of windows."""
    count = len(op.operation.results)
    xs, indices, ys = op.operands[:count], op.operands[count], op.operands[count + 1 :]
    numbers = ScatterDimensionNumbers.parse(op.attribute("scatter_dimension_numbers"))
    if not ys[0].size:
        # IREE's compiler divides by their number.
        put_results(op, xs)
        return
    if not xs[0].ndim:
        rows = [hlo.reshape(x, (1,)) for x in xs]
        folded = _folded_to_one(op, rows, indices, ys, numbers)
        put_results(op, [hlo.reshape(row, ()) for row in folded])
        return
    window = window_sizes(xs[0], ys[0], numbers)
    dropped = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
    kept = [d for d in range(xs[0].ndim) if d not in dropped]
    indexed = numbers.scatter_dims_to_operand_dims
    partial = {d for d in kept if d in indexed or window[d] != xs[0].shape[d]}
    pointed = {*partial, *indexed, *dropped}
    # Two indexed dimensions behind one that is not are more than IREE's transposition can do.
    mixed = len(pointed) > 1
    taken = [d for d in kept if d in partial or (mixed and d < max(pointed))]
    if not pointed:
        taken = kept[:1]
    if not taken and dropped <= {*indexed, *numbers.input_batching_dims}:
        return
    moved = _Numbered(xs[0].shape, numbers, indices, window, taken)
    ordered = [moved.laid_out(y, kept) for y in ys]
    put_results(op, replaced(op, xs, moved.indices(), ordered, moved.numbers(ys[0].ndim)))


def _folded_to_one(
    op: Op,
    rows: Sequence[Tensor],
    indices: Tensor,
    ys: Sequence[Tensor],
    numbers: ScatterDimensionNumbers,
) -> list[Tensor]:
    """Every update goes to the only element."""
    nowhere = hlo.full((*ys[0].shape, 1), 0, dtypes.int32)
    one = ScatterDimensionNumbers((), (0,), (), (), (0,), ys[0].ndim)
    return replaced(op, rows, nowhere, ys, one)


@dataclass(frozen=True)
class _Numbered:
    """The places of all elements that windows have along the dimensions `taken`."""

    shape: ir.Shape
    given: ScatterDimensionNumbers
    starts: Tensor
    window: Sequence[int]
    taken: Sequence[int]

    @property
    def batch(self) -> list[int]:
        """How many windows there are along each dimension."""
        vector = self.given.index_vector_dim
        return [n for d, n in enumerate(self.starts.shape) if d != vector]

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions of the operand that index vectors speak of."""
        given = self.given.scatter_dims_to_operand_dims
        return (*given, *sorted({*self.given.inserted_window_dims, *self.taken} - {*given}))

    def indices(self) -> Tensor:
        """An index vector for each element, in the last dimension."""
        shape = (*self.batch, *(self.window[d] for d in self.taken))
        starts = self._starts()
        components = []
        for number, d in enumerate(self.dims):
            place = hlo.full(shape, 0, starts.dtype)
            if number < len(self.given.scatter_dims_to_operand_dims):
                place = hlo.broadcast_in_dim(
                    self._component(starts, number), shape, range(len(self.batch))
                )
            if d in self.taken and self.window[d] > 1:
                along = hlo.iota(shape, len(self.batch) + self.taken.index(d), starts.dtype)
                place = hlo.add(place, along)
            components.append(hlo.reshape(place, (*shape, 1)))
        return components[0] if len(components) == 1 else hlo.concatenate(components, len(shape))

    def _starts(self) -> Tensor:
        """Where windows begin, in numbers that hold what is added to them.

        What lies farther outside than a window is wide is outside as well at that distance.
        """
        given = self.given.scatter_dims_to_operand_dims
        low, high = [-self.window[d] for d in given], [self.shape[d] for d in given]
        bounds = Bounds(self.starts, self.given.index_vector_dim, low, high)
        starts = self.starts if bounds.hold() else bounds.clamped()
        wide = max(self.shape) > 2**30
        return hlo.convert(starts, dtypes.int64 if wide else dtypes.int32)

    def _component(self, starts: Tensor, number: int) -> Tensor:
        vector = self.given.index_vector_dim
        if vector == starts.ndim:
            return starts
        low, high = [0] * starts.ndim, list(starts.shape)
        low[vector], high[vector] = number, number + 1
        return hlo.reshape(hlo.slice_(starts, low, high), self.batch)

    def laid_out(self, y: Tensor, kept: Sequence[int]) -> Tensor:
        """Updates with the dimensions `taken` after those of the batch, and then the others."""
        place = dict(zip(kept, self.given.update_window_dims, strict=True))
        batch = [d for d in range(y.ndim) if d not in self.given.update_window_dims]
        rest = [place[d] for d in kept if d not in self.taken]
        return hlo.transpose(y, [*batch, *(place[d] for d in self.taken), *rest])

    def numbers(self, rank: int) -> ScatterDimensionNumbers:
        """The dimension numbers that go with `indices` and `laid_out`."""
        first = len(self.batch) + len(self.taken)
        vector = self.given.index_vector_dim
        return replace(
            self.given,
            update_window_dims=tuple(range(first, rank)),
            inserted_window_dims=tuple(sorted({*self.given.inserted_window_dims, *self.taken})),
            scatter_indices_batching_dims=tuple(
                d - (d > vector) for d in self.given.scatter_indices_batching_dims
            ),
            scatter_dims_to_operand_dims=self.dims,
            index_vector_dim=first,
        )
