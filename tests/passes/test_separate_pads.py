"""Pads of different values around each other are kept apart, and computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir
from slopec.passes import op_counts
from slopec.passes.separate_pads import SeparatePads
from tests.transforms.harness import lower

MARGINS = [(0, 0, 0), (1, 2, 0), (2, -1, 1)]


def padded(x, value):
    return lax.pad(x, np.float32(value), MARGINS)


def pooled(x, start, fold):
    return lax.reduce_window(x, start, fold, (1, 3, 3), (1, 2, 2), [(0, 0), (1, 1), (1, 1)])


CASES = {
    "largest of zeros": lambda x: pooled(padded(jax.nn.relu(x), 0), -np.inf, lax.max),
    "sum of ones": lambda x: pooled(padded(jnp.tanh(x), 1), 0.0, lax.add),
    "both": lambda x: jnp.tanh(padded(padded(x * 2, 1), 0)),
    "a slice": lambda x: pooled(padded(x * 2, 1)[:, 1:], 0.0, lax.add),
    "slope": jax.grad(lambda x: jnp.sum(pooled(padded(jnp.sin(x), 1), 0.0, lax.add) ** 2)),
}
X = np.random.default_rng(0).uniform(-1, 1, (3, 20, 17)).astype(np.float32)


def test_what_is_padded_twice_compiles():
    def main(x):
        return [f(x) for f in CASES.values()]

    ours = sp.from_stablehlo(lower(main, X))

    for name, made, wanted in zip(CASES, sp.jit(ours)(X), jax.jit(main)(X), strict=True):
        np.testing.assert_allclose(made.numpy(), wanted, rtol=1e-5, atol=1e-5, err_msg=name)


def barriers(function):
    """How many the pass puts into a function."""
    module = ir.parse(lower(function, X))
    SeparatePads().run(module)
    return op_counts(module).get("stablehlo.optimization_barrier", 0)


@pytest.mark.parametrize("name", ["sum of ones", "both", "a slice"])
def test_a_barrier_parts_them(name):
    assert barriers(CASES[name]) == 1


def test_pads_of_one_value_stay_together():
    assert barriers(lambda x: padded(padded(x * 2, 1), 1)) == 0
