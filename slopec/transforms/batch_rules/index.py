"""Ops whose places come from data. Places that differ along the batch make a gather or a scatter
with batching dimensions of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slopec import dtypes, hlo, ir
from slopec.dialects.attributes import GatherDimensionNumbers, ScatterDimensionNumbers
from slopec.tensor import Tensor
from slopec.transforms.batch_rule import Site, batched
from slopec.transforms.batch_rules.shape import up


@batched("stablehlo.gather")
def _gather(site: Site) -> Sequence[Tensor]:
    """The batch is a window dimension of a mapped operand, a batch dimension of mapped indices."""
    n = GatherDimensionNumbers.parse(site.attribute("dimension_numbers"))
    sizes = site.ints("slice_sizes")
    moved, placed = site.mapped
    changes: dict[str, ir.Attribute] = {}
    if moved:
        n = replace(
            n,
            collapsed_slice_dims=up(n.collapsed_slice_dims),
            operand_batching_dims=up(n.operand_batching_dims),
            start_index_map=up(n.start_index_map),
        )
        sizes = (1 if placed else site.size, *sizes)
    if placed:
        n = replace(
            n,
            start_indices_batching_dims=up(n.start_indices_batching_dims),
            index_vector_dim=n.index_vector_dim + 1,
        )
        changes["indices_are_sorted"] = ir.boolean(False)
    if moved and placed:
        n = replace(
            n,
            operand_batching_dims=(0, *n.operand_batching_dims),
            start_indices_batching_dims=(0, *n.start_indices_batching_dims),
        )
    window = up(n.offset_dims)
    n = replace(n, offset_dims=window if placed else (0, *window))
    changes["dimension_numbers"] = ir.attr(str(n))
    return site.emit(site.given, slice_sizes=ir.i64s(*sizes), **changes)


@batched("stablehlo.scatter")
def _scatter(site: Site) -> Sequence[Tensor]:
    """The batch is a window dimension of the updates, or a batching dimension with the indices."""
    n = ScatterDimensionNumbers.parse(site.attribute("scatter_dimension_numbers"))
    count = (len(site.given) - 1) // 2
    placed = site.mapped[count]
    n = replace(
        n,
        update_window_dims=up(n.update_window_dims),
        inserted_window_dims=up(n.inserted_window_dims),
        input_batching_dims=up(n.input_batching_dims),
        scatter_dims_to_operand_dims=up(n.scatter_dims_to_operand_dims),
    )
    operands, changes = site.every_wide(), {}
    if placed:
        n = replace(
            n,
            input_batching_dims=(0, *n.input_batching_dims),
            scatter_indices_batching_dims=(0, *up(n.scatter_indices_batching_dims)),
            index_vector_dim=n.index_vector_dim + 1,
        )
        changes["indices_are_sorted"] = ir.boolean(False)
    else:
        n = replace(n, update_window_dims=(0, *n.update_window_dims))
        operands[count] = site.given[count]
    changes["scatter_dimension_numbers"] = ir.attr(str(n))
    return site.emit(operands, **changes)


def _with_zero(site: Site, first: int) -> list[Tensor]:
    """The start indices, which are the same for the whole batch, for a batched operand."""
    starts = site.given[first:]
    return [hlo.full((), 0, starts[0].dtype), *starts] if starts else []


@dataclass(frozen=True)
class _Window:
    """Where every member of the batch has its own window: the place of each of its elements.

    `moving` are the dimensions in which a window is smaller than the operand; `places` has one
    index for each of them, for each member and each position along them. Windows that moved as a
    whole would do as well, but IREE compiles no scatter of these for a batch.
    """

    moving: tuple[int, ...]
    fixed: tuple[int, ...]
    places: Tensor

    @staticmethod
    def at(site: Site, first: int, shape: ir.Shape, sizes: Sequence[int]) -> "_Window | None":
        """From the starts that begin at operand `first`; None if no window can move."""
        every = range(len(sizes))
        moving = tuple(d for d in every if sizes[d] != shape[d])
        wide = (site.size, *(sizes[d] for d in moving))
        columns = []
        for axis, d in enumerate(moving, 1):
            start = site.wide(first + d)
            start = hlo.convert(start, dtypes.int32) if start.dtype.itemsize < 4 else start
            low, high = (hlo.full((), n, start.dtype) for n in (0, shape[d] - sizes[d]))
            inside = hlo.broadcast_in_dim(hlo.clamp(low, start, high), wide, (0,))
            place = hlo.add(inside, hlo.iota(wide, axis, start.dtype))
            columns.append(hlo.reshape(place, (*wide, 1)))
        if not columns:
            return None
        fixed = tuple(d for d in every if d not in moving)
        return _Window(moving, fixed, hlo.concatenate(columns, len(wide)))


@batched("stablehlo.dynamic_slice")
def _dynamic_slice(site: Site) -> Tensor:
    """A gather, when members of the batch have windows at different places."""
    x, sizes = site.given[0], site.ints("slice_sizes")
    if not any(site.mapped[1:]):
        starts = _with_zero(site, 1)
        return hlo.dynamic_slice(x, starts, (site.size, *sizes)) if starts else x
    window = _Window.at(site, 1, site.operands[0].shape, sizes)
    if window is None:
        return site.wide(0)
    numbers = GatherDimensionNumbers(
        offset_dims=up(window.fixed),
        collapsed_slice_dims=window.moving,
        start_index_map=window.moving,
        index_vector_dim=window.places.ndim - 1,
    )
    ones = [1 if d in window.moving else n for d, n in enumerate(sizes)]
    if not site.mapped[0]:
        return hlo.gather(x, window.places, numbers, ones)
    numbers = replace(
        numbers,
        collapsed_slice_dims=up(window.moving),
        start_index_map=up(window.moving),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    return hlo.gather(x, window.places, numbers, [1, *ones])


@batched("stablehlo.dynamic_update_slice")
def _dynamic_update_slice(site: Site) -> Tensor:
    """A scatter, when members of the batch have windows at different places."""
    x, update = site.wide(0), site.wide(1)
    if not any(site.mapped[2:]):
        starts = _with_zero(site, 2)
        return hlo.dynamic_update_slice(x, update, starts) if starts else update
    window = _Window.at(site, 2, x.shape[1:], update.shape[1:])
    if window is None:
        return update
    numbers = ScatterDimensionNumbers(
        update_window_dims=up(window.fixed),
        inserted_window_dims=up(window.moving),
        input_batching_dims=(0,),
        scatter_indices_batching_dims=(0,),
        scatter_dims_to_operand_dims=up(window.moving),
        index_vector_dim=window.places.ndim - 1,
    )
    return hlo.scatter(x, window.places, update, numbers, None, unique=True)
