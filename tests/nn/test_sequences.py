"""Connectionist temporal classification against the sum over all alignments, and PyTorch's."""

import itertools
import math

import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import ShapeError
from slopec.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 4, 3))
TARGETS = np.array([[1, 2], [1, 1], [2, 0], [2, 1]], np.int32)
TIMES, LENGTHS = np.array([5, 4, 5, 2], np.int32), np.array([2, 2, 1, 2], np.int32)


def spelled(path, blank):
    return [key for key, _ in itertools.groupby(path) if key != blank]


def by_enumeration(log_probs, blank=0):
    values = []
    for n, (time, length) in enumerate(zip(TIMES, LENGTHS, strict=True)):
        wanted = [int(label) for label in TARGETS[n, :length]]
        total = sum(
            math.exp(sum(log_probs[t, n, c] for t, c in enumerate(path)))
            for path in itertools.product(range(3), repeat=int(time))
            if spelled(path, blank) == wanted
        )
        values.append(-math.log(total))
    return np.array(values)


def ours(x, reduction="none"):
    given = (sp.tensor(a) for a in (TARGETS, TIMES, LENGTHS))
    return F.ctc_loss(F.log_softmax(x, -1), *given, reduction=reduction)


def test_every_alignment_counts():
    log_probs = F.log_softmax(sp.tensor(LOGITS), -1).numpy()
    expected = by_enumeration(log_probs)

    np.testing.assert_allclose(ours(sp.tensor(LOGITS)).numpy(), expected, rtol=1e-9)
    mean = (expected / LENGTHS).mean()
    assert ours(sp.tensor(LOGITS), "mean").item() == pytest.approx(mean, rel=1e-9)
    module = nn.CTCLoss(reduction="sum")
    given = (sp.tensor(a) for a in (log_probs, TARGETS, TIMES, LENGTHS))
    assert module(*given).item() == pytest.approx(expected.sum(), rel=1e-9)


def test_targets_one_after_the_other():
    x = sp.tensor(LOGITS)
    expected = ours(x).numpy()
    joined = sp.tensor(np.concatenate([row[:n] for row, n in zip(TARGETS, LENGTHS, strict=True)]))
    log_probs = F.log_softmax(x, -1)

    for lengths in (sp.tensor(LENGTHS), [int(n) for n in LENGTHS]):
        found = F.ctc_loss(log_probs, joined, sp.tensor(TIMES), lengths, reduction="none")
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    one = F.ctc_loss(log_probs[:, 1], sp.tensor(TARGETS[1]), TIMES[1], LENGTHS[1], reduction="sum")
    assert one.item() == pytest.approx(expected[1], rel=1e-12)


def test_the_gradient_against_differences():
    slope = sp.grad(lambda x: ours(x, "sum"))(sp.tensor(LOGITS)).numpy()
    direction = RNG.normal(size=LOGITS.shape)
    values = [
        by_enumeration(F.log_softmax(sp.tensor(LOGITS + h * direction), -1).numpy()).sum()
        for h in (1e-5, -1e-5)
    ]
    assert (slope * direction).sum() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_impossible_targets():
    x = F.log_softmax(sp.tensor(LOGITS[:2, :1]), -1)
    given = (sp.tensor([[1, 1]]), sp.tensor([2]), sp.tensor([2]))
    assert F.ctc_loss(x, *given).item() == math.inf
    assert F.ctc_loss(x, *given, zero_infinity=True).item() == 0.0


def test_against_torch():
    torch = pytest.importorskip("torch")
    x = torch.tensor(LOGITS, requires_grad=True)
    given = (torch.tensor(a.astype(np.int64)) for a in (TARGETS, TIMES, LENGTHS))
    theirs = torch.nn.functional.ctc_loss(x.log_softmax(-1), *given)
    theirs.backward()

    value, slope = sp.value_and_grad(lambda x: ours(x, "mean"))(sp.tensor(LOGITS))

    assert value.item() == pytest.approx(theirs.item(), rel=1e-9)
    np.testing.assert_allclose(slope.numpy(), x.grad.numpy(), rtol=1e-7, atol=1e-10)


def test_refusals():
    with pytest.raises(ShapeError, match=r"expected \(T, N, C\) and \(N, S\)"):
        F.ctc_loss(sp.ones((5, 3)), sp.tensor([[1]]), sp.tensor([5]), sp.tensor([1]))
