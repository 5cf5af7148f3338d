"""Batch and instance norm's running statistics, dropout, caches: what changes between calls."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import ShapeError, UsageError
from slopec.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
BATCHES = [RNG.normal(2.0, 3.0, size=(8, 3, 5)).astype(np.float32) for _ in range(4)]


def followed(batches, momentum, axes, over=()):
    """Running means and variances in NumPy."""
    mean, var = np.zeros(3), np.ones(3)
    for i, x in enumerate(batches, 1):
        share = 1 / i if momentum is None else momentum
        m, v = x.mean(axis=axes), x.var(axis=axes, ddof=1)
        if over:
            m, v = m.mean(axis=over), v.mean(axis=over)
        mean, var = mean + share * (m - mean), var + share * (v - var)
    return mean, var


@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
def test_batch_norm_follows_its_batches(momentum):
    norm = nn.BatchNorm1d(3, momentum=momentum)
    for x in BATCHES:
        norm(sp.tensor(x))
    mean, var = followed(BATCHES, momentum, (0, 2))

    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-5)
    y = norm.eval()(sp.tensor(BATCHES[0]))
    expected = (BATCHES[0] - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert norm.running_mean.numpy() == pytest.approx(mean, rel=1e-5)


def test_instance_norm_follows_its_examples():
    norm = nn.InstanceNorm1d(3, track_running_stats=True)
    for x in BATCHES:
        norm(sp.tensor(x))
    mean, var = followed(BATCHES, 0.1, 2, (0,))

    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-5)


@pytest.mark.parametrize("name", ["BatchNorm1d", "InstanceNorm1d"])
def test_statistics_against_torch(name):
    torch = pytest.importorskip("torch")
    ours = getattr(nn, name)(3, track_running_stats=True)
    theirs = getattr(torch.nn, name)(3, track_running_stats=True)
    for x in BATCHES:
        ours(sp.tensor(x))
        theirs(torch.tensor(x))
    state = {k: v.numpy() for k, v in theirs.state_dict().items()}
    assert state.keys() == ours.state_dict().keys()
    for key, value in state.items():
        if (name, key) != ("InstanceNorm1d", "num_batches_tracked"):  # which PyTorch leaves at 0
            np.testing.assert_allclose(ours.state_dict()[key].numpy(), value, rtol=1e-5)
    x = sp.tensor(BATCHES[0])
    y = ours.load_state_dict(state).eval()(x).numpy()
    np.testing.assert_allclose(
        y, theirs.eval()(torch.tensor(BATCHES[0])).detach().numpy(), atol=1e-5
    )


def test_without_running_statistics():
    norm = nn.BatchNorm1d(3, track_running_stats=False)
    x = sp.tensor(BATCHES[0])
    np.testing.assert_array_equal(norm(x).numpy(), norm.eval()(x).numpy())
    assert not list(norm.buffers())


def test_batch_norm_refuses_other_channels():
    with pytest.raises(ShapeError, match=r"BatchNorm2d\(3\) got shape \(2, 4, 5, 5\)"):
        nn.BatchNorm2d(3)(sp.ones((2, 4, 5, 5)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("module", [nn.LayerNorm(64), nn.RMSNorm(64), nn.GroupNorm(4, 64)])
def test_narrow_types_are_normalised_in_float32(module, dtype):
    x = sp.random.normal(sp.random.key(0), (4, 64)) * 30 + 100
    narrow = x.astype(dtype)

    y = module.to(dtype)(narrow)
    exact = module.to("float32")(narrow.astype("float32"))

    assert y.dtype.name == dtype
    step = 2.0**-7 if dtype == "bfloat16" else 2.0**-10
    np.testing.assert_allclose(y.numpy().astype("f4"), exact.numpy(), rtol=step, atol=step)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.9, 1.0])
def test_dropout(p):
    x = sp.ones((200, 50))
    y = F.dropout(x, p, key=sp.random.key(0)).numpy()

    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - p) if p < 1 else 0, rtol=1e-6)
    assert kept.mean() == pytest.approx(1 - p, abs=0.01)
    slope = sp.grad(lambda x: F.dropout(x, p, key=sp.random.key(0)).sum())(x)
    np.testing.assert_array_equal(slope.numpy(), y)


def test_dropout_only_while_training():
    x = sp.ones(10)
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"):
        module = getattr(nn, name)(0.5)
        assert module.eval()(x) is x
        shaped = sp.ones((4, 6, 5))
        assert not (module.train()(shaped, key=sp.random.key(0)) == shaped).all()


def test_channels_drop_as_a_whole():
    y = nn.Dropout2d(0.5)(sp.ones((8, 16, 3, 3)), key=sp.random.key(1)).numpy()
    sums = y.sum(axis=(2, 3))
    assert set(np.unique(sums)) == {0.0, 18.0}


def test_alpha_dropout_keeps_mean_and_variance():
    x = F.selu(sp.random.normal(sp.random.key(0), (100_000,)))
    y = F.alpha_dropout(x, 0.2, key=sp.random.key(1))
    assert y.mean().item() == pytest.approx(x.mean().item(), abs=0.02)
    assert y.std().item() == pytest.approx(x.std().item(), abs=0.02)


def test_dropout_refuses_what_is_no_probability():
    with pytest.raises(UsageError, match=r"got 1\.5"):
        F.dropout(sp.ones(3), 1.5, key=sp.random.key(0))


def test_a_sequence_of_layers_takes_one_key():
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    x = sp.ones(64)
    first, again = (model(x, key=sp.random.key(3)).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (model(x, key=sp.random.key(4)).numpy() != first).any()


def test_a_cache_gives_what_the_whole_sequence_gives():
    rng = np.random.default_rng(0)
    q, k, v = (sp.tensor(rng.normal(size=(2, h, 6, 4)), dtype="float32") for h in (4, 2, 2))
    whole = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    cache = nn.KVCache(2, 2, 8, 4)
    parts = []
    for start, stop in ((0, 3), (3, 4), (4, 6)):
        cache = cache.append(k[:, :, start:stop], v[:, :, start:stop])
        parts.append(cache.attend(q[:, :, start:stop]))
    np.testing.assert_allclose(sp.concat(parts, axis=2).numpy(), whole.numpy(), rtol=1e-5)
    assert cache.length.item() == 6
    with pytest.raises(ShapeError, match="KVCache"):
        cache.append(sp.ones((2, 2, 9, 4)), sp.ones((2, 2, 9, 4)))
