"""Bounds of index tensors: what they prove, and that they prove nothing false."""

import numpy as np
import pytest

from slopec import ir, reference
from slopec.transforms.ranges import bounds, known, within

PROGRAM = """
func.func @main(%x: tensor<3xi32>) -> (RESULTS) {
  %matrix = stablehlo.constant dense<[[0, 7], [2, -1]]> : tensor<2x2xi32>
  %iota = stablehlo.iota dim = 0 : tensor<3xi32>
  %zero = stablehlo.constant dense<0> : tensor<3xi32>
  %six = stablehlo.constant dense<6> : tensor<3xi32>
  %clamped = stablehlo.clamp %zero, %x, %six : tensor<3xi32>
  %sum = stablehlo.add %clamped, %iota : tensor<3xi32>
  %negative = stablehlo.compare LT, %iota, %zero : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %plain = stablehlo.select %negative, %x, %iota : tensor<3xi1>, tensor<3xi32>
  %unsure = stablehlo.compare LT, %x, %zero : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  %either = stablehlo.select %unsure, %six, %iota : tensor<3xi1>, tensor<3xi32>
  %row = stablehlo.reshape %sum : (tensor<3xi32>) -> tensor<3x1xi32>
  %column = stablehlo.reshape %iota : (tensor<3xi32>) -> tensor<3x1xi32>
  %pairs = stablehlo.concatenate %row, %column, dim = 1 : (tensor<3x1xi32>, tensor<3x1xi32>) -> tensor<3x2xi32>
  %bytes = stablehlo.convert %sum : (tensor<3xi32>) -> tensor<3xui8>
  %twice = stablehlo.add %x, %x : tensor<3xi32>
  return RETURNED
}
"""
EXPECTED = {
    "matrix": ([0, -1], [2, 7]),
    "iota": (0, 2),
    "clamped": (0, 6),
    "sum": (0, 8),
    "plain": (0, 2),
    "either": (0, 6),
    "pairs": ([0, 0], [8, 2]),
    "bytes": (0, 8),
    "twice": None,
}


@pytest.fixture(scope="module")
def values():
    module = ir.parse(PROGRAM.replace("(RESULTS)", "()").replace("return RETURNED", "return"))
    names = ["matrix", "iota", "zero", "six", "clamped", "sum", "negative", "plain", "unsure"]
    names += ["either", "row", "column", "pairs", "bytes", "twice"]
    ops = list(ir.body_of(ir.function(module, "main")).operations)
    return module, {name: op.operation.results[0] for name, op in zip(names, ops, strict=False)}


@pytest.mark.parametrize("name", EXPECTED)
def test_bounds(values, name):
    _, named = values
    axis = 1 if name in ("matrix", "pairs") else None
    found, expected = bounds(named[name], axis), EXPECTED[name]

    if expected is None:
        assert found is None
        return
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_within(values):
    _, named = values

    assert within(named["pairs"], 1, [8, 2])
    assert not within(named["pairs"], 1, [8, 1])
    assert not within(named["matrix"], 1, [2, 7])
    assert not within(named["twice"], None, [99])


def test_known(values):
    _, named = values

    np.testing.assert_array_equal(known(named["negative"]), [False] * 3)
    assert known(named["clamped"]) is None


def test_bounds_hold():
    given = PROGRAM.replace("RESULTS", "tensor<3xi32>, tensor<3xi32>, tensor<3x2xi32>")
    text = given.replace(
        "RETURNED", "%sum, %either, %pairs : tensor<3xi32>, tensor<3xi32>, tensor<3x2xi32>"
    )
    for x in ([-5, 3, 99], [0, 6, 7]):
        found = reference.evaluate(ir.parse(text), "main", np.int32(x))
        for name, array in zip(("sum", "either", "pairs"), found, strict=True):
            low, high = EXPECTED[name]
            assert np.all(array >= low)
            assert np.all(array <= high)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply"])
@pytest.mark.filterwarnings("error")
def test_bounds_do_not_wrap_around(name):
    least, most = -(2**63), 2**63 - 1
    right = least if name == "subtract" else most
    module = ir.parse(
        "func.func @main() {\n"
        f"  %a = stablehlo.constant dense<[{most - 1}, {most}]> : tensor<2xi64>\n"
        f"  %b = stablehlo.constant dense<{right}> : tensor<2xi64>\n"
        f"  %c = stablehlo.{name} %a, %b : tensor<2xi64>\n"
        "  return\n}"
    )
    ops = list(ir.body_of(ir.function(module, "main")).operations)

    assert bounds(ops[2].operation.results[0], None) is None
