"""Random choices: coins, dice, categories, permutations."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.ops.common import Shape, as_tensor, axis_of, bad_argument, broadcast_shapes, is_scalar
from slopec.ops.creation import shape_of
from slopec.ops.cumulative import cumsum
from slopec.ops.data_types import wanted_dtype
from slopec.ops.extremes import argmax
from slopec.ops.manipulation import part, reshape
from slopec.ops.ranges import arange
from slopec.ops.sorting import searchsorted
from slopec.ops.taking import take
from slopec.random.continuous import filled, gumbel, integer_dtype, shape_beside, uniform
from slopec.random.threefry import bits, checked, split
from slopec.tensor import Tensor


def bernoulli(key: Any, p: Any = 0.5, shape: int | Sequence[int] | None = None) -> Tensor:
    """Booleans that are true with probability `p`, which broadcasts to `shape`.

    >>> import slopec as sp
    >>> print(sp.random.bernoulli(sp.random.key(1), 0.5, (4,)))
    tensor([ True False  True  True], bool[4], cpu)
    """
    sizes = shape_beside("bernoulli", shape, p)
    dtype = dtypes.float32 if is_scalar(p) else as_tensor("random.bernoulli", p).dtype
    u = uniform(key, sizes, dtype)
    return hlo.compare(u, filled("bernoulli", p, sizes, u.dtype), "LT")


def rademacher(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.int32) -> Tensor:
    """-1 or 1 with equal probability.

    >>> import slopec as sp
    >>> print(sp.random.rademacher(sp.random.key(1), (4,)))
    tensor([ 1 -1  1  1], int32[4], cpu)
    """
    heads = bernoulli(key, 0.5, shape_of("random.rademacher", shape))
    ones = hlo.full(heads.shape, 1, wanted_dtype(dtype))
    return hlo.select(heads, ones, hlo.negate(ones))


def randint(
    key: Any,
    shape: int | Sequence[int],
    minval: Any,
    maxval: Any,
    dtype: Any = dtypes.int32,
) -> Tensor:
    """Integers in [minval, maxval), all equally likely; the bounds broadcast to `shape`.

    Where maxval <= minval the result is minval. Two draws of the dtype's width are reduced modulo
    the span, which keeps the bias below span / 2^width.

    >>> import slopec as sp
    >>> print(sp.random.randint(sp.random.key(0), (5,), 0, 10))
    tensor([9 0 2 3 1], int32[5], cpu)
    """
    wanted, sizes = integer_dtype("randint", dtype), shape_of("random.randint", shape)
    drawn = wanted if wanted.itemsize >= 4 else dtypes.int32
    low, span = _span(minval, maxval, sizes, wanted, drawn)
    higher, lower = (bits(k, sizes, span.dtype) for k in split(checked("randint", key)))
    # 2^width mod span, from its square root, which still fits.
    root = hlo.remainder(hlo.full_like(span, 1 << (4 * drawn.itemsize)), span)
    multiplier = hlo.remainder(hlo.multiply(root, root), span)
    offset = hlo.add(
        hlo.multiply(hlo.remainder(higher, span), multiplier), hlo.remainder(lower, span)
    )
    offset = hlo.convert(hlo.remainder(offset, span), drawn)
    return hlo.convert(hlo.add(low, offset), wanted)


def _span(
    minval: Any, maxval: Any, shape: Shape, wanted: DType, drawn: DType
) -> tuple[Tensor, Tensor]:
    """The lower bound and, unsigned, how many integers there are from it on: at least one."""
    unsigned = dtypes.uint64 if drawn.itemsize == 8 else dtypes.uint32
    if isinstance(minval, int | np.integer) and isinstance(maxval, int | np.integer):
        limits = np.iinfo(wanted)
        low = min(max(int(minval), int(limits.min)), int(limits.max))
        count = max(min(int(maxval), int(limits.max) + 1) - low, 1)
        if count == 2 ** (8 * drawn.itemsize):
            raise bad_argument(
                f"random.randint: [{minval}, {maxval}) is all of {wanted}",
                "use `sp.random.bits`",
            )
        return hlo.full(shape, low, drawn), hlo.full(shape, count, unsigned)
    least = filled("randint", minval, shape, drawn)
    most = filled("randint", maxval, shape, drawn)
    width = hlo.convert(hlo.subtract(most, least), unsigned)
    empty = hlo.compare(most, least, "LE")
    return least, hlo.select(empty, hlo.full_like(width, 1), width)


def permutation(key: Any, x: Any, axis: int = 0, *, independent: bool = False) -> Tensor:
    """`x` with its slices along `axis` in random order; an int stands for `sp.arange(x)`.

    With `independent`, every vector along `axis` is shuffled by itself. The elements are sorted by
    random keys, often enough that equal keys do not matter.

    >>> import slopec as sp
    >>> print(sp.random.permutation(sp.random.key(0), 5))
    tensor([0 1 4 3 2], int32[5], cpu)
    """
    known = checked("permutation", key)
    if isinstance(x, int | np.integer):
        return _shuffled(known, arange(int(x)), 0)
    values = as_tensor("random.permutation", x)
    place = axis_of("random.permutation", axis, values.ndim)
    if independent or values.ndim == 1:
        return _shuffled(known, values, place)
    return take(values, _shuffled(known, arange(values.shape[place]), 0), axis=place)


def _shuffled(key: Tensor, x: Tensor, axis: int) -> Tensor:
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        key, used = split(key)
        ranks = bits(used, x.shape)
        _, x = hlo.sort([ranks, x], lambda a, b, *_: hlo.compare(a, b, "LT"), axis)
    return x


def categorical(
    key: Any, logits: Any, axis: int = -1, shape: int | Sequence[int] | None = None
) -> Tensor:
    """Indices along `axis` drawn with probabilities softmax(logits): argmax(logits + gumbel).

    `shape` (the default is that of `logits` without `axis`) may have more dimensions in front, for
    several draws. int32.

    >>> import slopec as sp
    >>> print(sp.random.categorical(sp.random.key(0), sp.zeros((4, 3))))
    tensor([1 1 2 1], int32[4], cpu)
    """
    x = as_tensor("random.categorical", logits)
    place = axis_of("random.categorical", axis, x.ndim)
    batch = x.shape[:place] + x.shape[place + 1 :]
    sizes = batch if shape is None else shape_of("random.categorical", shape)
    if broadcast_shapes("random.categorical", [sizes, batch]) != sizes:
        raise bad_argument(f"random.categorical: shape {sizes} for logits of shape {x.shape}")
    extra = len(sizes) - len(batch)
    drawn = list(sizes)
    drawn.insert(extra + place, x.shape[place])
    return argmax(gumbel(key, drawn, x.dtype) + x, axis=extra + place)


def choice(
    key: Any,
    a: Any,
    shape: int | Sequence[int] = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
) -> Tensor:
    """Slices of `a` along `axis` (an int stands for `sp.arange(a)`), drawn `shape` times.

    `p` gives the probabilities of a vector's elements; with `replace=False` none comes twice.

    Raises UsageError when there is nothing, or not enough, to draw from.

    >>> import slopec as sp
    >>> print(sp.random.choice(sp.random.key(0), sp.tensor([10, 20, 30]), (4,)))
    tensor([20 10 30 20], int32[4], cpu)
    """
    known, sizes = checked("choice", key), shape_of("random.choice", shape)
    values = arange(int(a)) if isinstance(a, int | np.integer) else as_tensor("random.choice", a)
    place = axis_of("random.choice", axis, values.ndim)
    count, draws = values.shape[place], math.prod(sizes)
    if count < (1 if replace else draws):
        raise bad_argument(f"random.choice: {draws} draws from {count} elements")
    if p is None:
        drawn = (
            randint(known, sizes, 0, count)
            if replace
            else reshape(part(permutation(known, count), 0, 0, draws), sizes)
        )
    else:
        drawn = _weighted(known, p, count, sizes, replace)
    return take(values, drawn, axis=place)


def _weighted(key: Tensor, p: Any, count: int, sizes: Shape, replace: bool) -> Tensor:
    weights = as_tensor("random.choice", p)
    if weights.shape != (count,):
        raise bad_argument(f"random.choice: p has shape {weights.shape} for {count} elements")
    if not replace:
        scores = hlo.add(gumbel(key, (count,), weights.dtype), hlo.log(weights))
        order = hlo.sort(
            [hlo.negate(scores), arange(count)], lambda a, b, *_: hlo.compare(a, b, "LT"), 0
        )[1]
        return reshape(part(order, 0, 0, math.prod(sizes)), sizes)
    sums = cumsum(weights)
    return searchsorted(sums, sums[-1] * (1 - uniform(key, sizes, weights.dtype)))
