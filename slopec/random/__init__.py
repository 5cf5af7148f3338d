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
from slopec.random.stream import Stream, manual_seed, next_key, stream
from slopec.random.threefry import bits, fold_in, key, split

__all__ = [
    "Stream",
    "bernoulli",
    "bits",
    "categorical",
    "choice",
    "exponential",
    "fold_in",
    "gumbel",
    "key",
    "laplace",
    "manual_seed",
    "next_key",
    "normal",
    "permutation",
    "rademacher",
    "randint",
    "split",
    "stream",
    "truncated_normal",
    "uniform",
]
