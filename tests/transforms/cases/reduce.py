"""Folds."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal

X = normal(2, 3, 5)


def argmax(x):
    """The greatest element and its index, by one fold of both."""
    places = lax.broadcasted_iota(np.int32, x.shape, 1)

    def later(a, b):
        keep = a[0] >= b[0]
        return jnp.where(keep, a[0], b[0]), jnp.where(keep, a[1], b[1])

    return lax.reduce((x, places), (x.dtype.type(-np.inf), np.int32(0)), later, (1,))


def moments(x):
    """Σ x and Π (1 + x²), folded together; neither is a choice."""

    def both(a, b):
        return a[0] + b[0], a[1] * b[1]

    return lax.reduce((x, 1 + x * x), (x.dtype.type(0), x.dtype.type(1)), both, (0, 2))


def loudest(x, y):
    """The pair with the greatest product."""

    def better(a, b):
        keep = a[0] * a[1] >= b[0] * b[1]
        return jnp.where(keep, a[0], b[0]), jnp.where(keep, a[1], b[1])

    return lax.reduce((x, y), (x.dtype.type(0), x.dtype.type(0)), better, (0, 1))


def smooth_maximum(x):
    return lax.reduce(x, -1e3, jnp.logaddexp, (1,))


CASES = [
    Case("sum", lambda x: jnp.sum(x, (0, 2)), (X,)),
    # JAX does not differentiate by initial values.
    *(
        Case(name, lambda x, v, f=fold: lax.reduce(x, v, f, (1,)), (X, np.float64(at)), jax=False)
        for name, fold, at in (
            ("sum from a value", lax.add, 3),
            ("max from below", lax.max, -9),
            ("max from above", lax.max, 9),
            ("product from a value", lax.mul, 3),
        )
    ),
    Case("sum of nothing", lambda x: jnp.sum(x, 1), (normal(3, 0, 2),)),
    Case("sum complex", lambda x: jnp.sum(x, 1), (normal(3, 4, kind="c"),)),
    Case("max", lambda x: jnp.max(x, (0, 2)), (X,)),
    Case("min", lambda x: jnp.min(x), (X,)),
    Case("prod", lambda x: jnp.prod(x, (0, 2)), (X,)),
    Case("prod with a zero", lambda x: jnp.prod(x), (np.array([2.0, 0.0, 3.0, -1.0, 5.0]),)),
    Case("prod of nothing", lambda x: jnp.prod(x, 1), (normal(3, 0),)),
    Case("prod complex", lambda x: jnp.prod(x, 1), (normal(2, 5, kind="c"),)),
    Case("argmax", argmax, (X,), jax=False),
    Case("argmax of a row", lambda x: argmax(x)[0], (normal(1, 7),), jax=False),
    Case("choice of a pair", loudest, (X, normal(2, 3, 5, seed=1)), jax=False),
    Case("two folds at once", moments, (X,), jax=False),
    Case("smooth maximum", smooth_maximum, (X,), jax=False),
    Case("logsumexp", lambda x: jnp.log(jnp.sum(jnp.exp(x - x.max()))), (normal(6),)),
]
