"""Methods and properties of tensors: PyTorch's spellings of the functions."""

import numpy as np
import pytest

import slopec as sp
from slopec.ops.methods import METHODS, PROPERTIES
from slopec.synonyms import SYNONYMS
from tests.ops.harness import normal, same

X = normal(2, 3, 4)
T = sp.tensor(X)

SPELLINGS = [
    (T.sum(dim=1, keepdim=True), X.sum(1, keepdims=True)),
    (T.sum(0), X.sum(0)),
    (T.mean((0, 2)), X.mean((0, 2))),
    (T.max(axis=-1), X.max(-1)),
    (T.max(), X.max()),
    (T.var(axis=0), X.var(0)),
    (T.median(axis=1), np.median(X, 1)),
    (T.sort(axis=1), np.sort(X, 1)),
    (T.argmax(1), X.argmax(1).astype("int32")),
    (T.reshape(6, -1), X.reshape(6, 4)),
    (T.reshape((6, -1)), X.reshape(6, 4)),
    (T.view(-1), X.reshape(-1)),
    (T.view("int32"), X.view("int32")),
    (T.permute(2, 0, 1), X.transpose(2, 0, 1)),
    (T.permute((2, 0, 1)), X.transpose(2, 0, 1)),
    (T.transpose(0, 2), X.swapaxes(0, 2)),
    (T.transpose(), X.T),
    (T.transpose(1, 2, 0), X.transpose(1, 2, 0)),
    (T.T, X.T),
    (T.mT, X.swapaxes(1, 2)),
    (T[0].t(), X[0].T),
    (T.unsqueeze(-1), X[..., None]),
    (T[:1].squeeze(0), X[0]),
    (T[:1].squeeze(), X[0]),
    (T[:1].squeeze(dim=0), X[0]),
    (T[:, :1].expand(-1, 5, -1), np.broadcast_to(X[:, :1], (2, 5, 4))),
    (T.expand(7, 2, 3, 4), np.broadcast_to(X, (7, 2, 3, 4))),
    (T.repeat(2, 1, 1), np.tile(X, (2, 1, 1))),
    (T.repeat_interleave(2, dim=1), np.repeat(X, 2, 1)),
    (T.flip(0), X[::-1]),
    (T.flip(0, 2), X[::-1, :, ::-1]),
    (T.flatten(1), X.reshape(2, 12)),
    (T.clamp(-0.5, 0.5), X.clip(-0.5, 0.5)),
    (T.clamp(min=0), X.clip(0)),
    (T.masked_fill(T > 0, 7.0), np.where(X > 0, np.float32(7), X)),
    (T.gather(2, sp.tensor([[[0], [1], [2]]])), np.take_along_axis(X[:1], np.int64([[[0], [1], [2]]]), 2)),
    (T.index_select(1, sp.tensor([2, 0])), X[:, [2, 0]]),
    (sp.zeros((2, 3)).scatter(1, sp.tensor([[0], [2]]), 5.0), np.float32([[5, 0, 0], [0, 0, 5]])),
    (sp.zeros(3).scatter_add(0, sp.tensor([1, 1]), sp.ones(2)), np.float32([0, 2, 0])),
    (T.topk(2, dim=1)[1], np.argsort(-X, axis=1)[:, :2].astype("int32")),
    (T.split(2, dim=1)[1], X[:, 2:]),
    (T.split([1, 3], -1)[1], X[..., 1:]),
    (T.chunk(2, dim=-1)[0], X[..., :2]),
    (T.unbind(1)[2], X[:, 2]),
    (T.half(), X.astype("float16")),
    (T.double(), X.astype("float64")),
    (T.int(), X.astype("int32")),
    (T.long(), X.astype("int64")),
    (T.bool(), X != 0),
    (T.to("float16"), X.astype("float16")),
    (T.to(sp.tensor([1])), X.astype("int32")),
    (T.astype(sp.float64), X.astype("float64")),
    (T.type_as(sp.zeros(1, dtype="float16")), X.astype("float16")),
    (T.mul(2).sub(1).div(3).neg(), -(X * 2 - 1) / np.float32(3)),
    (T.eq(T) & T.ge(0).logical_or(T.lt(0)), X == X),
    (T.bmm(T.mT), X @ X.swapaxes(1, 2)),
    (T.relu(), np.maximum(X, 0)),
    (T.clone(), X),
    (sp.tensor([[1 + 2j]]).H, np.complex64([[1 - 2j]])),
    (sp.tensor([1 + 2j]).imag, np.float32([2])),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(SPELLINGS)))
def test_spelling(place):
    ours, theirs = SPELLINGS[place]

    same(ours, theirs)


OTHER_NAMES = (
    "absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh around bitwise_not "
    "conjugate fix invert left_shift mod movedim mv power right_shift rint swapdims true_divide"
).split()


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_libraries_names_are_methods_too(name):
    ours = SYNONYMS.get(name, name)

    assert METHODS[name] is METHODS[ours]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_methods_are_documented(name):
    assert getattr(sp.Tensor, name).__doc__


def test_methods_do_not_hide_what_a_tensor_is():
    assert not set(METHODS) & set(PROPERTIES)
    assert not {"shape", "dtype", "numpy", "item", "size", "ndim"} & {*METHODS, *PROPERTIES}


def test_methods_trace():
    slope = sp.grad(lambda x: x.mul(2).relu().sum(dim=0).T.max())(T)

    assert slope.shape == T.shape
    assert np.count_nonzero(slope.numpy()) == 1
