"""Factors and solutions by kernels equal NumPy's, whatever the sizes, sides and vectors."""

import numpy as np
import pytest

from slopec import dtypes
from slopec.emit import resolve
from slopec.kernels.hardware import vectors_of
from slopec.kernels.triangles import System, cholesky, solve
from tests.kernels.run import HOST, TARGETS, compiled, run

SIZES = ((1, 1), (1, 7), (3, 8), (1, 9), (2, 25), (1, 48), (1, 50), (2, 97))
"""Batch and rows, around the heights of panels and the widths of strips."""
COLUMNS = (1, 16, 40, 50, 3, 97, 8, 49)
FLOATS = (dtypes.float32, dtypes.float64)
FACTS = [(lower, transposed) for lower in (False, True) for transposed in (False, True)]


def positive(random, batch, n):
    half = random.standard_normal((batch, n, n))
    return half @ half.swapaxes(1, 2) / n + np.eye(n)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_factors(target):
    random = np.random.default_rng(0)
    vectors = vectors_of(resolve(target))
    cases = [(*size, FLOATS[i % 3 == 0]) for i, size in enumerate(SIZES)]
    kernels = [cholesky(batch, n, dtype, vectors) for batch, n, dtype in cases]
    given = [positive(random, batch, n).astype(dtype) for batch, n, dtype in cases]
    expected = [np.linalg.cholesky(a.astype("float64")).swapaxes(1, 2) for a in given]
    for a in given:  # what is below the diagonal is not read
        a[:, *np.tril_indices(a.shape[1], -1)] = np.nan
    for got, wanted in zip(run(compiled(kernels, target), *given), expected, strict=True):
        assert not np.tril(got, -1).any()
        tolerance = 1e-5 if got.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_solutions(target):
    random = np.random.default_rng(1)
    vectors = vectors_of(resolve(target))
    systems = [
        System(batch, n, columns, FLOATS[i % 3 == 0], *FACTS[i % 4], unit=i % 3 == 1)
        for i, ((batch, n), columns) in enumerate(zip(SIZES, COLUMNS, strict=True))
    ]
    given, expected = [], []
    for s in systems:
        t = random.standard_normal((s.batch, s.n, s.n)) / s.n + 2 * np.eye(s.n)
        b = random.standard_normal((s.batch, s.n, s.columns))
        t, b = t.astype(s.dtype), b.astype(s.dtype)
        triangle = np.tril(t) if s.lower else np.triu(t)
        if s.unit:
            triangle[:, *np.diag_indices(s.n)] = 1
        if s.transposed:
            triangle = triangle.swapaxes(1, 2)
        expected.append(np.linalg.solve(triangle.astype("float64"), b.astype("float64")))
        other = np.triu_indices(s.n, 1) if s.lower else np.tril_indices(s.n, -1)
        t[:, *other] = np.nan
        given += [t, b]
    kernels = [solve(system, vectors) for system in systems]
    for got, wanted in zip(run(compiled(kernels, target), *given), expected, strict=True):
        tolerance = 1e-5 if got.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_what_has_no_factor_is_nan():
    a = np.eye(20, dtype=np.float32)[None]
    a[0, 9, 9] = -1
    kernel = cholesky(1, 20, dtypes.float32, vectors_of(resolve(HOST)))
    (got,) = run(compiled([kernel], HOST), a)
    np.testing.assert_array_equal(got[0, :9], a[0, :9])
    assert np.isnan(got[0, 9, 9])
    assert not np.tril(got[0], -1).any()
