"""Functional updates: `x.at[key].set(v)` is a new tensor that differs at `key`.

Slices need no scatter: the update is padded to the size of the tensor and combined with it.
Arrays of indices become one scatter, which drops indices outside the tensor; a single computed
index moves a slice, which is kept inside, as it is when reading.
"""

from collections.abc import Callable
from typing import Any

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import DTypeError
from slopec.dialects.attributes import ScatterDimensionNumbers
from slopec.ops.common import ArrayLike, as_tensor, bad_argument, is_scalar, splat
from slopec.ops.data_types import astype
from slopec.ops.extremes import limits
from slopec.ops.indexing import index_vectors, starts_of, view
from slopec.ops.key import Key, Range, read_key
from slopec.ops.logic import where
from slopec.ops.manipulation import broadcast_to
from slopec.tensor import Tensor

__all__ = ["at"]

_BODIES = {"set": None, "add": "add", "multiply": "multiply", "min": "minimum", "max": "maximum"}
_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "set": lambda _, new: new,
    "add": hlo.add,
    "multiply": hlo.multiply,
    "min": hlo.minimum,
    "max": hlo.maximum,
}


class _At:
    """What `x.at` gives: index it to choose the elements to update."""

    __slots__ = ("_x",)

    def __init__(self, x: Tensor) -> None:
        self._x = x

    def __getitem__(self, key: Any) -> "Update":
        """The elements that `key`, as in `x[key]`, selects."""
        return Update(self._x, key)


class Update:
    """Chosen elements of a tensor; each method returns a tensor with those elements updated.

    Values broadcast to the shape of `x[key]` and are cast to the dtype of `x`. Where an index
    comes more than once, `add`, `multiply`, `min` and `max` count every time; `set` keeps one.

    >>> import slopec as sp
    >>> x = sp.zeros(4)
    >>> print(x.at[1].set(5.0), x.at[sp.tensor([0, 0, 2])].add(1.0))
    tensor([0. 5. 0. 0.], float32[4], cpu) tensor([2. 0. 1. 0.], float32[4], cpu)
    """

    __slots__ = ("_key", "_x")

    def __init__(self, x: Tensor, key: Any) -> None:
        """Keep the tensor and the key; nothing is computed before a method is called."""
        self._x, self._key = x, key

    def get(self) -> Tensor:
        """The elements themselves, `x[key]`."""
        return self._x[self._key]

    def set(self, value: ArrayLike) -> Tensor:
        """`x` with the elements replaced by `value`."""
        return update(self._x, self._key, value, "set")

    def add(self, value: ArrayLike) -> Tensor:
        """`x` with `value` added to the elements."""
        return update(self._x, self._key, value, "add")

    def subtract(self, value: ArrayLike) -> Tensor:
        """`x` with `value` subtracted from the elements."""
        return update(self._x, self._key, -as_tensor("at", value), "add")

    def multiply(self, value: ArrayLike) -> Tensor:
        """`x` with the elements multiplied by `value`."""
        return update(self._x, self._key, value, "multiply")

    mul = multiply

    def divide(self, value: ArrayLike) -> Tensor:
        """`x` with the elements divided by `value`; DTypeError unless `x` is floating."""
        if not dtypes.is_differentiable(self._x.dtype):
            raise DTypeError(
                "S0102", f"at: {self._x.dtype} elements cannot be divided", span=tracing.here()
            )
        return update(self._x, self._key, 1 / as_tensor("at", value), "multiply")

    def min(self, value: ArrayLike) -> Tensor:
        """`x` with the smaller of the elements and `value`."""
        return update(self._x, self._key, value, "min")

    def max(self, value: ArrayLike) -> Tensor:
        """`x` with the larger of the elements and `value`."""
        return update(self._x, self._key, value, "max")

    def apply(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """`x` with `function` of the elements in their place."""
        return self.set(function(self.get()))


def at(x: ArrayLike, /) -> _At:
    """The start of a functional update: `at(x)[key].add(v)`, or `x.at[key].add(v)`.

    >>> import slopec as sp
    >>> print(sp.at(sp.zeros(3))[::2].set(1.0))
    tensor([1. 0. 1.], float32[3], cpu)
    """
    return _At(as_tensor("at", x))


def update(x: Tensor, index: Any, value: ArrayLike, kind: str) -> Tensor:
    """`x` with the elements at `index` combined with `value` by `kind`: "set", "add" …

    Raises UsageError for an unknown kind.
    """
    if kind not in _COMBINE:
        raise bad_argument(f"at: unknown mode {kind!r}; known are {', '.join(_COMBINE)}")
    if isinstance(index, Tensor) and index.dtype == dtypes.bool_ and index.device == "traced":
        return _masked(x, index, value, kind)
    key = read_key("at", index, x.shape)
    given = _cast(value, x)
    new = broadcast_to(given, key.result_shape)
    if not key.picked:
        return _placed(x, new, key, kind)
    if key.is_whole and not key.dropped and not key.new:
        return _scattered(x, new, key, kind)
    part = _scattered(view(x, key), new, key, kind)
    return _placed(x, part, key, "set")


def _cast(value: ArrayLike, x: Tensor) -> Tensor:
    if is_scalar(value):
        return splat("at", value, (), x.dtype)
    given = as_tensor("at", value)
    if dtypes.is_complex(given.dtype) and not dtypes.is_complex(x.dtype):
        raise DTypeError("S0102", f"at: complex values for {x.dtype} elements", span=tracing.here())
    return astype(given, x.dtype)


def _masked(x: Tensor, mask: Tensor, value: ArrayLike, kind: str) -> Tensor:
    """An update by a traced mask: a choice between old and new, for one value."""
    given = _cast(value, x)
    shape = (*mask.shape, *(1,) * (x.ndim - mask.ndim))
    new = _COMBINE[kind](x, broadcast_to(given, x.shape))
    return where(hlo.reshape(mask, shape), new, x)


def _placed(x: Tensor, new: Tensor, key: Key, kind: str) -> Tensor:
    """`x` combined with `new`, which has the shape of the key's view, at the key's ranges."""
    ranges = key.ranges
    new = hlo.reshape(new, [r.count for r in ranges])
    new = hlo.reverse(new, [d for d, r in enumerate(ranges) if r.step < 0 and r.count > 1])
    if not new.size:
        return x
    if kind == "set" and all(abs(r.step) == 1 or r.count == 1 for r in ranges):
        starts = [hlo.full((), r.lowest, dtypes.int32) for r in ranges]
        return hlo.dynamic_update_slice(x, new, starts) if not key.is_whole else new
    spread = _spread(new, ranges, x, _neutral(kind, x))
    if kind != "set":
        return _COMBINE[kind](x, spread)
    here = hlo.full(new.shape, True, dtypes.bool_)
    return hlo.select(_spread(here, ranges, x, False), spread, x)


def _neutral(kind: str, x: Tensor) -> Any:
    """What an element is combined with to stay as it is."""
    if kind in ("min", "max"):
        return limits(x.dtype)[kind == "min"]
    return 1 if kind == "multiply" else 0


def _spread(new: Tensor, ranges: tuple[Range, ...], x: Tensor, filling: Any) -> Tensor:
    """`new` in the places of `ranges` in a tensor of the shape of `x` full of `filling`."""
    low = [r.lowest for r in ranges]
    gaps = [abs(r.step) - 1 if r.count > 1 else 0 for r in ranges]
    high = [
        size - at - (r.count + (r.count - 1) * gap)
        for size, at, r, gap in zip(x.shape, low, ranges, gaps, strict=True)
    ]
    return hlo.pad(new, hlo.full((), filling, new.dtype), low, high, gaps)


def _scattered(x: Tensor, new: Tensor, key: Key, kind: str) -> Tensor:
    """`x`, a view of the key, with `new` combined into it at the key's indices."""
    if not new.size:
        return x
    batch = key.indices[0].ndim
    if not batch:
        return _moved_in(x, new, key, kind)
    if x.dtype == dtypes.bool_:  # `add` is then `or`, which scatter knows as the maximum of numbers
        body = {"add": "max", "multiply": "min"}.get(kind, kind)
        x, new = hlo.convert(x, dtypes.uint8), hlo.convert(new, dtypes.uint8)
        return astype(_scattered(x, new, key, body), dtypes.bool_)
    inside = range(key.where, key.where + batch)
    numbers = ScatterDimensionNumbers(
        update_window_dims=tuple(d for d in range(new.ndim) if d not in inside),
        inserted_window_dims=key.picked,
        scatter_dims_to_operand_dims=key.picked,
        index_vector_dim=batch,
    )
    return hlo.scatter(x, index_vectors(key), new, numbers, _BODIES[kind])


def _moved_in(x: Tensor, new: Tensor, key: Key, kind: str) -> Tensor:
    """`x` with `new` combined into the one slice that the key's indices choose."""
    starts = starts_of(key, x.ndim)
    sizes = [1 if d in key.picked else n for d, n in enumerate(x.shape)]
    new = hlo.reshape(new, sizes)
    if kind != "set":
        new = _COMBINE[kind](hlo.dynamic_slice(x, starts, sizes), new)
    return hlo.dynamic_update_slice(x, new, starts)
