"""Routines compute what their bodies say, whether kernels take their place or not."""

import numpy as np
import pytest

import slopec as sp
from slopec import ir
from slopec.build import LEGALIZE, transform
from slopec.cost import cost_of
from slopec.passes import parse_pipeline, run_pipeline
from slopec.reference import evaluate

SOLVE = """func.func @main(%a: tensor<2x5x5xf32>, %b: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %l = stablehlo.cholesky %a, lower = true : tensor<2x5x5xf32>
  %x = "stablehlo.triangular_solve"(%l, %b) {left_side = true, lower = true,
    unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>}
    : (tensor<2x5x5xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  %y = "stablehlo.triangular_solve"(%l, %x) {left_side = true, lower = true,
    unit_diagonal = false, transpose_a = #stablehlo<transpose TRANSPOSE>}
    : (tensor<2x5x5xf32>, tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}"""


def test_routines_are_functions_until_they_are_inlined():
    module = ir.parse(SOLVE)
    transform(module)
    run_pipeline(module, parse_pipeline(LEGALIZE))
    named = [ir.symbol_name(op) for op in ir.functions(module)]
    assert named[0] == "main"
    assert len(named) == 4
    half = np.random.default_rng(0).standard_normal((2, 5, 5)).astype(np.float32)
    a, b = half @ half.swapaxes(1, 2) + np.eye(5, dtype=np.float32), half[..., :3]
    (apart,) = evaluate(module, "main", a, b)
    assert cost_of(ir.function(module, "main")).flops > 2 * 5**3
    run_pipeline(module, parse_pipeline("inline-routines"))
    assert [ir.symbol_name(op) for op in ir.functions(module)] == ["main"]
    (inlined,) = evaluate(module, "main", a, b)
    np.testing.assert_array_equal(apart, inlined)
    np.testing.assert_allclose(inlined, np.linalg.solve(a, b), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [40, 530])
def test_factors_and_solutions_of_blocks(n):
    random = np.random.default_rng(n)
    half = random.standard_normal((n, n))
    a, b = half @ half.T / n + np.eye(n), random.standard_normal((n, 2))

    @sp.jit
    def solve(a, b):
        factor = sp.linalg.cholesky(a)
        right = sp.linalg.solve_triangular(factor, b, upper=False)
        back = sp.linalg.solve_triangular(factor.mT, right, upper=True)
        return factor, back

    factor, x = solve(a, b)
    np.testing.assert_allclose(np.asarray(factor), np.linalg.cholesky(a), atol=1e-12)
    np.testing.assert_allclose(np.asarray(x), np.linalg.solve(a, b), atol=1e-10)


@pytest.mark.slow
def test_solutions_by_several_panels():
    random = np.random.default_rng(0)
    a, b = random.standard_normal((600, 600)), random.standard_normal((600, 3))
    found = sp.jit(sp.linalg.solve)(a, b)
    np.testing.assert_allclose(np.asarray(found), np.linalg.solve(a, b), atol=1e-10)
