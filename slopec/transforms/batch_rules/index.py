"""Ops whose places come from data. Places that differ along the batch make a gather or a scatter
with batching dimensions of it.
"""

from collections.abc import Sequence
from dataclasses import replace

from slopec import hlo, ir
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


def _starts(site: Site, first: int, limits: Sequence[int] | None = None) -> Tensor:
    """The start indices from operand `first` on, as rows of a matrix; kept in 0 … `limits`."""
    columns = []
    for i in range(first, len(site.given)):
        start = site.wide(i)
        if limits is not None:
            low, high = (hlo.full((), n, start.dtype) for n in (0, limits[i - first]))
            start = hlo.clamp(low, start, high)
        columns.append(hlo.reshape(start, (site.size, 1)))
    return hlo.concatenate(columns, 1)


def _with_zero(site: Site, first: int) -> list[Tensor]:
    """The start indices, which are the same for the whole batch, for a batched operand."""
    starts = site.given[first:]
    return [hlo.full((), 0, starts[0].dtype), *starts] if starts else []


@batched("stablehlo.dynamic_slice")
def _dynamic_slice(site: Site) -> Tensor:
    """A gather of one window, clamped as slices are, for each member of the batch."""
    x, sizes = site.given[0], site.ints("slice_sizes")
    if not sizes:
        return x
    if not any(site.mapped[1:]):
        return hlo.dynamic_slice(x, _with_zero(site, 1), (site.size, *sizes))
    every = tuple(range(len(sizes)))
    numbers = GatherDimensionNumbers(
        offset_dims=up(every), start_index_map=every, index_vector_dim=1
    )
    if not site.mapped[0]:
        return hlo.gather(x, _starts(site, 1), numbers, sizes)
    numbers = replace(
        numbers,
        start_index_map=up(every),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    return hlo.gather(x, _starts(site, 1), numbers, (1, *sizes))


@batched("stablehlo.dynamic_update_slice")
def _dynamic_update_slice(site: Site) -> Tensor:
    """A scatter of one window; updates move inside first, as scatter drops what is outside."""
    x, update = site.wide(0), site.wide(1)
    if not any(site.mapped[2:]):
        starts = _with_zero(site, 2)
        return hlo.dynamic_update_slice(x, update, starts) if starts else update
    limits = [n - m for n, m in zip(x.shape[1:], update.shape[1:], strict=True)]
    every = tuple(range(1, x.ndim))
    numbers = ScatterDimensionNumbers(
        update_window_dims=every,
        input_batching_dims=(0,),
        scatter_indices_batching_dims=(0,),
        scatter_dims_to_operand_dims=every,
        index_vector_dim=1,
    )
    return hlo.scatter(x, _starts(site, 2, limits), update, numbers, None, unique=True)
