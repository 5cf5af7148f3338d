"""Loops that treat rows alone become kernels, whose values and gradients are JAX's."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir
from slopec.build import LEGALIZE
from slopec.emit import emit
from tests.kernels.run import HOST, ON_X86, TARGETS, legal, placed, run

LEFT_ALONE = LEGALIZE.replace("block-loops", "block-loops{hand-written}")
rng = np.random.default_rng(0)


def array(*shape):
    return rng.uniform(-0.4, 0.4, shape).astype("f")


def sigmoid(np, x):
    return 1 / (1 + np.exp(-x))


# Cells as (np, state, x, weights…) ↦ (state, y), for both libraries.


def lstm(np, state, x, w, b):
    h, c = state
    i, f, g, o = np.split(x + h @ w.T + b, 4, axis=-1)
    c = sigmoid(np, f) * c + sigmoid(np, i) * np.tanh(g)
    h = sigmoid(np, o) * np.tanh(c)
    return (h, c), h


def gru(np, state, x, w, b):
    (h,) = state
    (r1, z1, n1), (r2, z2, n2) = np.split(x, 3, axis=-1), np.split(h @ w + b, 3, axis=-1)
    z, n = sigmoid(np, z1 + z2), np.tanh(n1 + sigmoid(np, r1 + r2) * n2)
    h = n + z * (h - n)
    return (h,), h


def rectified(np, state, x, w, b):
    """A state that is bounded, and a comparison."""
    (h,) = state
    h = np.maximum(np.minimum(x + h @ w, 1.0), -0.5)
    return (h,), np.where(h > b, h, h * h)


def stacked(np, state, x, w, b):
    """Products of products, of sums, and of what is the same in every iteration."""
    h, g = state
    h = np.tanh(x + h @ w + b)
    g = np.tanh((g @ w) @ w + np.concat([h[:, 3:], g[:, :3]], axis=1) @ w)
    return (h, g), h + g


# The cell, its width, how many times as wide the inputs are, whether w is (input, state), and sizes
# of sequence and batch.
CELLS = {
    "lstm": (lstm, 24, 4, True, 2, (7, 5)),
    "long lstm": (lstm, 40, 4, True, 2, (64, 32)),
    "lstm of one": (lstm, 9, 4, True, 2, (2, 1)),
    "once": (lstm, 8, 4, True, 2, (1, 5)),
    "gru": (gru, 33, 3, False, 1, (7, 33)),
    "rectified": (rectified, 20, 1, False, 1, (3, 9)),
    "stacked": (stacked, 18, 1, False, 2, (5, 4)),
}


def arguments_of(name):
    _, width, times, transposed, _, (steps, batch) = CELLS[name]
    weight = (times * width, width) if transposed else (width, times * width)
    return array(steps, batch, times * width), array(*weight), array(times * width)


ARRAYS = [a for name in CELLS for a in arguments_of(name)]


def outputs(np, scan, zeros, name, xs, w, b, reverse):
    cell, width, _, _, states, _ = CELLS[name]
    start = tuple(zeros((xs.shape[1], width)) for _ in range(states))
    last, ys = scan(lambda s, x: cell(np, s, x, w, b), start, xs, reverse=reverse)
    return last[0], ys


def of_ours(name, *arrays, reverse=False):
    return outputs(sp, sp.scan, sp.zeros, name, *arrays, reverse)


def of_jax(name, *arrays, reverse=False):
    return outputs(jnp, lax.scan, jnp.zeros, name, *arrays, reverse)


def values(of, arrays):
    found = []
    for i, name in enumerate(CELLS):
        found += of(name, *arrays[3 * i : 3 * i + 3], reverse=i % 2 == 1)
    return found


def loss(of, np, arrays):
    return sum((y * y).sum() for y in values(of, arrays))


def row_loops(module):
    """The kernels of loops over rows."""
    return set(re.findall(r"@slopec_loop_\w+", placed(module)))


@ON_X86
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_loops_over_rows(target):
    def main(*arrays):
        return tuple(values(of_ours, arrays))

    module = legal(main, ARRAYS, LEFT_ALONE)
    assert len(row_loops(module)) == len(CELLS) - 1  # one runs once
    results = run(emit(ir.bytecode(module), target), *ARRAYS)
    for got, wanted in zip(results, values(of_jax, ARRAYS), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@ON_X86
def test_gradients_of_loops_over_rows():
    places = tuple(range(len(ARRAYS)))

    def main(*arrays):
        return sp.grad(lambda *arrays: loss(of_ours, sp, arrays), argnums=places)(*arrays)

    module = legal(main, ARRAYS, LEFT_ALONE)
    results = run(emit(ir.bytecode(module), HOST), *ARRAYS)
    expected = jax.grad(lambda *arrays: loss(of_jax, jnp, arrays), argnums=places)(*ARRAYS)
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(
    "step",
    [
        lambda h, x, w: h @ w + x.sum(0),  # of all rows
        lambda h, x, w: w @ h @ w + x,
        lambda h, x, w: h @ (w * x[0, 0]),  # another matrix in every iteration
        lambda h, x, w: sp.tanh(h) + x,  # nothing that stays in a cache
        lambda h, x, w: sp.flip(h, axis=0) @ w + x,
    ],
)
def test_what_mixes_rows_is_no_loop_over_rows(step):
    def main(w, xs):
        return sp.scan(lambda h, x: (step(h, x, w), None), sp.zeros((16, 16)), xs)[0]

    assert not row_loops(legal(main, [array(16, 16), array(5, 16, 16)], LEFT_ALONE))
