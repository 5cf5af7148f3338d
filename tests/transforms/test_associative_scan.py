"""Associative scans equal JAX's, whatever the length, and differentiate."""

import jax
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, TraceError

RNG = np.random.default_rng(0)
LENGTHS = (0, 1, 2, 3, 7, 16, 33)


def affine(first, second):
    """One affine map after the other."""
    return first[0] * second[0], first[1] * second[0] + second[1]


def drawn(length):
    shape = (3, length)
    return RNG.uniform(0.5, 1, shape).astype("f4"), RNG.normal(size=shape).astype("f4")


@pytest.mark.parametrize("reverse", [False, True])
def test_values(reverse):
    pairs = [drawn(length) for length in LENGTHS]

    def every(scan, pairs):
        return [scan(affine, pair, reverse=reverse, axis=1) for pair in pairs]

    expected = every(jax.lax.associative_scan, pairs)
    compiled = sp.jit(lambda pairs: every(sp.associative_scan, pairs))(pairs)
    known = every(sp.associative_scan, pairs)
    for theirs, *ours in zip(expected, compiled, known, strict=True):
        for found in ours:
            for x, y in zip(found, theirs, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_gradients():
    a, b = drawn(13)

    def energy(scan, a, b):
        return (scan(affine, (a, b), axis=1)[1] ** 2).sum()

    expected = jax.grad(lambda *x: energy(jax.lax.associative_scan, *x), (0, 1))(a, b)
    found = sp.grad(lambda *x: energy(sp.associative_scan, *x), (0, 1))(sp.tensor(a), sp.tensor(b))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_mistakes():
    with pytest.raises(ShapeError, match="different lengths"):
        sp.associative_scan(affine, (sp.ones(3), sp.ones(4)))
    with pytest.raises(TraceError, match="not like its arguments"):
        sp.associative_scan(lambda a, b: (a + b).sum(), sp.ones(4))
