"""ONNX's reductions, softmaxes, running sums and orders along dimensions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slopec import dtypes, ops
from slopec.nn import functional
from slopec.ops.extremes import limits, norm
from slopec.tensor import Tensor


def _logarithm_of_sum(x: Tensor, **options: Any) -> Tensor:
    return ops.log(ops.sum(x, **options))


def _extreme(take: Callable[..., Tensor], over_bools: Callable[..., Tensor], empty: int) -> Any:
    """The largest or smallest elements; of none what is beyond all, `empty` of the limits."""

    def run(x: Tensor, *, axis: tuple[int, ...], keepdims: bool) -> Tensor:
        options: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        if not x.size:
            return ops.full_like(ops.sum(x, **options), limits(x.dtype)[empty])
        return (over_bools if x.dtype == dtypes.bool_ else take)(x, **options)

    return run


def _reduction(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A reduction over `axes`, an attribute or, in later versions, an input."""

    def run(
        x: Tensor,
        places: np.ndarray | None = None,
        *,
        axes: Sequence[int] | None = None,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Tensor:
        given = axes if places is None else places.tolist()
        if not given and noop_with_empty_axes:
            # Nothing is folded, but what comes before or after the folding still happens.
            return ops.squeeze(function(ops.expand_dims(x, -1), axis=(x.ndim,), keepdims=True), -1)
        over = tuple(given) if given else tuple(range(x.ndim))
        return ops.astype(function(x, axis=over, keepdims=bool(keepdims)), x.dtype)

    return run


def _place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The first, or the last, place of an extreme along a dimension, as int64."""

    def run(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
        looked = ops.flip(x, axis=axis) if select_last_index else x
        found = function(looked, axis=axis, keepdims=bool(keepdims))
        if select_last_index:
            found = x.shape[axis] - 1 - found
        return ops.astype(found, dtypes.int64)

    return run


def _exponential(function: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """Over a dimension; before version 13 over it and all that follow."""

    def run(x: Tensor, *, axis: int | None = None, version: int) -> Tensor:
        if version >= 13:
            return function(x, -1 if axis is None else axis)
        first = (1 if axis is None else axis) % max(x.ndim, 1)
        flat = ops.reshape(x, (*x.shape[:first], -1))
        return ops.reshape(function(flat, -1), x.shape)

    return run


def hardmax(x: Tensor, axis: int) -> Tensor:
    """1 at the first maximum, 0 elsewhere."""
    return ops.one_hot(ops.argmax(x, axis=axis), x.shape[axis], dtype=x.dtype, axis=axis)


def _running(function: Callable[..., Tensor], empty: int) -> Callable[..., Tensor]:
    """Running sums or products, maybe from the end, maybe without the element itself."""

    def run(x: Tensor, axis: np.ndarray, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
        along = int(axis) % x.ndim
        y = ops.flip(x, axis=along) if reverse else x
        if exclusive:
            margins = [(0, 0)] * x.ndim
            margins[along] = (1, -1)
            y = ops.pad(y, margins, constant_values=empty)
        y = ops.astype(function(y, axis=along), x.dtype)
        return ops.flip(y, axis=along) if reverse else y

    return run


def topk(
    x: Tensor,
    count: np.ndarray | None = None,
    *,
    k: int = 0,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,
) -> tuple[Tensor, Tensor]:
    """The first `k` in order, and where they were."""
    number = k if count is None else int(count.item())
    values, places = ops.topk(x, number, axis=axis, largest=bool(largest))
    return values, ops.astype(places, dtypes.int64)


def lp_normalization(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """Vectors along a dimension divided by their norms, those of length 0 as they are."""
    length = norm(x, p, axis=axis, keepdims=True)
    return ops.where(length == 0, ops.zeros_like(x), x / ops.where(length == 0, 1, length))


TABLE: dict[str, Callable[..., Any]] = {
    "ReduceSum": _reduction(ops.sum),
    "ReduceMean": _reduction(ops.mean),
    "ReduceProd": _reduction(lambda x, axis, keepdims: ops.prod(x, axis=axis, keepdims=keepdims)),
    "ReduceMax": _reduction(_extreme(ops.max, ops.any, 0)),
    "ReduceMin": _reduction(_extreme(ops.min, ops.all, 1)),
    "ReduceL1": _reduction(lambda x, **options: ops.sum(ops.abs(x), **options)),
    "ReduceL2": _reduction(lambda x, **options: ops.sqrt(ops.sum(ops.square(x), **options))),
    "ReduceSumSquare": _reduction(lambda x, **options: ops.sum(ops.square(x), **options)),
    "ReduceLogSum": _reduction(_logarithm_of_sum),
    "ReduceLogSumExp": _reduction(ops.logsumexp),
    "ArgMax": _place(ops.argmax),
    "ArgMin": _place(ops.argmin),
    "Softmax": _exponential(functional.softmax),
    "LogSoftmax": _exponential(functional.log_softmax),
    "Hardmax": _exponential(hardmax),
    "CumSum": _running(ops.cumsum, 0),
    "CumProd": _running(ops.cumprod, 1),
    "TopK": topk,
    "LpNormalization": lp_normalization,
}

KNOWN = {
    **{name: (1,) for name in TABLE if name.startswith("Reduce")},
    "CumSum": (1,),
    "CumProd": (1,),
    "TopK": (1,),
}
