"""Ops that move elements."""

import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal

X = normal(3, 4, 5)
PADS = ((1, 2, 0), (-1, 1, 2), (0, -2, 0))

CASES = [
    Case("reshape", lambda x: lax.reshape(x, (5, 12)), (X,)),
    Case("transpose", lambda x: lax.transpose(x, (2, 0, 1)), (X,)),
    Case("broadcast", lambda x: lax.broadcast(x, (2, 1)), (X,)),
    Case("broadcast_in_dim", lambda x: lax.broadcast_in_dim(x, (3, 2, 4, 5), (0, 2, 3)), (X,)),
    Case("stretch", lambda x: lax.broadcast_in_dim(x, (4, 2, 3), (0, 2)), (normal(4, 1),)),
    Case("stretch ones", lambda x: lax.broadcast_in_dim(x, (1, 2, 1), (0, 2)), (normal(1, 1),)),
    Case("slice", lambda x: lax.slice(x, (0, 1, 1), (3, 4, 5), (2, 1, 3)), (X,)),
    Case("reverse", lambda x: lax.rev(x, (0, 2)), (X,)),
    Case("pad", lambda x, v: lax.pad(x, v, PADS), (X, np.float64(0.7))),
    Case("concatenate", lambda x, y: lax.concatenate([x, y, x], 1), (X, normal(3, 1, 5))),
    Case("same twice", lambda x: lax.concatenate([x, x], 0), (X,)),
    Case("empty slice", lambda x: lax.slice(x, (0, 2, 1), (3, 2, 5)), (X,)),
    Case("pad nothing", lambda x, v: lax.pad(x, v, ((2, 1, 0),)), (normal(0), np.float64(2.0))),
    Case("empty parts", lambda x, y: lax.concatenate([x, y], 1), (X, normal(3, 0, 5))),
    Case("spread nothing", lambda x: lax.broadcast_in_dim(x, (0, 3), (1,)), (normal(3),)),
]
