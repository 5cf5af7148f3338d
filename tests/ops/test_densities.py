"""Functions of probabilities against JAX."""

import jax.scipy.special as jsp
import numpy as np
import pytest
from scipy import special

import slopec as sp
from slopec.diagnostics import DTypeError, UsageError
from tests.ops.harness import Case, check, normal, positive

ENDS = np.array([-1.0, -0.0, 0.0, 0.5, 1.0, 3.0, np.inf, np.nan], np.float32)
P, Q = (x.ravel() for x in np.meshgrid(ENDS[:6], ENDS[:6]))

CASES = (
    Case("entr", lambda np, x: np.entr(x), (positive(3, 4),), reference=lambda np, x: jsp.entr(x)),
    Case("entr at its ends", lambda np, x: np.entr(x), (ENDS,), False, reference=lambda np, x: jsp.entr(x)),
    Case("rel_entr", lambda np, p, q: np.rel_entr(p, q), (positive(3, 1), positive(4, seed=1)), reference=lambda np, p, q: jsp.rel_entr(p, q)),
    Case("rel_entr at its ends", lambda np, p, q: np.rel_entr(p, q), (P, Q), False, reference=lambda np, p, q: jsp.rel_entr(p, q)),
    Case("ndtr", lambda np, x: np.ndtr(x), (3 * normal(3, 4),), looser=4, reference=lambda np, x: jsp.ndtr(x)),
    Case("log_ndtr", lambda np, x: np.log_ndtr(x), (np.float32([-300, -40, -12, -10.1, -9.9, -6, -1, -1e-3, 1e-3, 0.5, 3, 6, 13]),), looser=10, reference=lambda np, x: jsp.log_ndtr(x)),
    Case("log_ndtr at its ends", lambda np, x: np.log_ndtr(x), (np.float32([-np.inf, -0.0, 0.0, np.inf, np.nan]),), False, reference=lambda np, x: jsp.log_ndtr(x)),
    Case("boxcox", lambda np, x, y: np.boxcox(x, y), (positive(3, 1), np.float32([-1.5, 0.3, 1.0, 2.0])), looser=5, reference=lambda np, x, y: jsp.boxcox(x, y)),
    Case("betaln", lambda np, a, b: np.betaln(a, b), (positive(3, 1), positive(4, seed=1)), looser=10, reference=lambda np, a, b: jsp.betaln(a, b)),
    Case("multigammaln", lambda np, x: np.multigammaln(x, 3), (1 + positive(3, 4),), looser=10, reference=lambda np, x: jsp.multigammaln(x, 3)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_densities(case):
    check(case, CASES)


def test_log_ndtr_in_every_float():
    x = np.linspace(-30, 9, 300)
    for dtype, tolerance in (("float64", 1e-13), ("float16", 1e-3), ("bfloat16", 8e-3)):
        given = sp.tensor(x, dtype=dtype)
        wanted = special.log_ndtr(np.asarray(given.numpy(), np.float64))
        found = np.asarray(sp.log_ndtr(given).numpy(), np.float64)
        np.testing.assert_allclose(
            found, wanted, rtol=tolerance, atol=1e-7 if dtype == "float16" else 0
        )


def test_boxcox_near_zero():
    """By the power it is log²x / 2 there, which the quotient has no digits of."""
    x, powers = sp.tensor(3.0, dtype="float64"), np.array([0.0, 1e-12, 1e-5, 9e-3, 1.1e-2])
    slope = sp.vmap(sp.grad(lambda power: sp.boxcox(x, power)))(sp.tensor(powers))
    ln = np.log(3.0)
    wanted = [ln**2 / 2 + p * ln**3 / 3 + p**2 * ln**4 / 8 + p**3 * ln**5 / 30 for p in powers]
    np.testing.assert_allclose(slope.numpy(), wanted, rtol=1e-8)


def test_mistakes():
    with pytest.raises(UsageError, match="at least 1"):
        sp.multigammaln(3.0, 0)
    with pytest.raises(DTypeError):
        sp.entr(sp.ones(2, dtype="complex64"))
