"""What is computed of many tensors runs: no kernel reads more than the back end binds to it."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

import slopec as sp

MANY = 40


def sums(*xs):
    total = sum(xs)
    return total, jax.nn.softmax(total * 2, -1), total.T + 1, total.sum(0)


def chosen(*xs):
    """The largest of all, one after the other and in pairs."""
    found = list(xs)
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=False)
        found = [jnp.maximum(a, -b) for a, b in pairs] + found[len(found) // 2 * 2 :]
    return found[0]


def test_like_jax():
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=(32, 48)).astype("float32") for _ in range(MANY)]

    def main(*xs):
        return *sums(*xs), chosen(*xs)

    imported = sp.from_stablehlo(export.export(jax.jit(main))(*xs).mlir_module())
    found = sp.jit(imported)(*map(sp.tensor, xs))
    for ours, theirs in zip(found, jax.jit(main)(*xs), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=2e-5, atol=1e-5)
