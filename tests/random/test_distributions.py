"""Distributions draw the numbers of `jax.random`, and move with their parameters as JAX's do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import slopec as sp
from slopec import random
from slopec.diagnostics import DTypeError, ShapeError, UsageError

KEY, THEIRS = random.key(5), jax.random.key(5)
# float16 rounds every step, which moves a number of a thin tail by many of their ulp.
CLOSE = {"float16": 1e-2, "float32": 2e-5, "float64": 1e-12}
PARAMETERS = {
    "beta": (0.4, 2.0),
    "cauchy": (),
    "chisquare": (3.0,),
    "gamma": (2.5,),
    "loggamma": (0.1,),
    "logistic": (),
    "lognormal": (0.7,),
    "maxwell": (),
    "pareto": (3.0,),
    "rayleigh": (2.0,),
    "t": (4.0,),
    "triangular": (-1.0, 0.3, 2.0),
    "weibull_min": (2.0, 0.7),
}


def all_of(module, key, dtype):
    return {
        name: getattr(module, name)(key, *given, shape=(50, 3), dtype=dtype)
        for name, given in PARAMETERS.items()
    }


@pytest.mark.parametrize("dtype", CLOSE)
def test_continuous_numbers(dtype):
    drawn = all_of(random, KEY, dtype)
    with jax.enable_x64(True):
        expected = jax.jit(lambda: all_of(jax.random, THEIRS, jnp.dtype(dtype)))()
    for name, theirs in expected.items():
        assert drawn[name].dtype == theirs.dtype, name
        ours, theirs = (np.asarray(x, np.float64) for x in (drawn[name], theirs))
        allowed = {"rtol": CLOSE[dtype], "atol": CLOSE[dtype] / 10}
        np.testing.assert_allclose(ours, theirs, **allowed, err_msg=name)


def test_compiled_numbers():
    def draw(key):
        cov = sp.eye(3) + 0.5
        return {
            "gamma": random.gamma(key, 0.7, (50,)),
            "poisson": random.poisson(key, 9.5, (20,)),
            "multivariate normal": random.multivariate_normal(key, sp.zeros(3), cov, (4,)),
        }

    compiled = sp.jit(draw)(KEY)
    for name, x in draw(KEY).items():
        np.testing.assert_allclose(compiled[name], x, rtol=1e-5, atol=1e-6, err_msg=name)


def test_counts():
    for mean in (0.0, 0.5, 9.9, 10.0, 50.0):
        expected = jax.random.poisson(THEIRS, mean, (200,))
        np.testing.assert_array_equal(random.poisson(KEY, mean, (200,)), expected)
    for p in (0.01, 0.3, 1.0):
        expected = jax.random.geometric(THEIRS, np.float32(p), (200,))
        np.testing.assert_array_equal(random.geometric(KEY, p, (200,)), expected)


def test_vectors_and_matrices():
    alpha, mean = np.array([[0.3, 2, 5], [1, 1, 9]], np.float32), np.array([1, -1], np.float32)
    cov = np.array([[2, 0.5], [0.5, 1]], np.float32)
    close = {"rtol": 1e-5, "atol": 1e-5}

    expected = jax.random.dirichlet(THEIRS, alpha, (4, 2), "float32")
    np.testing.assert_allclose(random.dirichlet(KEY, alpha, (4, 2)), expected, **close)
    for method in ("cholesky", "eigh", "svd"):
        drawn = random.multivariate_normal(KEY, mean, cov, (7,), method=method).numpy() - mean
        # Eigenvectors and singular vectors have a sign that nobody defines.
        theirs = jax.random.multivariate_normal(THEIRS, mean, cov, (7,), "float32", method) - mean
        pairs = [np.einsum("ni,ij,nj->n", x, np.linalg.inv(cov), x) for x in (drawn, theirs)]
        np.testing.assert_allclose(*pairs, rtol=1e-4)
    q = random.orthogonal(KEY, 4, (2,))
    np.testing.assert_allclose(q, jax.random.orthogonal(THEIRS, 4, (2,), "float32"), **close)


SHAPES = np.array([0.05, 0.3, 0.99, 1.0, 2.0, 20.0, 300.0], np.float32)


@pytest.mark.parametrize("name", ["gamma", "loggamma"])
def test_gamma_numbers_move_with_their_shape(name):
    ours, theirs = getattr(random, name), getattr(jax.random, name)
    with jax.enable_x64(True):
        x = SHAPES.astype(np.float64)
        wide = jax.jacobian(lambda a: theirs(THEIRS, a, dtype="float64"))(x).diagonal()
        curved = jax.jacobian(lambda a: theirs(THEIRS, a, dtype="float32"))
        narrow = curved(jnp.asarray(SHAPES)).diagonal()

    def total(a):
        return ours(KEY, a, dtype=a.dtype).sum()

    np.testing.assert_allclose(sp.grad(total)(sp.tensor(x)), wide, rtol=1e-6)
    np.testing.assert_allclose(sp.grad(total)(sp.tensor(SHAPES)), narrow, rtol=1e-3, atol=1e-30)
    forward = sp.jvp(total, (sp.tensor(x),), (sp.ones(x.shape, dtype="float64"),))[1]
    np.testing.assert_allclose(forward, wide.sum(), rtol=1e-6)


def test_gamma_numbers_move_in_second_order():
    a = sp.tensor(np.array([0.4, 1.7, 6.0, 40.0]))

    def total(a):
        return random.gamma(KEY, a, dtype="float64").sum()

    curvature = sp.grad(lambda a: sp.grad(total)(a).sum())(a).numpy()
    x = random.gamma(KEY, a, dtype="float64").numpy()
    rank, step = special.gammainc(a.numpy(), x), 1e-3 * a.numpy()
    before, after = (special.gammaincinv(a.numpy() + way * step, rank) for way in (-1, 1))
    np.testing.assert_allclose(curvature, (before - 2 * x + after) / step**2, rtol=1e-4, atol=1e-6)


def test_tiny_gamma_numbers_move_as_powers():
    """F(x) → x^a / Γ(a + 1), so that a log x - log Γ(a + 1) stays."""
    a = 0.003
    for dtype, close in (("float32", 1e-3), ("float64", 1e-9)):
        drawn = random.loggamma(KEY, a, (30,), dtype).numpy().astype(np.float64)
        shapes = sp.full((30,), a, dtype=dtype)
        slopes = sp.grad(lambda a: random.loggamma(KEY, a, dtype=a.dtype).sum())(shapes).numpy()
        expected = (float(jax.scipy.special.digamma(a + 1)) - drawn) / a
        tiny = drawn < -40
        assert tiny.sum() > 20
        np.testing.assert_allclose(slopes[tiny], expected[tiny], rtol=close)
        still = sp.grad(lambda a: random.gamma(KEY, a, dtype=a.dtype).sum())(shapes).numpy()
        assert np.isfinite(still).all()


def test_numbers_made_of_gamma_numbers_move_too():
    def total(module, key, a):
        return module.beta(key, a, 2.0, (5,), "float32").sum()

    expected = jax.grad(lambda a: total(jax.random, THEIRS, a))(1.3)
    found = sp.jit(sp.grad(lambda a: total(random, KEY, a)))(sp.tensor(1.3))
    assert found.item() == pytest.approx(float(expected), rel=1e-4)


def test_a_batch_of_keys():
    a = np.array([0.1, 1, 2, 3], np.float32)

    drawn = sp.vmap(lambda k, a: random.gamma(k, a, (3,)))(random.split(KEY, 4), sp.tensor(a))
    expected = jax.vmap(lambda k, a: jax.random.gamma(k, a, (3,), "float32"))(
        jax.random.split(THEIRS, 4), a
    )
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)


REFUSED = [
    (lambda: random.gamma(KEY, 2.0, (3,), "int32"), DTypeError, "floating"),
    (lambda: random.gamma(KEY, sp.ones(2), (3,)), ShapeError, "(2,)"),
    (lambda: random.gamma(KEY, sp.ones(2), ()), ShapeError, "(2,)"),
    (lambda: random.uniform(KEY, (2,), "float32", sp.zeros((2, 2))), ShapeError, "(2, 2)"),
    (lambda: random.t(KEY, 1j, (3,)), DTypeError, "real"),
    (lambda: random.pareto(KEY, sp.ones(3) * 1j), DTypeError, "real"),
    (lambda: random.multivariate_normal(KEY, sp.ones(1) * 1j, sp.eye(1)), DTypeError, "real"),
    (lambda: random.cauchy(KEY, None), DTypeError, "made of ints"),
    (lambda: random.poisson(KEY, 2.0, (3,), "float32"), DTypeError, "integer"),
    (lambda: random.geometric(KEY, 0.5, (3,), "float32"), DTypeError, "integer"),
    (lambda: random.dirichlet(KEY, 2.0), UsageError, "no dimension"),
    (lambda: random.multivariate_normal(KEY, sp.ones(3), sp.eye(2)), UsageError, "covariance"),
    (
        lambda: random.multivariate_normal(KEY, sp.ones(2), sp.eye(2), method="lu"),
        UsageError,
        "cholesky",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_refusals(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
