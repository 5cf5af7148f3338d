"""Products by kernels equal NumPy's, whatever the sizes and the width of the vectors."""

import platform

import numpy as np
import pytest

from slopec import dtypes, ir, kernels
from slopec.emit import emit, resolve
from slopec.kernels.hardware import Vectors
from slopec.kernels.matmul import Product, schedule
from tests.kernels.run import TARGETS, run

SIZES = (
    (128, 128, 128),
    (129, 131, 257),
    (140, 160, 513),
    (300, 128, 1000),
    (131, 700, 128),
    (600, 145, 200),
    (256, 256, 300),
)


def module_of(sizes):
    """One function that multiplies a pair of matrices for each of the sizes."""
    types = [(f"{m}x{k}", f"{k}x{n}", f"{m}x{n}") for m, n, k in sizes]
    given = [
        f"%{side}{i}: tensor<{t}xf32>"
        for i, (a, b, _) in enumerate(types)
        for side, t in (("a", a), ("b", b))
    ]
    results = ", ".join(f"tensor<{c}xf32>" for _, _, c in types)
    body = "\n".join(
        f"%c{i} = stablehlo.dot_general %a{i}, %b{i}, contracting_dims = [1] x [0]"
        f" : (tensor<{a}xf32>, tensor<{b}xf32>) -> tensor<{c}xf32>"
        for i, (a, b, c) in enumerate(types)
    )
    values = ", ".join(f"%c{i}" for i in range(len(sizes)))
    return f"func.func @main({', '.join(given)}) -> ({results}) {{ {body}\n return {values} : {results} }}"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="runs code for x86-64")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.cpu)
def test_products_of_any_size(target):
    text = module_of(SIZES)
    assert kernels.place_kernels(ir.parse(text), resolve(target))
    rng = np.random.default_rng(0)
    pairs = [
        (rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32))
        for m, n, k in SIZES
    ]
    for a, b in pairs[:2]:  # what is not finite stays in its row and column
        a[3, 5], b[7, -1], b[0, 2] = np.nan, np.inf, -np.inf
    got = run(emit(text.encode(), target).vmfb, *(x for pair in pairs for x in pair))
    for (a, b), c in zip(pairs, got, strict=True):
        with np.errstate(invalid="ignore"):
            exact = a.astype(np.float64) @ b
        np.testing.assert_allclose(c, exact, rtol=1e-5, atol=1e-5 * np.sqrt(a.shape[1]))


@pytest.mark.parametrize("vectors", [Vectors(64, 32), Vectors(32, 16), Vectors(16, 32)], ids=str)
def test_schedules_cover_the_result_in_even_parts(vectors):
    for m, n, k in [*SIZES, (1, 1, 1), (1024,) * 3, (4096, 17, 3), (5, 5000, 9), (2048,) * 3]:
        cut = schedule(Product(1, m, n, k, dtypes.float32), vectors)
        assert cut.columns % cut.width == 0
        assert cut.rows % cut.height == 0 or cut.rows >= m
        assert min(cut.rows, cut.columns, cut.depth) > 0
        registers = cut.height * cut.vectors + cut.vectors
        assert registers < vectors.registers


def test_small_narrow_and_other_products_stay():
    others = [module_of([sizes]) for sizes in ((8, 8, 8), (128, 128, 0), (0, 128, 128))]
    for text in (*others, module_of([(128, 128, 128)]).replace("f32", "f64")):
        assert not kernels.place_kernels(ir.parse(text), resolve(TARGETS[1]))
