"""Initial values: bounds, variances and orthogonality; PyTorch's defaults of every layer."""

import math

import numpy as np
import pytest

import slopec as sp
from slopec import nn, random
from slopec.diagnostics import ShapeError, UsageError
from slopec.nn import init

SHAPE = (256, 64, 3, 3)
INS, OUTS = 64 * 9, 256 * 9
KEY = random.key(0)

UNIFORM = {
    "torch_default": (init.torch_default, 1 / math.sqrt(INS)),
    "xavier_uniform": (init.xavier_uniform, math.sqrt(6 / (INS + OUTS))),
    "kaiming_uniform": (init.kaiming_uniform, math.sqrt(6 / INS)),
    "variance_scaling": (
        lambda shape, key: init.variance_scaling(shape, 2.0, "fan_out", "uniform", key=key),
        math.sqrt(6 / OUTS),
    ),
}
NORMAL = {
    "normal": (lambda shape, key: init.normal(shape, 0.0, 0.3, key=key), 0.3),
    "xavier_normal": (init.xavier_normal, math.sqrt(2 / (INS + OUTS))),
    "kaiming_normal": (
        lambda shape, key: init.kaiming_normal(shape, mode="fan_out", nonlinearity="relu", key=key),
        math.sqrt(2 / OUTS),
    ),
    "lecun_normal": (init.lecun_normal, math.sqrt(1 / INS)),
    "variance_scaling": (
        lambda shape, key: init.variance_scaling(shape, 3.0, "fan_avg", "normal", key=key),
        math.sqrt(6 / (INS + OUTS)),
    ),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform(name):
    function, bound = UNIFORM[name]
    x = function(SHAPE, key=KEY).numpy()
    assert np.abs(x).max() <= bound
    assert np.abs(x).max() > 0.99 * bound
    assert x.std() == pytest.approx(bound / math.sqrt(3), rel=0.01)
    assert abs(x.mean()) < 0.01 * bound


@pytest.mark.parametrize("name", NORMAL)
def test_normal(name):
    function, std = NORMAL[name]
    x = function(SHAPE, key=KEY).numpy()
    assert x.std() == pytest.approx(std, rel=0.01)
    assert abs(x.mean()) < 0.01 * std


def test_truncated():
    x = init.truncated_normal((1000, 100), 1.0, 2.0, -1.0, 3.0, key=KEY).numpy()
    assert x.min() > -1.0
    assert x.max() < 3.0
    assert x.mean() == pytest.approx(1.0, abs=0.02)
    lecun = init.lecun_normal(SHAPE, key=KEY).numpy()
    assert np.abs(lecun).max() < 2 / 0.8796 / math.sqrt(INS)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    x = init.orthogonal(shape, 2.0, key=KEY).numpy().reshape(shape[0], -1)
    short = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(short, 4 * np.eye(len(short)), atol=1e-5)


def test_constants():
    assert init.zeros((2, 3)).numpy().sum() == 0
    assert init.ones((2, 3), dtype="int32").numpy().sum() == 6
    assert init.constant((2, 3), 0.5).numpy().sum() == 3


LAYERS = [
    ("Linear", (300, 400), {}),
    ("Bilinear", (30, 40, 50), {}),
    ("Conv1d", (64, 128, 5), {"groups": 4}),
    ("Conv2d", (64, 128, 3), {}),
    ("Conv3d", (16, 32, 3), {}),
    ("ConvTranspose2d", (64, 128, 3), {"groups": 2}),
    ("Embedding", (300, 40), {}),
    ("LayerNorm", (300,), {}),
    ("BatchNorm1d", (300,), {}),
    ("MultiheadAttention", (64, 4), {}),
    ("MultiheadAttention", (64, 4), {"kdim": 32, "vdim": 16}),
    ("LSTM", (64, 64), {}),
    ("GRU", (64, 64), {}),
    ("TransformerEncoderLayer", (64, 4, 256), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), LAYERS)
def test_defaults_against_torch(name, args, options):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    sp.manual_seed(0)
    theirs = getattr(torch.nn, name)(*args, **options)
    ours = dict(getattr(nn, name)(*args, **options).named_parameters())
    for parameter, values in theirs.named_parameters():
        x, y = ours[parameter].numpy(), values.detach().numpy()
        assert x.shape == y.shape
        assert x.std() == pytest.approx(y.std(), rel=0.25, abs=1e-7)
        assert np.abs(x).max() == pytest.approx(np.abs(y).max(), rel=0.25)
        assert x.mean() == pytest.approx(y.mean(), abs=float(4 * y.std() / y.size**0.5 + 1e-6))


@pytest.mark.parametrize(("name", "args", "options"), LAYERS)
def test_keys_decide(name, args, options):
    if "Norm" in name:
        return
    first, again, other = (
        getattr(nn, name)(*args, **options, key=random.key(seed)).state_dict() for seed in (1, 1, 2)
    )
    for path, x in first.items():
        np.testing.assert_array_equal(x.numpy(), again[path].numpy())
    assert any((x.numpy() != other[path].numpy()).any() for path, x in first.items())
    weights = [x.numpy().ravel()[:16] for x in first.values() if x.numpy().std()]
    for i, x in enumerate(weights):
        assert all(len(x) != len(y) or (x != y).any() for y in weights[:i])


def test_the_seed_decides_without_keys():
    def drawn():
        sp.manual_seed(5)
        return nn.Linear(3, 3).weight.numpy()

    np.testing.assert_array_equal(drawn(), drawn())


def test_padding_rows_are_zero_and_stay_so():
    table = nn.Embedding(5, 3, padding_idx=-1)
    assert not table.weight[4].numpy().any()
    slope = sp.grad(lambda table: table(sp.tensor([4, 1, 4])).sum())(table)
    np.testing.assert_array_equal(slope.weight.numpy().sum(axis=1), [0, 3, 0, 0, 0])


def test_gains_against_torch():
    torch = pytest.importorskip("torch")
    for name in ("linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))


def test_refusals():
    with pytest.raises(ShapeError, match="at least two dimensions"):
        init.xavier_uniform((3,))
    with pytest.raises(UsageError, match="no gain is known for the nonlinearity 'gelu'"):
        init.kaiming_normal((3, 3), nonlinearity="gelu")
    with pytest.raises(UsageError, match="no fan is called 'fan'"):
        init.variance_scaling((3, 3), mode="fan")
