"""What is written into is the caller's still, and written in memory of its own, call after call."""

import jax
import numpy as np
import pytest
from jax import lax

import slopec as sp
from tests.transforms.harness import lower

X = np.random.default_rng(0).standard_normal((600, 4)).astype("float32")
PLACES, U = np.array([1, 1, 3], "int32"), np.ones(4, "float32")
apart = lax.optimization_barrier


def made_of_itself(y):
    return apart(y).at[1:].set(y[:-1] * 3)


def part_of_itself(y, u):
    return y.at[1:].set(apart((u, y))[1][:-1])


PROGRAMS = {
    "rows": lambda x, i, u: x.at[i].set(u),
    "rows one after the other": lambda x, i, u: x.at[i].set(u).at[i + 3].add(u),
    "rows of what is read besides": lambda x, i, u: (x.at[i].set(u * 2), lax.erf(x)),
    "rows of what is turned": lambda x, i, u: x.T.at[:, i].add(u[:, None]),
    "a window": lambda x, i, u: lax.dynamic_update_slice(x, u[None] * 2, (i[0], i[1] - 1)),
    "a window of what is reshaped": lambda x, i, u: lax.dynamic_update_slice(
        x.reshape(-1), u, i[:1]
    ),
    "an argument": lambda x, i, u: apart(x).at[i].add(u),
    "an argument among others": lambda x, i, u: apart((u, x))[1].reshape(300, 8).at[i[:1]].add(1.0),
    "an argument that is read too": lambda x, i, u: (apart(x).at[i].add(u), lax.erf(x)),
    "a window of an argument": lambda x, i, u: (
        lax.dynamic_update_slice(apart(x), u[None] * 2, (i[0], i[1] - 1)),
        lax.erf(x),
    ),
    "a constant": lambda x, i, u: apart(X * 1.0).at[i].add(u + x[0]),
    "what is read too": lambda x, i, u: (apart(x * 2).at[i].add(u), lax.erf(x * 2)),
    "what is written twice": lambda x, i, u: (
        apart(x * 2).at[i].add(u),
        apart(x * 2).at[i].multiply(u * 3),
    ),
    "what is made of itself": lambda x, i, u: made_of_itself(x * 2),
    "a part of itself": lambda x, i, u: part_of_itself(x * 2, u),
    "in a loop": lambda x, i, u: lax.fori_loop(0, 3, lambda k, y: y.at[k].add(u), apart(x)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_results_of_every_call(name):
    program = jax.jit(PROGRAMS[name])
    compiled = sp.jit(sp.from_stablehlo(lower(PROGRAMS[name], X, PLACES, U)))
    given, negated = sp.tensor(X), sp.jit(lambda x: -x)
    for _ in range(3):
        found = sp.tree.leaves(compiled(given, PLACES, U))
        for one, other in zip(found, jax.tree.leaves(program(X, PLACES, U)), strict=True):
            np.testing.assert_allclose(one.numpy(), other, 1e-5, 1e-5)
        np.testing.assert_array_equal(negated(given).numpy(), -X)
