"""Projections, bases and arcs, against their definitions in JAX and at the ends of their range."""

import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError
from tests.ops.harness import Case, check, normal


def in_jax(x, y):
    return jnp.vecdot(y, x)[..., None] / jnp.vecdot(y, y)[..., None] * y


def by_qr(x):
    q, r = jnp.linalg.qr(x.mT)
    return (q * jnp.sign(jnp.diagonal(r, axis1=-2, axis2=-1))[..., None, :]).mT


def by_angle(a, b, t):
    u, v = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    angle = jnp.arccos(jnp.vecdot(u, v))[..., None]
    t = jnp.asarray(t)[..., None]
    return (jnp.sin((1 - t) * angle) * a + jnp.sin(t * angle) * b) / jnp.sin(angle)


CASES = (
    Case("project", lambda np, x, y: np.project(x, y), (normal(4, 3), normal(3, seed=1)), reference=lambda np, x, y: in_jax(x, y)),
    Case("gram_schmidt", lambda np, x: np.gram_schmidt(x), (normal(2, 3, 5),), looser=10, reference=lambda np, x: by_qr(x)),
    Case("gram_schmidt of squares", lambda np, x: np.gram_schmidt(x), (normal(4, 4),), looser=50, reference=lambda np, x: by_qr(x)),
    Case("slerp", lambda np, a, b, t: np.slerp(a, b, t), (normal(2, 4), normal(2, 4, seed=1), np.float32([0.2, 0.7])), looser=5, reference=lambda np, a, b, t: by_angle(a, b, t)),
    Case("slerp, one weight", lambda np, a, b: np.slerp(a, b, 0.25), (normal(3, 2, 4), normal(4, seed=1)), looser=5, reference=lambda np, a, b: by_angle(a, b, 0.25)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_directions(case):
    check(case, CASES)


def test_bases_of_nearly_parallel_vectors_are_orthogonal():
    x = np.ones((3, 6)) + 1e-7 * normal(3, 6, dtype="float64")
    q = sp.gram_schmidt(x).numpy()

    np.testing.assert_allclose(q @ q.T, np.eye(3), atol=1e-14)


def test_arcs_that_are_none_are_straight():
    x = sp.tensor([1.0, 2.0])
    slope = sp.grad(lambda a: sp.slerp(a, x, 0.25).sum())(x * 1.0)

    np.testing.assert_allclose(sp.slerp(x, x, 0.3).numpy(), x.numpy(), rtol=1e-6)
    np.testing.assert_allclose(sp.slerp(x, -x, 0.5).numpy(), [0, 0], atol=1e-6)
    np.testing.assert_allclose(slope.numpy(), [0.75, 0.75], rtol=1e-5)
    ends = sp.slerp(sp.eye(2)[0], sp.eye(2)[1], np.float32([0.0, 1.0]))
    np.testing.assert_allclose(ends.numpy(), np.eye(2), atol=1e-7)


def test_more_vectors_than_dimensions_are_refused():
    with pytest.raises(ShapeError, match=r"shape \(3, 2\)"):
        sp.gram_schmidt(sp.ones((3, 2)))
