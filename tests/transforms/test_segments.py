"""Loops in segments: the same values and derivatives, in memory that grows as √N."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
import slopec_runtime
from slopec import ir
from slopec.build import Artifact, transform
from slopec.diagnostics import TransformError

RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 3)).astype(np.float32) / 2
H = RNG.normal(size=(3,)).astype(np.float32)


class Jax:
    """JAX under slopec's names; it has no segments."""

    tanh, where, sin = jnp.tanh, jnp.where, jnp.sin
    grad, hessian, jvp, vmap = jax.grad, jax.hessian, jax.jvp, jax.vmap

    @staticmethod
    def scan(*args, checkpoint=None, **kwargs):
        return jax.lax.scan(*args, **kwargs)

    @staticmethod
    def fori_loop(*args, checkpoint=None):
        return jax.lax.fori_loop(*args)

    @staticmethod
    def while_loop(cond, body, init, max_steps, checkpoint=None):
        step = lambda state, _: (jax.lax.cond(cond(state), body, lambda s: s, state), None)  # noqa: E731
        return jax.lax.scan(step, init, length=max_steps)[0]


def losses(m, **how):
    """Losses of (w, xs) with every kind of loop."""

    def rnn(w, xs, reverse=False):
        def step(carry, x):
            h, count = carry
            h = m.tanh(w @ h + x["a"]) * x["b"]
            return (h, count + 1), {"h": h, "sum": h.sum(), "n": count}

        items = {"a": xs, "b": xs[:, 0]}
        (h, count), ys = m.scan(step, (H, 0), items, reverse=reverse, **how)
        return (h**2).sum() * count + (ys["h"] ** 2).sum() + (ys["sum"] * ys["n"]).sum()

    def alone(w, xs):
        return m.scan(lambda h, _: (m.tanh(w @ h), None), H, None, length=len(xs), **how)[0].sum()

    def fori(w, xs):
        return m.fori_loop(2, 2 + len(xs), lambda i, h: m.sin(w @ h * i) + h, H, **how).sum()

    def bounded(w, xs):
        step = lambda h: m.tanh(w @ h) + 0.5  # noqa: E731
        return m.while_loop(lambda h: h.sum() < 3.0, step, H, max_steps=len(xs), **how).sum()

    def nested(w, xs):
        inner = lambda h, x: m.scan(lambda c, v: (m.tanh(c * v), c), h, xs[:2], **how)  # noqa: E731
        h, ys = m.scan(lambda h, x: inner(m.tanh(w @ h + x), x), H, xs, **how)
        return (h**2).sum() + (ys**2).sum()

    return {
        "scan": rnn,
        "reversed scan": lambda w, xs: rnn(w, xs, reverse=True),
        "scan of nothing": alone,
        "fori_loop": fori,
        "while_loop": bounded,
        "scan in scan": nested,
    }


def close(found, expected, name=""):
    for mine, reference in zip(
        found if isinstance(found, tuple) else (found,),
        expected if isinstance(expected, tuple) else (expected,),
        strict=True,
    ):
        np.testing.assert_allclose(
            np.asarray(mine), np.asarray(reference), rtol=2e-3, atol=1e-4, err_msg=name
        )


def in_jax(functions, xs):
    """Values and gradients, all from one compilation."""
    both = {name: jax.value_and_grad(f, argnums=(0, 1)) for name, f in functions.items()}
    return jax.jit(lambda w, xs: {name: f(w, xs) for name, f in both.items()})(W, xs)


@pytest.mark.parametrize(("count", "segment"), [(7, "sqrt"), (6, 2), (5, 1), (4, 9), (1, "sqrt")])
def test_values_and_gradients_are_those_of_the_whole_loop(count, segment):
    xs = RNG.normal(size=(count, 3)).astype(np.float32)
    theirs = in_jax(losses(Jax), xs)
    for name, loss in losses(sp, checkpoint=segment).items():
        value, slopes = theirs[name]
        close(loss(sp.tensor(W), sp.tensor(xs)), value, name)
        close(sp.grad(loss, argnums=(0, 1))(sp.tensor(W), sp.tensor(xs)), slopes, name)


@pytest.mark.parametrize("name", ["scan", "fori_loop"])
def test_other_transforms_of_loops_in_segments(name):
    xs = RNG.normal(size=(5, 3)).astype(np.float32)
    batch = np.stack([W, 2 * W])
    w, rows = sp.tensor(W), sp.tensor(xs)
    mine, theirs = losses(sp, checkpoint="sqrt")[name], losses(Jax)[name]
    slope = jax.jit(jax.grad(theirs))

    close(sp.hessian(mine)(w, rows), jax.jit(jax.hessian(theirs))(W, xs))
    close(
        sp.vmap(sp.grad(mine), in_axes=(0, None))(sp.tensor(batch), rows),
        jax.jit(jax.vmap(slope, in_axes=(0, None)))(batch, xs),
    )
    close(
        sp.jvp(lambda w: mine(w, rows), (w,), (w,))[1],
        jax.jit(lambda w: jax.jvp(lambda w: theirs(w, xs), (w,), (w,))[1])(W),
    )
    close(sp.jit(sp.grad(sp.checkpoint(mine, policy="auto")))(w, rows), slope(W, xs))


@pytest.mark.parametrize("device", ["local-sync", "local-task"])
def test_compiled_loops_compute_the_same(device, monkeypatch):
    """In segments and as a whole, with and without threads."""
    monkeypatch.setattr(Artifact, "load", lambda self: slopec_runtime.load(self.data, device))
    xs = RNG.normal(size=(7, 3)).astype(np.float32)
    every = [losses(sp, checkpoint=segment) for segment in (None, "sqrt")]
    slopes = [sp.grad(loss, argnums=(0, 1)) for family in every for loss in family.values()]
    found = sp.jit(lambda w, xs: [slope(w, xs) for slope in slopes])(sp.tensor(W), sp.tensor(xs))

    theirs = in_jax(losses(Jax), xs)
    for name, mine in zip([*losses(Jax)] * 2, found, strict=True):
        close(mine, theirs[name][1], name)


def test_no_iterations():
    xs = sp.zeros((0, 3))
    loss = losses(sp, checkpoint="sqrt")["scan"]

    assert float(loss(sp.tensor(W), xs)) == 0.0
    assert not sp.grad(loss)(sp.tensor(W), xs).numpy().any()


# --- memory and size -------------------------------------------------------------------------


def gradient(count, **how):
    """The optimised module of an RNN's gradient."""
    loss = losses(sp, **how)["scan"]
    module = sp.jit(sp.grad(loss, argnums=(0, 1))).lower(sp.tensor(W), sp.zeros((count, 3)))
    transform(module)
    return module


def ops(module):
    # Two bounds of loops may be equal, and then are one.
    return [op.name for op in ir.ops_in(module) if op.name != "stablehlo.constant"]


@pytest.mark.parametrize("segment", [None, "sqrt", 7])
def test_the_gradient_is_as_long_for_a_thousand_steps_as_for_few(segment):
    sizes = {count: ops(gradient(count, checkpoint=segment)) for count in (23, 130, 1000)}

    assert sizes[23] == sizes[130] == sizes[1000]


MISTAKES = {
    "zero": (0, "checkpoint=0 is no length"),
    "negative": (-3, "checkpoint=-3"),
    "a truth": (True, "checkpoint=True"),
    "misspelt": ("root", "checkpoint='root'"),
    "a float": (2.0, "checkpoint=2.0"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name):
    segment, part = MISTAKES[name]
    with pytest.raises(TransformError, match="S0216") as caught:
        sp.scan(lambda c, x: (c, x), 0.0, sp.zeros((4,)), checkpoint=segment)

    assert re.search(re.escape(part), str(caught.value))
    assert "sqrt" in caught.value.hint


def test_unbounded_loops_have_no_segments():
    with pytest.raises(TransformError, match=r"S0216(.|\n)*max_steps"):
        sp.while_loop(lambda x: x < 3.0, lambda x: x + 1.0, 0.0, checkpoint=3)
    with pytest.raises(TransformError, match=r"S0216(.|\n)*ints as bounds"):
        sp.fori_loop(0, sp.tensor(3), lambda i, x: x + 1.0, 0.0, checkpoint=3)
