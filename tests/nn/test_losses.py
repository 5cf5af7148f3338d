"""Losses: values and gradients against formulas in JAX, and against PyTorch's own."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import ShapeError, UsageError
from slopec.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 4, 3)) * 2
P, Q = RNG.uniform(0.05, 0.95, size=(2, 4, 3))
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
SOFT = np.exp(A) / np.exp(A).sum(-1, keepdims=True)
LABELS = np.array([2, 0, 1, 2], np.int32)
WEIGHTS = np.array([0.5, 2.0, 1.5])


def cosine(a, b):
    return (a * b).sum(-1) / jnp.linalg.norm(a, axis=-1) / jnp.linalg.norm(b, axis=-1)


def distance(a, b):
    return jnp.linalg.norm(a - b + 1e-6, axis=-1)


def log_sigmoid(x):
    return jax.nn.log_sigmoid(x)


ELEMENTWISE = {
    "MSELoss": ("mse_loss", {}, (A, B), lambda x, t: (x - t) ** 2),
    "L1Loss": ("l1_loss", {}, (A, B), lambda x, t: jnp.abs(x - t)),
    "HuberLoss": (
        "huber_loss",
        {"delta": 0.7},
        (A, B),
        lambda x, t: jnp.where(abs(x - t) < 0.7, (x - t) ** 2 / 2, 0.7 * (abs(x - t) - 0.35)),
    ),
    "SmoothL1Loss": (
        "smooth_l1_loss",
        {"beta": 0.7},
        (A, B),
        lambda x, t: jnp.where(abs(x - t) < 0.7, (x - t) ** 2 / 1.4, abs(x - t) - 0.35),
    ),
    "BCELoss": (
        "binary_cross_entropy",
        {},
        (P, Q),
        lambda x, t: -t * jnp.log(x) - (1 - t) * jnp.log(1 - x),
    ),
    "BCEWithLogitsLoss": (
        "binary_cross_entropy_with_logits",
        {},
        (A, Q),
        lambda x, t: -t * log_sigmoid(x) - (1 - t) * log_sigmoid(-x),
    ),
    "KLDivLoss": ("kl_div", {}, (A, Q), lambda x, t: t * (jnp.log(t) - x)),
    "KLDivLoss, log": (
        "kl_div",
        {"log_target": True},
        (A, B),
        lambda x, t: jnp.exp(t) * (t - x),
    ),
    "PoissonNLLLoss": ("poisson_nll_loss", {}, (A, 5 * Q), lambda x, t: jnp.exp(x) - t * x),
    "PoissonNLLLoss, full": (
        "poisson_nll_loss",
        {"log_input": False, "full": True},
        (P, 5 * Q),
        lambda x, t: (
            x
            - t * jnp.log(x + 1e-8)
            + jnp.where(t > 1, t * jnp.log(t) - t + 0.5 * jnp.log(2 * math.pi * t), 0)
        ),
    ),
    "GaussianNLLLoss": (
        "gaussian_nll_loss",
        {"full": True},
        (A, B, P),
        lambda x, t, v: 0.5 * (jnp.log(v) + (x - t) ** 2 / v + math.log(2 * math.pi)),
    ),
    "SoftMarginLoss": (
        "soft_margin_loss",
        {},
        (A, np.sign(B)),
        lambda x, t: jnp.log1p(jnp.exp(-t * x)),
    ),
    "HingeEmbeddingLoss": (
        "hinge_embedding_loss",
        {"margin": 1.3},
        (A, np.sign(B)),
        lambda x, t: jnp.where(t > 0, x, jnp.maximum(0, 1.3 - x)),
    ),
    "MarginRankingLoss": (
        "margin_ranking_loss",
        {"margin": 0.3},
        (A, B, np.sign(Q - 0.5)),
        lambda a, b, t: jnp.maximum(0, -t * (a - b) + 0.3),
    ),
    "CosineEmbeddingLoss": (
        "cosine_embedding_loss",
        {"margin": 0.1},
        (A, B, SIGNS),
        lambda a, b, t: jnp.where(t > 0, 1 - cosine(a, b), jnp.maximum(0, cosine(a, b) - 0.1)),
    ),
    "TripletMarginLoss": (
        "triplet_margin_loss",
        {"margin": 0.5},
        (A, B, P),
        lambda a, p, n: jnp.maximum(distance(a, p) - distance(a, n) + 0.5, 0),
    ),
}


def nll(log_p, labels, weights, ignored, smoothing=0.0, dim=1):
    """Each row's loss, and its share of the mean."""
    log_p = jnp.moveaxis(log_p, dim, -1)
    w = jnp.ones(log_p.shape[-1]) if weights is None else weights
    safe = jnp.where(labels == ignored, 0, labels)
    picked = jnp.take_along_axis(log_p * w, safe[..., None], -1)[..., 0]
    spread = (log_p * w).mean(-1)
    rows = -(1 - smoothing) * picked - smoothing * spread
    counted = labels != ignored
    return jnp.where(counted, rows, 0), counted * w[safe]


IMAGE = RNG.normal(size=(2, 3, 2, 2)) * 3
PIXELS = RNG.integers(0, 3, (2, 2, 2)).astype(np.int32)
PIXELS[0, 0, 1] = -100

LABELLED = {
    "plain": (3 * A, LABELS, {}),
    "weighted": (A, LABELS, {"weight": WEIGHTS}),
    "ignored": (A, np.array([2, 7, 1, 7], np.int32), {"ignore_index": 7}),
    "smoothed": (A, LABELS, {"label_smoothing": 0.2}),
    "everything": (
        IMAGE,
        PIXELS,
        {"weight": WEIGHTS, "label_smoothing": 0.1},
    ),
    "one row": (A[0], np.int32(1), {}),
    "large": (1e4 * A, LABELS, {}),
}
MODULES = [
    "CTCLoss",
    "CrossEntropyLoss",
    "NLLLoss",
    *{name.split(",")[0]: None for name in ELEMENTWISE},
]


def reduced(values, reduction, weights=None):
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "sum":
        return total
    return total / (values.size if weights is None else weights.sum())


def compare(function, reference, arguments):
    """Values and gradients in every floating argument."""
    floating = [i for i, x in enumerate(arguments) if x.dtype.kind == "f"]
    values = [arguments[i] for i in floating]

    def filled(given, wrap):
        full = [wrap(x) for x in arguments]
        for i, x in zip(floating, given, strict=True):
            full[i] = x
        return full

    value, pullback = sp.vjp(lambda *xs: function(*filled(xs, sp.tensor)), *map(sp.tensor, values))
    seed = np.cos(1 + np.arange(value.size)).reshape(value.shape)
    slopes = pullback(sp.tensor(seed))
    expected, jax_pullback = jax.vjp(lambda *xs: reference(*filled(xs, jnp.asarray)), *values)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-7, atol=1e-12)
    for ours, theirs in zip(slopes, jax_pullback(jnp.asarray(seed)), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, reduction):
    function, options, arguments, reference = ELEMENTWISE[name]
    compare(
        lambda *xs: getattr(F, function)(*xs, reduction=reduction, **options),
        lambda *xs: reduced(reference(*xs), reduction),
        arguments,
    )
    module = getattr(nn, name.split(",")[0])(reduction=reduction, **options)
    given = [sp.tensor(x) for x in arguments]
    expected = getattr(F, function)(*given, reduction=reduction, **options)
    np.testing.assert_array_equal(module(*given).numpy(), expected.numpy())


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", LABELLED)
def test_cross_entropy_of_labels(name, reduction):
    x, labels, options = LABELLED[name]
    weight = options.get("weight")
    dim = 1 if x.ndim > 1 else 0

    def reference(x, labels):
        log_p = jax.nn.log_softmax(x, axis=dim)
        ignored, smoothing = options.get("ignore_index", -100), options.get("label_smoothing", 0.0)
        rows, shares = nll(log_p, labels, weight, ignored, smoothing, dim)
        return reduced(rows, reduction, shares)

    given = {**options, **({} if weight is None else {"weight": sp.tensor(weight)})}
    compare(
        lambda x, t: F.cross_entropy(x, t, reduction=reduction, **given), reference, (x, labels)
    )
    module = nn.CrossEntropyLoss(reduction=reduction, **given)
    ours = F.cross_entropy(sp.tensor(x), sp.tensor(labels), reduction=reduction, **given)
    np.testing.assert_array_equal(module(sp.tensor(x), sp.tensor(labels)).numpy(), ours.numpy())


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_nll(weight, reduction):
    def reference(x, labels):
        rows, shares = nll(x, labels, weight, -100)
        return reduced(rows, reduction, shares)

    given = None if weight is None else sp.tensor(weight)
    compare(lambda x, t: F.nll_loss(x, t, given, reduction=reduction), reference, (IMAGE, PIXELS))
    module = nn.NLLLoss(given, reduction=reduction)
    ours = F.nll_loss(sp.tensor(A), sp.tensor(LABELS), given, reduction=reduction)
    np.testing.assert_array_equal(module(sp.tensor(A), sp.tensor(LABELS)).numpy(), ours.numpy())


@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_of_probabilities(weight, smoothing):
    def reference(x, target):
        target = target * (1 - smoothing) + smoothing / 3
        w = 1.0 if weight is None else weight
        return -(target * w * jax.nn.log_softmax(x, axis=1)).sum(1).mean()

    given = None if weight is None else sp.tensor(weight)
    compare(
        lambda x, t: F.cross_entropy(x, t, given, label_smoothing=smoothing),
        reference,
        (B, SOFT),
    )


def test_other_class_dimensions():
    x, labels = IMAGE.transpose(0, 2, 3, 1).copy(), PIXELS
    last = F.cross_entropy(sp.tensor(x), sp.tensor(labels), dim=-1).item()
    first = F.cross_entropy(sp.tensor(IMAGE), sp.tensor(labels)).item()
    assert last == pytest.approx(first, rel=1e-12)


def test_infinite_logits_of_other_classes():
    x = sp.tensor([[0.0, -np.inf, 1.0]])
    value, slope = sp.value_and_grad(F.cross_entropy)(x, sp.tensor([0]))
    assert value.item() == pytest.approx(math.log(1 + math.e))
    assert np.isfinite(slope.numpy()).all()


def test_the_gradient_has_neither_gather_nor_scatter():
    lowered = sp.jit(sp.grad(F.cross_entropy)).lower(sp.ones((4, 3)), sp.tensor(LABELS))
    from slopec.transforms.derive import derive

    derive(lowered)
    text = str(lowered)
    assert "stablehlo.gather" not in text
    assert "stablehlo.scatter" not in text


def test_contrastive_pairs():
    def reference(a, b):
        a, b = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        logits = a @ b.T / 0.5
        rows = jnp.arange(4)
        forth = jax.nn.log_softmax(logits, axis=1)[rows, rows].mean()
        return -0.5 * (forth + jax.nn.log_softmax(logits, axis=0)[rows, rows].mean())

    compare(lambda a, b: F.info_nce(a, b, 0.5), reference, (A, B))


def test_similarities():
    compare(lambda a, b: F.cosine_similarity(a, b, dim=-1), cosine, (A, B))
    compare(F.pairwise_distance, distance, (A, B))
    compare(
        lambda a: F.normalize(a, p=3.0, dim=0),
        lambda a: a / (jnp.abs(a) ** 3).sum(0, keepdims=True) ** (1 / 3),
        (A,),
    )


def test_accuracy():
    assert F.accuracy(sp.tensor(A), sp.tensor(LABELS)).item() == (A.argmax(1) == LABELS).mean()


def test_f1_and_confusion():
    draw = np.random.default_rng(5)
    target, said = (draw.integers(0, 4, 50).astype(np.int32) for _ in range(2))
    table = np.zeros((5, 5), np.int32)
    np.add.at(table, (target, said), 1)
    right, said_or_so = table.diagonal(), table.sum(0) + table.sum(1)
    scores = np.divide(2 * right, said_or_so, out=np.zeros(5), where=said_or_so > 0)

    ours = F.confusion_matrix(sp.tensor(said), sp.tensor(target), 5)
    np.testing.assert_array_equal(ours.numpy(), table)
    for average, wanted in (
        ("none", scores),
        ("macro", scores.mean()),
        ("micro", (target == said).mean()),
    ):
        found = F.f1_score(sp.tensor(said), sp.tensor(target), 5, average=average)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6)
    with pytest.raises(UsageError, match="'weighted'"):
        F.f1_score(sp.tensor(said), sp.tensor(target), 5, average="weighted")
    with pytest.raises(ShapeError, match=r"\(50,\)"):
        F.confusion_matrix(sp.tensor(said), sp.tensor(target[:1]), 5)


def test_dice():
    x, t = (np.random.default_rng(i).uniform(0, 1, (3, 8)).astype(np.float32) for i in (0, 1))

    def in_jax(x):
        return ((2 * (x * t).sum(1) + 1e-8) / (x.sum(1) + t.sum(1) + 1e-8)).sum()

    value, slope = sp.value_and_grad(lambda x: F.dice(x, sp.tensor(t), axis=1).sum())(sp.tensor(x))
    wanted, theirs = jax.value_and_grad(in_jax)(jnp.asarray(x))
    np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-6)
    np.testing.assert_allclose(slope.numpy(), theirs, rtol=1e-5)
    assert F.dice(sp.zeros(3), sp.zeros(3)).item() == 1.0


REFUSED = [
    (lambda: F.mse_loss(sp.ones(3), sp.ones((3, 1))), ShapeError, "do not broadcast"),
    (lambda: F.mse_loss(sp.ones(3), sp.ones(3), reduction="avg"), UsageError, "'avg'"),
    (
        lambda: F.cross_entropy(sp.ones((2, 4, 3)), sp.zeros((2, 4), dtype="int32")),
        ShapeError,
        "say `dim=-1`",
    ),
    (
        lambda: F.cross_entropy(sp.ones((2, 3)), sp.zeros((2, 1), dtype="int32")),
        ShapeError,
        "expected integers of shape [2]",
    ),
    (lambda: F.cross_entropy(sp.ones((2, 3)), sp.ones((2, 4))), ShapeError, "(2, 4)"),
    (
        lambda: F.cross_entropy(sp.ones((2, 3)), sp.zeros(2, dtype="int32"), sp.ones(4)),
        ShapeError,
        "3 classes",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_refusals(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", LABELLED)
def test_labels_against_torch(name, reduction):
    torch = pytest.importorskip("torch")
    x, labels, options = LABELLED[name]
    wrapped = {k: torch.tensor(v) if k == "weight" else v for k, v in options.items()}
    given = {k: sp.tensor(v) if k == "weight" else v for k, v in options.items()}
    logits = torch.tensor(x, requires_grad=True)
    target = torch.tensor(labels, dtype=torch.int64)
    theirs = torch.nn.functional.cross_entropy(logits, target, reduction=reduction, **wrapped)
    theirs.sum().backward()

    value, slope = sp.value_and_grad(
        lambda x: (F.cross_entropy(x, sp.tensor(labels), reduction=reduction, **given)).sum()
    )(sp.tensor(x))

    assert value.item() == pytest.approx(theirs.sum().item(), rel=1e-9)
    np.testing.assert_allclose(slope.numpy(), logits.grad.numpy(), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_against_torch(name, reduction):
    torch = pytest.importorskip("torch")
    function, options, arguments, _ = ELEMENTWISE[name]
    theirs = getattr(torch.nn, name.split(",")[0])(reduction=reduction, **options)
    xs = [torch.tensor(x, requires_grad=i == 0) for i, x in enumerate(arguments)]
    value = theirs(*xs)
    value.sum().backward()

    def loss(x):
        rest = [sp.tensor(a) for a in arguments[1:]]
        return getattr(F, function)(x, *rest, reduction=reduction, **options).sum()

    ours, slope = sp.value_and_grad(loss)(sp.tensor(arguments[0]))
    assert ours.item() == pytest.approx(value.sum().item(), rel=1e-7)
    np.testing.assert_allclose(slope.numpy(), xs[0].grad.numpy(), rtol=1e-7, atol=1e-9)
