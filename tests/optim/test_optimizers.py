"""What optimisers leave alone, what their states hold, and what goes around them."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn, optim, tree
from slopec.diagnostics import UsageError


class Scaled(nn.Module):
    """A parameter of each kind: trained, frozen, a buffer, an integer, a missing one."""

    def __init__(self):
        self.weight = sp.tensor([1.0, 2.0])
        self.frozen = sp.tensor([3.0])
        self.order = sp.tensor([2, 1])
        self.bias = None
        self.layers = [nn.Linear(2, 2, key=sp.random.key(0)), {"scale": sp.tensor(1.0)}]
        self.register_buffer("seen", sp.tensor([4.0]))
        self.freeze("frozen")


def ones_like(params):
    return tree.map(sp.ones_like, params)


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
def test_only_trained_leaves_move(name):
    model = Scaled()
    optimizer = optim.by_name(name, 0.1)
    state = optimizer.init(model)

    stepped, after = optimizer.update(ones_like(model), state, model)

    assert tree.structure(stepped) == tree.structure(model)
    assert tree.structure(after) == tree.structure(state)
    for path in ("frozen", "seen", "order"):
        assert getattr(stepped, path) is getattr(model, path)
    moved = [stepped.weight, stepped.layers[0].weight, stepped.layers[1]["scale"]]
    before = [model.weight, model.layers[0].weight, model.layers[1]["scale"]]
    for new, old in zip(moved, before, strict=True):
        assert (new.numpy() < old.numpy()).any()
    assert [(x.shape, x.dtype) for x in tree.leaves(after)] == [
        (x.shape, x.dtype) for x in tree.leaves(state)
    ]


@pytest.mark.parametrize("name", optim.OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_parameters_have_wide_states(name, dtype):
    params = {"w": sp.ones((3, 2), dtype=dtype)}
    optimizer = optim.by_name(name, 0.1)
    state = optimizer.init(params)

    stepped, after = optimizer.update({"w": sp.ones((3, 2), dtype=dtype)}, state, params)

    assert stepped["w"].dtype.name == dtype
    assert {x.dtype.name for x in tree.leaves(after)} <= {"float32", "int32", "bool"}


def test_complex_parameters_go_downhill():
    z = sp.tensor(np.array([1 + 2j], np.complex64))
    optimizer = optim.adam(0.05)
    state = optimizer.init(z)
    sizes = []
    for _ in range(5):
        value, slope = sp.value_and_grad(lambda z: (sp.abs(z) ** 2).sum())(z)
        z, state = optimizer.update(slope, state, z)
        sizes.append(value.item())
    assert sizes == sorted(sizes, reverse=True)


def test_hyperparameters_are_data_of_the_state():
    params = {"w": sp.tensor(1.0)}
    optimizer = optim.clipped(optim.sgd(0.5, momentum=0.9, weight_decay=0.1), 10.0)
    state = optimizer.init(params)
    assert {k: round(v.item(), 6) for k, v in optim.hyperparameters(state).items()} == {
        "max_norm": 10.0,
        "weight_decay": 0.1,
        "momentum": 0.9,
        "lr": 0.5,
    }

    changed = optim.with_hyperparameters(state, lr=0.25, momentum=sp.tensor(0.0))

    assert tree.structure(changed) == tree.structure(state)
    stepped, _ = optimizer.update({"w": sp.tensor(2.0)}, changed, params)
    assert stepped["w"].item() == pytest.approx(1 - 0.25 * 2.1)
    with pytest.raises(UsageError, match="no hyper-parameter `beta`"):
        optim.with_hyperparameters(state, beta=1.0)


def test_a_schedule_counts_steps():
    optimizer = optim.sgd(optim.schedules.exponential(1.0, 0.5))
    p = sp.tensor(0.0)
    state = optimizer.init(p)
    seen = []
    for _ in range(3):
        p, state = optimizer.update(sp.tensor(1.0), state, p)
        seen.append(p.item())
    assert seen == [-1.0, -1.5, -1.75]
    assert optim.hyperparameters(state) == {}


@pytest.mark.parametrize("norm", [0.1, 1.0, 100.0])
def test_clipping(norm):
    rng = np.random.default_rng(0)
    gradients = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=5)}
    total = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    slopes = {k: sp.tensor(g, dtype="float32") for k, g in gradients.items()}
    params = tree.map(sp.zeros_like, slopes)
    optimizer = optim.clipped(optim.sgd(1.0), norm)

    stepped, _ = optimizer.update(slopes, optimizer.init(params), params)

    assert optim.global_norm(slopes).item() == pytest.approx(total, rel=1e-6)
    for name, g in gradients.items():
        expected = -g * min(1.0, norm / (total + 1e-6))
        np.testing.assert_allclose(stepped[name].numpy(), expected, rtol=1e-5)


def test_clipping_by_value():
    optimizer = optim.Optimizer(optim.chain(optim.clip_by_value(0.5), optim.scale(-1.0)))
    p = sp.zeros(3)

    stepped, _ = optimizer.update(sp.tensor([-2.0, 0.2, 2.0]), optimizer.init(p), p)

    np.testing.assert_allclose(stepped.numpy(), [0.5, -0.2, -0.5])


@pytest.mark.parametrize("every", [1, 3])
def test_accumulation_is_the_step_of_the_mean(every):
    rng = np.random.default_rng(0)
    slopes = rng.normal(size=(2 * every, 4)).astype(np.float32)
    plain, grouped = optim.adamw(0.1), optim.accumulated(optim.adamw(0.1), every)
    p = q = sp.ones(4)
    state, accumulated = plain.init(p), grouped.init(q)

    for i, slope in enumerate(slopes):
        before = q
        q, accumulated = grouped.update(sp.tensor(slope), accumulated, q)
        if (i + 1) % every:
            np.testing.assert_array_equal(q.numpy(), before.numpy())
            continue
        mean = slopes[i + 1 - every : i + 1].mean(axis=0)
        p, state = plain.update(sp.tensor(mean), state, p)
        np.testing.assert_allclose(q.numpy(), p.numpy(), rtol=1e-6)


def test_averages_follow_parameters_and_take_state():
    model, average = Scaled(), Scaled()
    moved, _ = optim.sgd(1.0).update(ones_like(model), optim.sgd(1.0).init(model), model)
    moved.seen = sp.tensor([9.0])

    average = optim.ema(average, moved, 0.75)

    np.testing.assert_allclose(average.weight.numpy(), [0.75, 1.75])
    assert average.seen.item() == 9.0


METRICS = [1.0, 0.9, 0.95, 0.95, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]


def falling(metrics, factor, patience, cooldown, floor, mode):
    """The rule in plain Python."""
    rate, best, bad, cooling = 1.0, np.inf if mode == "min" else -np.inf, 0, 0
    for value in metrics:
        bar = best * (1 - 1e-4 if mode == "min" else 1 + 1e-4)
        better = value < bar if mode == "min" else value > bar
        best, bad = (value, 0) if better else (best, bad + 1)
        if cooling:
            cooling, bad = cooling - 1, 0
        if bad > patience:
            rate, cooling, bad = max(rate * factor, floor), cooldown, 0
        yield rate


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("patience", "cooldown"), [(1, 0), (2, 2), (0, 1)])
def test_plateau(mode, patience, cooldown):
    plateau = optim.Plateau(0.5, patience, cooldown=cooldown, min_lr=0.1, mode=mode)
    sign = 1.0 if mode == "min" else -1.0
    metrics = [sign * m for m in METRICS]
    state = plateau.init(1.0)
    rates = []
    for value in metrics:
        state = plateau.update(value, state)
        rates.append(state["lr"].item())
    expected = list(falling(metrics, 0.5, patience, cooldown, 0.1, mode))
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_plateau_against_torch():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(()))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=1, cooldown=2, min_lr=0.1
    )
    for value, expected in zip(METRICS, falling(METRICS, 0.5, 1, 2, 0.1, "min"), strict=True):
        theirs.step(value)
        assert theirs.get_last_lr()[0] == pytest.approx(expected)


def test_orthogonalised_matrices_are_nearly_so():
    for shape in ((6, 4), (4, 6), (5, 5)):
        g = sp.random.normal(sp.random.key(0), shape)
        sizes = np.linalg.svd(optim.orthogonalized(g).numpy(), compute_uv=False)
        assert ((sizes > 0.4) & (sizes < 1.4)).all()


def test_one_tensor_twice_is_refused():
    w = sp.ones(2)
    with pytest.raises(UsageError, match=r"`a` and `b` are one tensor"):
        optim.sgd(0.1).init({"a": w, "b": w})


def test_gradients_of_another_structure_are_refused():
    optimizer = optim.adam(0.1)
    params = {"a": sp.ones(2), "b": sp.ones(2)}
    with pytest.raises(UsageError, match="1, 2 leaves"):
        optimizer.update({"a": sp.ones(2)}, optimizer.init(params), params)


def test_names():
    with pytest.raises(UsageError, match="did you mean `adamw`"):
        optim.by_name("adamww", 0.1)
    with pytest.raises(UsageError, match="has no option `momentum`"):
        optim.by_name("adam", 0.1, momentum=0.9)
    assert optim.by_name("adam", 0.1, momentum=0.0)


def test_pytorchs_ways_to_give_options():
    start = np.float32([1.0, -2.0, 3.0])
    results = []
    for options in (
        {"lr": 0.1, "momentum": 0.9, "foreach": True, "fused": None},
        {"lr": 0.1, "momentum": 0.9, "maximize": True},
    ):
        p = sp.tensor(start, requires_grad=True)
        opt = optim.SGD([p], **options)
        for _ in range(3):
            opt.zero_grad()
            (p * sp.tensor([1.0, 2.0, 3.0])).sum().backward()
            opt.step()
        results.append(p.detach().numpy())
    p = sp.tensor(start, requires_grad=True)
    opt = optim.SGD([p], 0.1, 0.9)

    assert opt.param_groups[0]["momentum"] == pytest.approx(0.9)
    np.testing.assert_allclose(start - results[0], results[1] - start, rtol=1e-5)


def test_initial_values_in_place():
    init = sp.nn.init
    shape = (6, 4)
    for name, arguments in {
        "uniform_": (1.0, 2.0), "normal_": (5.0, 0.1), "trunc_normal_": (0.0, 1.0, -1.0, 1.0),
        "xavier_uniform_": (2.0,), "xavier_normal_": (), "kaiming_uniform_": (0.0, "fan_out", "relu"),
        "kaiming_normal_": (), "orthogonal_": (3.0,),
    }.items():  # fmt: skip
        weight = sp.zeros(shape).requires_grad_()
        pure = getattr(init, {"trunc_normal_": "truncated_normal"}.get(name, name[:-1]))
        held = getattr(init, name)(weight, *arguments, key=sp.random.key(3))
        assert held is weight
        assert weight.requires_grad
        expected = pure(shape, *arguments, key=sp.random.key(3))
        # What took long the first time is compiled for the second, and rounded otherwise.
        np.testing.assert_allclose(weight.numpy(), expected.numpy(), rtol=1e-6, atol=1e-6)
    torch = pytest.importorskip("torch")
    for name, size, arguments in (
        ("eye_", (3, 4), ()), ("dirac_", (6, 2, 3, 3), (2,)), ("constant_", (2,), (4.0,)),
        ("ones_", (2, 2), ()), ("zeros_", (2,), ()),
    ):  # fmt: skip
        ours = getattr(init, name)(sp.ones(size), *arguments)
        theirs = getattr(torch.nn.init, name)(torch.ones(size), *arguments)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
