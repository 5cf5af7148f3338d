"""Activations: values, slopes and extremes against JAX and PyTorch; modules against functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import ShapeError
from slopec.nn import functional as F  # noqa: N812

X = np.concatenate([np.linspace(-6.1, 6.3, 41), [-1000.0, -30.0, 30.0, 1000.0]])
PLANE = np.random.default_rng(0).normal(size=(3, 4, 6)) * 3

CASES = {
    "relu": ((), jax.nn.relu),
    "relu6": ((), jax.nn.relu6),
    "leaky_relu": ((0.2,), lambda x: jax.nn.leaky_relu(x, 0.2)),
    "elu": ((0.7,), lambda x: jax.nn.elu(x, 0.7)),
    "celu": ((0.7,), lambda x: jax.nn.celu(x, 0.7)),
    "selu": ((), jax.nn.selu),
    "silu": ((), jax.nn.silu),
    "mish": ((), jax.nn.mish),
    "gelu": ((), lambda x: jax.nn.gelu(x, approximate=False)),
    "gelu, tanh": (("tanh",), lambda x: jax.nn.gelu(x, approximate=True)),
    "sigmoid": ((), jax.nn.sigmoid),
    "logsigmoid": ((), jax.nn.log_sigmoid),
    "hardsigmoid": ((), lambda x: jax.nn.relu6(x + 3) / 6),
    "hardswish": ((), lambda x: x * jax.nn.relu6(x + 3) / 6),
    "hardtanh": ((-2.0, 1.5), lambda x: jnp.clip(x, -2.0, 1.5)),
    "softplus": ((2.0,), lambda x: jax.nn.softplus(2 * x) / 2),
    "softsign": ((), jax.nn.soft_sign),
    "tanh": ((), jnp.tanh),
    "tanhshrink": ((), lambda x: x - jnp.tanh(x)),
    "softshrink": ((0.6,), lambda x: jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.6, 0)),
    "hardshrink": ((0.6,), lambda x: jnp.where(jnp.abs(x) > 0.6, x, 0)),
    "threshold": ((0.4, -3.0), lambda x: jnp.where(x > 0.4, x, -3.0)),
}
MODULES = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "CELU": "celu",
    "SELU": "selu",
    "SiLU": "silu",
    "Mish": "mish",
    "GELU": "gelu",
    "Sigmoid": "sigmoid",
    "LogSigmoid": "logsigmoid",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "Hardtanh": "hardtanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "Tanhshrink": "tanhshrink",
    "Softshrink": "softshrink",
    "Hardshrink": "hardshrink",
    "Threshold": "threshold",
    "GLU": "glu",
    "Softmax": "softmax",
    "Softmin": "softmin",
    "LogSoftmax": "log_softmax",
}


def value_and_slope(function, x):
    value, pullback = sp.vjp(function, sp.tensor(x))
    seed = np.cos(np.arange(value.size)).reshape(value.shape)
    return value.numpy(), pullback(sp.tensor(seed))[0].numpy(), seed


@pytest.mark.parametrize("name", CASES)
def test_elementwise_against_jax(name):
    args, reference = CASES[name]
    function = getattr(F, name.split(",")[0])

    value, slope, seed = value_and_slope(lambda x: function(x, *args), X)

    expected, pullback = jax.vjp(reference, X)
    np.testing.assert_allclose(value, expected, rtol=1e-7, atol=1e-12)
    # PyTorch's softplus is linear beyond its threshold.
    np.testing.assert_allclose(slope, pullback(seed)[0], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin", "glu"])
def test_along_a_dimension_against_jax(name, dim):
    if name == "glu" and dim == 0:
        with pytest.raises(ShapeError, match="no halves"):
            F.glu(sp.tensor(PLANE), 0)
        return
    references = {"softmin": lambda x, axis: jax.nn.softmax(-x, axis)}
    reference = references.get(name, getattr(jax.nn, name, None))

    value, slope, seed = value_and_slope(lambda x: getattr(F, name)(x, dim), PLANE)

    expected, pullback = jax.vjp(lambda x: reference(x, axis=dim), PLANE)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(slope, pullback(seed)[0], rtol=1e-8, atol=1e-12)


ARGUMENTS = {"Threshold": (0.4, -3.0), "Softmax": (-1,), "LogSoftmax": (-1,), "Softmin": (0,)}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_the_functions(name):
    args = ARGUMENTS.get(name, ())
    module, function = getattr(nn, name)(*args), getattr(F, MODULES[name])

    np.testing.assert_array_equal(
        module(sp.tensor(PLANE)).numpy(), function(sp.tensor(PLANE), *args).numpy()
    )
    assert repr(module).startswith(f"{name}(")


@pytest.mark.parametrize("name", MODULES)
def test_modules_against_torch(name):
    torch = pytest.importorskip("torch")
    args = (0.4, -3.0) if name == "Threshold" else ()
    theirs = getattr(torch.nn, name)(
        *args, **({"dim": -1} if "oft" in name and "max" in name else {})
    )
    points = np.concatenate([PLANE.ravel(), np.arange(-6, 7), [30.0, -30.0, 0.5]]).reshape(2, -1)
    x = torch.tensor(points, requires_grad=True)
    y = theirs(x)
    if name == "Softmin":
        y = torch.nn.functional.softmin(x, -1)

    value, slope, seed = value_and_slope(getattr(nn, name)(*args), points)

    y.backward(torch.tensor(seed))
    np.testing.assert_allclose(value, y.detach().numpy(), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(slope, x.grad.numpy(), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_large_and_infinite_logits(name):
    x = sp.tensor([[1e4, 0.0, -1e4], [-np.inf, 0.0, 0.0]])
    value = getattr(F, name)(x).numpy()
    np.testing.assert_allclose(value, getattr(jax.nn, name)(x.numpy(), axis=-1))


def test_gumbel_softmax():
    logits = sp.tensor([[0.0, 1.0, 2.0]] * 4)
    key = sp.random.key(0)

    soft = F.gumbel_softmax(logits, key=key)
    hard = F.gumbel_softmax(logits, hard=True, key=key)

    np.testing.assert_allclose(soft.sum(axis=-1).numpy(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(hard.numpy(), np.eye(3)[soft.numpy().argmax(-1)], atol=1e-7)
    seed = sp.tensor(PLANE[0, :, :3], dtype="float32")
    slopes = [
        sp.grad(lambda x, h=h: (F.gumbel_softmax(x, hard=h, key=key) * seed).sum())(logits)
        for h in (False, True)
    ]
    np.testing.assert_allclose(slopes[0].numpy(), slopes[1].numpy(), rtol=1e-6)


def test_prelu_refuses_other_numbers_of_weights():
    with pytest.raises(ShapeError, match="3 weights"):
        F.prelu(sp.ones((2, 4, 3)), sp.ones(3))
