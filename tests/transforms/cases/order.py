"""Sorting."""

import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal

X, Y = normal(4, 6), normal(4, 6, seed=1)


def argsort(x):
    places = lax.broadcasted_iota(np.int32, x.shape, 0)
    return lax.sort((x, places), dimension=0, num_keys=1)


CASES = [
    Case("sort", lambda x: lax.sort(x, dimension=1), (X,)),
    Case("sort descending", lambda x: -lax.sort(-x, dimension=0), (X,)),
    Case("sort by key", lambda x, y: lax.sort((x, y), dimension=0, num_keys=1), (X, Y)),
    Case("sort by two keys", lambda x, y: lax.sort((x, y), dimension=1, num_keys=2), (X, Y)),
    Case("sort with places", argsort, (X,)),
    Case("sort nothing", lambda x: lax.sort(x, dimension=0), (normal(0, 3),)),
    Case("top_k", lambda x: lax.top_k(x, 3)[0], (X,)),
    Case("top_k with indices", lambda x: lax.top_k(x, 6), (normal(2, 2, 6),)),
]
