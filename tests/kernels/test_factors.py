"""Factorizations by kernels satisfy their defining equations, whatever the sizes and vectors."""

import numpy as np
import pytest

from slopec import dtypes
from slopec.emit import resolve
from slopec.kernels.eliminations import lu
from slopec.kernels.hardware import vectors_of
from slopec.kernels.reflections import householder, householder_product
from slopec.kernels.rotations import Patience, orthogonalize
from tests.kernels.run import TARGETS, compiled, run

SIZES = ((1, 1, 1), (2, 5, 3), (1, 3, 9), (1, 33, 33), (1, 70, 40), (2, 18, 97))
"""Batch, rows and columns, around the widths of panels and strips."""
FLOATS = (dtypes.float32, dtypes.float64)


def cases():
    """Matrices of all sizes, the last one with a column of zeros."""
    random = np.random.default_rng(0)
    found = [random.standard_normal(size).astype(FLOATS[i % 2]) for i, size in enumerate(SIZES)]
    found[-1][:, :, 4] = 0
    return found


def close(found, wanted):
    eps = np.finfo(found.dtype).eps
    wanted = np.broadcast_to(wanted, found.shape)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=8 * eps * max(wanted.shape))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_lu(target):
    given = cases()
    vectors = vectors_of(resolve(target))
    kernels = [lu(*a.shape, a.dtype, vectors) for a in given]
    found = run(compiled(kernels, target), *given)
    for i, a in enumerate(given):
        packed, pivots, order = found[3 * i : 3 * i + 3]
        k = pivots.shape[1]
        lower = np.tril(packed[..., :k], -1) + np.eye(a.shape[1], k, dtype=a.dtype)
        assert np.abs(lower).max() == 1
        close(lower @ np.triu(packed[:, :k]), np.take_along_axis(a, order[..., None], 1))
        exchanged = np.tile(np.arange(a.shape[1]), (len(a), 1))
        for rows, chosen in zip(exchanged, pivots, strict=True):
            for i, j in enumerate(chosen):
                rows[[i, j]] = rows[[j, i]]
        np.testing.assert_array_equal(exchanged, order)


def test_what_is_no_number_is_a_pivot():
    a = np.ones((1, 6, 6), np.float32)
    a[0, 4, 0] = np.nan
    kernel = lu(1, 6, 6, dtypes.float32, vectors_of(resolve(TARGETS[0])))
    packed, pivots, _ = run(compiled([kernel], TARGETS[0]), a)
    assert pivots[0, 0] == 4
    assert np.isnan(packed[0, 0, 0])


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_reflections(target):
    given = [*cases(), np.full((1, 9, 4), 1e30, np.float32), np.full((1, 9, 4), 1e-200)]
    vectors = vectors_of(resolve(target))
    found = run(compiled([householder(*a.shape, a.dtype, vectors) for a in given], target), *given)
    pairs = list(zip(found[::2], found[1::2], strict=True))
    products, operands = [], []
    for packed, taus in pairs:
        k = taus.shape[1]
        rows = packed.shape[1]
        operands += [np.ascontiguousarray(packed[..., :k]), taus]
        products.append(householder_product(len(packed), rows, k, rows, packed.dtype, vectors))
    orthogonal = run(compiled(products, target), *operands)
    for a, (packed, _), q in zip(given, pairs, orthogonal, strict=True):
        scale = np.abs(a).max()
        close(q.swapaxes(1, 2) @ q, np.eye(q.shape[1]))
        close(q @ (np.triu(packed) / scale), a / scale)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_rotations(target):
    random = np.random.default_rng(1)
    given = [
        random.standard_normal((batch, n, n)).astype(FLOATS[n % 2])
        for batch, n in ((1, 1), (1, 2), (2, 7), (1, 16), (1, 33))
    ]
    given[-1][:, 3] = 0
    vectors = vectors_of(resolve(target))
    kernels = []
    for a in given:
        eps = float(np.finfo(a.dtype).eps)
        patience = Patience(eps, 8 * eps, 30)
        kernels.append(orthogonalize(*a.shape[:2], a.dtype, vectors, patience, product=True))
    found = run(compiled(kernels, target), *given)
    for a, rotated, product in zip(given, found[::2], found[1::2], strict=True):
        close(product @ a, rotated)
        close(product @ product.swapaxes(1, 2), np.eye(a.shape[1]))
        sizes = np.sort(np.linalg.norm(rotated, axis=2))[:, ::-1]
        close(sizes, np.linalg.svd(a, compute_uv=False))
