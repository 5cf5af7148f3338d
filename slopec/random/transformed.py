"""Distributions whose numbers are functions of uniform, normal and exponential ones."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import ml_dtypes

from slopec import dtypes, hlo
from slopec.hlo import matrices
from slopec.ops.common import bad_argument, broadcast_shapes
from slopec.ops.creation import shape_of
from slopec.ops.linear import diagonal
from slopec.random.continuous import (
    exponential,
    filled,
    integer_dtype,
    normal,
    real_dtype,
    real_tensor,
    shape_beside,
    uniform,
)
from slopec.tensor import Tensor

Size = int | Sequence[int] | None


def cauchy(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Standard Cauchy numbers, density 1 / (π (1 + x²)): tan(π (u - ½)).

    >>> import slopec as sp
    >>> print(sp.random.cauchy(sp.random.key(0), (2,)).numpy().round(2))
    [ 6.03 14.84]
    """
    wanted = real_dtype("cauchy", dtype)
    u = uniform(key, shape, wanted, float(ml_dtypes.finfo(wanted).eps), 1.0)
    return hlo.tan((u - 0.5) * math.pi)


def logistic(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Standard logistic numbers, whose distribution function is the sigmoid: log(u / (1 - u)).

    >>> import slopec as sp
    >>> print(sp.random.logistic(sp.random.key(0), (2,)).numpy().round(2))
    [2.9  3.82]
    """
    wanted = real_dtype("logistic", dtype)
    u = uniform(key, shape, wanted, float(ml_dtypes.finfo(wanted).smallest_normal), 1.0)
    return hlo.log(u) - hlo.log_plus_one(-u)


def lognormal(
    key: Any, sigma: Any = 1.0, shape: Size = None, dtype: Any = dtypes.float32
) -> Tensor:
    """Numbers whose logarithms are normal with mean 0 and standard deviation `sigma`.

    >>> import slopec as sp
    >>> print(sp.random.lognormal(sp.random.key(0), 0.5, (2,)).numpy().round(2))
    [2.25 2.75]
    """
    wanted, sizes = real_dtype("lognormal", dtype), shape_beside("lognormal", shape, sigma)
    return hlo.exponential(normal(key, sizes, wanted) * filled("lognormal", sigma, sizes, wanted))


def pareto(key: Any, b: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Pareto numbers, density b / x^(b + 1) from 1 on: exp(e / b) of an exponential e.

    >>> import slopec as sp
    >>> print(sp.random.pareto(sp.random.key(0), 3.0, (2,)).numpy().round(2))
    [2.67 3.6 ]
    """
    wanted, sizes = real_dtype("pareto", dtype), shape_beside("pareto", shape, b)
    return hlo.exponential(exponential(key, sizes, wanted) / filled("pareto", b, sizes, wanted))


def rayleigh(key: Any, scale: Any, shape: Size = None, dtype: Any = dtypes.float32) -> Tensor:
    """Rayleigh numbers, the lengths of vectors of two normal ones: scale √(-2 log u).

    >>> import slopec as sp
    >>> print(sp.random.rayleigh(sp.random.key(0), 1.0, (2,)).numpy().round(2))
    [0.33 0.21]
    """
    wanted, sizes = real_dtype("rayleigh", dtype), shape_beside("rayleigh", shape, scale)
    length = hlo.sqrt(hlo.log(uniform(key, sizes, wanted)) * -2.0)
    return filled("rayleigh", scale, sizes, wanted) * length


def weibull_min(
    key: Any, scale: Any, concentration: Any, shape: Size = None, dtype: Any = dtypes.float32
) -> Tensor:
    """Weibull numbers: scale (-log(1 - u))^(1 / concentration).

    >>> import slopec as sp
    >>> print(sp.random.weibull_min(sp.random.key(0), 1.0, 2.0, (2,)).numpy().round(2))
    [1.72 1.96]
    """
    wanted = real_dtype("weibull_min", dtype)
    sizes = shape_beside("weibull_min", shape, scale, concentration)
    power = 1.0 / filled("weibull_min", concentration, sizes, wanted)
    drawn = hlo.power(exponential(key, sizes, wanted), power)
    return drawn * filled("weibull_min", scale, sizes, wanted)


def maxwell(key: Any, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32) -> Tensor:
    """Standard Maxwell numbers: the lengths of vectors of three normal ones.

    >>> import slopec as sp
    >>> sp.random.maxwell(sp.random.key(0), (2,)).shape
    (2,)
    """
    sizes = shape_of("random.maxwell", shape)
    x = normal(key, (*sizes, 3), real_dtype("maxwell", dtype))
    return hlo.sqrt((x * x).sum(axis=-1))


def triangular(
    key: Any, left: Any, mode: Any, right: Any, shape: Size = None, dtype: Any = dtypes.float32
) -> Tensor:
    """Numbers in [left, right] whose density rises in a line to `mode`, and falls from there.

    >>> import slopec as sp
    >>> print(sp.random.triangular(sp.random.key(0), -1.0, 0.0, 1.0, (2,)).numpy().round(2))
    [0.68 0.79]
    """
    wanted = real_dtype("triangular", dtype)
    sizes = shape_beside("triangular", shape, left, mode, right)
    low, top, high = (filled("triangular", x, sizes, wanted) for x in (left, mode, right))
    u = uniform(key, sizes, wanted)
    rising = low + hlo.sqrt(u * (high - low) * (top - low))
    falling = high - hlo.sqrt((1.0 - u) * (high - low) * (high - top))
    return hlo.select(hlo.compare(u, (top - low) / (high - low), "LT"), rising, falling)


def geometric(key: Any, p: Any, shape: Size = None, dtype: Any = dtypes.int32) -> Tensor:
    """How many trials, each with the probability `p`, it takes to the first success: 1, 2 …

    >>> import slopec as sp
    >>> print(sp.random.geometric(sp.random.key(1), 0.3, (4,)))
    tensor([3 2 3 3], int32[4], cpu)
    """
    sizes, wanted = shape_beside("geometric", shape, p), integer_dtype("geometric", dtype)
    chance = filled("geometric", p, sizes, dtypes.float32)
    u = uniform(key, sizes)
    u = hlo.select(hlo.compare(u, hlo.zeros_like(u), "EQ"), hlo.full_like(u, 1), u)
    failures = hlo.floor(hlo.log(u) / hlo.log_plus_one(-chance))
    return hlo.convert(failures + 1.0, wanted)


def multivariate_normal(
    key: Any,
    mean: Any,
    cov: Any,
    shape: Size = None,
    dtype: Any = dtypes.float32,
    method: Literal["cholesky", "eigh", "svd"] = "cholesky",
) -> Tensor:
    """Normal vectors with means (…, n) and covariances (…, n, n), which broadcast to `shape`.

    mean + A z of normal numbers z, where A Aᵀ is the covariance: its Cholesky factor, or, where it
    is singular, from its eigenvectors or singular vectors. Returns shape (*shape, n).

    >>> import slopec as sp
    >>> sp.random.multivariate_normal(sp.random.key(0), sp.zeros(2), sp.eye(2), (5,)).shape
    (5, 2)
    """
    wanted = real_dtype("multivariate_normal", dtype)
    centre, spread = (real_tensor("multivariate_normal", x, wanted) for x in (mean, cov))
    if not centre.ndim or spread.shape[-2:] != (centre.shape[-1], centre.shape[-1]):
        raise bad_argument(
            f"random.multivariate_normal: a mean of shape {centre.shape} and a covariance of shape "
            f"{spread.shape}, expected (…, n) and (…, n, n)"
        )
    batch = broadcast_shapes("random.multivariate_normal", [centre.shape[:-1], spread.shape[:-2]])
    sizes = batch if shape is None else shape_of("random.multivariate_normal", shape)
    broadcast_shapes("random.multivariate_normal", [batch, sizes])
    if method == "cholesky":
        factor = matrices.triangle(hlo.cholesky(spread, lower=True), lower=True)
    elif method == "eigh":
        values, vectors = hlo.eigh(spread)
        factor = vectors * hlo.sqrt(values)[..., None, :]
    elif method == "svd":
        left, values, _ = hlo.svd(spread, full=False)
        factor = left * hlo.sqrt(values)[..., None, :]
    else:
        raise bad_argument(
            f"random.multivariate_normal: method={method!r}", 'use "cholesky", "eigh" or "svd"'
        )
    z = normal(key, (*sizes, centre.shape[-1]), wanted)
    return centre + (factor @ z[..., None])[..., 0]


def orthogonal(
    key: Any, n: int, shape: int | Sequence[int] = (), dtype: Any = dtypes.float32
) -> Tensor:
    """Orthogonal matrices (*shape, n, n), all rotations and reflections equally likely.

    Q of a QR factorization of normal numbers, with the signs of R's diagonal (Mezzadri, *How to
    generate random matrices from the classical compact groups*, 2007).

    >>> import slopec as sp
    >>> q = sp.random.orthogonal(sp.random.key(0), 3)
    >>> print(bool(sp.allclose(q @ q.T, sp.eye(3), atol=1e-6)))
    True
    """
    sizes = shape_of("random.orthogonal", shape)
    q, r = hlo.qr(normal(key, (*sizes, n, n), real_dtype("orthogonal", dtype)), full=True)
    return q * hlo.sign(diagonal(r))[..., None, :]
