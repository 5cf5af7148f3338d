"""Maximum pools in reverse, before and after they are written as slices and selects."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower, normal
from tests.transforms.test_drawn import windows

PASS = "expand-select-and-scatter,canonicalize"
OTHER = """
func.func public @main(%x: tensor<4xf64>, %s: tensor<2xf64>, %v: tensor<f64>) -> tensor<4xf64> {
  %0 = "stablehlo.select_and_scatter"(%x, %s, %v) <{
      window_dimensions = array<i64: 2>, window_strides = array<i64: 2>}> ({
  ^bb0(%a: tensor<f64>, %b: tensor<f64>):
    %p = stablehlo.compare DIRECTION, %a, %b : (tensor<f64>, tensor<f64>) -> tensor<i1>
    stablehlo.return %p : tensor<i1>
  }, {
  ^bb0(%a: tensor<f64>, %b: tensor<f64>):
    %t = stablehlo.FOLD %a, %b : tensor<f64>
    stablehlo.return %t : tensor<f64>
  }) : (tensor<4xf64>, tensor<2xf64>, tensor<f64>) -> tensor<4xf64>
  return %0 : tensor<4xf64>
}"""


def same(text: str, *arrays: np.ndarray) -> ir.Module:
    """The module after the pass, whose results must be what they were."""
    module = ir.parse(text)
    before = reference.evaluate(module, "main", *arrays)
    run_pipeline(module, parse_pipeline(PASS))
    after = reference.evaluate(module, "main", *arrays)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    return module


@settings(max_examples=60)
@given(windows(dilations=False), st.booleans(), st.booleans())
def test_pools(drawn, beside, greatest):
    shape, window, strides, padding = drawn[:4]
    fold, worst = (lax.max, -np.inf) if greatest else (lax.min, np.inf)

    def pool(x):
        return lax.reduce_window(x, worst, fold, window, window if beside else strides, padding)

    def both(x, ct):
        value, pullback = jax.vjp(pool, x)
        return value, *pullback(ct)

    x = np.round(normal(*shape) * 2)
    module = same(lower(both, x, ct := normal(*jax.eval_shape(pool, x).shape)), x, ct)

    assert "select_and_scatter" not in str(module)
    assert str(module).count("stablehlo.reduce_window") == 1


def test_initial_value():
    text = OTHER.replace("DIRECTION", "GE").replace("FOLD", "add")
    module = same(text, np.array([1.0, 1, 3, 4]), np.array([5.0, 6]), np.array(0.5))

    assert "select_and_scatter" not in str(module)


@pytest.mark.parametrize(("direction", "fold"), [("GT", "add"), ("GE", "multiply")])
def test_other_bodies(direction, fold):
    text = OTHER.replace("DIRECTION", direction).replace("FOLD", fold)
    module = same(text, np.array([1.0, 1, 3, 4]), np.array([5.0, 6]), np.array(0.5))

    assert "select_and_scatter" not in str(module)
