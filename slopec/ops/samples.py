"""Functions known at samples: between them, their slopes; weighed, and moved past each other."""

from collections.abc import Sequence
from typing import Any

from slopec import dtypes, hlo
from slopec.ops.arithmetic import clip, divide
from slopec.ops.common import ArrayLike, as_tensor, axes_of, bad_argument, floating
from slopec.ops.conv import conv1d
from slopec.ops.joining import concat
from slopec.ops.logic import where
from slopec.ops.manipulation import broadcast_to, part, reshape
from slopec.ops.nans import nanquantile
from slopec.ops.reductions import mean
from slopec.ops.reductions import sum as sum_
from slopec.ops.repetition import flip
from slopec.ops.signs import conj
from slopec.ops.sorting import quantile, searchsorted
from slopec.ops.taking import take
from slopec.tensor import Axis, Scalar, Tensor

__all__ = [
    "average",
    "convolve",
    "correlate",
    "gradient",
    "interp",
    "nanpercentile",
    "percentile",
]


def average(
    x: ArrayLike,
    /,
    axis: Axis = None,
    weights: ArrayLike | None = None,
    *,
    keepdims: bool = False,
) -> Tensor:
    """Σ w x / Σ w over `axis`; the weights have the shape of `x`, or are along the one axis.

    >>> import slopec as sp
    >>> print(sp.average(sp.tensor([1.0, 4.0]), weights=sp.tensor([2.0, 1.0])))
    tensor(2., float32[], cpu)
    """
    x = floating("average", x)
    if weights is None:
        return mean(x, axis, keepdims=keepdims)
    given = floating("average", weights)
    if given.shape != x.shape:
        axes = axes_of("average", axis, x.ndim)
        if given.ndim != 1 or len(axes) != 1:
            raise bad_argument(f"average: weights of shape {given.shape} for shape {x.shape}")
        given = reshape(given, [-1 if d == axes[0] else 1 for d in range(x.ndim)])
    given = broadcast_to(given, x.shape)
    total = sum_(given, axis, keepdims=keepdims)
    return divide(sum_(x * given, axis, keepdims=keepdims), total)


def percentile(
    x: ArrayLike,
    q: ArrayLike,
    /,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`quantile` for q in [0, 100].

    >>> import slopec as sp
    >>> print(sp.percentile(sp.tensor([1.0, 2.0, 3.0]), 50))
    tensor(2., float32[], cpu)
    """
    parts = divide(floating("percentile", q), 100)
    return quantile(x, parts, axis, method=method, keepdims=keepdims)


def nanpercentile(
    x: ArrayLike,
    q: ArrayLike,
    /,
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`nanquantile` for q in [0, 100].

    >>> import slopec as sp
    >>> print(sp.nanpercentile(sp.tensor([1.0, float("nan"), 3.0]), 50))
    tensor(2., float32[], cpu)
    """
    parts = divide(floating("nanpercentile", q), 100)
    return nanquantile(x, parts, axis, method=method, keepdims=keepdims)


def interp(
    x: ArrayLike,
    xp: ArrayLike,
    fp: ArrayLike,
    /,
    left: Scalar | None = None,
    right: Scalar | None = None,
) -> Tensor:
    """The values at `x` of the line through (xp, fp), whose places rise.

    Outside it is `left` and `right`, by default the first and the last value.

    >>> import slopec as sp
    >>> print(sp.interp(sp.tensor([0.5, 9.0]), sp.tensor([0.0, 1.0]), sp.tensor([0.0, 10.0])))
    tensor([ 5. 10.], float32[2], cpu)
    """
    at, places, values = (floating("interp", v) for v in (x, xp, fp))
    if places.ndim != 1 or places.shape != values.shape or not places.size:
        raise bad_argument(f"interp: places {places.shape} and values {values.shape}")
    last = places.size - 1
    above = clip(searchsorted(places, at, side="right"), min(1, last), last)
    below = clip(above - 1, 0, last)
    low, high, start, end = (
        take(v, i) for v, i in ((values, below), (values, above), (places, below), (places, above))
    )
    width = end - start
    share = where(width == 0, 0.0, (at - start) / where(width == 0, 1.0, width))
    result = low + share * (high - low)
    result = where(at < places[0], values[0] if left is None else left, result)
    return where(at > places[last], values[last] if right is None else right, result)


def gradient(x: ArrayLike, /, *spacing: ArrayLike, axis: Axis = None) -> Tensor | list[Tensor]:
    """The slopes along each axis by central differences, one-sided at the ends; NumPy's `gradient`.

    `spacing` is the distance of samples, one number for all axes, or one number or vector of
    places for each. One axis gives a tensor, several a list.

    >>> import slopec as sp
    >>> print(sp.gradient(sp.tensor([0.0, 1.0, 4.0, 9.0])))
    tensor([1. 2. 4. 5.], float32[4], cpu)
    """
    x = floating("gradient", x)
    axes = axes_of("gradient", axis, x.ndim)
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    if len(steps) != len(axes):
        raise bad_argument(f"gradient: {len(steps)} spacings for {len(axes)} axes")
    slopes = [_slope(x, a, step) for a, step in zip(axes, steps, strict=True)]
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(x: Tensor, axis: int, spacing: ArrayLike) -> Tensor:
    size = x.shape[axis]
    if size < 2:
        raise bad_argument(f"gradient: axis {axis} has {size} elements, at least 2 are needed")
    step = hlo.convert(as_tensor("gradient", spacing), x.dtype)
    if step.ndim:
        gaps = part(step, 0, 1, size) - part(step, 0, 0, size - 1)
    else:
        gaps = broadcast_to(step, (size - 1,))
    gaps = reshape(gaps, [-1 if d == axis else 1 for d in range(x.ndim)])
    lines = (part(x, axis, 1, size) - part(x, axis, 0, size - 1)) / gaps
    before, after = part(gaps, axis, 0, size - 2), part(gaps, axis, 1, size - 1)
    one, other = part(lines, axis, 0, size - 2), part(lines, axis, 1, size - 1)
    middle = (one * after + other * before) / (before + after)
    first, last = part(lines, axis, 0, 1), part(lines, axis, size - 2, size - 1)
    return concat([first, middle, last], axis=axis)


def convolve(x1: ArrayLike, x2: ArrayLike, /, mode: str = "full") -> Tensor:
    """Σₘ x1[m] x2[n − m] of vectors, for all n where they meet ("full").

    "same" gives the middle part of the longer one's size, "valid" where they lie upon each other.

    >>> import slopec as sp
    >>> print(sp.convolve(sp.tensor([1.0, 2.0]), sp.tensor([1.0, 1.0, 1.0])))
    tensor([1. 3. 3. 2.], float32[4], cpu)
    """
    x, y = _vectors("convolve", x1, x2)
    if x.size < y.size:
        x, y = y, x
    return _moved("convolve", x, flip(y), mode, y.size)


def correlate(x1: ArrayLike, x2: ArrayLike, /, mode: str = "valid") -> Tensor:
    """Σₘ x1[m + n] x2*[m] of vectors, for all n where they lie upon each other; see `convolve`.

    >>> import slopec as sp
    >>> print(sp.correlate(sp.tensor([1.0, 2.0, 3.0]), sp.tensor([0.0, 1.0])))
    tensor([2. 3.], float32[2], cpu)
    """
    x, y = _vectors("correlate", x1, x2)
    other = conj(y) if dtypes.is_complex(y.dtype) else y
    if x.size >= y.size:
        return _moved("correlate", x, other, mode, y.size)
    return flip(_moved("correlate", other, x, mode, x.size))


def _vectors(name: str, x1: ArrayLike, x2: ArrayLike) -> Sequence[Tensor]:
    dtype = dtypes.promote([floating(name, x).dtype for x in (x1, x2)])
    vectors = [hlo.convert(as_tensor(name, x), dtype) for x in (x1, x2)]
    if any(v.ndim != 1 or not v.size for v in vectors):
        raise bad_argument(f"{name}: expected vectors, got shapes {[v.shape for v in vectors]}")
    return vectors


def _moved(name: str, long: Tensor, short: Tensor, mode: str, size: int) -> Tensor:
    """Products of the shorter vector with all parts of the longer one."""
    whole = size - 1
    before = size // 2 if mode == "same" else whole
    pads: dict[str, Any] = {
        "full": (whole, whole),
        "same": (before, whole - before),
        "valid": (0, 0),
    }
    if mode not in pads:
        raise bad_argument(f"{name}: mode {mode!r}; known are {', '.join(pads)}")
    result = conv1d(long[None, None], short[None, None], padding=[pads[mode]])
    return reshape(result, (-1,))
