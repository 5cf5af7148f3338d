"""What is returned beside something made of it is all there, and as it was before that."""

import numpy as np
import pytest

import slopec as sp
from slopec.build import build
from slopec.lower import lower
from slopec.targets import parse_target

POOL = """func.func @main(%x: tensor<{n}xf32>) -> (tensor<{m}xf32>, tensor<{n}xf32>) {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %e = stablehlo.exponential %x : tensor<{n}xf32>
  %p = "stablehlo.reduce_window"(%e, %zero) <{{
      window_dimensions = array<i64: {window}>, window_strides = array<i64: {step}>}}> ({{
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %s : tensor<f32>
  }}) : (tensor<{n}xf32>, tensor<f32>) -> tensor<{m}xf32>
  return %p, %e : tensor<{m}xf32>, tensor<{n}xf32>
}}"""
LENGTH = 65
WINDOWS = [(1, 2), (1, 3), (1, 65), (2, 3), (3, 2)]
SPEC = sp.spec("float32", (LENGTH,))


def places(window, step):
    return (LENGTH - window) // step + 1


def pooling(window, step):
    text = POOL.format(n=LENGTH, m=places(window, step), window=window, step=step)
    function = sp.from_stablehlo(text)
    return sp.program(name=f"pool_{window}_{step}", x=SPEC)(lambda x: function(x))


@sp.program(x=SPEC)
def part(x):
    """The first element says which one changes, and is returned as it was."""
    e = sp.sort(x) * 3
    first = sp.reshape(e[:2], (1, 2))
    place = sp.clip(first.sum().astype("int32"), 0, 1)
    return first, e.at[place].set(-1.0)


@pytest.fixture(scope="module")
def program():
    rows = [pooling(*row) for row in WINDOWS]
    (artifact,) = build(lower([*rows, part], name="all"), [parse_target("llvm-cpu")])
    return artifact.load("local-sync")


@pytest.mark.parametrize(("window", "step"), WINDOWS)
def test_pooled_and_returned(program, window, step):
    x = np.random.default_rng(0).random(LENGTH, np.float32)
    pooled, whole = program[f"pool_{window}_{step}"](x)
    e = np.exp(x)
    np.testing.assert_allclose(whole, e, 1e-5)
    sums = [e[i * step : i * step + window].sum() for i in range(places(window, step))]
    np.testing.assert_allclose(pooled, sums, 1e-5)


def test_a_part_that_is_returned_is_not_overwritten(program):
    x = np.random.default_rng(1).random(LENGTH, np.float32)
    e = np.sort(x) * 3
    first, updated = program.part(x)
    np.testing.assert_allclose(first.numpy()[0], e[:2], 1e-5)
    e[min(int(e[:2].sum()), 1)] = -1
    np.testing.assert_allclose(updated, e, 1e-5)
