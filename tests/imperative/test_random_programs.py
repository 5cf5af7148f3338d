"""Random scripts in the imperative style: gradients as JAX's, however values are looked at."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp


class Ours:
    """What the scripts are made of, in slopec."""

    functions = (sp.sin, sp.tanh, lambda x: sp.exp(x * 0.1), lambda x: sp.cumsum(x, axis=0))
    softmax = staticmethod(lambda x: sp.nn.functional.softmax(x, 0))
    where = staticmethod(sp.where)
    stop = staticmethod(lambda x: x.detach())

    @staticmethod
    def quietly(function):
        with sp.no_grad():
            return function()


class Jax:
    """The same in JAX."""

    functions = (jnp.sin, jnp.tanh, lambda x: jnp.exp(x * 0.1), jnp.cumsum)
    softmax = staticmethod(jax.nn.softmax)
    where = staticmethod(jnp.where)
    stop = staticmethod(jax.lax.stop_gradient)

    @staticmethod
    def quietly(function):
        return jax.lax.stop_gradient(function())


def script(seed, lib, leaves, look=None):
    """The values that a random script leaves behind, some of which it looked at on the way."""
    draw, values = random.Random(seed), list(leaves)
    for _ in range(draw.randint(4, 14)):
        a, b = draw.choice(values), draw.choice(values)
        function = draw.choice(lib.functions)
        kinds = {
            "function": lambda f=function, a=a: f(a),
            "product": lambda a=a, b=b: a * b,
            "sum": lambda a=a, b=b: a + b * 0.5,
            "stopped": lambda a=a, b=b: lib.stop(a) * b,
            "quiet": lambda a=a, b=b: lib.quietly(lambda: a * a) + b,
            "choice": lambda a=a, b=b: lib.where(a > 0.3, a, b * 2.0),
            "mask": lambda a=a, b=b: (a > 0.1).astype("float32") * b,
            "softmax": lambda a=a, b=b: lib.softmax(a) * b,
        }
        values.append(kinds[draw.choice(list(kinds))]())
        if draw.random() < 0.2 and len(values) > 4:
            values.pop(draw.randrange(2, len(values)))
        if look is not None and look.random() < 0.15:
            look.choice(values).numpy()
    return values


def first(values, stop, leaf):
    return values[-1].sum()


def second(values, stop, leaf):
    return (values[-2] * values[-1]).sum()


def detached(values, stop, leaf):
    return sum((stop(v) * leaf).sum() for v in values)


@pytest.mark.parametrize("retain", [True, False], ids=["retained", "freed"])
def test_two_losses_of_one_script(retain):
    other = second if retain else detached
    for seed in range(40):
        rng, look = np.random.default_rng(seed), random.Random(seed)
        start = [rng.normal(size=4).astype("float32") for _ in range(2)]
        expected = np.zeros((2, 4), "float32")
        for loss in (first, other):
            slope = jax.grad(lambda x, s=seed, f=loss: f(script(s, Jax, x), Jax.stop, x[0]))(start)
            expected += np.array(slope)
        leaves = [sp.tensor(x, requires_grad=True) for x in start]
        values = script(seed, Ours, leaves, look)
        losses = [f(values, Ours.stop, leaves[0]) for f in (first, other)]
        for loss, keep in zip(losses, (retain, False), strict=True):
            if loss.requires_grad:
                loss.backward(retain_graph=keep)
            if look.random() < 0.5:
                look.choice(values).numpy()
        found = [np.zeros(4) if x.grad is None else x.grad.numpy() for x in leaves]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=f"seed {seed}")
        for a, b in zip(values, script(seed, Jax, start), strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-3, atol=1e-4, err_msg=f"seed {seed}")
