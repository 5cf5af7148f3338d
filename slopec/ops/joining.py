"""Tensors put together and taken apart: concat, stack, split, chunk."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from slopec import hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.common import (
    ArrayLike,
    as_tensor,
    axis_of,
    bad_argument,
    common_dtype,
)
from slopec.ops.manipulation import expand_dims, part
from slopec.tensor import Tensor

__all__ = [
    "append",
    "array_split",
    "block",
    "chunk",
    "column_stack",
    "concat",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vstack",
]


def _tensors(name: str, arrays: Sequence[ArrayLike]) -> list[Tensor]:
    """The operands, at least one, in their promoted type."""
    tensors = [as_tensor(name, a) for a in arrays]
    if not tensors:
        raise bad_argument(f"{name}: there is nothing to join")
    dtype = common_dtype(tensors)
    return [hlo.convert(t, dtype) for t in tensors]


def concat(arrays: Sequence[ArrayLike], /, axis: int | None = 0) -> Tensor:
    """Tensors one behind the other along `axis`; flattened first for None; dtypes promote.

    Raises ShapeError unless all other sizes agree.

    >>> import slopec as sp
    >>> print(sp.concat([sp.tensor([1, 2]), sp.tensor([3])]))
    tensor([1 2 3], int32[3], cpu)
    """
    tensors = _tensors("concat", arrays)
    if axis is None:
        tensors, axis = [hlo.reshape(t, (t.size,)) for t in tensors], 0
    first = tensors[0]
    place = axis_of("concat", axis, first.ndim)
    for other in tensors[1:]:
        if other.ndim != first.ndim or any(
            a != b
            for d, (a, b) in enumerate(zip(first.shape, other.shape, strict=True))
            if d != place
        ):
            raise ShapeError(
                "S0101",
                f"concat: shapes {first.shape} and {other.shape} differ outside axis {place}",
                span=tracing.here(),
            )
    return hlo.concatenate(tensors, place)


def stack(arrays: Sequence[ArrayLike], /, axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new dimension `axis`; dtypes promote.

    Raises ShapeError unless the shapes are equal.

    >>> import slopec as sp
    >>> print(sp.stack([sp.tensor([1, 2]), sp.tensor([3, 4])], axis=1))
    tensor([[1 3]
            [2 4]], int32[2, 2], cpu)
    """
    tensors = _tensors("stack", arrays)
    for other in tensors[1:]:
        if other.shape != tensors[0].shape:
            raise ShapeError(
                "S0101",
                f"stack: shapes {tensors[0].shape} and {other.shape} differ",
                span=tracing.here(),
            )
    place = axis_of("stack", axis, tensors[0].ndim + 1)
    return hlo.concatenate([expand_dims(t, place) for t in tensors], place)


def vstack(arrays: Sequence[ArrayLike], /) -> Tensor:
    """Tensors below each other; vectors are rows.

    >>> import slopec as sp
    >>> sp.vstack([sp.zeros(3), sp.ones(3)]).shape
    (2, 3)
    """
    tensors = _tensors("vstack", arrays)
    return concat([t if t.ndim >= 2 else hlo.reshape(t, (1, t.size)) for t in tensors])


def hstack(arrays: Sequence[ArrayLike], /) -> Tensor:
    """Tensors beside each other: along the second dimension, vectors along their only one.

    >>> import slopec as sp
    >>> sp.hstack([sp.zeros((2, 3)), sp.ones((2, 1))]).shape
    (2, 4)
    """
    tensors = _tensors("hstack", arrays)
    tensors = [t if t.ndim else hlo.reshape(t, (1,)) for t in tensors]
    return concat(tensors, axis=min(1, tensors[0].ndim - 1))


def column_stack(arrays: Sequence[ArrayLike], /) -> Tensor:
    """Vectors as the columns of a matrix; matrices beside each other.

    >>> import slopec as sp
    >>> sp.column_stack([sp.zeros(3), sp.ones(3)]).shape
    (3, 2)
    """
    tensors = _tensors("column_stack", arrays)
    return concat([t if t.ndim >= 2 else hlo.reshape(t, (t.size, 1)) for t in tensors], axis=1)


def block(arrays: Any, /) -> Tensor:
    """Tensors in nested lists as one: the innermost beside each other, the lists below each other.

    A list of depth d joins along the d-th dimension from the last. Raises ShapeError unless sizes
    agree, UsageError for lists that are empty or nested in different depths.

    >>> import slopec as sp
    >>> print(sp.block([[sp.eye(2), sp.zeros((2, 1))], [sp.ones((1, 3))]]))
    tensor([[1. 0. 0.]
            [0. 1. 0.]
            [1. 1. 1.]], float32[3, 3], cpu)
    """
    depth = _depth(arrays)
    rank = max(depth, *(as_tensor("block", leaf).ndim for leaf in _leaves(arrays)))

    def joined(part: Any, level: int) -> Tensor:
        if level:
            return concat([joined(inner, level - 1) for inner in part], axis=-level)
        leaf = as_tensor("block", part)
        return hlo.reshape(leaf, (1,) * (rank - leaf.ndim) + leaf.shape)

    return joined(arrays, depth)


def _depth(part: Any) -> int:
    """How deep lists are nested."""
    if not isinstance(part, list):
        return 0
    depths = {_depth(inner) for inner in part}
    if len(depths) != 1:
        raise bad_argument("block: lists are empty, or nested in different depths")
    return 1 + depths.pop()


def _leaves(part: Any) -> Iterator[Any]:
    if not isinstance(part, list):
        yield part
        return
    for inner in part:
        yield from _leaves(inner)


def append(x: ArrayLike, values: ArrayLike, /, axis: int | None = None) -> Tensor:
    """`values` behind `x` along `axis`; both flattened for None.

    >>> import slopec as sp
    >>> print(sp.append(sp.tensor([1, 2]), sp.tensor([3])))
    tensor([1 2 3], int32[3], cpu)
    """
    return concat([x, values], axis=axis)


# --- taking apart ----------------------------------------------------------------------------


def unstack(x: ArrayLike, /, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices of `x` along `axis`, each without that dimension.

    >>> import slopec as sp
    >>> [t.tolist() for t in sp.unstack(sp.tensor([[1, 2], [3, 4]]), axis=1)]
    [[1, 3], [2, 4]]
    """
    x = as_tensor("unstack", x)
    place = axis_of("unstack", axis, x.ndim)
    shape = [n for d, n in enumerate(x.shape) if d != place]
    return tuple(hlo.reshape(part(x, place, i, i + 1), shape) for i in range(x.shape[place]))


def _cut(x: Tensor, axis: int, places: Sequence[int]) -> list[Tensor]:
    size = x.shape[axis]
    edges = [0, *(min(max(p + size if p < 0 else p, 0), size) for p in places), size]
    return [part(x, axis, a, max(a, b)) for a, b in pairwise(edges)]


def split(x: ArrayLike, sections: int | Sequence[int], /, axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into so many equal parts, or at the given places, as NumPy does.

    Raises ShapeError when the parts would not be equal; `array_split` allows it.

    >>> import slopec as sp
    >>> [t.tolist() for t in sp.split(sp.arange(6), 3)]
    [[0, 1], [2, 3], [4, 5]]
    >>> [t.tolist() for t in sp.split(sp.arange(4), [1])]
    [[0], [1, 2, 3]]
    """
    x = as_tensor("split", x)
    place = axis_of("split", axis, x.ndim)
    size = x.shape[place]
    if isinstance(sections, int) and (sections <= 0 or size % sections):
        raise ShapeError(
            "S0101",
            f"split: {size} elements along axis {place} do not make {sections} equal parts",
            span=tracing.here(),
            hint="use `sp.array_split` for parts of different sizes",
        )
    return array_split(x, sections, axis=axis)


def array_split(x: ArrayLike, sections: int | Sequence[int], /, axis: int = 0) -> list[Tensor]:
    """Like `split`, but parts may differ by one element, the larger ones first.

    >>> import slopec as sp
    >>> [t.tolist() for t in sp.array_split(sp.arange(5), 2)]
    [[0, 1, 2], [3, 4]]
    """
    x = as_tensor("array_split", x)
    place = axis_of("array_split", axis, x.ndim)
    if not isinstance(sections, int):
        return _cut(x, place, [int(p) for p in sections])
    if sections <= 0:
        raise bad_argument(f"array_split: {sections} parts")
    base, extra = divmod(x.shape[place], sections)
    return _cut(x, place, [i * base + min(i, extra) for i in range(1, sections)])


def chunk(x: ArrayLike, chunks: int, /, axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into at most `chunks` parts of one size, the last maybe smaller.

    >>> import slopec as sp
    >>> [t.tolist() for t in sp.chunk(sp.arange(5), 3)]
    [[0, 1], [2, 3], [4]]
    """
    x = as_tensor("chunk", x)
    place = axis_of("chunk", axis, x.ndim)
    if chunks <= 0:
        raise bad_argument(f"chunk: {chunks} parts")
    size = x.shape[place]
    width = max(-(-size // chunks), 1)
    return _cut(x, place, range(width, size, width))
