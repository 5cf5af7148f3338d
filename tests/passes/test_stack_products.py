"""Products summed up by loops become one product, with the same result."""

import numpy as np
import pytest

import slopec as sp
from slopec import ir
from slopec.build import DERIVE, OPTIMIZE
from slopec.passes import parse_pipeline, run_pipeline
from slopec.reference import evaluate
from slopec.transforms.body import block_of

BEFORE = f"{DERIVE},{OPTIMIZE.partition(',stack-products')[0]}"
rng = np.random.default_rng(0)


def rnn(w, u, xs):
    """The input's product in every step."""
    h, _ = sp.scan(lambda h, x: (sp.tanh(h @ w + x @ u), None), sp.zeros((3, 4), "float64"), xs)
    return (h * h).sum()


def ahead(w, u, xs):
    """The input's products before the loop, as recurrent modules have them."""
    h, _ = sp.scan(lambda h, x: (sp.tanh(h @ w + x), None), sp.zeros((3, 4), "float64"), xs @ u)
    return (h * h).sum()


def plain(w, u, xs):
    """No gradient: products of what the loop carries and of its inputs, onto a start."""

    def step(state, x):
        s, h = state
        h = sp.sin(h) + 1
        return (s + x.T @ h, h), None

    (s, _), _ = sp.scan(step, (u @ w, sp.ones((3, 4), "float64")), xs, reverse=True)
    return (s * s).sum()


def sums(w, u, xs):
    """What a product multiplies is summed up besides, over rows or as the one row that it is."""

    def step(state, x):
        s, t, v, h = state
        h = sp.sin(h) + x[:, :4]
        return (s + x.T @ h, t + h.sum(0), v + sp.reshape(h[:1], (4,)), h), None

    start = sp.zeros((5, 4), "float64"), w[0], w[1], sp.ones((3, 4), "float64")
    (s, t, v, _), _ = sp.scan(step, start, xs)
    return (s * s).sum() + (t * t).sum() + (v * v).sum() + u.sum()


def single(w, u, xs):
    """Single rows, whose gradients are products of single rows."""
    step = lambda h, x: (sp.tanh(h @ w + x @ u), None)  # noqa: E731
    h, _ = sp.scan(step, sp.zeros((1, 4), "float64"), xs[:, :1])
    return (h * h).sum()


def deep(w, u, xs):
    """A product that sums over many numbers."""
    s, _ = sp.scan(lambda s, x: (s + x.T @ sp.tanh(x), None), sp.zeros((300, 300), "float64"), xs)
    return s.sum() + (w.sum() + u.sum()) * 0


def inside(module):
    """The products within loops."""
    loops = ir.ops_in(module, "stablehlo.while")
    names = [view.operation.name for loop in loops for view in block_of(loop, 1).operations]
    return names.count("stablehlo.dot_general")


@pytest.mark.parametrize(
    ("function", "before", "after"),
    [
        (sp.grad(rnn, (0, 1)), 5, 3),
        (sp.grad(ahead, (0, 1)), 3, 2),
        (plain, 1, 0),
        (deep, 1, 1),
        (sums, 1, 0),
        (sp.grad(single, (0, 1)), 5, 3),
    ],
)
def test_sums_of_products(function, before, after):
    w, u = rng.standard_normal((4, 4)), rng.standard_normal((5, 4))
    xs = rng.standard_normal((7, 300, 300) if function is deep else (7, 3, 5))
    module = sp.jit(function).lower(w, u, xs)
    (entry, *_) = [ir.symbol_name(op) for op in ir.functions(module)]
    run_pipeline(module, parse_pipeline(BEFORE))
    assert inside(module) == before
    expected = evaluate(module, entry, w, u, xs)
    run_pipeline(module, parse_pipeline("stack-products,canonicalize,cse"))
    assert inside(module) == after
    for got, wanted in zip(evaluate(module, entry, w, u, xs), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_longer_products_can_be_stacked_too():
    xs = rng.standard_normal((3, 300, 300))
    module = sp.jit(deep).lower(np.ones((4, 4)), np.ones((5, 4)), xs)
    run_pipeline(module, parse_pipeline(f"{BEFORE},stack-products{{most=1000}},canonicalize"))
    assert inside(module) == 0
