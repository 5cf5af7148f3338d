"""Gradients past choices: the branch that was not taken does not matter, whatever its slopes are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import slopec as sp
from slopec import ir
from slopec.build import DERIVE, OPTIMIZE
from slopec.lower import lower
from slopec.passes import parse_pipeline, run_pipeline

jax.config.update("jax_enable_x64", True)

X = np.array([-1.0, 0.0, 0.25, 4.0])


def chosen(test, slope):
    """A derivative where a test holds, 0 elsewhere."""
    return lambda x: np.array([slope(e) if test(e) else 0.0 for e in x])


def positive(slope):
    return chosen(lambda e: e > 0, slope)


def nested(x):
    inner = sp.where(x < 1, sp.sqrt(x * (1 - x)), sp.log(x))
    return sp.where(x > 0, inner, 3 * x)


def nested_slope(e):
    if e <= 0:
        return 3.0
    return (1 - 2 * e) / (2 * np.sqrt(e * (1 - e))) if e < 1 else 1 / e


def nested_curve(e):
    if e <= 0:
        return 0.0
    return -0.25 * (e * (1 - e)) ** -1.5 if e < 1 else -1 / e**2


def joined(x):
    """Two choices by one predicate of a value that neither branch alone uses up."""
    p, y = x > 0, x * x
    return sp.where(p, sp.sqrt(y) * sp.log(x), 0) + sp.where(p, 1 / x, y) + y


def guarded(x):
    p = x > 0
    return sp.where(p, sp.log(sp.where(p, x, 1)), 0)


def looped(x):
    """A predicate that a loop computes, after what is chosen by it."""
    root = sp.sqrt(x)
    tripled = sp.fori_loop(0, 3, lambda i, c: c + x, sp.zeros_like(x))
    return sp.where(tripled > 0, root * tripled, 0)


EACH = {
    "root": (
        lambda x: sp.where(x > 0, sp.sqrt(x), 0),
        positive(lambda e: 0.5 * e**-0.5),
        positive(lambda e: -0.25 * e**-1.5),
    ),
    "second branch": (
        lambda x: sp.where(x <= 0, 0, sp.rsqrt(x)),
        positive(lambda e: -0.5 * e**-1.5),
        positive(lambda e: 0.75 * e**-2.5),
    ),
    "x log x": (
        lambda x: sp.where(x > 0, x * sp.log(x), 0),
        positive(lambda e: np.log(e) + 1),
        positive(lambda e: 1 / e),
    ),
    "quotient": (
        lambda x: sp.where(x != 0, sp.sin(x) / x, 1),
        chosen(lambda e: e != 0, lambda e: (e * np.cos(e) - np.sin(e)) / e**2),
        chosen(
            lambda e: e != 0,
            lambda e: ((2 - e**2) * np.sin(e) - 2 * e * np.cos(e)) / e**3,
        ),
    ),
    "power": (
        lambda x: sp.where(x > 0, x**1.5, 0),
        positive(lambda e: 1.5 * e**0.5),
        positive(lambda e: 0.75 * e**-0.5),
    ),
    "overflow": (
        lambda x: sp.where(x < 1, sp.exp(500 * x) - 1, x),
        lambda x: np.where(x < 1, 500 * np.exp(np.minimum(500 * x, 500)), 1),
        lambda x: np.where(x < 1, 250000 * np.exp(np.minimum(500 * x, 500)), 0),
    ),
    "lgamma": (
        lambda x: sp.where(x > 0, sp.lgamma(x), 0),
        positive(lambda e: float(jax.scipy.special.digamma(e))),
        positive(lambda e: float(jax.scipy.special.polygamma(1, e))),
    ),
    "nested": (
        nested,
        lambda x: np.array([nested_slope(e) for e in x]),
        lambda x: np.array([nested_curve(e) for e in x]),
    ),
    "joined": (
        joined,
        lambda x: positive(lambda e: np.log(e) + 1 - e**-2)(x) + np.where(x > 0, 2 * x, 4 * x),
        lambda x: positive(lambda e: 1 / e + 2 * e**-3)(x) + np.where(x > 0, 2.0, 4.0),
    ),
    "looped": (
        looped,
        positive(lambda e: 4.5 * e**0.5),
        positive(lambda e: 2.25 * e**-0.5),
    ),
    "guarded": (guarded, positive(lambda e: 1 / e), positive(lambda e: -1 / e**2)),
}


def diagonal(jacobian):
    return lambda x: np.diagonal(np.asarray(jacobian(x)))


def total(f):
    return lambda x: f(x).sum()


def in_scan(f):
    return lambda x: sp.scan(lambda c, e: (c + f(e), None), sp.tensor(np.float64(0)), x)[0]


FIRST = {
    "grad": lambda f: sp.grad(total(f)),
    "jacrev": lambda f: diagonal(sp.jacrev(f)),
    "jacfwd": lambda f: diagonal(sp.jacfwd(f)),
    "vmap of grad": lambda f: sp.vmap(sp.grad(f)),
    "grad of vmap": lambda f: sp.grad(total(sp.vmap(f))),
    "grad of scan": lambda f: sp.grad(in_scan(f)),
    "grad of checkpoint": lambda f: sp.grad(total(sp.checkpoint(f))),
    "grad of cond": lambda f: sp.grad(total(lambda x: sp.cond(x[3] > 1, f, lambda x: x, x))),
}
SECOND = {
    "grad of grad": lambda f: sp.grad(total(sp.grad(total(f)))),
    "grad of jvp": lambda f: sp.grad(total(lambda x: sp.jvp(f, (x,), (sp.ones_like(x),))[1])),
    "jvp of grad": lambda f: lambda x: sp.jvp(sp.grad(total(f)), (x,), (np.ones(4),))[1],
    "hessian": lambda f: diagonal(sp.hessian(total(f))),
    "grad of grad of scan": lambda f: sp.grad(total(sp.grad(in_scan(f)))),
    "grad of vmap of grad": lambda f: sp.grad(total(sp.vmap(sp.grad(f)))),
}


@pytest.mark.parametrize("case", EACH)
def test_each_element(case):
    f, slope, curve = EACH[case]
    with np.errstate(all="ignore"):
        for ways, expected in ((FIRST, slope(X)), (SECOND, curve(X))):
            for name, way in ways.items():
                found = np.asarray(way(f)(X))
                np.testing.assert_allclose(found, expected, 1e-9, err_msg=f"{case}, {name}")


def rows(x):
    """Rows of unit length, rows of zeros as they are."""
    norm = sp.sqrt((x * x).sum(axis=1, keepdims=True))
    return sp.where(norm > 0, x / norm, x)


def whole(x):
    norm = sp.sqrt((x * x).sum())
    return sp.where(norm > 0, x / norm, 2 * x)


def sums(x):
    return sp.where((x > 0).all(axis=1), sp.log(x).sum(axis=1), x.sum(axis=1))


def turned(x):
    p = (x > 0).all(axis=1)
    y = sp.sqrt(x).T
    return sp.where(p, y.reshape(3, 1, 2)[:, 0], 0 * x.T)


M = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 2.0]])
ROOTS = 0.5 / np.sqrt(M[1])
MISSING = np.array([[np.nan, np.inf, 1.0], [2.0, np.nan, 3.0]])


KEPT = np.where(np.isfinite(MISSING), MISSING, 0)
TAKEN = {
    "rows": (rows, [[1, 1, 1], np.array([4, -1, -1]) / 27]),
    "whole": (whole, None),
    "nothing": (lambda x: whole(0 * x), np.zeros((2, 3))),
    "sums": (sums, [[1, 1, 1], 1 / M[1]]),
    "turned": (turned, [[0, 0, 0], ROOTS]),
    "missing": (
        lambda x: sp.where(sp.isfinite(MISSING), (x - MISSING) ** 2 + sp.tanh(x * MISSING), 0),
        np.where(np.isfinite(MISSING), 2 * (M - KEPT) + KEPT / np.cosh(M * KEPT) ** 2, 0),
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_rows_and_data(case):
    f, expected = TAKEN[case]
    if expected is None:
        norm = np.sqrt((M * M).sum())
        expected = 1 / norm - M * M.sum() / norm**3
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(sp.grad(total(f))(M), expected, 1e-12, 1e-15)


POINTS = np.array([0.0, -0.0, 0.5, 1.0, 2.0, 3.0, -0.5])
WRITTEN_OUT = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "erfc": lax.erfc,
    "erf_inv": lambda x: lax.erf_inv(x / 4),
    "lgamma": lambda x: lax.lgamma(x + 1),
    "bessel_i0e": lax.bessel_i0e,
    "softplus": jax.nn.softplus,
    "logaddexp": lambda x: jnp.logaddexp(x, 0.0),
    "log_sigmoid": jax.nn.log_sigmoid,
    "sinc": jnp.sinc,
}
"""JAX exports these as choices among series, and has rules of its own for their derivatives."""
BENT = {"bessel_i0e", "softplus", "logaddexp", "log_sigmoid", "sinc"}
"""Written with |x|, or as a constant at 0, these do not show their second derivative there."""


def test_functions_that_jax_wrote_out():
    def theirs(x):
        return sum(f(row).sum() for f, row in zip(WRITTEN_OUT.values(), x, strict=True))

    x = np.tile(POINTS, (len(WRITTEN_OUT), 1))
    imported = sp.from_stablehlo(export.export(jax.jit(theirs))(x).mlir_module_serialized)
    ones = np.ones_like(x)

    with np.errstate(all="ignore"):
        slopes = np.asarray(sp.grad(imported)(x))
        curves = np.asarray(sp.hvp(imported, (x,), (ones,)))

    expected = jax.jvp(jax.grad(theirs), (x,), (ones,))
    for name, *rows in zip(WRITTEN_OUT, slopes, curves, *expected, strict=True):
        np.testing.assert_allclose(rows[0], rows[2], 1e-5, 1e-6, err_msg=name)
        where = POINTS != 0 if name in BENT else slice(None)
        np.testing.assert_allclose(rows[1][where], rows[3][where], 1e-4, 1e-4, err_msg=name)


def masks(f):
    """How many selects the program of a gradient has beyond those of the function."""
    counts = []
    for program in (f, lambda x: sp.value_and_grad(total(f))(x)):
        marked = sp.program(x=sp.spec("float32", (8, 4)))(program)
        module = lower([marked], name="main").copy()
        for pipeline in (DERIVE, OPTIMIZE):
            run_pipeline(module, parse_pipeline(pipeline))
        counts.append(len(ir.ops_in(module.operation, "stablehlo.select")))
    return counts[1] - counts[0]


def test_masks_stay_where_slopes_are_finite():
    causal = np.tri(8, dtype=bool)

    def attention(x):
        return sp.nn.functional.softmax(sp.where(causal, x @ x.T / 3.0, -np.inf), 1)

    def normalised(x):
        centred = x - x.mean(axis=0)
        y = centred * sp.rsqrt((centred**2).mean(axis=0) + 1e-5)
        return sp.where(y > 0, y, 0)

    assert masks(attention) == 1
    assert masks(normalised) == 1
