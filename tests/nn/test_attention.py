"""Attention: masks, groups, causality and rotations, by definition and against PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec import nn
from slopec.diagnostics import DTypeError, ShapeError, UsageError
from slopec.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
Q, K, V = (
    RNG.normal(size=(2, 4, 5, 6)),
    RNG.normal(size=(2, 4, 7, 6)),
    RNG.normal(size=(2, 4, 7, 3)),
)
SEEN = RNG.random((5, 7)) < 0.6
SEEN[:, 0] = True
ADDED = RNG.normal(size=(2, 1, 5, 7))

CASES = {
    "plain": {},
    "bool": {"attn_mask": SEEN},
    "added": {"attn_mask": ADDED},
    "causal": {"is_causal": True},
    "scale": {"scale": 0.1},
}


def reference(q, k, v, attn_mask=None, is_causal=False, scale=None):
    scores = q @ jnp.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        scores = jnp.where(jnp.tri(q.shape[-2], k.shape[-2], dtype=bool), scores, -jnp.inf)
    if attn_mask is not None:
        boolean = attn_mask.dtype == bool
        scores = jnp.where(attn_mask, scores, -jnp.inf) if boolean else scores + attn_mask
    return jax.nn.softmax(scores, axis=-1) @ v


def given(options):
    return {k: sp.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name):
    def ours(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, **given(CASES[name]))

    value, pullback = sp.vjp(ours, *map(sp.tensor, (Q, K, V)))
    expected, jax_pullback = jax.vjp(lambda *x: reference(*x, **CASES[name]), Q, K, V)
    seed = RNG.normal(size=value.shape)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-10)
    for ours_, theirs in zip(pullback(sp.tensor(seed)), jax_pullback(seed), strict=True):
        np.testing.assert_allclose(ours_.numpy(), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mask", [None, "shared", "per head"])
def test_groups_are_repeated_heads(mask):
    k, v = K[:, :2], V[:, :2]
    attn_mask = {
        None: None,
        "shared": sp.tensor(ADDED),
        "per head": sp.tensor(RNG.normal(size=(2, 4, 5, 7))),
    }[mask]
    grouped = F.scaled_dot_product_attention(*map(sp.tensor, (Q, k, v)), attn_mask, enable_gqa=True)
    repeated = F.scaled_dot_product_attention(
        *map(sp.tensor, (Q, np.repeat(k, 2, 1), np.repeat(v, 2, 1))), attn_mask
    )
    np.testing.assert_allclose(grouped.numpy(), repeated.numpy(), rtol=1e-12)


def test_a_query_that_sees_nothing_gives_zeros():
    seen = np.array([[True, False], [False, False]])
    x = sp.ones((2, 3))

    def loss(x):
        return F.scaled_dot_product_attention(x, x, x, sp.tensor(seen)).sum()

    y = F.scaled_dot_product_attention(x, x, x, sp.tensor(seen))
    np.testing.assert_array_equal(y.numpy(), [[1, 1, 1], [0, 0, 0]])
    assert np.isfinite(sp.grad(loss)(x).numpy()).all()


def test_dropout_of_weights():
    x = sp.tensor(Q, dtype="float32")
    y, again = (
        F.scaled_dot_product_attention(x, x, x, dropout_p=0.5, dropout_key=sp.random.key(0))
        for _ in range(2)
    )
    np.testing.assert_array_equal(y.numpy(), again.numpy())
    assert (y.numpy() != F.scaled_dot_product_attention(x, x, x).numpy()).any()


REFUSED = [
    (lambda: F.scaled_dot_product_attention(*map(sp.tensor, (Q, V, V))), ShapeError, "expected"),
    (
        lambda: F.scaled_dot_product_attention(
            *map(sp.tensor, (Q, K, V)), sp.zeros((5, 7), dtype="int32")
        ),
        DTypeError,
        "a mask of int32",
    ),
    (
        lambda: F.scaled_dot_product_attention(
            *map(sp.tensor, (Q, K[:, :3], V[:, :3])), enable_gqa=True
        ),
        ShapeError,
        "4 heads of queries for 3",
    ),
    (lambda: nn.MultiheadAttention(8, 3), UsageError, "do not divide 8"),
    (lambda: F.rotary_embedding(sp.ones((4, 3))), ShapeError, "even D"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_refusals(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotations_depend_on_distances_alone(interleaved):
    q, k = (sp.tensor(RNG.normal(size=(1, 8))) for _ in range(2))

    def product(i, j):
        places = [sp.tensor([i]), sp.tensor([j])]
        turned = [
            F.rotary_embedding(x, at, 100.0, interleaved)
            for x, at in zip((q, k), places, strict=True)
        ]
        return (turned[0] * turned[1]).sum().item()

    assert product(3, 1) == pytest.approx(product(12, 10), rel=1e-6)
    assert product(3, 1) != pytest.approx(product(3, 2), rel=1e-3)
    rows = F.rotary_embedding(sp.tensor(RNG.normal(size=(5, 8))), None, 100.0, interleaved)
    assert rows.shape == (5, 8)


def test_rotations_turn_pairs():
    x = RNG.normal(size=(5, 8))
    angles = np.arange(5)[:, None] * 100.0 ** (-np.arange(4) / 4)
    turned = (x[:, :4] + 1j * x[:, 4:]) * np.exp(1j * angles)
    expected = np.concatenate([turned.real, turned.imag], -1)
    np.testing.assert_allclose(
        F.rotary_embedding(sp.tensor(x), base=100.0).numpy(), expected, rtol=1e-5, atol=1e-6
    )


def test_sinusoids():
    y = nn.SinusoidalEmbedding(6)(sp.arange(4)).numpy()
    angles = np.arange(4)[:, None] * 10000.0 ** (-np.arange(3) / 3)
    np.testing.assert_allclose(y, np.concatenate([np.sin(angles), np.cos(angles)], -1), atol=1e-6)


HEADS = [
    {},
    {"batch_first": True},
    {"key_padding_mask": np.arange(7) > np.array([[4], [6]])},
    {"key_padding_mask": np.arange(7) > np.array([[4], [6]]), "attn_mask": ~SEEN},
    {"key_padding_mask": np.arange(7) > np.array([[4], [6]]), "attn_mask": ADDED[0, 0]},
    {"attn_mask": RNG.normal(size=(4, 5, 7)), "average_attn_weights": False},
]


@pytest.mark.parametrize("options", HEADS)
def test_multihead_attention_against_torch(options):
    torch = pytest.importorskip("torch")
    options = dict(options)
    first = options.pop("batch_first", False)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=first).double()
    ours = nn.MultiheadAttention(8, 2, batch_first=first, dtype="float64")
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    shapes = [(2, 5, 8), (2, 7, 8), (2, 7, 8)]
    inputs = [RNG.normal(size=s if first else (s[1], s[0], s[2])) for s in shapes]
    y, weights = ours(*map(sp.tensor, inputs), **given(options))
    wrapped = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    expected, expected_weights = theirs(*map(torch.tensor, inputs), **wrapped)
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        weights.numpy(), expected_weights.detach().numpy(), rtol=1e-9, atol=1e-12
    )


def test_attention_without_a_batch():
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = sp.tensor(RNG.normal(size=(1, 5, 8)), dtype="float32")
    y, weights = attention(x, x, x)
    alone, own = attention(x[0], x[0], x[0])
    np.testing.assert_allclose(alone.numpy(), y[0].numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(own.numpy(), weights[0].numpy(), rtol=1e-5, atol=1e-6)


def test_stacks_copy_their_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    stack = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))
    x = sp.tensor(RNG.normal(size=(2, 5, 8)), dtype="float32")
    np.testing.assert_allclose(
        stack(x).numpy(), stack.norm(layer(layer(x))).numpy(), rtol=1e-5, atol=1e-6
    )
    sp.optim.sgd(0.1).init(stack)  # no tensor is two parameters
    names = {name for name, _ in stack.named_parameters()}
    assert "layers.1.self_attn.in_proj_weight" in names
