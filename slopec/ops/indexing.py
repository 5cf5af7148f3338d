"""Reading by index: slices become slices, arrays of indices become one gather.

Indices that are only known when the program runs are clamped into the tensor, as StableHLO's
gather does; those known while tracing are checked.
"""

from typing import Any

from slopec import dtypes, hlo
from slopec.dialects.attributes import GatherDimensionNumbers
from slopec.ops.common import ArrayLike, aligned, as_tensor, per_dimension
from slopec.ops.key import Key, read_key
from slopec.tensor import Tensor

__all__ = ["dynamic_slice", "getitem"]


def getitem(x: ArrayLike, key: Any, /) -> Tensor:
    """`x[key]` with NumPy's indices: ints, slices, None, `...`, integer arrays, boolean masks.

    Arrays of indices broadcast against each other and follow NumPy's rule for the place of their
    dimensions. A mask needs known values, since it decides the shape. Traced indices count from
    the end when negative and are clamped when outside.

    Raises ShapeError for known indices outside the tensor, DTypeError for what is no index.

    >>> import slopec as sp
    >>> x = sp.tensor([[1, 2, 3], [4, 5, 6]])
    >>> print(x[0, ::-1], x[:, sp.tensor([2, 0])].tolist(), x[x > 4])
    tensor([3 2 1], int32[3], cpu) [[3, 1], [6, 4]] tensor([5 6], int32[2], cpu)
    """
    x = as_tensor("getitem", x)
    return read(x, read_key("index", key, x.shape))


def read(x: Tensor, key: Key) -> Tensor:
    """Carry out a key on the tensor it was made for."""
    seen = view(x, key)
    return pick(seen, key) if key.picked else seen


def view(x: Tensor, key: Key) -> Tensor:
    """The part of `x` that the slices, ints and new dimensions of a key leave."""
    ranges = key.ranges
    low = [r.lowest if r.count else 0 for r in ranges]
    high = [
        at + (r.count - 1) * abs(r.step) + 1 if r.count else at
        for at, r in zip(low, ranges, strict=True)
    ]
    part = hlo.slice_(x, low, high, [abs(r.step) for r in ranges])
    part = hlo.reverse(part, [d for d, r in enumerate(ranges) if r.step < 0 and r.count > 1])
    return hlo.reshape(part, key.view_shape)


def pick(x: Tensor, key: Key) -> Tensor:
    """The elements of a view at the indices of a key."""
    if not key.indices[0].ndim:
        return _pick_one(x, key)
    batch = key.indices[0].ndim
    rest = [d for d in range(x.ndim) if d not in key.picked]
    inside = range(key.where, key.where + batch)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(d for d in range(batch + len(rest)) if d not in inside),
        collapsed_slice_dims=key.picked,
        start_index_map=key.picked,
        index_vector_dim=batch,
    )
    sizes = [1 if d in key.picked else n for d, n in enumerate(x.shape)]
    return hlo.gather(x, index_vectors(key), numbers, sizes)


def index_vectors(key: Key) -> Tensor:
    """The indices of a key as vectors in a new last dimension."""
    columns = [hlo.reshape(i, (*i.shape, 1)) for i in key.indices]
    return hlo.concatenate(columns, columns[0].ndim - 1)


def _pick_one(x: Tensor, key: Key) -> Tensor:
    """One place per picked dimension: a slice at computed starts."""
    sizes = [1 if d in key.picked else n for d, n in enumerate(x.shape)]
    piece = hlo.dynamic_slice(x, starts_of(key, x.ndim), sizes)
    return hlo.reshape(piece, [n for d, n in enumerate(x.shape) if d not in key.picked])


def starts_of(key: Key, rank: int) -> list[Tensor]:
    """Where the slice begins that a key of scalar indices picks, in each of `rank` dimensions."""
    known = dict(zip(key.picked, key.indices, strict=True))
    zero = hlo.zeros_like(key.indices[0])
    return [known.get(d, zero) for d in range(rank)]


def dynamic_slice(x: ArrayLike, starts: Any, sizes: Any, /) -> Tensor:
    """The block of `sizes` that begins at `starts`, which may be computed.

    `starts` holds an int or integer scalar per dimension, `sizes` an int. A block that would stick
    out is moved inside.

    >>> import slopec as sp
    >>> print(sp.dynamic_slice(sp.arange(5), [sp.tensor(3)], [3]))
    tensor([2 3 4], int32[3], cpu)
    """
    x = as_tensor("dynamic_slice", x)
    places = aligned("dynamic_slice", list(starts), dtypes.int32) if x.ndim else []
    return hlo.dynamic_slice(x, places, per_dimension("dynamic_slice", "sizes", sizes, x.ndim))
