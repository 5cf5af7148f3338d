"""Training loops in the imperative style: as PyTorch's, and one program per step."""

import copy
import gc
import itertools
import pickle

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import TraceError
from slopec.lazy import evaluate as evaluation
from slopec.lazy import plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 16, 1, 8, 8)).astype("float32")
Y = RNG.integers(0, 3, size=(8, 16))


def network(lib):
    return lib.Sequential(
        lib.Conv2d(1, 4, 3, padding=1, bias=False),
        lib.BatchNorm2d(4),
        lib.ReLU(),
        lib.MaxPool2d(2),
        lib.Flatten(),
        lib.Linear(64, 3),
    )


@pytest.fixture
def runs(monkeypatch):
    """The programs that are run, as the numbers of their nodes and outputs."""
    seen = []

    def run(graph, device):
        seen.append((len(graph.nodes), len(graph.outputs)))
        return plan.run(graph, device)

    monkeypatch.setattr(evaluation, "run", run)
    return seen


def test_against_torch():
    torch = pytest.importorskip("torch")
    theirs, ours = network(torch.nn), network(nn)
    ours.load_state_dict({name: p.numpy() for name, p in theirs.state_dict().items()})
    mine = sp.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    other = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    for x, y in zip(X, Y, strict=True):
        mine.zero_grad()
        a = nn.functional.cross_entropy(ours(sp.tensor(x)), sp.tensor(y))
        a.backward()
        clipped = nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
        mine.step()
        other.zero_grad()
        b = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y))
        b.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        other.step()
        np.testing.assert_allclose(a.item(), b.item(), rtol=1e-3)
        assert clipped.item() > 0.0
    for (name, p), q in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-2, atol=1e-4, err_msg=name)


def test_against_the_functional_style():
    model = network(nn)
    twin, optimizer = copy.deepcopy(model), sp.optim.adam(1e-2)
    state = optimizer.init(twin)

    def loss_of(model, x, y):
        return nn.functional.cross_entropy(model(x), y), model

    opt = sp.optim.Adam(model.parameters(), lr=1e-2)
    for x, y in zip(X, Y.astype("int32"), strict=True):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(sp.tensor(x)), sp.tensor(y))
        loss.backward()
        opt.step()
        both = sp.value_and_grad(loss_of, has_aux=True)(twin, sp.tensor(x), sp.tensor(y))
        (value, twin), slope = both
        twin, state = optimizer.update(slope, state, twin)
        sp.eval(twin, state)
        np.testing.assert_allclose(loss.item(), value.item(), rtol=1e-4)
    for (name, p), q in zip(model.state_dict().items(), twin.state_dict().values(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_step_is_one_program(runs):
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    opt = sp.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = sp.optim.ExponentialLR(opt, gamma=0.9)
    losses = []
    for step in range(6):
        opt.zero_grad()
        x, y = sp.tensor(RNG.normal(size=(5, 4)).astype("float32")), sp.tensor(np.arange(5) % 2)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        scheduler.step()
        losses.append(loss.item())
        model[1].running_mean.numpy()
        if step == 2:
            known = len(plan._families)
            runs.clear()

    assert len(runs) == 3
    assert len(set(runs)) == 1
    assert len(plan._families) == known
    assert len(set(losses)) == 6


def test_a_training_loop_leaves_nothing_behind():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    opt = sp.optim.Adam(model.parameters(), lr=1e-2)

    def steps(count):
        for _ in range(count):
            opt.zero_grad()
            (model(sp.tensor(np.ones((2, 3), "float32"))) ** 2).mean().backward()
            opt.step()

    steps(5)
    counts = []
    for _ in range(4):
        steps(50)
        gc.collect()
        counts.append(len(gc.get_objects()))

    assert min(b - a for a, b in itertools.pairwise(counts)) < 20  # compiling leaves some, once


def test_running_statistics_that_nobody_looks_at_do_not_pile_up():
    norm = nn.BatchNorm1d(2)
    x = sp.tensor(RNG.normal(size=(4, 2)).astype("float32"))
    for _ in range(20):
        norm(x)
        value = norm.running_mean._value
        assert value.node is None or value.node.depth < 100
    expected = x.numpy().mean(0) * (1 - 0.9**20)
    np.testing.assert_allclose(norm.running_mean.numpy(), expected, rtol=1e-5)


def test_dropout_draws_anew_and_has_gradients():
    sp.manual_seed(0)
    drop, x = nn.Dropout(0.5), sp.tensor(np.ones(64, "float32"), requires_grad=True)
    first, second = drop(x), drop(x)
    first.sum().backward()

    assert first.tolist() != second.tolist()
    assert x.grad.tolist() == first.tolist()
    sp.manual_seed(0)
    assert drop(x).tolist() == first.tolist()
    assert drop.eval()(x).tolist() == x.tolist()


def test_parameters_require_gradients_and_buffers_do_not():
    class Model(nn.Module):
        def __init__(self):
            self.norm = nn.BatchNorm1d(2)
            self.scale = sp.tensor(2.0)
            self.counts = sp.tensor([1, 2])
            self.parts = [sp.ones(2), sp.zeros(2)]
            self.register_buffer("table", sp.ones(2))

        def forward(self, x):
            return self.norm(x) * self.scale + self.parts[0] + self.parts[1] + self.table

    model = Model()
    required = {name for name, p in model.named_parameters() if p.requires_grad}
    assert required == {"norm.weight", "norm.bias", "scale", "parts.0", "parts.1"}
    assert not any(b.requires_grad for b in model.buffers())
    model(sp.tensor([[1.0, 2.0], [3.0, 5.0]])).sum().backward()
    assert all((p.grad is not None) == p.requires_grad for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.requires_grad_(False)
    assert not model(sp.ones((2, 2))).requires_grad
    model.requires_grad_()
    model.norm.freeze()
    model.freeze("scale")
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {"parts.0", "parts.1"}
    model.unfreeze()
    assert model.scale.requires_grad


def test_a_module_that_a_transform_made_is_one_of_leaves():
    model = nn.Linear(2, 1)
    moved = sp.tree.map(lambda p: p * 2.0, model)
    stepped = sp.jit(lambda m: sp.tree.map(lambda p: p + 1.0, m))(model)
    for other in (moved, stepped):
        other(sp.ones((3, 2))).sum().backward()
        assert other.weight.is_leaf
        assert other.weight.grad.tolist() == [[3.0, 3.0]]
    assert model.weight.grad is None


def test_loading_keeps_what_the_optimiser_knows():
    model = nn.Linear(2, 1)
    opt = sp.optim.SGD(model.parameters(), lr=1.0)
    before = model.weight
    model.load_state_dict({"weight": np.float32([[1.0, 2.0]]), "bias": np.float32([0.0])})
    assert model.weight is before
    model(sp.ones((1, 2))).sum().backward()
    opt.step()

    assert model.weight.tolist() == [[0.0, 1.0]]


def test_saved_values_do_not_change():
    model = nn.Linear(2, 1)
    saved, weight = model.state_dict(), model.weight.tolist()
    with sp.no_grad():
        model.weight.zero_()

    assert saved["weight"].tolist() == weight
    assert model.weight.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_models_are_copied(copied):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    other = copied(model)
    with sp.no_grad():
        for p in model.parameters():
            p.zero_()

    assert all(p.requires_grad and p.is_leaf for p in other.parameters())
    assert any(p.numpy().any() for p in other.parameters())


def test_accumulated_gradients():
    model = nn.Linear(3, 1)
    x = sp.tensor(RNG.normal(size=(4, 3)).astype("float32"))
    for half in (x[:2], x[2:]):
        (model(half).sum() / 4.0).backward()
    parts = model.weight.grad
    model.zero_grad()
    model(x).mean().backward()

    np.testing.assert_allclose(parts.numpy(), model.weight.grad.numpy(), rtol=1e-5)


def test_a_step_inside_a_traced_function_says_what_to_do():
    model = nn.Linear(2, 1)
    with pytest.raises(TraceError) as caught:
        sp.jit(lambda x: model(x).sum().backward() or x)(sp.ones((1, 2)))
    assert caught.value.code == "S0141"


def test_evaluation_between_steps():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    opt = sp.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.train()
        opt.zero_grad()
        model(sp.ones((2, 2))).sum().backward()
        opt.step()
        model.eval()
        with sp.no_grad():
            assert model(sp.ones((2, 2))).numpy().shape == (2, 2)


MODELS = {
    "lstm": (lambda: nn.LSTM(3, 4), (5, 2, 3)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "attention": (lambda: nn.MultiheadAttention(8, 2, dropout=0.5), (5, 2, 8)),
    "convolutions": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.GroupNorm(1, 3)), (2, 2, 7)),
}


@pytest.mark.parametrize("name", MODELS)
def test_layers_train_in_this_style(name):
    make, shape = MODELS[name]
    model = make()
    opt = sp.optim.Adam(model.parameters(), lr=0.1)
    before = [p.numpy() for p in model.parameters()]
    x = sp.tensor(RNG.normal(size=shape).astype("float32"))
    result = model(x, x, x) if name == "attention" else model(x)
    (result[0] if isinstance(result, tuple) else result).sum().backward()
    opt.step()

    moved = [
        not np.array_equal(p.numpy(), b) for p, b in zip(model.parameters(), before, strict=True)
    ]
    assert any(moved)
    assert all(np.isfinite(p.numpy()).all() for p in model.parameters())


@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_training_on_a_device(device):
    with sp.device(device):
        model = nn.Linear(2, 1)
        opt = sp.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(2):
            opt.zero_grad()
            (model(sp.ones((2, 2))) ** 2).sum().backward()
            opt.step()

    assert model.weight.device == device
    assert isinstance(model.weight._value.data, np.ndarray) == (device == "reference")
