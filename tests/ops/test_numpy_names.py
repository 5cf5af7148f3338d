"""Names of NumPy's and of `jax.nn` that compose of others: values, types and gradients are JAX's."""

import jax
import numpy as np
import pytest

import slopec as sp
from slopec.diagnostics import ShapeError, UsageError
from tests.ops.harness import Case, check, integers, normal

X = normal(3, 4)
ANGLES = np.cumsum(normal(2, 9) * 2, axis=1).astype(np.float32)
KEYS = integers(3, 2, 20, low=0, high=4)

CASES = (
    Case("matvec", lambda np, x, y: (np.matvec(x, y[0]), np.matvec(x, y)), (X, normal(5, 4))),
    Case("matvec in batches", lambda np, x, y: np.matvec(x, y), (normal(2, 1, 3, 4), normal(5, 4))),
    Case("vecmat", lambda np, x, y: (np.vecmat(x[0], y), np.vecmat(x, y)), (X, normal(4, 2))),
    Case("vecmat, conjugated", lambda np, x, y: np.vecmat(x, y), (normal(4, dtype="complex64"), normal(4, 2, dtype="complex64"))),
    *(Case(f"polyval of {n}", lambda np, p, x: np.polyval(p, x), (normal(n), X), looser=3) for n in (1, 2, 6)),
    Case("polyval, types", lambda np, p, x: np.polyval(p, x), (integers(3), X.astype(np.float16)), gradient=False),
    Case("unwrap", lambda np, x: np.unwrap(x), (ANGLES,), looser=5),
    Case("unwrap, period", lambda np, x: np.unwrap(x, discont=2.5, axis=0, period=3.0), (ANGLES,), looser=5),
    Case("ediff1d", lambda np, x, y: (np.ediff1d(x), np.ediff1d(x, to_end=y, to_begin=y[:1])), (X, normal(2))),
    Case("block", lambda np, x, y: (np.block([x, x]), np.block([[x, x], [y, y[:, :2], y[:, :2]]]), np.block(y)), (X, normal(2, 4))),
    Case("block of three dimensions", lambda np, x: np.block([[[x, 2 * x]], [[-x, x]]]), (normal(2, 3, 2),)),
    Case("piecewise", lambda np, x: np.piecewise(x, [x < -0.5, x > 0.5], [lambda x: x * x, 3.0, lambda x: np.sqrt(x + 1)]), (X,)),
    Case("piecewise, the rest 0", lambda np, x: np.piecewise(x, [x > 0], [lambda x: -x]), (X,)),
    Case("log1mexp", lambda np, x: np.log1mexp(x), (np.float32([1e-8, 1e-3, 0.5, 0.69, 0.7, 3, 20, 90]),), reference=lambda np, x: jax.nn.log1mexp(x), looser=3),
    *(Case(f"logmeanexp {axis}", lambda np, x, axis=axis: np.logmeanexp(x, axis, keepdims=True), (30 * X,), reference=lambda np, x, axis=axis: jax.nn.logmeanexp(x, axis, keepdims=True)) for axis in (None, 0, (0, 1))),
    Case("squareplus", lambda np, x: np.nn.functional.squareplus(x, 2.0), (X,), reference=lambda np, x: jax.nn.squareplus(x, 2.0)),
    *(Case(f"standardize {axis}", lambda np, x, axis=axis: np.nn.functional.standardize(x, axis), (X + 9,), reference=lambda np, x, axis=axis: jax.nn.standardize(x, axis, algorithm="stable"), looser=9) for axis in (-1, (0, 1))),
    Case("lexsort", lambda np, k: (np.lexsort(k), np.lexsort(k, axis=0), np.lexsort(k[:, 0])), (KEYS,), gradient=False),
    Case("partition", lambda np, x: np.partition(x, 3), (X,), reference=lambda np, x: np.sort(x)),
    Case("argpartition", lambda np, x: np.argpartition(x, 0), (X,), gradient=False, reference=lambda np, x: np.argsort(x)),
    *(Case(f"ravel_multi_index {mode}", lambda np, i, j, mode=mode: np.ravel_multi_index((i, j), (4, 7), mode=mode), (integers(9), integers(9, high=12, seed=1)), gradient=False) for mode in ("clip", "wrap")),
    Case("diag_indices", lambda np, x: (np.diag_indices(3), x[np.diag_indices(3)]), (X,), gradient=False),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_jax(case):
    check(case, CASES)


def test_places_are_unravelled_and_back():
    places = sp.arange(24).reshape(2, 12)
    again = sp.ravel_multi_index(sp.unravel_index(places, (2, 3, 4)), (2, 3, 4))
    assert again.tolist() == places.tolist()


def test_the_last_condition_that_holds_is_taken():
    x = np.float32([1.0, 2.0, 3.0])
    given = [x > 0, x > 1], [1, lambda x: 10 * x]
    expected = np.piecewise(x, *given)
    found = sp.piecewise(x, *given)
    np.testing.assert_array_equal(found.numpy(), expected)


MISTAKES = {
    "matvec": (lambda: sp.matvec(sp.ones(3), sp.ones(3)), ShapeError, "vectors"),
    "vecmat": (lambda: sp.vecmat(sp.ones(3), sp.ones((4, 3))), ShapeError, r"\(4, 3\)"),
    "polyval": (lambda: sp.polyval(1.0, 2.0), ShapeError, "no vector"),
    "partition": (lambda: sp.partition(sp.ones(3), 3), UsageError, "kth=3 of 3"),
    "lexsort": (lambda: sp.lexsort([]), UsageError, "no key"),
    "block": (lambda: sp.block([[sp.ones(1)], sp.ones(1)]), UsageError, "depths"),
    "block of nothing": (lambda: sp.block([]), UsageError, "empty"),
    "piecewise": (lambda: sp.piecewise(sp.ones(2), [sp.ones(2) > 0], []), UsageError, "0 functions"),
    "mode": (lambda: sp.ravel_multi_index((1,), (2,), mode="raise"), UsageError, "clip"),
    "coordinates": (lambda: sp.ravel_multi_index((1,), (2, 3)), UsageError, "1 coordinates"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    call, error, text = MISTAKES[name]
    with pytest.raises(error, match=text):
        call()
