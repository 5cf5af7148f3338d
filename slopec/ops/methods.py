"""The functions as methods and properties of tensors: `x.sum(axis=0)`, `x.reshape(2, -1)`, `x.T`.

Methods follow PyTorch where it differs from NumPy: shapes and axes may be spelled out as separate
arguments, `transpose(a, b)` exchanges two dimensions, `repeat` repeats the whole, `split` takes
sizes. `dim` and `keepdim` are understood as `axis` and `keepdims`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes
from slopec.lazy.leaves import to
from slopec.ops import (
    arithmetic,
    cumulative,
    extremes,
    joining,
    linear,
    logic,
    manipulation,
    powers,
    reductions,
    repetition,
    signs,
    sorting,
    taking,
    unary,
    updating,
)
from slopec.ops.common import ArrayLike, bad_argument
from slopec.ops.data_types import another, astype, bitcast
from slopec.tensor import Tensor

Method = Callable[..., Any]
_SPELLINGS = {"dim": "axis", "keepdim": "keepdims"}


def _method(function: Method) -> Method:
    @functools.wraps(function)
    def method(x: Tensor, *args: Any, **options: Any) -> Any:
        if options:
            options = {_SPELLINGS.get(key, key): value for key, value in options.items()}
        return function(x, *args, **options)

    return method


def _spelled(values: tuple[Any, ...]) -> tuple[int, ...]:
    """Ints given one by one or as one sequence."""
    if len(values) == 1 and isinstance(values[0], Sequence):
        return tuple(values[0])
    return values


# --- shapes, spelled as PyTorch spells them --------------------------------------------------


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """`x.reshape(2, -1)` or `x.reshape((2, -1))`; see `slopec.reshape`."""
    return manipulation.reshape(x, _spelled(shape))


def view(x: Tensor, *shape: Any) -> Tensor:
    """`reshape` for sizes; for a dtype the same bits read as it, see `slopec.bitcast`."""
    first = shape[0]
    sizes = isinstance(first, int | Sequence) and not isinstance(first, str)
    return reshape(x, *shape) if sizes else bitcast(x, first)


def permute(x: Tensor, *axes: Any) -> Tensor:
    """`x.permute(2, 0, 1)`; see `slopec.permute_dims`."""
    return manipulation.permute_dims(x, _spelled(axes))


def transpose(x: Tensor, *axes: Any) -> Tensor:
    """Two dimensions exchanged for two axes, all in reverse order for none, else a permutation."""
    order = _spelled(axes)
    if len(axes) == 2:
        return manipulation.swapaxes(x, *order)
    return manipulation.permute_dims(x, order or range(x.ndim)[::-1])


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """`x` broadcast to `sizes`, where -1 keeps a size."""
    wanted = _spelled(sizes)
    kept = (1,) * (len(wanted) - x.ndim) + x.shape
    shape = [k if n == -1 else n for n, k in zip(wanted, kept, strict=False)]
    return manipulation.broadcast_to(x, shape)


def repeat(x: Tensor, *repetitions: Any) -> Tensor:
    """`x` as a whole, repeated along each dimension; see `slopec.tile`."""
    return repetition.tile(x, _spelled(repetitions))


def repeat_interleave(x: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element repeated along an axis; see `slopec.repeat`."""
    return repetition.repeat(x, repeats, axis=axis)


def split(x: Tensor, size: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """`x` cut along `axis` into parts of `size` (the last maybe smaller), or of the sizes given."""
    length = x.shape[axis]
    if isinstance(size, int):
        return joining.split(x, list(range(size, length, size)), axis=axis)
    if sum(size) != length:
        raise bad_argument(f"split: sizes {tuple(size)} do not add up to {length}")
    places = [sum(size[: i + 1]) for i in range(len(size) - 1)]
    return joining.split(x, places, axis=axis)


def flip(x: Tensor, *axes: Any) -> Tensor:
    """`x` in reverse order along the axes, along all for none; see `slopec.flip`."""
    return repetition.flip(x, _spelled(axes) if axes else None)


def unsqueeze(x: Tensor, axis: int) -> Tensor:
    """`x` with a new dimension of size 1; see `slopec.expand_dims`."""
    return manipulation.expand_dims(x, axis)


def squeeze(x: Tensor, *axes: Any, axis: Any = None) -> Tensor:
    """`x` without dimensions of size 1, all or those named; see `slopec.squeeze`."""
    return manipulation.squeeze(x, _spelled(axes) if axes else axis)


def chunk(x: Tensor, chunks: int, axis: int = 0) -> list[Tensor]:
    """At most `chunks` parts of one size; see `slopec.chunk`."""
    return joining.chunk(x, chunks, axis=axis)


def unbind(x: Tensor, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis; see `slopec.unstack`."""
    return joining.unstack(x, axis=axis)


# --- types -----------------------------------------------------------------------------------


def _cast(dtype: dtypes.DType) -> Method:
    def cast(x: Tensor) -> Tensor:
        return astype(x, dtype, copy=False)

    cast.__doc__ = f"`x` converted to {dtype}."
    return cast


# --- places along an axis, in PyTorch's order of arguments -----------------------------------


def gather(x: Tensor, axis: int, index: ArrayLike) -> Tensor:
    """The elements at `index` along `axis`; see `slopec.take_along_axis`."""
    return taking.take_along_axis(x, index, axis=axis)


def scatter(x: Tensor, axis: int, index: ArrayLike, src: ArrayLike) -> Tensor:
    """`x` with `src` at `index` along `axis`; see `slopec.put_along_axis`."""
    return taking.put_along_axis(x, index, src, axis=axis)


def scatter_add(x: Tensor, axis: int, index: ArrayLike, src: ArrayLike) -> Tensor:
    """`x` with `src` added at `index` along `axis`; see `slopec.put_along_axis`."""
    return taking.put_along_axis(x, index, src, axis=axis, mode="add")


def index_select(x: Tensor, axis: int, index: ArrayLike) -> Tensor:
    """The slices at `index` along `axis`; see `slopec.take`."""
    return taking.take(x, index, axis=axis)


def topk(x: Tensor, k: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements and their indices; see `slopec.topk`."""
    return sorting.topk(x, k, axis=axis, largest=largest)


def _same(x: Tensor) -> Tensor:
    """`x` itself: tensors are values, there is nothing to copy."""
    return x


def _transposed(x: Tensor) -> Tensor:
    """`x` with its dimensions in reverse order."""
    return transpose(x)


def _adjoint(x: Tensor) -> Tensor:
    """The conjugated matrix transpose."""
    return signs.conj(manipulation.matrix_transpose(x))


_FAMILIES: dict[Any, str] = {
    unary: (
        "acos acosh asin asinh atan atanh cos cosh digamma erf erfc erfinv exp exp2 expm1 lgamma "
        "log log10 log1p log2 reciprocal rsqrt sigmoid sin sinc sinh sqrt tan tanh"
    ),
    signs: "abs angle ceil conj floor relu round sign square trunc",
    arithmetic: (
        "add atan2 clip copysign floor_divide fmod lerp maximum minimum multiply "
        "remainder subtract divide"
    ),
    powers: "hypot logaddexp pow",
    logic: (
        "bitwise_and bitwise_or bitwise_xor equal greater greater_equal isclose isfinite isinf "
        "isnan less less_equal logical_and logical_not logical_or logical_xor masked_fill "
        "nan_to_num not_equal"
    ),
    reductions: "all any count_nonzero mean prod std sum var",
    extremes: "argmax argmin logsumexp max min norm ptp",
    cumulative: "cumlogsumexp cummax cummin cumprod cumsum diff",
    manipulation: "broadcast_to flatten moveaxis ravel swapaxes unflatten",
    repetition: "roll tile",
    sorting: "argsort median quantile sort",
    taking: "take take_along_axis",
    linear: "diagonal dot matmul outer trace",
}

METHODS: dict[str, Method] = {
    name: getattr(module, name) for module, names in _FAMILIES.items() for name in names.split()
}
METHODS |= {
    function.__name__: function
    for function in (
        *(chunk, expand, flip, gather, index_select, permute, repeat, repeat_interleave, reshape),
        *(scatter, scatter_add, split, squeeze, to, topk, transpose, unbind, unsqueeze, view),
    )
}
METHODS |= {
    "astype": astype,
    "bool": _cast(dtypes.bool_),
    "bfloat16": _cast(dtypes.bfloat16),
    "double": _cast(dtypes.float64),
    "float": _cast(dtypes.float32),
    "half": _cast(dtypes.float16),
    "int": _cast(dtypes.int32),
    "long": _cast(dtypes.int64),
    "short": _cast(dtypes.int16),
    "type_as": to,
    "clone": another,
    "contiguous": _same,
    "copy": another,
    # the names that PyTorch has for functions above
    "clamp": arithmetic.clip,
    "div": arithmetic.divide,
    "eq": logic.equal,
    "ge": logic.greater_equal,
    "gt": logic.greater,
    "le": logic.less_equal,
    "lt": logic.less,
    "mm": linear.matmul,
    "bmm": linear.matmul,
    "mul": arithmetic.multiply,
    "ne": logic.not_equal,
    "neg": signs.negative,
    "sub": arithmetic.subtract,
    "t": _transposed,
}
PROPERTIES: dict[str, Callable[[Tensor], Any]] = {
    "T": _transposed,
    "mT": manipulation.matrix_transpose,
    "H": _adjoint,
    "real": signs.real,
    "imag": signs.imag,
    "at": updating.at,
}


def install() -> None:
    """Give `Tensor` its methods and properties."""
    for name, function in METHODS.items():
        setattr(Tensor, name, _method(function))
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
