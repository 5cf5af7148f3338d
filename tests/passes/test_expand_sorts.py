"""Sorts written as comparisons: the order stays, ties and NaN included, whatever the comparator."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from slopec import ir, reference
from slopec.passes import parse_pipeline, run_pipeline
from tests.transforms.harness import lower

RNG = np.random.default_rng(0)


def numbers(*shape):
    return np.round(RNG.normal(size=shape) * 20)


SPECIAL = np.array([3, np.nan, -np.inf, 0.0, -0.0, np.inf, -1, np.nan] * 5)
CASES = {
    "rows": (jnp.sort, numbers(4, 40)),
    "columns": (lambda x: jnp.sort(x, axis=0), numbers(70, 3)),
    "in the middle": (lambda x: jnp.argsort(x, axis=1), numbers(2, 33, 3)),
    "downwards": (lambda x: jnp.argsort(x, descending=True), numbers(3, 50)),
    "several blocks": (jnp.argsort, numbers(600)),
    "rows of several blocks": (jnp.argsort, numbers(3, 1100)),
    "two keys": (lambda x: lax.sort((x % 3, x // 3, x), num_keys=2), numbers(2, 90)),
    "integers": (jnp.argsort, numbers(2, 300).astype("int8")),
    "special": (jnp.argsort, SPECIAL),
    "the largest": (lambda x: lax.top_k(x, 5), numbers(3, 700)),
    "the largest, few in the last block": (lambda x: lax.top_k(x, 9), -np.abs(numbers(3, 517))),
    "the first the largest": (lambda x: lax.top_k(x, 10), -np.sort(np.abs(numbers(2, 517)))),
    "many of the largest": (lambda x: lax.top_k(x, 400), numbers(2, 700)),
    "the largest of special": (lambda x: lax.top_k(x, 9), SPECIAL),
    "a scalar from outside": (lambda x: lax.fori_loop(0, 3, lambda i, y: jnp.sort(y + i), x), numbers(40)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_order_stays(name):
    function, x = CASES[name]
    module = ir.parse(lower(function, x))
    before = reference.evaluate(module, "main", x)
    run_pipeline(module, parse_pipeline("inline,expand-sorts"))
    ir.verify(module)
    assert "stablehlo.sort" not in str(module)
    assert "chlo.top_k" not in str(module)
    for mine, theirs in zip(reference.evaluate(module, "main", x), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(np.signbit(mine), np.signbit(theirs))


FLOATS = """func.func @main(%x: tensor<40xf64>, %y: tensor<40xi32>) -> (tensor<40xf64>, tensor<40xi32>) {
  %0:2 = "stablehlo.sort"(%x, %y) ({ ^bb0(%a: tensor<f64>, %b: tensor<f64>, %c: tensor<i32>, %d: tensor<i32>):
    %p = stablehlo.compare DIRECTION, %a, %b : (tensor<f64>, tensor<f64>) -> tensor<i1>
    stablehlo.return %p : tensor<i1> }) {dimension = 0 : i64, is_stable = true}
    : (tensor<40xf64>, tensor<40xi32>) -> (tensor<40xf64>, tensor<40xi32>)
  return %0#0, %0#1 : tensor<40xf64>, tensor<40xi32> }"""


@pytest.mark.parametrize("direction", ["LT", "LE", "GT", "GE"])
def test_a_bare_comparison_of_floats_has_an_order(direction):
    """NaN goes last, zeros of both signs are one, ties stay in order."""
    module = ir.parse(FLOATS.replace("DIRECTION", direction))
    run_pipeline(module, parse_pipeline("expand-sorts"))
    place = np.arange(40, dtype=np.int32)
    keys = SPECIAL if direction[0] == "L" else -SPECIAL
    order = np.argsort(np.where(np.isnan(keys), np.inf, keys), kind="stable")
    order = np.concatenate([order[~np.isnan(SPECIAL[order])], order[np.isnan(SPECIAL[order])]])
    values, places = reference.evaluate(module, "main", SPECIAL, place)
    np.testing.assert_array_equal(values, SPECIAL[order])
    np.testing.assert_array_equal(places, order)


def test_a_sort_of_one_element_is_what_it_was():
    module = ir.parse(lower(jnp.sort, numbers(3, 1)))
    run_pipeline(module, parse_pipeline("inline,expand-sorts,canonicalize"))
    assert "stablehlo" not in str(module)
