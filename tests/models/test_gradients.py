"""The gradient of every model's loss: against JAX on the same weights, and central differences."""

import importlib.util
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import slopec as sp
from slopec import nn, tree
from tests.models.in_jax import Arrays, alexnet, convnet, gpt, gpt2, loss_of, mlp, resnet, vit

MODELS = Path(__file__).parents[2] / "models"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"model_{name}", MODELS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loss(model: nn.Module, inputs: Any, target: Any) -> Any:
    return nn.functional.cross_entropy(model(inputs), target, dim=-1)


def cases() -> dict[str, tuple[Callable[[], nn.Module], Any, np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    images = draw.uniform(0, 16, (6, 8, 8)).astype(np.float32)
    photographs = draw.uniform(0, 255, (6, 3, 32, 32)).astype(np.float32)
    labels = draw.integers(0, 10, 6).astype(np.int32)
    tokens = draw.integers(0, 20, (2, 8)).astype(np.int32)
    following = draw.integers(0, 20, (2, 8)).astype(np.int32)
    return {
        "mlp": (load("mlp").MLP, mlp, images, labels),
        "convnet": (lambda: load("convnet").ConvNet(width=4), convnet, images, labels),
        "resnet": (
            lambda: load("resnet").ResNet(width=4, blocks=2),
            resnet,
            photographs[:3, :, :8, :8],
            labels[:3],
        ),
        "alexnet": (
            lambda: load("alexnet").AlexNet(width=4, classes=10),
            alexnet,
            photographs[:2],
            labels[:2],
        ),
        "gpt2": (lambda: load("gpt2").GPT2(20, 8, 16, heads=2, layers=2), gpt2, tokens, following),
        "vit": (lambda: load("vit").ViT(width=8, heads=2, layers=2), vit, images, labels),
        "gpt": (
            lambda: load("gpt").GPT(vocabulary=20, context=8, width=16, heads=2, layers=2),
            gpt,
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


def untrained(name: str) -> nn.Module:
    """A model of fixed weights."""
    sp.manual_seed(0)
    return CASES[name][0]().eval()


@cache
def in_jax(name: str) -> tuple[float, Arrays]:
    """The loss of an untrained model, and its gradient."""
    _, forward, inputs, target = CASES[name]
    model = untrained(name)
    params = {n: np.asarray(t) for n, t in model.named_parameters()}
    buffers = {n: np.asarray(t) for n, t in model.named_buffers()}
    both = jax.jit(jax.value_and_grad(lambda p: loss_of(forward(p | buffers, inputs), target)))
    value, slope = both(params)
    return float(value), slope


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("compiled", [False, True], ids=["reference", "llvm-cpu"])
def test_against_jax(name: str, compiled: bool) -> None:
    _, _, inputs, target = CASES[name]
    wanted, slopes = in_jax(name)
    both = sp.value_and_grad(loss)
    both = sp.jit(both) if compiled else both
    value, slope = both(untrained(name), sp.tensor(inputs), sp.tensor(target))
    assert float(value) == pytest.approx(wanted, rel=1e-5)
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
