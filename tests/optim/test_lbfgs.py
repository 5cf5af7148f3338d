"""L-BFGS: the pure form as in optax, the imperative one as PyTorch's, evaluation by evaluation."""

import numpy as np
import pytest

import slopec as sp
from slopec import optim
from slopec.diagnostics import UsageError
from slopec.optim.line_search import Point, strong_wolfe

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(20, 5)), RNG.normal(size=20)
START = [RNG.normal(size=5), RNG.normal(size=(2, 2))]


def nearly_quadratic(lib, p, q):
    r = lib.matmul(lib.asarray(A), p) - lib.asarray(B)
    return (r * r).sum() + ((q * q).sum() - 1) ** 2


def curved(lib, p, q):
    """Robust residuals, Rosenbrock's valley and a bowl."""
    r = lib.matmul(lib.asarray(A), p) - lib.asarray(B)
    valley = (1 - q[0, 0]) ** 2 + 100 * (q[0, 1] - q[0, 0] ** 2) ** 2
    return lib.log(1 + r * r).sum() + valley + lib.cosh(q[1]).sum()


WOLFE = {"line_search_fn": "strong_wolfe"}
CASES = {
    "as it is": (nearly_quadratic, {}),
    "half the way": (nearly_quadratic, {"lr": 0.5, "max_iter": 8}),
    "Wolfe": (nearly_quadratic, WOLFE),
    "short memory": (curved, {**WOLFE, "history_size": 3, "max_iter": 7}),
    "few evaluations": (curved, {**WOLFE, "max_iter": 40, "max_eval": 12, "lr": 2.0}),
    "long memory": (curved, {**WOLFE, "max_iter": 15}),
    "small steps": (curved, {"lr": 0.01, "max_iter": 12}),
}


def minimised(lib, optimizer, params, function):
    """Losses, numbers of evaluations and parameters, step by step."""
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = function(lib, *params)
        loss.backward()
        return loss

    for _ in range(3):
        loss = float(optimizer.step(closure).detach())
        yield loss, calls, *(x for p in params for x in p.detach().numpy().ravel())


@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    torch = pytest.importorskip("torch")
    function, options = CASES[name]
    ours = [sp.tensor(p, requires_grad=True) for p in START]
    theirs = [torch.tensor(p, requires_grad=True) for p in START]
    mine = minimised(sp, optim.LBFGS(ours, **options), ours, function)
    other = minimised(torch, torch.optim.LBFGS(theirs, **options), theirs, function)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def gradient(p):
    slope = 2 * A.T @ (A @ p - B)
    return {"a": slope[:3], "b": slope[3:].reshape(1, 2)}


@pytest.mark.parametrize(
    ("lr", "options"),
    [(0.25, {}), (0.25, {"memory_size": 3}), (0.0078125, {"scale_init_precond": False})],
    ids=["by default", "short memory", "unscaled"],
)
def test_as_optax(lr, options):
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = jax.tree.map(jax.numpy.asarray, gradient(np.ones(5)))
        other = optax.lbfgs(lr, linesearch=None, **options)
        known = other.init(theirs)
        ours = {name: sp.tensor(p.__array__()) for name, p in theirs.items()}
        mine = optim.lbfgs(lr, **options)
        state, step = mine.init(ours), sp.jit(mine.update)
        for _ in range(12):
            slope = gradient(np.concatenate([np.ravel(p) for p in theirs.values()]))
            update, known = other.update(jax.tree.map(jax.numpy.asarray, slope), known, theirs)
            theirs = optax.apply_updates(theirs, update)
            slope = gradient(np.concatenate([p.numpy().ravel() for p in ours.values()]))
            ours, state = step({n: sp.tensor(g) for n, g in slope.items()}, state, ours)
        for name, p in ours.items():
            np.testing.assert_allclose(p.numpy(), theirs[name], rtol=1e-9)


def test_complex_parameters_go_downhill():
    goal = np.array([1 + 2j, -3j])
    z = sp.tensor(np.zeros(2, "complex128"), requires_grad=True)
    opt = optim.LBFGS([z], **WOLFE)

    def closure():
        opt.zero_grad()
        loss = (abs(z - goal) ** 2 * sp.tensor([1.0, 10.0])).sum()
        loss.backward()
        return loss

    opt.step(closure)
    np.testing.assert_allclose(z.detach().numpy(), goal, atol=1e-5)


def test_states_are_saved_and_loaded():
    def both(state=None, at=START):
        params = [sp.tensor(p, requires_grad=True) for p in at]
        opt = optim.LBFGS(params, max_iter=4, **WOLFE)
        if state is not None:
            opt.load_state_dict(state)
        return opt, params

    opt, params = both()
    *_, before = minimised(sp, opt, params, curved)
    other, again = both(opt.state_dict(), [p.detach() for p in params])
    assert other.evaluations == before[1]
    *_, after = minimised(sp, opt, params, curved)
    *_, same = minimised(sp, other, again, curved)
    assert after == pytest.approx(same, rel=1e-9)
    with pytest.raises(UsageError, match=r"\(5,\)"):
        optim.LBFGS(params[1:]).load_state_dict(opt.state_dict())


def test_parameters_without_a_gradient_stay():
    p, q = sp.tensor([3.0], requires_grad=True), sp.tensor([4.0], requires_grad=True)
    opt = optim.LBFGS([p, q])

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert opt.step(closure).item() == 9.0
    assert abs(p.item()) < 1e-6
    assert q.item() == 4.0


LINES = {
    "downhill for ever": (lambda t: (-t, -1.0), 1.0),
    "a wall": (lambda t: ((t - 1) ** 2, 2 * (t - 1)) if t < 3 else (np.nan, np.nan), 8.0),
    "a kink": (lambda t: (abs(t - 0.3), np.sign(t - 0.3)), 1.0),
    "a quartic": (lambda t: ((t - 2) ** 4 - t, 4 * (t - 2) ** 3 - 1), 0.01),
    "a level far away": (lambda t: (-np.tanh(t), -1 / np.cosh(t) ** 2), 300.0),
}


@pytest.mark.parametrize("name", LINES)
def test_lines(name):
    function, first = LINES[name]

    def evaluate(t):
        value, slope = function(t)
        return Point(t, float(value), float(slope), None)

    with np.errstate(over="ignore"):
        found = strong_wolfe(evaluate, evaluate(0.0), first, 1.0, 1e-9)
    assert found.value < function(0.0)[0]
    assert np.isfinite(found.value)


MISTAKES = {
    "no closure": (lambda p: optim.LBFGS(p).step(), "S0146", "closure"),
    "search": (lambda p: optim.LBFGS(p, line_search_fn="wolfe"), "S0123", "strong_wolfe"),
    "groups": (lambda p: optim.LBFGS([{"params": p[:1]}, {"params": p[1:]}]), "S0123", "one group"),
    "uphill": (lambda p: optim.LBFGS(p, maximize=True), "S0123", "negative"),
    "memory": (lambda p: optim.LBFGS(p, history_size=0), "S0106", "at least one"),
    "in jit": (lambda p: sp.jit(lambda x: optim.LBFGS(p).step(int) or x)(1.0), "S0146", "pure"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    make, code, said = MISTAKES[name]
    with pytest.raises(UsageError) as caught:
        make([sp.tensor(p, requires_grad=True) for p in START])
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.span.file == __file__
