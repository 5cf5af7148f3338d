"""`sp.linalg` against NumPy and JAX: values and gradients in double precision, and mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, UsageError

jax.config.update("jax_enable_x64", True)
RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 4, 4))
P = A @ A.swapaxes(-1, -2) + 4 * np.eye(4)
T = np.tril(A) + 3 * np.eye(4)
B = RNG.normal(size=(2, 4, 3))
U = T.swapaxes(-1, -2)


def solve(a, b, lower, left=True, unit=False):
    return jax.lax.linalg.triangular_solve(a, b, left_side=left, lower=lower, unit_diagonal=unit)


CASES = {
    "cholesky": (lambda x: sp.linalg.cholesky(x), jnp.linalg.cholesky, (P,)),
    "upper cholesky": (lambda x: sp.linalg.cholesky(x, upper=True), lambda x: jnp.linalg.cholesky(x, upper=True), (P,)),
    "lower": (lambda a, b: sp.linalg.solve_triangular(a, b, upper=False), lambda a, b: solve(a, b, True), (T, B)),
    "upper": (lambda a, b: sp.linalg.solve_triangular(a, b, upper=True), lambda a, b: solve(a, b, False), (U, B)),
    "right": (lambda a, b: sp.linalg.solve_triangular(a, b, upper=True, left=False), lambda a, b: solve(a, b, False, False), (U, B.swapaxes(1, 2).copy())),
    "unit": (lambda a, b: sp.linalg.solve_triangular(a, b, upper=False, unitriangular=True), lambda a, b: solve(a, b, True, True, True), (T, B)),
    **{f"matrix_norm {o}": (lambda x, o=o: sp.linalg.matrix_norm(x, ord=o), lambda x, o=o: jnp.linalg.matrix_norm(x, ord=o), (B,)) for o in ("fro", 1, -1, np.inf, -np.inf)},
    "matrix_norm, keepdims": (lambda x: sp.linalg.matrix_norm(x, keepdims=True), lambda x: jnp.linalg.matrix_norm(x, keepdims=True), (B,)),
    **{f"matrix_power {n}": (lambda x, n=n: sp.linalg.matrix_power(x, n), lambda x, n=n: jnp.linalg.matrix_power(x, n), (A,)) for n in (0, 1, 2, 5, 6)},
    "vector_norm": (lambda x: sp.linalg.vector_norm(x, axis=(0, 2), ord=3), lambda x: jnp.linalg.vector_norm(x, axis=(0, 2), ord=3), (B,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_like_jax(name):
    ours, theirs, arrays = CASES[name]
    value, pullback = sp.vjp(ours, *arrays)
    expected, back = jax.vjp(theirs, *arrays)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-10, atol=1e-12)
    seed = RNG.normal(size=expected.shape)
    for mine, other in zip(pullback(sp.tensor(seed)), back(seed), strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-8, atol=1e-10)


def test_compiled():
    def run(p, t, b):
        factor = sp.linalg.cholesky(p)
        return factor, sp.linalg.solve_triangular(t, b, upper=False)

    factor, solved = sp.jit(run)(*(a.astype("float32") for a in (P, T, B)))
    np.testing.assert_allclose(factor.numpy(), np.linalg.cholesky(P), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(T @ solved.numpy(), B, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [
        (lambda: sp.linalg.cholesky(sp.ones((2, 3))), ShapeError),
        (lambda: sp.linalg.solve_triangular(sp.eye(3), sp.ones((2, 1)), upper=True), ShapeError),
        (lambda: sp.linalg.matrix_norm(sp.ones(3)), ShapeError),
        (lambda: sp.linalg.matrix_norm(sp.eye(3), ord="nuc"), UsageError),
        (lambda: sp.linalg.matrix_power(sp.eye(3), -1), UsageError),
    ],
)
def test_mistakes(mistake, kind):
    with pytest.raises(kind) as caught:
        mistake()
    assert caught.value.span is not None
