"""Sizes that follow from constants and shapes are written into types."""

import pytest

from slopec import ir
from slopec.diagnostics import CompileError
from slopec.passes import parse_pipeline, run_pipeline

CHAIN = """func.func @main(%x: tensor<3x4xf32>) -> tensor<12xf32> {
  %s = stablehlo.constant dense<[2, 6]> : tensor<2xi32>
  %d = stablehlo.dynamic_reshape %x, %s : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<?x?xf32>
  %e = stablehlo.add %d, %d : tensor<?x?xf32>
  %t = stablehlo.transpose %e, dims = [1, 0] : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %f = stablehlo.constant dense<[12]> : tensor<1xi32>
  %r = stablehlo.dynamic_reshape %t, %f : (tensor<?x?xf32>, tensor<1xi32>) -> tensor<12xf32>
  return %r : tensor<12xf32> }"""
UNKNOWN = """func.func @main(%x: tensor<3x4xf32>, %s: tensor<2xi32>) -> tensor<12xf32> {
  %d = stablehlo.dynamic_reshape %x, %s : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<?x?xf32>
  %f = stablehlo.constant dense<[12]> : tensor<1xi32>
  %r = stablehlo.dynamic_reshape %d, %f : (tensor<?x?xf32>, tensor<1xi32>) -> tensor<12xf32>
  return %r : tensor<12xf32> }"""


def test_a_chain_becomes_static():
    module = ir.parse(CHAIN)
    run_pipeline(module, parse_pipeline("refine-shapes,expand-ops,canonicalize"))
    ir.verify(module)

    assert "?" not in str(module)
    assert "dynamic" not in str(module)


def test_sizes_of_arguments_stay_unknown_and_are_refused():
    module = ir.parse(UNKNOWN)
    run_pipeline(module, parse_pipeline("refine-shapes,expand-ops"))
    assert "tensor<?x?xf32>" in str(module)

    with pytest.raises(CompileError, match="sizes are known only at run time") as error:
        run_pipeline(module, parse_pipeline("refuse"))
    assert error.value.code == "S0302"
    assert error.value.span.line == 2
