"""Transformations and wrappers, twenty steps of each, against optax's."""

import jax
import numpy as np
import pytest

import slopec as sp
from slopec import optim, tree

SHAPES = {"matrix": (5, 3), "vector": (4,), "kernel": (2, 3, 2, 2)}


@pytest.fixture
def optax():
    return pytest.importorskip("optax")


def numbers(seed, shape):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def minus(transformation):
    """The optimiser whose steps are the transformation's updates, downhill."""
    return optim.Optimizer(optim.chain(transformation, optim.scale(-1.0)))


def by_output(optax, *eps):
    """optax's units are along all dimensions but the last, ours along all but the first."""
    inner = optax.adaptive_grad_clip(*eps)

    def update(updates, state, params):
        updates, params = ({k: x.T for k, x in t.items()} for t in (updates, params))
        clipped, state = inner.update(updates, state, params)
        return {k: x.T for k, x in clipped.items()}, state

    return optax.GradientTransformation(inner.init, update)


CASES = {
    "adabelief": lambda optax: (optim.adabelief(0.01), optax.adabelief(0.01)),
    "yogi": lambda optax: (
        optim.Optimizer(optim.scale_by_yogi(initial_accumulator_value=0.0)),
        optax.scale_by_yogi(initial_accumulator_value=0.0),
    ),
    # With β₂ = ½; optax has 1 − β₂ where the paper, and its authors' code, has β₂.
    "adan": lambda optax: (
        optim.adan(0.01, (0.9, 0.5, 0.95)),
        optax.adan(0.01, 0.9, 0.5, 0.95, eps_root=0.0),
    ),
    "novograd": lambda optax: (
        optim.novograd(0.01, weight_decay=0.1),
        optax.novograd(0.01, weight_decay=0.1),
    ),
    "centralize": lambda optax: (
        minus(optim.centralize()),
        optax.chain(optax.centralize(), optax.scale(-1.0)),
    ),
    "adaptive_grad_clip": lambda optax: (
        minus(optim.adaptive_grad_clip(0.3)),
        optax.chain(by_output(optax, 0.3), optax.scale(-1.0)),
    ),
    "zero_nans": lambda optax: (
        minus(optim.zero_nans()),
        optax.chain(optax.zero_nans(), optax.scale(-1.0)),
    ),
    "apply_if_finite": lambda optax: (
        optim.apply_if_finite(optim.adam(0.1), 2),
        optax.apply_if_finite(optax.adam(0.1), 2),
    ),
}
NANS = {"zero_nans": (3, 4), "apply_if_finite": (3, 4, 7)}
"""At which steps an element of the gradients is NaN."""


@pytest.mark.parametrize("name", CASES)
def test_against_optax(name, optax):
    ours, theirs = CASES[name](optax)
    params = {key: numbers(0, shape) for key, shape in SHAPES.items()}
    mine = tree.map(sp.tensor, params)
    state, other = ours.init(mine), theirs.init(params)
    step = sp.jit(ours.update)
    for t in range(20):
        slopes = {key: numbers(t + 1, shape) + 0.3 * params[key] for key, shape in SHAPES.items()}
        if t in NANS.get(name, ()):
            slopes["vector"][1] = np.nan
        mine, state = step(tree.map(sp.tensor, slopes), state, mine)
        updates, other = theirs.update(slopes, other, params)
        params = jax.tree.map(np.asarray, optax.apply_updates(params, updates))
        for key, expected in params.items():
            np.testing.assert_allclose(mine[key].numpy(), expected, rtol=1e-4, atol=1e-5)


def test_errors_in_a_row_are_taken_in_the_end():
    optimizer = optim.apply_if_finite(optim.sgd(1.0), 2)
    p = sp.tensor(1.0)
    state = optimizer.init(p)
    seen = []
    for slope in (np.inf, np.nan, 0.5, np.inf, np.inf, np.inf):
        p, state = optimizer.update(sp.tensor(slope), state, p)
        seen.append((p.item(), state["skipped"].item()))
    assert seen == [(1, 1), (1, 2), (0.5, 0), (0.5, 1), (0.5, 2), (-np.inf, 3)]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_lookahead(dtype, optax):
    mine = sp.tensor(numbers(0, (4,)), dtype=dtype)
    params = optax.LookaheadParams.init_synced(np.asarray(mine.numpy(), np.float32))
    ours = optim.lookahead(optim.adam(0.1), 3, 0.3)
    theirs = optax.lookahead(optax.adam(0.1), 3, 0.3)
    state, other = ours.init(mine), theirs.init(params)
    tolerance = 1e-5 if dtype == "float32" else 3e-2
    for t in range(10):
        slope = numbers(t + 1, (4,))
        mine, state = ours.update(sp.tensor(slope, dtype=dtype), state, mine)
        updates, other = theirs.update(slope, other, params)
        params = optax.apply_updates(params, updates)
        pairs = (mine, params.fast), (state["slow"], params.slow)
        for found, expected in pairs:
            found = np.asarray(found.numpy(), np.float32)
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        assert mine.dtype.name == dtype
