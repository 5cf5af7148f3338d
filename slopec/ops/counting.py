"""How often, how related, how many different: histograms, covariances, sets of known values."""

from typing import Any, NamedTuple

import numpy as np

from slopec import dtypes, hlo, tracing
from slopec.diagnostics import ShapeError
from slopec.ops.arithmetic import clip, maximum
from slopec.ops.common import ArrayLike, as_tensor, bad_argument, floating
from slopec.ops.creation import asarray
from slopec.ops.extremes import max as max_
from slopec.ops.extremes import min as min_
from slopec.ops.linear import matmul
from slopec.ops.logic import where
from slopec.ops.manipulation import matrix_transpose
from slopec.ops.ranges import linspace
from slopec.ops.reductions import mean
from slopec.ops.reductions import sum as sum_
from slopec.ops.sorting import searchsorted
from slopec.ops.updating import at
from slopec.tensor import Tensor

__all__ = [
    "bincount",
    "corrcoef",
    "cov",
    "histogram",
    "nonzero",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


def bincount(
    x: ArrayLike,
    /,
    weights: ArrayLike | None = None,
    minlength: int = 0,
    *,
    length: int | None = None,
) -> Tensor:
    """How often each of 0 … length - 1 occurs in the integers `x`, or the sum of their weights.

    int32, or the dtype of `weights`. Other numbers are not counted. Without `length`, which traced
    tensors need, all are: up to the largest, or to `minlength` - 1.

    >>> import slopec as sp
    >>> print(sp.bincount(sp.tensor([0, 2, 2])), sp.bincount(sp.tensor([0, 2, 2]), length=4))
    tensor([1 0 2], int32[3], cpu) tensor([1 0 2 0], int32[4], cpu)
    """
    x = as_tensor("bincount", x)
    if length is None:
        length = max(minlength, int(known("bincount", x).max(initial=-1)) + 1)
    places = hlo.convert(hlo.reshape(x, (x.size,)), dtypes.int32)
    each = hlo.full((x.size,), 1, dtypes.int32)
    if weights is not None:
        given = as_tensor("bincount", weights)
        each = hlo.reshape(given, (given.size,))
    outside = hlo.compare(places, hlo.zeros_like(places), "LT")
    places = hlo.select(outside, hlo.full_like(places, length), places)  # scatter drops these
    return at(hlo.full((length,), 0, each.dtype))[places].add(each)


def histogram(
    x: ArrayLike,
    /,
    bins: int | ArrayLike = 10,
    *,
    range: tuple[float, float] | None = None,
    weights: ArrayLike | None = None,
    density: bool = False,
) -> tuple[Tensor, Tensor]:
    """How many elements fall in each bin, and the edges of the bins.

    `bins` is a number of equal bins over `range` (the extent of `x` by default) or the rising
    edges. The last bin has both its edges. Counts are int32; sums of `weights` in their dtype;
    with `density` they are float32 and the area is 1.

    >>> import slopec as sp
    >>> counts, edges = sp.histogram(sp.tensor([0.0, 1.0, 1.0, 2.0]), bins=2)
    >>> print(counts, edges)
    tensor([1 3], int32[2], cpu) tensor([0. 1. 2.], float32[3], cpu)
    """
    x = floating("histogram", x)
    flat = hlo.reshape(x, (x.size,))
    edges = _edges(flat, bins, range) if isinstance(bins, int) else floating("histogram", bins)
    count = edges.shape[0] - 1
    last = searchsorted(edges, flat, side="right")
    top = where(flat == edges[-1], count, last)
    inside = (flat >= edges[0]) & (flat <= edges[-1])
    counts = bincount(where(inside, top - 1, -1), length=count, weights=weights)
    if not density:
        return counts, edges
    amount = hlo.convert(counts, edges.dtype)
    return amount / (amount.sum() * (edges[1:] - edges[:-1])), edges


def _edges(x: Tensor, bins: int, extent: tuple[float, float] | None) -> Tensor:
    if bins < 1:
        raise bad_argument(f"histogram: {bins} bins")
    low, high = extent if extent is not None else (min_(x), max_(x)) if x.size else (0.0, 1.0)
    first, last = (hlo.convert(as_tensor("histogram", v), x.dtype) for v in (low, high))
    same = first == last
    return linspace(where(same, first - 0.5, first), where(same, last + 0.5, last), bins + 1)


def cov(
    x: ArrayLike,
    /,
    *,
    rowvar: bool = True,
    correction: float = 1,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
) -> Tensor:
    """The covariance matrix of variables in the rows of `x` (in its columns unless `rowvar`).

    Σ (x - mean) conj(y - mean) / (n - correction), shape (variables, variables); one variable
    gives a number. `fweights` say how often observations came, `aweights` how much they count:
    n is then Σ w - correction · Σ w a / Σ w for w = f a, as NumPy has it.

    >>> import slopec as sp
    >>> print(sp.cov(sp.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])))
    tensor([[ 1. -1.]
            [-1.  1.]], float32[2, 2], cpu)
    """
    x = floating("cov", x)
    if x.ndim > 2:
        raise ShapeError(
            "S0101", f"cov: expected a matrix, got shape {x.shape}", span=tracing.here()
        )
    rows = x if x.ndim == 2 else hlo.reshape(x, (1, x.size))
    rows = rows if rowvar or x.ndim < 2 else matrix_transpose(rows)
    weights = _weights(fweights, aweights, rows.dtype)
    if weights is None:
        gap = rows - mean(rows, 1, keepdims=True)
        weighed, degrees = gap, as_tensor("cov", max(rows.shape[1] - correction, 0))
    else:
        total = sum_(weights)
        gap = rows - sum_(rows * weights, 1, keepdims=True) / total
        weighed = gap * weights
        kept = 1.0 if aweights is None else sum_(weights * aweights) / total
        degrees = maximum(total - correction * kept, 0)
    other = hlo.conj(gap) if dtypes.is_complex(gap.dtype) else gap
    result = matmul(weighed, matrix_transpose(other)) / degrees
    return result if result.size != 1 else hlo.reshape(result, ())


def _weights(often: ArrayLike | None, much: ArrayLike | None, dtype: dtypes.DType) -> Any:
    """The weights of observations, in the real type of `dtype`; None where there are none."""
    given = [as_tensor("cov", w) for w in (often, much) if w is not None]
    if not given:
        return None
    real = [hlo.convert(w, dtypes.real_of(dtype)) for w in given]
    return real[0] if len(real) == 1 else real[0] * real[1]


def corrcoef(x: ArrayLike, /, *, rowvar: bool = True) -> Tensor:
    """The correlation matrix of the rows of `x`: covariances over both standard deviations.

    >>> import slopec as sp
    >>> print(sp.corrcoef(sp.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).numpy().round(4))
    [[ 1. -1.]
     [-1.  1.]]
    """
    matrix = cov(x, rowvar=rowvar)
    if not matrix.ndim:
        return matrix / matrix
    deviation = hlo.sqrt(hlo.real(matrix).diagonal())
    result = matrix / deviation[:, None] / deviation[None, :]
    return result if dtypes.is_complex(result.dtype) else clip(result, -1, 1)


# --- functions whose shapes depend on values -------------------------------------------------


def known(name: str, x: ArrayLike) -> np.ndarray:
    """The values of `x`, which `name` needs; raises ShapeError while they are traced."""
    tensor = as_tensor(name, x)
    if tensor.device == "traced":
        raise ShapeError(
            "S0101",
            f"{name}: the shape of the result depends on the values of a traced tensor",
            span=tracing.here(),
            hint="compute it outside jit, grad and vmap, or use `sp.where` and keep the shape",
        )
    return tensor.numpy()


def nonzero(x: ArrayLike, /) -> tuple[Tensor, ...]:
    """The indices, int32, of the elements that are not zero: one tensor per dimension.

    Raises ShapeError for a number, which has no indices, and for a traced tensor, whose values
    would decide the shape.

    >>> import slopec as sp
    >>> [i.tolist() for i in sp.nonzero(sp.tensor([[0, 1], [1, 0]]))]
    [[0, 1], [1, 0]]
    """
    values = known("nonzero", x)
    if not values.ndim:
        raise ShapeError(
            "S0101",
            "nonzero: a tensor without dimensions has no indices",
            span=tracing.here(),
            hint="`sp.argwhere` gives the index vectors of any tensor",
        )
    return tuple(asarray(i.astype(np.int32)) for i in values.nonzero())


class Unique(NamedTuple):
    """What `unique_all` returns; indices and counts are int32."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: ArrayLike, /) -> Unique:
    """The different values of `x`, ascending, where each comes first, which it is, how often.

    Every NaN is a value of its own. Raises ShapeError for a traced tensor.

    >>> import slopec as sp
    >>> print(sp.unique_all(sp.tensor([3, 1, 3])).counts)
    tensor([1 2], int32[2], cpu)
    """
    array = known("unique", x)
    values, first, inverse, counts = np.unique(
        array, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    rest = (first, inverse.reshape(array.shape), counts)
    return Unique(asarray(values), *(asarray(a.astype(np.int32)) for a in rest))


def unique_values(x: ArrayLike, /) -> Tensor:
    """The different values of `x`, ascending.

    >>> import slopec as sp
    >>> print(sp.unique_values(sp.tensor([3, 1, 3])))
    tensor([1 3], int32[2], cpu)
    """
    return unique_all(x).values


def unique_counts(x: ArrayLike, /) -> UniqueCounts:
    """The different values of `x`, ascending, and how often each occurs.

    >>> import slopec as sp
    >>> sp.unique_counts(sp.tensor([3, 1, 3])).counts.tolist()
    [1, 2]
    """
    every = unique_all(x)
    return UniqueCounts(every.values, every.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverse:
    """The different values of `x`, ascending, and which of them each element is.

    >>> import slopec as sp
    >>> sp.unique_inverse(sp.tensor([3, 1, 3])).inverse_indices.tolist()
    [1, 0, 1]
    """
    every = unique_all(x)
    return UniqueInverse(every.values, every.inverse_indices)
