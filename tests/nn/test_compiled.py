"""Modules and random numbers compiled for the host give what the evaluator gives."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn, random, tree
from tests.nn.cases import CASES
from tests.nn.test_modules import called

GROUPS = {
    "windows": ("Conv2d", "ConvTranspose2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d"),
    "norms": ("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm2d", "LocalResponseNorm"),
    "sequences": ("Embedding", "MultiheadAttention", "GRU"),
}


@pytest.mark.parametrize("group", GROUPS)
def test_gradients(group):
    sp.manual_seed(0)  # a sum of signed terms: other weights may cancel
    chosen = {case.name: case for case in CASES if case.name in GROUPS[group]}
    models = {name: getattr(nn, name)(*c.args, **c.kwargs) for name, c in chosen.items()}
    inputs = {
        name: [sp.tensor(x, dtype="float32") if x.dtype.kind == "f" else x for x in c.inputs]
        for name, c in chosen.items()
    }

    def loss(models, given):
        total = sp.tensor(0.0)
        for name, case in chosen.items():
            arguments = [sp.asarray(x) for x in given[name]]
            for y in called(case, models[name], arguments):
                total = (
                    total + (y * sp.cos(sp.arange(y.size, dtype="float32")).reshape(y.shape)).sum()
                )
        return total

    function = sp.value_and_grad(loss)
    compiled, expected = sp.jit(function)(models, inputs), function(models, inputs)
    for ours, theirs in zip(tree.leaves(compiled), tree.leaves(expected), strict=True):
        scale = max(np.abs(theirs.numpy()).max(initial=0), 1e-3)
        np.testing.assert_allclose(ours.numpy() / scale, theirs.numpy() / scale, atol=5e-5)


def test_random_numbers():
    def draw(key):
        keys = random.split(key, 4)
        return {
            "bits": random.bits(keys[0], (5, 7)),
            "wide": random.bits(keys[0], (9,), "uint64"),
            "uniform": random.uniform(random.fold_in(keys[1], 3), (100,)),
            "half": random.uniform(keys[1], (100,), "float16"),
            "integers": random.randint(keys[2], (100,), -5, 1000),
            "coins": random.bernoulli(keys[3], 0.3, (100,)),
        }

    compiled, expected = sp.jit(draw)(random.key(7)), draw(random.key(7))
    for name, values in expected.items():
        np.testing.assert_array_equal(compiled[name].numpy(), values.numpy())


def test_a_changed_rate_compiles_nothing():
    optimizer = sp.optim.adamw(1e-3)
    step = sp.jit(lambda g, s, p: optimizer.update(g, s, p))
    p, g = sp.ones(3), sp.ones(3)
    state = optimizer.init(p)
    step(g, state, p)
    moved, _ = step(g, sp.optim.with_hyperparameters(state, lr=0.5, weight_decay=0.0), p)

    np.testing.assert_allclose(moved.numpy(), 0.5, rtol=1e-5)
    assert len(step._compiled) == 1
