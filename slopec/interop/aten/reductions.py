"""ATen's reductions, running sums and orders along dimensions."""

from collections.abc import Callable, Sequence
from typing import Any

from slopec import dtypes, ops, tree
from slopec.nn import functional
from slopec.ops import ordered
from slopec.ops.extremes import norm
from slopec.tensor import Tensor

Dims = int | Sequence[int] | None


def _axes(dim: Dims) -> Any:
    """All axes for none, as ATen spells it."""
    if dim is None or isinstance(dim, int):
        return dim
    return tuple(dim) or None


def _exact(x: Tensor) -> Tensor:
    """Integers and booleans as int64, in which ATen adds them up."""
    return x if dtypes.is_differentiable(x.dtype) else ops.astype(x, dtypes.int64)


def _in(x: Tensor, dtype: Any) -> Tensor:
    return x if dtype is None else ops.astype(x, dtype)


def sum_(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over dimensions."""
    return ops.sum(_exact(_in(x, dtype)), axis=_axes(dim), keepdims=keepdim)


def mean(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over dimensions."""
    return ops.mean(_in(x, dtype), axis=_axes(dim), keepdims=keepdim)


def prod(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over a dimension or all."""
    return ops.prod(_exact(_in(x, dtype)), axis=_axes(dim), keepdims=keepdim)


def _reduction(reduce: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
        return reduce(x, axis=_axes(dim), keepdims=keepdim)

    return run


def _extreme(places: Callable[..., Tensor], whole: Callable[..., Tensor]) -> Callable[..., Any]:
    """The largest or smallest element, along a dimension with its index."""

    def run(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return whole(x)
        index = places(x, axis=dim, keepdims=True)
        values = ops.take_along_axis(x, index, axis=dim)
        return (values, index) if keepdim else (ops.squeeze(values, dim), ops.squeeze(index, dim))

    return run


def _deviation(root: bool, with_mean: bool = False) -> Callable[..., Any]:
    """Variances or standard deviations, maybe with the mean."""
    reduce = ops.std if root else ops.var

    def run(
        x: Tensor,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Any:
        if isinstance(dim, bool):  # the overload without dimensions begins with `unbiased`
            dim, unbiased = None, dim
        less = int(unbiased) if correction is None else correction
        found = reduce(x, axis=_axes(dim), correction=less, keepdims=keepdim)
        if not with_mean:
            return found
        return found, ops.mean(x, axis=_axes(dim), keepdims=keepdim)

    return run


def cumsum(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sums."""
    wanted = _exact(_in(x, dtype))
    return ops.cumsum(wanted, axis=dim)


def cumprod(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running products."""
    wanted = _exact(_in(x, dtype))
    return ops.cumprod(wanted, axis=dim)


def _running(largest: bool) -> Callable[..., Any]:
    """Running extremes and where they stand: the last place that reaches them."""
    run_to, reached = (ops.cummax, ops.greater_equal) if largest else (ops.cummin, ops.less_equal)

    def run(x: Tensor, dim: int) -> Any:
        best = run_to(x, axis=dim)
        count = x.shape[dim]
        shape = [1] * x.ndim
        shape[dim] = count
        here = ops.reshape(ops.arange(count), shape)
        index = ops.cummax(ops.where(reached(x, best), here, 0), axis=dim)
        return ops.take_along_axis(x, index, axis=dim), index

    return run


def _exponential(function: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """`softmax` and its logarithm as core ATen has them, where halves may be widened."""

    def run(x: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
        return function(_in(x, dtypes.float32 if half_to_float else None), dim)

    return run


def _exponential_in(function: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """The same as users call them, where a dtype may be asked for."""
    return lambda x, dim, dtype=None: function(_in(x, dtype), dim)


def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of all vectors along dimensions."""
    return norm(_in(x, dtype), ord, axis=_axes(dim), keepdims=keepdim)


def sort(
    x: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> tuple[Tensor, Tensor]:
    """The elements in order and where they were."""
    index = ops.argsort(x, axis=dim, descending=descending)
    return ops.take_along_axis(x, index, axis=dim), index


def argsort(
    x: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> Tensor:
    """Where the elements in order are."""
    return sort(x, dim, descending)[1]


def topk(
    x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Tensor, Tensor]:
    """The first in order."""
    return ops.topk(x, k, axis=dim, largest=largest)


def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The k-th smallest element, counted from 1, and its index."""
    return ops.kthvalue(x, k, axis=dim, keepdims=keepdim)


def _of_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, to which a number is a vector of one, so that it has a dimension to name."""

    def run(x: Tensor, *args: Any, **options: Any) -> Any:
        if x.ndim:
            return function(x, *args, **options)
        return tree.map(
            lambda part: ops.reshape(part, ()), function(ops.reshape(x, (1,)), *args, **options)
        )

    return run


_ALONG: dict[str, Callable[..., Any]] = {
    "sum": sum_,
    "mean": mean,
    "prod": prod,
    "amax": _reduction(ops.max),
    "amin": _reduction(ops.min),
    "argmax": _reduction(ops.argmax),
    "argmin": _reduction(ops.argmin),
    "all": _reduction(ops.all),
    "any": _reduction(ops.any),
    "logsumexp": _reduction(ops.logsumexp),
    "max.default": _extreme(ops.argmax, ops.max),
    "max.dim": _extreme(ops.argmax, ops.max),
    "min.default": _extreme(ops.argmin, ops.min),
    "min.dim": _extreme(ops.argmin, ops.min),
    "var": _deviation(root=False),
    "std": _deviation(root=True),
    "var_mean": _deviation(root=False, with_mean=True),
    "std_mean": _deviation(root=True, with_mean=True),
    "cumsum": cumsum,
    "cumprod": cumprod,
    "cummax": _running(largest=True),
    "cummin": _running(largest=False),
    "logcumsumexp": lambda x, dim: ops.cumlogsumexp(x, axis=dim),
    "_softmax": _exponential(functional.softmax),
    "softmax.int": _exponential_in(functional.softmax),
    "_log_softmax": _exponential(functional.log_softmax),
    "log_softmax.int": _exponential_in(functional.log_softmax),
    "linalg_vector_norm": vector_norm,
    "sort": sort,
    "argsort": argsort,
    "topk": topk,
    "kthvalue": kthvalue,
    "median": ordered.median,
    "nanmedian": ordered.nanmedian,
}

TABLE: dict[str, Callable[..., Any]] = {
    **{name: _of_numbers(function) for name, function in _ALONG.items()},
    "histc": ops.histc,
}
