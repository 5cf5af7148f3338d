"""Arguments at the edge of what they may be: PyTorch's answer, or an error that says so."""

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import SlopecError
from slopec.nn import functional as F  # noqa: N812

REFUSED = {
    "softmax of images": lambda: F.softmax(sp.ones((2, 3, 4))),
    "log_softmax of images": lambda: nn.LogSoftmax()(sp.ones((2, 3, 4, 5))),
    "celu": lambda: F.celu(sp.ones(2), 0.0),
    "softshrink": lambda: F.softshrink(sp.ones(2), -1.0),
    "huber": lambda: F.huber_loss(sp.ones(2), sp.ones(2), 0.0),
    "smooth l1": lambda: F.smooth_l1_loss(sp.ones(2), sp.ones(2), -1.0),
    "label smoothing": lambda: F.cross_entropy(
        sp.ones((2, 3)), sp.tensor([0, 1]), label_smoothing=2.0
    ),
    "triplets": lambda: F.triplet_margin_loss(*[sp.ones((2, 3))] * 3, margin=0.0),
    "margins": lambda: F.multi_margin_loss(sp.ones((2, 3)), sp.tensor([0, 1]), p=3),
    "a window larger than its input": lambda: sp.conv2d(
        sp.ones((1, 2, 4, 9)), sp.ones((1, 2, 5, 5))
    ),
    "negative padding": lambda: sp.conv1d(sp.ones((1, 1, 9)), sp.ones((1, 1, 3)), padding=-1),
    "output padding": lambda: sp.conv_transpose1d(
        sp.ones((1, 1, 5)), sp.ones((1, 1, 3)), stride=2, output_padding=2
    ),
    "no divisor": lambda: sp.avg_pool2d(sp.ones((1, 1, 4, 4)), 2, divisor_override=0),
    "one value of each channel": lambda: nn.BatchNorm1d(3)(sp.ones((1, 3))),
    "one value of each instance": lambda: nn.InstanceNorm1d(3)(sp.ones((2, 3, 1))),
    "bags without offsets": lambda: nn.EmbeddingBag(5, 3)(sp.tensor([1, 2])),
    "weighted means of bags": lambda: nn.EmbeddingBag(5, 3)(
        sp.tensor([[1, 2]]), None, sp.ones((1, 2))
    ),
    "no layers": lambda: nn.LSTM(3, 4, 0),
    "no such recurrence": lambda: nn.RNN(3, 4, nonlinearity="sigmoid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_pytorch_refuses_is_refused(name):
    with pytest.raises(SlopecError, match=r"error\[S01"):
        REFUSED[name]()


def slope(loss, *arrays):
    return [np.asarray(s) for s in sp.grad(loss, argnums=tuple(range(len(arrays))))(*arrays)]


def test_certain_probabilities_have_a_finite_slope():
    x, target = np.array([0.0, 1.0, 1.0, 0.25], "f4"), np.array([0.0, 1.0, 0.0, 1.0], "f4")

    value = F.binary_cross_entropy(sp.tensor(x), sp.tensor(target), reduction="none")
    (found,) = slope(lambda x: F.binary_cross_entropy(x, target, reduction="sum"), x)

    np.testing.assert_allclose(value, [0, 0, 100, np.log(4)], rtol=1e-6)
    np.testing.assert_allclose(found, [0, 0, 1e12, -4], rtol=1e-6)


def test_margins_that_are_just_met_push():
    x, target = np.array([1.0, 2.0], "f4"), np.array([1.0, -1.0], "f4")

    first, second = slope(lambda a, b: F.margin_ranking_loss(a, b, target, reduction="sum"), x, x)

    assert (first.tolist(), second.tolist()) == ([-1, 1], [1, -1])


@pytest.mark.parametrize("target", [0.0, 2.0])
def test_hinges_of_other_targets(target):
    values = F.hinge_embedding_loss(sp.tensor([0.25]), sp.tensor([target]), reduction="none")

    assert values.tolist() == [1.0]  # 0.25 + (1 - 0.25)


def test_instances_without_a_batch():
    norm, x = nn.InstanceNorm2d(3, affine=True), np.random.default_rng(0).normal(size=(3, 4, 5))
    x = sp.tensor(x.astype("f4"))

    assert np.array_equal(norm(x), norm(x[None])[0])


def test_windows_of_one_image():
    image = sp.tensor(np.random.default_rng(0).normal(size=(2, 5, 6)).astype("f4"))
    columns = sp.unfold(image, (2, 3), stride=(1, 2))

    assert np.array_equal(columns, sp.unfold(image[None], (2, 3), stride=(1, 2))[0])
    together = sp.fold(columns, (5, 6), (2, 3), stride=(1, 2))
    assert np.array_equal(together, sp.fold(columns[None], (5, 6), (2, 3), stride=(1, 2))[0])


def test_lazy_instance_norms_are_affine_and_tracked():
    norm = nn.LazyInstanceNorm2d(momentum=0.5)
    norm(sp.ones((2, 3, 4, 4)))

    assert set(norm.state_dict()) == {
        *("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    }
    assert norm.momentum == 0.5
    assert nn.LazyInstanceNorm1d(affine=False)(sp.ones((2, 3, 4))).shape == (2, 3, 4)
