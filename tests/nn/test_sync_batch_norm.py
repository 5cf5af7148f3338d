"""Batches that are normalised together, along a named axis, against one large batch."""

import numpy as np

import slopec as sp
from slopec import nn

X = np.random.default_rng(0).normal(2.0, 3.0, (4, 3, 2, 5)).astype(np.float32)
"""Four batches of three examples, two channels and five places."""


def test_like_one_large_batch():
    def member(norm, x, weight):
        y = norm(x)
        return y, sp.psum((y * weight).sum(), "batches"), norm

    weight = np.sin(np.arange(X.size, dtype=np.float32)).reshape(X.shape)

    def together(x):
        norm = nn.SyncBatchNorm(2, process_group="batches")
        y, loss, norm = sp.vmap(
            member, in_axes=(None, 0, 0), out_axes=(0, None, None), axis_name="batches"
        )(norm, x, weight)
        return loss, (y, norm.running_mean, norm.running_var)

    def at_once(x):
        norm = nn.BatchNorm1d(2)
        y = norm(x.reshape(12, 2, 5))
        return (y * weight.reshape(12, 2, 5)).sum(), (y, norm.running_mean, norm.running_var)

    (ours, kept), slope = sp.value_and_grad(together, has_aux=True)(sp.tensor(X))
    (theirs, expected), wanted = sp.value_and_grad(at_once, has_aux=True)(sp.tensor(X))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(slope.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)
    for got, want in zip(kept, expected, strict=True):
        np.testing.assert_allclose(got.numpy().reshape(want.shape), want.numpy(), atol=1e-5)


def test_without_a_group_it_is_batch_norm():
    one, other = nn.SyncBatchNorm(2), nn.BatchNorm1d(2)
    x = sp.tensor(X[0])
    np.testing.assert_array_equal(one(x).numpy(), other(x).numpy())
    grouped = nn.SyncBatchNorm(2, process_group="batches").eval()
    np.testing.assert_array_equal(grouped(x).numpy(), nn.BatchNorm1d(2).eval()(x).numpy())


def test_batch_norms_are_converted():
    norms = nn.Sequential(nn.BatchNorm2d(2), nn.InstanceNorm1d(2)), [nn.BatchNorm1d(2).eval()]
    model = nn.Sequential(nn.Linear(2, 2), norms[0])
    model.others = norms[1]
    model[1][0].momentum, weight = None, model[1][0].weight
    same = nn.SyncBatchNorm.convert_sync_batchnorm(model, "batches")
    assert same is model
    kinds = [type(m).__name__ for m in model.modules()]
    assert kinds.count("SyncBatchNorm") == 2
    assert "InstanceNorm1d" in kinds
    converted = model[1][0]
    assert converted.weight is weight
    assert (converted.process_group, converted.momentum) == ("batches", None)
    assert not model.others[0].training
    assert [name for name, _ in converted.named_buffers()] == [
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2))
    x = sp.tensor(X[0])
    np.testing.assert_array_equal(alone(x).numpy(), nn.BatchNorm1d(2)(x).numpy())
    assert nn.SyncBatchNorm.convert_sync_batchnorm(converted, None) is converted
