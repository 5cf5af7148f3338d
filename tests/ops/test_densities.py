"""Functions of probabilities against JAX."""

import jax.scipy.special as jsp
import numpy as np
import pytest

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
    Case("betaln", lambda np, a, b: np.betaln(a, b), (positive(3, 1), positive(4, seed=1)), looser=10, reference=lambda np, a, b: jsp.betaln(a, b)),
    Case("multigammaln", lambda np, x: np.multigammaln(x, 3), (1 + positive(3, 4),), looser=10, reference=lambda np, x: jsp.multigammaln(x, 3)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_densities(case):
    check(case, CASES)


def test_mistakes():
    with pytest.raises(UsageError, match="at least 1"):
        sp.multigammaln(3.0, 0)
    with pytest.raises(DTypeError):
        sp.entr(sp.ones(2, dtype="complex64"))
