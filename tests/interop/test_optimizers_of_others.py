"""Gradients of slopec in the optimisers of others: SciPy's through NumPy, PyTorch's by DLPack."""

import numpy as np
import pytest
from scipy import optimize

import slopec as sp
from slopec import nn, optim

X = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
Y = (X @ np.float32([[1.0], [-2.0], [0.5]]) + 0.25).astype(np.float32)


def test_scipy_minimises():
    def rosenbrock(x):
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

    both = sp.value_and_grad(rosenbrock)

    def called(x):
        value, slope = both(sp.asarray(x))
        return value.item(), slope.numpy()

    found = optimize.minimize(called, np.zeros(4), jac=True, method="L-BFGS-B")

    assert found.success
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-4)
    exact = optimize.minimize(
        called,
        np.zeros(4),
        jac=True,
        hess=lambda x: sp.hessian(rosenbrock)(sp.asarray(x)).numpy(),
        method="trust-exact",
    )
    np.testing.assert_allclose(exact.x, 1.0, rtol=1e-3)


def test_pytorch_trains_a_model_of_slopec():
    torch = pytest.importorskip("torch")
    sp.manual_seed(0)
    model = nn.Linear(3, 1)
    ours = optim.Adam([p.detach().requires_grad_() for p in model.parameters()], lr=0.1)
    theirs = [torch.tensor(p.numpy().copy(), requires_grad=True) for p in model.parameters()]
    optimizer = torch.optim.Adam(theirs, lr=0.1)

    def loss(weight, bias):
        return nn.functional.mse_loss(nn.functional.linear(X, weight, bias), sp.asarray(Y))

    slopes = sp.grad(loss, argnums=(0, 1))
    for _ in range(20):
        given = [sp.from_dlpack(p.detach()) for p in theirs]
        for p, slope in zip(theirs, slopes(*given), strict=True):
            p.grad = torch.from_dlpack(slope)
        optimizer.step()
        ours.zero_grad()
        loss(*ours.param_groups[0]["params"]).backward()
        ours.step()

    for own, other in zip(ours.param_groups[0]["params"], theirs, strict=True):
        np.testing.assert_allclose(own.detach().numpy(), other.detach().numpy(), rtol=1e-4)
