"""Random numbers as functions of keys, bit for bit those of `jax.random`.

A key is a tensor of two uint32 words. `split` and `fold_in` make new keys of one; every other
function turns a key into numbers, the same for the same key, on every target. For code without
keys there is a current `stream` of them.
"""

from slopec.random.continuous import (
    exponential,
    gumbel,
    laplace,
    normal,
    truncated_normal,
    uniform,
)
from slopec.random.discrete import (
    bernoulli,
    categorical,
    choice,
    permutation,
    rademacher,
    randint,
)
from slopec.random.rejected import (
    beta,
    chisquare,
    dirichlet,
    gamma,
    loggamma,
    poisson,
    t,
)
from slopec.random.stream import Stream, manual_seed, next_key, stream
from slopec.random.threefry import bits, fold_in, key, split
from slopec.random.transformed import (
    cauchy,
    geometric,
    logistic,
    lognormal,
    maxwell,
    multivariate_normal,
    orthogonal,
    pareto,
    rayleigh,
    triangular,
    weibull_min,
)

__all__ = [
    "Stream",
    "bernoulli",
    "beta",
    "bits",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "dirichlet",
    "exponential",
    "fold_in",
    "gamma",
    "geometric",
    "gumbel",
    "key",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "manual_seed",
    "maxwell",
    "multivariate_normal",
    "next_key",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "rademacher",
    "randint",
    "rayleigh",
    "split",
    "stream",
    "t",
    "triangular",
    "truncated_normal",
    "uniform",
    "weibull_min",
]
