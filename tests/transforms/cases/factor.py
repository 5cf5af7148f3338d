"""Factorizations, as JAX calls LAPACK for them: what depends on no sign of a vector, and what does."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.transforms.harness import Case, normal


def case(name, function, *inputs, **facts):
    return Case(name, function, inputs, platform="cpu", **facts)


def eigenprojections(a):
    w, v = jnp.linalg.eigh(a)
    return w, jnp.einsum("...ij,...j,...kj->...ik", v, jnp.arange(1.0, w.shape[-1] + 1), v.conj())


def by_eigenvalues(a):
    """The square of a matrix, by eigenvectors of any length and phase."""
    w, v = jnp.linalg.eig(a)
    return (v * w[..., None, :] ** 2) @ jnp.linalg.inv(v)


def rotated(a):
    u, s, vh = jnp.linalg.svd(a, full_matrices=False)
    return s, jnp.einsum("...ij,...j,...jk->...ik", u, jnp.arange(1.0, s.shape[-1] + 1), vh)


def absolute_qr(a):
    q, r = jnp.linalg.qr(a)
    return q, r


def logarithm(a):
    return jnp.linalg.slogdet(a)[1]


SQUARE, TALL, WIDE = normal(3, 3) + np.diag([3.0, 1.0, -2.0]), normal(2, 4, 3), normal(2, 3, 5)
COMPLEX = normal(3, 3, kind="c")

QR = """
func.func public @main(%a: tensor<3x3xf64>) -> (tensor<3x3xf64>, tensor<3x3xf64>) {
  %0:2 = stablehlo.custom_call @slopec.qr(%a) : (tensor<3x3xf64>)
    -> (tensor<3x3xf64>, tensor<3x3xf64>)
  return %0#0, %0#1 : tensor<3x3xf64>, tensor<3x3xf64>
}
"""

CASES = [
    Case("qr by slopec", QR, (SQUARE,), jax=absolute_qr, platform="cpu"),
    *(case(f"lu {a.shape}", lax.linalg.lu, a) for a in (SQUARE, TALL, WIDE)),
    case("lu, complex", lambda a: lax.linalg.lu(a)[0], COMPLEX),
    case("lu of nothing", lambda a: lax.linalg.lu(a)[0], normal(2, 0, 0)),
    *(case(f"qr {a.shape}", absolute_qr, a) for a in (SQUARE, TALL)),
    case("qr, wide", absolute_qr, WIDE, jax=False),
    case("qr, complex", absolute_qr, normal(4, 3, kind="c")),
    case("eigenvectors", eigenprojections, SQUARE),
    case("eigenvectors in a batch", eigenprojections, normal(2, 3, 3), tolerance=1e-5),
    case("eigenvectors, complex", eigenprojections, COMPLEX, tolerance=1e-5),
    case("any eigenvalues", jnp.linalg.eigvals, SQUARE, order=1),
    case("any eigenvalues to second order", jnp.linalg.eigvals, COMPLEX, jax=False, tolerance=1e-5),
    case("any eigenvectors", by_eigenvalues, SQUARE, jax=False, tolerance=1e-5),
    case("any eigenvectors in a batch", by_eigenvalues, normal(2, 3, 3), jax=False, tolerance=1e-5),
    *(case(f"svd {a.shape}", rotated, a, tolerance=1e-5) for a in (SQUARE, TALL, WIDE)),
    case("svd, complex", rotated, normal(4, 3, kind="c"), tolerance=1e-5),
    case("singular values", lambda a: jnp.linalg.svd(a, compute_uv=False), TALL),
    case("equal singular values", lambda a: jnp.linalg.svd(a, compute_uv=False), np.eye(3), order=1, numeric=False),
    case("solve", jnp.linalg.solve, SQUARE, normal(3, 2)),
    case("solve, complex", jnp.linalg.solve, COMPLEX, normal(3, 2, kind="c")),
    case("inv", jnp.linalg.inv, SQUARE),
    case("slogdet", logarithm, SQUARE),
    case("det", jnp.linalg.det, normal(2, 4, 4)),
]  # fmt: skip
