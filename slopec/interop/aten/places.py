"""ATen's operations at computed places: indexing, gather and scatter, masks, embeddings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import dtypes, ops
from slopec.interop.aten.shapes import along
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient


def _key(indices: Sequence[Tensor | None]) -> tuple[Any, ...]:
    return tuple(slice(None) if index is None else index for index in indices)


def _single_mask(indices: Sequence[Tensor | None]) -> Tensor | None:
    """The mask that is the only index, if that is what is given."""
    if len(indices) != 1 or indices[0] is None or indices[0].dtype != dtypes.bool_:
        return None
    return indices[0]


def index(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """The elements where index tensors, one per dimension or none, point."""
    return x[_key(indices)]


def index_put(
    x: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Any:
    """`x` with the elements where the indices point replaced by, or increased by, values."""
    mask = _single_mask(indices)
    if mask is None:
        update = x.at[_key(indices)]
        return update.add(values) if accumulate else update.set(values)
    if values.size > 1:
        return masked_scatter(x, _spread(mask, x), values)
    new = ops.reshape(values, ())
    return ops.where(_spread(mask, x), x + new if accumulate else new, x)


def _spread(mask: Tensor, x: Tensor) -> Tensor:
    """A mask of the first dimensions for all."""
    return ops.broadcast_to(ops.reshape(mask, (*mask.shape, *[1] * (x.ndim - mask.ndim))), x.shape)


def masked_scatter(x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`x` with the places of the mask, in order, filled from `source`."""
    mask = ops.broadcast_to(mask, x.shape)
    serial = ops.cumsum(ops.astype(ops.ravel(mask), dtypes.int32), axis=0) - 1
    taken = ops.take(ops.ravel(source), ops.maximum(serial, 0))
    return ops.where(mask, ops.reshape(taken, x.shape), x)


def _grid(places: Tensor, dim: int, x: Tensor) -> tuple[Tensor, ...]:
    """An index for every dimension: the places along `dim`, and along others where they lie."""
    key = []
    for d, size in enumerate(places.shape):
        shape = [size if i == d else 1 for i in range(places.ndim)]
        key.append(ops.reshape(ops.arange(size), shape))
    key[dim % x.ndim] = places
    return tuple(key)


def _fits(x: Tensor, places: Tensor, dim: int) -> bool:
    """Whether the places cover all other dimensions."""
    others = [d for d in range(x.ndim) if d != dim % x.ndim]
    return all(x.shape[d] == places.shape[d] for d in others)


def gather(x: Tensor, dim: int, places: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """For every place its element along `dim`."""
    if not x.ndim:
        return ops.broadcast_to(x, places.shape)
    if _fits(x, places, dim):
        return ops.take_along_axis(x, places, axis=dim)
    return x[_grid(places, dim, x)]


_MODES = {"sum": "add", "add": "add", "prod": "multiply", "multiply": "multiply"}
_MODES |= {"amax": "max", "amin": "min"}


def _scattered(x: Tensor, dim: int, places: Tensor, source: Any, mode: str) -> Any:
    """`x` with elements of `source`, as many as there are places, combined in along `dim`."""
    if not x.ndim:
        return _scattered(ops.reshape(x, (1,)), 0, *_vectors(places, source), mode).reshape(())
    if isinstance(source, Tensor) and source.shape != places.shape:
        source = source[tuple(slice(size) for size in places.shape)]
    if _fits(x, places, dim):
        return ops.put_along_axis(x, places, source, axis=dim, mode=mode)
    update = getattr(x.at[_grid(places, dim, x)], mode)
    made: Tensor = update(source)
    return made


def _vectors(places: Tensor, source: Any) -> tuple[Tensor, Any]:
    flat = ops.reshape(source, (source.size,)) if isinstance(source, Tensor) else source
    return ops.reshape(places, (places.size,)), flat


def scatter(x: Tensor, dim: int, places: Tensor, source: Any, *, reduce: str | None = None) -> Any:
    """`x` with elements set along `dim`."""
    return _scattered(x, dim, places, source, "set" if reduce is None else _MODES[reduce])


def scatter_add(x: Tensor, dim: int, places: Tensor, source: Tensor) -> Any:
    """`x` with elements added along `dim`."""
    return _scattered(x, dim, places, source, "add")


def scatter_reduce(
    x: Tensor,
    dim: int,
    places: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Any:
    """`x` with elements combined in along `dim`; without `include_self`, what was there is not."""
    if reduce == "mean":
        return _mean(x, dim, places, source, include_self)
    start = x if include_self else _scattered(x, dim, places, _neutral(reduce, x), "set")
    return _scattered(start, dim, places, source, _MODES[reduce])


def _neutral(reduce: str, x: Tensor) -> Any:
    """What changes nothing in a reduction."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    low, high = ops.extremes.limits(x.dtype)
    return low if reduce == "amax" else high


def _mean(x: Tensor, dim: int, places: Tensor, source: Tensor, include_self: bool) -> Any:
    start = x if include_self else _scattered(x, dim, places, 0, "set")
    total = _scattered(start, dim, places, source, "add")
    ones = ops.ones_like(start) if include_self else ops.zeros_like(start)
    count = ops.maximum(_scattered(ones, dim, places, 1, "add"), 1)
    return total / count if dtypes.is_differentiable(x.dtype) else total // count


def index_select(x: Tensor, dim: int, places: Tensor) -> Tensor:
    """The slices at places along `dim`."""
    if not x.ndim:
        return x
    return ops.take(x, ops.reshape(places, (places.size,)), axis=dim)


def index_add(x: Tensor, dim: int, places: Tensor, source: Tensor, *, alpha: Any = 1) -> Any:
    """`x` with slices added along `dim`."""
    return x.at[along(x, dim, places)].add(_first(source * alpha, x, dim, places))


def index_copy(x: Tensor, dim: int, places: Tensor, source: Tensor) -> Any:
    """`x` with slices set along `dim`."""
    return x.at[along(x, dim, places)].set(_first(source, x, dim, places))


def _first(source: Tensor, x: Tensor, dim: int, places: Tensor) -> Tensor:
    """Slices in the shape that indexing gives."""
    return ops.broadcast_to(source, x[along(x, dim, places)].shape)


def embedding(
    weight: Tensor,
    places: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table; the row `padding_idx` learns nothing."""
    rows = ops.take(weight, places, axis=0)
    if padding_idx < 0:
        return rows
    return ops.where(ops.expand_dims(places == padding_idx, -1), stop_gradient(rows), rows)


def embedding_bag(
    weight: Tensor,
    places: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> tuple[Any, ...]:
    """Rows of a table, combined (0 added, 1 averaged, 2 largest) in bags that begin at offsets."""
    starts = offsets[:-1] if include_last_offset else offsets
    bags = starts.shape[0]
    bag = ops.searchsorted(starts, ops.arange(places.shape[0]), side="right") - 1
    rows = embedding(weight, places, padding_idx)
    counted = ops.where(places == padding_idx, 0, 1) if padding_idx >= 0 else None
    if mode == 2:
        low = ops.extremes.limits(weight.dtype)[0]
        shown = rows if counted is None else ops.where(counted[:, None] > 0, rows, low)
        best = ops.full((bags, weight.shape[1]), low, dtype=weight.dtype).at[bag].max(shown)
        result = ops.where(best == low, 0, best)
    else:
        rows = rows if per_sample_weights is None else rows * per_sample_weights[:, None]
        rows = rows if counted is None else ops.where(counted[:, None] > 0, rows, 0)
        result = ops.zeros((bags, weight.shape[1]), dtype=weight.dtype).at[bag].add(rows)
    size = ops.zeros((bags,), dtype=dtypes.int32).at[bag].add(1 if counted is None else counted)
    if mode == 1:
        result = result / ops.maximum(size, 1)[:, None]
    return result, bag, size, lambda: ops.zeros((0,), dtype=dtypes.int32)


def nonzero(x: Tensor) -> Tensor:
    """The places of what is not zero, a row for each; the values must be known."""
    return ops.stack(list(ops.nonzero(x)), axis=1)


def bucketize(
    x: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The bucket of each element, whose boundaries rise."""
    return ops.searchsorted(boundaries, x, side="right" if right else "left")


def searchsorted(
    sequence: Tensor,
    x: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where elements would go into sorted vectors, row by row where there are several."""
    to = side or ("right" if right else "left")
    if sequence.ndim == 1:
        return ops.searchsorted(sequence, x, side=to, sorter=sorter)
    ordered = sequence if sorter is None else ops.take_along_axis(sequence, sorter, axis=-1)
    before = ops.less if to == "left" else ops.less_equal
    return ops.sum(before(ordered[..., None, :], x[..., None]), axis=-1, dtype=np.int32)


TABLE: dict[str, Callable[..., Any]] = {
    "index.Tensor": index,
    "_unsafe_index": index,
    "index_put": index_put,
    "_unsafe_index_put": index_put,
    "masked_scatter": masked_scatter,
    "gather": gather,
    "scatter": scatter,
    "scatter_add": scatter_add,
    "scatter_reduce": scatter_reduce,
    "index_select": index_select,
    "index_add": index_add,
    "index_copy": index_copy,
    "embedding": embedding,
    "_embedding_bag": embedding_bag,
    "_embedding_bag_forward_only": embedding_bag,
    "nonzero": nonzero,
    "bucketize": bucketize,
    "searchsorted": searchsorted,
}
