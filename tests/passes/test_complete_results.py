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


PART = """func.func @main(%x: tensor<2x3xi32>, %rows: tensor<7x1xi32>)
    -> (tensor<7x1x1xi32>, tensor<1x2xi32>) {
  %zero = stablehlo.constant dense<0> : tensor<1x2xi32>
  %one = stablehlo.constant dense<[[1, 0]]> : tensor<1x2xi32>
  %factor = stablehlo.constant dense<150> : tensor<1xi32>
  %wide = stablehlo.broadcast_in_dim %x, dims = [0, 2] : (tensor<2x3xi32>) -> tensor<2x1x3xi32>
  %more = stablehlo.multiply %wide, %wide : tensor<2x1x3xi32>
  %e = "stablehlo.gather"(%more, %rows) <{dimension_numbers = #stablehlo.gather<
      offset_dims = [1, 2], collapsed_slice_dims = [1], start_index_map = [0],
      index_vector_dim = 1>, slice_sizes = array<i64: 1, 1, 1>}>
    : (tensor<2x1x3xi32>, tensor<7x1xi32>) -> tensor<7x1x1xi32>
  %cut = stablehlo.slice %e [0:2, 0:1, 0:1] : (tensor<7x1x1xi32>) -> tensor<2x1x1xi32>
  %first = stablehlo.reshape %cut : (tensor<2x1x1xi32>) -> tensor<1x2xi32>
  %last = stablehlo.constant dense<0> : tensor<1x1xi32>
  %known = stablehlo.clamp %zero, %first, %one : tensor<1x2xi32>
  %place = stablehlo.concatenate %last, %known, dim = 1
    : (tensor<1x1xi32>, tensor<1x2xi32>) -> tensor<1x3xi32>
  %updated = "stablehlo.scatter"(%e, %place, %factor) <{
      scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [0, 1, 2],
      scatter_dims_to_operand_dims = [1, 0, 2], index_vector_dim = 1>}> ({
    ^bb0(%a: tensor<i32>, %b: tensor<i32>):
      %m = stablehlo.multiply %a, %b : tensor<i32>
      stablehlo.return %m : tensor<i32>
  }) : (tensor<7x1x1xi32>, tensor<1x3xi32>, tensor<1xi32>) -> tensor<7x1x1xi32>
  return %updated, %first : tensor<7x1x1xi32>, tensor<1x2xi32>
}"""
overwritten = sp.from_stablehlo(PART)


@sp.program(x=sp.spec("int32", (2, 3)), rows=sp.spec("int32", (7, 1)))
def part(x, rows):
    """The first elements say which one changes, and are returned as they were."""
    return overwritten(x, rows)


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
    x = np.array([[1, 7, 4], [2, 9, 2]], np.int32)
    rows = np.array([[0], [1], [1], [0], [1], [0], [0]], np.int32)
    e = x[rows[:, 0], 0] ** 2
    updated, first = program.part(x, rows)
    np.testing.assert_array_equal(first.numpy()[0], e[:2])
    e[1] *= 150
    np.testing.assert_array_equal(updated.numpy()[:, 0, 0], e)
