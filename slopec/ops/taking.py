"""Elements taken from and put at computed places along an axis."""

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError, ShapeError
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axis_of,
    broadcast_shapes,
    expand,
)
from slopec.ops.indexing import getitem
from slopec.ops.joining import unstack
from slopec.ops.key import wrapped
from slopec.ops.updating import update
from slopec.tensor import Tensor

__all__ = [
    "gather_nd",
    "index_select",
    "put_along_axis",
    "scatter_nd",
    "take",
    "take_along_axis",
]


def _indices(name: str, indices: ArrayLike) -> Tensor:
    given = as_tensor(name, indices)
    if not dtypes.is_integer(given.dtype):
        raise DTypeError(
            "S0102", f"{name}: indices are integers, got {given.dtype}", span=tracing.here()
        )
    return given


def take(x: ArrayLike, indices: ArrayLike, /, axis: int | None = None) -> Tensor:
    """The slices of `x` at `indices` along `axis`, of the flattened tensor for None.

    The dimensions of `indices`, of any number, stand in place of the axis: with a table (n, d),
    `take(table, tokens, axis=0)` looks up embeddings. Negative indices count from the end;
    traced ones outside are clamped.

    >>> import slopec as sp
    >>> print(sp.take(sp.tensor([10, 20, 30]), sp.tensor([2, 0])))
    tensor([30 10], int32[2], cpu)
    """
    x = as_tensor("take", x)
    if axis is None:
        x, axis = hlo.reshape(x, (x.size,)), 0
    place = axis_of("take", axis, x.ndim)
    return getitem(x, (*(slice(None),) * place, indices))


index_select = take


def take_along_axis(x: ArrayLike, indices: ArrayLike, /, axis: int = -1) -> Tensor:
    """For every place of `indices`, the element of `x` at that index along `axis`.

    Other dimensions broadcast; the result has the shape of `indices` then. It undoes what
    `argsort` and `argmax(keepdims=True)` found. This is PyTorch's `gather`.

    >>> import slopec as sp
    >>> x = sp.tensor([[3, 1, 2]])
    >>> print(sp.take_along_axis(x, sp.argsort(x, axis=1), axis=1))
    tensor([[1 2 3]], int32[1, 3], cpu)
    """
    x, places = as_tensor("take_along_axis", x), _indices("take_along_axis", indices)
    axis = axis_of("take_along_axis", axis, x.ndim)
    x, places = _along("take_along_axis", x, places, axis)
    batch = tuple(d for d in range(x.ndim) if d != axis)
    numbers = GatherDimensionNumbers(
        collapsed_slice_dims=(axis,),
        operand_batching_dims=batch,
        start_indices_batching_dims=batch,
        start_index_map=(axis,),
        index_vector_dim=x.ndim,
    )
    vectors = hlo.reshape(wrapped(places, x.shape[axis]), (*places.shape, 1))
    return hlo.gather(x, vectors, numbers, (1,) * x.ndim)


def _along(name: str, x: Tensor, places: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Both broadcast to each other everywhere but along `axis`."""
    if x.ndim != places.ndim:
        raise ShapeError(
            "S0101",
            f"{name}: {x.ndim} dimensions in shape {x.shape}, {places.ndim} in {places.shape}",
            span=tracing.here(),
        )
    if not x.shape[axis] and places.size:
        raise ShapeError(
            "S0108", f"{name}: axis {axis} of shape {x.shape} is empty", span=tracing.here()
        )
    rest = [(*t.shape[:axis], 1, *t.shape[axis + 1 :]) for t in (x, places)]
    shape = broadcast_shapes(name, rest)
    x_shape, i_shape = ((*shape[:axis], t.shape[axis], *shape[axis + 1 :]) for t in (x, places))
    return expand(x, x_shape), expand(places, i_shape)


def put_along_axis(
    x: ArrayLike,
    indices: ArrayLike,
    values: ArrayLike,
    /,
    axis: int = -1,
    *,
    mode: str = "set",
) -> Tensor:
    """`x` with `values` at `indices` along `axis`: the counterpart of `take_along_axis`.

    `mode` is "set", "add", "multiply", "min" or "max". This is PyTorch's `scatter`.

    >>> import slopec as sp
    >>> print(sp.put_along_axis(sp.zeros((1, 3)), sp.tensor([[2, 2]]), 1.0, axis=1, mode="add"))
    tensor([[0. 0. 2.]], float32[1, 3], cpu)
    """
    x, places = as_tensor("put_along_axis", x), _indices("put_along_axis", indices)
    axis = axis_of("put_along_axis", axis, x.ndim)
    x, places = _along("put_along_axis", x, places, axis)
    key = tuple(
        wrapped(places, x.shape[d]) if d == axis else hlo.iota(places.shape, d, dtypes.int32)
        for d in range(x.ndim)
    )
    return update(x, key, values, mode)


def gather_nd(x: ArrayLike, indices: ArrayLike, /, *, batch_dims: int = 0) -> Tensor:
    """The slices of `x` at index vectors, which lie along the last dimension of `indices`.

    The first `batch_dims` dimensions belong together. The result has the other dimensions of
    `indices`, then those of `x` that the vectors do not index.

    >>> import slopec as sp
    >>> print(sp.gather_nd(sp.tensor([[1, 2], [3, 4]]), sp.tensor([[0, 1], [1, 0]])))
    tensor([2 3], int32[2], cpu)
    """
    x, places = as_tensor("gather_nd", x), _indices("gather_nd", indices)
    return getitem(x, _vectors_as_key("gather_nd", x, places, batch_dims))


def scatter_nd(
    x: ArrayLike, indices: ArrayLike, updates: ArrayLike, /, *, mode: str = "add"
) -> Tensor:
    """`x` with `updates` combined in at index vectors: the counterpart of `gather_nd`.

    `mode` is "add", "set", "multiply", "min" or "max"; vectors outside are dropped.

    >>> import slopec as sp
    >>> print(sp.scatter_nd(sp.zeros(3), sp.tensor([[0], [2], [0]]), sp.ones(3)))
    tensor([2. 0. 1.], float32[3], cpu)
    """
    x, places = as_tensor("scatter_nd", x), _indices("scatter_nd", indices)
    return update(x, _vectors_as_key("scatter_nd", x, places, 0), updates, mode)


def _vectors_as_key(name: str, x: Tensor, places: Tensor, batch_dims: int) -> tuple[Tensor, ...]:
    """One tensor of indices per indexed dimension of `x`."""
    if not places.ndim or batch_dims + places.shape[-1] > x.ndim:
        raise ShapeError(
            "S0108",
            f"{name}: index vectors of shape {places.shape} for a tensor of shape {x.shape}",
            span=tracing.here(),
        )
    if x.shape[:batch_dims] != places.shape[:batch_dims]:
        raise ShapeError(
            "S0101",
            f"{name}: the first {batch_dims} dimensions of {x.shape} and {places.shape} differ",
            span=tracing.here(),
        )
    batch = [hlo.iota(places.shape[:-1], d, dtypes.int32) for d in range(batch_dims)]
    return (*batch, *unstack(places, axis=-1))
