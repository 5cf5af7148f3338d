"""What is saved for the backward half: the cheapest cut, reports of it, and never more than JAX."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax._src.ad_checkpoint import saved_residuals as saved_by_jax

import slopec as sp
from slopec import hlo
from slopec.diagnostics import TransformError
from slopec.transforms.mincut import Network

# --- the cut ---------------------------------------------------------------------------------

EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 7)), max_size=14)


def crossing(edges, side):
    return sum(capacity for tail, head, capacity in edges if tail not in side and head in side)


@settings(max_examples=200, deadline=None)
@given(EDGES)
def test_no_cut_is_cheaper(edges):
    network = Network()
    for _ in range(6):
        network.node()
    for edge in edges:
        network.edge(*edge)
    side = network.sink_side(0, 5)

    every = [{5, *chosen} for n in range(5) for chosen in itertools.combinations(range(1, 5), n)]
    cheapest = min(crossing(edges, other) for other in every)
    assert 0 not in side
    assert crossing(edges, side) == cheapest
    smallest = min(len(other) for other in every if crossing(edges, other) == cheapest)
    assert len(side) == smallest  # the nearest to the sink


# --- the report ------------------------------------------------------------------------------

W = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
X = np.random.default_rng(1).normal(size=(16, 8)).astype(np.float32)
BIG = 16 * 8 * 4


def whys(report):
    return sorted(row.why for row in report.rows)


def test_the_report_says_what_why_and_where():
    outside = sp.tensor(X)

    def f(p, x, n):
        h = sp.tanh(x @ p["w"])
        return h * n * outside * hlo.constant(X)

    report = sp.saved_residuals(f, {"w": sp.tensor(W)}, sp.tensor(X), 3.0)

    assert whys(report) == [
        "argument n",
        "argument p.w",
        "argument x",
        "constant",
        "result of tanh",
        "used from outside",
    ]
    (row,) = [row for row in report.rows if row.kind == "computed"]
    assert (row.shape, row.dtype, row.bytes) == ((16, 8), np.float32, BIG)
    assert row.type == "float32[16, 8]"
    assert report.bytes == BIG
    text = str(report)
    assert 'sp.tanh(x @ p["w"])' in text
    assert f"test_residuals.py:{row.span.line}" in text
    assert "keeps 512 B" in text
    assert "without checkpointing" not in text
    assert report.bytes_saved == report.extra_flops == 0


@pytest.mark.parametrize(
    ("function", "kept"),
    {
        "nothing": (lambda w, x: x @ w, 0),
        "linear": (lambda w, x: (x * 3.0).sum(), 0),
        "booleans, not numbers": (lambda w, x: sp.where(x @ w > 0, 2.0 * x, x), BIG // 4),
        "what was broadcast": (
            lambda w, x: sp.exp(sp.broadcast_to(x[:1] @ w, (16, 8))) * x,
            BIG // 16,
        ),
        "not what only the adjoint needs": (lambda w, x: sp.tanh(x @ w), BIG),
        "function of an argument": (lambda w, x: sp.sin(x), 0),
        "no tensors": (lambda w, x: sp.zeros(()), 0),
    }.values(),
)
def test_what_is_kept(function, kept):
    report = sp.saved_residuals(function, sp.tensor(W), sp.tensor(X))

    assert report.bytes == kept, str(report)


def test_stacks_of_loops_are_told_apart():
    def rnn(w, xs, checkpoint=None):
        return sp.scan(lambda h, x: (sp.tanh(h @ w + x), h), xs[0], xs, checkpoint=checkpoint)

    plain = sp.saved_residuals(rnn, sp.tensor(W), sp.zeros((100, 8)))
    assert {row.kind for row in plain.rows} == {"stacked", "argument"}
    assert plain.bytes == 2 * 100 * 8 * 4

    segments = sp.saved_residuals(lambda *a: rnn(*a, "sqrt"), sp.tensor(W), sp.zeros((100, 8)))
    assert segments.bytes == 10 * 8 * 4
    assert segments.plain.bytes == plain.bytes
    assert segments.bytes_saved == 90 * 8 * 4 + 100 * 8 * 4
    assert 0.2 * plain.flops < segments.extra_flops < 0.5 * plain.flops


def test_what_is_the_same_in_every_iteration_is_kept_once():
    def f(w, xs):
        step = lambda h, x: (sp.tanh(h @ sp.tanh(w @ w) + x), None)  # noqa: E731
        return sp.scan(step, xs[0], xs)[0].sum()

    report = sp.saved_residuals(f, sp.tensor(W), sp.zeros((100, 8)))

    assert report.bytes == W.nbytes + 2 * 100 * 8 * 4, str(report)


def block(w, x):
    h = sp.checkpoint_name(sp.tanh(x @ w), "h")
    y = sp.exp(sp.sin(h @ w)) * sp.sqrt(1.0 + h * h)
    return y @ w


POLICIES = sp.checkpoint_policies
TRADES = {
    # policy: values kept, of the size of x, and whether contractions run again
    "nothing_saveable": (0, True),
    "dots_saveable": (2, False),
    POLICIES.save_only_these_names("h"): (1, True),
    "auto": (2, False),
}


@pytest.mark.parametrize("policy", TRADES)
def test_the_trade_of_a_policy(policy):
    values, again = TRADES[policy]
    report = sp.saved_residuals(sp.checkpoint(block, policy=policy), sp.tensor(W), sp.tensor(X))

    assert report.bytes == values * BIG, str(report)
    assert report.bytes_saved == report.plain.bytes - values * BIG > 0
    product = 2 * X.size * 8
    assert (report.extra_flops >= product) == again
    assert "without checkpointing" in str(report)


def test_only_functions_have_reports():
    with pytest.raises(TransformError, match="S0207"):
        sp.saved_residuals(sp.tensor(1.0))


# --- beside JAX ------------------------------------------------------------------------------


def pool(x):
    """A maximum pool of JAX."""
    size = (1, 1, 2, 2)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, size, size, "VALID")


def programs(m, nn, scan, pool):
    """Losses of (w, x) under slopec's names or JAX's."""

    def norm(x):
        centred = x - m.mean(x, -1, keepdims=True)
        return centred / m.sqrt(m.mean(centred * centred, -1, keepdims=True) + 1e-5)

    def attention(w, x):
        q, k, v = (x @ w * s for s in (1.0, 2.0, 3.0))
        return nn.softmax(q @ k.T, -1) @ v

    def lstm(w, xs):
        def step(state, x):
            h, c = state
            gates = h @ w
            c = nn.sigmoid(gates + x) * c + m.tanh(gates * x)
            h = nn.sigmoid(gates) * m.tanh(c)
            return (h, c), h

        return scan(step, (xs[0], xs[1]), xs)[1] ** 2

    return {
        "relu": lambda w, x: nn.relu(nn.relu(x @ w) @ w),
        "gelu": lambda w, x: nn.gelu(x @ w),
        "silu": lambda w, x: nn.silu(x @ w),
        "softmax": lambda w, x: nn.softmax(x @ w, -1) * x,
        "log_softmax": lambda w, x: nn.log_softmax(x @ w, -1) * x,
        "norm": lambda w, x: norm(x @ w) ** 2,
        "attention": attention,
        "residual": lambda w, x: x + m.tanh(norm(x) @ w),
        "bias": lambda w, x: m.tanh(x @ w + w[0]),
        "maximum": lambda w, x: m.max(x @ w, axis=-1),
        "product": lambda w, x: m.prod(x @ w, axis=-1),
        "half precision": lambda w, x: m.tanh((x @ w).astype(m.bfloat16)).astype(m.float32),
        "clip": lambda w, x: m.clip(x @ w, -1, 1),
        "power": lambda w, x: (x @ w) ** 3,
        "division": lambda w, x: x / (1.0 + (x @ w) ** 2),
        "where": lambda w, x: m.where(x @ w > 0, m.sin(x), x @ w),
        "pool": lambda w, x: pool(nn.relu(x @ w).reshape(1, 1, 16, 8)) ** 2,
        "lstm": lstm,
    }


def bytes_of_jax(function, *arguments):
    """What `jax.vjp` saves besides arguments and constants."""
    return sum(
        int(np.prod(aval.shape)) * aval.dtype.itemsize
        for aval, why in saved_by_jax(function, *arguments)
        if "argument" not in why and "constant" not in why and "literal" not in why
    )


OURS = programs(sp, sp.nn.functional, sp.scan, lambda x: sp.nn.functional.max_pool2d(x, 2))
THEIRS = programs(jnp, jax.nn, jax.lax.scan, pool)


@pytest.mark.parametrize("name", OURS)
def test_no_more_is_kept_than_jax_keeps(name):
    loss = lambda w, x: OURS[name](w, x).sum()  # noqa: E731
    expected = bytes_of_jax(lambda w, x: THEIRS[name](w, x).sum(), W, X)
    plain, auto = (
        sp.saved_residuals(f, sp.tensor(W), sp.tensor(X))
        for f in (loss, sp.checkpoint(loss, policy="auto"))
    )

    assert auto.bytes <= min(expected, plain.bytes), str(auto)
    # Products are ops like others here: x·x and x are both there when x·x·x is differentiated.
    assert plain.bytes <= expected + (BIG if name == "power" else 0), str(plain)
