"""The gradient of every model's loss: against JAX on the same weights, and central differences."""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn, tree

MODELS = Path(__file__).parents[2] / "models"
Arrays = dict[str, Any]


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"model_{name}", MODELS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def linear(p: Arrays, name: str, x: Any) -> Any:
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def jax_mlp(p: Arrays, image: Any) -> Any:
    x = image.reshape(-1, 64) / 16.0
    return linear(p, "fc2", jax.nn.relu(linear(p, "fc1", x)))


def jax_convnet(p: Arrays, image: Any) -> Any:
    x = image.reshape(-1, 1, 8, 8) / 16.0
    for name in ("conv1", "conv2"):
        x = jax.lax.conv_general_dilated(x, p[f"{name}.weight"], (1, 1), ((1, 1), (1, 1)))
        x = jax.nn.relu(x + p[f"{name}.bias"][:, None, None])
        size = (1, 1, 2, 2)
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, size, size, "VALID")
    x = jax.nn.relu(linear(p, "fc1", x.reshape(x.shape[0], -1)))
    return linear(p, "fc2", x)


def jax_norm(p: Arrays, name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def jax_gpt(p: Arrays, tokens: Any, heads: int = 2) -> Any:
    x = p["token.weight"][tokens] + p["position.weight"][: tokens.shape[1]]
    layers = sum(name.endswith("norm1.weight") for name in p)
    for i in range(layers):
        name = f"blocks.{i}"
        batch, length, width = x.shape
        qkv = linear(p, f"{name}.qkv", jax_norm(p, f"{name}.norm1", x))
        parts = qkv.reshape(batch, length, 3, heads, width // heads)
        q, k, v = (parts[:, :, j].transpose(0, 2, 1, 3) for j in range(3))
        scores = q @ k.swapaxes(-1, -2) / math.sqrt(width // heads)
        seen = jnp.tril(jnp.ones((length, length), bool))
        y = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ v
        y = y.transpose(0, 2, 1, 3).reshape(batch, length, width)
        x = x + linear(p, f"{name}.project", y)
        y = linear(p, f"{name}.widen", jax_norm(p, f"{name}.norm2", x))
        x = x + linear(p, f"{name}.narrow", jax.nn.gelu(y, approximate=True))
    return linear(p, "head", jax_norm(p, "norm", x))


def jax_loss(logits: Any, target: Any) -> Any:
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, target[..., None], -1).mean()


def loss(model: nn.Module, inputs: Any, target: Any) -> Any:
    return nn.functional.cross_entropy(model(inputs), target, dim=-1)


def cases() -> dict[str, tuple[Callable[[], nn.Module], Any, np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    images = draw.uniform(0, 16, (6, 8, 8)).astype(np.float32)
    labels = draw.integers(0, 10, 6).astype(np.int32)
    tokens = draw.integers(0, 20, (2, 8)).astype(np.int32)
    following = draw.integers(0, 20, (2, 8)).astype(np.int32)
    return {
        "mlp": (load("mlp").MLP, jax_mlp, images, labels),
        "convnet": (lambda: load("convnet").ConvNet(width=4), jax_convnet, images, labels),
        "gpt": (
            lambda: load("gpt").GPT(vocabulary=20, context=8, width=16, heads=2, layers=2),
            jax_gpt,
            tokens,
            following,
        ),
    }


CASES = cases()


def relative(ours: Arrays, theirs: Arrays) -> float:
    """The norm of the difference over the norm, all parameters taken together."""
    wrong = sum(float(((np.asarray(ours[n]) - np.asarray(theirs[n])) ** 2).sum()) for n in theirs)
    whole = sum(float((np.asarray(theirs[n]) ** 2).sum()) for n in theirs)
    return math.sqrt(wrong / whole)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("compiled", [False, True], ids=["reference", "llvm-cpu"])
def test_against_jax(name: str, compiled: bool) -> None:
    make, forward, inputs, target = CASES[name]
    sp.manual_seed(0)
    model = make().eval()
    params = {n: np.asarray(t) for n, t in model.state_dict().items()}
    wanted, slopes = jax.value_and_grad(lambda p: jax_loss(forward(p, inputs), target))(params)
    both = sp.value_and_grad(loss)
    both = sp.jit(both) if compiled else both
    value, slope = both(model, sp.tensor(inputs), sp.tensor(target))
    assert float(value) == pytest.approx(float(wanted), rel=1e-5)
    assert relative(slope.state_dict(), slopes) <= 1e-5


@pytest.mark.parametrize("name", CASES)
def test_against_central_differences(name: str) -> None:
    make, _, inputs, target = CASES[name]
    sp.manual_seed(1)
    model = tree.map(lambda t: sp.tensor(np.asarray(t), "float64"), make().eval())
    given = inputs.astype(np.float64) if inputs.dtype == np.float32 else inputs
    draw = np.random.default_rng(1)
    way = tree.map(lambda t: draw.standard_normal(t.shape), model)
    slope = sp.grad(loss)(model, sp.tensor(given), sp.tensor(target))
    parts = tree.map(lambda g, w: float((np.asarray(g) * w).sum()), slope, way)
    along = sum(tree.leaves(parts))

    def at(step: float) -> float:
        moved = tree.map(lambda t, w: sp.tensor(np.asarray(t) + step * w), model, way)
        return float(loss(moved, sp.tensor(given), sp.tensor(target)))

    h = 1e-6
    assert along == pytest.approx((at(h) - at(-h)) / (2 * h), rel=1e-6, abs=1e-8)
