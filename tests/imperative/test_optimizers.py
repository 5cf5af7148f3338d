"""Optimisers and schedulers with a state of their own: as the pure ones, and as PyTorch's."""

import math

import numpy as np
import pytest

import slopec as sp
from slopec import nn, optim
from slopec.diagnostics import UsageError
from slopec.lazy import plan

RNG = np.random.default_rng(0)
SHAPES = [(3, 4), (4,), (2, 2)]
START = [RNG.normal(size=shape).astype("float32") for shape in SHAPES]
SLOPES = [[RNG.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(6)]
OPTIONS = {
    "SGD": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adam": {"amsgrad": True},
    "LARS": {"weight_decay": 0.1},
}


def leaves():
    return [sp.tensor(p, requires_grad=True) for p in START]


@pytest.mark.parametrize("face", optim.STATEFUL, ids=lambda face: face.__name__)
def test_as_the_pure_optimiser(face):
    options = {"lr": 0.05, **OPTIONS.get(face.__name__, {})}
    pure = optim.OPTIMIZERS[face.__name__.lower()](**options)
    expected, state = [sp.tensor(p) for p in START], None
    state = pure.init(expected)
    params = leaves()
    opt = face(params, **options)
    for slopes in SLOPES:
        expected, state = pure.update([sp.tensor(g) for g in slopes], state, expected)
        for p, g in zip(params, slopes, strict=True):
            p.grad = sp.tensor(g)
        opt.step()
        sp.eval(expected, state)
    for p, q in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-6)
        assert p.is_leaf
        assert p.requires_grad


TORCH = [
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    ("Adam", {"weight_decay": 0.1}),
    ("AdamW", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adamax", {}),
    ("Adagrad", {}),
    ("RMSprop", {"momentum": 0.5}),
    ("Adadelta", {}),
]


@pytest.mark.parametrize(("name", "options"), TORCH, ids=[name for name, _ in TORCH])
def test_as_torch(name, options):
    torch = pytest.importorskip("torch")
    ours = leaves()
    theirs = [torch.tensor(p, requires_grad=True) for p in START]
    mine = getattr(optim, name)(
        [{"params": ours[:2]}, {"params": ours[2:], "lr": 0.01}], lr=0.05, **options
    )
    other = getattr(torch.optim, name)(
        [{"params": theirs[:2]}, {"params": theirs[2:], "lr": 0.01}], lr=0.05, **options
    )
    for step, slopes in enumerate(SLOPES):
        for p, q, g in zip(ours, theirs, slopes, strict=True):
            p.grad, q.grad = sp.tensor(g), torch.tensor(g)
        if step == 2:  # a parameter that took no part this time
            ours[1].grad = theirs[1].grad = None
        if step == 4:
            for groups in (mine.param_groups, other.param_groups):
                for group in groups:
                    group["lr"] = 0.02
        mine.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach(), rtol=1e-4, atol=1e-5)


def quadratic(params):
    total = sum(((p - 1.0) ** 2).sum() for p in params)
    total.backward()
    return total


def test_changing_the_rate_compiles_nothing():
    params = leaves()
    opt = optim.Adam(params, lr=0.1)

    def step(rate):
        opt.zero_grad()
        quadratic(params)
        opt.lr = rate
        opt.step()

    for _ in range(3):
        step(0.1)
    known = len(plan._families)
    for i in range(5):
        step(0.1 / (i + 1))
        assert opt.lr == 0.1 / (i + 1)
        assert opt.param_groups[0]["lr"] == opt.lr

    assert len(plan._families) == known


def test_states_are_saved_and_loaded():
    params = leaves()
    opt = optim.AdamW(params, lr=0.1)
    for _ in range(3):
        opt.zero_grad()
        quadratic(params)
        opt.step()
    state, weights = opt.state_dict(), [p.detach() for p in params]
    again = [p.detach().requires_grad_() for p in weights]
    other = optim.AdamW(again, lr=7.0)
    other.load_state_dict(state)
    assert other.lr == 0.1
    for both in range(2):
        for o, ps in ((opt, params), (other, again)):
            o.zero_grad()
            quadratic(ps)
            o.step()
        assert both >= 0
        for p, q in zip(params, again, strict=True):
            assert p.tolist() == q.tolist()
    with pytest.raises(UsageError) as caught:
        optim.AdamW(params[:1]).load_state_dict(state)
    assert caught.value.code == "S0146"


def test_a_closure_is_called_with_gradients_on():
    params = leaves()
    opt = optim.SGD(params, lr=0.1)

    def closure():
        opt.zero_grad()
        return quadratic(params)

    with sp.no_grad():
        losses = [opt.step(closure).item() for _ in range(3)]
    assert losses[2] < losses[0]


def test_zero_grad():
    (p, *_) = params = leaves()
    opt = optim.SGD(params, lr=0.1)
    quadratic(params)
    opt.zero_grad(set_to_none=False)
    assert not p.grad.numpy().any()
    opt.zero_grad()
    assert p.grad is None
    opt.step()
    assert p.tolist() == START[0].tolist()


def test_groups_read_like_dicts():
    opt = optim.SGD(leaves(), lr=0.25, momentum=0.5)
    (group,) = opt.param_groups

    assert dict(group)["momentum"] == 0.5
    assert len(group["params"]) == 3
    assert "lr: 0.25" in repr(opt)
    opt.add_param_group({"params": [sp.ones(2).requires_grad_()], "lr": 0.125})
    assert [g["lr"] for g in opt.param_groups] == [0.25, 0.125]
    opt.lr = sp.tensor(0.5, dtype="float64")
    assert opt.lr == 0.5
    quadratic(opt.param_groups[1]["params"])
    opt.step()
    assert opt.param_groups[1]["params"][0].tolist() == [1.0, 1.0]
    opt.zero_grad()
    opt.lr = sp.tensor(1)
    (opt.param_groups[1]["params"][0] * 2.0).sum().backward()
    opt.step()
    assert opt.param_groups[1]["params"][0].tolist() == [-1.0, -1.0]


def test_gradients_that_somebody_assigned():
    p = sp.tensor([1.0, 2.0], requires_grad=True)
    opt = optim.SGD([p], lr=0.5)
    for slope in (np.ones(2, "float32"), sp.ones(2, dtype="float64"), sp.ones(2)):
        p.grad = slope
        opt.step()
    assert p.tolist() == [-0.5, 0.5]
    p.grad = sp.ones(3)
    with pytest.raises(UsageError) as caught:
        opt.step()
    assert caught.value.code == "S0146"
    p.grad = None
    assert p.tolist() == [-0.5, 0.5]


def test_half_precision_parameters():
    p = sp.tensor([1.0, 2.0], dtype="bfloat16", requires_grad=True)
    opt = optim.Adam([p], lr=0.1)
    (p * p).sum().backward()
    opt.step()
    assert p.dtype == "bfloat16"
    np.testing.assert_allclose(p.astype("float32").numpy(), [0.9, 1.9], rtol=1e-2)


# --- mistakes --------------------------------------------------------------------------------

MISTAKES = {
    "nothing": (lambda: optim.SGD([]), "S0146", "no parameters"),
    "computed": (lambda: optim.SGD([leaves()[0] * 2.0]), "S0146", "computed"),
    "integers": (lambda: optim.SGD([sp.tensor([1])]), "S0146", "int32"),
    "no tensor": (lambda: optim.SGD([np.ones(3)]), "S0146", "ndarray"),
    "module": (lambda: optim.SGD(nn.Linear(1, 1)), "S0146", "model.parameters()"),
    "twice": (lambda: optim.SGD([(p := leaves()[0]), p]), "S0146", "already"),
    "option": (lambda: optim.SGD(leaves(), momentun=0.9), "S0123", "momentum"),
    "set": (lambda: optim.Adam(leaves()).param_groups[0].update(beta=1), "S0123", "lr"),
    "in jit": (lambda: sp.jit(lambda x: optim.SGD(leaves()).step() or x)(1.0), "S0146", "pure"),
    "scheduler": (lambda: optim.StepLR(optim.sgd(0.1), 1), "S0146", "Adam"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    make, code, said = MISTAKES[name]
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.span.file == __file__


# --- schedulers ------------------------------------------------------------------------------

SCHEDULERS = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
    ("LinearLR", {"start_factor": 0.25, "total_iters": 4}),
    ("PolynomialLR", {"total_iters": 8, "power": 2.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 10}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.5**t}),
]


@pytest.mark.parametrize(("name", "options"), SCHEDULERS, ids=[name for name, _ in SCHEDULERS])
@pytest.mark.filterwarnings("ignore")
def test_schedulers_as_torch(name, options):
    torch = pytest.importorskip("torch")
    mine = optim.SGD(leaves(), lr=0.5, momentum=0.9)
    other = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.5, momentum=0.9)
    ours = getattr(optim, name)(mine, **options)
    theirs = getattr(torch.optim.lr_scheduler, name)(other, **options)
    for _ in range(9):
        assert math.isclose(mine.lr, theirs.get_last_lr()[0], rel_tol=1e-4, abs_tol=1e-6)
        ours.step()
        theirs.step()
    again = getattr(optim, name)(optim.SGD(leaves(), lr=0.5, momentum=0.9), **options)
    again.load_state_dict(ours.state_dict())
    assert again.get_last_lr() == ours.get_last_lr()


def test_plateau():
    opt = optim.SGD(leaves(), lr=1.0)
    scheduler = optim.ReduceLROnPlateau(opt, factor=0.5, patience=1)
    for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
        scheduler.step(sp.tensor(loss))
    assert opt.lr == 0.5


# --- gradients between backward and step -----------------------------------------------------


@pytest.mark.parametrize("kind", [2.0, 1.0, math.inf])
def test_clipping_as_torch(kind):
    torch = pytest.importorskip("torch")
    ours, theirs = leaves(), [torch.tensor(p, requires_grad=True) for p in START]
    for p, q, g in zip(ours, theirs, SLOPES[0], strict=True):
        p.grad, q.grad = sp.tensor(g), torch.tensor(g)
    a = nn.utils.clip_grad_norm_(ours, 0.5, kind)
    b = torch.nn.utils.clip_grad_norm_(theirs, 0.5, kind)
    np.testing.assert_allclose(a.item(), b.item(), rtol=1e-5)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad, rtol=1e-5)
    nn.utils.clip_grad_value_(ours, 0.01)
    torch.nn.utils.clip_grad_value_(theirs, 0.01)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad, rtol=1e-5)


def test_a_norm_that_is_not_finite():
    p = sp.tensor([1.0], requires_grad=True)
    p.grad = sp.tensor([float("nan")])
    with pytest.raises(UsageError, match="nan"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
