"""Schedules against formulas in plain Python, as ints and traced, and against PyTorch's."""

import math

import numpy as np
import pytest

import slopec as sp
from slopec import optim
from slopec.diagnostics import UsageError
from slopec.optim import schedules

RATE = 0.4


def cosine(t, steps, low=0.0):
    return low + (RATE - low) * (1 + math.cos(math.pi * min(t / steps, 1.0))) / 2


def restarts(t, first, factor, low=0.0):
    length = first
    while t >= length:
        t, length = t - length, length * factor
    return cosine(t, length, low)


def one_cycle(t, total, share, linear=False, three=False):
    first, last = RATE / 25, RATE / 25 / 1e4
    top, end = share * total - 1, total - 1
    phases = [(top, first, RATE), (end, RATE, last)]
    if three:
        phases = [(top, first, RATE), (2 * top, RATE, first), (end, first, last)]
    begin = 0.0
    for stop, a, b in phases:
        if t <= stop or stop == end:
            x = min((t - begin) / (stop - begin), 1.0)
            return a + (b - a) * x if linear else b + (a - b) / 2 * (math.cos(math.pi * x) + 1)
        begin = stop
    raise AssertionError


CASES = {
    "constant": (schedules.constant(RATE), lambda t: RATE),
    "step": (schedules.step(RATE, 7, 0.3), lambda t: RATE * 0.3 ** (t // 7)),
    "multistep": (
        schedules.multistep(RATE, [3, 9, 9], 0.5),
        lambda t: RATE * 0.5 ** sum(t >= m for m in (3, 9, 9)),
    ),
    "exponential": (schedules.exponential(RATE, 0.9), lambda t: RATE * 0.9**t),
    "linear": (schedules.linear(0.1, RATE, 10), lambda t: 0.1 + (RATE - 0.1) * min(t / 10, 1)),
    "polynomial": (
        schedules.polynomial(RATE, 20, 2.0),
        lambda t: RATE * (1 - min(t / 20, 1)) ** 2,
    ),
    "cosine": (schedules.cosine(RATE, 20, 0.1), lambda t: cosine(t, 20, 0.1)),
    "restarts": (schedules.cosine_restarts(RATE, 6, 1, 0.1), lambda t: restarts(t, 6, 1, 0.1)),
    "growing restarts": (schedules.cosine_restarts(RATE, 3, 2), lambda t: restarts(t, 3, 2)),
    "one cycle": (schedules.one_cycle(RATE, 40), lambda t: one_cycle(t, 40, 0.3)),
    "one cycle, linear": (
        schedules.one_cycle(RATE, 40, 0.25, "linear"),
        lambda t: one_cycle(t, 40, 0.25, linear=True),
    ),
    "one cycle, three phases": (
        schedules.one_cycle(RATE, 40, 0.3, three_phase=True),
        lambda t: one_cycle(t, 40, 0.3, three=True),
    ),
    "warm-up": (
        schedules.warmup(schedules.cosine(RATE, 20), 4),
        lambda t: RATE * (t + 1) / 5 if t < 4 else cosine(t - 4, 20),
    ),
    "chain": (
        schedules.sequential(
            [schedules.constant(0.1), schedules.exponential(RATE, 0.5), schedules.constant(0.2)],
            [5, 8],
        ),
        lambda t: 0.1 if t < 5 else RATE * 0.5 ** (t - 5) if t < 8 else 0.2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_schedule(name):
    schedule, expected = CASES[name]
    wanted = [expected(t) for t in range(40)]

    at_once = [schedule(t) for t in range(40)]
    np.testing.assert_allclose(np.array(sp.stack(at_once)), wanted, rtol=1e-5, atol=2e-7)
    traced = sp.scan(lambda t, _: (t + 1, schedule(t)), sp.tensor(0), sp.zeros(40))[1]
    assert traced.dtype == np.float32
    np.testing.assert_allclose(traced.numpy(), wanted, rtol=1e-5, atol=2e-7)


IN_TORCH = {
    "step": ("StepLR", {"step_size": 7, "gamma": 0.3}),
    "multistep": ("MultiStepLR", {"milestones": [3, 9, 9], "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "polynomial": ("PolynomialLR", {"total_iters": 20, "power": 2.0}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 6, "eta_min": 0.1}),
    "growing restarts": ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
    "one cycle": ("OneCycleLR", {"max_lr": RATE, "total_steps": 40}),
    "one cycle, linear": (
        "OneCycleLR",
        {"max_lr": RATE, "total_steps": 40, "pct_start": 0.25, "anneal_strategy": "linear"},
    ),
    "one cycle, three phases": (
        "OneCycleLR",
        {"max_lr": RATE, "total_steps": 40, "three_phase": True},
    ),
}


@pytest.mark.parametrize("name", IN_TORCH)
def test_against_torch(name):
    torch = pytest.importorskip("torch")
    cls, options = IN_TORCH[name]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=RATE, momentum=0.9)
    theirs = getattr(torch.optim.lr_scheduler, cls)(optimizer, **options)

    for t in range(40):
        assert theirs.get_last_lr()[0] == pytest.approx(CASES[name][1](t), rel=1e-9, abs=1e-12)
        optimizer.step()
        if t < 39:
            theirs.step()


SCHEDULERS = {
    "constant": lambda m, opt: m.ConstantLR(opt, 0.25, 7),
    "linear": lambda m, opt: m.LinearLR(opt, 0.25, 0.75, 9),
    "step": lambda m, opt: m.StepLR(opt, 5, 0.3),
    "lambda": lambda m, opt: m.LambdaLR(opt, lambda t: 0.9**t),
    "multiplicative": lambda m, opt: m.MultiplicativeLR(opt, lambda t: 1.0 - 0.01 * t),
    "cosine, there and back": lambda m, opt: m.CosineAnnealingLR(opt, 7, 0.01),
    "cyclic": lambda m, opt: m.CyclicLR(opt, 0.1, 0.5, 4, 6),
    "cyclic, halved": lambda m, opt: m.CyclicLR(opt, 0.1, 0.5, 4, None, "triangular2"),
    "cyclic, falling": lambda m, opt: m.CyclicLR(opt, [0.1], [0.5], 4, None, "exp_range", 0.95),
    "cyclic, scaled": lambda m, opt: m.CyclicLR(
        opt, 0.1, 0.5, 4, scale_fn=lambda n: 1 / (n + 1), base_momentum=0.3, max_momentum=0.6
    ),
    "cyclic, still": lambda m, opt: m.CyclicLR(
        opt, 0.1, 0.5, 4, scale_fn=lambda t: 0.9**t, scale_mode="iterations", cycle_momentum=False
    ),
    "one cycle by epochs": lambda m, opt: m.OneCycleLR(opt, 0.8, epochs=5, steps_per_epoch=8),
    "one cycle of three": lambda m, opt: m.OneCycleLR(
        opt, 0.8, 30, None, None, 0.4, "linear", True, 0.3, 0.7, 4.0, 10.0, True
    ),
    "sequential": lambda m, opt: m.SequentialLR(
        opt, [m.ConstantLR(opt, 0.1, 20), m.ExponentialLR(opt, 0.9), m.CosineAnnealingLR(opt, 10)], [6, 15]
    ),
    "chained": lambda m, opt: m.ChainedScheduler(
        [m.ConstantLR(opt, 0.5, 4), m.ExponentialLR(opt, 0.9), m.StepLR(opt, 10)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_against_torch(name):
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], RATE, 0.9)
    ours = optim.SGD([sp.zeros(()).requires_grad_()], RATE, 0.9)
    reference = SCHEDULERS[name](torch.optim.lr_scheduler, theirs)
    scheduler = SCHEDULERS[name](optim, ours)

    for _ in range(25):
        for option in ("lr", "momentum"):
            expected = theirs.param_groups[0][option]
            assert ours.param_groups[0][option] == pytest.approx(expected, rel=1e-5, abs=1e-7)
        theirs.step()
        reference.step()
        scheduler.step()


def test_momentum_that_is_not_there_is_not_moved_in_silence():
    adam = optim.Adam([sp.zeros(()).requires_grad_()], RATE)
    for make in (optim.OneCycleLR, lambda opt, top, n: optim.CyclicLR(opt, 0.0, top, n)):
        with pytest.raises(UsageError, match=r"S0146.*momentum(.|\n)*cycle_momentum=False"):
            make(adam, 0.8, 4)

    scheduler = optim.OneCycleLR(adam, 0.8, 4, cycle_momentum=False)
    for _ in range(4):
        scheduler.step()
    with pytest.raises(UsageError, match="OneCycleLR has 4 steps"):
        scheduler.step()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": -1.0}),
        ("SGD", {"momentum": -0.1}),
        ("SGD", {"nesterov": True}),
        ("Adam", {"eps": -1e-8}),
        ("Adam", {"betas": (0.9, 1.0)}),
        ("Adam", {"betas": 0.9}),
        ("Adam", {"lr": math.nan}),
    ],
)
def test_numbers_that_mean_nothing_are_refused(name, options):
    with pytest.raises(UsageError, match="S0123"):
        getattr(optim, name)([sp.zeros(()).requires_grad_()], **options)


def test_groups_may_differ():
    torch = pytest.importorskip("torch")
    make = {
        "lambda": lambda m, opt: m.LambdaLR(opt, [lambda t: 0.9**t, lambda t: 1 / (t + 1)]),
        "cyclic": lambda m, opt: m.CyclicLR(opt, [0.1, 0.2], [0.5, 0.9], 4, base_momentum=[0.1, 0.2]),
        "one cycle": lambda m, opt: m.OneCycleLR(opt, [0.8, 0.4], 10, max_momentum=[0.9, 0.95]),
    }  # fmt: skip
    for name, of in make.items():
        theirs = torch.optim.SGD(
            [{"params": [torch.nn.Parameter(torch.zeros(()))]} for _ in range(2)], RATE, 0.9
        )
        ours = optim.SGD([{"params": [sp.zeros(()).requires_grad_()]} for _ in range(2)], RATE, 0.9)
        reference, scheduler = of(torch.optim.lr_scheduler, theirs), of(optim, ours)
        for _ in range(8):
            for group, expected in zip(ours.param_groups, theirs.param_groups, strict=True):
                for option in ("lr", "momentum"):
                    assert group[option] == pytest.approx(expected[option], rel=1e-5), name
            theirs.step()
            reference.step()
            scheduler.step()


MEANINGLESS = {
    "rates of other groups": lambda opt: optim.CyclicLR(opt, [0.1, 0.2], 1.0),
    "momenta of other groups": lambda opt: optim.OneCycleLR(opt, 1.0, 9, base_momentum=[0.1, 0.2]),
    "functions of other groups": lambda opt: optim.LambdaLR(opt, []),
    "no way up": lambda opt: optim.CyclicLR(opt, 0.1, 1.0, 0),
    "no way down": lambda opt: optim.CyclicLR(opt, 0.1, 1.0, 5, 0),
    "no period": lambda opt: optim.CosineAnnealingLR(opt, 0),
    "no restart": lambda opt: optim.CosineAnnealingWarmRestarts(opt, 0),
    "shrinking restarts": lambda opt: optim.CosineAnnealingWarmRestarts(opt, 5, 0),
    "nothing in sequence": lambda opt: optim.SequentialLR(opt, [], []),
    "nothing chained": lambda opt: optim.ChainedScheduler([], opt),
}


@pytest.mark.parametrize("name", MEANINGLESS)
def test_schedulers_that_mean_nothing_are_refused(name):
    opt = optim.SGD([sp.zeros(()).requires_grad_()], RATE, 0.9)
    with pytest.raises(UsageError, match=r"S0106|S0123"):
        MEANINGLESS[name](opt)


def test_schedulers_want_an_optimiser_with_a_state():
    for make in (optim.CyclicLR, optim.OneCycleLR, optim.LambdaLR):
        with pytest.raises(UsageError, match="S0146"):
            make(optim.sgd(0.1), 0.1, 1)


def test_plateau_against_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], RATE)
    ours = optim.SGD([sp.zeros(()).requires_grad_()], RATE)
    arguments = ("max", 0.5, 1, 1e-2, "abs", 2, 0.03, 1e-3)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, *arguments)
    scheduler = optim.ReduceLROnPlateau(ours, *arguments)

    for metric in np.sin(np.arange(30.0) / 3):
        reference.step(metric)
        scheduler.step(metric)
        assert ours.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-5)


def test_schedules_of_a_whole_run():
    for name in schedules.SCHEDULES:
        rates = [optim.schedule(name, RATE, 50, warmup=5)(t).item() for t in range(50)]
        assert max(rates) == pytest.approx(RATE)
        assert rates[0] < RATE / 5
        assert len(set(rates[:5])) == 5
    assert optim.schedule("constant", RATE, 50)(0).item() == pytest.approx(RATE)


def test_refusals():
    with pytest.raises(UsageError, match="did you mean `cosine`"):
        optim.schedule("cosin", 0.1, 10)
    with pytest.raises(UsageError, match="1 milestones, got 2"):
        schedules.sequential([schedules.constant(1.0)] * 2, [1, 2])
