"""Ops that IREE lacks: the same numbers without them, evaluated, and compiled for the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import slopec as sp
from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

RNG = np.random.default_rng(0)


def positive(*shape):
    a = RNG.normal(size=(*shape, shape[-1]))
    return a @ a.swapaxes(-1, -2) + 0.5 * shape[-1] * np.eye(shape[-1])


def triangular(*shape):
    return np.tril(RNG.normal(size=(*shape, shape[-1]))) + 3 * np.eye(shape[-1]) * np.sqrt(
        shape[-1]
    )


def hermitian(n):
    a = RNG.normal(size=(n, n)) + 1j * RNG.normal(size=(n, n))
    return a @ a.conj().T + n * np.eye(n)


SOLVES = {
    f"solve {n}, {'left' if left else 'right'}, {'lower' if low else 'upper'}{', unit' if unit else ''}{', transposed' if t else ''}": (
        lambda a, b, left=left, low=low, unit=unit, t=t: lax.linalg.triangular_solve(
            a, b, left_side=left, lower=low, unit_diagonal=unit, transpose_a=t),
        (triangular(n) if low else triangular(n).T, RNG.normal(size=(n, 3) if left else (3, n))),
    )
    for n, left, low, unit, t in [
        (1, True, True, False, False), (5, True, True, False, False), (5, True, False, False, False),
        (5, False, True, False, False), (5, False, False, True, True), (5, True, True, True, True),
        (45, True, True, False, False), (45, False, False, False, True), (70, True, False, False, False),
    ]
}  # fmt: skip
SIZES = (1, 2, 3, 5, 8, 12, 30, 60, 67, 96, 100, 257, 263, 1000)
FFTS = {
    **{f"fft of {n}": (jnp.fft.fft, (RNG.normal(size=(2, n)) + 1j * RNG.normal(size=(2, n)),)) for n in SIZES},
    **{f"rfft of {n}": (jnp.fft.rfft, (RNG.normal(size=(2, n)),)) for n in (*SIZES[:10], 66, 257, 514, 1000)},
    **{f"irfft to {n}": (lambda x, n=n: jnp.fft.irfft(x, n), (np.fft.rfft(RNG.normal(size=(2, n))),)) for n in SIZES[1:10]},
    "ifft of 12": (jnp.fft.ifft, (RNG.normal(size=(2, 12)) + 1j,)),
    "fft2": (jnp.fft.fft2, (RNG.normal(size=(2, 6, 10)) + 1j,)),
    "rfftn": (jnp.fft.rfftn, (RNG.normal(size=(3, 6, 5)),)),
    "irfftn": (jnp.fft.irfftn, (np.fft.rfftn(RNG.normal(size=(3, 6, 8))),)),
    "fft of nothing": (jnp.fft.fft, (np.zeros((0, 5), complex),)),
}  # fmt: skip
ONE_PLACE = {
    f"convolution of {x} by {k}, {groups}, to {order}": (
        lambda x, k, groups=groups, order=order: lax.conv_general_dilated(
            x, k, (), "VALID", dimension_numbers=order, **groups),
        (RNG.normal(size=x), RNG.normal(size=k)),
    )
    for x, k, groups, order in [
        ((1, 1), (1, 1), {}, ("CN", "IO", "CN")), ((3, 4), (4, 5), {}, ("NC", "IO", "NC")), ((4, 3), (5, 4), {}, ("CN", "OI", "CN")),
        ((3, 4), (2, 6), {"feature_group_count": 2}, ("NC", "IO", "CN")), ((6, 4), (6, 4), {"batch_group_count": 3}, ("NC", "OI", "NC")),
    ]
}  # fmt: skip
CASES = {
    **ONE_PLACE,
    **{f"cholesky {shape}": (jnp.linalg.cholesky, (positive(*shape),)) for shape in [(1,), (2,), (5,), (2, 3, 4), (32,), (33,), (70,)]},
    "upper cholesky": (lambda a: jnp.linalg.cholesky(a, upper=True), (positive(5),)),
    "complex cholesky": (lambda a: jnp.linalg.cholesky(a, symmetrize_input=False), (hermitian(6),)),
    "cholesky of nothing": (jnp.linalg.cholesky, (np.zeros((3, 0, 0)),)),
    **SOLVES,
    "solve in a batch": (lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True), (triangular(2, 4), RNG.normal(size=(2, 4, 2)))),
    "solve for nothing": (lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True), (triangular(4), np.zeros((4, 0)))),
    **FFTS,
}  # fmt: skip


def expanded(name):
    function, arrays = CASES[name]
    module = ir.parse(lower(function, *arrays))
    run_pipeline(module, parse_pipeline("inline,expand-ops"))
    ir.verify(module)
    return module, arrays


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_stay(name):
    module, arrays = expanded(name)
    assert (
        not any(
            f"stablehlo.{op}" in str(module)
            for op in ("cholesky", "triangular_solve", "fft", "convolution")
        )
        or "nothing" in name
    )
    for ours, theirs in zip(
        reference.evaluate(module, "main", *arrays),
        jax.tree.leaves(CASES[name][0](*arrays)),
        strict=True,
    ):
        theirs = np.asarray(theirs)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        scale = np.abs(theirs).max(initial=1)
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12 * scale)


def test_what_is_not_positive_definite_gives_nan():
    module = ir.parse(lower(jnp.linalg.cholesky, -np.eye(3)))
    run_pipeline(module, parse_pipeline("inline,expand-ops"))
    (result,) = reference.evaluate(module, "main", -np.eye(3))
    assert np.isnan(result[0, 0])


def single(array):
    return array.astype({"f": "float32", "c": "complex64"}[array.dtype.kind])


@pytest.mark.parametrize("kind", ["cholesky", "solve", "fft", "convolution"])
def test_compiled(kind):
    """All cases of a kind in one compilation, in single precision."""
    names = [n for n in CASES if kind in n and "nothing" not in n and "complex chol" not in n]
    names = [n for n in names if "1000" not in n]
    given = [tuple(single(a) for a in CASES[n][1]) for n in names]
    functions = [
        sp.from_stablehlo(lower(CASES[n][0], *arrays))
        for n, arrays in zip(names, given, strict=True)
    ]

    @sp.jit
    def run(given):
        return [f(*arrays) for f, arrays in zip(functions, given, strict=True)]

    for name, ours in zip(names, run(given), strict=True):
        theirs = np.asarray(CASES[name][0](*CASES[name][1]))
        error = np.abs(ours.numpy() - theirs).max() / np.abs(theirs).max()
        assert error < 2e-5, (name, error)


def test_a_linear_system_and_its_gradient_compiled():
    a, b = positive(40).astype("float32"), RNG.normal(size=(40, 2)).astype("float32")

    def loss(a, b):
        factor = jnp.linalg.cholesky(a)
        return (jax.scipy.linalg.cho_solve((factor, True), b) ** 2).sum()

    ours = sp.from_stablehlo(lower(loss, a, b))
    slope = sp.jit(sp.grad(ours, (0, 1)))(a, b)
    theirs = jax.grad(loss, (0, 1))(a.astype("float64"), b.astype("float64"))
    for mine, other in zip(slope, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@pytest.mark.parametrize("size", [8, 12])
def test_the_gradient_of_a_spectrum_compiled(size):
    """IREE crashes on the part of a padded complex tensor that a product follows."""

    def loss(x):
        return (jnp.abs(jnp.fft.rfft(x)) * jnp.arange(size // 2 + 1.0)).sum()

    x = RNG.normal(size=size).astype("float32")
    slope = sp.jit(sp.grad(sp.from_stablehlo(lower(loss, x))))(x)
    np.testing.assert_allclose(slope.numpy(), jax.grad(loss)(x.astype("float64")), rtol=1e-4)
