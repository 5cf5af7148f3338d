"""Modules of PyTorch as ours: values, gradients of every parameter, and buffers agree."""

import copy
from functools import cache

import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import DTypeError, ShapeError, UsageError
from slopec.interop.aten.contractions import grouped_mm
from slopec.interop.module import Leaf
from tests.interop.torch_models import NAMES, models


@pytest.fixture(scope="module")
def torch():
    found = pytest.importorskip("torch")
    found.set_num_threads(1)  # its threads wait for each other longer than they compute
    return found


@cache
def cases():
    import torch

    return {case.name: case for case in models(torch)}


@cache
def imported(name):
    case = cases()[name]
    return sp.from_torch(case.module, case.args)


def flat(nest):
    """The tensors of a nest, of PyTorch's or ours, in one order."""
    if isinstance(nest, dict):
        return [x for part in nest.values() for x in flat(part)]
    if isinstance(nest, tuple | list):
        return [x for part in nest for x in flat(part)]
    return [] if nest is None else [nest]


def arrays(nest):
    if isinstance(nest, dict):
        return {key: arrays(part) for key, part in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)(arrays(part) for part in nest)
    return nest.numpy() if hasattr(nest, "numpy") else nest


def weights(shape, serial):
    return np.cos(np.arange(int(np.prod(shape))) * 0.7 + serial).reshape(shape) + 1.3


def differentiable(outputs):
    return [i for i, x in enumerate(outputs) if "float" in str(x.dtype)]


def test_the_table_is_named(torch):
    assert tuple(cases()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_values_gradients_and_buffers(torch, name):
    case, ours = cases()[name], imported(name)
    theirs = copy.deepcopy(case.module)
    expected = flat(theirs(*case.args))
    chosen = differentiable(expected)
    seeds = [weights(tuple(expected[i].shape), i) for i in chosen]
    total = sum((expected[i] * torch.tensor(s)).sum() for i, s in zip(chosen, seeds, strict=True))
    total.backward()

    def loss(module, args):
        outputs = flat(module(*args))
        value = sum((outputs[i] * s).sum() for i, s in zip(chosen, seeds, strict=True))
        return value, (outputs, dict(module.named_buffers()))

    grad = sp.value_and_grad(loss, has_aux=True)
    (_, (outputs, buffers)), slope = grad(ours, arrays(case.args))

    assert len(outputs) == len(expected)
    for own, other in zip(outputs, expected, strict=True):
        assert own.dtype.name == str(other.dtype).removeprefix("torch.")
        np.testing.assert_allclose(own.numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-9)
    slopes = dict(slope.named_parameters())
    assert list(slopes) == [key for key, _ in theirs.named_parameters()]
    for key, parameter in theirs.named_parameters():
        wanted = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.numpy()
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(slopes[key].numpy() / scale, wanted / scale, atol=2e-9)
    for key, buffer in theirs.named_buffers():
        np.testing.assert_allclose(buffers[key].numpy(), buffer.numpy(), rtol=1e-9, atol=1e-12)


# --- as one of our own -----------------------------------------------------------------------


def small(torch):
    torch.manual_seed(0)
    layers = [torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.GELU()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(4, 2))


X = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)


def test_the_module_composes_with_transforms(torch):
    theirs = small(torch).eval()
    ours = sp.from_torch(theirs, torch.tensor(X), dynamic_shapes=({0: "batch"},))
    expected = theirs(torch.tensor(X)).detach().numpy()

    np.testing.assert_allclose(sp.jit(ours)(X).numpy(), expected, atol=1e-6)
    single = sp.vmap(lambda x: ours(x[None])[0])(sp.asarray(X))
    np.testing.assert_allclose(single.numpy(), expected, atol=1e-6)
    tangent = sp.jvp(lambda x: ours(x), (sp.asarray(X),), (sp.ones((5, 3)),))[1]
    wanted = torch.func.jvp(theirs, (torch.tensor(X),), (torch.ones(5, 3),))[1]
    np.testing.assert_allclose(tangent.numpy(), wanted.detach().numpy(), atol=1e-5)
    curved = sp.hessian(lambda x: ours(x[None]).sum())(sp.asarray(X[0]))
    hessian = torch.func.hessian(lambda x: theirs(x[None]).sum())(torch.tensor(X[0]))
    np.testing.assert_allclose(curved.numpy(), hessian.detach().numpy(), atol=1e-5)
    halved = sp.amp(lambda model, x: model(x))(ours, sp.asarray(X))
    np.testing.assert_allclose(halved.numpy(), expected, atol=3e-2)


def test_named_dimensions_take_any_size(torch):
    theirs = small(torch).eval()
    ours = sp.from_torch(theirs, torch.tensor(X), dynamic_shapes=({0: "batch"},))

    for count in (1, 2, 7):
        x = np.ones((count, 3), np.float32)
        np.testing.assert_allclose(ours(x).numpy(), theirs(torch.tensor(x)).detach(), atol=1e-6)
    with pytest.raises(ShapeError, match=r"argument 0 has shape \(5, 2\), expected \(any, 3\)"):
        ours(X[:, :2])


def test_names_weights_and_state_are_those_of_pytorch(torch):
    theirs = small(torch)
    ours = sp.from_torch(theirs.train(), torch.tensor(X))

    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    doubled = {name: 2 * value for name, value in theirs.state_dict().items()}
    sp.nn.load_torch_state_dict(ours, doubled)
    np.testing.assert_array_equal(ours.state_dict()["0.weight"].numpy(), doubled["0.weight"])
    ours(X)
    assert int(ours.state_dict()["1.num_batches_tracked"]) == 1


def test_tied_weights_are_one_parameter(torch):
    case = cases()["gpt"]
    ours = imported("gpt")

    assert "head.weight" not in dict(ours.named_parameters())
    assert ours.load_state_dict(case.module.state_dict()) is ours


def test_imperative_training_follows_pytorch(torch):
    theirs = small(torch).train()
    ours = sp.from_torch(theirs, torch.tensor(X))
    y = np.sin(X[:, :2])
    optimizer = sp.optim.SGD(ours.parameters(), lr=0.05, momentum=0.9)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)

    for _ in range(10):
        optimizer.zero_grad()
        loss = ((ours(X) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        reference.zero_grad()
        expected = ((theirs(torch.tensor(X)) - torch.tensor(y)) ** 2).mean()
        expected.backward()
        reference.step()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    for name, buffer in theirs.named_buffers():
        found = dict(ours.named_buffers())[name]
        np.testing.assert_allclose(found.numpy(), buffer.numpy(), rtol=1e-4)


def test_frozen_parameters_stay_frozen_and_functions_need_no_class(torch):
    theirs = small(torch).eval()
    theirs[0].weight.requires_grad_(False)
    ours = sp.from_torch(theirs, torch.tensor(X))
    trained = [name for name, _ in sp.nn.partition(ours)[0].named_parameters()]
    assert trained == [n for n, p in theirs.named_parameters() if p.requires_grad]

    function = sp.from_torch(lambda x, n: (x**n).sum(), (X, 2))
    np.testing.assert_allclose(function(X, 2).numpy(), (X**2).sum(), rtol=1e-6)
    program = torch.export.export(theirs, (torch.tensor(X),))
    np.testing.assert_array_equal(sp.from_torch(program)(X).numpy(), ours(X).numpy())


def test_random_numbers_come_from_the_stream(torch):
    ours = sp.from_torch(torch.nn.Dropout(0.5), torch.ones(1000))
    with sp.random.stream(3):
        first = ours(np.ones(1000, np.float32)).numpy()
    with sp.random.stream(3):
        again = ours(np.ones(1000, np.float32)).numpy()

    np.testing.assert_array_equal(first, again)
    assert set(first.tolist()) == {0.0, 2.0}
    assert 0.4 < (first > 0).mean() < 0.6


def test_loops_and_branches_stay_in_the_program(torch):
    ours = imported("lstm, gru, rnn")
    assert [step.op for step in ours.signature.graph.steps].count("lstm.input") == 1

    def count(n, x):
        def more(n, x):
            return n > 0

        def step(n, x):
            return n - 1, x * 2

        return torch._higher_order_ops.while_loop(more, step, (n, x))

    loop = sp.from_torch(count, (torch.tensor(3), torch.ones(2)))
    assert loop(np.int64(3), np.ones(2, np.float32))[1].tolist() == [8.0, 8.0]


def test_recurrent_layers_with_projections(torch):
    lstm = torch.nn.LSTM(3, 5, 2, bidirectional=True, proj_size=2)
    x = torch.randn(4, 2, 3)
    y, (h, c) = lstm(x)
    taken = sp.from_torch(lstm, x)
    theirs = [part.detach().numpy() for part in (y, h, c)]
    own = sp.nn.LSTM(3, 5, 2, bidirectional=True, proj_size=2)
    own.load_state_dict({name: p.detach().numpy() for name, p in lstm.named_parameters()})
    for function in (taken, own):
        y, (h, c) = function(x.numpy())
        for got, wanted in zip((y, h, c), theirs, strict=True):
            np.testing.assert_allclose(got.numpy(), wanted, atol=1e-6)


# --- mistakes --------------------------------------------------------------------------------


def test_an_unknown_operation_is_told_with_its_line(torch):
    class Odd(torch.nn.Module):
        def forward(self, x):
            y = x + 1
            return torch.linalg.eigvals(y)

    with pytest.raises(UsageError) as caught:
        sp.from_torch(Odd(), torch.eye(3))

    assert caught.value.code == "S0161"
    assert "linalg_eig" in caught.value.message
    assert caught.value.span.file == __file__
    assert "torch.linalg.eigvals(y)" in str(caught.value)


def test_python_that_depends_on_values_is_told(torch):
    class Branching(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(UsageError) as caught:
        sp.from_torch(Branching(), torch.ones(3))

    assert caught.value.code == "S0162"
    assert caught.value.span.file == __file__
    with pytest.raises(UsageError, match="let it return tensors, tuples or dicts"):
        sp.from_torch(lambda x: Leaf("x", x, False, False), torch.ones(3))


def test_arguments_unlike_the_example_are_told(torch):
    ours = sp.from_torch(lambda x, flag: x * 2 if flag else x, (X, True))

    with pytest.raises(UsageError, match="argument 1 is False; it was exported with True"):
        ours(X, False)
    with pytest.raises(UsageError, match="was exported for other arguments"):
        ours(X)
    with pytest.raises(DTypeError, match="is float64, expected float32"):
        ours(X.astype(np.float64), True)
    with pytest.raises(UsageError, match="changed in place"):
        sp.from_torch(lambda x: x.add_(1), torch.ones(2))


@pytest.mark.parametrize("ranks", [(2, 3), (2, 2), (3, 2)])
def test_products_of_groups(ranks):
    x, y = (np.arange(24.0).reshape(6, 4), np.arange(36.0).reshape(6, 6)[:, ::-1])
    x, y = {(2, 3): (x, y.reshape(3, 4, 3)), (2, 2): (x.T, y), (3, 2): (x.reshape(3, 4, 2), y[:2])}[
        ranks
    ]
    ends = [2, 2, 6]
    groups = [slice(0, 2), slice(2, 2), slice(2, 6)]
    expected = {
        (2, 3): lambda: np.concatenate([x[g] @ y[i] for i, g in enumerate(groups)]),
        (2, 2): lambda: np.stack([x[:, g] @ y[g] for g in groups]),
        (3, 2): lambda: np.concatenate([x[i] @ y[:, g] for i, g in enumerate(groups)], axis=1),
    }[ranks]()

    found = grouped_mm(*(sp.asarray(a) for a in (x, y, np.int32(ends))))

    np.testing.assert_allclose(found.numpy(), expected)


def test_what_of_core_aten_is_missing_is_only_what_gradients_are_made_of(torch):
    from slopec.interop.aten import TABLE
    from slopec.interop.exported import name_of

    packets = (getattr(torch.ops.aten, name) for name in dir(torch.ops.aten))
    overloads = (
        getattr(packet, name)
        for packet in packets
        if hasattr(packet, "overloads")
        for name in packet.overloads()
    )
    core = {name_of(op) for op in overloads if torch.Tag.core in op.tags}
    missing = {name for name in core if TABLE.find(name) is None}

    assert {name for name in missing if "_backward" not in name} <= {
        "_native_batch_norm_legit.default",  # changes its arguments; exporting replaces it
        "sym_stride.int",
        "sym_storage_offset.default",
        "sym_is_contiguous.default",
        "resize_.default",
    }


def test_arguments_that_are_not_in_a_tuple(torch):
    with pytest.raises(UsageError, match=r"S0106(.|\n)*several arguments are a tuple"):
        sp.from_torch(torch.nn.Bilinear(2, 3, 4), torch.ones(1, 2), torch.ones(1, 3))
