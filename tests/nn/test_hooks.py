"""Hooks around `forward`: their order, what they replace, and that traces heed them."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn

X = np.array([[1.0, -2.0]], np.float32)


def layers(library):
    """Three activations by PyTorch's names, in a library that has them."""
    return library.Sequential(library.ReLU(), library.Sigmoid(), library.Tanh())


def hooked(model, seen):
    """Hooks of every kind; returns the handles."""
    last = model[2]
    return [
        model.register_forward_pre_hook(lambda m, args: (args[0] * -1,)),
        model[0].register_forward_pre_hook(lambda m, args: args[0] + 1),
        model[0].register_forward_hook(lambda m, args, y: seen.append(("first", tuple(y.shape)))),
        model[1].register_forward_hook(lambda m, args, kwargs, y: y * 2, with_kwargs=True),
        last.register_forward_pre_hook(lambda m, args, kw: ((args[0] + 3,), kw), with_kwargs=True),
        last.register_forward_hook(lambda m, args, y: y + 10),
        last.register_forward_hook(lambda m, args, y: y * 100, prepend=True),
    ]


def plain(x):
    return np.tanh(2 / (1 + np.exp(-np.maximum(1 - x, 0))) + 3) * 100 + 10


def test_like_the_formula():
    model, seen = layers(nn), []
    handles = hooked(model, seen)
    np.testing.assert_allclose(model(sp.tensor(X)).numpy(), plain(X), rtol=1e-6)
    assert seen == [("first", (1, 2))]
    compiled = sp.jit(lambda model, x: model(x))
    np.testing.assert_allclose(compiled(model, X).numpy(), plain(X), rtol=1e-6)
    for handle in [*handles, handles[0]]:
        handle.remove()
    bare = np.tanh(1 / (1 + np.exp(-np.maximum(X, 0))))
    np.testing.assert_allclose(model(sp.tensor(X)).numpy(), bare, rtol=1e-6)
    np.testing.assert_allclose(compiled(model, X).numpy(), bare, rtol=1e-6)


def test_like_torch():
    torch = pytest.importorskip("torch")
    model, seen = layers(torch.nn), []
    hooked(model, seen)
    np.testing.assert_allclose(model(torch.tensor(X)).numpy(), plain(X), rtol=1e-6)
    assert seen == [("first", (1, 2))]


def test_a_handle_ends_with_its_block():
    layer = nn.Identity()
    with layer.register_forward_hook(lambda m, args, y: y + 1):
        assert layer(sp.ones(1)).item() == 2.0
    assert layer(sp.ones(1)).item() == 1.0
