"""Folds over windows; their attributes are drawn in `test_drawn`."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal

X = normal(2, 5, 6)


def pool(fold, start, window, strides, padding="VALID", **dilations):
    def function(x):
        first = x.dtype.type(start)
        return lax.reduce_window(x, first, fold, window, strides, padding, **dilations)

    return function


def smooth(x):
    """A body that is no single op."""
    return lax.reduce_window(x, -1e3, jnp.logaddexp, (1, 3, 2), (1, 2, 1), "VALID")


def scatter_winners(window, strides, padding):
    """What JAX makes of a maximum pool in reverse, as a function of its cotangent too."""

    def function(x, source):
        pooled = pool(lax.max, -np.inf, window, strides, padding)
        return jax.vjp(pooled, x)[1](source)[0]

    return function


CASES = [
    Case("sum beside", pool(lax.add, 0.0, (1, 2, 3), (1, 2, 3)), (X,)),
    Case("sum beside, rest", pool(lax.add, 0.0, (1, 2, 4), (1, 2, 4)), (X,)),
    Case("sum beside, padded", pool(lax.add, 0.0, (1, 2, 2), (1, 2, 2), "SAME"), (X,)),
    Case("sum overlapping", pool(lax.add, 0.0, (1, 3, 3), (1, 2, 1), "SAME"), (X,)),
    Case("max beside", pool(lax.max, -np.inf, (1, 2, 2), (1, 2, 2), "SAME"), (X,)),
    Case("max overlapping", pool(lax.max, -np.inf, (1, 3, 3), (1, 2, 2), "SAME"), (X,)),
    Case("min", pool(lax.min, np.inf, (2, 2, 1), (1, 1, 1)), (X,)),
    Case(
        "max dilated",
        pool(lax.max, -np.inf, (1, 2, 2), (1, 1, 1), window_dilation=(1, 2, 3)),
        (X,),
        jax=False,
    ),
    Case("product", pool(lax.mul, 1.0, (1, 3, 2), (1, 1, 2), "SAME"), (X,), jax=False),
    Case("smooth maximum", smooth, (X,), jax=False),
    Case("max of many", pool(lax.max, -np.inf, (1, 70), (1, 1), "SAME"), (normal(2, 80),)),
    Case(
        "max from a value",
        lambda x, v: lax.reduce_window(x, v, lax.max, (2, 2), (1, 1), "SAME"),
        (normal(3, 4), np.float64(0.3)),
        jax=False,
    ),
    Case(
        "sum from a value",
        lambda x, v: lax.reduce_window(x, v, lax.add, (2, 2), (1, 2), "SAME"),
        (normal(3, 4), np.float64(0.3)),
        jax=False,
    ),
    Case("cumsum", lambda x: lax.cumsum(x, 1), (X,)),
    Case("cumsum reversed", lambda x: lax.cumsum(x, 1, reverse=True), (X,)),
    Case("cumprod", lambda x: lax.cumprod(x, 2), (X,)),
    Case("cummax", lambda x: lax.cummax(x, 2), (X,)),
    Case("cumlogsumexp", lambda x: lax.cumlogsumexp(x, 2), (X,)),
    Case("no windows", pool(lax.max, -np.inf, (1, 9, 1), (1, 1, 1)), (X,)),
    Case("no windows, product", pool(lax.mul, 1.0, (1, 9, 1), (1, 1, 1)), (X,), jax=False),
    Case("no elements", pool(lax.add, 0.0, (1, 2), (1, 2)), (normal(0, 4),)),
    Case("no elements in steps", pool(lax.add, 0.0, (1, 3), (2, 2)), (normal(0, 4),)),
    Case("max of no elements", pool(lax.max, -np.inf, (1, 3), (2, 2)), (normal(0, 4),)),
    Case(
        "no elements dilated",
        pool(lax.min, np.inf, (1, 2), (2, 1), window_dilation=(1, 2)),
        (normal(0, 4),),
        jax=False,
    ),
    Case(
        "select_and_scatter of nothing",
        scatter_winners((1, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 0))),
        (normal(0, 4, 6), normal(0, 2, 3)),
    ),
    Case(
        "select_and_scatter beside",
        scatter_winners((1, 2, 2), (1, 2, 2), ((0, 0), (0, 0), (0, 0))),
        (normal(2, 4, 6), normal(2, 2, 3)),
    ),
    Case(
        "select_and_scatter overlapping",
        scatter_winners((1, 3, 3), (1, 2, 1), ((0, 0), (1, 1), (1, 1))),
        (normal(2, 5, 4), normal(2, 3, 4)),
    ),
]
