"""Kernels whose results are put together are one, and what they make is what JAX makes."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import slopec as sp
from tests.kernels.run import ON_X86, legal, of_jax, placed

RNG = np.random.default_rng(0)


def draw(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def convolved(x, w):
    order = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=order)


def fire(x, w, v, b):
    """Windows of one place and of nine, with what follows on each result."""
    parts = [jax.nn.relu(convolved(x, w)), jax.nn.relu(convolved(x, v) + b)]
    return jnp.concatenate(parts, -1)


def kept(x, w):
    """What is in memory, beside and between what is new."""
    return jnp.concatenate([x, convolved(x, w), x[..., 3:]], -1)


def seen(x, w, v):
    """A result that others want, too."""
    y, z = convolved(x, w), convolved(x, v)
    return jnp.concatenate([y, z], -1), y * 2


def products(x, y, a, b):
    """Products that pack matrices in room of their own, in the middle and at the end."""
    made = jnp.concatenate([x @ a, y @ a], 1)
    return made, jnp.concatenate([x @ a, x @ b], -1)


def narrow(x, a, b):
    """Numbers that follow each other, which are no parts of rows."""
    return jnp.stack([x @ a, x @ b], -1), jnp.concatenate([x @ a, (x @ b)[..., :2]], -1)


def repeated(x, w, v):
    """In a loop."""

    def step(_, x):
        return jnp.concatenate([convolved(x, w), jnp.tanh(convolved(x, v))], -1)

    return lax.fori_loop(0, 3, step, x)


IMAGE = draw(2, 9, 11, 20)
CASES = (
    (fire, (IMAGE, draw(1, 1, 20, 24), draw(3, 3, 20, 37), draw(37))),
    (fire, (IMAGE[:1], draw(3, 3, 20, 3), draw(1, 1, 20, 64), draw(64))),
    (kept, (IMAGE, draw(3, 3, 20, 40))),
    (seen, (IMAGE, draw(3, 3, 20, 24), draw(3, 3, 20, 24))),
    (products, (draw(40, 24, 48), draw(40, 8, 48), draw(48, 72), draw(48, 33))),
    (
        products,
        tuple(draw(*s, dtype=np.float64) for s in ((64, 9, 48), (64, 8, 48), (48, 72), (48, 33))),
    ),
    (narrow, (draw(40, 48), draw(48, 32), draw(48, 32))),
    (repeated, (IMAGE, 0.1 * draw(3, 3, 20, 8), 0.1 * draw(1, 1, 20, 12))),
)


@ON_X86
def test_they_make_what_each_of_them_makes():
    given = [x for _, inputs in CASES for x in inputs]
    ours, exact = of_jax(CASES, given)
    results = sp.jit(ours)(*given)
    for got, want in zip(jax.tree.leaves(results), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def dispatches(f, inputs):
    """How many kernels a function becomes, and ops that put parts together."""
    ours, _ = of_jax([(f, inputs)], inputs)
    text = placed(legal(ours, [sp.tensor(x) for x in inputs]))
    return text.count("flow.dispatch @"), text.count("stablehlo.concatenate")


@ON_X86
def test_one_kernel_is_left_unless_others_want_a_result_or_most_is_copied():
    assert dispatches(*CASES[0]) == (1, 0)
    assert dispatches(*CASES[2]) == (1, 0)
    assert dispatches(*CASES[3]) == (2, 0)
    assert dispatches(*CASES[6]) == (3, 1)
    few = IMAGE, draw(3, 3, 20, 4)
    assert dispatches(lambda x, w: jnp.concatenate([x, convolved(x, w)], -1), few) == (1, 1)
