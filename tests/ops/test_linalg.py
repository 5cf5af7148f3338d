"""`sp.linalg` against NumPy and JAX: values and gradients in double precision, and mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, TransformError, UsageError

jax.config.update("jax_enable_x64", True)
RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 4, 4))
P = A @ A.swapaxes(-1, -2) + 4 * np.eye(4)
T = np.tril(A) + 3 * np.eye(4)
B = RNG.normal(size=(2, 4, 3))
C = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
U = T.swapaxes(-1, -2)
WIDE = B.swapaxes(-1, -2).copy()
DIAGONALS = RNG.normal(size=(3, 2, 4))
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
NOTHING = np.zeros((2, 0, 0))
LA = sp.linalg


def solve(a, b, lower, left=True, unit=False):
    return jax.lax.linalg.triangular_solve(a, b, left_side=left, lower=lower, unit_diagonal=unit)


def rebuilt(function, weight):
    """Vectors weighted and summed, so that their signs do not matter."""

    def apply(x):
        first, middle, last = function(x)
        n = middle.shape[-1]
        return middle, (first * weight(n)) @ last

    return apply


def ours_eigh(x):
    w, v = LA.eigh(x)
    return v, w, v.mT.conj()


def theirs_eigh(x):
    w, v = jnp.linalg.eigh(x)
    return v, w, v.mT.conj()


def rebuilt_eig(function):
    """f(A) = V f(W) V⁻¹, in which neither order nor phases matter."""

    def apply(x):
        w, v = LA.eig(x)
        return LA.matmul(v * function(w)[..., None, :], LA.inv(v))

    return apply


def weights(n):
    return np.arange(1.0, n + 1)


def lu_solved(a, b):
    return LA.lu_solve(LA.lu_factor(a), b)


LSTSQ = (lambda a, b: LA.lstsq(a, b)[0], lambda a, b: jnp.linalg.pinv(a) @ b)

CASES = {
    "cholesky": (LA.cholesky, jnp.linalg.cholesky, (P,)),
    "upper cholesky": (lambda x: LA.cholesky(x, upper=True), lambda x: jnp.linalg.cholesky(x, upper=True), (P,)),
    "lower": (lambda a, b: LA.solve_triangular(a, b, upper=False), lambda a, b: solve(a, b, True), (T, B)),
    "upper": (lambda a, b: LA.solve_triangular(a, b, upper=True), lambda a, b: solve(a, b, False), (U, B)),
    "right": (lambda a, b: LA.solve_triangular(a, b, upper=True, left=False), lambda a, b: solve(a, b, False, False), (U, WIDE)),
    "unit": (lambda a, b: LA.solve_triangular(a, b, upper=False, unitriangular=True), lambda a, b: solve(a, b, True, True, True), (T, B)),
    **{f"lu {x.shape}": (LA.lu, jax.vmap(jax.scipy.linalg.lu), (x,)) for x in (A, B, WIDE, NOTHING)},
    "lu_solve": (lu_solved, jnp.linalg.solve, (A, B)),
    "lu_solve, broadcast": (lu_solved, lambda a, b: jnp.linalg.solve(a[None], b), (A[0], B)),
    "solve": (LA.solve, jnp.linalg.solve, (A, B)),
    "solve for a vector": (LA.solve, jnp.linalg.solve, (A[0], B[0, :, 0])),
    "solve for one vector with many": (LA.solve, lambda a, b: jnp.linalg.solve(a, b[:, None])[..., 0], (A, B[0, :, 0])),
    "solve, complex": (LA.solve, jnp.linalg.solve, (C, C + 1)),
    "solve of nothing": (LA.solve, jnp.linalg.solve, (NOTHING, np.zeros((2, 0, 3)))),
    "tridiagonal_solve": (LA.tridiagonal_solve, jax.lax.linalg.tridiagonal_solve, (*DIAGONALS, B)),
    "tridiagonal_solve, broadcast": (LA.tridiagonal_solve, lambda *x: jax.lax.linalg.tridiagonal_solve(*jnp.broadcast_arrays(*x[:3]), x[3]), (DIAGONALS[0], DIAGONALS[1, 0], DIAGONALS[2], B)),
    "tridiagonal_solve, complex": (LA.tridiagonal_solve, jax.lax.linalg.tridiagonal_solve, (C[:, 0], C[:, 1], C[:, 2], C)),
    "tridiagonal_solve of one": (LA.tridiagonal_solve, jax.lax.linalg.tridiagonal_solve, (*np.ones((3, 1)), B[0, :1])),
    "inv": (LA.inv, jnp.linalg.inv, (A,)),
    "det": (LA.det, jnp.linalg.det, (A,)),
    "det, singular": (LA.det, jnp.linalg.det, (SINGULAR,)),
    "det, complex": (LA.det, jnp.linalg.det, (C,)),
    "det of one": (LA.det, jnp.linalg.det, (np.array([[3.0]]),)),
    "slogdet": (LA.slogdet, jnp.linalg.slogdet, (A,)),
    "slogdet, complex": (LA.slogdet, jnp.linalg.slogdet, (C,)),
    "qr": (LA.qr, jnp.linalg.qr, (B,)),
    "qr, square": (LA.qr, jnp.linalg.qr, (A,)),
    "qr, complex": (LA.qr, jnp.linalg.qr, (C,)),
    "qr, complete and wide": (lambda x: LA.qr(x[..., :3], mode="complete"), lambda x: jnp.linalg.qr(x[..., :3]), (WIDE,)),
    "eigh": (rebuilt(ours_eigh, weights), rebuilt(theirs_eigh, weights), (A,)),
    "eigh, complex": (rebuilt(ours_eigh, weights), rebuilt(theirs_eigh, weights), (C,)),
    "eig": (rebuilt_eig(sp.exp), lambda x: jax.scipy.linalg.expm(x).astype(complex), (A,)),
    "eig, complex": (rebuilt_eig(sp.exp), jax.scipy.linalg.expm, (C,)),
    "eigvals": (LA.eigvals, jnp.linalg.eigvals, (A,)),
    "eigvals, complex": (LA.eigvals, jnp.linalg.eigvals, (C,)),
    "eigvals of nothing": (LA.eigvals, lambda x: jnp.zeros((2, 0), complex), (NOTHING,)),
    "eigvalsh": (LA.eigvalsh, jnp.linalg.eigvalsh, (A,)),
    "eigvalsh, equal": (LA.eigvalsh, jnp.linalg.eigvalsh, (np.eye(3),)),
    **{f"svd {x.shape}": (rebuilt(lambda x: LA.svd(x, full_matrices=False), weights), rebuilt(lambda x: jnp.linalg.svd(x, full_matrices=False), weights), (x,)) for x in (A, B, WIDE, C)},
    "svdvals": (LA.svdvals, lambda x: jnp.linalg.svd(x, compute_uv=False), (WIDE,)),
    **{f"pinv {x.shape}": (LA.pinv, jnp.linalg.pinv, (x,)) for x in (A, B, WIDE, C)},
    "multi_dot": (lambda *x: LA.multi_dot(x), lambda *x: jnp.linalg.multi_dot(x), (A[0, 0], A[1], B[0], B[1].T)),
    "multi_dot of vectors": (lambda *x: LA.multi_dot(x), lambda *x: jnp.linalg.multi_dot(x), (A[0, 0], A[1], B[0, :, 0])),
    "tensorsolve": (LA.tensorsolve, jnp.linalg.tensorsolve, (A.reshape(2, 4, 2, 2, 1)[0], B[0, :, 0])),
    "tensorsolve, axes": (lambda a, b: LA.tensorsolve(a, b, axes=(0,)), lambda a, b: jnp.linalg.tensorsolve(a, b, axes=(0,)), (A[0], B[0, :, 0])),
    "tensorinv": (lambda a: LA.tensorinv(a, ind=1), lambda a: jnp.linalg.tensorinv(a, ind=1), (A[0].reshape(4, 2, 2),)),
    "pinv of low rank": (LA.pinv, jnp.linalg.pinv, (np.ones((3, 2)),)),
    "pinv with rtol": (lambda x: LA.pinv(x, rtol=0.5), lambda x: jnp.linalg.pinv(x, rtol=0.5), (B,)),
    "lstsq": (*LSTSQ, (B, B)),
    "lstsq, wide": (*LSTSQ, (WIDE[0], B[0, :3, 0].copy())),
    "cond": (LA.cond, jnp.linalg.cond, (B,)),
    "cond, smallest": (lambda x: LA.cond(x, -2), lambda x: jnp.linalg.cond(x, -2), (A,)),
    "cond, fro": (lambda x: LA.cond(x, "fro"), lambda x: jnp.linalg.cond(x, "fro"), (A,)),
    "cond, inf": (lambda x: LA.cond(x, np.inf), lambda x: jnp.linalg.cond(x, np.inf), (A,)),
    **{f"expm {s}": (LA.expm, jax.scipy.linalg.expm, (s * A,)) for s in (0.1, 1.0, 9.0)},
    "expm in a batch of sizes": (LA.expm, jax.scipy.linalg.expm, (np.array([0.01, 20.0])[:, None, None] * A,)),
    "expm, complex": (LA.expm, jax.scipy.linalg.expm, (C,)),
    **{f"matrix_norm {o}": (lambda x, o=o: LA.matrix_norm(x, ord=o), lambda x, o=o: jnp.linalg.matrix_norm(x, ord=o), (B,)) for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)},
    "matrix_norm, keepdims": (lambda x: LA.matrix_norm(x, keepdims=True, ord=2), lambda x: jnp.linalg.matrix_norm(x, keepdims=True, ord=2), (B,)),
    "norm of all": (LA.norm, jnp.linalg.norm, (B,)),
    "norm along one": (lambda x: LA.norm(x, 1, axis=1), lambda x: jnp.linalg.norm(x, 1, axis=1), (B,)),
    "norm of a matrix": (lambda x: LA.norm(x, 2), lambda x: jnp.linalg.norm(x, 2), (B[0],)),
    "norm of outer axes": (lambda x: LA.norm(x, "nuc", axis=(0, 2), keepdims=True), lambda x: jnp.linalg.norm(x, "nuc", axis=(0, 2), keepdims=True), (B,)),
    **{f"matrix_power {n}": (lambda x, n=n: LA.matrix_power(x, n), lambda x, n=n: jnp.linalg.matrix_power(x, n), (A,)) for n in (0, 1, 2, 5, 6, -2)},
    "vector_norm": (lambda x: LA.vector_norm(x, axis=(0, 2), ord=3), lambda x: jnp.linalg.vector_norm(x, axis=(0, 2), ord=3), (B,)),
    "trace": (LA.trace, lambda x: jnp.trace(x, axis1=-2, axis2=-1), (A,)),
    "x.det()": (lambda x: x.det(), jnp.linalg.det, (A,)),
    "x.inverse()": (lambda x: x.inverse(), jnp.linalg.inv, (A,)),
}  # fmt: skip


def leaves(x):
    return tuple(x) if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("name", CASES)
def test_like_jax(name):
    ours, theirs, arrays = CASES[name]

    def mine(*xs):
        return leaves(ours(*xs))

    def other(*xs):
        return leaves(theirs(*xs))

    value, pullback = sp.vjp(mine, *arrays)
    seeds = [RNG.normal(size=x.shape).astype(x.dtype) for x in jax.eval_shape(other, *arrays)]

    @jax.jit
    def both(seeds, *xs):
        expected, back = jax.vjp(other, *xs)
        return expected, back(seeds)

    expected, slopes = both(tuple(seeds), *arrays)
    for got, wanted in zip(value, expected, strict=True):
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9, atol=1e-11)
    found = pullback(tuple(sp.tensor(seed) for seed in seeds))
    for got, wanted in zip(found, slopes, strict=True):
        scale = np.abs(wanted).max(initial=1)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-7, atol=1e-9 * scale)


def test_tridiagonal_solve_pivots_and_leaves_the_corners():
    lower, diagonal, upper = np.array([[np.nan, 3.0, 1.0], [0.0, 0.0, 2.0], [4.0, 5.0, np.nan]])
    dense = np.diag(diagonal) + np.diag(lower[1:], -1) + np.diag(upper[:-1], 1)

    x = LA.tridiagonal_solve(lower, diagonal, upper, A[0, :3, 0])

    np.testing.assert_allclose(dense @ x.numpy(), A[0, :3, 0], rtol=1e-14)
    with pytest.raises(ShapeError, match="each diagonal"):
        LA.tridiagonal_solve(lower[1:], diagonal, upper, lower)


def test_what_has_no_derivative():
    np.testing.assert_array_equal(LA.matrix_rank(SINGULAR).numpy(), 2)
    np.testing.assert_array_equal(LA.matrix_rank(B).numpy(), [3, 3])
    assert LA.matrix_rank(B, rtol=10.0).numpy().tolist() == [0, 0]
    found = LA.lstsq(B, P)
    expected = [np.linalg.lstsq(b, p) for b, p in zip(B, P, strict=True)]
    np.testing.assert_allclose(found.residuals.numpy(), [e[1] for e in expected])
    np.testing.assert_allclose(found.singular_values.numpy(), [e[3] for e in expected])
    for x in (B, WIDE, np.zeros((0, 3)), np.zeros((3, 0))):
        q, r = LA.qr(x, mode="complete")
        u, s, vh = LA.svd(x)
        for got, wanted in zip(
            (q, r, s), (*np.linalg.qr(x, mode="complete"), np.linalg.svdvals(x)), strict=True
        ):
            np.testing.assert_allclose(got.numpy(), wanted, atol=1e-12)
        m, n = x.shape[-2:]
        assert (u.shape[-2:], vh.shape[-2:]) == ((m, m), (n, n))
        middle = np.zeros(x.shape)
        middle[..., range(min(m, n)), range(min(m, n))] = s.numpy()
        np.testing.assert_allclose(u.numpy() @ middle @ vh.numpy(), x, atol=1e-12)


def test_eigenvectors_move_as_in_torch():
    torch = pytest.importorskip("torch")
    weight = RNG.normal(size=(4, 4))

    def loss(lib, x):
        w, v = lib.linalg.eig(x)
        return (abs(v) ** 2 * lib.asarray(weight)).sum() + (abs(w) * abs(w[0] - 2)).sum()

    for a in (A[0], C[0, :3, :3] if C.ndim > 2 else C):
        weight = RNG.normal(size=a.shape)
        x = torch.tensor(a, requires_grad=True)
        loss(torch, x).backward()
        found = sp.grad(lambda x: loss(sp, x))(sp.tensor(a)).numpy()
        np.testing.assert_allclose(np.conj(found), x.grad, rtol=1e-9, atol=1e-11)


def test_names_and_types():
    q = LA.qr(B)
    assert (type(q)._fields, LA.SVD._fields, LA.Eigh._fields) == (
        ("Q", "R"),
        ("U", "S", "Vh"),
        ("eigenvalues", "eigenvectors"),
    )
    assert LA.slogdet(A)._fields == ("sign", "logabsdet")
    assert LA.inv(np.eye(2, dtype=np.int32)).dtype == sp.float32
    assert LA.solve(np.eye(2, dtype="float16"), np.ones(2, "float32")).dtype == sp.float32
    assert LA.eigvalsh(C.astype("complex64")).dtype == sp.float32


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
        (lambda: LA.matrix_norm(sp.eye(3), ord=3), UsageError),
        (lambda: LA.norm(sp.eye(3), "nuc", axis=0), UsageError),
        (lambda: LA.norm(B, 2), UsageError),
        (lambda: LA.qr(sp.eye(3), mode="raw"), UsageError),
        (lambda: LA.qr(sp.ones(3)), ShapeError),
        (lambda: LA.det(sp.ones((2, 3))), ShapeError),
        (lambda: LA.inv(sp.ones(3)), ShapeError),
        (lambda: LA.expm(sp.ones((2, 3))), ShapeError),
        (lambda: LA.eigh(sp.ones((2, 3))), ShapeError),
        (lambda: LA.solve(sp.eye(3), sp.ones(2)), ShapeError),
        (lambda: LA.solve(sp.ones((5, 3, 3)), sp.ones((4, 3, 3))), ShapeError),
        (lambda: LA.lstsq(sp.ones((3, 2)), sp.ones(2)), ShapeError),
        (lambda: LA.cond(sp.ones((3, 2)), 1), ShapeError),
        (lambda: sp.grad(lambda x: LA.svd(x).U.sum())(sp.tensor(B)).numpy(), TransformError),
        (
            lambda: sp.grad(lambda x: LA.qr(x, mode="complete").Q.sum())(sp.tensor(B)).numpy(),
            TransformError,
        ),
    ],
)
def test_mistakes(mistake, kind):
    with pytest.raises(kind) as caught:
        mistake()
    assert caught.value.span is not None


LOST = {
    "zeros": np.zeros((3, 3)),
    "first column": np.array([[0.0, 0, 1, 4], [0, 2, 3, 1], [0, 4, 5, 2], [0, 1, 3, 3]]),
    "two equal columns": np.array([[1.0, 1, 2, 5], [3, 3, 1, 2], [2, 2, 7, 1], [4, 4, 0, 3]]),
    "a zero on the diagonal": np.diag([2.0, 0, 3, 5, 4]),
    "nilpotent": np.diag([2.0, 3, 4], 1),
    "rank 2 of 4": np.array([[1.0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]),
    "large": 1e6 * np.array([[0.0, 2], [0, 3]]),
}


def cofactors(a):
    places = range(len(a))
    minors = [[np.delete(np.delete(a, i, 0), j, 1) for j in places] for i in places]
    return np.array(
        [[(-1) ** (i + j) * np.linalg.det(minors[i][j]) for j in places] for i in places]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOST)
def test_determinants_of_singular_matrices_have_derivatives(name, dtype):
    a = LOST[name].astype(dtype)
    got = np.asarray(sp.grad(LA.det)(a))
    scale = max(np.abs(cofactors(LOST[name])).max(), 1.0)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(got / scale, cofactors(LOST[name]) / scale, atol=tolerance)
