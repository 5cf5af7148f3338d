"""Fifty steps of every optimiser against NumPy's in double precision, and against PyTorch's own."""

import numpy as np
import pytest

import slopec as sp
from slopec import optim
from tests.optim import references
from tests.optim.references import CASES

STEPS = 50
SHAPES = {"matrix": (5, 3), "wide": (2, 6), "vector": (4,), "cube": (2, 3, 2)}
NAMES = [f"{function.__name__}-{i}" for i, (function, _) in enumerate(CASES)]


def start():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def gradient(p, name, t):
    """The slope of a bumpy bowl, which depends on where one is, so that mistakes add up."""
    noise = np.random.default_rng([t, *name.encode()]).normal(size=p.shape)
    return 0.7 * p + 0.3 * np.sin(3 * p) + 0.5 * noise


def trajectory(function, options):
    params, states = start(), {name: {} for name in SHAPES}
    for t in range(1, STEPS + 1):
        params = {
            name: function(p, gradient(p, name, t), states[name], t, **options)
            for name, p in params.items()
        }
        yield params


@pytest.mark.parametrize("t0", [1e6, 7])
def test_asgd_keeps_the_mean(t0):
    p, known, kept = sp.tensor(np.ones(3)), {}, np.ones(3)
    optimizer = optim.asgd(0.05, t0=t0)
    state = optimizer.init(p)
    for t in range(1, 20):
        slope = gradient(kept, "vector", t)
        p, state = optimizer.update(sp.tensor(slope), state, p)
        kept = references.asgd(kept, slope, known, t, 0.05, t0=t0)
    np.testing.assert_allclose(state[-1]["average"].numpy(), known["mean"], rtol=1e-5)


def test_every_optimiser_is_here():
    # The steps of L-BFGS depend on all parameters together: `test_lbfgs.py`.
    assert {function.__name__ for function, _ in CASES} | {"lbfgs"} == set(optim.OPTIMIZERS)


@pytest.mark.parametrize(("function", "options"), CASES, ids=NAMES)
def test_against_numpy(function, options):
    optimizer = getattr(optim, function.__name__)(**options)
    params = {name: sp.tensor(p, dtype="float64") for name, p in start().items()}
    state = optimizer.init(params)
    for t, expected in enumerate(trajectory(function, options), 1):
        slopes = {name: sp.tensor(gradient(p.numpy(), name, t)) for name, p in params.items()}
        params, state = optimizer.update(slopes, state, params)
        sp.eval(params, state)
        for name, p in params.items():
            assert p.dtype == np.float64
            # Hyper-parameters are float32, so steps agree to its precision and errors grow.
            np.testing.assert_allclose(p.numpy(), expected[name], rtol=2e-5, atol=1e-6)


IN_TORCH = {"nadam": "NAdam", "radam": "RAdam", "rmsprop": "RMSprop", "sgd": "SGD"}
ONLY_HERE = ("lion", "lamb", "lars", "adabelief", "yogi", "adan", "novograd")


@pytest.mark.parametrize(("function", "options"), CASES, ids=NAMES)
def test_against_torch(function, options):
    torch = pytest.importorskip("torch")
    name = function.__name__
    if name in ONLY_HERE:
        pytest.skip("PyTorch has none")
    known = {"adamw": "AdamW", "asgd": "ASGD", "adafactor": "Adafactor", "muon": "Muon"}
    cls = getattr(torch.optim, {**IN_TORCH, **known}.get(name, name.capitalize()))
    chosen = [n for n in SHAPES if name != "muon" or len(SHAPES[n]) == 2]
    params = {n: torch.nn.Parameter(torch.tensor(start()[n])) for n in chosen}
    optimizer = cls(params.values(), **options)
    # Muon iterates in bfloat16 there.
    tolerance = 3e-2 if name == "muon" else 1e-6
    for t, expected in enumerate(trajectory(function, options), 1):
        for n, p in params.items():
            p.grad = torch.tensor(gradient(p.detach().numpy(), n, t))
        optimizer.step()
        if name == "muon" and t > 3:
            break
        for n, p in params.items():
            np.testing.assert_allclose(
                p.detach().numpy(), expected[n], rtol=tolerance, atol=tolerance
            )
