"""Branches that cost little are all computed, and one is chosen; the others are still decided."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.kernels.run import ON_X86, legal, of_jax, placed
from tests.transforms.harness import lower

X = np.random.default_rng(0).standard_normal((4, 4))
WIDE = np.ones((600, 600))


def several(i, x):
    """Three branches, of which one decides again and another leaves its operand alone."""
    inner = lambda: lax.cond(x[0, 0] > 0, lambda: (x.T, x[0]), lambda: (-x, x[1]))  # noqa: E731
    return lax.switch(i, [lambda: (x * 2, x[2]), inner, lambda: (x, jnp.exp(x[3]))])


def divided(i, x):
    """What divides by zero where it is not taken."""
    n = i.astype("int32")
    return lax.cond(i > 0, lambda: 7 // n, lambda: n)


def looping(i, x):
    """A branch that would not end where it is not taken."""
    ends = lambda: lax.while_loop(lambda n: n != 10, lambda n: n + 2, i)  # noqa: E731
    return lax.cond(i % 2 == 0, ends, lambda: i)


# A function, its matrix, and how many decisions are left.
CASES = {
    "several": (several, X, 0),
    "divided": (divided, X, 0),
    "looping": (looping, X, 1),
    "a large product": (lambda i, x: lax.cond(i > 0, lambda: x @ x, lambda: x), WIDE, 1),
    "large": (lambda i, x: lax.cond(i > 0, lambda: x + 1, lambda: x), WIDE, 1),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("i", [-3, 0, 1, 2, 5])
def test_cheap_branches_are_chosen_from(name, i):
    function, x, left = CASES[name]
    given = np.array(i), x
    module = ir.parse(lower(function, *given))
    before = reference.evaluate(module, "main", *given)
    run_pipeline(module, parse_pipeline("inline,flatten-branches"))
    ir.verify(module)
    assert len(ir.ops_in(module, "stablehlo.case", "stablehlo.if")) == left
    for mine, theirs in zip(reference.evaluate(module, "main", *given), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def adaptive(y):
    """Steps of an oscillator that are taken again, shorter, where they are not exact enough."""

    def step(state):
        t, h, y = state
        slope = jnp.stack([y[1], -y[0]])
        ahead = y + h * slope
        next_ = y + h / 2 * (slope + jnp.stack([ahead[1], -ahead[0]]))
        error = jnp.abs(next_ - ahead).max()
        t, y = lax.cond(error < 1e-3, lambda: (t + h, next_), lambda: (t, y))
        return t, h * jnp.where(error < 1e-3, 1.3, 0.4), y

    return lax.while_loop(lambda s: s[0] < 1, step, (0.0, 0.5, y))


def chosen(x):
    """Of three things, one in each trip."""

    def step(i, x):
        return lax.switch(i % 3, [lambda: jnp.tanh(x), lambda: x[::-1], lambda: x * 1.1])

    return lax.fori_loop(0, 10, step, x)


@ON_X86
def test_loops_that_decide_are_kernels():
    given = [np.float32([1, 0.5]), np.float32(X[0])]
    ours, expected = of_jax([(adaptive, [None]), (chosen, [None])], given)
    assert placed(legal(ours, given)).count("::@slopec_small_loop") == 2
    results = sp.tree.leaves(sp.jit(ours)(*map(sp.tensor, given)))
    for got, theirs in zip(results, sp.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(got.numpy(), theirs, rtol=1e-5)
