"""Distributions drawn by rejection: proposals are made until one is accepted.

Gamma numbers have a key each, and the loop ends when all are accepted. They differentiate in their
shape (`hlo.gamma_quantile`), and so do the numbers made of them.
"""

import math
from collections.abc import Sequence
from typing import Any

from slopec import dtypes, hlo
from slopec.dtypes import DType
from slopec.ops.common import as_tensor, bad_argument
from slopec.ops.creation import shape_of
from slopec.random.continuous import (
    bits_for,
    filled,
    integer_dtype,
    normal,
    normal_of,
    real_dtype,
    shape_beside,
    uniform,
    unit,
)
from slopec.random.threefry import Keys, checked, split, words
from slopec.tensor import Tensor

Size = int | Sequence[int] | None


def gamma(key: Any, a: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Gamma numbers of shape parameter `a`, density x^(a - 1) e^-x / Γ(a).

    `a` broadcasts to `shape`. By the method of Marsaglia and Tsang, *A simple method for generating
    gamma variables* (2000); below 1 a number of shape a + 1 times u^(1 / a).

    >>> import slopec as sp
    >>> print(sp.random.gamma(sp.random.key(0), 3.0, (2,)).numpy().round(2))
    [2.57 2.78]
    """
    a = filled("gamma", a, shape_beside("gamma", shape, a), real_dtype("gamma", dtype))
    d, v, u, small = _accepted(checked("gamma", key), a)
    less = hlo.power(1.0 - u, 1.0 / _constant(a))
    return hlo.gamma_quantile(d * v * hlo.select(small, less, hlo.full_like(u, 1)), a)


def loggamma(key: Any, a: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """The logarithms of `gamma` numbers, which for small `a` are often too small to be told from 0.

    >>> import slopec as sp
    >>> print(sp.random.loggamma(sp.random.key(0), 0.01, (2,)).numpy().round())
    [-11. -10.]
    """
    a = filled("loggamma", a, shape_beside("loggamma", shape, a), real_dtype("loggamma", dtype))
    d, v, u, small = _accepted(checked("loggamma", key), a)
    left = hlo.log_plus_one(-u) / _constant(a)
    drawn = hlo.log(d) + hlo.log(v) + hlo.select(small, left, hlo.zeros_like(left))
    return hlo.log_gamma_quantile(drawn, a)


def _constant(x: Tensor) -> Tensor:
    """`x`, through its bits, which have no derivative."""
    stored = {2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}[x.dtype.itemsize]
    return hlo.bitcast_convert(hlo.bitcast_convert(x, stored), x.dtype)


def _accepted(key: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(d, v, u, small): d v are gamma numbers of shape `a`, or of a + 1 where a < 1 is `small`.

    u are uniform numbers that belong to them. What is drawn has no derivative here.
    """
    count, dtype = math.prod(a.shape), a.dtype
    given = hlo.reshape(_constant(a), (count,))
    small = hlo.not_(hlo.compare(given, hlo.full_like(given, 1), "GE"))
    shape = hlo.select(small, given + 1.0, given)
    d = shape - 1.0 / 3.0
    c = 1.0 / 3.0 / hlo.sqrt(d)
    keys, last = Keys(*words(key, count)).split(2)

    def pending(x2: Tensor, v: Tensor, u: Tensor) -> Tensor:
        squeeze = hlo.compare(u, 1.0 - 0.0331 * (x2 * x2), "GE")
        ratio = x2 * 0.5 + d * (1.0 - v + hlo.log(v))
        return hlo.and_(squeeze, hlo.compare(hlo.log(u), ratio, "GE"))

    def propose(first: Tensor, second: Tensor, *state: Tensor) -> list[Tensor]:
        following, for_x, for_u = Keys(first, second).split(3)
        x, v = _positive(for_x, c)
        made = (following.first, following.second, x * x, v * v * v, _uniform(for_u, dtype))
        return _where(pending(*state), made, (first, second, *state))

    begin = [hlo.full_like(given, value) for value in (0, 1, 2)]
    state = hlo.while_loop(
        [keys.first, keys.second, *begin], lambda _, __, *state: _any(pending(*state)), propose
    )
    parts = (d, state[3], _uniform(last, dtype), small)
    d, v, u, small = (hlo.reshape(part, a.shape) for part in parts)
    return d, v, u, small


def _positive(keys: Keys, c: Tensor) -> tuple[Tensor, Tensor]:
    """Normal numbers x for which v = 1 + c x is positive, and v."""

    def pending(v: Tensor) -> Tensor:
        return hlo.compare(v, hlo.zeros_like(v), "LE")

    def draw(first: Tensor, second: Tensor, x: Tensor, v: Tensor) -> list[Tensor]:
        following, used = Keys(first, second).split(2)
        drawn = normal_of(_uniform(used, c.dtype))
        made = (following.first, following.second, drawn, 1.0 + drawn * c)
        return _where(pending(v), made, (first, second, x, v))

    begin = [keys.first, keys.second, hlo.zeros_like(c), hlo.full_like(c, -1)]
    _, _, x, v = hlo.while_loop(begin, lambda *state: _any(pending(state[3])), draw)
    return x, v


def _uniform(keys: Keys, dtype: DType) -> Tensor:
    return unit(keys.bits(bits_for(dtype)), dtype)


def _where(pending: Tensor, new: Sequence[Tensor], old: Sequence[Tensor]) -> list[Tensor]:
    return [hlo.select(pending, a, b) for a, b in zip(new, old, strict=True)]


def _any(x: Tensor) -> Tensor:
    found = hlo.reduce(x, hlo.full((), False, dtypes.bool_), "or", range(x.ndim))
    assert isinstance(found, Tensor)
    return found


def beta(key: Any, a: Any, b: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Beta numbers in (0, 1), density proportional to x^(a - 1) (1 - x)^(b - 1).

    x / (x + y) of gamma numbers x and y of shapes `a` and `b`.

    >>> import slopec as sp
    >>> print(sp.random.beta(sp.random.key(0), 2.0, 3.0, (2,)).numpy().round(2))
    [0.24 0.49]
    """
    wanted, sizes = real_dtype("beta", dtype), shape_beside("beta", shape, a, b)
    keys = split(checked("beta", key))
    logs = [loggamma(k, x, sizes, wanted) for k, x in zip(keys, (a, b), strict=True)]
    larger = hlo.maximum(*logs)
    x, y = (hlo.exponential(each - larger) for each in logs)
    return x / (x + y)


def dirichlet(key: Any, alpha: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Points of a simplex: positive vectors (*shape, n) of sum 1, for `alpha` of shape (…, n).

    The density is proportional to ∏ xᵢ^(αᵢ - 1); `shape` defaults to that of `alpha` without its
    last dimension.

    >>> import slopec as sp
    >>> print(sp.random.dirichlet(sp.random.key(0), sp.ones(3)).sum().numpy().round(4))
    1.0
    """
    wanted, x = real_dtype("dirichlet", dtype), as_tensor("random.dirichlet", alpha)
    if not x.ndim:
        raise bad_argument("random.dirichlet: alpha has no dimension")
    sizes = x.shape[:-1] if shape is None else shape_of("random.dirichlet", shape)
    logs = loggamma(key, x, (*sizes, x.shape[-1]), wanted)
    largest: Tensor = logs.max(axis=-1, keepdims=True)
    shares = hlo.exponential(logs - largest)
    total: Tensor = shares.sum(axis=-1, keepdims=True)
    return shares / total


def chisquare(key: Any, df: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """χ² numbers of `df` degrees of freedom: sums of so many squares of normal numbers.

    >>> import slopec as sp
    >>> print(sp.random.chisquare(sp.random.key(0), 4.0, (2,)).numpy().round(2))
    [3.18 3.52]
    """
    wanted, sizes = real_dtype("chisquare", dtype), shape_beside("chisquare", shape, df)
    half = filled("chisquare", df, sizes, wanted) * 0.5
    return hlo.exponential(loggamma(key, half, sizes, wanted)) * 2.0


def t(key: Any, df: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Student's t numbers of `df` degrees of freedom: n √(df / χ²) of normal n.

    >>> import slopec as sp
    >>> print(sp.random.t(sp.random.key(0), 4.0, (2,)).numpy().round(2))
    [ 0.72 -2.42]
    """
    wanted, sizes = real_dtype("t", dtype), shape_beside("t", shape, df)
    for_normal, for_gamma = split(checked("t", key))
    half = filled("t", df, sizes, wanted) * 0.5
    return normal(for_normal, sizes, wanted) * hlo.sqrt(
        half / gamma(for_gamma, half, sizes, wanted)
    )


def poisson(key: Any, lam: Any, shape: Size = None, dtype: Any = dtypes.int32) -> Tensor:
    """Poisson numbers of mean `lam`: how many events come where so many are expected.

    Below 10, uniform numbers are multiplied until the product is below e^-lam (Knuth); else by
    transformed rejection (Hörmann, *The transformed rejection method for generating Poisson random
    variables*, 1993).

    >>> import slopec as sp
    >>> print(sp.random.poisson(sp.random.key(0), 4.0, (5,)))
    tensor([0 1 5 5 2], int32[5], cpu)
    """
    wanted = integer_dtype("poisson", dtype)
    known, sizes = checked("poisson", key), shape_beside("poisson", shape, lam)
    mean = _constant(filled("poisson", lam, sizes, dtypes.float32))
    small = hlo.not_(hlo.compare(mean, hlo.full_like(mean, 10), "GE"))
    few = _counted(known, hlo.select(small, mean, hlo.zeros_like(mean)))
    many = _transformed(known, hlo.select(small, hlo.full_like(mean, 1e5), mean))
    drawn = hlo.convert(hlo.select(small, few, many), wanted)
    none = hlo.compare(mean, hlo.zeros_like(mean), "EQ")
    return hlo.select(none, hlo.zeros_like(drawn), drawn)


def _counted(key: Tensor, mean: Tensor) -> Tensor:
    """Knuth's: how many uniform numbers it takes until their product is below e^-mean, less 1."""

    def pending(logs: Tensor) -> Tensor:
        return hlo.compare(logs, -mean, "GT")

    def draw(count: Tensor, key: Tensor, logs: Tensor) -> list[Tensor]:
        following, used = split(key)
        more = hlo.convert(pending(logs), dtypes.float32)
        return [count + more, following, logs + hlo.log(uniform(used, mean.shape))]

    zero = hlo.zeros_like(mean)
    count = hlo.while_loop([zero, key, zero], lambda _, __, logs: _any(pending(logs)), draw)[0]
    return count - 1.0


def _transformed(key: Tensor, mean: Tensor) -> Tensor:
    """Hörmann's, with the constants of his algorithm PTRS."""
    log_mean = hlo.log(mean)
    b = 0.931 + 2.53 * hlo.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    surely = 0.9277 - 3.6224 / (b - 2.0)

    def propose(found: Tensor, accepted: Tensor, key: Tensor) -> list[Tensor]:
        following, first, second = split(key, 3)
        u = uniform(first, mean.shape) - 0.5
        v = uniform(second, mean.shape)
        near = 0.5 - hlo.abs_(u)
        k = hlo.floor((2.0 * a / near + b) * u + mean + 0.43)
        height = hlo.log(v * inverse_alpha / (a / (near * near) + b))
        density = k * log_mean - mean - hlo.lgamma(k + 1.0)
        inside = (near >= 0.07) & (v <= surely)
        outside = (k < 0.0) | ((near < 0.013) & (v > near))
        taken = inside | (~outside & (height <= density))
        return [hlo.select(taken, k, found), accepted | taken, following]

    begin = [hlo.full_like(mean, -1), hlo.full(mean.shape, False, dtypes.bool_), key]
    return hlo.while_loop(begin, lambda _, accepted, __: _any(~accepted), propose)[0]
