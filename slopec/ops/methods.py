"""The functions as methods and properties of tensors: `x.sum(axis=0)`, `x.reshape(2, -1)`, `x.T`.

Methods follow PyTorch where it differs from NumPy: shapes and axes may be spelled out as separate
arguments, `transpose(a, b)` exchanges two dimensions, `repeat` repeats the whole, `split` takes
sizes, `max(dim)` and `sort()` tell the indices too, `var()` is unbiased (`slopec.ops.ordered`).
Both libraries' words for an argument are understood: `dim` and `axis`, `keepdim` and `keepdims`.
"""

import functools
from collections.abc import Callable
from typing import Any

from slopec import dtypes
from slopec.lazy.leaves import to
from slopec.ops import (
    arithmetic,
    arrangements,
    counting,
    cumulative,
    extremes,
    linear,
    logic,
    manipulation,
    matrices,
    mixtures,
    nans,
    ordered,
    powers,
    products,
    reductions,
    repetition,
    selecting,
    signs,
    sorting,
    summaries,
    taking,
    unary,
    updating,
    whole,
)
from slopec.ops.data_types import another, astype
from slopec.ops.gathering import gather, scatter, scatter_add, scatter_reduce
from slopec.ops.spellings import (
    add,
    bincount,
    chunk,
    dim,
    div,
    element_size,
    expand,
    expand_as,
    flip,
    index_select,
    is_complex,
    is_contiguous,
    is_floating_point,
    is_signed,
    new_full,
    new_ones,
    new_tensor,
    new_zeros,
    nonzero,
    numel,
    permute,
    repeat,
    repeat_interleave,
    reshape,
    split,
    squeeze,
    sub,
    take_along_dim,
    transpose,
    type_,
    unbind,
    unfold,
    unique,
    unique_consecutive,
    unsqueeze,
    view,
    view_as,
    where,
)
from slopec.synonyms import SYNONYMS
from slopec.tensor import Tensor

Method = Callable[..., Any]
_SPELLINGS = {
    "dim": "axis",
    "dim1": "axis1",
    "dim2": "axis2",
    "dims": "axis",
    "interpolation": "method",
    "keepdim": "keepdims",
    "shifts": "shift",
}
_FOLDS = "all amax amin any argmax argmin logsumexp mean nanmean nansum prod sum"
_BY_PLACE: dict[str, tuple[int, tuple[str, ...]]] = {
    **dict.fromkeys(_FOLDS.split(), (1, ("keepdims",))),
    "argsort": (1, ("descending", "stable")),
    "diff": (2, ("prepend", "append")),
    **dict.fromkeys(("quantile", "nanquantile"), (2, ("keepdims",))),
}
"""Arguments that functions take by name and PyTorch's methods by place, after so many others."""


def _method(name: str, function: Method) -> Method:
    count, names = _BY_PLACE.get(name, (0, ()))
    spellings = _SPELLINGS | ({"dims": "axes"} if name in ("rot90", "tensordot") else {})

    @functools.wraps(function)
    def method(x: Tensor, *args: Any, **options: Any) -> Any:
        if options:
            options = {spellings.get(key, key): value for key, value in options.items()}
        if names and len(args) > count:
            options |= dict(zip(names, args[count:], strict=False))
            args = args[:count]
        return function(x, *args, **options)

    return method


def _cast(dtype: dtypes.DType) -> Method:
    def cast(x: Tensor) -> Tensor:
        return astype(x, dtype, copy=False)

    cast.__doc__ = f"`x` converted to {dtype}."
    return cast


def _of_functional(name: str) -> Method:
    """A function of `slopec.nn.functional`, which is written in tensors and so comes later."""

    def method(x: Tensor, axis: int = -1, dtype: Any = None) -> Tensor:
        from slopec.nn import functional

        result: Tensor = getattr(functional, name)(x, axis, dtype=dtype)
        return result

    method.__doc__ = f"See `slopec.nn.functional.{name}`."
    return method


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
    signs: "abs angle ceil conj floor negative positive relu round sign square trunc",
    arithmetic: (
        "atan2 clip copysign floor_divide fmod heaviside lerp maximum minimum multiply remainder"
    ),
    powers: "hypot logaddexp pow xlogy",
    logic: (
        "bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor "
        "greater greater_equal isclose isfinite isinf "
        "isnan less less_equal logical_and logical_not logical_or logical_xor masked_fill "
        "nan_to_num not_equal signbit"
    ),
    reductions: "all any count_nonzero mean prod sum",
    extremes: "argmax argmin logsumexp ptp",
    cumulative: "cumlogsumexp cumprod cumsum diff",
    manipulation: "broadcast_to flatten moveaxis ravel swapaxes unflatten",
    repetition: "roll rot90 tile",
    sorting: "argsort quantile",
    taking: "take take_along_axis",
    linear: "cross diagonal dot inner kron matmul outer tensordot trace vecdot",
    matrices: "diag tril triu",
    counting: "corrcoef cov histogram",
    mixtures: (
        "addcdiv addcmul deg2rad float_power fmax fmin frac isneginf isposinf isreal ldexp "
        "logaddexp2 logit rad2deg"
    ),
    selecting: (
        "argwhere diagonal_scatter index_add index_copy index_fill index_put masked_scatter "
        "masked_select narrow select select_scatter slice_scatter"
    ),
    nans: "nanmean nanquantile nansum",
    whole: "frexp gcd lcm",
    arrangements: "diag_embed diagflat dsplit fliplr flipud hsplit tensor_split vsplit",
    products: "addbmm addmm addmv addr baddbmm dist vdot",
    summaries: "allclose histc msort",
}

METHODS: dict[str, Method] = {
    name: getattr(module, name) for module, names in _FAMILIES.items() for name in names.split()
}
METHODS |= {
    function.__name__: function
    for function in (
        *(add, bincount, chunk, div, expand, flip, gather, index_select, nonzero, permute),
        *(
            repeat,
            repeat_interleave,
            reshape,
            scatter,
            scatter_add,
            split,
            squeeze,
            sub,
            take_along_dim,
        ),
        *(to, transpose, unbind, unique_consecutive, unsqueeze, view),
        *(dim, element_size, expand_as, is_complex, is_contiguous, is_floating_point, is_signed),
        *(new_full, new_ones, new_tensor, new_zeros, scatter_reduce, unfold, unique, view_as),
        *(numel, where),
    )
}
METHODS |= ordered.METHODS
METHODS |= {
    "amax": extremes.max,
    "amin": extremes.min,
    "astype": astype,
    "bool": _cast(dtypes.bool_),
    "bfloat16": _cast(dtypes.bfloat16),
    "double": _cast(dtypes.float64),
    "float": _cast(dtypes.float32),
    "half": _cast(dtypes.float16),
    "int": _cast(dtypes.int32),
    "long": _cast(dtypes.int64),
    "short": _cast(dtypes.int16),
    "byte": _cast(dtypes.uint8),
    "cdouble": _cast(dtypes.complex128),
    "cfloat": _cast(dtypes.complex64),
    "char": _cast(dtypes.int8),
    "log_softmax": _of_functional("log_softmax"),
    "softmax": _of_functional("softmax"),
    "type": type_,
    "type_as": to,
    "clone": another,
    "contiguous": _same,
    "copy": another,
    # the names that PyTorch has for functions above
    "clamp": arithmetic.clip,
    "divide": div,
    "eq": logic.equal,
    "ge": logic.greater_equal,
    "gt": logic.greater,
    "le": logic.less_equal,
    "lt": logic.less,
    "mm": linear.matmul,
    "bmm": linear.matmul,
    "mul": arithmetic.multiply,
    "ne": logic.not_equal,
    "ndimension": dim,
    "neg": signs.negative,
    "new_empty": new_zeros,
    "reshape_as": view_as,
    "sgn": signs.sign,
    "logcumsumexp": cumulative.cumlogsumexp,
    "subtract": sub,
    "t": _transposed,
}
METHODS |= {
    name: METHODS[ours]
    for name, ours in SYNONYMS.items()
    if ours in METHODS and name not in METHODS
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
        own = name in ordered.METHODS
        setattr(Tensor, name, function if own else _method(name, function))
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
