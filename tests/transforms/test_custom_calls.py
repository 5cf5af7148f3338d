"""Calls of libraries that JAX makes for matrices, on each platform: values and derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec.diagnostics import SlopecError, TransformError
from tests.transforms.cases.linalg import definite
from tests.transforms.harness import lower, normal

SQUARE = normal(3, 3) + 3 * np.eye(3)
COMPLEX = normal(3, 3, kind="c")
TALL, WIDE = normal(2, 4, 3), normal(2, 3, 4)


def solve(**options):
    return lambda a, b: lax.linalg.triangular_solve(a, b, **options)


def projections(a):
    w, v = jnp.linalg.eigh(a)
    return w, (v * jnp.arange(3.0)) @ v.mT.conj()


def singular(full):
    def apply(a):
        u, s, vh = jnp.linalg.svd(a, full_matrices=full)
        k = s.shape[-1]
        return s, (u[..., :k] * jnp.arange(1.0, k + 1)) @ vh[..., :k, :]

    return apply


FUNCTIONS = {
    "cholesky": (lax.linalg.cholesky, definite(2, 3, 3)),
    "cholesky, complex": (lax.linalg.cholesky, definite(3, 3, kind="c")),
    "triangular": (solve(left_side=True, lower=True), SQUARE, normal(3, 2)),
    "triangular, transposed": (
        solve(left_side=False, transpose_a=True, unit_diagonal=True),
        SQUARE,
        normal(2, 3),
    ),
    "lu": (lax.linalg.lu, TALL),
    "solve": (jnp.linalg.solve, SQUARE, normal(3, 2)),
    "solve, complex": (jnp.linalg.solve, COMPLEX, COMPLEX + 1),
    "inv": (jnp.linalg.inv, SQUARE),
    "det": (jnp.linalg.det, normal(2, 3, 3)),
    "slogdet": (jnp.linalg.slogdet, SQUARE),
    "qr": (jnp.linalg.qr, TALL),
    "qr, complex": (jnp.linalg.qr, COMPLEX),
    "r": (lambda a: jnp.linalg.qr(a, mode="r"), TALL),
    "eigh": (projections, SQUARE),
    "eigh, complex": (projections, COMPLEX),
    "eigvalsh": (jnp.linalg.eigvalsh, SQUARE),
    "eigvals": (jnp.linalg.eigvals, SQUARE),
    "eigvals, complex": (jnp.linalg.eigvals, COMPLEX),
    "svd": (singular(False), TALL),
    "svd, wide": (singular(False), WIDE),
    "svd, complex": (singular(False), COMPLEX),
    "svdvals": (lambda a: jnp.linalg.svd(a, compute_uv=False), TALL),
    "pinv": (jnp.linalg.pinv, TALL),
    "lstsq": (lambda a, b: jnp.linalg.lstsq(a, b)[0], TALL[0], normal(4, 2)),
    "tridiagonal": (lax.linalg.tridiagonal_solve, *normal(3, 2, 4), normal(2, 4, 3)),
    "expm": (jax.scipy.linalg.expm, SQUARE),
}
UNDERIVED = {
    "eig": (jnp.linalg.eig, SQUARE),
    "eig, left too": (lambda a: [abs(x) for x in lax.linalg.eig(a)], COMPLEX),
    "qr, complete": (lambda a: jnp.linalg.qr(a, mode="complete"), TALL),
    "svd, square": (lambda a: jnp.linalg.svd(a)[1], WIDE),
}
ITERATIVE = {"svd", "svd, wide", "svd, complex", "svdvals", "pinv", "lstsq", "svd, square"}
"""What XLA writes out for TPUs, as loops of unknown length, instead of calling for it."""
ONLY_ON_CPUS = {"eigvals", "eigvals, complex", "eig", "eig, left too"}
CASES = [
    (platform, name)
    for platform in ("cpu", "cuda", "tpu")
    for name in (*FUNCTIONS, *UNDERIVED)
    if platform == "cpu" or name not in ONLY_ON_CPUS
    if platform != "tpu" or name not in ITERATIVE
]


def results(x):
    return tuple(jax.tree.leaves(x))


@pytest.mark.parametrize(("platform", "name"), CASES)
def test_like_jax(platform, name):
    function, *inputs = {**FUNCTIONS, **UNDERIVED}[name]
    text = lower(lambda *xs: results(function(*xs)), *inputs, platform=platform)
    imported = sp.from_stablehlo(text)

    def ours(*xs):
        found = imported(*xs)
        return found if isinstance(found, tuple) else (found,)

    if name in UNDERIVED:
        expected = results(function(*inputs))
        for got, wanted in zip(ours(*inputs), expected, strict=True):
            np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9, atol=1e-12)
        return
    value, pullback = sp.vjp(ours, *inputs)
    expected, back = jax.vjp(lambda *xs: results(function(*xs)), *inputs)
    for got, wanted in zip(value, expected, strict=True):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9, atol=1e-12)
    floating = [x.dtype.kind in "fc" for x in expected]
    draw = np.random.default_rng(1)
    seeds = [
        draw.normal(size=x.shape).astype(x.dtype) if flag else np.zeros(x.shape, x.dtype)
        for x, flag in zip(expected, floating, strict=True)
    ]
    theirs = [
        seed if flag else np.zeros(seed.shape, jax.dtypes.float0)
        for seed, flag in zip(seeds, floating, strict=True)
    ]
    for got, wanted in zip(
        pullback(tuple(map(sp.tensor, seeds))), back(tuple(theirs)), strict=True
    ):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: lax.linalg.householder_product(a, a[0]),
        lambda a: jnp.tril(jnp.linalg.qr(a, mode="raw")[0]),
    ],
)
def test_single_reflections_have_no_derivative(function):
    imported = sp.from_stablehlo(lower(function, SQUARE, platform="cpu"))
    with pytest.raises(TransformError, match=r"S0202.*reflections"):
        sp.grad(lambda x: imported(x).sum())(SQUARE).numpy()


def test_functions_that_calls_take_come_along():
    """An order to sort by; without aggregation there are more results, from which to pick."""
    x = normal(3, 64)
    kinds = [
        (lax.approx_max_k, -1, True),
        (lax.approx_max_k, -1, False),
        (lax.approx_min_k, 1, True),
    ]
    imported = [
        sp.from_stablehlo(lower(lambda x, k=k, a=a: k(x, 2, aggregate_to_topk=a), x))
        for k, _, a in kinds
    ]
    results = sp.jit(lambda x: [function(x) for function in imported])(x)
    for (values, places), (_, sign, _) in zip(results, kinds, strict=True):
        best = np.sort(sign * x, axis=1)[:, :2] * sign
        np.testing.assert_array_equal(values.numpy()[:, :2], best)
        np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), 1), values.numpy())


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["cpu", "tpu"])
def test_factors_of_a_complex_batch_compile(platform):
    """Loops that wait for each member, and much that follows from constants when it is loaded."""
    x = normal(2, 3, 9, 4, kind="c")
    svd = sp.jit(sp.from_stablehlo(lower(jnp.linalg.svd, x, platform=platform)))
    u, s, vh = (part.numpy() for part in svd(x))
    np.testing.assert_allclose(s, np.linalg.svd(x, compute_uv=False), rtol=1e-5)
    np.testing.assert_allclose((u[..., :4] * s[..., None, :]) @ vh, x, atol=1e-5)


def test_others_are_refused_with_advice():
    imported = sp.from_stablehlo(lower(lax.linalg.hessenberg, SQUARE, platform="cpu"))
    with pytest.raises(SlopecError, match="lapack_dgehrd_ffi"):
        imported(SQUARE)[0].numpy()


def test_what_was_called_is_gone():
    text = lower(jnp.linalg.solve, SQUARE, normal(3, 2), platform="cpu")
    assert "lapack" not in str(sp.from_stablehlo(text).module)
