"""ATen's operations at computed places: indexing, gather and scatter, masks, embeddings."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.ops import gathering
from slopec.tensor import Tensor
from slopec.transforms import stop_gradient


def index(x: Tensor, indices: Sequence[Tensor | None]) -> Tensor:
    """The elements where index tensors, one per dimension or none, point."""
    return x[tuple(slice(None) if place is None else place for place in indices)]


def gather(x: Tensor, dim: int, places: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """For every place its element along `dim`."""
    return gathering.gather(x, dim, places)


def index_select(x: Tensor, dim: int, places: Tensor) -> Tensor:
    """The slices at places along `dim`."""
    if not x.ndim:
        return x
    return ops.take(x, ops.reshape(places, (places.size,)), axis=dim)


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


_BAGS: tuple[Literal["sum", "mean", "max"], ...] = ("sum", "mean", "max")


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
    result = functional.embedding_bag(
        places,
        weight,
        offsets,
        mode=_BAGS[mode],
        per_sample_weights=per_sample_weights,
        include_last_offset=include_last_offset,
        padding_idx=None if padding_idx < 0 else padding_idx,
    )
    return result, *(lambda: ops.zeros((0,), dtype=dtypes.int32),) * 3


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
    "index_put": ops.index_put,
    "_unsafe_index_put": ops.index_put,
    "masked_scatter": ops.masked_scatter,
    "gather": gather,
    "scatter": gathering.scatter,
    "scatter_add": gathering.scatter_add,
    "scatter_reduce": gathering.scatter_reduce,
    "index_select": index_select,
    "index_add": ops.index_add,
    "index_copy": ops.index_copy,
    "embedding": embedding,
    "_embedding_bag": embedding_bag,
    "_embedding_bag_forward_only": embedding_bag,
    "nonzero": nonzero,
    "bucketize": bucketize,
    "searchsorted": searchsorted,
}
