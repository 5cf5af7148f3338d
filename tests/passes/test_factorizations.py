"""Factorizations written as loops and products: by their defining equations, evaluated, compiled."""

import itertools

import numpy as np
import pytest

import slopec as sp
from slopec import hlo, ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from slopec.tensor import Tensor
from slopec.transforms.function import Arguments, trace_function

RNG = np.random.default_rng(0)
SHAPES = [(1, 1), (2, 2), (5, 3), (3, 5), (2, 4, 4), (40, 40), (70, 33), (0, 0), (3, 0), (2, 0, 3)]
MATRICES = {
    **{f"{dtype} {shape}": RNG.normal(size=shape).astype(dtype) for dtype in ("float32", "float64") for shape in SHAPES},
    "complex": RNG.normal(size=(5, 4)) + 1j * RNG.normal(size=(5, 4)),
    "complex square": RNG.normal(size=(6, 6)) + 1j * RNG.normal(size=(6, 6)),
    "ones": np.ones((4, 4)),
    "zeros": np.zeros((3, 3)),
    "identity": np.eye(4),
    "Vandermonde": np.vander(np.linspace(0, 1, 12)),
    "Hilbert": (1 / (np.arange(10)[:, None] + np.arange(10) + 1)).astype("float32"),
    "tiny": RNG.normal(size=(6, 6)) * 1e-200,
    "huge": (RNG.normal(size=(6, 6)) * 1e30).astype("float32"),
    "graded": np.diag([1.0, 1e-5, 1e-10, 1e-15]) @ RNG.normal(size=(4, 4)),
    "opposite eigenvalues": np.diag([1.0, -1.0, 2.0, -2.0, 1e-8]),
    "half": RNG.normal(size=(4, 3)).astype("float16"),
}  # fmt: skip


def adjoint(a):
    return np.conj(np.swapaxes(a, -1, -2))


def written(function, a, *, expanded=True):
    """The results of a function, its factorizations written out or not."""
    module = ir.new_module()
    traced = trace_function(function, Arguments.of((Tensor(a),), {}), None, module)
    if expanded:
        run_pipeline(module, parse_pipeline("expand-ops"))
        ir.verify(module)
        assert "slopec." not in str(module)
    return reference.evaluate(module, traced.symbol, a)


def close(found, wanted, units):
    """Equal up to `units` times the distance of 1 to the next number, of the largest element."""
    wide = np.result_type(wanted.dtype, np.float64)
    found, wanted = np.asarray(found), np.asarray(wanted).astype(wide)
    eps = np.finfo(found.dtype).eps
    scale = np.abs(wanted).max(initial=0) or 1
    wanted = np.broadcast_to(wanted, found.shape)
    np.testing.assert_allclose(found.astype(wide) / scale, wanted / scale, rtol=0, atol=units * eps)


def orthonormal(a, units):
    wide = a.astype(np.result_type(a.dtype, np.float64))
    close((adjoint(wide) @ wide).astype(a.dtype), np.eye(a.shape[-1]), units)


def units(a):
    return 8 * max(4, max(a.shape[-2:]))


@pytest.mark.parametrize("name", MATRICES)
def test_lu(name):
    a = MATRICES[name]
    found, expected = (written(hlo.lu, a, expanded=flag) for flag in (True, False))
    if name not in ("Hilbert", "float32 (40, 40)", "half"):  # rounding may choose other pivots
        for got, wanted in zip(found[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(got, wanted)
    packed, _, order = found
    m, n = a.shape[-2:]
    k = min(m, n)
    lower = np.tril(packed[..., :k], -1) + np.eye(m, k, dtype=a.dtype)
    close(
        lower @ np.triu(packed[..., :k, :]), np.take_along_axis(a, order[..., None], -2), units(a)
    )


@pytest.mark.parametrize(("name", "full"), list(itertools.product(MATRICES, (False, True))))
def test_qr(name, full):
    a = MATRICES[name]
    q, r = written(lambda x: hlo.qr(x, full=full), a)
    close(q @ r, a, units(a))
    orthonormal(q, units(a))
    assert not np.tril(r, -1).any()
    diagonal = np.diagonal(
        written(lambda x: hlo.qr(x, full=full), a, expanded=False)[1], axis1=-2, axis2=-1
    )
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1).real)
    sure = np.abs(diagonal) > 1e-4 * np.abs(a).max(initial=0)
    np.testing.assert_array_equal(signs[sure], np.sign(diagonal.real)[sure])


@pytest.mark.parametrize(("name", "full"), list(itertools.product(MATRICES, (False, True))))
def test_svd(name, full):
    a = MATRICES[name]
    m, n = a.shape[-2:]
    k = min(m, n)
    u, s, vh = written(lambda x: hlo.svd(x, full=full), a)
    close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a, units(a))
    orthonormal(u, units(a))
    orthonormal(adjoint(vh), units(a))
    wide = a.astype(np.result_type(a.dtype, np.float64))
    close(s, np.linalg.svd(wide, compute_uv=False), units(a))
    (alone,) = written(lambda x: hlo.svd(x, full=full)[1], a)
    close(alone, s, units(a))


def test_small_singular_values_are_as_accurate_as_large_ones():
    """Rows of very different sizes, times an orthogonal matrix: LAPACK's lose the small ones."""
    turned, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    sizes = 10.0 ** -np.arange(0, 20, 4)
    (s,) = written(lambda x: hlo.svd(x, full=False)[1], np.diag(sizes) @ turned)
    np.testing.assert_allclose(s, sizes, rtol=1e-13)


@pytest.mark.parametrize("name", MATRICES)
def test_eigh(name):
    a = MATRICES[name]
    if a.shape[-1] != a.shape[-2]:
        a = adjoint(a) @ a
    a = (a + adjoint(a)) / 2
    w, v = written(hlo.eigh, a)
    close(a @ v, v * w[..., None, :], units(a))
    orthonormal(v, units(a))
    wide = a.astype(np.result_type(a.dtype, np.float64))
    close(w, np.linalg.eigvalsh(wide), units(a))


JORDAN = {
    "Jordan": np.diag([2.0] * 4) + np.diag([1.0] * 3, 1),
    "nilpotent": np.diag([1.0] * 4, -1),
    "cyclic": np.roll(np.eye(6), 1, axis=0),
    "triangle": np.triu(RNG.normal(size=(6, 6))),
    "rotation": np.array([[0.0, 1.0], [-1.0, 0.0]]),
    "companion": np.vstack([np.poly(np.arange(1.0, 7.0))[1:] * -1, np.eye(5, 6)]),
    "batch": np.stack([np.eye(3), np.diag([1.0, 2.0], 1), RNG.normal(size=(3, 3))]),
}


@pytest.mark.parametrize("name", [n for n in MATRICES if "70" not in n] + [*JORDAN])
def test_eig(name):
    a = (MATRICES | JORDAN)[name]
    if a.shape[-1] != a.shape[-2]:
        a = a @ np.swapaxes(a, -1, -2) + np.triu(np.ones((a.shape[-2],) * 2, a.dtype))
    w, v = written(hlo.eig, a)
    wide = a.astype(np.result_type(a.dtype, np.complex128))
    assert np.iscomplexobj(w)
    size = np.abs(a).max(initial=0) or 1
    close(np.stack([a @ v / size, v]), np.stack([v * (w[..., None, :] / size), v]), units(a))
    close(np.sqrt((np.abs(v) ** 2).sum(-2)), np.ones(w.shape), units(a))
    if not a.size or name in ("Jordan", "nilpotent", "companion", "Vandermonde"):
        return  # the values are as good as a perturbation by rounding lets them be
    theirs = np.linalg.eigvals(wide)
    for found, wanted in zip(
        w.reshape(-1, w.shape[-1]), theirs.reshape(-1, w.shape[-1]), strict=True
    ):
        gaps = np.abs(found[:, None] - wanted)
        assert (
            gaps.min(-1) <= 8 * units(a) * np.finfo(w.dtype).eps * (np.abs(wanted).max() or 1)
        ).all()
    (alone,) = written(lambda x: hlo.eig(x)[0], a)
    close(alone, w, 0)


def test_nan_stays():
    a = np.full((3, 3), np.nan, np.float32)
    for function in (hlo.lu, hlo.eig, hlo.eigh, lambda x: hlo.svd(x, full=False)):
        assert np.isnan(written(function, a)[0]).any()


def everything(a, b, tall):
    """One program with all factorizations, values and gradients."""
    la = sp.linalg

    def loss(a, b, tall):
        u, s, vh = la.svd(tall, full_matrices=False)
        w, v = la.eigh(a)
        q, r = la.qr(tall)
        parts = (
            *(
                la.solve(a, b).sum(),
                la.slogdet(a)[1].sum(),
                la.det(a / a.shape[-1]).sum(),
                q[0].sum(),
                r.sum(),
            ),
            *(w.sum(), ((v * w[..., None, :]) @ v.mT).sum(), s[..., 0].sum()),
            *(((u * s[..., None, :]) @ vh).sum(), la.pinv(tall).sum(), la.expm(0.1 * a).sum()),
        )
        return sum(parts[1:], parts[0]), parts

    slopes, parts = sp.grad(loss, (0, 1, 2), has_aux=True)(a, b, tall)
    return *parts, *slopes, *la.lu(tall), la.svd(tall)[1], la.qr(tall, mode="complete")[1]


@pytest.mark.parametrize("shape", [(4, 4), pytest.param((2, 37, 37), marks=pytest.mark.slow)])
def test_compiled(shape):
    """All of it in one compilation, in single precision, against the evaluator in double."""
    a = RNG.normal(size=shape) + 2 * np.diag(np.arange(1.0, shape[-1] + 1))
    b, tall = RNG.normal(size=shape), RNG.normal(size=(*shape[:-1], shape[-1] // 2))
    found = sp.jit(everything)(*(x.astype("float32") for x in (a, b, tall)))
    for got, wanted in zip(found, everything(*map(sp.tensor, (a, b, tall))), strict=True):
        wanted = wanted.numpy()
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(got.numpy() / scale, wanted / scale, rtol=0, atol=2e-4)


@pytest.mark.slow
def test_eigenvalues_of_a_batch_compile():
    a = RNG.normal(size=(3, 9, 9)).astype("float32")
    w, v = sp.jit(sp.vmap(lambda x: tuple(sp.linalg.eig(x))))(a)
    np.testing.assert_allclose(a @ v.numpy(), v.numpy() * w.numpy()[:, None], atol=2e-5)
