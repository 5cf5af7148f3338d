"""Fifty steps of training a small network, every parameter after every step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn, optim
from slopec.nn import functional as F  # noqa: N812
from tests.nn import references as ref
from tests.optim import references as rules

RNG = np.random.default_rng(0)
STEPS = 50
IMAGES = RNG.normal(size=(STEPS, 8, 1, 6, 6))
LABELS = RNG.integers(0, 3, (STEPS, 8)).astype(np.int32)


def made():
    sp.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3),
    ).to("float64")


def trajectory(optimizer):
    """The parameters after every step, and the model in the end."""
    model = made()
    state = optimizer.init(model)

    def loss(model, x, y):
        return F.cross_entropy(model(x), y, label_smoothing=0.1), model

    for x, y in zip(IMAGES, LABELS, strict=True):
        given = sp.tensor(x), sp.tensor(y)
        (_, model), slope = sp.value_and_grad(loss, has_aux=True)(model, *given)
        model, state = optimizer.update(slope, state, model)
        sp.eval(model, state)
        yield model


def jax_loss(p, x, y):
    conv = ref.conv(2, padding=1)(ref.pick(p, "0."), x)
    z = jax.nn.gelu(ref.batch_norm(ref.pick(p, "1."), conv), approximate=False)
    z = ref.max_pool(2, 2, 2)({}, z).reshape(x.shape[0], -1)
    log_p = jax.nn.log_softmax(ref.linear(ref.pick(p, "5."), z))
    return -(0.9 * log_p[jnp.arange(len(y)), y] + 0.1 * log_p.mean(1)).mean()


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_against_jax(name):
    options = {"sgd": {"lr": 0.1, "momentum": 0.9}, "adamw": {"lr": 0.01}}[name]
    params = {n: x.numpy() for n, x in made().named_parameters()}
    states = {n: {} for n in params}
    slopes = jax.jit(jax.grad(jax_loss))
    for t, model in enumerate(trajectory(getattr(optim, name)(**options)), 1):
        g = slopes(params, IMAGES[t - 1], LABELS[t - 1])
        rule = getattr(rules, name)
        params = {n: rule(p, np.asarray(g[n]), states[n], t, **options) for n, p in params.items()}
        for n, x in model.named_parameters():
            np.testing.assert_allclose(x.numpy(), params[n], rtol=2e-5, atol=2e-6)


def test_against_torch():
    torch = pytest.importorskip("torch")
    layers = torch.nn
    theirs = layers.Sequential(
        layers.Conv2d(1, 4, 3, padding=1),
        layers.BatchNorm2d(4),
        layers.GELU(),
        layers.MaxPool2d(2),
        layers.Flatten(),
        layers.Linear(36, 3),
    ).double()
    state = {n: torch.tensor(x.numpy()) for n, x in made().state_dict().items()}
    state["1.num_batches_tracked"] = torch.tensor(0)
    theirs.load_state_dict(state)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01)
    criterion = layers.CrossEntropyLoss(label_smoothing=0.1)
    for t, model in enumerate(trajectory(optim.adamw(0.01))):
        optimizer.zero_grad()
        criterion(theirs(torch.tensor(IMAGES[t])), torch.tensor(LABELS[t]).long()).backward()
        optimizer.step()
        ours = model.state_dict()
        for n, x in theirs.state_dict().items():
            np.testing.assert_allclose(ours[n].numpy(), x.numpy(), rtol=2e-5, atol=2e-6)
